"""From a pair table to its splits, with their promise checked."""

from __future__ import annotations

import numpy as np

from cupid_tools.errors import InputError
from cupid_tools.io.pairs import PairTable
from cupid_tools.sampling.augment import refuse_augmented
from cupid_tools.sampling.coded import CodedPairs, Codes
from cupid_tools.sampling.splits import SPLITTERS, SplitSettings
from cupid_tools.sampling.splits.check import check_promise, describe
from cupid_tools.sampling.splits.partition import Parts, SplitTask, Splitter
from cupid_tools.vocab import SPLITS


def split_pairs(table: PairTable, pairs: CodedPairs, groups: Codes, settings: SplitSettings) -> Parts:
    """Give each row its part: a position in ``vocab.SPLITS``, or -1 for a row that is left out.

    Args:
        table: not augmented yet.
        pairs: its rows as integers.
        groups: int64 [N], RNAs of one number are never separated.
        settings: how.

    Raises:
        InputError: a row was augmented, or a split would be without positives.
    """
    refuse_augmented(table)
    splitter: Splitter = SPLITTERS.load(settings.by)
    parts = splitter.split(SplitTask(pairs, groups, settings))
    numbers = describe(pairs, parts)
    for name in SPLITS:
        if not numbers[name]["positives"]:
            found = ", ".join(f"{split} {counts['positives']:,}" for split, counts in numbers.items())
            raise InputError(
                table.path,
                f"split {name!r} would hold no positive (positives: {found}; largest of "
                f"{groups.max() + 1:,} groups: {np.bincount(groups).max():,} RNAs)",
                hint="give more pairs, larger --test-fraction or --valid-fraction, or another --seed",
            )
    check_promise(pairs, groups, parts, splitter.sides)
    return parts


def left_out_reason(settings: SplitSettings) -> str:
    """Why the splitter leaves rows out."""
    return str(SPLITTERS.load(settings.by).left_out)
