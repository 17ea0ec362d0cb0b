"""What every way of fitting a classifier leaves: its epochs, the one that was chosen, and the tensors of that."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cupid_tools.errors import EXIT_INTERRUPTED, CupidError, UsageError
from cupid_tools.evaluation.metrics import auroc, average_precision, best_mcc_threshold
from cupid_tools.models import SELECTIONS
from cupid_tools.models.curves import CurveRow
from cupid_tools.models.dataset import LabelledPairs

log = logging.getLogger("cupid_tools")

Row = TypeVar("Row", bound=CurveRow)
State = TypeVar("State")


@dataclass(frozen=True)
class Epoch(CurveRow):
    """One row of the curves; of a classifier that does not learn in passes, one of its stages (a round of boosting)."""

    epoch: int
    learning_rate: float
    train_loss: float
    valid_loss: float
    valid_auroc: float
    valid_average_precision: float
    valid_mcc: float
    threshold: float


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

    def worth(row: Epoch) -> float:
        value: float = getattr(row, f"valid_{select}")
        return value

    def tell(row: Epoch) -> None:
        _log_epoch(row, epochs)

    return Fit(*keep_best(learn, tensors, worth, tell, rounds=epochs, patience=patience, name="epoch"))


def keep_best(
    learn: Callable[[int], Row | None],
    take: Callable[[], State],
    worth: Callable[[Row], float],
    tell: Callable[[Row], None],
    *,
    rounds: int,
    patience: int,
    name: str,
) -> tuple[Row, State, list[Row], CupidError | None]:
    """Run ``learn(number)`` for the rounds 1, 2, ... and keep what ``take()`` gives after the best one.

    Args:
        learn: one round; None where there is nothing left to learn. It raises ``NoNumberError``.
        take: a copy of what was learned.
        worth: of a row; the best has the most.
        tell: called with each row.
        rounds: at most.
        patience: rounds without a better one after which it stops.
        name: of a round, in messages.

    Returns:
        The best row, what was taken after it, all rows, and why it stopped before its time, if it did.

    Raises:
        CupidError: the loss was no number in the first round.
        KeyboardInterrupt: it came before the first round was done.
    """
    kept: tuple[int, State] | None = None
    curves: list[Row] = []
    trouble: CupidError | None = None
    try:
        for number in range(1, rounds + 1):
            row = learn(number)
            if row is None:
                break
            curves.append(row)
            tell(row)
            if kept is None or worth(row) > worth(curves[kept[0] - 1]):
                kept = number, take()
            elif number - kept[0] >= patience:
                break
    except KeyboardInterrupt:
        trouble = InterruptedTrainingError(f"interrupted in {name} {len(curves) + 1}")
        if kept is None:
            raise
    except NoNumberError as error:
        trouble = CupidError(f"the loss was no number in {name} {len(curves) + 1}", hint="lower --learning-rate")
        if kept is None:
            raise trouble from error
    assert kept is not None
    best, state = kept
    return curves[best - 1], state, curves, trouble


def cross_entropy(labels: NDArray[np.int8], scores: NDArray[np.float64]) -> float:
    """Mean binary cross-entropy of probabilities, in nats; each logarithm bounded at -100, as torch does."""
    targets = torch.as_tensor(labels, dtype=torch.float64)
    return float(functional.binary_cross_entropy(torch.as_tensor(scores), targets))


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
