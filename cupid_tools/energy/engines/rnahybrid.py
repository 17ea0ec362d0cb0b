"""RNAhybrid: hybridisation alone (Rehmsmeier et al., RNA 2004, doi:10.1261/rna.5248604).

Its compact output draws a duplex as four lines of equal length: unpaired target, paired target, paired query, unpaired
query, the target from 5' to 3' and the whole query from 3' to 5'. Nothing is said of a duplex of 0 kcal/mol.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cupid_tools.energy.engines.arguments import (
    INTEGER,
    NUMBER,
    fingerprint,
    flat,
    known_arguments,
    preset_arguments,
)
from cupid_tools.energy.engines.base import Duplex, EngineError, duplex_of
from cupid_tools.energy.engines.pairing import checked
from cupid_tools.energy.engines.program import Program, synthetic_ids, workspace, write_sequences
from cupid_tools.energy.engines.settings import EngineSettings
from cupid_tools.io.streams import file_digest

_NAME = "RNAhybrid"
_PRESETS = {"mirna": {"-f": "2,7"}}
_KNOWN = {
    "-d": f"{NUMBER},{NUMBER}",
    "-s": "3utr_(fly|worm|human)",
    "-f": f"({INTEGER}),({INTEGER})",
    "-u": INTEGER,
    "-v": INTEGER,
}
_WIDTH = 80
"""Nucleotides a line: of lines of 1000 and more the program drops some, and says nothing."""
_ROW = re.compile(r"(?P<energy>-?\d+\.\d+):[^:]*:(?P<start>\d+):(?P<drawing>[^:]*:[^:]*:[^:]*:[^:]*)")


class RnaHybrid:
    """An ``Engine``; the preset ``mirna`` wants a helix without gaps of the miRNA's nucleotides 2 to 7, GU included."""

    shortest = 1
    keeps = False

    def __init__(self, settings: EngineSettings) -> None:
        self._program = Program(_NAME, remedy="apt install rnahybrid, or from Bioconda", timeout=settings.timeout)
        self._program.version(["-h"], r"(\[target sequence\] \[query sequence\])")
        preset = preset_arguments("rnahybrid", settings.preset, _PRESETS)
        options = preset | known_arguments(_NAME, settings.args, _KNOWN)
        if not {"-s", "-d"} & set(options):
            options |= {"-s": "3utr_human"}  # for its p-values, which it cannot do without; they are not read
        if "-f" in options:  # in shorter queries it overlooks the helix that it was asked for
            self.shortest = int(options["-f"].partition(",")[2]) + 1
        self._arguments = flat(options)
        self.version = f"{_NAME} (tells no version)"
        self.fingerprint = f"{fingerprint(options)} by {file_digest(self._program.path)}"

    def duplexes(self, target: str, queries: Sequence[str]) -> list[Duplex | None]:
        """See ``Engine``; energies to 0.1 kcal/mol."""
        with workspace() as folder:
            named = synthetic_ids(queries)
            target_file = write_sequences(folder / "t.fa", {"t": target}, width=_WIDTH)
            query_file = write_sequences(folder / "q.fa", named, width=_WIDTH)
            limits = ["-m", str(len(target)), "-n", str(max(map(len, queries)))]
            arguments = ["-c", *self._arguments, *limits, "-t", str(target_file), "-q", str(query_file)]
            lines = self._program.run(arguments).splitlines()
        if len(lines) != len(queries):
            raise EngineError(f"{_NAME} printed {len(lines)} lines for {len(queries)} queries")
        return [
            checked(_NAME, _read(line, f"t:{len(target)}:{name}:{len(query)}:", target, query), target, query)
            for line, (name, query) in zip(lines, named.items(), strict=True)
        ]

    def close(self) -> None:
        """See ``Engine``."""
        self._program.close()


def _read(line: str, head: str, target: str, query: str) -> Duplex | None:
    """The duplex in a line of compact output that must start with *head*."""
    row = _ROW.fullmatch(line.removeprefix(head)) if line.startswith(head) else None
    if row is None:
        raise EngineError(f"{_NAME} printed {line[:100]!r} where a row of {head!r} was due")
    if float(row["energy"]) == 0 and not row["drawing"].strip(":"):
        return None
    free, paired, query_paired, query_free = row["drawing"].split(":")
    if not len(free) == len(paired) == len(query_paired) == len(query_free):
        raise EngineError(f"{_NAME} drew a duplex in lines of different lengths: {line[:100]!r}")
    start = int(row["start"])
    letters, part = _strand(free, paired, "(")
    query_letters, query_part = _strand(query_free[::-1], query_paired[::-1], ")")
    if (letters, query_letters) != (target[start - 1 : start - 1 + len(letters)], query):
        raise EngineError(f"{_NAME} drew other RNAs than it was given: {line[:100]!r}")
    return duplex_of(float(row["energy"]), start, part, 1, query_part)


def _strand(free: str, paired: str, mark: str) -> tuple[str, str]:
    """The letters of one RNA, unpaired ones and paired ones standing in two lines, and its dot-bracket."""
    columns = [(one, other) for one, other in zip(free, paired, strict=True) if one + other != "  "]
    letters = "".join(one.strip() + other.strip() for one, other in columns)
    return letters, "".join("." if other == " " else mark for _, other in columns)
