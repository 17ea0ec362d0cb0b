"""The embedding store: ``NAME.npy`` with vectors [rows, channels] and ``NAME.tsv`` that says whose they are.

The TSV starts with ``# key=value`` lines (format, encoder, fingerprint, pooling, ...), then the columns ``id``,
``row``, ``digest``, ``length``. RNAs of equal sequence share a row. The TSV is renamed into place last: a store
without it is not complete and is refused.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from cupid_tools.errors import CupidError, InputError, UsageError
from cupid_tools.io.atomic import atomic_write
from cupid_tools.io.streams import read_lines
from cupid_tools.vocab import Rna

FORMAT_VERSION = "1"
_COLUMNS = ("id", "row", "digest", "length")
_FIRST_BYTES = b"# format="
_IDENTITY = ("encoder", "fingerprint", "pooling", "long")
"""What must agree between the shards of one store, and between a store and a model."""
_RECORDED = (*_IDENTITY, "precision")

Vectors = NDArray[np.float32]

log = logging.getLogger("cupid_tools")


@dataclass(frozen=True)
class StoreInfo:
    """What made the vectors of a store.

    Attributes:
        encoder: registry name, such as ``kmer``.
        fingerprint: identifies the encoder's settings or weights.
        pooling: how nucleotides became one vector.
        long: policy for RNAs above the encoder's context.
        precision: of the arithmetic, such as ``bf16``; what older files, which do not say, were made with is float32.
    """

    encoder: str
    fingerprint: str
    pooling: str
    long: str
    precision: str = "fp32"

    def difference(self, other: StoreInfo) -> str | None:
        """Name the first field in which two stores differ, with both values; None when they agree."""
        for field in _IDENTITY:
            mine, theirs = getattr(self, field), getattr(other, field)
            if mine != theirs:
                return f"{field} {mine} and {theirs}"
        return None

    def warn_of_precision(self, path: str, other: StoreInfo, others_path: str | os.PathLike[str]) -> None:
        """Log a warning when two stores, or a model and a store, that belong together differ in precision."""
        if self.precision != other.precision:
            log.warning(
                "%s has vectors in %s, %s in %s: scores of equal pairs may differ in later digits",
                path, self.precision, others_path, other.precision,
            )  # fmt: skip


class EmbeddingStore:
    """One or several stores on disk, read as one; vectors stay on disk until they are asked for.

    Attributes:
        info: what made the vectors.
        dim: channels of a vector.
        path: the first file, for messages.
        remedy: what to do about an RNA without a vector, for messages.
    """

    remedy = "run cupid-embed on all RNAs"

    def __init__(self, paths: Sequence[str | os.PathLike[str]]) -> None:
        """Open the stores *paths* (each ``NAME.npy``).

        Raises:
            InputError: a store is incomplete, truncated, or made by another encoder than the first.
        """
        self.path = str(paths[0])
        self._shards: list[NDArray[Any]] = []
        self._place: dict[str, tuple[int, int]] = {}  # RNA id -> (shard, row)
        self._digest: dict[str, str] = {}
        infos = [self._open(path) for path in paths]
        self.info = infos[0]
        self.dim = int(self._shards[0].shape[1])
        for path, info, shard in zip(paths, infos, self._shards, strict=True):
            differs = self.info.difference(info)
            if differs or shard.shape[1] != self.dim:
                raise InputError(path, f"does not belong with {self.path}: {differs or 'other channels'}")
        for path, info in {info.precision: (path, info) for path, info in zip(paths, infos, strict=True)}.values():
            self.info.warn_of_precision(self.path, info, path)

    def __contains__(self, name: str) -> bool:
        return name in self._place

    def __len__(self) -> int:
        return len(self._place)

    def ids(self) -> list[str]:
        """All RNA ids, in file order."""
        return list(self._place)

    def digests(self, names: Iterable[str]) -> list[str]:
        """The sequence digests of RNAs that the store holds."""
        return [self._digest[name] for name in names]

    def matrix(self, names: Sequence[str]) -> Vectors:
        """The vectors of *names*, float32 [len(names), dim].

        Raises:
            InputError: an RNA has no vector, or its vector holds NaN or infinity.
        """
        for name in names:
            if name not in self._place:
                raise InputError(self.path, f"holds no vector of RNA {name!r}", hint=self.remedy)
        places = np.array([self._place[name] for name in names], dtype=np.int64).reshape(-1, 2)
        vectors = np.empty((len(names), self.dim), dtype=np.float32)
        for index, shard in enumerate(self._shards):
            here = np.flatnonzero(places[:, 0] == index)
            vectors[here] = shard[places[here, 1]]
        bad = ~np.isfinite(vectors).all(axis=1)
        if bad.any():
            name = names[int(np.flatnonzero(bad)[0])]
            raise InputError(self.path, f"the vector of RNA {name!r} holds NaN or infinity", hint="embed it again")
        return vectors

    def check_sequences(self, rnas: Mapping[str, Rna]) -> None:
        """Raise InputError for the first RNA whose vector was made from another sequence."""
        for name, rna in rnas.items():
            if name in self._digest and self._digest[name] != rna.digest:
                raise InputError(self.path, f"RNA {name!r} was embedded with another sequence", hint="embed it again")

    def _open(self, path: str | os.PathLike[str]) -> StoreInfo:
        table = table_path(path)
        if not Path(path).exists():
            raise CupidError(f"{path}: no such file", hint="make it with cupid-embed")
        if not table.exists():
            raise InputError(path, f"{table.name} is missing beside it", hint="the store is not complete: embed again")
        try:
            vectors: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise InputError(path, "is not a complete NPY file", hint="embed again") from error
        if vectors.ndim != 2 or vectors.dtype not in (np.float32, np.float16):
            raise InputError(
                path, f"holds {vectors.dtype} {list(vectors.shape)}", hint="expected float32 [RNAs, channels]"
            )
        shard = len(self._shards)
        self._shards.append(vectors)
        return self._read_table(table, shard, len(vectors))

    def _read_table(self, table: Path, shard: int, rows: int) -> StoreInfo:
        settings: dict[str, str] = {}
        header_seen = False
        for number, line in enumerate(read_lines(table), start=1):
            if line.startswith("# ") and not header_seen:
                key, _, value = line[2:].partition("=")
                settings[key] = value
                continue
            cells = line.split("\t")
            if not header_seen:
                if tuple(cells) != _COLUMNS:
                    raise InputError(table, f"the header must be {', '.join(_COLUMNS)}", line=number)
                header_seen = True
                continue
            if len(cells) != len(_COLUMNS) or not cells[1].isdecimal() or int(cells[1]) >= rows:
                raise InputError(table, f"names a row that the {rows} vectors lack", line=number, hint="embed again")
            if self._digest.setdefault(cells[0], cells[2]) != cells[2]:
                raise InputError(table, f"RNA {cells[0]!r} occurs with two sequences", line=number)
            self._place.setdefault(cells[0], (shard, int(cells[1])))
        return _info(settings, table)


def table_path(path: str | os.PathLike[str]) -> Path:
    """The TSV that belongs to a store's NPY file."""
    return Path(path).with_suffix(".tsv")


def check_store_name(path: str | os.PathLike[str]) -> None:
    """Raise UsageError unless *path* ends in ``.npy``, and its TSV, if there is one, is that of a store."""
    if Path(path).suffix != ".npy":
        raise UsageError(f"{path}: a store is named NAME.npy")
    table = table_path(path)
    if table.exists():
        with open(table, "rb") as handle:
            if not handle.read(len(_FIRST_BYTES)) == _FIRST_BYTES:
                raise UsageError(f"{table} exists, and is not the table of a store", hint="choose another name")


def write_store(
    path: str | os.PathLike[str],
    info: StoreInfo,
    rnas: Iterable[tuple[str, int, str, int]],
    blocks: Iterable[Vectors],
    *,
    shape: tuple[int, int],
) -> None:
    """Write a store; it appears complete or not at all.

    Args:
        path: ``NAME.npy``; ``NAME.tsv`` is written beside it.
        info: what made the vectors.
        rnas: id, row, digest, length in nt of every RNA.
        blocks: the vectors, float32 [n, channels] each, in row order.
        shape: rows and channels of all blocks together.
    """
    table = table_path(path)
    with atomic_write(table) as text:
        settings = {"format": FORMAT_VERSION} | vars(info)
        text.writelines(f"# {key}={value}\n" for key, value in settings.items())
        text.write("\t".join(_COLUMNS) + "\n")
        text.writelines("\t".join(map(str, row)) + "\n" for row in rnas)
        with atomic_write(path, "wb") as handle:
            header = {"descr": npy_format.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False, "shape": shape}
            npy_format.write_array_header_1_0(handle, header)
            for block in blocks:
                handle.write(np.ascontiguousarray(block, dtype=np.float32).data)
            handle.flush()
            os.fsync(handle.fileno())  # a full disk may show only now, while the old store is whole
            # From here to the rename of the new table the store is incomplete, so never old ids on new vectors.
            table.unlink(missing_ok=True)


def _info(settings: Mapping[str, str], table: Path) -> StoreInfo:
    if settings.get("format") != FORMAT_VERSION:
        raise InputError(table, f"has format {settings.get('format')!r}, not {FORMAT_VERSION!r}", hint="embed again")
    missing = [field for field in _IDENTITY if field not in settings]
    if missing:
        raise InputError(table, f"lacks the line '# {missing[0]}=...'", hint="embed again")
    return StoreInfo(**{field: settings[field] for field in _RECORDED if field in settings})
