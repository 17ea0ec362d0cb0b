"""From a pair table to its splits, with their promise checked."""

from __future__ import annotations

import numpy as np

from cupid_tools.errors import InputError
from cupid_tools.io.pairs import SPLIT, PairTable, split_rows
from cupid_tools.sampling.augment import refuse_augmented
from cupid_tools.sampling.coded import CodedPairs, Codes
from cupid_tools.sampling.splits import SPLITTERS, SplitSettings
from cupid_tools.sampling.splits.check import check_promise, describe
from cupid_tools.sampling.splits.partition import Parts, SplitTask, Splitter
from cupid_tools.sampling.splits.stratified import split_by_row
from cupid_tools.vocab import SPLITS, TEST


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
    _check_positives(table, pairs, groups, parts)
    check_promise(pairs, groups, parts, splitter.sides)
    return parts


def split_valid_again(table: PairTable, pairs: CodedPairs, settings: SplitSettings) -> Parts:
    """Keep the test rows of *table*, and divide all others anew into train and valid, each row by itself, as published.

    Unlike ``split_pairs`` it takes augmented rows, and lets the copies of a pair part: valid then flatters.

    Raises:
        InputError: there is no split column, or a split would be without positives.
    """
    table.require(SPLIT, hint="run cupid-split first, which chooses the test rows, and cupid-augment after it")
    parts = split_by_row(SplitTask(pairs, pairs.sequences, settings), split_rows(table, TEST))
    _check_positives(table, pairs, pairs.sequences, parts)
    return parts


def with_splits(table: PairTable, parts: Parts) -> PairTable:
    """The rows that have a split, with the column of it."""
    return table.assign(split=np.array(SPLITS, dtype=object)[parts]).where(parts >= 0)


def _check_positives(table: PairTable, pairs: CodedPairs, groups: Codes, parts: Parts) -> None:
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


def left_out_reason(settings: SplitSettings) -> str:
    """Why the splitter leaves rows out."""
    return str(SPLITTERS.load(settings.by).left_out)
