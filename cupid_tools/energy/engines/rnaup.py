"""RNAup of ViennaRNA: accessibility of both RNAs and hybridisation, over all structures of a region.

Mueckstein et al., Bioinformatics 2006, doi:10.1093/bioinformatics/btl024. It tells the region of the interaction, whose
outermost nucleotides pair, and folds it once more with RNAduplex's model to draw it. Where the drawing does not fill
the region, it prints dots alone; the outermost pairs are all that is known then.
"""

from __future__ import annotations

from collections.abc import Sequence

from cupid_tools.energy.engines.arguments import INTEGER, fingerprint, flat, known_arguments, preset_arguments
from cupid_tools.energy.engines.base import Duplex, EngineError, duplex_of
from cupid_tools.energy.engines.pairing import checked
from cupid_tools.energy.engines.program import synthetic_ids
from cupid_tools.energy.engines.settings import EngineSettings
from cupid_tools.energy.engines.vienna_programs import MODEL, PAIRS, Row, read_rows, vienna_program

_NAME = "RNAup"
_NOISE = r"[ACGUN]*&[ACGUN]*|ERROR|diff \S+"
"""The letters of a region; and how RNAup tells of an interaction that is not there."""
_KNOWN = MODEL | PAIRS | {"-d --dangles": "[02]", "-w --window": INTEGER}


class RnaUp:
    """An ``Engine`` without presets; its time grows with the cube of the target's length."""

    shortest = 4  # nt; the program ends on a query that is shorter
    keeps = False

    def __init__(self, settings: EngineSettings) -> None:
        self._program, version = vienna_program(_NAME, settings.timeout)
        preset_arguments("rnaup", settings.preset, {})
        options = known_arguments(_NAME, settings.args, _KNOWN)
        self._arguments = ["-b", "-o", "--interaction_first", *flat(options)]
        self.version = f"{_NAME} {version}"
        self.fingerprint = fingerprint(options)

    def duplexes(self, target: str, queries: Sequence[str]) -> list[Duplex | None]:
        """See ``Engine``; energies to 0.01 kcal/mol."""
        named = synthetic_ids(queries)
        sequences = "".join(f">{name}\n{sequence}\n" for name, sequence in {"t": target, **named}.items())
        printed = self._program.run(self._arguments, stdin=sequences)
        rows = read_rows(_NAME, printed, named, _NOISE)
        return [checked(_NAME, _read(row, target, named[name]), target, named[name]) for name, row in rows.items()]

    def close(self) -> None:
        """See ``Engine``."""
        self._program.close()


def _read(row: Row | None, target: str, query: str) -> Duplex | None:
    if row is None:  # none is a row too: 100 kcal/mol
        raise EngineError(f"{_NAME} printed no row for a pair")
    if row.energy >= 0:
        return None
    first, second = row.first, row.second
    if "(" not in first:
        first = _ends(row.first_end - row.first_start + 1, "(")
        second = _ends(row.second_end - row.second_start + 1, ")")
    if len(query) > len(target):  # the longer RNA stands left of the &
        first, second = second.replace(")", "("), first.replace("(", ")")
        return duplex_of(row.energy, row.second_start, first, row.first_start, second)
    return duplex_of(row.energy, row.first_start, first, row.second_start, second)


def _ends(length: int, mark: str) -> str:
    return mark if length == 1 else mark + "." * (length - 2) + mark
