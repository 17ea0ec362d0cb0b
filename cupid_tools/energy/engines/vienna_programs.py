"""What the programs of the ViennaRNA package have in common: options, versions, and the line that tells of a duplex.

The line is ``((.((&)).)) 1,5 : 4,9 (-6.72 = ...)``: dot-bracket of both segments, their positions, and the energy. A
header ``>q0`` before it names the query. Log lines may stand anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from cupid_tools.energy.engines.arguments import FILE, FLAG, NUMBER
from cupid_tools.energy.engines.base import EngineError
from cupid_tools.energy.engines.program import Program

REMEDY = "install the programs of ViennaRNA, for example Bioconda's viennarna"
MODEL = {"-T --temp": NUMBER, "-P --paramFile": FILE, "--salt": NUMBER}
"""Options of the energy model that all the programs know."""
PAIRS = {"--noLP": FLAG, "--noGU": FLAG, "--noClosingGU": FLAG, "-4 --noTetra": FLAG}
"""Options of those that fold and hybridise at once."""

_ROW = re.compile(
    r"(?P<first>[.(]*)&(?P<second>[.)]*) +(?P<first_start>\d+),(?P<first_end>\d+) *: +(?P<second_start>\d+),"
    r"(?P<second_end>\d+) *\( *(?P<energy>-?\d+\.\d+)[^()]*\)( i:\d+,j:\d+ < *-?\d+\.\d+>)?"
)
_LOG = re.compile(r"\[(INFO|WARNING)\]|(INFO|WARNING):")


class Row(NamedTuple):
    """One duplex as printed; ``first`` is the RNA left of the ``&``."""

    energy: float
    first: str
    first_start: int
    first_end: int
    second: str
    second_start: int
    second_end: int


def vienna_program(name: str, timeout: float) -> tuple[Program, str]:
    """A program of the package, and which version it is.

    Raises:
        MissingError: it is not there.
    """
    program = Program(name, remedy=REMEDY, timeout=timeout)
    return program, program.version(["--version"], rf"{name} (\d[\w.-]*)")


def read_rows(program: str, printed: str, named: Mapping[str, str], noise: str = "") -> dict[str, Row | None]:
    """The row of each query, by id; None where the program printed its header alone.

    Args:
        program: for messages.
        printed: all its output.
        named: id -> query; a header with another id is the target's.
        noise: pattern of further lines that mean nothing.

    Raises:
        EngineError: a query has no header, or two rows; or a line is of no known kind.
    """
    rows: dict[str, Row | None] = {}
    name = ""
    for line in printed.splitlines():
        row = _ROW.fullmatch(line)
        if line.startswith(">"):
            name = line[1:]
            _expect(name == "t" or (name in named and name not in rows), program, line)
            rows |= {name: None}
        elif row:
            _expect(name in named and rows[name] is None, program, line)
            rows[name] = _row(row)
        else:
            _expect(bool(_LOG.match(line) or re.fullmatch(noise, line)), program, line)
    missing = [name for name in named if name not in rows]
    if missing:
        raise EngineError(f"{program} printed nothing for {len(missing)} of {len(named)} queries")
    return {name: rows[name] for name in named}


def _row(found: re.Match[str]) -> Row:
    positions = {key: int(found[key]) for key in ("first_start", "first_end", "second_start", "second_end")}
    return Row(energy=float(found["energy"]), first=found["first"], second=found["second"], **positions)


def _expect(holds: bool, program: str, line: str) -> None:
    if not holds:
        raise EngineError(f"{program} printed {line[:100]!r}, which was not asked for")
