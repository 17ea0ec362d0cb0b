"""Which RNAs are held out, of every type about the same share, and groups of relatives never divided."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cupid_tools.sampling.relatives import Groups

FEW_GROUPS = 5
"""A type with fewer groups of relatives is told: its numbers rest on next to nothing."""

Types = NDArray[np.int64]


def group_counts(types: Types, groups: Groups) -> NDArray[np.int64]:
    """How many RNAs of each type each group has: int64 [groups, types]."""
    counts = np.zeros((int(groups.max(initial=-1)) + 1, int(types.max(initial=-1)) + 1), dtype=np.int64)
    np.add.at(counts, (groups, types), 1)
    return counts


def held_out(types: Types, groups: Groups, fraction: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose whole groups at random until about *fraction* of the RNAs of each type is held out.

    Types go by turns, the one with the fewest groups first. A group is left where it is when it has more RNAs of the
    type than are still wanted, so large families are learned from; and when it holds the last RNAs of any type. A type
    of which no group is small enough gives its smallest one.

    Args:
        types: int64 [N].
        groups: int64 [N], of relatives.
        fraction: of the RNAs of each type; between 0 and 1.
        rng: source of randomness.

    Returns:
        bool [N].
    """
    counts = group_counts(types, groups)
    left, held = counts.sum(axis=0), np.zeros(counts.shape[1], dtype=np.int64)
    wanted = np.maximum(1, np.round(left * fraction)).astype(np.int64)
    main = np.argmax(counts, axis=1)
    order = rng.permutation(len(counts))
    chosen = np.zeros(len(counts), dtype=bool)

    def take(group: int) -> None:
        nonlocal left, held
        if (left > counts[group])[counts[group] > 0].all():
            chosen[group] = True
            left, held = left - counts[group], held + counts[group]

    for kind in np.argsort((counts > 0).sum(axis=0), kind="stable").tolist():
        mine = order[main[order] == kind]
        for group in mine.tolist():
            if held[kind] >= wanted[kind]:
                break
            if held[kind] + counts[group, kind] <= wanted[kind]:
                take(group)
        if not held[kind] and len(mine):
            take(int(mine[np.argmin(counts[mine, kind])]))
    return np.asarray(chosen[groups])
