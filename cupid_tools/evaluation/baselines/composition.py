"""Regressions on composition, without any notion of pairing between the RNAs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cupid_tools.evaluation.baselines.data import Pairs, Training, fit_logistic
from cupid_tools.evaluation.metrics import Floats
from cupid_tools.evaluation.rnas import RnaTable

KMER = 3

Features = Callable[[Pairs, RnaTable], NDArray[np.floating]]


def length_gc(train: Training, pairs: Pairs, rnas: RnaTable) -> Floats:
    """Logistic regression on log length and GC content of the shorter and of the longer RNA."""
    return regress(_length_gc_features, train, pairs, rnas)


def kmer_logistic(train: Training, pairs: Pairs, rnas: RnaTable) -> Floats:
    """Logistic regression on the sums and products of both RNAs' 3-mer profiles."""
    return regress(_kmer_features, train, pairs, rnas)


def regress(features: Features, train: Training, pairs: Pairs, rnas: RnaTable) -> Floats:
    """Fit a logistic regression on *features* of the train pairs, and score *pairs* by it, a block at a time."""
    sample = train.sample()
    predict = fit_logistic(features(sample.pairs, rnas), sample.label)
    return np.concatenate([predict(features(block, rnas)) for block in pairs.blocks()])


def _length_gc_features(pairs: Pairs, rnas: RnaTable) -> Floats:
    # shorter first, and of equally long ones that with less GC: the order of the row is forgotten
    rank = np.argsort(np.lexsort((rnas.gc, rnas.lengths)))
    swap = rank[pairs.a] > rank[pairs.b]
    short, long = np.where(swap, pairs.b, pairs.a), np.where(swap, pairs.a, pairs.b)
    size = np.log(rnas.lengths)
    return np.stack([size[short], rnas.gc[short], size[long], rnas.gc[long]], axis=1)


def _kmer_features(pairs: Pairs, rnas: RnaTable) -> NDArray[np.float32]:
    a, b = rnas.profile(KMER)[pairs.a], rnas.profile(KMER)[pairs.b]
    return np.concatenate([a + b, a * b], axis=1)
