"""Baselines that hand on labels from similar RNAs: what they get right needs no model of interaction."""

from __future__ import annotations

import numpy as np

from cupid_tools.evaluation.baselines.data import Pairs, Training
from cupid_tools.evaluation.metrics import Floats
from cupid_tools.evaluation.rnas import RnaTable
from cupid_tools.sampling.coded import Codes, unordered

KMER = 4
NEIGHBOURS = 5
_STEPS = 10_000  # similarities are rounded to four digits


def relatives(train: Training, pairs: Pairs, rnas: RnaTable) -> Floats:
    """1 where a train positive joins the groups of relatives of both RNAs, else 0."""
    groups = rnas.groups
    known = unordered(groups[train.positives.a], groups[train.positives.b])
    return np.isin(unordered(groups[pairs.a], groups[pairs.b]), known).astype(np.float64)


def nearest_neighbour(train: Training, pairs: Pairs, rnas: RnaTable) -> Floats:
    """Share of positives among the pairs of the five train RNAs most similar to each RNA, of its own type.

    Each pair of neighbours weighs the product of both cosine similarities of 4-mer profiles.
    """
    near, weight = _nearest(train, rnas)
    positives = np.unique(unordered(train.positives.a, train.positives.b))
    return np.concatenate([_vote(block, near, weight, positives) for block in pairs.blocks()])


def _nearest(train: Training, rnas: RnaTable) -> tuple[Codes, Floats]:
    """The nearest train RNAs of each RNA and their similarities, both [N, NEIGHBOURS]; similarity 0 where too few."""
    size = len(rnas.rnas)
    near = np.zeros((size, NEIGHBOURS), dtype=np.int64)
    weight = np.zeros((size, NEIGHBOURS), dtype=np.float64)
    trained = np.union1d(train.pairs.a, train.pairs.b)
    profile = rnas.profile(KMER)
    for kind in range(len(rnas.type_names)):
        known = trained[rnas.types[trained] == kind]
        members = np.flatnonzero(rnas.types == kind)
        count = min(NEIGHBOURS, len(known))
        for part in np.array_split(members, max(1, len(members) * len(known) >> 24)) if count else ():
            # rounded, so that every machine finds the same neighbours; of equally near ones those that come first
            similarity = np.rint(profile[part] @ profile[known].T * _STEPS).astype(np.int64)
            best = np.argpartition(similarity * len(known) - np.arange(len(known)), -count, axis=1)[:, -count:]
            near[part, :count] = known[best]
            weight[part, :count] = np.take_along_axis(similarity, best, axis=1) / _STEPS
    return near, weight


def _vote(pairs: Pairs, near: Codes, weight: Floats, positives: Codes) -> Floats:
    one, other = np.minimum(pairs.a, pairs.b), np.maximum(pairs.a, pairs.b)  # so that sums round alike in both orders
    a, b = near[one][:, :, None], near[other][:, None, :]
    weights = weight[one][:, :, None] * weight[other][:, None, :]
    keys = unordered(a, b)
    votes = positives[np.minimum(np.searchsorted(positives, keys), len(positives) - 1)] == keys
    total = weights.sum(axis=(1, 2))
    return np.asarray((weights * votes).sum(axis=(1, 2)) / np.where(total > 0, total, 1), dtype=np.float64)
