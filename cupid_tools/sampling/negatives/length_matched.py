"""As type-matched, with partners of similar length, so that length alone tells little."""

from __future__ import annotations

import numpy as np

from cupid_tools.sampling.negatives.space import Requests, Strategy, Stratum, fulfil

WINDOW = 0.1
"""Part of the RNAs of a type, in the order of length, from which a partner is drawn."""


def draw(stratum: Stratum, rng: np.random.Generator) -> None:
    """Draw, for each positive (a, b), partners of a from the window of RNAs around b in the order of length.

    The window holds ``WINDOW`` of the RNAs of b's type, but at least twice as many as are wanted, and lies as far
    as possible with b in its middle. Where it has too few free partners it is doubled.
    """
    pool = stratum.second[np.argsort(stratum.lengths[stratum.second], kind="stable")]
    rank = np.empty(len(stratum.lengths), dtype=np.int64)
    rank[pool] = np.arange(len(pool))
    pairs, copies = np.unique(np.stack([stratum.a, stratum.b]), axis=1, return_counts=True)
    lacks = copies * stratum.per_positive
    width = min(len(pool), max(int(len(pool) * WINDOW), 2 * stratum.per_positive))
    while lacks.any():
        low = np.clip(rank[pairs[1]] - width // 2, 0, len(pool) - width)
        lacks = fulfil(stratum, Requests(pairs[0], low, low + width, lacks), pool, rng)
        if width == len(pool):
            return
        width = min(2 * width, len(pool))


STRATEGY = Strategy(draw, keeps=(0,))
