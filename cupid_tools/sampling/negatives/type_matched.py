"""The published strategy: keep the first RNA of each positive, draw the second among the RNAs of its type."""

from __future__ import annotations

import numpy as np

from cupid_tools.sampling.negatives.space import Strategy, Stratum, fulfil


def draw(stratum: Stratum, rng: np.random.Generator) -> None:
    """Draw partners of each first RNA uniformly, without replacement."""
    anchors, positives = np.unique(stratum.a, return_counts=True)
    fulfil(stratum, anchors, positives * stratum.per_positive, rng)


STRATEGY = Strategy(draw, keeps=(0,))
