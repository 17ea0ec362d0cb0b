"""Negatives in which every RNA occurs as often, per positive, as among the positives: degree alone tells nothing."""

from __future__ import annotations

import numpy as np

from cupid_tools.sampling.coded import Codes
from cupid_tools.sampling.negatives.space import BATCH, Mask, Strategy, Stratum, proportional

_MATCH_PATIENCE, _EXCHANGE_PATIENCE = 2, 20
"""Slow rounds, each with success for less than ``_FAIR`` of those open, after which it ends; exchanges find more."""
_FAIR = 0.1


def draw(stratum: Stratum, rng: np.random.Generator) -> None:
    """Match as many copies of each RNA as it has positives, times the negatives wanted for each.

    The configuration model: copies of first and second RNAs are matched at random. Where a match is taken already,
    the copies are matched anew, and at last exchange partners with matches that were granted. An RNA that has more
    copies than free partners gives the surplus to the others of its side, in proportion to their positives.
    """
    left = _copies(stratum, stratum.a, stratum.second, rng)
    right = _copies(stratum, stratum.b, stratum.first, rng)
    size = min(len(left), len(right))
    left, right = left[:size], right[:size]
    kept = _match(stratum, left, right, rng)
    _exchange(stratum, left, right, kept, rng)
    stratum.keep(left[kept], right[kept])


def _copies(stratum: Stratum, side: Codes, partners: Codes, rng: np.random.Generator) -> Codes:
    rnas, positives = np.unique(side, return_counts=True)
    return rng.permutation(np.repeat(rnas, proportional(positives, stratum.room(rnas, partners), stratum.needed)))


def _match(stratum: Stratum, left: Codes, right: Codes, rng: np.random.Generator) -> Mask:
    """Match copies, in a new order of those left over as long as this helps; which matches were granted."""
    kept = stratum.grant(left, right)
    patience = _MATCH_PATIENCE
    while patience and not kept.all():
        open_ = np.flatnonzero(~kept)
        right[open_] = rng.permutation(right[open_])
        kept[open_] = stratum.grant(left[open_], right[open_])
        patience -= _is_slow(kept[open_])
    return kept


def _exchange(stratum: Stratum, left: Codes, right: Codes, kept: Mask, rng: np.random.Generator) -> None:
    """Let open matches (x, y) and granted ones (u, v) become (x, v) and (u, y), where both are free."""
    patience = _EXCHANGE_PATIENCE
    released = [(left[:0], right[:0])]
    while patience and kept.any() and not kept.all():
        open_, settled = rng.permutation(np.flatnonzero(~kept)), np.flatnonzero(kept)
        number = min(len(open_), len(settled), BATCH // 2)
        open_, other = open_[:number], rng.choice(settled, number, replace=False)
        firsts = np.concatenate([left[open_], left[other]])
        seconds = np.concatenate([right[other], right[open_]])
        both = stratum.free(firsts, seconds).reshape(2, number).all(axis=0)
        stratum.take(firsts[np.tile(both, 2)], seconds[np.tile(both, 2)])
        open_, other = open_[both], other[both]
        released.append((left[other], right[other]))
        right[open_], right[other] = right[other], right[open_]
        kept[open_] = True
        patience -= _is_slow(np.asarray(both))
    stratum.release(*(np.concatenate(part) for part in zip(*released, strict=True)))


def _is_slow(granted: Mask) -> bool:
    return bool(granted.mean() < _FAIR)


STRATEGY = Strategy(draw, keeps=(0, 1))
