"""The embedding store: vectors in ``NAME.npy``, and ``NAME.tsv`` that says whose they are.

The TSV starts with ``# key=value`` lines (format, encoder, fingerprint, pooling, ...), then the columns ``id``,
``row``, ``digest``, ``length``. RNAs of equal sequence share a row. The TSV is renamed into place last: a store without
it is not complete and is refused.

With one vector a nucleotide an RNA has ``length`` rows from ``row`` on, and the vectors lie in ``NAME.0001.npy``,
``NAME.0002.npy``, ..., as many as the line ``# shards=`` says. Rows count through all of them; no RNA lies in two.
"""

from __future__ import annotations

import logging
import os
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cupid_tools.errors import CupidError, InputError, UsageError
from cupid_tools.io.streams import read_lines
from cupid_tools.vocab import Rna

FORMAT_VERSION = "1"
COLUMNS = ("id", "row", "digest", "length")
PER_NUCLEOTIDE = "none"
"""The ``pooling`` of a store with one vector a nucleotide."""
ALL_FIT = "error"
"""The ``long`` of a store without RNAs above the context: its vectors are what they are under any other policy."""
_FIRST_BYTES = b"# format="
_IDENTITY = ("encoder", "fingerprint", "pooling", "long")
"""What must agree between the stores that are read as one, and between a store and a model."""
_RECORDED = (*_IDENTITY, "precision")
_SHARDS = "shards"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_DIGEST_BYTES = 32
_OPEN_FILES = 64
"""Files of vectors that a store keeps open; processes may have 1,024 in all."""

Vectors = NDArray[np.float32]
AnyPath = str | os.PathLike[str]

log = logging.getLogger("cupid_tools")


@dataclass(frozen=True)
class StoreInfo:
    """What made the vectors of a store.

    Attributes:
        encoder: registry name, such as ``kmer``.
        fingerprint: identifies the encoder's settings or weights.
        pooling: how nucleotides became one vector, or ``PER_NUCLEOTIDE``.
        long: policy for RNAs above the encoder's context.
        precision: of the arithmetic, such as ``bf16``; older files, which do not say, were made with float32.
    """

    encoder: str
    fingerprint: str
    pooling: str
    long: str
    precision: str = "fp32"

    def difference(self, other: StoreInfo) -> str | None:
        """Name the first field in which two stores differ, with both values; None when they belong together."""
        for field in _IDENTITY:
            mine, theirs = getattr(self, field), getattr(other, field)
            if mine != theirs and not (field == "long" and ALL_FIT in (mine, theirs)):
                return f"{field} {mine} and {theirs}"
        return None

    def joined(self, other: StoreInfo) -> StoreInfo:
        """What made the vectors of two stores that belong together."""
        return replace(self, long=other.long) if self.long == ALL_FIT else self

    def warn_of_precision(self, path: AnyPath, other: StoreInfo, other_path: AnyPath) -> None:
        """Log a warning when two stores, or a model and a store, that belong together differ in precision."""
        if self.precision != other.precision:
            text = "%s has vectors in %s, %s in %s: scores of equal pairs may differ in later digits"
            log.warning(text, path, self.precision, other_path, other.precision)

    def require_pooled(self, path: AnyPath) -> None:
        """Raise InputError when there is one vector a nucleotide, and not one an RNA."""
        if self.pooling == PER_NUCLEOTIDE:
            raise InputError(path, "holds one vector per nucleotide", hint="embed with --pooling mean")


class StoredRna(NamedTuple):
    """A line of a store's table.

    Attributes:
        line: its number.
        row: of its vector, or of the first of its vectors.
        digest: of its sequence, in hexadecimal.
        length: in nt.
    """

    line: int
    id: str
    row: int
    digest: str
    length: int


class StoreFiles:
    """One store on disk, as it lies there.

    Attributes:
        path: ``NAME.npy``.
        table: ``NAME.tsv``.
        info: what made the vectors.
        files: where the vectors lie.
        parts: those files, measured.
        rows: of all files.
        dim: channels of a vector.
    """

    def __init__(self, path: AnyPath) -> None:
        """Open the store *path*.

        Raises:
            CupidError: no such store.
            InputError: it is incomplete or truncated.
        """
        self.path = str(path)
        self.table = table_path(path)
        if not self.table.exists():
            _raise_missing(path)
        self._lines = enumerate(read_lines(self.table), start=1)
        settings = self._read_settings()
        self.info = _info(settings, self.table)
        self.files = vector_files(path, self._shards(settings))
        self.parts = [VectorFile(file, self.path) for file in self.files]
        self.rows = sum(part.rows for part in self.parts)
        self.dim = self.parts[0].dim
        if any(part.dim != self.dim for part in self.parts):
            raise InputError(path, "has shards of different channels", hint="embed again")

    def rnas(self) -> Iterator[StoredRna]:
        """Yield the lines of the table, once.

        Raises:
            InputError: a line is damaged, or names a row that is not there.
        """
        each = self.info.pooling == PER_NUCLEOTIDE
        for number, line in self._lines:
            cells = line.split("\t")
            if len(cells) != len(COLUMNS) or not (cells[1].isdecimal() and cells[3].isdecimal()):
                raise InputError(self.table, f"a line holds {', '.join(COLUMNS)}", line=number, hint="embed again")
            rna = StoredRna(number, cells[0], int(cells[1]), cells[2], int(cells[3]))
            if rna.row + (rna.length if each else 1) > self.rows:
                words = f"names a row that the {self.rows} vectors lack"
                raise InputError(self.table, words, line=number, hint="embed again")
            if not _DIGEST.fullmatch(rna.digest):
                raise InputError(self.table, f"{rna.digest!r} is no SHA-256", line=number, hint="embed again")
            yield rna

    def _read_settings(self) -> dict[str, str]:
        settings: dict[str, str] = {}
        for number, line in self._lines:
            if not line.startswith("# "):
                if tuple(line.split("\t")) != COLUMNS:
                    raise InputError(self.table, f"the header must be {', '.join(COLUMNS)}", line=number)
                break
            key, _, value = line[2:].partition("=")
            settings[key] = value
        return settings

    def _shards(self, settings: Mapping[str, str]) -> int | None:
        count = settings.get(_SHARDS)
        if count is not None and (not count.isdecimal() or int(count) < 1):
            raise InputError(self.table, f"tells of {count!r} shards", hint="embed again")
        return None if count is None else int(count)


class VectorFile:
    """A file of vectors, float32 or float16 [rows, channels], which is mapped into memory when it is read.

    Attributes:
        rows: vectors in it.
        dim: channels of each.
    """

    def __init__(self, file: Path, path: str) -> None:
        """Measure *file*, which belongs to the store *path*.

        Raises:
            InputError: it is no whole file of vectors.
        """
        self._file, self._path = file, path
        self.rows, self.dim = _map_vectors(file, path).shape
        self._identity = self._status()

    def map(self) -> NDArray[Any]:
        """Its vectors, memory-mapped.

        Raises:
            InputError: another file has taken its place.
        """
        vectors = _map_vectors(self._file, self._path)
        if self._status() != self._identity:
            raise InputError(self._path, "was replaced while it was read", hint="start again")
        return vectors

    def _status(self) -> tuple[int, int, int]:
        status = self._file.stat()
        return status.st_ino, status.st_size, status.st_mtime_ns


class StackedVectors:
    """Vectors of several files, read as if they were one; few of them are open at a time."""

    def __init__(self, parts: Sequence[VectorFile]) -> None:
        self._dim = parts[0].dim
        self._ends = np.cumsum([part.rows for part in parts])
        self._starts = self._ends - [part.rows for part in parts]
        self._mapped = lru_cache(maxsize=_OPEN_FILES)(lambda number: parts[number].map())

    def take(self, rows: NDArray[np.int64]) -> Vectors:
        """Copy *rows*, float32 [len(rows), channels]."""
        taken = np.empty((len(rows), self._dim), dtype=np.float32)
        numbers = np.searchsorted(self._ends, rows, side="right")
        for number in np.unique(numbers).tolist():
            here = numbers == number
            taken[here] = self._mapped(number)[rows[here] - self._starts[number]]
        return taken

    def span(self, first: int, count: int) -> Vectors:
        """Rows *first* to *first* + *count* of one file, float32 [count, channels], or fewer where that file ends."""
        number = int(np.searchsorted(self._ends, first, side="right"))
        start = first - int(self._starts[number])
        return np.asarray(self._mapped(number)[start : start + count], dtype=np.float32)


class EmbeddingStore:
    """One or several stores on disk, read as one; vectors stay on disk until they are asked for.

    Attributes:
        info: what made the vectors.
        dim: channels of a vector.
        path: the first file, for messages.
        remedy: what to do about an RNA without a vector, for messages.
    """

    remedy = "run cupid-embed on all RNAs"

    def __init__(self, paths: Sequence[AnyPath]) -> None:
        """Open the stores *paths* (each ``NAME.npy``).

        Raises:
            InputError: a store is incomplete, truncated, or made by another encoder than the first.
        """
        stores = [StoreFiles(path) for path in paths]
        self.path, self.dim = stores[0].path, stores[0].dim
        self._place: dict[str, int] = {}  # RNA id -> place in the arrays; a million tuples would take 100 MB
        self._rows, self._lengths, self._digests = array("q"), array("q"), bytearray()
        rows = 0
        for store in stores:
            self._enter(store, rows)
            rows += store.rows
        self.info = joined_info(stores)
        self._vectors = StackedVectors([part for store in stores for part in store.parts])
        for store in {store.info.precision: store for store in stores}.values():
            self.info.warn_of_precision(self.path, store.info, store.path)

    def __contains__(self, name: str) -> bool:
        return name in self._place

    def __len__(self) -> int:
        return len(self._place)

    def ids(self) -> list[str]:
        """All RNA ids, in file order."""
        return list(self._place)

    def digests(self, names: Iterable[str]) -> list[str]:
        """The sequence digests of RNAs that the store holds."""
        return [self._digest(self._place[name]).hex() for name in names]

    def read(self, names: Sequence[str]) -> Vectors:
        """The vectors of *names*, float32 [len(names), dim].

        Raises:
            InputError: an RNA has no vector, or one that holds NaN or infinity, or a vector for each nucleotide.
        """
        self.info.require_pooled(self.path)
        vectors = self._vectors.take(np.array([self._rows[self._find(name)] for name in names], dtype=np.int64))
        bad = ~np.isfinite(vectors).all(axis=1)
        if bad.any():
            raise self._not_finite(names[int(np.flatnonzero(bad)[0])])
        return vectors

    def states(self, name: str) -> Vectors:
        """The vectors of the nucleotides of RNA *name*, float32 [nt, dim], memory-mapped where the file is float32.

        Raises:
            InputError: the RNA has none, or they hold NaN or infinity, or the store holds one vector an RNA.
        """
        if self.info.pooling != PER_NUCLEOTIDE:
            raise InputError(self.path, "holds one vector per RNA", hint=f"embed with --pooling {PER_NUCLEOTIDE}")
        place = self._find(name)
        states = self._vectors.span(self._rows[place], self._lengths[place])
        if len(states) != self._lengths[place]:
            raise InputError(self.path, f"lacks vectors of RNA {name!r}", hint="embed again")
        if not np.isfinite(states).all():
            raise self._not_finite(name)
        return states

    def check_sequences(self, rnas: Mapping[str, Rna]) -> None:
        """Raise InputError for the first RNA whose vector was made from another sequence."""
        for name, rna in rnas.items():
            if name in self._place and self.digests([name]) != [rna.digest]:
                raise InputError(self.path, f"RNA {name!r} was embedded with another sequence", hint="embed it again")

    def _enter(self, store: StoreFiles, first_row: int) -> None:
        for rna in store.rnas():
            digest = bytes.fromhex(rna.digest)
            place = self._place.setdefault(rna.id, len(self._rows))
            if place < len(self._rows):
                if self._digest(place) != digest:
                    raise InputError(store.table, f"RNA {rna.id!r} occurs with two sequences", line=rna.line)
                continue
            self._rows.append(first_row + rna.row)
            self._lengths.append(rna.length)
            self._digests += digest

    def _digest(self, place: int) -> bytes:
        return bytes(self._digests[place * _DIGEST_BYTES : (place + 1) * _DIGEST_BYTES])

    def _find(self, name: str) -> int:
        if name not in self._place:
            raise InputError(self.path, f"holds no vector of RNA {name!r}", hint=self.remedy)
        return self._place[name]

    def _not_finite(self, name: str) -> InputError:
        return InputError(self.path, f"the vector of RNA {name!r} holds NaN or infinity", hint="embed it again")


def joined_info(stores: Sequence[StoreFiles]) -> StoreInfo:
    """What made the vectors of stores that belong together.

    Raises:
        InputError: one of them does not.
    """
    first = stores[0]
    info = first.info
    for store in stores[1:]:
        differs = info.difference(store.info)
        if differs or store.dim != first.dim:
            raise InputError(store.path, f"does not belong with {first.path}: {differs or 'other channels'}")
        info = info.joined(store.info)
    return info


def table_path(path: AnyPath) -> Path:
    """The TSV that belongs to a store's NPY file."""
    return Path(path).with_suffix(".tsv")


def vector_files(path: AnyPath, shards: int | None) -> list[Path]:
    """Where the vectors of the store *path* lie, in *shards* files or, with None, in one."""
    if shards is None:
        return [Path(path)]
    return [Path(path).with_suffix(f".{number:04}.npy") for number in range(1, shards + 1)]


def files_of_store(path: AnyPath) -> list[Path]:
    """The files of vectors of the store that lies at *path*, whole or not; none where there is no table."""
    try:
        with open(table_path(path), encoding="utf-8", errors="replace") as handle:
            head = [line for line, _ in zip(handle, range(len(_RECORDED) + 2), strict=False)]
    except OSError:
        return []
    if not head or not head[0].startswith(_FIRST_BYTES.decode()):
        return []
    counts = [line.rpartition("=")[2].strip() for line in head if line.startswith(f"# {_SHARDS}=")]
    return vector_files(path, int(counts[0]) if counts and counts[0].isdecimal() else None)


def check_store_name(path: AnyPath) -> None:
    """Raise UsageError unless *path* ends in ``.npy``, and its TSV, if there is one, is that of a store."""
    if Path(path).suffix != ".npy":
        raise UsageError(f"{path}: a store is named NAME.npy")
    table = table_path(path)
    if table.exists():
        with open(table, "rb") as handle:
            if not handle.read(len(_FIRST_BYTES)) == _FIRST_BYTES:
                raise UsageError(f"{table} exists, and is not the table of a store", hint="choose another name")


def head_of_table(info: StoreInfo, shards: int | None) -> str:
    """The lines of a table before its RNAs."""
    settings = {"format": FORMAT_VERSION} | vars(info) | ({} if shards is None else {_SHARDS: shards})
    return "".join(f"# {key}={value}\n" for key, value in settings.items()) + "\t".join(COLUMNS) + "\n"


def _raise_missing(path: AnyPath) -> None:
    if not Path(path).exists():
        raise CupidError(f"{path}: no such file", hint="make it with cupid-embed")
    name = table_path(path).name
    raise InputError(path, f"{name} is missing beside it", hint="the store is not complete: embed again")


def _map_vectors(file: Path, path: str) -> NDArray[Any]:
    try:
        vectors: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        if str(file) == path:
            raise CupidError(f"{path}: no such file", hint="make it with cupid-embed") from None
        raise InputError(path, f"{file.name} is missing beside it", hint="embed again") from None
    except (ValueError, EOFError) as error:
        raise InputError(file, "is not a complete NPY file", hint="embed again") from error
    except OSError as error:  # such as too many open files, of which every map is one
        error.filename = error.filename or str(file)
        raise
    if vectors.ndim != 2 or vectors.dtype not in (np.float32, np.float16):
        shape = f"{vectors.dtype} {list(vectors.shape)}"
        raise InputError(file, f"holds {shape}", hint="expected float32 [rows, channels]")
    return vectors


def _info(settings: Mapping[str, str], table: Path) -> StoreInfo:
    if settings.get("format") != FORMAT_VERSION:
        raise InputError(table, f"has format {settings.get('format')!r}, not {FORMAT_VERSION!r}", hint="embed again")
    missing = [field for field in _IDENTITY if field not in settings]
    if missing:
        raise InputError(table, f"lacks the line '# {missing[0]}=...'", hint="embed again")
    return StoreInfo(**{field: settings[field] for field in _RECORDED if field in settings})
