"""Several embedding stores made one, as if all their RNAs had been embedded at once."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

import numpy as np

from cupid_tools.errors import InputError, place_of
from cupid_tools.io.parts import parts_folder
from cupid_tools.io.rna_index import RnaIndex
from cupid_tools.io.store import (
    PER_NUCLEOTIDE,
    AnyPath,
    StackedVectors,
    StoredRna,
    StoreFiles,
    StoreInfo,
    Vectors,
    joined_info,
    table_path,
)
from cupid_tools.io.store_write import TableScratch, write_sharded_store, write_store
from cupid_tools.vocab import Rna

_BLOCK_RNAS = 16_384


@dataclass(frozen=True)
class MergeResult:
    """What was done.

    Attributes:
        rnas: RNAs in the merged store.
        rows: vectors in it.
        repeated: RNAs that stood in several of the stores, and were taken once.
        dim: channels of a vector.
        info: what made the vectors.
    """

    rnas: int
    rows: int
    repeated: int
    dim: int
    info: StoreInfo


def stores_in_order(paths: Sequence[str], rnas: Iterable[Rna], source: str) -> list[str]:
    """The stores *paths* of blocks of a file, given in any order, in the order of its RNAs; each RNA is compared.

    Args:
        paths: of the stores.
        rnas: the whole file, read once.
        source: the file, for messages.

    Raises:
        InputError: an RNA of the file is in no store, in two, or has another sequence there; or a store holds others.
    """
    waiting = _by_first_rna(paths)
    order: list[str] = []
    stored: Iterator[StoredRna] = iter(())
    for rna in rnas:
        mine = next(stored, None)
        if mine is None:
            if rna.id not in waiting:
                problem = f"RNA {rna.id!r} is in no part"
                raise InputError(
                    source, problem, line=rna.line or None, hint="give the stores of all blocks, as they were written"
                )
            path, _ = waiting.pop(rna.id)
            order.append(path)
            stored = StoreFiles(path).rnas()
            mine = next(stored)
        _check_equal(mine, rna, order[-1], source)
    left = next(stored, None)
    for path, other in [(order[-1], left)] if left else waiting.values():
        raise InputError(table_path(path), f"RNA {other.id!r} is not in {source}", line=other.line)
    return order


def merge_stores(output: AnyPath, paths: Sequence[AnyPath]) -> MergeResult:
    """Write the store *output* from the stores *paths*; equal sequences share a row.

    With one vector an RNA the result is what embedding all FASTA files as one would give. With one a
    nucleotide the files of vectors are linked, not copied, so that a sequence that several stores hold stays in all.

    Raises:
        InputError: the stores differ in what made them, or hold one id with different sequences.
        CupidError: a store is missing, or another process is writing *output*.
    """
    stores = [StoreFiles(path) for path in paths]
    info = joined_info(stores)
    for store in stores:
        if store.info.precision != info.precision:
            raise InputError(
                store.path,
                f"does not belong with {stores[0].path}: "
                f"precision {stores[0].info.precision} and {store.info.precision}",
            )
    with parts_folder(output) as folder, TableScratch(folder, output) as table:
        merge = _Merge(stores, table)
        rows = merge.index.sequences
        if info.pooling == PER_NUCLEOTIDE:
            rows = sum(store.rows for store in stores)
            shards = [file for store in stores for file in store.files]
            write_sharded_store(output, info, table, shards)
        else:
            write_store(output, info, table, merge.blocks(), shape=(rows, stores[0].dim))
    return MergeResult(merge.rnas, rows, merge.repeated, stores[0].dim, info)


def _by_first_rna(paths: Sequence[str]) -> dict[str, tuple[str, StoredRna]]:
    """The stores by the id of their first RNA."""
    found: dict[str, tuple[str, StoredRna]] = {}
    for path in paths:
        first = next(StoreFiles(path).rnas(), None)
        if first is None:
            raise InputError(table_path(path), "names no RNA", hint="embed again")
        if first.id in found:
            problem = f"RNA {first.id!r} is in {found[first.id][0]}, too"
            raise InputError(table_path(path), problem, line=first.line, hint="give each block once")
        found[first.id] = path, first
    return found


def _check_equal(stored: StoredRna, rna: Rna, path: str, source: str) -> None:
    if stored.id != rna.id:
        problem = f"has RNA {stored.id!r} where {place_of(source, rna.line or None)} has {rna.id!r}"
        raise InputError(
            table_path(path), problem, line=stored.line, hint="give the stores of blocks as they were written"
        )
    if stored.digest != rna.digest:
        problem = f"RNA {rna.id!r} has another sequence in {place_of(source, rna.line or None)}"
        raise InputError(table_path(path), problem, line=stored.line, hint="embed it again")


class _Merge:
    """Reads the tables, and knows then which rows of each store are taken."""

    def __init__(self, stores: Sequence[StoreFiles], table: TableScratch) -> None:
        self.index = RnaIndex()
        self.rnas = self.repeated = 0
        self._stores = stores
        self._rows = array("q")  # of every distinct sequence, counted through all stores
        self._starts = [0, *accumulate(store.rows for store in stores)]
        for store, start in zip(stores, self._starts, strict=False):
            rnas = store.rnas()
            while block := list(islice(rnas, _BLOCK_RNAS)):
                self._enter(store, start, block, table)

    def blocks(self) -> Iterator[Vectors]:
        """The vectors of all distinct sequences, in the order in which they were met."""
        parts = [part for store in self._stores for part in store.parts]
        for first in range(0, len(self._rows), _BLOCK_RNAS):
            vectors = StackedVectors(parts)  # anew, since pages that were read are ours as long as their map is
            yield vectors.take(np.array(self._rows[first : first + _BLOCK_RNAS], dtype=np.int64))

    def _enter(self, store: StoreFiles, start: int, block: list[StoredRna], table: TableScratch) -> None:
        found = self.index.enter([rna.id for rna in block], [rna.digest for rna in block])
        for place in found.repeated:
            if found.first_numbers[place] != found.numbers[place]:
                raise self._two_sequences(store, block[place])
        self._rows.extend(start + block[place].row for place in found.new)
        kept = np.delete(np.arange(len(block)), found.repeated)
        rows = found.numbers[kept]
        if store.info.pooling == PER_NUCLEOTIDE:
            rows = np.frombuffer(self._rows, dtype=np.int64)[rows]
        rnas = (block[place] for place in kept)
        table.add((rna.id, row, rna.digest, rna.length) for rna, row in zip(rnas, rows.tolist(), strict=True))
        self.rnas += len(kept)
        self.repeated += len(found.repeated)

    def _two_sequences(self, store: StoreFiles, rna: StoredRna) -> InputError:
        paths = [other.path for other in self._stores]
        earlier = next(path for path in paths if any(rna.id == other.id for other in StoreFiles(path).rnas()))
        return InputError(store.table, f"RNA {rna.id!r} has another sequence in {earlier}", line=rna.line)
