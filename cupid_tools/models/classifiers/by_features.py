"""What classifiers that learn from ``interaction.features`` have in common: rows, weights, and scores free of order."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit

from cupid_tools.interaction.duplex.energies import directions
from cupid_tools.interaction.features import PairFeatures
from cupid_tools.models.dataset import LabelledPairs, Rnas
from cupid_tools.sampling.relatives import Groups

_BLOCK_PAIRS = 1 << 16

Floats = NDArray[np.float64]
Logits = Callable[[Floats], Floats]
"""From features [d, F] to logits [d]."""


class Examples(NamedTuple):
    """n pairs as rows of features, one for each direction in which a pair is read.

    Attributes:
        features: float64 [d, F].
        owners: int64 [d], the pair that each row is of.
        pairs: n.
    """

    features: Floats
    owners: NDArray[np.int64]
    pairs: int

    @property
    def shares(self) -> Floats:
        """How much of its pair each row is: float64 [d], 1 or a half."""
        return 1 / np.bincount(self.owners, minlength=self.pairs)[self.owners]

    def merged(self, values: Floats) -> Floats:
        """The mean of the *values* [d] of each pair: [n], the same whichever direction comes first."""
        total = values[: self.pairs] / 1
        twice = self.owners[self.pairs :]
        total[twice] = (total[twice] + values[self.pairs :]) / 2
        return total


class FeatureScorer:
    """A ``Scorer`` whose logit is the mean of those of the directions of a pair."""

    def __init__(self, rnas: Rnas, logits: Logits) -> None:
        """Meet N sequences."""
        self._features = pair_features(rnas)
        self._logits = logits

    def scores(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> Floats:
        """See ``Scorer``."""
        found = np.empty(len(first))
        for start in range(0, len(first), _BLOCK_PAIRS):
            block = slice(start, start + _BLOCK_PAIRS)
            rows = examples(self._features, first[block], second[block])
            found[block] = expit(rows.merged(self._logits(rows.features)))
        return found


def pair_features(rnas: Rnas) -> PairFeatures:
    """The features of pairs among N sequences, read by as many threads as torch uses."""
    return PairFeatures(cast("list[str]", rnas), torch.get_num_threads())


def examples(features: PairFeatures, first: NDArray[np.int64], second: NDArray[np.int64]) -> Examples:
    """The rows of n pairs."""
    guides, targets, owners = directions(features.lengths, first, second)
    return Examples(features.of(guides, targets), owners, len(first))


def copy_weights(pairs: LabelledPairs, groups: Groups) -> Floats:
    """How much each pair counts, float64 [n], in the mean of each label 1.

    Pairs of one label between the same two groups are copies of one fact, and weigh one together. So do negatives: else
    RNAs with many relatives would be told by them.

    Args:
        pairs: n of them.
        groups: int64 [N], of the RNAs.
    """
    sides = np.sort(np.stack([groups[pairs.first], groups[pairs.second]]), axis=0)
    _, kind, copies = np.unique(np.vstack([sides, pairs.labels]), axis=1, return_inverse=True, return_counts=True)
    weights = 1 / copies[kind.reshape(-1)]
    means = np.bincount(pairs.labels, weights, minlength=2) / np.maximum(1, np.bincount(pairs.labels, minlength=2))
    return np.asarray(weights / means[pairs.labels], dtype=np.float64)


def weighted_loss(labels: NDArray[np.int8], logits: Floats, weights: Floats) -> float:
    """Mean binary cross-entropy, in nats."""
    losses = np.logaddexp(0, np.where(labels == 1, -logits, logits))
    return float((losses * weights).sum() / weights.sum())
