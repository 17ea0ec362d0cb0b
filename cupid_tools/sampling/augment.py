"""Augmentation: the same pair in the other order, with both RNAs reversed, or both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cupid_tools.errors import InputError
from cupid_tools.io.pairs import ID_A, ID_B, ORIGIN, SPLIT, PairTable
from cupid_tools.vocab import AUGMENTED, FLIP, FLIP_SUFFIX, OBSERVED, SWAP, WAYS, Rna


@dataclass(frozen=True)
class AugmentSettings:
    """What is added.

    Attributes:
        how: some of ``WAYS``.
        splits: whose rows are augmented; the published protocol takes all.
    """

    how: tuple[str, ...]
    splits: tuple[str, ...]


def augment_pairs(table: PairTable, settings: AugmentSettings) -> list[pd.DataFrame]:
    """Make copies of the rows of the chosen splits.

    ``swap`` is (b, a); ``flip`` is (a~flip, b~flip), both sequences reversed; ``both`` is (b~flip, a~flip). The other
    cells are copied, and ``origin`` tells the way. A copy whose ordered pair is there already is left out.

    Returns:
        Blocks of rows with the same columns: the input, then one block a way in the order of ``WAYS``, each in the
        order of the input. ``origin`` is ``observed`` where the input had no such column.

    Raises:
        InputError: no split column, or an id that is flipped already.
    """
    table.require(SPLIT, hint="run cupid-split first: copies of one pair must not part")
    _refuse_flipped(table, _REMEDY)
    if not table.has(ORIGIN):
        table = table.assign(origin=OBSERVED)
    source = table.frame[table.frame[SPLIT].isin(settings.splits)]
    blocks = [table.frame] + [_copy(source, way) for way in WAYS if way in settings.how]
    whole = pd.concat([block[[ID_A, ID_B]] for block in blocks], ignore_index=True)
    repeated = whole.duplicated().to_numpy(copy=True)
    repeated[: len(table)] = False  # the input is passed on as it is
    kept, start = [], 0
    for block in blocks:
        kept.append(block[~repeated[start : start + len(block)]])
        start += len(block)
    return kept


def refuse_augmented(table: PairTable) -> None:
    """Raise InputError for the first row that augmentation made: a split could part it from the pair it copies."""
    remedy = "split first, then augment"
    _refuse_flipped(table, remedy)
    if table.has(ORIGIN):
        copies = table.frame[ORIGIN].str.startswith(AUGMENTED).to_numpy(dtype=bool)
        table.refuse(copies, "pair {id_a}, {id_b} was augmented already: its origin is {origin}", hint=remedy)


def flipped_rnas(rnas: Mapping[str, Rna], blocks: list[pd.DataFrame]) -> Iterator[Rna]:
    """Yield the reversed RNAs that the augmented rows name, each once, in the order of *rnas*."""
    named = {name for block in blocks[1:] for column in (ID_A, ID_B) for name in set(block[column])}
    for rna in rnas.values():
        if rna.id + FLIP_SUFFIX in named:
            note = f"{rna.note} flip_of={rna.id}".lstrip()
            yield Rna(rna.id + FLIP_SUFFIX, rna.sequence[::-1], rna.type, note)


def refuse_flipped_rnas(rnas: Mapping[str, Rna], path: str) -> None:
    """Raise InputError for the first RNA, read from *path*, whose id says that it was flipped."""
    for rna in rnas.values():
        if rna.id.endswith(FLIP_SUFFIX):
            raise InputError(path, _ALREADY.format(id=rna.id), line=rna.line or None, hint=_REMEDY)


_ALREADY = f"RNA '{{id}}' ends in {FLIP_SUFFIX}, so it was augmented already"
_REMEDY = "augment once, or rename the RNA"


def _refuse_flipped(table: PairTable, remedy: str) -> None:
    for column in (ID_A, ID_B):
        flipped = {name for name in set(table.frame[column]) if name.endswith(FLIP_SUFFIX)}
        if flipped:
            rows = table.frame[column].isin(flipped).to_numpy()
            table.refuse(rows, _ALREADY.format(id=f"{{{column}}}"), hint=remedy)


def _copy(source: pd.DataFrame, way: str) -> pd.DataFrame:
    a, b = (source[ID_A], source[ID_B]) if way == FLIP else (source[ID_B], source[ID_A])
    suffix = "" if way == SWAP else FLIP_SUFFIX
    cells: dict[str, Any] = {ID_A: a + suffix, ID_B: b + suffix, ORIGIN: f"{AUGMENTED}:{way}"}
    copy = source.assign(**cells)
    return copy.set_index(pd.Index([0] * len(copy), name=source.index.name))  # made rows have no line
