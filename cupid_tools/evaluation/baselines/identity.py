"""Baselines that know RNAs by name alone, as recommenders know customers: nothing of sequences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cupid_tools.evaluation.baselines.data import Pairs, Training
from cupid_tools.evaluation.metrics import Floats, average_precision
from cupid_tools.evaluation.rnas import RnaTable
from cupid_tools.sampling.seeds import rng_for

RANKS = (2, 4, 8, 16, 32, 64)
"""Numbers of factors that are tried; even, since those of a matrix between two types come in pairs."""
_HELD_OUT = 5
_MAX_ITERATIONS = 1000


def one_hot(train: Training, pairs: Pairs, rnas: RnaTable) -> Floats:
    """Logistic regression that has one weight an RNA: how likely a pair is follows from who is in it."""
    from scipy.sparse import csr_array
    from scipy.special import expit
    from sklearn.linear_model import LogisticRegression

    rows = len(train.pairs)
    members = np.stack([train.pairs.a, train.pairs.b], axis=1).reshape(-1)
    shape = (rows, len(rnas.rnas))
    features = csr_array((np.ones(2 * rows), members, np.arange(0, 2 * rows + 1, 2)), shape=shape)
    model = LogisticRegression(max_iter=_MAX_ITERATIONS).fit(features, train.label)
    weight = model.coef_[0]
    return np.asarray(expit(weight[pairs.a] + weight[pairs.b] + model.intercept_[0]), dtype=np.float64)


def svd(train: Training, pairs: Pairs, rnas: RnaTable) -> Floats:
    """What the matrix of train positives, approximated by few factors, says of each pair.

    The matrix [N, N] is symmetric, 1 for a train positive; an RNA that is in none has nothing but zeros. Of ``RANKS``
    that is taken which best ranks a fifth of the train rows when it is fitted without them.
    """
    rank = _best_rank(train, len(rnas.rnas))
    left, right = _factors(train, len(rnas.rnas))
    return np.concatenate([_entries(block, left[:, :rank], right[:, :rank]) for block in pairs.blocks()])


def _best_rank(train: Training, size: int) -> int:
    order = rng_for(train.seed, "evaluation.svd.rank").permutation(len(train.label))
    held, kept = np.split(order, [len(order) // _HELD_OUT])
    left, right = _factors(train.where(kept), size)
    pairs, label = train.pairs.where(held), train.label[held]
    found = [average_precision(label, _entries(pairs, left[:, :rank], right[:, :rank])) for rank in RANKS]
    return RANKS[int(np.argmax(np.nan_to_num(found)))]


def _factors(train: Training, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Left and right factors [size, rank], whose product approximates the matrix; the first ones matter most."""
    from scipy.sparse import csr_array
    from sklearn.utils.extmath import randomized_svd

    positives = train.positives
    known, place = np.unique(np.concatenate([positives.a, positives.b]), return_inverse=True)
    a, b = place.reshape(2, -1)
    both = (np.concatenate([a, b]), np.concatenate([b, a]))
    matrix = csr_array((np.ones(len(both[0])), both), shape=(len(known), len(known)))
    matrix.data[:] = 1  # a pair that stands in several rows is one pair
    rank = min(RANKS[-1], len(known))
    left, right = np.zeros((2, size, rank))
    if rank:
        seed = int(rng_for(train.seed, "evaluation.svd").integers(1 << 31))
        u, values, vt = randomized_svd(matrix, rank, random_state=seed)
        left[known], right[known] = u * values, vt.T
    return left, right


def _entries(pairs: Pairs, left: NDArray[np.float64], right: NDArray[np.float64]) -> Floats:
    """The mean of the entries (a, b) and (b, a), which differ by rounding: float64 [pairs]."""
    forward, backward = (np.einsum("nr,nr->n", left[x], right[y]) for x, y in ((pairs.a, pairs.b), (pairs.b, pairs.a)))
    return np.asarray((forward + backward) / 2, dtype=np.float64)
