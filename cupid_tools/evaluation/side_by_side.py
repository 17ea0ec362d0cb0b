"""Score tables of the same test pairs, two at a time: whose scores rank better, on the pairs that both hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from cupid_tools.evaluation.comparison import Comparison, Contrast, classes, compare
from cupid_tools.evaluation.evaluate import Bootstrap, Evaluation
from cupid_tools.evaluation.experiment import MODEL, Rows
from cupid_tools.evaluation.measurements import Measurement, Slice
from cupid_tools.evaluation.metrics import Bools, measure
from cupid_tools.evaluation.settings import Settings
from cupid_tools.sampling.coded import Codes
from cupid_tools.vocab import TEST

MIN_SHARED = 0.5
"""Two tables are compared where at least this part of the smaller one's test pairs is in both."""


class SideBySide(NamedTuple):
    """Two score tables.

    Attributes:
        one, other: their names.
        smaller: test pairs of the table that has fewer.
        shared: how many of them the other one holds too, with the same label.
        comparisons: by class of the shared pairs; none where too few are shared.
    """

    one: str
    other: str
    smaller: int
    shared: int
    comparisons: list[Comparison]


def side_by_side(evaluations: Sequence[Evaluation], settings: Settings) -> list[SideBySide]:
    """Compare every two of *evaluations* on the test pairs that they share, by bootstrap of the same units."""
    return [_compared(one, other, settings) for one, other in combinations(evaluations, 2)]


def shared_comparisons(found: Iterable[SideBySide]) -> Iterator[Comparison]:
    """All comparisons."""
    for both in found:
        yield from both.comparisons


def _compared(one: Evaluation, other: Evaluation, settings: Settings) -> SideBySide:
    names = one.experiment.name, other.experiment.name
    mine, its = _shared(one, other)
    smaller = min(int(np.sum(found.rows.of_split(TEST))) for found in (one, other))
    if len(mine) < max(1.0, MIN_SHARED * smaller):
        return SideBySide(*names, smaller, len(mine), [])
    rows = _joined(one.rows.where(mine), other.rows.where(its), names)
    thresholds = dict(zip(names, (found.thresholds[MODEL] for found in (one, other)), strict=True))
    bootstrap = Bootstrap(rows, one.experiment.strata, TEST, settings)
    contrast = Contrast(
        *names, f"{names[0]} ranks better", "neither is shown to rank better", f"{names[1]} ranks better"
    )
    comparisons = [
        compare(rows, where, chosen, _measured(rows, where, chosen, thresholds, bootstrap), [contrast], settings.level)
        for where, chosen in classes(rows, one.experiment.kinds)
    ]
    return SideBySide(*names, smaller, len(mine), comparisons)


def _shared(one: Evaluation, other: Evaluation) -> tuple[Codes, Codes]:
    """Positions of the test rows of *one* and *other* that are of the same pair, in any order, and the same label."""
    ids = pd.Index(sorted({*one.experiment.names, *other.experiment.names}))
    keys, places = zip(*(_keys(found, ids) for found in (one, other)), strict=True)
    _, mine, its = np.intersect1d(*keys, return_indices=True)
    return places[0][mine], places[1][its]


def _keys(found: Evaluation, ids: pd.Index[str]) -> tuple[Codes, Codes]:
    """The distinct test pairs with their labels as numbers, ascending, and the first row of each."""
    numbers = ids.get_indexer(pd.Index(found.experiment.names)).astype(np.int64)
    places = np.flatnonzero(found.rows.of_split(TEST))
    low, high = np.sort(numbers[found.rows.who[:, places]], axis=0)
    keys, first = np.unique((low * len(ids) + high) * 2 + found.rows.label[places], return_index=True)
    return keys, places[first]


def _joined(one: Rows, other: Rows, names: tuple[str, str]) -> Rows:
    """The same pairs with the scores of both tables; both RNAs are unseen where neither table's train holds one."""
    return replace(
        one,
        seen=one.seen | other.seen,
        related=one.related | other.related,
        scores=dict(zip(names, (one.scores[MODEL], other.scores[MODEL]), strict=True)),
    )


def _measured(
    rows: Rows, where: Slice, chosen: Bools, thresholds: dict[str, float], bootstrap: Bootstrap
) -> dict[str, Measurement]:
    resampled = bootstrap.of(chosen)
    label, query = rows.label[chosen], rows.query[chosen]
    found = {}
    for name, scores in rows.scores.items():
        values = measure(label, scores[chosen], thresholds[name], query)
        found[name] = bootstrap.measured(where, name, values, resampled, scores[chosen], thresholds[name])
    return found
