"""Intervals by resampling RNAs, not pairs: the pairs of one RNA are not independent.

Pigeonhole bootstrap (Owen 2007, Annals of Applied Statistics 1:386): units are drawn with replacement, and a pair
weighs as often as both its RNAs were drawn. A unit is an RNA, a group of relatives, or a gene.

A pair inside one unit weighs as often as that unit was drawn, not the square: how often has mean 1 but its square mean
2 (nearly), so such pairs would count double, and replicates would scatter around another number than the point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cupid_tools.evaluation.metrics import Floats, Labels, mcc, tie_ends
from cupid_tools.processors import processors
from cupid_tools.sampling.coded import Codes

BLOCK_CELLS = 1 << 19
"""Weights (replicates x rows) that one thread holds at once: 4 MB, about what a cache holds."""


class Interval(NamedTuple):
    """A percentile interval; NaN, NaN where it is not defined."""

    low: float
    high: float


UNDEFINED = Interval(np.nan, np.nan)


class Replicates(NamedTuple):
    """Metrics of each replicate, float64 [replicates]; NaN where a replicate lacks a class."""

    auroc: Floats
    auprc: Floats
    mcc: Floats


def unit_weights(strata: Codes, replicates: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw how often each unit occurs in each replicate: float32 [replicates, units].

    Args:
        strata: int64 [units]; each stratum (type of RNA) keeps its number of units, drawn with replacement.
        replicates: how many.
        rng: source of randomness.
    """
    weights = np.empty((replicates, len(strata)), dtype=np.float32)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        weights[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=replicates)
    return weights


class Resampled:
    """One set of rows under fixed unit weights, so that all methods are compared on equal replicates."""

    def __init__(
        self,
        weights: NDArray[np.float32],
        unit_a: Codes,
        unit_b: Codes,
        labels: Labels,
    ) -> None:
        """Args: weights [replicates, units]; the units of both RNAs and the label of each row [n]."""
        self._weights, self._a, self._b, self._labels = weights, unit_a, unit_b, labels

    def replicates(self, scores: Floats, threshold: float) -> Replicates:
        """Weighted metrics of *scores* [n] in every replicate; MCC is NaN without a threshold."""
        order = np.argsort(-scores, kind="stable")
        label = self._labels[order] == 1
        ends = tie_ends(scores[order])
        group = np.searchsorted(ends, np.flatnonzero(label))  # the tie of each positive
        cut, first = np.unique(group, return_index=True)
        ranked = _Ranked(
            unit_a=self._a[order],
            unit_b=self._b[order],
            within=np.flatnonzero((self._a == self._b)[order]),
            positives=np.flatnonzero(label),
            first=first,
            before=np.append(-1, ends)[cut],
            ends=ends[cut],
            called=int(np.sum(scores >= threshold)),
        )
        auroc, auprc, correlation = np.concatenate(self._map(lambda part: _block_metrics(part, ranked)), axis=1)
        return Replicates(auroc, auprc, np.full_like(auroc, np.nan) if np.isnan(threshold) else correlation)

    def _map(self, work: Callable[[NDArray[np.float32]], Floats]) -> list[Floats]:
        size = max(1, BLOCK_CELLS // max(1, len(self._labels)))
        blocks = [self._weights[start : start + size] for start in range(0, len(self._weights), size)]
        with ThreadPoolExecutor(max_workers=processors()) as pool:
            return list(pool.map(work, blocks))


class _Ranked(NamedTuple):
    """Rows [n] in descending order of score, and the E ties of equal scores that hold positives.

    Attributes:
        unit_a, unit_b: of each row.
        within: positions of the rows inside one unit.
        positives: positions of the positives, int64 [P].
        first: which of *positives* is the first of each tie, int64 [E].
        before, ends: the positions just before and at the end of each tie; -1 before the first row.
        called: rows at or above the threshold.
    """

    unit_a: Codes
    unit_b: Codes
    within: Codes
    positives: Codes
    first: Codes
    before: Codes
    ends: Codes
    called: int


def _block_metrics(weights: NDArray[np.float32], rows: _Ranked) -> Floats:
    """AUROC, AUPRC and MCC: float64 [3, replicates of the block]; sums over the cuts at which positives are found."""
    w_a = np.take(weights, rows.unit_a, axis=1)
    w = w_a * np.take(weights, rows.unit_b, axis=1)  # [R, n], whole numbers
    w[:, rows.within] = w_a[:, rows.within]
    total = np.cumsum(w, axis=1, dtype=np.float64)
    gained = np.add.reduceat(w[:, rows.positives], rows.first, axis=1, dtype=np.float64)  # [R, E]
    found = np.cumsum(gained, axis=1)
    positive = found[:, -1]
    negative = total[:, -1] - positive
    at, above = total[:, rows.ends], total[:, rows.before] * (rows.before >= 0)
    false, false_above = at - found, above - (found - gained)
    with np.errstate(divide="ignore", invalid="ignore"):
        # each positive loses to the negatives above it, and half to those of its own tie
        auroc = 1 - np.einsum("re,re->r", gained, false + false_above) / 2 / (positive * negative)
        precision = np.divide(found, at, out=np.zeros_like(found), where=at > 0)
        auprc = np.einsum("re,re->r", gained, precision) / positive
    defined = (positive > 0) & (negative > 0)  # without negatives AUPRC is 1, and says nothing
    calls = total[:, rows.called - 1] if rows.called else np.zeros_like(positive)
    ties_called = int(np.searchsorted(rows.ends, rows.called))
    tp = found[:, ties_called - 1] if ties_called else np.zeros_like(positive)
    correlation = mcc(tp, calls - tp, positive - tp, negative - (calls - tp))
    return np.where(defined, np.stack([auroc, auprc, correlation]), np.nan)


def interval(values: Floats, level: float) -> Interval:
    """The central share *level* of the defined values; not defined when fewer than half of them are."""
    defined = values[~np.isnan(values)]
    if len(defined) * 2 < max(1, len(values)):
        return UNDEFINED
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def intervals(replicates: Replicates, level: float) -> Iterator[tuple[str, Interval]]:
    """Name and interval of each metric."""
    for name, values in zip(Replicates._fields, replicates, strict=True):
        yield name, interval(values, level)
