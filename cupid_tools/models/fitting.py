"""What every way of fitting a classifier leaves: its epochs, the one that was chosen, and the tensors of that."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cupid_tools.errors import EXIT_INTERRUPTED, CupidError, UsageError
from cupid_tools.evaluation.metrics import auroc, average_precision, best_mcc_threshold
from cupid_tools.io.atomic import atomic_write
from cupid_tools.models import SELECTIONS
from cupid_tools.models.dataset import LabelledPairs

log = logging.getLogger("cupid_tools")


@dataclass(frozen=True)
class Epoch:
    """One row of the curves; of a classifier that does not learn in passes, one of its stages (a round of boosting)."""

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


@dataclass(frozen=True)
class Fit:
    """What training left.

    Attributes:
        best: the epoch that was chosen.
        tensors: the classifier's after that epoch, on the CPU.
        curves: all epochs.
        trouble: why it stopped before its time, if it did; *best* is good nevertheless.
    """

    best: Epoch
    tensors: dict[str, Tensor]
    curves: list[Epoch]
    trouble: CupidError | None = None


class InterruptedTrainingError(CupidError):
    """Ctrl-C or SIGTERM after at least one epoch was done."""

    exit_code = EXIT_INTERRUPTED


class NoNumberError(ArithmeticError):
    """A loss that is NaN or infinite."""


def check(good: bool, problem: str) -> None:
    """Raise UsageError with the *problem* of a setting that is not *good*."""
    if not good:
        raise UsageError(problem)


def check_schedule(select: str, learning_rate: float, epochs: int, patience: int) -> None:
    """Raise UsageError where what all that learn in epochs are told is out of range."""
    check(select in SELECTIONS, f"select is {select!r} (known: {', '.join(SELECTIONS)})")
    check(0 < learning_rate < math.inf, f"learning rate is {learning_rate:g} (it must be above 0)")
    check(epochs >= 1 and patience >= 1, "epochs and patience must be at least 1")


def judged(
    number: int, learning_rate: float, train_loss: float, valid: LabelledPairs, scores: NDArray[np.float64]
) -> Epoch:
    """The row of an epoch whose *scores* of the *valid* pairs are probabilities, float64 [n].

    Raises:
        NoNumberError: the loss or a score is NaN or infinite.
    """
    if not (np.isfinite(train_loss) and np.isfinite(scores).all()):
        raise NoNumberError
    threshold, mcc = best_mcc_threshold(valid.labels, scores)
    return Epoch(
        epoch=number,
        learning_rate=learning_rate,
        train_loss=train_loss,
        valid_loss=cross_entropy(valid.labels, scores),
        valid_auroc=auroc(valid.labels, scores),
        valid_average_precision=average_precision(valid.labels, scores),
        valid_mcc=mcc,
        threshold=threshold,
    )


def fit_epochs(
    learn: Callable[[int], Epoch],
    tensors: Callable[[], dict[str, Tensor]],
    *,
    epochs: int,
    patience: int,
    select: str,
) -> Fit:
    """Run ``learn(number)`` for the epochs 1, 2, ... and keep ``tensors()`` after the best one.

    Args:
        learn: one pass; returns its row, or raises ``NoNumberError``.
        tensors: copies of the classifier's tensors as they are now, on the CPU.
        epochs: at most.
        patience: epochs without a better choice after which it stops.
        select: which metric on valid chooses, one of ``models.SELECTIONS``.

    Raises:
        CupidError: the loss was no number in the first epoch.
        KeyboardInterrupt: it came before the first epoch was done.
    """
    kept: Fit | None = None
    curves: list[Epoch] = []
    trouble: CupidError | None = None
    try:
        for number in range(1, epochs + 1):
            curves.append(learn(number))
            _log_epoch(curves[-1], epochs)
            if kept is None or _choice(curves[-1], select) > _choice(kept.best, select):
                kept = Fit(curves[-1], tensors(), curves)
            elif number - kept.best.epoch >= patience:
                break
    except KeyboardInterrupt:
        trouble = InterruptedTrainingError(f"interrupted in epoch {len(curves) + 1}")
        if kept is None:
            raise
    except NoNumberError as error:
        trouble = CupidError(f"the loss was no number in epoch {len(curves) + 1}", hint="lower --learning-rate")
        if kept is None:
            raise trouble from error
    assert kept is not None
    return Fit(kept.best, kept.tensors, curves, trouble)


def write_curves(path: str | os.PathLike[str], curves: Sequence[Epoch]) -> None:
    """Write the epochs as a table; it appears complete or not at all."""
    with atomic_write(path) as handle:
        handle.write("\t".join(Epoch.columns()) + "\n")
        handle.writelines("\t".join(f"{value:.6g}" for value in vars(row).values()) + "\n" for row in curves)


def cross_entropy(labels: NDArray[np.int8], scores: NDArray[np.float64]) -> float:
    """Mean binary cross-entropy of probabilities, in nats; each logarithm bounded at -100, as torch does."""
    targets = torch.as_tensor(labels, dtype=torch.float64)
    return float(functional.binary_cross_entropy(torch.as_tensor(scores), targets))


def _choice(epoch: Epoch, select: str) -> float:
    value: float = getattr(epoch, f"valid_{select}")
    return value


def _log_epoch(row: Epoch, epochs: int) -> None:
    log.info(
        "epoch %d of %d: loss %.4f; valid: loss %.4f, AUROC %.3f, average precision %.3f, MCC %.3f",
        row.epoch,
        epochs,
        row.train_loss,
        row.valid_loss,
        row.valid_auroc,
        row.valid_average_precision,
        row.valid_mcc,
    )
