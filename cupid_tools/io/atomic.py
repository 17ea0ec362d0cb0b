"""Outputs that exist complete or not at all."""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from cupid_tools.errors import CupidError

STDOUT = "-"
_DESCRIPTOR = re.compile(r"/dev/|/proc/[^/]+/fd/")


@contextmanager
def atomic_write(target: str | os.PathLike[str], mode: str = "w") -> Iterator[IO[Any]]:
    """Open a hidden neighbour of *target* and rename it over *target* when the block ends without an exception.

    Args:
        target: the file; ``-`` is stdout, and a device or pipe is written directly. A name that ends in ``.gz`` is
            compressed, with no date inside, so that equal contents are equal bytes. A file that is replaced keeps its
            permissions.
        mode: ``w`` (UTF-8 text with Unix line ends) or ``wb``.

    Raises:
        CupidError: stdout is closed.
    """
    if str(target) == STDOUT:
        opened = _stdout(mode)
    elif is_stream(target):
        opened = _stream(target, mode)
    else:
        opened = _file(Path(os.path.realpath(target)), mode)  # the file itself is replaced, not a link to it
    try:
        with opened as handle:
            yield handle
    except OSError as error:
        if error.filename is None:  # a full disk does not say which of several outputs it met
            error.filename = "stdout" if str(target) == STDOUT else str(target)
        raise


def is_stream(target: str | os.PathLike[str]) -> bool:
    """Whether *target* is stdout, a device, a pipe or a descriptor as ``/dev/fd/3``: never to be renamed over."""
    path = Path(target)
    return (
        str(target) == STDOUT
        or bool(_DESCRIPTOR.match(str(target)))
        or (path.exists() and not path.is_file() and not path.is_dir())
    )


@contextmanager
def _stdout(mode: str) -> Iterator[IO[Any]]:
    if sys.stdout is None:
        raise CupidError("stdout is closed", hint="name an output file")
    yield sys.stdout.buffer if "b" in mode else sys.stdout
    sys.stdout.flush()  # here, so that a full disk fails the run


@contextmanager
def _stream(target: str | os.PathLike[str], mode: str) -> Iterator[IO[Any]]:
    """Append: behind a descriptor may be a file that holds something already."""
    text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    with open(target, mode.replace("w", "a"), **text) as handle:
        yield handle


@contextmanager
def _file(path: Path, mode: str) -> Iterator[IO[Any]]:
    scratch = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with _open(scratch, mode, compress=path.suffix == ".gz") as handle:
            yield handle
        if path.exists():
            shutil.copymode(path, scratch)
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
    if is_stream(target):
        return
    path = Path(os.path.realpath(target))
    if path.is_dir():
        raise CupidError(f"{target}: is a folder", hint="name a file")
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
