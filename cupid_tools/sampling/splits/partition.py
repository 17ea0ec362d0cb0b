"""What every split is made of: a task, a splitter, and the division of groups by weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cupid_tools.sampling.coded import CodedPairs, Codes
from cupid_tools.sampling.seeds import rng_for
from cupid_tools.sampling.splits import SplitSettings

TRAINED, VALIDATED, TESTED = range(3)
"""Positions in ``vocab.SPLITS``; a higher one is kept away from the lower ones."""
LEFT_OUT = -1

Parts = NDArray[np.int8]


@dataclass(frozen=True)
class SplitTask:
    """Pairs to be split.

    Attributes:
        pairs: as integers.
        groups: int64 [N], RNAs of one number are never separated.
        settings: how.
    """

    pairs: CodedPairs
    groups: Codes
    settings: SplitSettings


class Splitter(NamedTuple):
    """A way to split.

    Attributes:
        split: gives each row its part, or ``LEFT_OUT``: int8 [rows].
        sides: those (0 first, 1 second) whose RNAs must be unseen; empty for a split of pairs.
        left_out: why a row is left out, as the reports name it.
    """

    split: Callable[[SplitTask], Parts]
    sides: tuple[int, ...]
    left_out: str = ""


def divide_groups(task: SplitTask, weights: Codes) -> Parts:
    """Divide groups among the parts, within each RNA type, so that each part has its share of the weight.

    Groups are taken in a random order. One joins the test part when this brings the part's weight nearer to its
    share than leaving it out; then valid likewise; the rest is train. A group's type is that of most of its weight.

    Args:
        task: its settings give the shares, its RNAs the types.
        weights: int64 [N], number of pairs of each RNA that count; a group of weight 0 stays in train.

    Returns:
        int8 [groups].
    """
    groups, types = task.groups, task.pairs.types
    size = int(groups.max()) + 1
    by_type = np.zeros((size, len(task.pairs.type_names)), dtype=np.int64)
    np.add.at(by_type, (groups, types), weights)
    total, kind = by_type.sum(axis=1), by_type.argmax(axis=1)
    parts = np.full(size, TRAINED, dtype=np.int8)
    for number, name in enumerate(task.pairs.type_names):
        mine = np.flatnonzero((kind == number) & (total > 0))
        order = rng_for(task.settings.seed, "split", task.settings.by, name).permutation(mine)
        tested = _nearest(order, total, task.settings.fractions.test)
        rest = order[~tested]
        parts[order[tested]] = TESTED
        parts[rest[_nearest(rest, total, task.settings.fractions.valid)]] = VALIDATED
    return parts


def _nearest(order: Codes, weights: Codes, fraction: float) -> NDArray[np.bool_]:
    """Which of *order* to take so that their weight comes near to *fraction* of all: bool [order]."""
    taken = np.zeros(len(order), dtype=bool)
    room = fraction * float(weights[order].sum())
    for index, weight in enumerate(weights[order].tolist()):
        if weight / 2 <= room:
            taken[index] = True
            room -= weight
    return taken
