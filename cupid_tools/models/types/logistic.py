"""Multinomial logistic regression on the vectors of RNAs."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from cupid_tools.evaluation.metrics import Floats
from cupid_tools.evaluation.type_calibration import log_loss
from cupid_tools.models.classifiers import VECTORS
from cupid_tools.models.dataset import Rnas
from cupid_tools.models.fitting import check
from cupid_tools.models.types.data import TypeData
from cupid_tools.models.types.stages import Step, TypeFit, fit_stages

RIDGES = (3000.0, 1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3)
"""What is tried, the strongest first: each fit starts from the one before."""
_PATIENCE = 2
_ITERATIONS = 300
_NO_SPREAD = 1e-9
_BLOCK_NUMBERS = 1 << 20


@dataclass(frozen=True)
class LogisticConfig:
    """Nothing is left to choose."""


@dataclass(frozen=True)
class LogisticTraining:
    """How the regression is fitted.

    Attributes:
        ridge: penalty of half the squared weights of standardised inputs, where an RNA's loss counts once; None lets
            valid choose among ``RIDGES``.
    """

    ridge: float | None = None

    def __post_init__(self) -> None:
        if self.ridge is not None:
            check(0 < self.ridge < math.inf, f"ridge is {self.ridge:g} (it must be above 0)")


class Logistic:
    """A ``TypeClassifier``: mean and spread of each channel, and for each type its weights and an offset."""

    reads: ClassVar[str] = VECTORS
    Config: ClassVar[type[Any]] = LogisticConfig
    Training: ClassVar[type[Any]] = LogisticTraining

    def __init__(self, config: LogisticConfig, dim: int, types: int) -> None:
        self._shapes = {"mean": (dim,), "spread": (dim,), "weight": (types, dim), "offset": (types,)}
        self._numbers = {name: np.zeros(shape) for name, shape in self._shapes.items()}

    def fit(self, data: TypeData, training: LogisticTraining, *, device: torch.device, seed: int) -> TypeFit:
        """See ``TypeClassifier``; nothing is drawn, and the CPU computes."""
        from sklearn.linear_model import LogisticRegression

        train = np.asarray(data.part(~data.valid), dtype=np.float64)
        valid, types = data.part(data.valid), data.types[~data.valid]
        mean, spread = train.mean(axis=0), train.std(axis=0)
        spread[spread < _NO_SPREAD] = 1
        self._numbers |= {"mean": mean, "spread": spread}
        scaled = (train - mean) / spread
        ridges = RIDGES if training.ridge is None else (training.ridge,)
        model = LogisticRegression(warm_start=True, max_iter=_ITERATIONS)

        def learn(number: int) -> Step:
            model.C = 1 / ridges[number - 1]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a fit that ends before its last digits is as good
                model.fit(scaled, types)
            weight, offset = model.coef_, model.intercept_
            if len(weight) == 1:  # two types have one row, that of the second against the first
                weight, offset = (np.concatenate([-part, part]) / 2 for part in (weight, offset))
            self._numbers |= {"weight": np.ascontiguousarray(weight), "offset": offset.copy()}
            logits = scaled @ weight.T + offset
            return Step(ridges[number - 1], log_loss(types, logits), self.logits(valid))

        return fit_stages(
            learn,
            lambda: {name: torch.from_numpy(value.copy()) for name, value in self._numbers.items()},
            data.types[data.valid],
            stages=len(ridges),
            patience=_PATIENCE,
        )

    def load(self, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """See ``TypeClassifier``."""
        found = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in tensors.items()}
        if found != {name: (shape, torch.float64) for name, shape in self._shapes.items()}:
            raise ValueError(f"expected tensors of {self._shapes} in float64, found {found}")
        self._numbers = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}

    def logits(self, rnas: Rnas) -> Floats:
        """See ``TypeClassifier``. Sums go along each RNA, so that its neighbours change no bit, as a product would."""
        numbers, vectors = self._numbers, np.asarray(rnas)
        found = np.empty((len(vectors), len(numbers["offset"])))
        size = max(1, _BLOCK_NUMBERS // max(1, vectors.shape[1]))
        for start in range(0, len(vectors), size):
            scaled = (vectors[start : start + size] - numbers["mean"]) / numbers["spread"]
            for kind, weight in enumerate(numbers["weight"]):
                found[start : start + size, kind] = (scaled * weight).sum(axis=1) + numbers["offset"][kind]
        return found
