"""What baselines are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cupid_tools.evaluation.metrics import Bools, Floats, Labels
from cupid_tools.evaluation.rnas import RnaTable
from cupid_tools.sampling.coded import Codes
from cupid_tools.sampling.seeds import rng_for

FIT_ROWS = 20_000
"""Regressions are fitted on at most so many train rows: more change their few weights little."""
BLOCK_ROWS = 1 << 16


@dataclass(frozen=True)
class Pairs:
    """Pairs without labels, as positions in the RNA table: int64 [n] each."""

    a: Codes
    b: Codes

    def __len__(self) -> int:
        return len(self.a)

    def where(self, chosen: Bools | Codes) -> Pairs:
        """The pairs that a mask [n] or positions choose."""
        return Pairs(self.a[chosen], self.b[chosen])

    def blocks(self) -> Iterator[Pairs]:
        """The pairs in blocks, so that features of a large table never stand in memory at once."""
        for start in range(0, len(self), BLOCK_ROWS):
            yield Pairs(self.a[start : start + BLOCK_ROWS], self.b[start : start + BLOCK_ROWS])


@dataclass(frozen=True)
class Training:
    """Labelled train pairs.

    Attributes:
        pairs: n pairs, in an order that does not depend on the input's.
        label: int8 [n].
        seed: of the choice of rows where not all are used.
    """

    pairs: Pairs
    label: Labels
    seed: int

    @property
    def positives(self) -> Pairs:
        """The pairs with label 1."""
        return self.pairs.where(self.label == 1)

    def where(self, chosen: Bools | Codes) -> Training:
        """The rows that a mask [n] or positions choose."""
        return Training(self.pairs.where(chosen), self.label[chosen], self.seed)

    def sample(self) -> Training:
        """At most ``FIT_ROWS`` rows, each class in proportion, at least one of each."""
        if len(self.label) <= FIT_ROWS:
            return self
        order = rng_for(self.seed, "evaluation.fit").permutation(len(self.label))
        order = order[np.argsort(self.label[order], kind="stable")]
        return self.where(order[np.linspace(0, len(order) - 1, FIT_ROWS).astype(np.int64)])


class Sides:
    """Which RNA of a pair is the first, learnt from train, so that the order of a single row does not matter.

    Of two types the first is the one that more often stands in ``id_a``; between equal types there is no first.
    """

    def __init__(self, train: Training, rnas: RnaTable) -> None:
        self._types = rnas.types
        size = len(rnas.type_names)
        seen = np.bincount(self._types[train.pairs.a] * size + self._types[train.pairs.b], minlength=size * size)
        seen = seen.reshape(size, size)
        alphabetical = np.triu(np.ones((size, size), dtype=bool))
        self._keeps = (seen > seen.T) | ((seen == seen.T) & alphabetical)

    def of(self, pairs: Pairs) -> tuple[Codes, Codes]:
        """First and second RNA of each pair; between equal types as they stand."""
        keeps = self._keeps[self._types[pairs.a], self._types[pairs.b]]
        return np.where(keeps, pairs.a, pairs.b), np.where(keeps, pairs.b, pairs.a)

    def value(self, values: Floats, pairs: Pairs, side: int) -> Floats:
        """The value [N RNAs] of one side (0 or 1) of each pair; between equal types the mean of both."""
        same = self._types[pairs.a] == self._types[pairs.b]
        chosen = values[self.of(pairs)[side]]
        return np.where(same, (values[pairs.a] + values[pairs.b]) / 2, chosen)


def fit_logistic(
    features: NDArray[np.floating], label: Labels, weight: Floats | None = None
) -> Callable[[NDArray[np.floating]], Floats]:
    """Fit an L2-regularised logistic regression on standardised features [n, F]; return features -> probability."""
    from sklearn.linear_model import LogisticRegression

    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1)
    model = LogisticRegression(solver="newton-cholesky")
    model.fit((features - mean) / spread, label, sample_weight=weight)
    return lambda rows: np.asarray(model.predict_proba((rows - mean) / spread)[:, 1], dtype=np.float64)


Baseline = Callable[[Training, Pairs, RnaTable], Floats]
