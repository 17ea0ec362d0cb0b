"""Boosted trees on all features of a pair; trees are kept as LightGBM's text, which is data."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor

from cupid_tools.interaction.features import FEATURES, RISING
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
from cupid_tools.models.fitting import Epoch, Fit, check, check_schedule, fit_epochs, judged

if TYPE_CHECKING:
    from lightgbm import Booster

_ROUNDS = 10
"""Trees that an epoch adds."""
_TREES = "trees"
_LAST_LINE = "end of trees\n"


@dataclass(frozen=True)
class BoostingConfig:
    """Nothing is left to choose."""


@dataclass(frozen=True)
class BoostingTraining:
    """How trees are grown.

    Attributes:
        learning_rate: share of each tree's answer that is used.
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
        check(self.leaves >= 2, f"leaves is {self.leaves} (it must be at least 2)")
        check(self.leaf_pairs >= 1, f"leaf pairs is {self.leaf_pairs} (it must be at least 1)")


class Boosting:
    """A ``Classifier``. More sites, or a better alignment, never lower a score: trees are grown so."""

    reads: ClassVar[str] = SEQUENCES
    Config: ClassVar[type[Any]] = BoostingConfig
    Training: ClassVar[type[Any]] = BoostingTraining

    def __init__(self, config: BoostingConfig, dim: int) -> None:
        self._booster: Booster | None = None

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
        from lightgbm import Booster
        from lightgbm.basic import LightGBMError

        if set(tensors) != {_TREES}:
            raise ValueError(f"expected the tensor {_TREES!r}, found {', '.join(sorted(tensors))}")
        text = bytes(tensors[_TREES].cpu().numpy()).decode("ascii", errors="replace")
        if f"\nfeature_names={' '.join(FEATURES)}\n" not in text:
            raise ValueError("its trees are of other features")
        if not _complete(text):
            raise ValueError("its trees are cut or changed")
        try:
            self._booster = Booster(model_str=text)
        except LightGBMError as error:
            raise ValueError(str(error)) from error

    def scorer(self, rnas: Rnas) -> FeatureScorer:
        """See ``Classifier``."""
        assert self._booster is not None, "neither fitted nor loaded"
        booster = self._booster
        return FeatureScorer(rnas, lambda features: _answers(booster, features, 0))


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

    def epoch(self, number: int) -> Epoch:
        """Some more trees."""
        start = self._booster.current_iteration()
        for _ in range(_ROUNDS):
            self._booster.update()
        for rows, logits in zip((self._train, self._valid), self._logits, strict=True):
            logits += _answers(self._booster, rows.features, start)
        train, valid = self._logits
        loss = weighted_loss(self._labels, train, self._weights)
        return judged(number, self._rate, loss, self._valid_pairs, expit(self._valid.merged(valid)))

    def tensors(self) -> dict[str, Tensor]:
        """The trees, without the settings behind them, which tell how many threads grew them."""
        text = self._booster.model_to_string(num_iteration=-1)
        trees = text[: text.index(_LAST_LINE) + len(_LAST_LINE)]
        return {_TREES: torch.from_numpy(np.frombuffer(trees.encode("ascii"), dtype=np.uint8).copy())}


def _complete(trees: str) -> bool:
    """Whether trees stand where their own list of sizes says; where not, LightGBM would end the process."""
    _, _, rest = trees.partition("\ntree_sizes=")
    sizes, _, body = rest.partition("\n\n")
    if not re.fullmatch(r"\d+( \d+)*", sizes):
        return False
    *starts, end = itertools.accumulate(map(int, sizes.split()), initial=0)
    return body[end:] == _LAST_LINE and all(body.startswith(f"Tree={k}\n", at) for k, at in enumerate(starts))


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


def _answers(booster: Booster, features: Floats, start: int) -> Floats:
    """Summed answers [d] of the trees from number *start* on."""
    return np.asarray(
        booster.predict(
            features, start_iteration=start, num_iteration=-1, raw_score=True, num_threads=torch.get_num_threads()
        )
    )
