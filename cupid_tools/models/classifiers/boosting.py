"""Boosted trees on all features of a pair; LightGBM grows them, and nothing else needs it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor

from cupid_tools.interaction.features import FEATURES, RISING
from cupid_tools.models.classifiers import SEQUENCES
from cupid_tools.models.classifiers.by_features import (
    FeatureScorer,
    copy_weights,
    examples,
    pair_features,
    weighted_loss,
)
from cupid_tools.models.classifiers.trees import EMPTY, Trees, joined, parse
from cupid_tools.models.dataset import Rnas, TrainingData
from cupid_tools.models.fitting import Epoch, Fit, check, check_schedule, fit_epochs, judged

_ROUNDS = 10
"""Trees that an epoch adds."""
_NAMES = "feature_names"
_DIGEST = np.frombuffer(hashlib.sha256(" ".join(FEATURES).encode("ascii")).digest(), dtype=np.uint8)
"""Of what the columns mean that trees look at."""


@dataclass(frozen=True)
class BoostingConfig:
    """Nothing is left to choose."""


@dataclass(frozen=True)
class BoostingTraining:
    """How trees are grown.

    Attributes:
        learning_rate: share of each tree's answer that is used, at most 1.
        epochs: at most, each of ten trees.
        patience: epochs without a better choice after which it stops.
        leaves: of a tree, at most; at least 2.
        leaf_pairs: the fewest pairs in a leaf.
        select: which metric on valid chooses the epoch, one of ``models.SELECTIONS``.
    """

    learning_rate: float = 0.06
    epochs: int = 15
    patience: int = 15
    leaves: int = 12
    leaf_pairs: int = 50
    select: str = "average_precision"

    def __post_init__(self) -> None:
        check_schedule(self.select, self.learning_rate, self.epochs, self.patience)
        check(self.learning_rate <= 1, f"learning rate is {self.learning_rate:g} (of boosting it must be at most 1)")
        check(self.leaves >= 2, f"leaves is {self.leaves} (it must be at least 2)")
        check(self.leaf_pairs >= 1, f"leaf pairs is {self.leaf_pairs} (it must be at least 1)")


class Boosting:
    """A ``Classifier``. More sites, or a better alignment, never lower a score: trees are grown so."""

    reads: ClassVar[str] = SEQUENCES
    Config: ClassVar[type[Any]] = BoostingConfig
    Training: ClassVar[type[Any]] = BoostingTraining

    def __init__(self, config: BoostingConfig, dim: int) -> None:
        self._trees = EMPTY

    def fit(self, data: TrainingData, training: BoostingTraining, *, device: torch.device, seed: int) -> Fit:
        """See ``Classifier``; nothing is drawn, and trees are grown on the CPU."""
        run = _Run(data, training)
        fit = fit_epochs(
            run.epoch, run.tensors, epochs=training.epochs, patience=training.patience, select=training.select
        )
        self.load(fit.tensors, device)
        return fit

    def load(self, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """See ``Classifier``."""
        if set(tensors) != {_NAMES, *Trees._fields}:
            raise ValueError(f"expected trees, found {', '.join(sorted(tensors))}")
        numbers = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
        if not np.array_equal(numbers.pop(_NAMES), _DIGEST):
            raise ValueError("its trees are of other features")
        trees = Trees(**numbers)
        trees.check(len(FEATURES))
        self._trees = trees

    def scorer(self, rnas: Rnas) -> FeatureScorer:
        """See ``Classifier``."""
        assert len(self._trees.root), "neither fitted nor loaded"
        return FeatureScorer(rnas, lambda features: self._trees.answers(features, torch.get_num_threads()))


class _Run:
    """What one training run holds."""

    def __init__(self, data: TrainingData, training: BoostingTraining) -> None:
        from lightgbm import Booster, Dataset

        features = pair_features(data.rnas)
        self._rate = training.learning_rate
        self._train = examples(features, data.train.first, data.train.second)
        self._valid = examples(features, data.valid.first, data.valid.second)
        self._valid_pairs = data.valid
        self._labels = data.train.labels[self._train.owners]
        self._weights = copy_weights(data.train, data.groups)[self._train.owners] * self._train.shares
        self._logits = np.zeros(len(self._train.features)), np.zeros(len(self._valid.features))
        settings = _settings(training)
        rows = Dataset(
            self._train.features, self._labels, weight=self._weights, feature_name=list(FEATURES), params=settings
        )
        self._booster = Booster(settings, rows)
        self._trees = EMPTY

    def epoch(self, number: int) -> Epoch:
        """Some more trees."""
        start = self._booster.current_iteration()
        for _ in range(_ROUNDS):
            self._booster.update()
        new = parse(self._booster.model_to_string(num_iteration=-1, start_iteration=start))
        self._trees = joined([self._trees, new])
        for rows, logits in zip((self._train, self._valid), self._logits, strict=True):
            logits += new.answers(rows.features, torch.get_num_threads())
        train, valid = self._logits
        loss = weighted_loss(self._labels, train, self._weights)
        return judged(number, self._rate, loss, self._valid_pairs, expit(self._valid.merged(valid)))

    def tensors(self) -> dict[str, Tensor]:
        """The trees, and what they look at."""
        numbers = {_NAMES: _DIGEST} | self._trees._asdict()
        return {name: torch.from_numpy(array.copy()) for name, array in numbers.items()}


def _settings(training: BoostingTraining) -> dict[str, Any]:
    return {
        "objective": "binary",
        "learning_rate": training.learning_rate,
        "num_leaves": training.leaves,
        "min_data_in_leaf": training.leaf_pairs,
        "monotone_constraints": [int(name in RISING) for name in FEATURES],
        "num_threads": torch.get_num_threads(),
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
