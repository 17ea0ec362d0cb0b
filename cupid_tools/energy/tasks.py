"""From a pair table to what an engine has to compute: distinct pairs of sequences, grouped by target."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cupid_tools.energy.engines.base import for_engines
from cupid_tools.io.pairs import SPLIT, PairTable
from cupid_tools.vocab import MIRNA, Rna

NOT_ASKED = -1
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Tasks:
    """Distinct pairs of sequences, T of them, in the order of their targets; and which of them each row asks for.

    Attributes:
        sequences: S distinct sequences over ACGU and N.
        target, query: int32 [T], positions in *sequences*.
        of_row: int64 [rows], the task of each row of the table; ``NOT_ASKED`` where none is wanted.
        swapped: bool [rows], whether the first RNA of the row is the query.
    """

    sequences: Sequence[str]
    target: NDArray[np.int32]
    query: NDArray[np.int32]
    of_row: Numbers
    swapped: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.target)

    @property
    def digest(self) -> str:
        """SHA-256 of all sequences and tasks, in hexadecimal."""
        found = hashlib.sha256("\n".join(self.sequences).encode("ascii"))
        found.update(self.target.tobytes())
        found.update(self.query.tobytes())
        return found.hexdigest()


def collect_tasks(
    blocks: Iterable[PairTable], rnas: Mapping[str, Rna], fasta: str, splits: Sequence[str] | None
) -> Tasks:
    """Find out what a pair table asks for.

    Args:
        blocks: the table.
        rnas: id -> RNA.
        fasta: the file of *rnas*, for messages.
        splits: of the rows that are wanted; None for all.

    Raises:
        InputError: a pair names an RNA that is not known.
    """
    sequences = [for_engines(rna.sequence) for rna in rnas.values()]
    code, distinct = pd.factorize(pd.Index(sequences, dtype=object), sort=True)
    rank = _ranks(list(rnas.values()), sequences)
    names = list(rnas)
    keys, swapped = [], []
    for table in blocks:
        table.check_ids(rnas, fasta)
        a, b = table.codes(names)
        swapped.append(rank[a] < rank[b])
        query, target = np.where(swapped[-1], a, b), np.where(swapped[-1], b, a)
        key = code[target] * len(distinct) + code[query]
        if splits is not None:
            key[~table.frame[SPLIT].isin(splits).to_numpy()] = NOT_ASKED
        keys.append(key)
    wanted, of_row = np.unique(np.concatenate(keys), return_inverse=True)
    idle = int(np.searchsorted(wanted, 0))  # 1 where some rows want nothing, whose key is the smallest
    used, places = np.unique(np.divmod(wanted[idle:], len(distinct)), return_inverse=True)
    target, query = places.reshape(2, -1).astype(np.int32)
    return Tasks(
        list(distinct[used]),
        target,
        query,
        of_row.reshape(-1) - idle,
        np.concatenate(swapped),
    )


def _ranks(rnas: Sequence[Rna], sequences: Sequence[str]) -> Numbers:
    """Of two RNAs that of lower rank is the query: a miRNA before others, then the shorter, then by sequence.

    It depends on the RNAs alone, so that the order of a pair does not matter.
    """
    order = sorted(
        range(len(rnas)), key=lambda place: (rnas[place].type != MIRNA, len(sequences[place]), sequences[place])
    )
    ranks = np.empty(len(rnas), dtype=np.int64)
    ranks[order] = np.arange(len(rnas))
    return ranks
