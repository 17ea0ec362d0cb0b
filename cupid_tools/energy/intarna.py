"""IntaRNA (Mann, Wright & Backofen 2017, Nucleic Acids Research 45:W435): accessibility, seed and hybridisation."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from cupid_tools.energy.engine import Duplex, EngineError, duplex_of
from cupid_tools.energy.program import Program, refuse_arguments, workspace, write_sequences
from cupid_tools.energy.settings import EngineSettings
from cupid_tools.errors import MissingError, UsageError
from cupid_tools.io.atomic import atomic_write
from cupid_tools.io.streams import file_digest

OLDEST = (3, 3)
PRESET_ARGUMENTS = {
    None: (),
    "srna": ("--personality=IntaRNAsTar",),
    "mirna": ("--seedBP=6", "--seedQRange=2-8"),
    "lncrna": ("--intLenMax=60", "--intLoopMax=8", "--windowWidth=2000", "--windowOverlap=150"),
    "exact": ("--personality=IntaRNAexact",),
}
"""``srna``: tuned for bacterial sRNAs (Raden et al. 2020); ``mirna``: the seed lies in nucleotides 2-8 of the query;
``lncrna``: short interactions, found window by window, which bounds time and memory; ``exact``: no heuristic."""

_REMEDY = "conda install -c bioconda -c conda-forge intarna"
_COLUMNS = ("id1", "id2", "start1", "end1", "start2", "end2", "hybridDP", "E")
_SEED_PAIRS = 7
_TARGET = "t"

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
_ACCESSIBILITY = {"--acc", "--tacc", "--personality=intarnaduplex"}
"""Arguments that say where accessibilities come from, or that there are none: then none are kept."""


class IntaRna:
    """One call for a target with its queries, whose accessibility is then computed once.

    With a cache the target's accessibility is read from a file that IntaRNA wrote, whose rounded numbers change
    energies by up to 0.04 kcal/mol.
    """

    longest = None

    def __init__(self, settings: EngineSettings) -> None:
        self._program = Program("IntaRNA", remedy=_REMEDY, timeout=settings.timeout)
        number = self._program.version(["--version"], r"IntaRNA v?(\d+(?:\.\d+)+)")
        if tuple(map(int, number.split("."))) < OLDEST:
            wanted = ".".join(map(str, OLDEST))
            raise MissingError(f"{self._program.path} is version {number}, and {wanted} is needed", hint=_REMEDY)
        self._arguments = _checked_arguments(settings)
        self._by_length = "--seedqrange" in _names(self._arguments)
        self.version = f"IntaRNA {number}"
        self.shortest = _shortest(self._arguments)
        self._cache = self._cache_folder(settings.cache)
        self.fingerprint = "\n".join([*self._arguments, *_digests(self._arguments), f"kept={self._cache is not None}"])

    def duplexes(self, target: str, queries: Sequence[str]) -> list[Duplex | None]:
        """See ``Engine``."""
        found: list[Duplex | None] = [None] * len(queries)
        for places in self._calls(queries):
            with workspace() as folder:
                fasta = write_sequences(folder / "queries.fa", {f"q{place}": queries[place] for place in places})
                for place, duplex in self._call(folder, target, fasta).items():
                    if place not in places:
                        raise EngineError(f"IntaRNA answered for the query q{place}, which it was not given")
                    found[place] = duplex
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

    def _call(self, folder: Path, target: str, queries: Path) -> dict[int, Duplex | None]:
        fasta = write_sequences(folder / "target.fa", {_TARGET: target})
        given = self._kept_accessibility(folder, target, fasta)
        table = folder / "duplexes.csv"
        self._run(fasta, queries, [f"--out={table}", "--outMode=C", f"--outCsvCols={','.join(_COLUMNS)}", *given])
        _check_disk(folder)
        return _read(table.read_text(encoding="utf-8", errors="replace"))

    def _run(self, target: Path, queries: Path, options: Sequence[str]) -> None:
        self._program.run([*self._arguments, "-q", queries, "-t", target, "--threads=1", *options])

    def _kept_accessibility(self, folder: Path, target: str, fasta: Path) -> list[str]:
        """Options that read the target's accessibility from the cache, which gets it first where it is not there."""
        if self._cache is None:
            return []
        kept = self._cache / f"{hashlib.sha256(target.encode()).hexdigest()}.ed"
        if not kept.exists():
            probe = write_sequences(folder / "probe.fa", {"q0": "GGGAAACCC" * 3})
            self._run(
                fasta, probe, [f"--out={folder / 'unused.csv'}", "--outMode=C", f"--out=tAcc:{folder / 'kept.ed'}"]
            )
            _check_disk(folder)
            with atomic_write(kept, "wb") as handle:
                handle.write((folder / "kept.ed").read_bytes())
        return ["--tAcc=E", f"--tAccFile={kept}"]

    def _cache_folder(self, cache: str | None) -> Path | None:
        given = {argument.lower() for argument in self._arguments} | _names(self._arguments)
        if cache is None or given & _ACCESSIBILITY:
            return None
        settings = hashlib.sha256("\n".join([*self._arguments, *_digests(self._arguments)]).encode()).hexdigest()[:16]
        folder = Path(cache, f"{self.version.lower().replace(' ', '-')}-{settings}")
        folder.mkdir(parents=True, exist_ok=True)
        return folder.absolute()


def _checked_arguments(settings: EngineSettings) -> tuple[str, ...]:
    """The preset's arguments and the user's.

    Raises:
        UsageError: one of these is not for the user, or both choose a personality.
    """
    refuse_arguments("IntaRNA", settings.args, _FORBIDDEN, shortened=False)
    if "--personality" in settings.args:
        raise UsageError("IntaRNA takes its personality only with '=' (write --personality=NAME)")
    preset = PRESET_ARGUMENTS[settings.preset]
    if "--personality" in _names(preset) & _names(settings.args):
        raise UsageError(f"--preset {settings.preset} and --engine-args both choose a personality (leave one out)")
    return (*preset, *settings.args)


def _names(arguments: Sequence[str]) -> set[str]:
    """The options among *arguments*, without values, in small letters: to IntaRNA capitals are the same."""
    return {argument.partition("=")[0].lower() for argument in arguments if argument.startswith("-")}


def _shortest(arguments: Sequence[str]) -> int:
    """The number of base pairs that a seed must have; of several settings the last counts."""
    pairs = _SEED_PAIRS
    for argument, following in itertools.zip_longest(arguments, arguments[1:], fillvalue=""):
        name, _, value = argument.partition("=")
        if name.lower() == "--noseed" and value.lower() not in ("0", "false", "no"):
            return 1
        if name.lower() == "--seedbp" and (value or following).isdecimal():
            pairs = int(value or following)
    return pairs


def _digests(arguments: Sequence[str]) -> Iterator[str]:
    """The contents of files that arguments name, such as energy parameters."""
    for argument in arguments:
        value = argument.rpartition("=")[2]
        if os.path.isfile(value):
            yield file_digest(value)


def _check_disk(folder: Path) -> None:
    """IntaRNA does not say that it could not write, and a pair without a row would pass for one without interaction."""
    if not shutil.disk_usage(folder).free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def _read(text: str) -> dict[int, Duplex | None]:
    """The rows of a CSV file by number of query; a pair without a favourable interaction has none.

    Raises:
        EngineError: the file ends within a line, or is no such table.
    """
    if text and not text.endswith("\n"):
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
        target, query, start1, end1, start2, end2, structure, energy = line.split(";")
        left, right = structure.split("&")
        duplex = duplex_of(float(energy), int(start1), left, int(start2), right)
        if target != _TARGET or (duplex and (duplex.target_end, duplex.query_end) != (int(end1), int(end2))):
            raise ValueError
        return int(query.removeprefix("q")), duplex
    except ValueError:
        raise EngineError(f"IntaRNA wrote a line that cannot be read: {line[:100]}") from None
