"""Which RNAs are so alike that a label of one tells the label of the other.

All groupings here are arrays of group numbers, int64 [N], so that splits, evaluation and bootstrap can share them.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cupid_tools.errors import InputError
from cupid_tools.io.fasta import read_mapping
from cupid_tools.kmers import kmer_codes
from cupid_tools.vocab import MIRNA, SEED_END, SEED_START, Rna

if TYPE_CHECKING:
    from scipy.sparse import csr_array

K = 15
"""Length of the k-mers, in nt: 4**15 is far above the length of all RNAs of a study, so that chance hits are rare."""
SHARED_PERCENT = 25
"""Two RNAs are relatives when they share this part of the distinct k-mers of the one that has fewer."""
METHOD = f"miRNAs of one seed (nt {SEED_START + 1}-{SEED_END}); RNAs with >= {SHARED_PERCENT} % shared {K}-mers"
"""The relation in words, for reports."""

_BLOCK_PRODUCTS = 20_000_000
"""Multiplications in one block of the product of k-mer sets; bounds its memory to some hundred MB."""
_HASH_SEED = 15

Groups = NDArray[np.int64]


def related_groups(rnas: Sequence[Rna]) -> Groups:
    """Number the groups of relatives: connected components (single linkage) of three relations.

    Two RNAs are linked when their sequences are equal; when both are miRNAs with the same seed; or when they share
    at least ``SHARED_PERCENT`` of the distinct 15-mers of the RNA that has fewer, whatever their types. k-mers with
    ambiguous letters do not count, and an RNA without any k-mer is linked by its sequence and seed alone.

    The count is exact: no k-mer is left out for being frequent, because a family of thousands (5S rRNA, tRNA) would
    then fall apart unseen. Repeats do not cost memory, since k-mers of the same set of RNAs are counted as one with
    a weight, and products are made in blocks; time grows with the square of a k-mer's RNAs.

    Returns:
        int64 [N], numbered from 0 in the order of first occurrence.
    """
    same = sequence_groups(rnas)
    _, first = np.unique(same, return_index=True)
    similar = _kmer_groups([rnas[index].sequence for index in first])[same]
    return join_groups(same, _seed_groups(rnas), similar)


def sequence_groups(rnas: Iterable[Rna]) -> Groups:
    """Number the distinct sequences: int64 [N], the same number for equal sequences, in order of first occurrence."""
    return _numbered(rna.sequence for rna in rnas)


def reversible_groups(rnas: Iterable[Rna]) -> Groups:
    """As ``sequence_groups``, but an RNA and its reverse, which augmentation makes, have the same number too."""
    return _numbered(min(rna.sequence, rna.sequence[::-1]) for rna in rnas)


def read_groups(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read a table of groups: two tab-separated columns with the header ``id``, ``group``.

    Raises:
        InputError: another header, a row without two cells, an empty cell, or an id with two groups.
    """
    return read_mapping(path, "id", "group")


def listed_groups(rnas: Sequence[Rna], table: dict[str, str], path: str | os.PathLike[str]) -> Groups:
    """Number the groups that the user's *table*, read from *path*, gives; RNAs of equal sequence are in one group.

    Returns:
        int64 [N], numbered from 0 in the order of first occurrence.

    Raises:
        InputError: an RNA is not listed: what is meant to be unseen must not be guessed.
    """
    missing = next((rna.id for rna in rnas if rna.id not in table), None)
    if missing is not None:
        raise InputError(path, f"RNA {missing!r} has no group", hint="list every RNA that the pairs name")
    return join_groups(sequence_groups(rnas), _numbered(table[rna.id] for rna in rnas))


def join_groups(*groupings: Groups) -> Groups:
    """Join groupings of the same RNAs: who shares a group in any of them, directly or through others, is together.

    >>> join_groups(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2])).tolist()
    [0, 0, 0, 1]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = len(groupings[0])
    offsets = np.cumsum([size] + [int(groups.max(initial=-1)) + 1 for groups in groupings])
    rows = np.tile(np.arange(size), len(groupings))  # nodes: the RNAs, then the groups of each grouping
    columns = np.concatenate([groups + start for groups, start in zip(groupings, offsets[:-1], strict=True)])
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(offsets[-1], offsets[-1]))
    _, labels = connected_components(graph, directed=False)
    return _numbered(labels[:size].tolist())


def _numbered(values: Iterable[Hashable]) -> Groups:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)


def _seed_groups(rnas: Sequence[Rna]) -> Groups:
    """miRNAs by seed; every other RNA, and a miRNA too short for one, alone."""
    return _numbered(
        rna.sequence[SEED_START:SEED_END] if rna.type == MIRNA and len(rna.sequence) >= SEED_END else index
        for index, rna in enumerate(rnas)
    )


def _kmer_groups(sequences: Sequence[str]) -> Groups:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = len(sequences)
    shared, totals = _shared_kmers(sequences)
    links = list(_links(shared, totals))
    rows, columns = (np.concatenate(part) for part in zip(*links, strict=True)) if links else ((), ())
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    return np.asarray(labels, dtype=np.int64)


def _shared_kmers(sequences: Sequence[str]) -> tuple[csr_array, NDArray[np.int64]]:
    """Sets of shared k-mers: int32 [N, sets], how many k-mers of a set an RNA holds; int64 [N], all its k-mers."""
    from scipy.sparse import coo_array

    size = len(sequences)
    owners, starts = _holders(sequences)
    totals = np.bincount(owners, minlength=size)
    number = np.diff(starts, append=len(owners))
    shared = number > 1  # a k-mer of one RNA is shared with nobody
    owners, number = owners[np.repeat(shared, number)], number[shared]
    # k-mers of the same set of RNAs have the same sum of random numbers, and are counted as one
    marks = np.random.default_rng(_HASH_SEED).integers(1 << 63, size=size, dtype=np.uint64)
    hashes = np.add.reduceat(marks[owners], np.cumsum(number) - number) if len(number) else marks[:0]
    _, sets = np.unique(hashes, return_inverse=True)
    places = (owners, np.repeat(sets, number))
    matrix = coo_array((np.ones(len(owners), dtype=np.int32), places), shape=(size, sets.max(initial=0) + 1))
    return matrix.tocsr(), totals


def _holders(sequences: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """The RNAs of each distinct k-mer, one k-mer after the other; and where each k-mer starts."""
    size = len(sequences)
    codes, owners = kmer_codes(sequences, K)
    both = np.sort(codes * size + owners)  # sorting and comparing neighbours is much faster than numpy.unique here
    both = both[np.diff(both, prepend=-1) > 0]
    return both % size, np.flatnonzero(np.diff(both // size, prepend=-1))


def _links(shared: csr_array, totals: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the index pairs of relatives, a block of rows at a time."""
    members = shared.copy()
    members.data[:] = 1
    holders = members.T.tocsr()
    work = np.cumsum(members @ np.diff(holders.indptr))
    cuts = np.searchsorted(work, np.arange(_BLOCK_PRODUCTS, work[-1] + _BLOCK_PRODUCTS, _BLOCK_PRODUCTS), side="right")
    start = 0
    for end in np.unique(np.append(np.maximum(cuts, 1), len(totals))):
        counts = (shared[start:end] @ holders).tocoo()
        rows, columns = counts.row.astype(np.int64) + start, counts.col.astype(np.int64)
        near = counts.data * 100 >= np.minimum(totals[rows], totals[columns]) * SHARED_PERCENT
        yield rows[near], columns[near]
        start = int(end)
