"""Numbers with their intervals: each metric as it is, and in replicates that draw clusters of relatives anew.

All methods of a table share the replicates, so that differences are paired.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cupid_tools.evaluation.bootstrap import Interval, interval, unit_weights
from cupid_tools.evaluation.metrics import Floats
from cupid_tools.sampling.seeds import rng_for

REPLICATES = 1000
LEVEL = 0.95
NOWHERE = ""
"""The place of an encoder that cannot be judged."""

Codes = NDArray[np.int64]
Weights = NDArray[np.float32]


class Estimate(NamedTuple):
    """A metric and its replicates, float64 [replicates]."""

    point: float
    replicates: Floats

    @property
    def interval(self) -> Interval:
        """Of 95 %."""
        return interval(self.replicates, LEVEL)

    def minus(self, other: Estimate) -> Estimate:
        """The paired difference."""
        return Estimate(self.point - other.point, self.replicates - other.replicates)


class Row(NamedTuple):
    """What one encoder has in one place of a table.

    Attributes:
        place: what is judged, such as a set and a split.
        encoder: by name.
        metrics: name -> estimate; empty where the encoder's weights are not here.
    """

    place: str
    encoder: str
    metrics: dict[str, Estimate]


def estimate(values: Floats) -> Estimate:
    """The first of *values*, [1 + replicates], is the point."""
    return Estimate(float(values[0]), values[1:])


def mean_of(estimates: Sequence[Estimate]) -> Estimate:
    """The mean over splits that share their replicates."""
    points, replicates = zip(*estimates, strict=True)
    return Estimate(float(np.mean(points)), np.mean(replicates, axis=0))


def row_weights(units: Codes, name: str) -> Weights:
    """How often each row counts, as its unit was drawn: float32 [1 + replicates, rows]; once each in the first.

    Args:
        units: int64 [rows], clusters or families, by any numbers.
        name: of what is drawn: the same name, the same replicates.
    """
    codes = np.unique(units, return_inverse=True)[1]
    strata = np.zeros(codes.max() + 1, dtype=np.int64)
    drawn = unit_weights(strata, REPLICATES, rng_for(0, "benchmarks.encoders", name))
    return np.concatenate([np.ones((1, len(units)), dtype=np.float32), drawn[:, codes]])


def f1_scores(truth: Codes, told: Codes, weights: Weights) -> tuple[Floats, Floats]:
    """F1 macro, over the classes that occur, and micro, which with one class for each row is the share told right.

    Args:
        truth, told: int64 [rows], classes from 0 on.
        weights: float32 [R, rows].

    Returns:
        Both float64 [R].
    """
    classes = np.arange(max(truth.max(), told.max()) + 1)
    of_class, as_class = (codes[:, None] == classes for codes in (truth, told))  # [rows, classes]
    there, called, right = (
        (weights @ rows.astype(np.float32)).astype(np.float64) for rows in (of_class, as_class, of_class & as_class)
    )
    f1 = np.divide(2 * right, there + called, out=np.zeros_like(right), where=there + called > 0)
    occurs = there > 0
    macro = np.sum(f1 * occurs, axis=1) / np.sum(occurs, axis=1)
    return macro, right.sum(axis=1) / there.sum(axis=1)


def weighted_mean(values: Floats, weights: Weights) -> Floats:
    """The mean of *values* [rows] under each of *weights* [R, rows]: float64 [R]."""
    sums: Floats = (weights @ values) / weights.sum(axis=1, dtype=np.float64)
    return sums


def cell(found: Estimate, *, signed: bool = False) -> str:
    """A number with its interval, as ``.812 [.801, .822]`` or ``+.012 [-.003, +.020]``.

    >>> cell(Estimate(0.5, np.array([0.25, 0.75])))
    '.500 [.263, .737]'
    """
    return f"{_shown(found.point, signed)} [{', '.join(_shown(end, signed) for end in found.interval)}]"


def _shown(value: float, signed: bool) -> str:
    text = f"{value:+.3f}" if signed else f"{value:.3f}"
    return text.replace("0.", ".", 1) if abs(value) < 1 else text
