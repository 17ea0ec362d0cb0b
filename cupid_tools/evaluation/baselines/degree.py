"""Baselines that know only how often each RNA occurs in train, and nothing of sequences."""

from __future__ import annotations

import numpy as np

from cupid_tools.evaluation.baselines.data import Pairs, Sides, Training
from cupid_tools.evaluation.metrics import Floats
from cupid_tools.evaluation.rnas import RnaTable


def degrees(pairs: Pairs, size: int) -> Floats:
    """How many of *pairs* each of *size* RNAs is in, on either side: float64 [size]."""
    return (np.bincount(pairs.a, minlength=size) + np.bincount(pairs.b, minlength=size)).astype(np.float64)


def degree_a(train: Training, pairs: Pairs, rnas: RnaTable) -> Floats:
    """Train positives of the first RNA."""
    return Sides(train, rnas).value(degrees(train.positives, len(rnas.rnas)), pairs, 0)


def degree_b(train: Training, pairs: Pairs, rnas: RnaTable) -> Floats:
    """Train positives of the second RNA."""
    return Sides(train, rnas).value(degrees(train.positives, len(rnas.rnas)), pairs, 1)


def degree_sum(train: Training, pairs: Pairs, rnas: RnaTable) -> Floats:
    """Train positives of both RNAs, added."""
    degree = degrees(train.positives, len(rnas.rnas))
    return degree[pairs.a] + degree[pairs.b]


def degree_product(train: Training, pairs: Pairs, rnas: RnaTable) -> Floats:
    """Train positives of both RNAs, multiplied; each plus 1, so that one unseen RNA does not hide the other."""
    degree = degrees(train.positives, len(rnas.rnas)) + 1
    return degree[pairs.a] * degree[pairs.b]


def degree_ratio(train: Training, pairs: Pairs, rnas: RnaTable) -> Floats:
    """Log odds of positives among the train pairs of each RNA, one of each class added, summed over both RNAs."""
    positives = degrees(train.positives, len(rnas.rnas))
    negatives = degrees(train.pairs, len(rnas.rnas)) - positives
    odds = np.log((positives + 1) / (negatives + 1))
    return np.asarray(odds[pairs.a] + odds[pairs.b], dtype=np.float64)
