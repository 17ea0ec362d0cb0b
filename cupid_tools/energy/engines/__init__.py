"""Engines, which compute the best duplexes of one RNA with others.

A new engine is a class in a file here, and a line below: called with ``EngineSettings`` it gives an ``Engine`` (see
``base.py``), or raises ``MissingError`` where its program or package is not there. ``auto`` takes the first that is
there: they are ordered by agreement with IntaRNA's energies, but for RNAup, which is too slow for long RNAs.
"""

from __future__ import annotations

from cupid_tools.registry import Entry, Registry

_HERE = "cupid_tools.energy.engines"

ENGINES = Registry(
    "engine",
    {
        "intarna": Entry(f"{_HERE}.intarna:IntaRna", "IntaRNA 3.3 or later: accessibility, seed, hybridisation"),
        "viennarna": Entry(
            f"{_HERE}.viennarna:ViennaRna", "ViennaRNA's Python package: suboptimal duplexes with accessibility"
        ),
        "rnaplex": Entry(f"{_HERE}.rnaplex:RnaPlex", "RNAplex of ViennaRNA with RNAplfold's accessibilities, fast"),
        "rnaup": Entry(f"{_HERE}.rnaup:RnaUp", "RNAup of ViennaRNA: accessibility and hybridisation, exact and slow"),
        "rnahybrid": Entry(f"{_HERE}.rnahybrid:RnaHybrid", "RNAhybrid: hybridisation alone"),
        "rnaduplex": Entry(f"{_HERE}.rnaduplex:RnaDuplex", "RNAduplex of ViennaRNA: hybridisation alone"),
        "seed": Entry(f"{_HERE}.seed:Seed", "the most stable stack of base pairs, by Turner's energies; no program"),
    },
)
