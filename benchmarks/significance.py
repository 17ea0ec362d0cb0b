"""How often chance gets a small p-value: shuffled miRNAs in the place of miRNAs, against lncRNAs.

    python benchmarks/significance.py [FASTA]

FASTA (default: the demo's RNAs) holds RNAs with types. For each of some pairs, 200 shuffles of the query are judged by
n others. Printed is the share of p-values at or below .05, .01 and .001, which should be these.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from cupid_tools.energy.engines import ENGINES
from cupid_tools.energy.engines.base import Engine
from cupid_tools.energy.engines.settings import EngineSettings
from cupid_tools.energy.significance import p_values
from cupid_tools.io.fasta import load_rnas
from cupid_tools.sampling.shuffles import dinucleotide_shuffles

PAIRS = {"seed": 100, "rnahybrid": 20}
"""Engine -> pairs."""
JUDGED = 200
SHUFFLES = (20, 50, 100, 1000)
LEVELS = (0.05, 0.01, 0.001)
SEED = 7


def main(fasta: str) -> None:
    """Print the table."""
    rnas = load_rnas(fasta).values()
    rng = np.random.default_rng(SEED)
    queries = rng.permutation([rna.sequence for rna in rnas if rna.type == "miRNA"])
    targets = rng.permutation([rna.sequence for rna in rnas if rna.type == "lncRNA"])
    print(f"{'engine':12} {'shuffles':>8} {'p-values':>8} " + " ".join(f"{f'<= {level}':>9}" for level in LEVELS))
    for name, count in PAIRS.items():
        engine: Engine = ENGINES.load(name)(EngineSettings())
        energies = [
            _energies(engine, str(target), str(query), rng)
            for target, query in zip(targets[:count], queries[:count], strict=True)
        ]
        engine.close()
        for shuffles in SHUFFLES:
            p = np.concatenate([_null(drawn, shuffles) for drawn in energies])
            shares = " ".join(f"{np.mean(p <= level):9.3%}" for level in LEVELS)
            print(f"{name:12} {shuffles:8} {len(p):8} {shares}")


def _energies(engine: Engine, target: str, query: str, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype]:
    """Energies of shuffles of *query*, float64 [JUDGED + most shuffles]."""
    shuffled = dinucleotide_shuffles(query, JUDGED + max(SHUFFLES), rng)
    return np.array([duplex.energy if duplex else 0.0 for duplex in engine.duplexes(target, shuffled)])


def _null(drawn: np.ndarray[tuple[int], np.dtype], shuffles: int) -> np.ndarray[tuple[int], np.dtype]:
    judged, others = drawn[:JUDGED], drawn[JUDGED : JUDGED + shuffles]
    return np.asarray(p_values(judged, np.tile(others, (JUDGED, 1))))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(Path(__file__).parent.parent / "test-data" / "rnas.fa"))
