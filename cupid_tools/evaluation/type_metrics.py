"""How well types of RNAs are told: F1, calibration, and what `unknown` answers save, each with its interval.

Every number is made of sums over RNAs, so that a bootstrap replicate is one product of weights and sums.

Letters: n RNAs, A types that occur or can be answered, C of them known to the model, G groups of relatives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cupid_tools.evaluation.bootstrap import UNDEFINED, Interval, interval, unit_weights
from cupid_tools.evaluation.metrics import CALIBRATION_BINS, Floats
from cupid_tools.sampling.relatives import Groups
from cupid_tools.sampling.seeds import rng_for

if TYPE_CHECKING:
    from scipy.sparse import csr_array

ALL = "all"
"""Stands for all types in a table."""
OVERALL = (
    "n", "f1_micro", "f1_macro", "log_loss", "brier", "ece", "unknown", "f1_micro_answered", "f1_macro_answered"
)  # fmt: skip
PER_TYPE = ("n", "precision", "recall", "f1")

_LEAST_PROBABILITY = 1e-15
"""Bounds the loss of a type that was given no probability at all."""
_AT_ONCE = 32
"""Replicates whose weights are held at once."""

Places = NDArray[np.int64]


@dataclass(frozen=True)
class TypeAnswers:
    """What a model said of n RNAs whose type is known.

    Attributes:
        names: the A types; the first C are those that the model knows.
        known: C.
        truth: int64 [n], places in *names*.
        called: int64 [n], the most probable type of each.
        confidence: float64 [n], its probability.
        of_truth: float64 [n], the probability of the true type; 0 where the model does not know it.
        squares: float64 [n], the sum of the squares of all probabilities.
    """

    names: tuple[str, ...]
    known: int
    truth: Places
    called: Places
    confidence: Floats
    of_truth: Floats
    squares: Floats

    def __len__(self) -> int:
        return len(self.truth)


class Measured(NamedTuple):
    """One number with its interval; NaN where it is not defined."""

    type: str
    metric: str
    value: float
    interval: Interval


def answers_of(truth: Sequence[str], probabilities: Floats, known: Sequence[str]) -> TypeAnswers:
    """Compare *probabilities*, float64 [n, C], of the *known* types with the true ones, [n]."""
    others = sorted({*truth} - {*known})
    names = (*known, *others)
    place = {name: number for number, name in enumerate(names)}
    places = np.array([place[name] for name in truth], dtype=np.int64)
    rows = np.arange(len(places))
    called = np.argmax(probabilities, axis=1) if len(rows) else np.zeros(0, dtype=np.int64)
    inside = np.minimum(places, len(known) - 1)
    of_truth = np.where(places < len(known), probabilities[rows, inside], 0.0)
    squares = (probabilities**2).sum(axis=1)
    return TypeAnswers(names, len(known), places, called, probabilities[rows, called], of_truth, squares)


def join_answers(parts: Sequence[TypeAnswers]) -> TypeAnswers:
    """All answers of several parts of a file, in order; each part knows the same types."""
    known = parts[0].known
    first = parts[0].names[:known]
    others = sorted({name for part in parts for name in part.names[known:]})
    names = (*first, *others)
    place = {name: number for number, name in enumerate(names)}
    truth = [np.array([place[name] for name in part.names], dtype=np.int64)[part.truth] for part in parts]
    rest = ([getattr(part, name) for part in parts] for name in ("called", "confidence", "of_truth", "squares"))
    return TypeAnswers(names, known, np.concatenate(truth), *map(np.concatenate, rest))


def f1_scores(truth: Places, called: Places) -> tuple[float, float]:
    """F1 micro and F1 macro of answers that are all given; macro over the types that are there or were called.

    >>> f1_scores(np.array([0, 0, 1]), np.array([0, 1, 1]))
    (0.6666666666666666, 0.6666666666666666)
    """
    size = int(max(truth.max(initial=0), called.max(initial=0))) + 1
    there, found = np.bincount(truth, minlength=size), np.bincount(called, minlength=size)
    right = np.bincount(truth[truth == called], minlength=size)
    both = there + found
    return float(right.sum() / len(truth)), float((2 * right[both > 0] / both[both > 0]).mean())


def confusion_table(answers: TypeAnswers, threshold: float) -> NDArray[np.int64]:
    """How many RNAs of each type were called what: int64 [A, C + 1]; the last column is ``unknown``."""
    column = np.where(answers.confidence >= threshold, answers.called, answers.known)
    table = np.zeros((len(answers.names), answers.known + 1), dtype=np.int64)
    np.add.at(table, (answers.truth, column), 1)
    return table


def measure_types(
    answers: TypeAnswers, threshold: float, groups: Groups, *, replicates: int, seed: int, level: float = 0.95
) -> Iterator[Measured]:
    """Yield every metric with its bootstrap interval over groups of relatives.

    Args:
        answers: at least one.
        threshold: RNAs whose confidence is lower were answered ``unknown``; this counts in *unknown* and in the
            metrics of what was *answered* alone.
        groups: int64 [n], of the RNAs; a group is drawn as one, among those whose first RNA has its type.
        replicates: of the bootstrap; 0 for no intervals.
        seed: of the bootstrap.
        level: of the intervals.
    """
    point, drawn = type_replicates(answers, threshold, groups, replicates=replicates, seed=seed)
    for (kind, metric), value in point.items():
        low_high = interval(drawn[kind, metric], level) if replicates and metric != "n" else UNDEFINED
        yield Measured(kind, metric, float(value), low_high)


Metrics = Mapping[tuple[str, str], Floats]
"""(type or ``ALL``, metric) -> values, one a replicate."""


def type_replicates(
    answers: TypeAnswers, threshold: float, groups: Groups, *, replicates: int, seed: int
) -> tuple[Metrics, Metrics]:
    """Every metric of the answers as they are, float64 [], and of bootstrap replicates, float64 [replicates].

    Equal seeds and groups draw equal replicates, so that two methods can be compared on each; see ``measure_types``.
    """
    sums = _sums(answers, threshold, groups)
    layout = _Layout(answers)
    point = layout.metrics(np.asarray(sums.sum(axis=0), dtype=np.float64)[None])
    strata = answers.truth[np.unique(groups, return_index=True)[1]]
    rng = rng_for(seed, "evaluation.types")
    sizes = [min(_AT_ONCE, replicates - start) for start in range(0, replicates, _AT_ONCE)]
    parts = [(sums.T @ unit_weights(strata, size, rng).T.astype(np.float64)).T for size in sizes]
    drawn = layout.metrics(np.concatenate(parts)) if parts else {}
    return {name: values[0] for name, values in point.items()}, drawn


def _sums(answers: TypeAnswers, threshold: float, groups: Groups) -> csr_array:
    """What metrics are made of, summed over the RNAs of each group: float64 [G, columns of ``_Layout``]."""
    from scipy.sparse import coo_array

    layout, size = _Layout(answers), len(answers)
    rows = np.arange(size)
    answered = np.flatnonzero(answers.confidence >= threshold)
    known = np.flatnonzero(answers.truth < answers.known)
    right = np.flatnonzero(answers.truth == answers.called)
    right_answered = np.intersect1d(right, answered, assume_unique=True)
    bins = np.minimum((answers.confidence * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    losses = -np.log(np.maximum(answers.of_truth, _LEAST_PROBABILITY))
    entries: list[tuple[int, Places, Places, Floats]] = []

    def add(name: str, which: Places, column: Places | None = None, value: Floats | None = None) -> None:
        columns = np.zeros(size, dtype=np.int64) if column is None else column
        entries.append(
            (layout.start(name), which, columns[which], np.ones(size)[which] if value is None else value[which])
        )

    add("truth", rows, answers.truth)
    add("called", rows, answers.called)
    add("right", right, answers.truth)
    add("truth_answered", answered, answers.truth)
    add("called_answered", answered, answers.called)
    add("right_answered", right_answered, answers.truth)
    add("bin_confidence", rows, bins, answers.confidence)
    add("bin_right", right, bins)
    add("loss", known, None, losses)
    add("losses", known)
    add("brier", rows, None, answers.squares - 2 * answers.of_truth + 1)
    where = np.concatenate([which for _, which, _, _ in entries])
    columns = np.concatenate([start + column for start, _, column, _ in entries])
    values = np.concatenate([value for *_, value in entries])
    shape = (int(groups.max(initial=-1)) + 1, layout.width)
    return coo_array((values, (groups[where], columns)), shape=shape).tocsr()


class _Layout:
    """Where each sum stands."""

    def __init__(self, answers: TypeAnswers) -> None:
        self._names = answers.names
        types = len(answers.names)
        by_type = ("truth", "called", "right", "truth_answered", "called_answered", "right_answered")
        self._sizes = dict.fromkeys(by_type, types)
        self._sizes |= dict.fromkeys(("bin_confidence", "bin_right"), CALIBRATION_BINS)
        self._sizes |= dict.fromkeys(("loss", "losses", "brier"), 1)
        self.width = sum(self._sizes.values())

    def start(self, name: str) -> int:
        """The first column of a sum."""
        names = list(self._sizes)
        return sum(self._sizes[other] for other in names[: names.index(name)])

    def metrics(self, sums: Floats) -> dict[tuple[str, str], Floats]:
        """All metrics from sums [R, width]: [R] each."""
        found = {name: sums[:, self.start(name) : self.start(name) + size] for name, size in self._sizes.items()}
        total = found["truth"].sum(axis=1)
        answered = found["truth_answered"].sum(axis=1)
        f1, macro = _f1(found["truth"], found["called"], found["right"])
        macro_answered = _f1(found["truth_answered"], found["called_answered"], found["right_answered"])[1]
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = found["right"] / np.where(found["called"] > 0, found["called"], np.nan)
            recall = found["right"] / np.where(found["truth"] > 0, found["truth"], np.nan)
            overall = (
                total,
                found["right"].sum(axis=1) / total,
                macro,
                found["loss"][:, 0] / found["losses"][:, 0],
                found["brier"][:, 0] / total,
                np.abs(found["bin_confidence"] - found["bin_right"]).sum(axis=1) / total,
                1 - answered / total,
                found["right_answered"].sum(axis=1) / answered,
                macro_answered,
            )
        metrics = {(ALL, name): values for name, values in zip(OVERALL, overall, strict=True)}
        for place, kind in enumerate(self._names):
            for name, values in zip(PER_TYPE, (found["truth"], precision, recall, f1), strict=True):
                metrics[kind, name] = values[:, place]
        return metrics


def _f1(truth: Floats, called: Floats, right: Floats) -> tuple[Floats, Floats]:
    """F1 of each type, [R, A], NaN where it is neither there nor called; and its mean over the others, [R]."""
    both = truth + called
    f1 = 2 * right / np.where(both > 0, both, np.nan)
    there = (both > 0).sum(axis=1)
    return f1, np.nansum(f1, axis=1) / np.where(there > 0, there, np.nan)
