"""The classifiers of sequences together: the valid pairs tell how far each is to be trusted."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit
from torch import Tensor

from cupid_tools.errors import UsageError
from cupid_tools.models.classifiers import CLASSIFIERS, SEQUENCES
from cupid_tools.models.classifiers.base import Classifier, Scorer
from cupid_tools.models.classifiers.by_features import Floats, weighted_loss
from cupid_tools.models.dataset import Rnas, TrainingData
from cupid_tools.models.fitting import Epoch, Fit, InterruptedTrainingError, fit_epochs, judged

log = logging.getLogger("cupid_tools")

MEMBERS = ("seed-lr", "boosting", "duplex")
_SURE = 1e-12
"""Probabilities are kept so far from 0 and 1 that their logits are finite."""
_WEIGHTS, _OFFSET = "weights", "offset"


@dataclass(frozen=True)
class BlendConfig:
    """Nothing is left to choose."""


@dataclass(frozen=True)
class BlendTraining:
    """How members are weighed; each is fitted as it is alone.

    Attributes:
        ridge: penalty of the squared distance of weights from equal shares, where a valid pair's loss counts once.
    """

    ridge: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.ridge < math.inf:
            raise UsageError(f"ridge is {self.ridge:g} (it must be above 0)")


class Blend:
    """A ``Classifier`` whose logit is a weighted sum of its members', no weight below 0, and an offset."""

    reads: ClassVar[str] = SEQUENCES
    Config: ClassVar[type[Any]] = BlendConfig
    Training: ClassVar[type[Any]] = BlendTraining

    def __init__(self, config: BlendConfig, dim: int) -> None:
        kinds = (CLASSIFIERS.load(name) for name in MEMBERS)
        self._members: list[Classifier] = [kind(kind.Config(), dim) for kind in kinds]
        self._weights, self._offset = np.full(len(MEMBERS), 1 / len(MEMBERS)), 0.0

    def fit(self, data: TrainingData, training: BlendTraining, *, device: torch.device, seed: int) -> Fit:
        """See ``Classifier``. Its one epoch is that of the weights; curves of members are only logged.

        Raises:
            KeyboardInterrupt: it came before all members were fitted.
        """
        tensors: dict[str, Tensor] = {}
        for name, member in zip(MEMBERS, self._members, strict=True):
            log.info("%s, a member of the blend:", name)
            fit = member.fit(data, member.Training(), device=device, seed=seed)
            if isinstance(fit.trouble, InterruptedTrainingError):
                raise KeyboardInterrupt
            if fit.trouble is not None:
                raise fit.trouble
            member.load(fit.tensors, device)
            tensors |= {f"{name}.{key}": tensor for key, tensor in fit.tensors.items()}
        return fit_epochs(
            lambda number: self._weigh(number, data, training),
            lambda: (
                tensors
                | {
                    _WEIGHTS: torch.from_numpy(self._weights),
                    _OFFSET: torch.tensor([self._offset], dtype=torch.float64),
                }
            ),
            epochs=1,
            patience=1,
            select="average_precision",
        )

    def load(self, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """See ``Classifier``."""
        own = {name: tuple(tensor.shape) for name, tensor in tensors.items() if "." not in name}
        others = {name.partition(".")[0] for name in tensors} - own.keys()
        if own != {_WEIGHTS: (len(MEMBERS),), _OFFSET: (1,)} or others != set(MEMBERS):
            raise ValueError(
                f"expected weights, an offset and {', '.join(MEMBERS)}, found {', '.join(sorted(tensors))}"
            )
        if {tensors[name].dtype for name in own} != {torch.float64}:
            raise ValueError("weights or offset are not of float64")
        for name, member in zip(MEMBERS, self._members, strict=True):
            prefix = f"{name}."
            member.load(
                {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}, device
            )
        self._weights = tensors[_WEIGHTS].cpu().numpy()
        self._offset = float(tensors[_OFFSET])

    def member(self, name: str) -> Classifier:
        """That of ``MEMBERS``."""
        return self._members[MEMBERS.index(name)]

    def scorer(self, rnas: Rnas) -> BlendScorer:
        """See ``Classifier``."""
        return BlendScorer([member.scorer(rnas) for member in self._members], self._weights, self._offset)

    def _weigh(self, number: int, data: TrainingData, training: BlendTraining) -> Epoch:
        scorer = self.scorer(data.rnas)
        members = scorer.members(data.valid.first, data.valid.second)
        self._weights, self._offset = weigh(members, data.valid.labels, training.ridge)
        answers = _blended(scorer.members(data.train.first, data.train.second), self._weights, self._offset)
        loss = weighted_loss(data.train.labels, answers, np.ones(len(answers)))
        return judged(number, 1.0, loss, data.valid, expit(_blended(members, self._weights, self._offset)))


class BlendScorer:
    """A ``Scorer`` that asks those of all members."""

    def __init__(self, scorers: Sequence[Scorer], weights: Floats, offset: float) -> None:
        self._scorers = scorers
        self._weights, self._offset = weights, offset

    def members(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> Floats:
        """Logits of every member, float64 [members, n]."""
        chances = np.stack([scorer.scores(first, second) for scorer in self._scorers])
        return np.asarray(logit(np.clip(chances, _SURE, 1 - _SURE)))

    def scores(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> Floats:
        """See ``Scorer``."""
        return np.asarray(expit(_blended(self.members(first, second), self._weights, self._offset)))


def weigh(logits: Floats, labels: NDArray[np.int8], ridge: float) -> tuple[Floats, float]:
    """The weights [M], at least 0, and the offset that make the most of M members' *logits* [M, n]."""
    share = 1 / len(logits)
    rows = np.vstack([logits, np.ones(logits.shape[1])])

    def loss(numbers: Floats) -> tuple[float, Floats]:
        answers = (rows * numbers[:, None]).sum(axis=0)
        far = np.append(numbers[:-1] - share, 0)
        value = np.logaddexp(0, np.where(labels == 1, -answers, answers)).sum() + ridge * (far**2).sum()
        return float(value), (rows * (expit(answers) - labels)).sum(axis=1) + 2 * ridge * far

    start = np.append(np.full(len(logits), share), 0)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(logits) + [(None, None)])
    return found.x[:-1], float(found.x[-1])


def _blended(logits: Floats, weights: Floats, offset: float) -> Floats:
    return np.asarray((logits * weights[:, None]).sum(axis=0) + offset)
