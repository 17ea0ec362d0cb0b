"""The published split: pairs at random, in the same proportions of types and labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cupid_tools.sampling.seeds import rng_for
from cupid_tools.sampling.splits.partition import TESTED, TRAINED, VALIDATED, Parts, SplitTask, Splitter


def split(task: SplitTask) -> Parts:
    """Split pairs by type pair and label: test first, then valid of the rest.

    Rows of the same two sequences, in whatever order or under whatever ids, stay together. Each stratum gives its
    share up to one pair, and so do all strata together.
    """
    pairs, settings = task.pairs, task.settings
    kinds = np.sort(np.stack([pairs.types[pairs.a], pairs.types[pairs.b]]), axis=0)
    strata = (kinds[0] * len(pairs.type_names) + kinds[1]) * 2 + pairs.positive
    both = pairs.pair_keys(task.groups)
    rows = np.lexsort((strata, both))
    keys, first, unit = np.unique(both[rows], return_index=True, return_inverse=True)
    rng = rng_for(settings.seed, "split", settings.by)
    order = np.lexsort((rng.random(len(keys)), strata[rows][first]))
    parts = np.full(len(keys), TRAINED, dtype=np.int8)
    tested = _every(len(order), settings.test, rng.random())
    parts[order[tested]] = TESTED
    rest = order[~tested]
    parts[rest[_every(len(rest), settings.valid_fraction, rng.random())]] = VALIDATED
    result = np.empty(len(rows), dtype=np.int8)
    result[rows] = parts[unit]
    return result


def _every(size: int, fraction: float, phase: float) -> NDArray[np.bool_]:
    """Systematic sampling: *fraction* of *size* places, evenly spread: bool [size]."""
    return np.asarray(np.diff(np.floor(np.arange(size + 1) * fraction + phase)) > 0)


SPLITTER = Splitter(split, sides=())
