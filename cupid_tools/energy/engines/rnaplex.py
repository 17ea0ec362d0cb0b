"""RNAplex of ViennaRNA, with accessibilities of both RNAs from RNAplfold.

Tafer et al., Bioinformatics 2011, doi:10.1093/bioinformatics/btr318; Bernhart et al., Bioinformatics 2006,
doi:10.1093/bioinformatics/btk014. Windows and spans are those of the settings that were measured to agree best with
IntaRNA's energies on pairs of a miRNA and a lncRNA.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cupid_tools.energy.engines.accessibility_cache import AccessibilityCache
from cupid_tools.energy.engines.arguments import INTEGER, NUMBER, fingerprint, flat, known_arguments, preset_arguments
from cupid_tools.energy.engines.base import Duplex, EngineError, duplex_of
from cupid_tools.energy.engines.pairing import can_pair, checked
from cupid_tools.energy.engines.program import synthetic_ids, workspace, write_sequences
from cupid_tools.energy.engines.settings import EngineSettings
from cupid_tools.energy.engines.vienna_programs import MODEL, Row, read_rows, vienna_program
from cupid_tools.errors import UsageError

_NAME = "RNAplex"
_KNOWN = MODEL | {
    "-l --interaction-length": INTEGER,
    "-V --scale-accessibility": NUMBER,
    "-W --winsize": INTEGER,
    "-L --span": INTEGER,
}
_DEFAULTS = {"-l": "20", "-W": "150", "-L": "100"}
_LONGEST_INTERACTION = 100
"""RNAplex reads lines of 2047 characters, with an opening energy a length."""


class RnaPlex:
    """An ``Engine`` without presets, which keeps the accessibilities of targets in the cache folder."""

    shortest = 1
    keeps = True

    def __init__(self, settings: EngineSettings) -> None:
        self._plex, version = vienna_program(_NAME, settings.timeout)
        self._fold, fold_version = vienna_program("RNAplfold", settings.timeout)
        preset_arguments("rnaplex", settings.preset, {})
        options = _DEFAULTS | known_arguments(_NAME, settings.args, _KNOWN)
        _check(options)
        self._length = int(options["-l"])
        folding = {option: value for option, value in options.items() if option not in ("-l", "-V")}
        folding |= {"-O": "", "-u": options["-l"]}
        self._fold_arguments = flat(folding)
        self._plex_arguments = flat({option: value for option, value in options.items() if option not in ("-W", "-L")})
        self.version = f"{_NAME} {version} with RNAplfold {fold_version}"
        self.fingerprint = fingerprint(options)
        folded = f"RNAplfold {fold_version}"
        self._cache = AccessibilityCache(settings.cache, folded, fingerprint(folding)) if settings.cache else None

    def duplexes(self, target: str, queries: Sequence[str]) -> list[Duplex | None]:
        """See ``Engine``; energies to 0.01 kcal/mol."""
        named = synthetic_ids(queries)
        with workspace() as folder:
            self._fold_all(target, named, folder)
            files = ["-t", write_sequences(folder / "t.fa", {"t": target})]
            files += ["-q", write_sequences(folder / "q.fa", named), "-a", folder]
            rows = read_rows(_NAME, self._plex.run([*self._plex_arguments, *map(str, files)]), named)
        return [checked(_NAME, _read(row, target, named[name]), target, named[name]) for name, row in rows.items()]

    def close(self) -> None:
        """See ``Engine``."""
        self._plex.close()
        self._fold.close()

    def _fold_all(self, target: str, named: Mapping[str, str], folder: Path) -> None:
        """Write into *folder* what it costs to open the target and the queries; a target may be known already."""
        known = _known(self._cache.path(target), target) if self._cache else None
        sequences = dict(named) if known else {"t": target, **named}
        folded = "".join(f">{name}\n{sequence}\n" for name, sequence in sequences.items())
        self._fold.run(self._fold_arguments, stdin=folded, cwd=folder)
        for name, sequence in sequences.items():
            self._widen(_file(folder, name), sequence)
        if known:
            _file(folder, "t").write_text(known, encoding="ascii")
        elif self._cache:
            self._cache.keep(target, _file(folder, "t").read_bytes())

    def _widen(self, path: Path, sequence: str) -> None:
        """Let the header of a short RNA's energies name all lengths; those above its own cost more than can be paid.

        RNAplex would leave the RNA out; of a column without numbers it takes that no such segment opens.
        """
        if not path.exists() or len(lines := path.read_text(encoding="ascii").split("\n")) != len(sequence) + 3:
            raise EngineError("RNAplfold did not write the opening energies of all nucleotides")
        if len(sequence) < self._length:
            lines[1] = " #i$\tl=" + "".join(f"{length}\t" for length in range(1, self._length + 1))
            path.write_text("\n".join(lines), encoding="ascii")


def _check(options: Mapping[str, str]) -> None:
    length, window, span = (int(options[name]) for name in ("-l", "-W", "-L"))
    if not 1 <= length <= _LONGEST_INTERACTION:
        raise UsageError(f"-l of {_NAME} must lie between 1 and {_LONGEST_INTERACTION}, not at {length}")
    if max(length, span) > window:
        raise UsageError(f"-W {window} of RNAplfold must not be below -L {span} or -l {length}")


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}_openen"


def _known(path: Path, target: str) -> str | None:
    """What was kept of *target*, unless it is not there or not whole."""
    if not path.exists():
        return None
    energies = path.read_text(encoding="ascii", errors="replace")
    return energies if energies.count("\n") == len(target) + 2 else None


def _read(row: Row | None, target: str, query: str) -> Duplex | None:
    if row is None:  # there is one as soon as a single base pair is possible, favourable or not
        if can_pair(target, query):
            raise EngineError(f"{_NAME} printed no row for a pair that can pair")
        return None
    # its own end of the query is one too low where the duplex begins at the query's first nucleotide
    return duplex_of(row.energy, row.first_start, row.first, row.second_start, row.second)
