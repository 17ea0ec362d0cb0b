"""How well scores rank and call labelled pairs. Ties are one cut point; what one class cannot define is NaN.

Letters: n rows, E distinct scores, from the highest down.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

CALIBRATION_BINS = 10
FDR = 0.05
SMALLEST_P = 1e-300
"""Stands for every p-value below it, which floats cannot tell from 0."""

Floats = NDArray[np.float64]
Labels = NDArray[np.int8]
Bools = NDArray[np.bool_]


class Cuts(NamedTuple):
    """What lies at or above each distinct score.

    Attributes:
        thresholds: float64 [E], the distinct scores, descending.
        tp: float64 [E], positives with a score of at least the threshold.
        fp: float64 [E], negatives likewise.
    """

    thresholds: Floats
    tp: Floats
    fp: Floats


def cuts(labels: ArrayLike, scores: ArrayLike) -> Cuts:
    """Count true and false positives at every distinct score.

    Args:
        labels: [n], 1 or 0.
        scores: [n], finite.
    """
    y, s = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    order = np.argsort(-s, kind="stable")
    s, y = s[order], y[order]
    ends = tie_ends(s)
    tp = np.cumsum(y)[ends]
    return Cuts(s[ends], tp, ends + 1.0 - tp)


def tie_ends(ordered: NDArray[np.generic]) -> NDArray[np.int64]:
    """Where each run of equal values ends: int64 [E], ascending."""
    if not len(ordered):
        return np.zeros(0, dtype=np.int64)
    return np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1).astype(np.int64)


def auroc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counted half.

    NaN unless both classes are there.

    >>> auroc([1, 0, 1, 0], [0.9, 0.8, 0.8, 0.1])
    0.875
    """
    return _auroc(cuts(labels, scores))


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the precision-recall curve as average precision: precision at each cut, weighted by recall gained.

    NaN without a positive.

    >>> average_precision([1, 0, 1], [0.9, 0.8, 0.1])
    0.8333333333333333
    """
    return _average_precision(cuts(labels, scores))


def best_mcc_threshold(labels: ArrayLike, scores: ArrayLike) -> tuple[float, float]:
    """Find the cut with the largest Matthews correlation; calls are ``score >= threshold``.

    All distinct scores are tried; of equally good ones the highest is taken.

    Returns:
        The threshold, halfway to the next lower score where there is one, so that printed digits do not change
        calls; and its correlation. NaN, NaN unless both classes are there.

    >>> best_mcc_threshold([1, 0, 1, 0], [0.9, 0.4, 0.8, 0.2])
    (0.6000000000000001, 1.0)
    """
    thresholds, tp, fp = cuts(labels, scores)
    if not len(tp) or tp[-1] == 0 or fp[-1] == 0:
        return np.nan, np.nan
    values = mcc(tp, fp, tp[-1] - tp, fp[-1] - fp)
    best = int(np.argmax(values))
    below = thresholds[best + 1] if best + 1 < len(thresholds) else thresholds[best]
    halfway = (thresholds[best] + below) / 2
    # adjacent floats have no number between them
    return float(halfway if halfway > below else thresholds[best]), float(values[best])


def mcc(tp: ArrayLike, fp: ArrayLike, fn: ArrayLike, tn: ArrayLike) -> Floats:
    """Matthews correlation of calls and labels; 0 where all calls are the same, NaN where all labels are."""
    tp, fp, fn, tn = (np.asarray(part, dtype=np.float64) for part in (tp, fp, fn, tn))
    called, not_called = tp + fp, fn + tn
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (tp * tn - fp * fn) / np.sqrt(called * not_called) / np.sqrt((tp + fn) * (fp + tn))
    value = np.where((called == 0) | (not_called == 0), 0.0, value)
    return np.where(((tp + fn) == 0) | ((fp + tn) == 0), np.nan, value)


def recall_at_fdr(labels: ArrayLike, scores: ArrayLike, fdr: float = FDR) -> float:
    """Return the largest share of positives that a cut finds with at most *fdr* false among its calls; 0 if none."""
    return _recall_at_fdr(cuts(labels, scores), fdr)


def rank_sum(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the p-value of Wilcoxon's rank sum (Mann-Whitney U) of positives against negatives.

    Two-sided, by the normal approximation with ties and continuity; NaN unless both classes are there, at least
    ``SMALLEST_P``.
    """
    return _rank_sum(cuts(labels, scores))


def brier(labels: ArrayLike, scores: ArrayLike) -> float:
    """Mean squared distance of score and label; NaN where scores are no probabilities."""
    y, s = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    return float(np.mean((s - y) ** 2)) if are_probabilities(s) else np.nan


class Reliability(NamedTuple):
    """Scores in bins of equal width: rows, mean score and share of positives of each bin that holds rows."""

    rows: Floats
    score: Floats
    positive: Floats


def reliability(labels: ArrayLike, scores: ArrayLike, bins: int = CALIBRATION_BINS) -> Reliability:
    """Compare scores in [0, 1] with what is observed, in *bins* of equal width; empty bins are left out."""
    y, s = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    place = np.minimum((s * bins).astype(np.int64), bins - 1)
    rows = np.bincount(place, minlength=bins).astype(np.float64)
    used = rows > 0
    score, positive = (np.bincount(place, weights=values, minlength=bins)[used] / rows[used] for values in (s, y))
    return Reliability(rows[used], score, positive)


def expected_calibration_error(labels: ArrayLike, scores: ArrayLike) -> float:
    """Mean distance of score and observed share over ten bins, weighted by rows; NaN unless scores are in [0, 1]."""
    if not are_probabilities(np.asarray(scores)):
        return np.nan
    bins = reliability(labels, scores)
    return float(np.sum(bins.rows * np.abs(bins.score - bins.positive)) / np.sum(bins.rows))


def per_query_average_precision(queries: ArrayLike, labels: ArrayLike, scores: ArrayLike) -> Floats:
    """Average precision within each query that has both classes: float64 [queries], by query number.

    Args:
        queries: int64 [n], which query each row belongs to.
        labels: [n], 1 or 0.
        scores: [n], finite.
    """
    q, y, s = np.asarray(queries, dtype=np.int64), np.asarray(labels, dtype=np.float64), np.asarray(scores)
    order = np.lexsort((-s, q))
    q, y, s = q[order], y[order], s[order]
    if not len(q):
        return np.zeros(0)
    last = tie_ends(q)
    # a cut point ends a run of equal scores, or a query
    ends = np.append(np.flatnonzero((s[1:] != s[:-1]) | (q[1:] != q[:-1])), len(q) - 1)
    of_cut = np.searchsorted(last, ends)
    rows_before, tp_before = np.append(0, last + 1)[of_cut], np.append(0, np.cumsum(y)[last])[of_cut]
    tp = np.cumsum(y)[ends] - tp_before
    gained = np.diff(np.cumsum(y)[ends], prepend=0)
    sums = np.bincount(of_cut, weights=gained * tp / (ends + 1 - rows_before), minlength=len(last))
    positives = np.diff(np.cumsum(y)[last], prepend=0)
    rows = np.diff(last, prepend=-1)
    both = (positives > 0) & (positives < rows)
    return sums[both] / positives[both]


def are_probabilities(scores: NDArray[np.floating]) -> bool:
    """Whether all scores read as probabilities: they are in [0, 1], and there are some."""
    return bool(len(scores)) and bool(np.min(scores) >= 0) and bool(np.max(scores) <= 1)


def measure(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    queries: ArrayLike,
    calibrated: ArrayLike | None = None,
) -> dict[str, float]:
    """Take every metric of one set of rows.

    Args:
        labels: [n], 1 or 0.
        scores: [n], finite.
        threshold: calls are ``score >= threshold``; NaN leaves the metrics of calls undefined.
        queries: int64 [n], the query of each row.
        calibrated: [n], probabilities that other rows have made of the scores; None where there are none.

    Returns:
        name -> value in the order in which tables show them; NaN where one class, or a threshold, is missing.
    """
    y, s = np.asarray(labels, dtype=np.int8), np.asarray(scores, dtype=np.float64)
    prevalence = float(np.mean(y)) if len(y) else np.nan
    found = cuts(y, s) if 0 < prevalence < 1 else cuts((), ())  # one class ranks nothing
    precision = _average_precision(found)
    return {
        "n": float(len(y)),
        "positives": float(np.sum(y)),
        "prevalence": prevalence,
        "auroc": _auroc(found),
        "auprc": precision,
        "auprc_ratio": precision / prevalence if prevalence else np.nan,
        **call_metrics(y, s, threshold),
        "recall_at_5_fdr": _recall_at_fdr(found, FDR),
        **_query_metrics(queries, y, s),
        "rank_sum_p": _rank_sum(found),
        "ece": expected_calibration_error(y, s),
        "brier": brier(y, s),
        "ece_calibrated": math.nan if calibrated is None else expected_calibration_error(y, calibrated),
        "brier_calibrated": math.nan if calibrated is None else brier(y, calibrated),
    }


def confusion(labels: ArrayLike, scores: ArrayLike, threshold: float) -> tuple[int, int, int, int]:
    """True and false positives, false and true negatives at *threshold*."""
    y, called = np.asarray(labels) == 1, np.asarray(scores) >= threshold
    parts = (y & called, ~y & called, y & ~called, ~y & ~called)
    tp, fp, fn, tn = (int(np.sum(part)) for part in parts)
    return tp, fp, fn, tn


def call_metrics(labels: ArrayLike, scores: ArrayLike, threshold: float) -> dict[str, float]:
    """MCC, F1, balanced accuracy, precision and recall at *threshold*; precision is NaN where nothing is called."""
    names = ("mcc", "f1", "balanced_accuracy", "precision", "recall")
    tp, fp, fn, tn = confusion(labels, scores, threshold)
    if np.isnan(threshold) or not tp + fn or not fp + tn:
        return dict.fromkeys(names, np.nan)
    recall = tp / (tp + fn)
    values = (
        float(mcc(tp, fp, fn, tn)),
        2 * tp / (2 * tp + fp + fn),
        (recall + tn / (fp + tn)) / 2,
        tp / (tp + fp) if tp + fp else np.nan,
        recall,
    )
    return dict(zip(names, values, strict=True))


def _auroc(found: Cuts) -> float:
    _, tp, fp = found
    if not len(tp) or tp[-1] == 0 or fp[-1] == 0:
        return np.nan
    return float(np.sum(np.diff(fp, prepend=0) * (tp + np.append(0, tp[:-1])) / 2) / (tp[-1] * fp[-1]))


def _rank_sum(found: Cuts) -> float:
    _, tp, fp = found
    area = _auroc(found)
    if math.isnan(area):
        return math.nan
    positives, negatives, n = tp[-1], fp[-1], tp[-1] + fp[-1]
    ties = np.diff(tp + fp, prepend=0)
    variance = positives * negatives / 12 * (n + 1 - np.sum(ties**3 - ties) / (n * (n - 1)))
    if not variance > 0:  # all scores are equal
        return 1.0
    z = (abs(area - 0.5) * positives * negatives - 0.5) / math.sqrt(variance)
    return min(1.0, max(SMALLEST_P, math.erfc(z / math.sqrt(2))))


def _average_precision(found: Cuts) -> float:
    _, tp, fp = found
    if not len(tp) or tp[-1] == 0:
        return np.nan
    return float(np.sum(np.diff(tp, prepend=0) * tp / (tp + fp)) / tp[-1])


def _recall_at_fdr(found: Cuts, fdr: float) -> float:
    _, tp, fp = found
    if not len(tp) or tp[-1] == 0:
        return np.nan
    return float(np.max(np.where(fp <= fdr * (tp + fp), tp, 0)) / tp[-1])


def _query_metrics(queries: ArrayLike, labels: ArrayLike, scores: ArrayLike) -> dict[str, float]:
    values = per_query_average_precision(queries, labels, scores)
    quartiles = np.quantile(values, [0.25, 0.5, 0.75]) if len(values) else np.full(3, np.nan)
    names = ("query_auprc_q25", "query_auprc_median", "query_auprc_q75")
    return {"queries": float(len(values)), **dict(zip(names, map(float, quartiles), strict=True))}
