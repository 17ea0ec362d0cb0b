"""RNAduplex of ViennaRNA: hybridisation alone (Lorenz et al., Algorithms Mol Biol 2011, doi:10.1186/1748-7188-6-26)."""

from __future__ import annotations

from collections.abc import Sequence

from cupid_tools.energy.engines.arguments import fingerprint, flat, known_arguments, preset_arguments
from cupid_tools.energy.engines.base import Duplex, EngineError, duplex_of
from cupid_tools.energy.engines.pairing import checked
from cupid_tools.energy.engines.program import synthetic_ids
from cupid_tools.energy.engines.settings import EngineSettings
from cupid_tools.energy.engines.vienna_programs import MODEL, PAIRS, read_rows, vienna_program

_NAME = "RNAduplex"
_KNOWN = MODEL | PAIRS | {"-d --dangles": "[0-3]"}


class RnaDuplex:
    """An ``Engine`` without presets; pairs go through stdin, many a call."""

    shortest = 1
    keeps = False

    def __init__(self, settings: EngineSettings) -> None:
        self._program, version = vienna_program(_NAME, settings.timeout)
        preset_arguments("rnaduplex", settings.preset, {})
        options = known_arguments(_NAME, settings.args, _KNOWN)
        self._arguments = flat(options)
        self.version = f"{_NAME} {version}"
        self.fingerprint = fingerprint(options)

    def duplexes(self, target: str, queries: Sequence[str]) -> list[Duplex | None]:
        """See ``Engine``; energies to 0.01 kcal/mol."""
        named = synthetic_ids(queries)
        pairs = "".join(f">t\n{target}\n>{name}\n{query}\n" for name, query in named.items())
        rows = read_rows(_NAME, self._program.run(self._arguments, stdin=pairs), named)
        found = []
        for name, row in rows.items():
            if row is None:  # none is a row too: 100000 kcal/mol
                raise EngineError(f"{_NAME} printed no row for a pair")
            duplex = duplex_of(row.energy, row.first_start, row.first, row.second_start, row.second)
            found.append(checked(_NAME, duplex, target, named[name]))
        return found

    def close(self) -> None:
        """See ``Engine``."""
        self._program.close()
