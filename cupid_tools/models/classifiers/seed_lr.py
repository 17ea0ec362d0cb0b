"""Logistic regression on what tells a miRNA's target from its sequence alone: four numbers, seconds to train."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from torch import Tensor

from cupid_tools.errors import UsageError
from cupid_tools.interaction.features import FEATURES
from cupid_tools.models.classifiers import SEQUENCES
from cupid_tools.models.classifiers.by_features import (
    FeatureScorer,
    Floats,
    copy_weights,
    examples,
    pair_features,
    weighted_loss,
)
from cupid_tools.models.dataset import Rnas, TrainingData
from cupid_tools.models.fitting import Epoch, Fit, fit_epochs, judged

INPUTS = ("sites", "chance", "context", "alignment")
"""7mer-m8 sites in the target, log(1 + n); the log chance of one at a place of such a target; the share of A and U
around the best one, above a half; and the best alignment of the whole guide.

Lengths are left out: what a set says of them, it says of how its RNAs were chosen."""

_LONG_SITES = [FEATURES.index(name) for name in ("sites_8mer", "sites_7mer_m8")]
_CHANCE, _AU, _ALIGNMENT = (FEATURES.index(name) for name in ("chance_7mer_m8", "site_au", "alignment"))


@dataclass(frozen=True)
class SeedLrConfig:
    """Nothing is left to choose."""


@dataclass(frozen=True)
class SeedLrTraining:
    """How the regression is fitted.

    Attributes:
        ridge: penalty of half the squared weights of standardised inputs, where a pair's loss counts once.
    """

    ridge: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.ridge < math.inf:
            raise UsageError(f"ridge is {self.ridge:g} (it must be above 0)")


class SeedLr:
    """A ``Classifier``: mean and spread of each input, its weight, and an offset."""

    reads: ClassVar[str] = SEQUENCES
    Config: ClassVar[type[Any]] = SeedLrConfig
    Training: ClassVar[type[Any]] = SeedLrTraining

    def __init__(self, config: SeedLrConfig, dim: int) -> None:
        self._numbers = {name: np.zeros(size) for name, size in _SIZES.items()}

    def fit(self, data: TrainingData, training: SeedLrTraining, *, device: torch.device, seed: int) -> Fit:
        """See ``Classifier``; nothing is drawn."""
        return fit_epochs(
            lambda number: self._learn(number, data, training),
            lambda: {name: torch.from_numpy(value) for name, value in self._numbers.items()},
            epochs=1,
            patience=1,
            select="average_precision",
        )

    def load(self, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """See ``Classifier``."""
        found = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in tensors.items()}
        if found != {name: ((size,), torch.float64) for name, size in _SIZES.items()}:
            raise ValueError(f"expected the tensors {_SIZES} of float64, found {found}")
        self._numbers = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}

    def scorer(self, rnas: Rnas) -> FeatureScorer:
        """See ``Classifier``."""
        return FeatureScorer(rnas, self._logits)

    def _learn(self, number: int, data: TrainingData, training: SeedLrTraining) -> Epoch:
        rows = examples(pair_features(data.rnas), data.train.first, data.train.second)
        inputs, labels = _inputs(rows.features), data.train.labels[rows.owners]
        weights = copy_weights(data.train, data.groups)[rows.owners] * rows.shares
        mean, spread = inputs.mean(axis=0), inputs.std(axis=0)
        spread[spread < 1e-9] = 1
        weight, offset = regress((inputs - mean) / spread, labels, weights, training.ridge)
        self._numbers = {"mean": mean, "spread": spread, "weight": weight, "offset": np.array([offset])}
        loss = weighted_loss(labels, self._logits(rows.features), weights)
        return judged(number, 1.0, loss, data.valid, self.scorer(data.rnas).scores(data.valid.first, data.valid.second))

    def _logits(self, features: Floats) -> Floats:
        numbers = self._numbers
        scaled = (_inputs(features) - numbers["mean"]) / numbers["spread"]
        return np.asarray((scaled * numbers["weight"]).sum(axis=1) + numbers["offset"])


_SIZES = {"mean": len(INPUTS), "spread": len(INPUTS), "weight": len(INPUTS), "offset": 1}


def _inputs(features: Floats) -> Floats:
    """The ``INPUTS`` of rows of ``FEATURES``: float64 [d, 4]."""
    sites = features[:, _LONG_SITES].sum(axis=1)
    context = np.where(sites > 0, features[:, _AU] - 0.5, 0)
    return np.stack([np.log1p(sites), features[:, _CHANCE], context, features[:, _ALIGNMENT]], axis=1)


def regress(inputs: Floats, labels: NDArray[np.int8], weights: Floats, ridge: float) -> tuple[Floats, float]:
    """Weights [F] and offset of the ridge logistic regression that fits best.

    Sums are numpy's own, which every number of threads adds up alike.

    Args:
        inputs: float64 [n, F], standardised.
        labels: 1 or 0, [n].
        weights: of the rows, float64 [n].
        ridge: penalty of half the squared weights; the offset goes free.
    """
    columns = np.vstack([inputs.T, np.ones(len(inputs))])  # [F + 1, n]
    penalty = np.append(np.full(inputs.shape[1], ridge), 0)

    def loss(numbers: Floats) -> float:
        logits = (columns * numbers[:, None]).sum(axis=0)
        losses = np.logaddexp(0, np.where(labels == 1, -logits, logits))
        return float((losses * weights).sum() + (penalty * numbers**2).sum() / 2)

    def slope(numbers: Floats) -> Floats:
        excess = (expit((columns * numbers[:, None]).sum(axis=0)) - labels) * weights
        return np.asarray((columns * excess).sum(axis=1) + penalty * numbers)

    def bend(numbers: Floats) -> Floats:
        chance = expit((columns * numbers[:, None]).sum(axis=0))
        scaled = columns * (chance * (1 - chance) * weights)
        return np.stack([(scaled * column).sum(axis=1) for column in columns]) + np.diag(penalty)

    found = minimize(loss, np.zeros(len(columns)), jac=slope, hess=bend, method="trust-exact", options={"gtol": 1e-6})
    return found.x[:-1], float(found.x[-1])
