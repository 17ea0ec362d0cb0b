"""From a pair table and a source of RNAs to what classifiers learn from."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cupid_tools.errors import InputError
from cupid_tools.io.pairs import ID_A, ID_B, LABEL, SPLIT, PairTable, split_rows
from cupid_tools.io.store import Vectors
from cupid_tools.sampling.relatives import Groups
from cupid_tools.vocab import TRAIN, VALID

if TYPE_CHECKING:
    from cupid_tools.models.sources import RnaSource

Rnas = Vectors | Sequence[str]
"""N RNAs as a classifier reads them: float32 [N, D], or their sequences over ``vocab.RNA_LETTERS``."""

log = logging.getLogger("cupid_tools")


@dataclass(frozen=True)
class LabelledPairs:
    """Pairs of one split: positions of their RNAs, int64 [n] each, and labels, int8 [n]."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    labels: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def positives(self) -> int:
        """How many interact."""
        return int(self.labels.sum())


@dataclass(frozen=True)
class TrainingData:
    """What a classifier learns from; it does not depend on the order of rows in the table or of RNAs in the source.

    Attributes:
        rnas: the N RNAs of the pairs, by id.
        groups: int64 [N], the same number for RNAs whose labels are copies of each other: relatives, or at least those
            of equal sequence.
        train: what the classifier is fitted to.
        valid: what chooses the epoch and the threshold, and weighs the members of a blend.
        digests: what identifies the data: ``pairs`` covers sequences, labels and splits, ``train_rnas`` the distinct
            sequences of train.
    """

    rnas: Rnas
    groups: Groups
    train: LabelledPairs
    valid: LabelledPairs
    digests: dict[str, str]


def training_data(
    table: PairTable, source: RnaSource, relatives: Callable[[list[str]], Groups] | None = None
) -> TrainingData:
    """Collect the train and valid rows of *table*; of test rows only that they contradict no other is looked at.

    Args:
        table: pairs with label and split.
        source: of their RNAs.
        relatives: tells the groups, int64 [N], of N RNAs by id; None counts equal sequences alone.

    Raises:
        InputError: a column or a split is missing, a split has one class only, an RNA is not in *source*, or pairs are
            of an RNA with itself or carry both labels.
    """
    table.require(LABEL, hint="cupid-negatives makes the rows with label 0")
    table.require(SPLIT, hint="cupid-split writes it")
    table.check_consistent()
    parts = {name: table.where(split_rows(table, name)) for name in (TRAIN, VALID)}
    known = frozenset(source.ids())
    for part in parts.values():
        part.check_ids(known, source.path, hint=source.remedy)
    for name, part in parts.items():
        _check_classes(part, name)
    if both := len(set(parts[TRAIN].keys()) & set(parts[VALID].keys())):
        log.warning("%s pairs are in train and in valid: what valid chooses is not to be trusted", f"{both:,}")
    names = sorted({name for part in parts.values() for column in (ID_A, ID_B) for name in part.column(column)})
    digests = source.digests(names)
    train, valid = (_labelled(part, names) for part in parts.values())
    return TrainingData(
        rnas=source.read(names),
        groups=relatives(names) if relatives else np.unique(digests, return_inverse=True)[1],
        train=train,
        valid=valid,
        digests=_digests(digests, {TRAIN: train, VALID: valid}),
    )


def _check_classes(part: PairTable, name: str) -> None:
    if not len(part):
        raise InputError(part.path, f"has no {name} rows", hint="cupid-split assigns pairs to train, valid and test")
    present = set(part.column(LABEL).tolist())
    if 1 not in present:
        raise InputError(part.path, f"split {name} has no positives", hint="give it more pairs, or split anew")
    if 0 not in present:
        raise InputError(part.path, f"split {name} has no negatives", hint="draw some with cupid-negatives")


def _labelled(part: PairTable, names: list[str]) -> LabelledPairs:
    first, second = part.codes(names)
    labels = part.column(LABEL)
    order = np.lexsort((labels, second, first))
    return LabelledPairs(first[order], second[order], labels[order])


def _digests(digests: list[str], splits: dict[str, LabelledPairs]) -> dict[str, str]:
    sequences, codes = np.unique(digests, return_inverse=True)
    content = hashlib.sha256("\n".join(sequences).encode())
    for name, pairs in splits.items():
        rows = np.column_stack([codes[pairs.first], codes[pairs.second], pairs.labels]).astype("<i8")
        content.update(name.encode() + rows[np.lexsort(rows.T)].tobytes())
    train = np.unique(codes[np.concatenate([splits[TRAIN].first, splits[TRAIN].second])])
    return {
        "pairs": content.hexdigest(),
        "train_rnas": hashlib.sha256("\n".join(sequences[train]).encode()).hexdigest(),
    }
