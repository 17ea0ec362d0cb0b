"""Grown trees as flat arrays of numbers, and the walk through them; LightGBM is only needed to grow them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cupid_tools.interaction.compiling import compiled, in_threads

_BLOCK_ROWS = 1 << 12
"""Rows that a thread takes at a time: some milliseconds."""

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


class Trees(NamedTuple):
    """T trees of M nodes and L leaves in all. Where a number tells a node or a leaf, leaf k is -1 - k.

    Attributes:
        root: where each tree starts, int64 [T].
        feature: column of the features that a node looks at, int64 [M].
        threshold: what is at most this goes left, float64 [M].
        left, right: where it goes, int64 [M]; nodes only lead to later ones.
        answer: what a leaf adds, float64 [L].
    """

    root: Places
    feature: Places
    threshold: Floats
    left: Places
    right: Places
    answer: Floats

    def answers(self, features: Floats, threads: int = 1) -> Floats:
        """The answers of all trees, added up in order: float64 [d].

        Args:
            features: float64 [d, F]; none is NaN.
            threads: how many work side by side; the result does not depend on it.
        """
        found = np.empty(len(features))
        blocks = [slice(start, start + _BLOCK_ROWS) for start in range(0, len(features), _BLOCK_ROWS)]
        in_threads(threads, blocks, lambda rows: _walk(self, features[rows], found[rows]))
        return found

    def check(self, features: int) -> None:
        """Make sure that every walk through rows of so many *features* ends at a leaf.

        Raises:
            ValueError: it may not, or a number is NaN or infinite.
        """
        forms = [(1, part.dtype) for part in EMPTY]
        _ensure([(part.ndim, part.dtype) for part in self] == forms, "parts of its trees are of another form")
        nodes, leaves = len(self.feature), len(self.answer)
        _ensure(len(self.root) > 0, "it has no trees")
        _ensure({nodes} == {len(part) for part in self[1:5]}, "parts of its trees differ in length")
        _ensure(((self.feature >= 0) & (self.feature < features)).all(), "its trees are of other features")
        _ensure(np.isfinite(self.threshold).all() and np.isfinite(self.answer).all(), "its trees hold NaN or infinity")
        later = np.arange(1, nodes + 1)
        for places, least in ((self.root, 0), (self.left, later), (self.right, later)):
            good = np.where(places < 0, places >= -leaves, (places >= least) & (places < nodes))
            _ensure(good.all(), "its trees lead nowhere")


def _ensure(good: bool | np.bool_, problem: str) -> None:
    if not good:
        raise ValueError(problem)


def parse(text: str) -> Trees:
    """The trees of LightGBM's own text, which splits numbers only, and has seen no missing one."""
    return joined(map(_parse_tree, text.partition("\nend of trees\n")[0].split("\nTree=")[1:]))


def _parse_tree(text: str) -> Trees:
    lines = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    feature, left, right = (np.array(lines[name].split(), dtype=np.int64) for name in _PLACES)
    threshold, answer = (np.array(lines[name].split(), dtype=np.float64) for name in ("threshold", "leaf_value"))
    return Trees(np.array([0 if len(feature) else -1]), feature, threshold, left, right, answer)


_PLACES = ("split_feature", "left_child", "right_child")


def joined(parts: Iterable[Trees]) -> Trees:
    """All trees of all *parts*, in order."""
    moved, nodes, leaves = [EMPTY], 0, 0
    for part in parts:
        root, left, right = (
            np.where(places < 0, places - leaves, places + nodes) for places in (part.root, part.left, part.right)
        )
        moved.append(part._replace(root=root, left=left, right=right))
        nodes, leaves = nodes + len(part.feature), leaves + len(part.answer)
    return Trees(*(np.concatenate(arrays) for arrays in zip(*moved, strict=True)))


_NO_PLACES, _NO_NUMBERS = np.zeros(0, dtype=np.int64), np.zeros(0)
EMPTY = Trees(_NO_PLACES, _NO_PLACES, _NO_NUMBERS, _NO_PLACES, _NO_PLACES, _NO_NUMBERS)
"""No trees, which answer 0."""


@compiled
def _walk(trees: Trees, features: Floats, found: Floats) -> None:
    """Write the summed answers to *found*, float64 [d]."""
    for row in range(len(features)):
        total = 0.0
        for start in trees.root:
            place = start
            while place >= 0:
                goes_left = features[row, trees.feature[place]] <= trees.threshold[place]
                place = trees.left[place] if goes_left else trees.right[place]
            total += trees.answer[-1 - place]
        found[row] = total
