"""How well scores rank and call labelled pairs. Ties are one cut point; what one class cannot define is NaN.

Letters: n rows, E distinct scores, from the highest down.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

CALIBRATION_BINS = 10
FDR = 0.05

Floats = NDArray[np.float64]
Labels = NDArray[np.int8]


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
    _, tp, fp = cuts(labels, scores)
    if not len(tp) or tp[-1] == 0 or fp[-1] == 0:
        return np.nan
    return float(np.sum(np.diff(fp, prepend=0) * (tp + np.append(0, tp[:-1])) / 2) / (tp[-1] * fp[-1]))


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the precision-recall curve as average precision: precision at each cut, weighted by recall gained.

    NaN without a positive.

    >>> average_precision([1, 0, 1], [0.9, 0.8, 0.1])
    0.8333333333333333
    """
    _, tp, fp = cuts(labels, scores)
    if not len(tp) or tp[-1] == 0:
        return np.nan
    return float(np.sum(np.diff(tp, prepend=0) * tp / (tp + fp)) / tp[-1])


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
