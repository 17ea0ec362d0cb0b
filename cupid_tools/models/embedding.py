"""From a stream of RNAs to an embedding store, a shard at a time, in a way that survives ``kill -9``."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib import format as npy_format

from cupid_tools.errors import CupidError
from cupid_tools.io.atomic import atomic_write
from cupid_tools.io.fasta import repeated_id
from cupid_tools.io.store import Vectors, write_store
from cupid_tools.models.encoders.base import Encoder, check_length
from cupid_tools.vocab import Rna

log = logging.getLogger("cupid_tools")


@dataclass(frozen=True)
class EmbedResult:
    """What was done.

    Attributes:
        rnas: RNAs in the store.
        rows: distinct sequences, each a row.
        reused: rows that an interrupted run had left finished.
    """

    rnas: int
    rows: int
    reused: int


def embed_to_store(
    output: str | os.PathLike[str],
    rnas: Iterable[Rna],
    encoder: Encoder,
    *,
    source: str,
    shard_size: int,
    progress: Callable[[int], object] = lambda rows: None,
) -> EmbedResult:
    """Write the vectors of *rnas*; equal sequences are computed once and share a row.

    Finished shards are kept in a hidden folder beside *output* until the store is complete. A shard is named by the
    digest of its sequences and of the encoder's ``info``, so that a later run takes it only where it would compute the
    same again; the store has the same bytes either way.

    Args:
        output: ``NAME.npy``.
        rnas: read once, in order; only ids, digests and one shard are held.
        source: the file of *rnas*, for messages.
        shard_size: distinct sequences in a shard.
        progress: called with the number of rows that a finished shard holds.

    Raises:
        InputError: an id occurs twice, or an RNA is too long for the encoder.
        CupidError: another process is writing the same store.
    """
    index = _Index(source, encoder)
    reused = 0
    with _parts_folder(Path(os.path.realpath(output))) as folder:
        parts = []
        for digests, sequences in index.shards(rnas, shard_size):
            part = folder / f"{_shard_key(encoder, digests)}.npy"
            if part.exists():
                reused += len(sequences)
            else:
                _write_part(part, encoder.embed(sequences))
            parts.append(part)
            progress(len(sequences))
        blocks = (np.load(part, mmap_mode="r") for part in parts)
        write_store(output, encoder.info, index.table(), blocks, shape=(len(index), encoder.dim))
        shutil.rmtree(folder)
    return EmbedResult(rnas=index.rnas, rows=len(index), reused=reused)


class _Index:
    """Which row of the store belongs to which RNA."""

    def __init__(self, source: str, encoder: Encoder) -> None:
        self._source = source
        self._encoder = encoder
        self._row_of_digest: dict[str, int] = {}
        self._row_of_id: dict[str, int] = {}
        self._lengths: list[int] = []

    def __len__(self) -> int:
        return len(self._row_of_digest)

    @property
    def rnas(self) -> int:
        return len(self._row_of_id)

    def shards(self, rnas: Iterable[Rna], size: int) -> Iterator[tuple[list[str], list[str]]]:
        """Enter all RNAs, and yield the digests and sequences that are new, *size* at a time."""
        digests: list[str] = []
        sequences: list[str] = []
        for rna in rnas:
            check_length(self._encoder, rna, self._source)
            digest = rna.digest
            if self._enter(rna, digest):
                digests.append(digest)
                sequences.append(rna.sequence)
                if len(digests) == size:
                    yield digests, sequences
                    digests, sequences = [], []
        if digests:
            yield digests, sequences

    def table(self) -> Iterator[tuple[str, int, str, int]]:
        """The rows of the store's TSV."""
        digests = list(self._row_of_digest)
        for name, row in self._row_of_id.items():
            yield name, row, digests[row], self._lengths[row]

    def _enter(self, rna: Rna, digest: str) -> bool:
        row = self._row_of_digest.get(digest)
        if rna.id in self._row_of_id:
            same = self._row_of_id[rna.id] == row
            raise repeated_id(self._source, rna, rna.sequence if same else "")
        if row is not None:
            self._row_of_id[rna.id] = row
            return False
        self._row_of_id[rna.id] = self._row_of_digest[digest] = len(self._lengths)
        self._lengths.append(len(rna.sequence))
        return True


def _write_part(path: Path, vectors: Vectors) -> None:
    """Write an NPY file; ``np.save`` would not say why a disk refuses it."""
    vectors = np.ascontiguousarray(vectors)
    with atomic_write(path, "wb") as handle:
        npy_format.write_array_header_1_0(handle, npy_format.header_data_from_array_1_0(vectors))
        handle.write(vectors.data)


def _shard_key(encoder: Encoder, digests: Iterable[str]) -> str:
    return hashlib.sha256("\n".join((repr(encoder.info), *digests)).encode()).hexdigest()


@contextmanager
def _parts_folder(output: Path) -> Iterator[Path]:
    """The folder of finished shards, locked against other processes; kept on failure unless it is empty."""
    folder = output.with_name(f".{output.name}.parts")
    handle = _lock_folder(folder, output)
    try:
        yield folder
    finally:
        with suppress(OSError):  # not empty: there is something to resume from; or already gone: all is done
            folder.rmdir()
        os.close(handle)


def _lock_folder(folder: Path, output: Path) -> int:
    """Create and lock *folder*; the lock ends with the process, however that ends."""
    while True:
        folder.mkdir(exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
        try:
            _lock(handle, output)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), os.stat(folder)):
                    return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # its last owner removed it between our two calls


def _lock(handle: int, output: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CupidError(
            f"{output}: another cupid-embed is writing it", hint="wait for it, or choose another name"
        ) from None
    except OSError as error:  # network file systems may have no locks
        reason = (error.strerror or str(error)).lower()
        log.warning("%s is not locked (%s): let no other cupid-embed write it at the same time", output, reason)
