"""Writing an embedding store, so that it is whole, absent, or still the old one, whenever the process ends."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np
from numpy.lib import format as npy_format

from cupid_tools.errors import UsageError
from cupid_tools.io.atomic import atomic_write
from cupid_tools.io.store import AnyPath, StoreInfo, Vectors, files_of_store, head_of_table, table_path, vector_files
from cupid_tools.io.streams import read_lines

_COPY_BYTES = 1 << 20

Row = tuple[str, int | str, str, int | str]
"""id, row, digest, length in nt of an RNA."""


def write_store(
    path: AnyPath, info: StoreInfo, rnas: Iterable[Row], blocks: Iterable[Vectors], *, shape: tuple[int, int]
) -> None:
    """Write a store with one file of vectors; it appears complete or not at all.

    Args:
        path: ``NAME.npy``; ``NAME.tsv`` is written beside it.
        info: what made the vectors.
        rnas: the lines of the table.
        blocks: the vectors, float32 [n, channels] each, in row order.
        shape: rows and channels of all blocks together.
    """
    with atomic_write(table_path(path)) as text:
        _write_table(text, head_of_table(info, None), rnas)
        with atomic_write(path, "wb") as handle:
            write_vectors(handle, blocks, shape)
            handle.flush()
            os.fsync(handle.fileno())  # a full disk may show only now, while the old store is whole
            replaced = _retire(path, [Path(path)])
    _remove(path, replaced)


def write_vectors(handle: IO[bytes], blocks: Iterable[Vectors], shape: tuple[int, int]) -> None:
    """Write an NPY file of float32 *shape*; ``np.save`` would not say why a disk refuses it."""
    header = {"descr": npy_format.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False, "shape": shape}
    npy_format.write_array_header_1_0(handle, header)
    for block in blocks:
        handle.write(np.ascontiguousarray(block, dtype=np.float32).data)


def write_sharded_store(path: AnyPath, info: StoreInfo, rnas: Iterable[Row], shards: Sequence[Path]) -> None:
    """Write a store whose vectors are *shards*, finished NPY files of which it takes links, not copies, if it can.

    Killed anywhere, it leaves the old store or none, and writes the same when it is called again.

    Args:
        path: ``NAME.npy``, which is not written; the shards become ``NAME.0001.npy``, ..., with ``NAME.tsv``.
        info: what made the vectors.
        rnas: the lines of the table.
        shards: in row order; each float32 [n, channels].

    Raises:
        UsageError: a file of another make has the name of a shard.
    """
    files = vector_files(path, len(shards))
    staged = [file.with_name(f".{file.name}.part") for file in files]
    refuse_foreign_shards(path)
    try:
        with atomic_write(table_path(path)) as text:
            _write_table(text, head_of_table(info, len(shards)), rnas)
            for shard, scratch in zip(shards, staged, strict=True):
                _link(shard, scratch)
            replaced = _retire(path, files)
            for scratch, file in zip(staged, files, strict=True):
                os.replace(scratch, file)
    finally:
        for scratch in staged:
            scratch.unlink(missing_ok=True)
    _remove(path, replaced)


def refuse_foreign_shards(path: AnyPath) -> None:
    """Raise UsageError when a file that is not the store's own has the name of one of its shards."""
    own = _own_files(path)
    for file in sorted(Path(path).parent.glob("*.npy")):
        name, _, number = file.stem.rpartition(".")
        if name == Path(path).stem and number.isdecimal() and len(number) >= 4 and file not in own:
            raise UsageError(f"{file} exists, and is not of a store {path}", hint="choose another name")


class TableScratch:
    """The lines of a table while they are collected: in a file without a name, which nothing needs to remove."""

    def __init__(self, folder: Path, shown: AnyPath) -> None:
        """Keep the lines on the disk of *folder*; *shown* is the output that messages name."""
        self._shown = str(shown)
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=folder)  # noqa: SIM115

    def __enter__(self) -> TableScratch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        with suppress(OSError):  # what a full disk did not take is needed no more
            self._file.close()

    def add(self, rnas: Iterable[Row]) -> None:
        """Append lines."""
        try:
            self._file.writelines(_lines(rnas))
            self._file.flush()
        except OSError as error:
            error.filename = self._shown
            raise

    def __iter__(self) -> Iterator[Row]:
        self._file.seek(0)
        for line in self._file:
            name, row, digest, length = line.rstrip("\n").split("\t")
            yield name, row, digest, length


def _write_table(text: IO[str], head: str, rnas: Iterable[Row]) -> None:
    text.write(head)
    text.writelines(_lines(rnas))
    text.flush()
    os.fsync(text.fileno())


def _lines(rnas: Iterable[Row]) -> Iterator[str]:
    return ("\t".join(map(str, rna)) + "\n" for rna in rnas)


def _retire(path: AnyPath, new: Sequence[Path]) -> list[Path]:
    """End the old store, so that its ids never stand beside *new* vectors; return its files that are not among these.

    From here to the rename of the new table there is no store. A journal tells the run that comes after a killed one
    which files are a store's, and not somebody else's.
    """
    old = _own_files(path)
    if new != [Path(path)] or old - {Path(path)}:
        with atomic_write(_journal(path)) as text:
            text.writelines(f"{name}\n" for name in sorted({file.name for file in (*old, *new)}))
    table_path(path).unlink(missing_ok=True)
    return sorted(old.difference(new))


def _remove(path: AnyPath, files: Iterable[Path]) -> None:
    """End the exchange that ``_retire`` began."""
    for file in files:
        file.unlink(missing_ok=True)
    _journal(path).unlink(missing_ok=True)


def _own_files(path: AnyPath) -> set[Path]:
    """The files of the store at *path*, and of those that killed runs were exchanging."""
    journal = _journal(path)
    names = read_lines(journal) if journal.exists() else ()
    return {*files_of_store(path), *(Path(path).with_name(name) for name in names)}


def _journal(path: AnyPath) -> Path:
    return Path(path).with_name(f".{Path(path).name}.replacing")


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)  # of a run that was killed
    try:
        os.link(source, target)
    except OSError:  # not every file system has links; what it says then differs
        with atomic_write(target, "wb") as copy, open(source, "rb") as original:
            shutil.copyfileobj(original, copy, _COPY_BYTES)
