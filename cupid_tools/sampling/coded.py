"""A pair table and its RNAs as integers, in an order that depends on neither file's order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cupid_tools.errors import InputError
from cupid_tools.io.pairs import ID_A, ID_B, LABEL, PairTable
from cupid_tools.sampling.relatives import sequence_groups
from cupid_tools.vocab import Rna

Codes = NDArray[np.int64]

CODE_BITS = 21
MAX_RNAS = 1 << CODE_BITS
"""So many RNAs can be numbered that two of them and a place in a batch fit into one int64."""


@dataclass(frozen=True)
class CodedPairs:
    """The RNAs that the pairs name, and the pairs as positions among them.

    Attributes:
        rnas: the N RNAs, sorted by id.
        a: int64 [rows], first RNA of each row.
        b: int64 [rows], second RNA.
        positive: bool [rows]; without a label column every row is positive.
        types: int64 [N], position of each RNA's type in *type_names*.
        type_names: sorted.
        sequences: int64 [N], the same number for RNAs of equal sequence.
    """

    rnas: list[Rna]
    a: Codes
    b: Codes
    positive: NDArray[np.bool_]
    types: Codes
    type_names: list[str]
    sequences: Codes

    def pair_keys(self, groups: Codes) -> Codes:
        """The unordered pair of *groups* [N] of each row as one number: int64 [rows]."""
        return unordered(groups[self.a], groups[self.b])

    def named(self, rows: NDArray[np.bool_]) -> Codes:
        """The RNAs that *rows* [rows] name on either side, sorted."""
        return np.unique(np.concatenate([self.a[rows], self.b[rows]]))


def code_pairs(table: PairTable, rnas: Mapping[str, Rna], fasta: str | os.PathLike[str]) -> CodedPairs:
    """Turn *table* and the RNAs, read from *fasta*, into integers.

    Raises:
        InputError: a pair names an RNA that *rnas* lacks, pairs an RNA with itself, or carries both labels.
    """
    names = sorted({*table.column(ID_A), *table.column(ID_B)})
    if len(names) > MAX_RNAS:
        raise InputError(table.path, f"names {len(names):,} RNAs, more than {MAX_RNAS:,}", hint="divide the table")
    a, b = table.codes(names)
    positive = table.column(LABEL) == 1 if table.has(LABEL) else np.ones(len(table), dtype=bool)
    keys = unordered(a, b)
    if (a == b).any() or np.isin(keys[~positive], keys[positive]).any():  # a cheap test before the one that names rows
        table.check_consistent()
    table.check_ids(rnas, fasta)
    chosen = [rnas[name] for name in names]
    type_names = sorted({rna.type for rna in chosen})
    number = {name: index for index, name in enumerate(type_names)}
    types = np.array([number[rna.type] for rna in chosen], dtype=np.int64)
    return CodedPairs(chosen, a, b, positive, types, type_names, sequence_groups(chosen))


def unordered(a: Codes, b: Codes) -> Codes:
    """One number for the pair (a, b) and (b, a) of numbers below ``MAX_RNAS``."""
    return np.minimum(a, b) << CODE_BITS | np.maximum(a, b)
