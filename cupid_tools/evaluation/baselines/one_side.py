"""Baselines that see one RNA of each pair: what they get right is no interaction."""

from __future__ import annotations

import numpy as np

from cupid_tools.evaluation.baselines.composition import KMER
from cupid_tools.evaluation.baselines.data import Pairs, Sides, Training, fit_logistic
from cupid_tools.evaluation.metrics import Floats
from cupid_tools.evaluation.rnas import RnaTable


def a_only(train: Training, pairs: Pairs, rnas: RnaTable) -> Floats:
    """Logistic regression on the 3-mer profile of the first RNA alone."""
    return _one_side(train, pairs, rnas, 0)


def b_only(train: Training, pairs: Pairs, rnas: RnaTable) -> Floats:
    """Logistic regression on the 3-mer profile of the second RNA alone."""
    return _one_side(train, pairs, rnas, 1)


def _one_side(train: Training, pairs: Pairs, rnas: RnaTable, side: int) -> Floats:
    sides = Sides(train, rnas)
    counts = np.stack([_occurrences(sides, train, value, side, rnas) for value in (1, 0)])  # [2, N]
    label, rna = np.nonzero(counts)  # one weighted row an RNA and label: the same fit as on all pairs
    predict = fit_logistic(rnas.profile(KMER)[rna], (1 - label).astype(np.int8), counts[label, rna])
    return sides.value(predict(rnas.profile(KMER)), pairs, side)


def _occurrences(sides: Sides, train: Training, label: int, side: int, rnas: RnaTable) -> Floats:
    """How often each RNA stands on one side of the train pairs with this label: float64 [N]."""
    pairs = train.pairs.where(train.label == label)
    same = rnas.types[pairs.a] == rnas.types[pairs.b]
    mine, other = (sides.of(pairs)[index] for index in (side, 1 - side))
    share = np.where(same, 0.5, 1.0)  # between equal types either RNA is half the first
    size = len(rnas.rnas)
    return (np.bincount(mine, share, size) + np.bincount(other, 1 - share, size)).astype(np.float64)
