"""Baselines that know only how common positives are."""

from __future__ import annotations

import numpy as np

from cupid_tools.evaluation.baselines.data import Pairs, Training
from cupid_tools.evaluation.metrics import Floats
from cupid_tools.evaluation.rnas import RnaTable
from cupid_tools.sampling.coded import Codes


def prevalence(train: Training, pairs: Pairs, rnas: RnaTable) -> Floats:
    """The share of positives among the train pairs, for every pair."""
    return np.full(len(pairs), np.mean(train.label, dtype=np.float64))


def type_pair_rate(train: Training, pairs: Pairs, rnas: RnaTable) -> Floats:
    """The share of positives among the train pairs of the same two types, one of each class added."""
    size = len(rnas.type_names) ** 2
    kinds = type_pair_codes(train.pairs, rnas)
    positives = np.bincount(kinds, weights=train.label, minlength=size)
    rate = (positives + 1) / (np.bincount(kinds, minlength=size) + 2)
    return np.asarray(rate[type_pair_codes(pairs, rnas)], dtype=np.float64)


def type_pair_codes(pairs: Pairs, rnas: RnaTable) -> Codes:
    """The unordered types of each pair as one number, int64 [n]."""
    a, b = rnas.types[pairs.a], rnas.types[pairs.b]
    return np.minimum(a, b) * len(rnas.type_names) + np.maximum(a, b)
