"""IntaRNA (Mann, Wright & Backofen 2017, Nucleic Acids Research 45:W435): accessibility, seed and hybridisation."""

from __future__ import annotations

import itertools
import math
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cupid_tools.energy.engines.accessibility_cache import AccessibilityCache
from cupid_tools.energy.engines.arguments import fingerprint
from cupid_tools.energy.engines.base import Duplex, EngineError, UnusableError, duplex_of
from cupid_tools.energy.engines.pairing import checked
from cupid_tools.energy.engines.program import Program, workspace, write_sequences
from cupid_tools.energy.engines.settings import EngineSettings
from cupid_tools.errors import UsageError

OLDEST = (3, 3)
_PRESETS: dict[str | None, dict[str, str]] = {
    None: {},
    "srna": {"--personality": "IntaRNAsTar"},
    "mirna": {"--seedBP": "6", "--seedQRange": "2-8"},
    "lncrna": {"--intLenMax": "60", "--intLoopMax": "8", "--windowWidth": "2000", "--windowOverlap": "150"},
    "exact": {"--personality": "IntaRNAexact"},
}
"""``srna``: tuned for bacterial sRNAs (Raden et al. 2020); ``mirna``: the seed lies in nucleotides 2-8 of the query;
``lncrna``: short interactions, found window by window, which bounds time and memory; ``exact``: no heuristic."""

_REMEDY = "conda install -c bioconda -c conda-forge intarna"
_COLUMNS = ("id1", "id2", "start1", "end1", "start2", "end2", "hybridDP", "E")
_TARGET = "t"
_SEED_PAIRS = 7
_OLDER_SEED_PAIRS = {"intarna1": 6}
"""By personality, where it is another number."""
_NO_ACCESSIBILITY = "intarnaduplex"
_LETTERS_TO_TRY = 30

_OURS = "cupid-tools sets it"
_PER_RNA = "it belongs to one RNA, and all are run alike"
_FORBIDDEN = {
    **dict.fromkeys(("-q", "--query", "-t", "--target", "--qId", "--tId", "--qSet", "--tSet"), _OURS),
    **dict.fromkeys(("--out", "--outMode", "--outSep", "--outCsvCols", "--outCsvSort", "--outPairwise"), _OURS),
    **dict.fromkeys(("-n", "--outNumber", "--outPerRegion"), "one row is read for each pair, the best"),
    **dict.fromkeys(("--qIdxPos0", "--tIdxPos0"), "positions are counted from 1"),
    **dict.fromkeys(("--threads",), "use --jobs"),
    **dict.fromkeys(("--default-log-file", "--parameterFile", "-h", "--help", "--fullhelp", "--version"), _OURS),
    **dict.fromkeys(("--seedTQ", "--seedTRange", "--qRegion", "--tRegion", "--qAccConstr", "--tAccConstr"), _PER_RNA),
    **dict.fromkeys(("--qAccFile", "--tAccFile", "--qShape", "--tShape"), _PER_RNA),
}
_FLAGS = {
    *("--noseed", "--outbestseedonly", "--outnolp", "--outnoguend", "--seednogu", "--seednoguend", "-v", "--verbose"),
    *("--accnolp", "--accnoguend", "--energynodangles", "--helixfulle"),
}
"""Options that take a value only behind ``=``."""


class IntaRna:
    """One call for a target with its queries, whose accessibility is then computed once.

    With a cache the target's accessibility is read from a file that IntaRNA wrote, whose rounded numbers change
    energies by up to 0.04 kcal/mol.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self._arguments = _checked_arguments(settings)
        self._program = Program("IntaRNA", remedy=_REMEDY, timeout=settings.timeout)
        number = self._program.version(["--version"], r"IntaRNA v?(\d+(?:\.\d+)+)")
        if tuple(map(int, number.split("."))) < OLDEST:
            wanted = ".".join(map(str, OLDEST))
            raise UnusableError(f"{self._program.path} is version {number}, and {wanted} is needed", hint=_REMEDY)
        options = _options(self._arguments)
        self._by_length = "--seedqrange" in options
        self.version = f"IntaRNA {number}"
        self.shortest = _shortest(options)
        if self._arguments:
            self._try_arguments()
        self.keeps = _keeps(options)
        self._cache = self._cache_for(settings.cache, options)
        self.fingerprint = f"{fingerprint(options)} kept={self._cache is not None}"

    def duplexes(self, target: str, queries: Sequence[str]) -> list[Duplex | None]:
        """See ``Engine``."""
        found: list[Duplex | None] = [None] * len(queries)
        for places in self._calls(queries):
            with workspace() as folder:
                fasta = write_sequences(folder / "queries.fa", {f"q{place}": queries[place] for place in places})
                answers = self._call(folder, target, fasta)
            if unasked := answers.keys() - set(places):
                raise EngineError(f"IntaRNA answered for the query q{min(unasked)}, which it was not given")
            for place, duplex in answers.items():
                found[place] = checked("IntaRNA", duplex, target, queries[place])
        return found

    def close(self) -> None:
        """See ``Engine``."""
        self._program.close()

    def _calls(self, queries: Sequence[str]) -> Iterator[list[int]]:
        """Which queries go into one call: with a seed range those of one length.

        IntaRNA counts the range from the 3' end, by the length of the first query, for all queries of a call.
        """
        if not self._by_length:
            yield list(range(len(queries)))
            return
        order = sorted(range(len(queries)), key=lambda place: len(queries[place]))
        for _, places in itertools.groupby(order, key=lambda place: len(queries[place])):
            yield list(places)

    def _try_arguments(self) -> None:
        """Let IntaRNA judge its arguments before hours of work: whatever they are, A never pairs with A.

        Raises:
            UsageError: it does not take them.
        """
        adenines = "A" * max(_LETTERS_TO_TRY, self.shortest)
        try:
            with workspace() as folder:
                target = write_sequences(folder / "target.fa", {_TARGET: adenines})
                queries = write_sequences(folder / "queries.fa", {"q0": adenines})
                self._table(folder / "duplexes.csv", target, queries)
        except EngineError as error:
            raise UsageError(f"IntaRNA does not run with {shlex.join(self._arguments)}: {error}") from error

    def _call(self, folder: Path, target: str, queries: Path) -> dict[int, Duplex | None]:
        fasta = write_sequences(folder / "target.fa", {_TARGET: target})
        kept = self._kept_accessibility(folder, target, fasta)
        try:
            return self._table(folder / "duplexes.csv", fasta, queries, *kept)
        except EngineError:
            if self._cache:
                self._cache.drop(target)  # it may be what is wrong: the next call computes it again
            raise

    def _table(self, table: Path, target: Path, queries: Path, *options: str) -> dict[int, Duplex | None]:
        """What IntaRNA finds, by number of query; *table* is written, and all other files of its folder are kept."""
        asked = [f"--out={table}", "--outMode=C", f"--outCsvCols={','.join(_COLUMNS)}"]
        self._program.run([*self._arguments, "-q", queries, "-t", target, *asked, *options])
        return _read(_written(table).decode(errors="replace"))

    def _kept_accessibility(self, folder: Path, target: str, fasta: Path) -> list[str]:
        """Options that read the target's accessibility from the cache, which gets it first where it is not there."""
        if self._cache is None:
            return []
        if not self._cache.path(target).exists():
            any_query = write_sequences(folder / "any.fa", {"q0": "A" * max(_LETTERS_TO_TRY, self.shortest)})
            self._table(folder / "unused.csv", fasta, any_query, f"--out=tAcc:{folder / 'kept.ed'}")
            self._cache.keep(target, _written(folder / "kept.ed"))
            return ["--tAcc=E", f"--tAccFile={folder / 'kept.ed'}"]
        return ["--tAcc=E", f"--tAccFile={self._cache.path(target)}"]

    def _cache_for(self, cache: str | None, options: Mapping[str, str]) -> AccessibilityCache | None:
        """Where accessibilities are kept; None where nothing shall be, or can be."""
        if cache is None or not self.keeps:
            return None
        return AccessibilityCache(cache, self.version, fingerprint(options))


def _keeps(options: Mapping[str, str]) -> bool:
    """Whether there are accessibilities to keep: arguments may say that there are none, or where they come from."""
    without = options.get("--personality", "").lower() == _NO_ACCESSIBILITY
    return not (without or {"--acc", "--tacc"} & set(options))


def _checked_arguments(settings: EngineSettings) -> tuple[str, ...]:
    """The user's arguments, and those of the preset that these do not replace: IntaRNA takes none twice.

    Raises:
        UsageError: one of these is not for the user, or is no option, or both choose a personality.
    """
    given = _options(settings.args)
    for option, why in _FORBIDDEN.items():
        if option.lower() in given:
            raise UsageError(f"--engine-args may not hold {option} of IntaRNA", hint=why)
    if any(argument.lower() == "--personality" for argument in settings.args):
        raise UsageError("IntaRNA takes its personality only with '='", hint="write --personality=NAME")
    preset = _PRESETS[settings.preset]
    if "--personality" in given and "--personality" in preset:
        raise UsageError(
            f"--preset {settings.preset} and --engine-args both choose a personality", hint="leave one out"
        )
    kept = {option: value for option, value in preset.items() if option.lower() not in given}
    return (*(f"{option}={value}" for option, value in kept.items()), *settings.args)


def _options(arguments: Sequence[str]) -> dict[str, str]:
    """Options -> their values, as IntaRNA takes them apart: in any case; values behind ``=``, a letter, or a blank.

    Raises:
        UsageError: a word belongs to no option; IntaRNA would overlook it.
    """
    options, words = {}, list(arguments)
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            raise UsageError(f"--engine-args: {word!r} belongs to no option", hint="IntaRNA would overlook it")
        name, joined, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
        if words and not joined and name.lower() not in _FLAGS and not re.match("-+[A-Za-z]", words[0]):
            value = words.pop(0)
        options[name.lower()] = value
    return options


def _shortest(options: Mapping[str, str]) -> int:
    """The number of base pairs that a seed must have, or the end of the range that it must lie in."""
    if options.get("--noseed", "no").lower() not in ("0", "false", "no", "off"):
        return 1
    pairs = _OLDER_SEED_PAIRS.get(options.get("--personality", "").lower(), _SEED_PAIRS)
    if options.get("--seedbp", "").isdecimal():
        pairs = int(options["--seedbp"])
    return max([pairs, *map(int, re.findall(r"\d+", options.get("--seedqrange", "")))])


def _written(path: Path) -> bytes:
    """What IntaRNA wrote to a file.

    Raises:
        EngineError: it ended well, and wrote nothing.
    """
    content = path.read_bytes() if path.exists() else b""
    if not content:
        raise EngineError(f"IntaRNA wrote no {path.name}")
    return content


def _read(text: str) -> dict[int, Duplex | None]:
    """The rows of a CSV file by number of query; a pair without a favourable interaction has none.

    Raises:
        EngineError: the file ends within a line, or is no such table.
    """
    if not text.endswith("\n"):
        raise EngineError("IntaRNA wrote half a line")
    header, *lines = [line for line in text.splitlines() if not line.startswith("#")] or [""]
    if tuple(header.split(";")) != _COLUMNS:
        raise EngineError(f"IntaRNA wrote a table of other columns: {header[:100] or 'none'}")
    found: dict[int, Duplex | None] = {}
    for line in lines:
        place, duplex = _read_line(line)
        if place in found:
            raise EngineError(f"IntaRNA wrote two rows for one pair: {line[:100]}")
        found[place] = duplex
    return found


def _read_line(line: str) -> tuple[int, Duplex | None]:
    try:
        target, query, start1, end1, start2, end2, structure, cell = line.split(";")
        energy, place = float(cell), int(query.removeprefix("q"))
        left, right = structure.split("&")
        duplex = duplex_of(energy, int(start1), left, int(start2), right)
        if (target, query) != (_TARGET, f"q{place}") or not math.isfinite(energy):
            raise ValueError
        if duplex and (duplex.target_end, duplex.query_end) != (int(end1), int(end2)):
            raise ValueError
    except ValueError:
        raise EngineError(f"IntaRNA wrote a line that cannot be read: {line[:100]}") from None
    return place, duplex
