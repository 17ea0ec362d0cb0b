"""What is known of one method on one set of rows, and of the difference between two methods."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cupid_tools.evaluation.bootstrap import UNDEFINED, Interval, Replicates, interval


class Slice(NamedTuple):
    """A set of evaluated rows; ``all`` where a property is not restricted. Positives belong to every strategy."""

    split: str
    type_pair: str
    overlap: str
    strategy: str


class Measurement(NamedTuple):
    """Metrics of one method on one slice; *intervals* and *replicates* only where they were taken."""

    where: Slice
    method: str
    values: dict[str, float]
    intervals: dict[str, Interval]
    replicates: Replicates | None

    def defined(self) -> bool:
        """Whether there are rows of both classes."""
        return not np.isnan(self.values["auroc"])

    def interval(self, metric: str) -> Interval:
        """The interval of a metric; NaN, NaN where none was taken."""
        return self.intervals.get(metric, UNDEFINED)


class Gap(NamedTuple):
    """One method, the model unless told otherwise, minus another, the *baseline*, on equal replicates."""

    baseline: str
    auroc: float
    auroc_interval: Interval
    auprc: float
    auprc_interval: Interval


def gap_between(one: Measurement, other: Measurement, level: float) -> Gap:
    """*one* minus *other*, both measured on the same rows; intervals of *level* where replicates were taken."""
    differences = {name: one.values[name] - other.values[name] for name in ("auroc", "auprc")}
    found = dict.fromkeys(differences, UNDEFINED)
    if one.replicates is not None and other.replicates is not None:
        for name in differences:
            replicates = getattr(one.replicates, name) - getattr(other.replicates, name)
            found[name] = interval(replicates, level)
    return Gap(other.method, differences["auroc"], found["auroc"], differences["auprc"], found["auprc"])
