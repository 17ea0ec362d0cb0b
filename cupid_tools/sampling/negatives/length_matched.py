"""As type-matched, with partners of similar length, so that length alone tells little."""

from __future__ import annotations

import numpy as np

from cupid_tools.sampling.negatives.space import Requests, Strategy, Stratum, fulfil, propose

WINDOW = 0.1
"""Part of the RNAs of a type, in the order of length, from which a partner is drawn."""


def draw(stratum: Stratum, rng: np.random.Generator) -> None:
    """Draw, for each positive (a, b), partners of a from the window of RNAs around b in the order of length.

    The window holds ``WINDOW`` of the RNAs of b's type, but at least twice as many as are wanted, and lies as far
    as possible with b in its middle. It is doubled for positives that find few free partners in it.
    """
    pool = stratum.second[np.argsort(stratum.lengths[stratum.second], kind="stable")]
    rank = np.empty(len(stratum.lengths), dtype=np.int64)
    rank[pool] = np.arange(len(pool))
    a, b = stratum.a, stratum.b
    lacks = np.full(len(a), stratum.per_positive)
    width = max(int(len(pool) * WINDOW), 2 * stratum.per_positive)
    while width < len(pool) and lacks.any():
        low = np.clip(rank[b] - width // 2, 0, len(pool) - width)
        lacks = propose(stratum, Requests(a, low, low + width, lacks), pool, rng)
        width *= 2
    anchors = np.unique(a)
    fulfil(stratum, anchors, np.bincount(a, weights=lacks).astype(np.int64)[anchors], rng)


STRATEGY = Strategy(draw, keeps=(0,))
