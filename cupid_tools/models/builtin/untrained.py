"""Write the duplex energy as thermodynamics alone give it:  python -m cupid_tools.models.builtin.untrained FILE"""

from __future__ import annotations

import sys
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from cupid_tools.models.checkpoint import ModelInfo, save_model, versions
from cupid_tools.models.classifiers.duplex import Duplex, DuplexConfig
from cupid_tools.sampling.seeds import rng_for
from cupid_tools.vocab import NUCLEOTIDES

CALLED_BY_CHANCE = 0.01
"""Share of random pairs that are called: no labelled pair chooses the threshold."""
PAIRS, GUIDE, TARGET = 20_000, 22, 600


def write_untrained(path: str) -> None:
    """Save the model; its threshold is a quantile of the scores of random RNAs, 22 nt each with 600 nt."""
    model = Duplex(DuplexConfig(), 0)
    info = ModelInfo(
        classifier="duplex",
        config=asdict(DuplexConfig()),
        dim=0,
        store=None,
        threshold=float(np.quantile(_scores_of_chance(model), 1 - CALLED_BY_CHANCE)),
        training={"recipe": None, "calls": f"{CALLED_BY_CHANCE:.0%} of random RNAs, {GUIDE} nt each with {TARGET} nt"},
        metrics={},
        versions=versions(),
    )
    save_model(path, info, model.state_dict())


def _scores_of_chance(model: Duplex) -> NDArray[np.float64]:
    rng = rng_for(1, "builtin.untrained")
    side = int(PAIRS**0.5)
    rnas = ["".join(rng.choice(list(NUCLEOTIDES), length)) for length in [GUIDE] * side + [TARGET] * side]
    first, second = np.divmod(np.arange(side * side), side)
    return model.scorer(rnas).scores(first, side + second)


if __name__ == "__main__":
    write_untrained(sys.argv[1])
