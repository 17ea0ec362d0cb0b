"""How every classifier of types is fitted: in stages, each judged on valid, of which the best is kept."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from cupid_tools.errors import CupidError
from cupid_tools.evaluation.metrics import Floats
from cupid_tools.evaluation.type_calibration import fit_temperature, log_loss
from cupid_tools.evaluation.type_metrics import f1_scores
from cupid_tools.models.curves import CurveRow
from cupid_tools.models.fitting import NoNumberError, check, keep_best

log = logging.getLogger("cupid_tools")


class Step(NamedTuple):
    """What a stage leaves.

    Attributes:
        setting: the learning rate, or the ridge.
        train_loss: mean, in nats.
        valid_logits: float64 [valid RNAs, C].
    """

    setting: float
    train_loss: float
    valid_logits: Floats


@dataclass(frozen=True)
class Stage(CurveRow):
    """One row of the curves: an epoch of a net, some rounds of boosting, or one ridge.

    ``valid_loss`` is that after the temperature, since the probabilities that are given out are those.
    """

    stage: int
    setting: float
    train_loss: float
    valid_loss: float
    valid_f1_micro: float
    valid_f1_macro: float
    temperature: float


@dataclass(frozen=True)
class TypeFit:
    """What training left.

    Attributes:
        best: the stage that was chosen, the one with the least loss on valid.
        tensors: the classifier's after that stage, on the CPU.
        valid_logits: of that stage, float64 [valid RNAs, C].
        curves: all stages.
        trouble: why it stopped before its time, if it did; *best* is good nevertheless.
    """

    best: Stage
    tensors: dict[str, Tensor]
    valid_logits: Floats
    curves: list[Stage]
    trouble: CupidError | None = None


def check_stages(epochs: int, patience: int) -> None:
    """Raise UsageError where there would be no stage."""
    check(epochs >= 1 and patience >= 1, "epochs and patience must be at least 1")


def fit_stages(
    learn: Callable[[int], Step | None],
    tensors: Callable[[], dict[str, Tensor]],
    types: NDArray[np.int64],
    *,
    stages: int,
    patience: int,
) -> TypeFit:
    """Run ``learn(number)`` for the stages 1, 2, ... and keep ``tensors()`` after the best one.

    Args:
        learn: one stage; None where there is nothing left to learn.
        tensors: copies of the classifier's tensors as they are now, on the CPU.
        types: of the valid RNAs, int64 [n].
        stages: at most.
        patience: stages without a better one after which it stops.

    Raises:
        CupidError: the loss was no number in the first stage.
        KeyboardInterrupt: it came before the first stage was done.
    """
    valid_logits = np.empty((0, 0))  # of the stage that is just done

    def judged(number: int) -> Stage | None:
        nonlocal valid_logits
        step = learn(number)
        if step is None:
            return None
        valid_logits = step.valid_logits
        return _judged(number, step, types)

    best, (kept, logits), curves, trouble = keep_best(
        judged,
        lambda: (tensors(), valid_logits),
        lambda row: -row.valid_loss,
        lambda row: _log_stage(row, stages),
        rounds=stages,
        patience=patience,
        name="stage",
    )
    return TypeFit(best, kept, logits, curves, trouble)


def _judged(number: int, step: Step, types: NDArray[np.int64]) -> Stage:
    if not (math.isfinite(step.train_loss) and np.isfinite(step.valid_logits).all()):
        raise NoNumberError
    temperature = fit_temperature(types, step.valid_logits)
    micro, macro = f1_scores(types, np.argmax(step.valid_logits, axis=1))
    loss = log_loss(types, step.valid_logits, temperature)
    return Stage(number, step.setting, step.train_loss, loss, micro, macro, temperature)


def _log_stage(row: Stage, stages: int) -> None:
    log.info(
        "stage %d of %d: loss %.4f; valid: loss %.4f, F1 micro %.3f, macro %.3f",
        row.stage,
        stages,
        row.train_loss,
        row.valid_loss,
        row.valid_f1_micro,
        row.valid_f1_macro,
    )
