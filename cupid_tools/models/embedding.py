"""From a stream of RNAs to an embedding store, a shard at a time, in a way that survives ``kill -9``."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cupid_tools import __version__
from cupid_tools.io.atomic import atomic_write
from cupid_tools.io.parts import parts_folder
from cupid_tools.io.rna_blocks import EnteredRnas, entered
from cupid_tools.io.rna_index import RnaIndex
from cupid_tools.io.store import PER_NUCLEOTIDE, AnyPath, Vectors
from cupid_tools.io.store_write import (
    TableScratch,
    refuse_foreign_shards,
    write_sharded_store,
    write_store,
    write_vectors,
)
from cupid_tools.models.encoders.base import Encoder
from cupid_tools.models.sources import embed_rnas
from cupid_tools.vocab import Rna

_SHARD_BYTES = 1 << 28  # of letters and vectors together; an RNA that needs more is a shard by itself


@dataclass(frozen=True)
class EmbedResult:
    """What was done.

    Attributes:
        rnas: RNAs in the store.
        sequences: distinct ones among their sequences.
        rows: vectors in the store, one for each of these sequences or for each of their nucleotides.
        reused: sequences that an interrupted run had left finished.
        shards: parts in which they were computed.
    """

    rnas: int
    sequences: int
    rows: int
    reused: int
    shards: int


def embed_to_store(
    output: AnyPath,
    rnas: Iterable[Rna],
    encoder: Encoder,
    *,
    source: str,
    shard_size: int,
    progress: Callable[[int], object] = lambda sequences: None,
) -> EmbedResult:
    """Write the vectors of *rnas*; equal sequences are computed once and share their vectors.

    Finished shards are kept in a hidden folder beside *output* until the store is complete. A shard is named by the
    digest of its sequences, of the encoder's ``info`` and ``numerics`` and of our version, so that a later run takes it
    only where it would compute the same again; the store has the same bytes either way.

    Args:
        output: ``NAME.npy``.
        rnas: read once, in order; 48 bytes of each and two shards are held.
        source: the file of *rnas*, for messages.
        shard_size: most distinct sequences in a shard; it has fewer where these are long or their vectors are many.
        progress: called with the number of sequences of each finished shard.

    Raises:
        InputError: an id occurs twice, or the encoder cannot take an RNA.
        OutOfMemoryError: an RNA does not fit into memory; finished shards are kept.
        UsageError: a file of another make has the name of a shard.
        CupidError: another process is writing the same store.
    """
    each = encoder.info.pooling == PER_NUCLEOTIDE
    if each:
        refuse_foreign_shards(output)
    with parts_folder(output) as folder, TableScratch(folder, output) as table:
        reader = _Reader(source, encoder, table)
        parts, reused = _make_parts(folder, reader.shards(rnas, shard_size), encoder, source, progress)
        if each:
            write_sharded_store(output, encoder.info, table, parts)
        else:
            blocks = (np.load(part, mmap_mode="r") for part in parts)
            write_store(output, encoder.info, table, blocks, shape=(reader.rows, encoder.dim))
    return EmbedResult(reader.rnas, reader.sequences, reader.rows, reused, len(parts))


@dataclass
class _Shard:
    """Distinct sequences that are computed together, each with the first RNA that has it."""

    rnas: list[Rna] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    bytes: int = 0
    nt: int = 0


class _Reader:
    """Reads RNAs, writes the lines of the table, and hands on the sequences that are new."""

    def __init__(self, source: str, encoder: Encoder, table: TableScratch) -> None:
        self.rnas = 0
        self._source = source
        self._encoder = encoder
        self._table = table
        self._index = RnaIndex()
        self._each = encoder.info.pooling == PER_NUCLEOTIDE
        self._starts = array("q", [0])  # with one vector a nucleotide, the first row of each sequence, and the next

    @property
    def sequences(self) -> int:
        """How many distinct sequences there are."""
        return self._index.sequences

    @property
    def rows(self) -> int:
        """How many vectors they have."""
        return self._starts[-1] if self._each else self._index.sequences

    def shards(self, rnas: Iterable[Rna], size: int) -> Iterator[_Shard]:
        """Enter all RNAs, and yield the sequences that are new, at most *size* at a time."""
        shard = _Shard()
        for some in entered(rnas, self._index, self._source):
            for rna, digest in self._note(some):
                cost = len(rna.sequence) + 4 * self._encoder.dim * (len(rna.sequence) if self._each else 1)
                full = shard.bytes + cost > _SHARD_BYTES or shard.nt + len(rna.sequence) > self._encoder.shard_nt
                if len(shard.rnas) == size or (shard.rnas and full):
                    yield shard
                    shard = _Shard()
                shard.rnas.append(rna)
                shard.digests.append(digest)
                shard.bytes += cost
                shard.nt += len(rna.sequence)
        if shard.rnas:
            yield shard

    def _note(self, some: EnteredRnas) -> list[tuple[Rna, str]]:
        """Write the lines of some RNAs, and return those whose sequences are new, with their digests."""
        rnas, digests, found = some
        if self._each:
            for place in found.new:
                self._starts.append(self._starts[-1] + len(rnas[place].sequence))
        rows = np.frombuffer(self._starts, dtype=np.int64)[found.numbers] if self._each else found.numbers
        self._table.add(
            (rna.id, row, digest, len(rna.sequence))
            for rna, row, digest in zip(rnas, rows.tolist(), digests, strict=True)
        )
        self.rnas += len(rnas)
        return [(rnas[place], digests[place]) for place in found.new]


def _make_parts(
    folder: Path, shards: Iterable[_Shard], encoder: Encoder, source: str, progress: Callable[[int], object]
) -> tuple[list[Path], int]:
    """Compute the shards that *folder* lacks; return the files of all, and how many sequences were there already.

    While a shard is computed the one before is written, which counts where a GPU fills a disk with states.
    """
    parts: list[Path] = []
    reused = 0
    writing: Future[None] | None = None
    with ThreadPoolExecutor(1) as writer:
        for shard in shards:
            parts.append(folder / f"{_shard_key(encoder, shard)}.npy")
            if parts[-1].exists():
                reused += len(shard.rnas)
            else:
                vectors = embed_rnas(encoder, shard.rnas, source)
                if writing:
                    writing.result()
                writing = writer.submit(_write_part, parts[-1], vectors)
            progress(len(shard.rnas))
        if writing:
            writing.result()
    return parts, reused


def _write_part(path: Path, vectors: Vectors) -> None:
    with atomic_write(path, "wb") as handle:
        write_vectors(handle, [vectors], vectors.shape)


def _shard_key(encoder: Encoder, shard: _Shard) -> str:
    settings = __version__, repr(encoder.info), getattr(encoder, "numerics", "")
    return hashlib.sha256("\n".join((*settings, *shard.digests)).encode()).hexdigest()
