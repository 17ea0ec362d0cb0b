"""The published split: pairs at random, in the same proportions of types and labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cupid_tools.sampling.coded import CodedPairs, Codes
from cupid_tools.sampling.seeds import rng_for
from cupid_tools.sampling.splits.partition import TESTED, TRAINED, VALIDATED, Parts, SplitTask, Splitter


def split(task: SplitTask) -> Parts:
    """Split pairs by type pair and label: test first, then valid of the rest.

    Rows of the same two groups, in whatever order, stay together: of the same two sequences, or of relatives of both
    RNAs where relatives are one group. Each stratum gives its share up to one such unit, and so do all together.
    """
    pairs, settings = task.pairs, task.settings
    strata = _strata(pairs)
    both = pairs.pair_keys(task.groups)
    rows = np.lexsort((strata, both))
    keys, first, unit = np.unique(both[rows], return_index=True, return_inverse=True)
    rng = rng_for(settings.seed, "split", settings.by)
    order = np.lexsort((rng.random(len(keys)), strata[rows][first]))
    sizes = np.bincount(unit)
    parts = np.full(len(keys), TRAINED, dtype=np.int8)
    tested = _spread(sizes[order], settings.fractions.test, rng.random())
    parts[order[tested]] = TESTED
    rest = order[~tested]
    parts[rest[_spread(sizes[rest], settings.fractions.valid, rng.random())]] = VALIDATED
    result = np.empty(len(rows), dtype=np.int8)
    result[rows] = parts[unit]
    return result


def split_by_row(task: SplitTask, tested: NDArray[np.bool_]) -> Parts:
    """Keep the *tested* rows [rows], and split the others into train and valid, each row by itself.

    So the papers do after augmentation; rows of one pair in another order, or of its reversed RNAs, then part.
    """
    pairs, settings = task.pairs, task.settings
    rows = np.lexsort((pairs.b, pairs.a))
    rows = rows[~tested[rows]]
    rng = rng_for(settings.seed, "split", "valid-by-row")
    order = rows[np.lexsort((rng.random(len(rows)), _strata(pairs)[rows]))]
    parts = np.where(tested, TESTED, TRAINED).astype(np.int8)
    parts[order[_spread(np.ones_like(order), settings.fractions.valid, rng.random())]] = VALIDATED
    return parts


def _strata(pairs: CodedPairs) -> Codes:
    """The unordered types and the label of each row as one number: int64 [rows]."""
    kinds = np.sort(np.stack([pairs.types[pairs.a], pairs.types[pairs.b]]), axis=0)
    return np.asarray((kinds[0] * len(pairs.type_names) + kinds[1]) * 2 + pairs.positive)


def _spread(sizes: NDArray[np.int64], fraction: float, phase: float) -> NDArray[np.bool_]:
    """Systematic sampling: units that hold *fraction* of all rows, evenly spread: bool [units].

    A unit is taken when this brings the rows taken nearer to what is due so far; *phase* in [0, 1) is due beforehand.
    """
    taken, number = np.zeros(len(sizes), dtype=bool), 0
    due = np.cumsum(sizes) * fraction + phase
    for index, (size, wanted) in enumerate(zip(sizes.tolist(), due.tolist(), strict=True)):
        if number + (size + 1) / 2 <= wanted:
            taken[index] = True
            number += size
    return taken


SPLITTER = Splitter(split, sides=())
