"""The published recipe of training: what is drawn, how the rate moves, and which epoch is kept."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cupid_tools.errors import EXIT_INTERRUPTED, CupidError, UsageError
from cupid_tools.evaluation.metrics import auroc, average_precision, best_mcc_threshold
from cupid_tools.models import ORDERS, SELECTIONS
from cupid_tools.models.classifiers.base import Classifier
from cupid_tools.models.dataset import LabelledPairs, TrainingData
from cupid_tools.models.scoring import PairScorer
from cupid_tools.sampling.seeds import rng_for

log = logging.getLogger("cupid_tools")


@dataclass(frozen=True)
class TrainSettings:
    """How a classifier is fitted; a recipe gives every value.

    Attributes:
        order: ``free`` or ``published``; see ``models.ORDERS``.
        learning_rate: of Adam, at its highest.
        warmup_epochs: epochs of linear rise.
        floor: where the cosine decay ends, as a share of the rate.
        epochs: at most.
        patience: epochs without a better choice after which it stops.
        batch_size: pairs in a batch.
        negative_share: of a batch.
        select: which metric on valid chooses the epoch, one of ``models.SELECTIONS``.
    """

    order: str
    learning_rate: float
    warmup_epochs: int
    floor: float
    epochs: int
    patience: int
    batch_size: int
    negative_share: float
    select: str

    def __post_init__(self) -> None:
        _check(self.order in ORDERS, f"order is {self.order!r} (known: {', '.join(ORDERS)})")
        _check(self.select in SELECTIONS, f"select is {self.select!r} (known: {', '.join(SELECTIONS)})")
        _check(0 < self.learning_rate < math.inf, f"learning rate is {self.learning_rate:g} (it must be above 0)")
        _check(0 <= self.floor <= 1, f"floor is {self.floor:g} (it must be between 0 and 1)")
        _check(self.epochs >= 1 and self.patience >= 1, "epochs and patience must be at least 1")
        _check(self.warmup_epochs >= 0, "warm-up epochs must be at least 0")
        _check(
            1 <= self.negatives_per_batch < self.batch_size,
            f"a batch of {self.batch_size} with {self.negative_share:g} negatives lacks one class",
        )

    @property
    def negatives_per_batch(self) -> int:
        """Negatives in a full batch, rounded down as published."""
        return int(self.batch_size * self.negative_share)


@dataclass(frozen=True)
class Epoch:
    """One row of the curves."""

    epoch: int
    learning_rate: float
    train_loss: float
    valid_loss: float
    valid_auroc: float
    valid_average_precision: float
    valid_mcc: float
    threshold: float

    @classmethod
    def columns(cls) -> list[str]:
        """Names of the values, in order."""
        return [field.name for field in fields(cls)]


class InterruptedTrainingError(CupidError):
    """Ctrl-C or SIGTERM after at least one epoch was done."""

    exit_code = EXIT_INTERRUPTED


@dataclass(frozen=True)
class Fit:
    """What training left.

    Attributes:
        best: the epoch that was chosen.
        weights: the classifier's tensors after that epoch, on the CPU.
        curves: all epochs.
        trouble: why it stopped before its time, if it did; *best* is good nevertheless.
    """

    best: Epoch
    weights: dict[str, Tensor]
    curves: list[Epoch]
    trouble: CupidError | None = None


def fit(classifier: Classifier, data: TrainingData, settings: TrainSettings, *, device: torch.device, seed: int) -> Fit:
    """Train *classifier* in place on ``data.train``, and keep the epoch that is best on ``data.valid``.

    Wrap it in ``device.repeatable`` to get equal bits from equal arguments.

    Raises:
        CupidError: the loss was no number in the first epoch.
        KeyboardInterrupt: it came before the first epoch was done.
    """
    run = _Run(classifier, data, settings, device, seed)
    kept: Fit | None = None
    curves: list[Epoch] = []
    trouble: CupidError | None = None
    try:
        for number in range(1, settings.epochs + 1):
            curves.append(run.epoch(number))
            _log_epoch(curves[-1], settings)
            if kept is None or _choice(curves[-1], settings) > _choice(kept.best, settings):
                kept = Fit(curves[-1], _copy(classifier), curves)
            elif number - kept.best.epoch >= settings.patience:
                break
    except KeyboardInterrupt:
        trouble = InterruptedTrainingError(f"interrupted in epoch {len(curves) + 1}")
        if kept is None:
            raise
    except _NoNumberError as error:
        trouble = CupidError(f"the loss was no number in epoch {len(curves) + 1}", hint="lower --learning-rate")
        if kept is None:
            raise trouble from error
    assert kept is not None
    return Fit(kept.best, kept.weights, curves, trouble)


def learning_rate(settings: TrainSettings, epoch: int) -> float:
    """The rate in *epoch*, counted from 1: a linear rise, then half a cosine, as in ncRNA-CUPID's notebook."""
    done = epoch - 1
    if done < settings.warmup_epochs:
        return settings.learning_rate * epoch / settings.warmup_epochs
    progress = (done - settings.warmup_epochs) / (settings.epochs - settings.warmup_epochs)
    cosine = (1 + math.cos(math.pi * progress)) / 2
    return settings.learning_rate * (settings.floor + (1 - settings.floor) * cosine)


def batches(labels: NDArray[np.int8], settings: TrainSettings, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of each batch of one epoch: every negative once, positives drawn with replacement.

    The last batch holds the negatives that remain, and positives in proportion. (The published code left it out.)
    """
    negatives = rng.permutation(np.flatnonzero(labels == 0))
    positives = np.flatnonzero(labels == 1)
    size = settings.negatives_per_batch
    ratio = (settings.batch_size - size) / size
    for start in range(0, len(negatives), size):
        chosen = negatives[start : start + size]
        yield np.concatenate([chosen, rng.choice(positives, max(1, round(len(chosen) * ratio)))])


class _NoNumberError(ArithmeticError):
    """A loss that is NaN or infinite."""


class _Run:
    """What one training run holds on its device."""

    def __init__(
        self, classifier: Classifier, data: TrainingData, settings: TrainSettings, device: torch.device, seed: int
    ) -> None:
        self._classifier = classifier
        self._settings = settings
        self._seed = seed
        self._valid = data.valid
        self._vectors = torch.as_tensor(data.vectors, device=device)  # [N, D]
        self._labels = data.train.labels
        self._rnas = torch.as_tensor(np.column_stack([data.train.first, data.train.second]), device=device)  # [n, 2]
        self._targets = torch.as_tensor(self._labels, dtype=torch.float32, device=device)
        self._optimiser = torch.optim.Adam(classifier.parameters(), lr=settings.learning_rate, fused=True)

    def epoch(self, number: int) -> Epoch:
        rate = learning_rate(self._settings, number)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        train_loss = self._learn(number)
        scores = PairScorer(self._classifier, self._settings.order, self._vectors).scores(
            self._valid.first, self._valid.second
        )
        if not (math.isfinite(train_loss) and np.isfinite(scores).all()):
            raise _NoNumberError
        threshold, mcc = best_mcc_threshold(self._valid.labels, scores)
        return Epoch(
            epoch=number,
            learning_rate=rate,
            train_loss=train_loss,
            valid_loss=_cross_entropy(self._valid, scores),
            valid_auroc=auroc(self._valid.labels, scores),
            valid_average_precision=average_precision(self._valid.labels, scores),
            valid_mcc=mcc,
            threshold=threshold,
        )

    def _learn(self, number: int) -> float:
        """One pass over the negatives; returns the mean loss of a pair."""
        self._classifier.train()
        total = torch.zeros((), device=self._vectors.device)  # summed there: reading it each step would wait for a GPU
        pairs = 0
        for rows in batches(self._labels, self._settings, rng_for(self._seed, "train", "epoch", str(number))):
            loss = self._step(torch.as_tensor(rows, device=self._vectors.device))
            total += loss * len(rows)
            pairs += len(rows)
        return float(total) / pairs

    def _step(self, rows: Tensor) -> Tensor:
        logits = self._classifier(self._vectors[self._rnas[rows]])  # [B, 2, D] -> [B]
        loss = functional.binary_cross_entropy_with_logits(logits, self._targets[rows])
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()
        return loss.detach()


def _check(good: bool, problem: str) -> None:
    if not good:
        raise UsageError(problem)


def _choice(epoch: Epoch, settings: TrainSettings) -> float:
    value: float = getattr(epoch, f"valid_{settings.select}")
    return value


def _copy(classifier: Classifier) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in classifier.state_dict().items()}


def _cross_entropy(pairs: LabelledPairs, scores: NDArray[np.float64]) -> float:
    targets = torch.as_tensor(pairs.labels, dtype=torch.float64)
    return float(functional.binary_cross_entropy(torch.as_tensor(scores), targets))


def _log_epoch(row: Epoch, settings: TrainSettings) -> None:
    log.info(
        "epoch %d of %d: loss %.4f; valid: loss %.4f, AUROC %.3f, average precision %.3f, MCC %.3f",
        row.epoch,
        settings.epochs,
        row.train_loss,
        row.valid_loss,
        row.valid_auroc,
        row.valid_average_precision,
        row.valid_mcc,
    )
