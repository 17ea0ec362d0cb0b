"""Splits whose test pairs hold RNAs that no other pair holds."""

from __future__ import annotations

import numpy as np

from cupid_tools.sampling.coded import Codes
from cupid_tools.sampling.splits.partition import LEFT_OUT, Parts, SplitTask, Splitter, divide_groups


def split_one_side(task: SplitTask, side: int) -> Parts:
    """Divide the groups of one side; a pair goes where its RNA of that side is.

    Where RNAs stand on both sides of the table, a pair is left out when its other RNA is kept for a later part than
    the pair itself: a train pair must not show a test RNA.
    """
    own, other = (task.pairs.a, task.pairs.b)[:: 1 if side == 0 else -1]
    part = divide_groups(task, np.bincount(own, minlength=len(task.groups)))[task.groups]
    return np.where(part[other] > part[own], LEFT_OUT, part[own]).astype(np.int8)


def split_both_sides(task: SplitTask) -> Parts:
    """Divide the groups of all RNAs; a pair whose RNAs are in different parts is left out."""
    weights: Codes = np.bincount(np.concatenate([task.pairs.a, task.pairs.b]), minlength=len(task.groups))
    part = divide_groups(task, weights)[task.groups]
    return np.where(part[task.pairs.a] == part[task.pairs.b], part[task.pairs.a], LEFT_OUT).astype(np.int8)


def split_a(task: SplitTask) -> Parts:
    """Unseen first RNAs."""
    return split_one_side(task, 0)


def split_b(task: SplitTask) -> Parts:
    """Unseen second RNAs."""
    return split_one_side(task, 1)


_LATER = "rna-of-later-split"

UNSEEN_A = Splitter(split_a, sides=(0,), left_out=_LATER)
UNSEEN_B = Splitter(split_b, sides=(1,), left_out=_LATER)
UNSEEN_BOTH = Splitter(split_both_sides, sides=(0, 1), left_out="rnas-in-different-splits")
