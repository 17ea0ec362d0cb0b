"""Boosted trees on the vectors of RNAs, one tree a type in every round; LightGBM grows them, nothing else needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from cupid_tools.evaluation.metrics import Floats
from cupid_tools.evaluation.type_calibration import log_loss
from cupid_tools.models.classifiers import VECTORS
from cupid_tools.models.classifiers.trees import EMPTY, Trees, joined, parse
from cupid_tools.models.dataset import Rnas
from cupid_tools.models.fitting import check
from cupid_tools.models.types.data import TypeData
from cupid_tools.models.types.stages import Step, TypeFit, check_stages, fit_stages

_ROUNDS = 10
"""Trees of each type that a stage adds."""


@dataclass(frozen=True)
class TypeBoostingConfig:
    """Nothing is left to choose."""


@dataclass(frozen=True)
class TypeBoostingTraining:
    """How trees are grown.

    Attributes:
        learning_rate: share of each tree's answer that is used, at most 1.
        epochs: at most, each of ten rounds.
        patience: epochs without a better one after which it stops.
        leaves: of a tree, at most; at least 2.
        leaf_rnas: the fewest RNAs in a leaf.
    """

    learning_rate: float = 0.1
    epochs: int = 40
    patience: int = 3
    leaves: int = 15
    leaf_rnas: int = 10

    def __post_init__(self) -> None:
        check_stages(self.epochs, self.patience)
        check(0 < self.learning_rate <= 1, f"learning rate is {self.learning_rate:g} (above 0, and at most 1)")
        check(self.leaves >= 2, f"leaves is {self.leaves} (it must be at least 2)")
        check(self.leaf_rnas >= 1, f"leaf RNAs is {self.leaf_rnas} (it must be at least 1)")


class BoostingOfTypes:
    """A ``TypeClassifier``. Of C types the trees of the k-th are every C-th from the k-th on."""

    reads: ClassVar[str] = VECTORS
    Config: ClassVar[type[Any]] = TypeBoostingConfig
    Training: ClassVar[type[Any]] = TypeBoostingTraining

    def __init__(self, config: TypeBoostingConfig, dim: int, types: int) -> None:
        self._dim, self._types = dim, types
        self._trees = EMPTY

    def fit(self, data: TypeData, training: TypeBoostingTraining, *, device: torch.device, seed: int) -> TypeFit:
        """See ``TypeClassifier``; nothing is drawn, and trees are grown on the CPU."""
        run = _Run(data, training)
        return fit_stages(
            run.stage,
            run.tensors,
            data.types[data.valid],
            stages=training.epochs,
            patience=training.patience,
        )

    def load(self, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """See ``TypeClassifier``."""
        if set(tensors) != set(Trees._fields):
            raise ValueError(f"expected trees, found {', '.join(sorted(tensors))}")
        trees = Trees(**{name: tensor.cpu().numpy() for name, tensor in tensors.items()})
        trees.check(self._dim)
        if len(trees.root) % self._types:
            raise ValueError("its trees are of another number of types")
        self._trees = trees

    def logits(self, rnas: Rnas) -> Floats:
        """See ``TypeClassifier``."""
        return _answers(self._trees, np.asarray(rnas, dtype=np.float64), self._types)


class _Run:
    """What one training run holds."""

    def __init__(self, data: TypeData, training: TypeBoostingTraining) -> None:
        from lightgbm import Booster, Dataset

        self._rate = training.learning_rate
        self._types, self._labels = len(data.names), data.types[~data.valid]
        self._parts = [np.asarray(data.part(chosen), dtype=np.float64) for chosen in (~data.valid, data.valid)]
        self._logits = [np.zeros((len(part), self._types)) for part in self._parts]
        settings = _settings(training, self._types)
        self._booster = Booster(settings, Dataset(self._parts[0], self._labels, params=settings))
        self._trees = EMPTY

    def stage(self, number: int) -> Step | None:
        """Some more rounds; None where no tree can be grown any more."""
        start = self._booster.current_iteration()
        for _ in range(_ROUNDS):
            if self._booster.update():
                break
        new = parse(self._booster.model_to_string(num_iteration=-1, start_iteration=start))
        if not len(new.root):
            return None
        self._trees = joined([self._trees, new])
        for part, logits in zip(self._parts, self._logits, strict=True):
            logits += _answers(new, part, self._types)
        train, valid = self._logits
        return Step(self._rate, log_loss(self._labels, train), valid.copy())

    def tensors(self) -> dict[str, Tensor]:
        """The trees."""
        return {name: torch.from_numpy(array.copy()) for name, array in self._trees._asdict().items()}


def _answers(trees: Trees, vectors: Floats, types: int) -> Floats:
    """The summed answers of the trees of each type: float64 [n, types]."""
    threads = torch.get_num_threads()
    columns = [trees._replace(root=trees.root[kind::types]).answers(vectors, threads) for kind in range(types)]
    return np.stack(columns, axis=1)


def _settings(training: TypeBoostingTraining, types: int) -> dict[str, Any]:
    return {
        "objective": "multiclass",
        "num_class": types,
        "learning_rate": training.learning_rate,
        "num_leaves": training.leaves,
        "min_data_in_leaf": training.leaf_rnas,
        "num_threads": torch.get_num_threads(),
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
