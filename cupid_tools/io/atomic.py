"""Outputs that exist complete or not at all."""

from __future__ import annotations

import gzip
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from cupid_tools.errors import CupidError

STDOUT = "-"


@contextmanager
def atomic_write(target: str | os.PathLike[str], mode: str = "w") -> Iterator[IO[Any]]:
    """Open a hidden neighbour of *target* and rename it over *target* when the block ends without an exception.

    Args:
        target: the file; ``-`` is stdout, a device or named pipe is written directly. A name that ends in ``.gz``
            is compressed, with no date inside, so that equal contents are equal bytes.
        mode: ``w`` (UTF-8 text with Unix line ends) or ``wb``.
    """
    if str(target) == STDOUT:
        yield sys.stdout.buffer if "b" in mode else sys.stdout
        sys.stdout.flush()  # here, so that a full disk fails the run
        return
    path = Path(os.path.realpath(target))  # the file itself is replaced, not a link to it
    if path.exists() and not path.is_file():
        with _open(path, mode) as handle:  # /dev/null or a pipe: never rename over those
            yield handle
        return
    scratch = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with _open(scratch, mode, compress=path.suffix == ".gz") as handle:
            yield handle
        with open(scratch, "rb") as written:
            os.fsync(written.fileno())  # before the rename, or a power cut leaves an empty file under the right name
        os.replace(scratch, path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


@contextmanager
def _open(path: Path, mode: str, *, compress: bool = False) -> Iterator[IO[Any]]:
    with open(path, "wb") as raw:
        # no file name and no date in the gzip header: equal contents are equal bytes
        packed: Any = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) if compress else raw
        with packed:
            if "b" in mode:
                yield packed
                return
            with io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as text:
                yield text


def check_writable(target: str | os.PathLike[str]) -> None:
    """Fail now rather than after hours of work when *target* cannot be written.

    Raises:
        CupidError: the folder is missing, is not a folder, or does not permit writing.
    """
    if str(target) == STDOUT:
        return
    path = Path(os.path.realpath(target))
    if path.is_dir():
        raise CupidError(f"{target}: is a folder", hint="name a file")
    if path.exists() and not path.is_file():
        return
    check_folder(path.parent, shown=target)


def check_folder(folder: Path, *, shown: str | os.PathLike[str]) -> None:
    """Fail when *folder* cannot take new files; *shown* is the output that messages name."""
    if not folder.is_dir():
        raise CupidError(f"{shown}: folder {folder} does not exist", hint="create it first")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CupidError(
            f"{shown}: folder {folder} cannot be written: {(error.strerror or str(error)).lower()}",
            hint="choose another, or change its permissions",
        ) from error
