"""From positive pairs to the labelled rows of a protocol: as published, and what is fair beside it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cupid_tools.errors import InputError
from cupid_tools.evaluation.settings import Listed
from cupid_tools.io.atomic import atomic_write
from cupid_tools.io.pairs import ID_A, ID_B, LABEL, SPLIT, PairTable, read_pairs, write_pairs
from cupid_tools.recipes.protocol import ROWS, Protocol
from cupid_tools.sampling.augment import AugmentSettings, augment_pairs, flipped_rnas, refuse_flipped_rnas
from cupid_tools.sampling.coded import code_pairs
from cupid_tools.sampling.negatives import NegativeSettings
from cupid_tools.sampling.negatives.draw import ShortageError, draw_negatives, with_labels, write_negatives
from cupid_tools.sampling.pair_filters import reasons_to_drop_pairs
from cupid_tools.sampling.relatives import listed_groups, related_groups
from cupid_tools.sampling.rna_filters import RnaFilter, RnaLimits
from cupid_tools.sampling.splits import SplitSettings
from cupid_tools.sampling.splits.partition import TRAINED, VALIDATED
from cupid_tools.sampling.splits.split import split_pairs, split_valid_again, with_splits
from cupid_tools.vocab import TRAIN, Rna

PUBLISHED, STRICT = DESIGNS = ("published", "strict-C3")
"""How pairs are parted: as the protocol says; or so that no test RNA, nor a relative, is in train or valid."""
LABELLED_0 = "label-0"
"""Why a pair is left out that the input says does not interact: a protocol draws negatives of its own."""


@dataclass(frozen=True)
class Study:
    """Positive pairs that a protocol takes, and their RNAs.

    Attributes:
        table: ``id_a`` and ``id_b`` alone.
        rnas: id -> RNA, those of the pairs.
        fasta: where they come from, for messages.
        dropped: reason -> pairs that were left out.
    """

    table: PairTable
    rnas: dict[str, Rna]
    fasta: str
    dropped: Counter[str]


@dataclass(frozen=True)
class Dataset:
    """Labelled rows to fit on and to test on.

    Attributes:
        table: with ``label``, ``split`` and ``origin``.
        rnas: those of the study, and those that augmentation reversed.
        per_positive: negatives for each positive row.
    """

    table: PairTable
    rnas: dict[str, Rna]
    per_positive: int

    def digest(self) -> str:
        """SHA-256 of rows and sequences, in hexadecimal."""
        content = hashlib.sha256()
        for column in (ID_A, ID_B, SPLIT):
            content.update("\n".join(self.table.column(column)).encode())
        content.update(self.table.column(LABEL).tobytes())
        for name in sorted({*self.table.column(ID_A), *self.table.column(ID_B)}):
            content.update(f"\n{name}\t{self.rnas[name].sequence}".encode())
        return content.hexdigest()


def select_positives(table: PairTable, rnas: Iterable[Rna], fasta: str, max_length: int) -> Study:
    """Keep what cupid-filter keeps, of pairs with label 1, or of all where there is no label.

    Raises:
        InputError: an RNA is missing, or no pair is left.
    """
    sieve = RnaFilter(RnaLimits(min_length=1, max_length=max_length, ambiguous="keep", types=None), fasta)
    asked = {*table.column(ID_A), *table.column(ID_B)}
    kept = {rna.id: rna for rna in sieve.keep(rnas) if rna.id in asked}
    refuse_flipped_rnas(kept, fasta)
    table.check_ids(sieve.ids, fasta)
    reasons = reasons_to_drop_pairs(table, kept, dict(sieve.dropped), None)
    if table.has(LABEL):
        reasons = np.where((reasons == "") & (table.column(LABEL) == 0), LABELLED_0, reasons)
    dropped = Counter(reasons[reasons != ""].tolist())
    if dropped.total() == len(table):
        why = ", ".join(f"{count:,} {reason}" for reason, count in dropped.most_common())
        raise InputError(table.path, f"no pair is left of {len(table):,}: {why}")
    positives = table.where(reasons == "")
    paired = {*positives.column(ID_A), *positives.column(ID_B)}
    named = {name: rna for name, rna in kept.items() if name in paired}
    return Study(PairTable(positives.frame[[ID_A, ID_B]], table.path), named, fasta, dropped)


def published_dataset(study: Study, protocol: Protocol, *, augment: bool, seed: int, folder: Path) -> Dataset:
    """Part, copy and draw as the protocol says.

    Args:
        study: what is kept of the input.
        protocol: its division, copies and negatives.
        augment: whether pairs are copied.
        seed: of all random choices.
        folder: takes a file of the rows for a while.

    Raises:
        InputError: too few pairs for the splits or the negatives.
    """
    division = protocol.division
    settings = SplitSettings(
        by=division.by, test_fraction=division.test_fraction, valid_fraction=division.valid_fraction, seed=seed
    )
    table = _named(study.table, PUBLISHED)
    pairs = code_pairs(table, study.rnas, study.fasta)
    parts = split_pairs(table, pairs, pairs.sequences, settings)
    if division.valid_of == ROWS:
        parts = np.where(parts == VALIDATED, TRAINED, parts).astype(np.int8)
    copied, rnas = _copied(with_splits(table, parts), study.rnas, protocol, protocol.copies.splits if augment else ())
    whole = _with_negatives(copied, rnas, protocol, protocol.negatives.per_positive, seed, folder)
    if division.valid_of == ROWS:
        whole = with_splits(whole, split_valid_again(whole, code_pairs(whole, rnas, study.fasta), settings))
    return Dataset(whole, rnas, protocol.negatives.per_positive)


def strict_dataset(
    study: Study, protocol: Protocol, *, augment: bool, seed: int, folder: Path, groups: Listed | None
) -> Dataset:
    """Part the same pairs so that both RNAs of a test pair are unseen and unrelated; copy train alone.

    Where the RNAs of a split leave fewer pairs free than the protocol asks for, fewer negatives are drawn for each
    positive, the same number in all splits.

    Args:
        study, protocol, augment, seed, folder: as for ``published_dataset``.
        groups: of relatives; None finds them by sequence.

    Raises:
        InputError: too few pairs for the splits, or for one negative each, or an RNA that *groups* lack.
    """
    table = _named(study.table, STRICT)
    pairs = code_pairs(table, study.rnas, study.fasta)
    related = related_groups(pairs.rnas) if groups is None else listed_groups(pairs.rnas, groups.values, groups.path)
    parts = split_pairs(table, pairs, related, SplitSettings(by="unseen-both", strict=True, seed=seed))
    copied, rnas = _copied(with_splits(table, parts), study.rnas, protocol, (TRAIN,) if augment else ())
    number = protocol.negatives.per_positive
    while True:
        try:
            return Dataset(_with_negatives(copied, rnas, protocol, number, seed, folder), rnas, number)
        except ShortageError as error:
            if not error.most:
                raise
            number = error.most


def _named(table: PairTable, design: str) -> PairTable:
    return replace(table, path=f"{table.path} ({design})")


def _copied(
    table: PairTable, rnas: Mapping[str, Rna], protocol: Protocol, splits: Sequence[str]
) -> tuple[PairTable, dict[str, Rna]]:
    """Copy the rows of *splits*; the table with its copies, and the RNAs with the reversed ones."""
    blocks = augment_pairs(table, AugmentSettings(protocol.copies.how, tuple(splits)))
    flipped = {rna.id: rna for rna in flipped_rnas(rnas, blocks)}
    return replace(table, frame=pd.concat(blocks)), {**rnas, **flipped}


def _with_negatives(
    table: PairTable, rnas: Mapping[str, Rna], protocol: Protocol, number: int, seed: int, folder: Path
) -> PairTable:
    """Draw *number* negatives for each row."""
    labelled = with_labels(table)
    pairs = code_pairs(labelled, rnas, table.path)
    settings = NegativeSettings(strategy=protocol.negatives.strategy, per_positive=number, seed=seed)
    strata = draw_negatives(labelled, pairs, settings)
    path = folder / "rows.tsv"
    with atomic_write(path) as handle:
        write_pairs(handle, [labelled.frame])
        write_negatives(handle, labelled, pairs, strata, settings)
    whole = replace(table, frame=read_pairs(path).frame)
    path.unlink()
    return whole
