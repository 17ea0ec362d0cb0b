"""Bytes and lines in: plain or gzip by content, from a file or from stdin."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from cupid_tools.errors import CupidError, InputError

STDIN = "-"
GZIP_MAGIC = b"\x1f\x8b"


class _HashedStdin(io.RawIOBase):
    """stdin that can be read only once, so its digest is taken on the way."""

    latest: _HashedStdin | None = None

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        _HashedStdin.latest = self

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        # read, in place of read1, would loop until all is there, and be deaf to signals between its rounds
        chunk = sys.stdin.buffer.read1(len(buffer))  # type: ignore[union-attr]
        self.hash.update(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)


@contextmanager
def open_input(path: str | os.PathLike[str]) -> Iterator[io.BufferedIOBase]:
    """Open *path* (``-`` is stdin) for reading bytes; gzip is recognised by its content, not its name.

    Raises:
        CupidError: the file is missing or cannot be read.
        InputError: the gzip stream ends early or is damaged, whenever that is met inside the block.
    """
    with _open_raw(path) as raw:
        try:
            if raw.peek(2)[:2] != GZIP_MAGIC:
                if raw.peek(3)[:3] == codecs.BOM_UTF8:  # some editors on Windows write it
                    raw.read(3)
                yield raw
                return
            with gzip.open(raw) as unpacked:
                yield unpacked
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise InputError(path, "gzip data is damaged or ends early", hint="copy or download it again") from error


def _open_raw(path: str | os.PathLike[str]) -> io.BufferedReader:
    if str(path) == STDIN:
        return io.BufferedReader(_HashedStdin(), 1 << 20)
    try:
        return open(path, "rb")
    except OSError as error:
        raise CupidError(f"{path}: {(error.strerror or str(error)).lower()}", hint="check the name") from error


def read_lines(path: str | os.PathLike[str]) -> Iterator[str]:
    """Yield the lines of a UTF-8 text without their ends (Unix or Windows).

    Raises:
        InputError: a line is not UTF-8.
    """
    with open_input(path) as handle:
        for number, line in enumerate(handle, start=1):
            yield decode(line, path, number).rstrip("\r\n")


def decode(line: bytes, path: str | os.PathLike[str], number: int) -> str:
    """Decode one line, or say which one is not UTF-8."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(path, "not UTF-8 text", line=number, hint="convert it, for example with iconv") from error


def input_digest(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a whole input in hexadecimal; of stdin, what has been read of it."""
    if str(path) == STDIN:
        return _HashedStdin.latest.hash.hexdigest() if _HashedStdin.latest else hashlib.sha256().hexdigest()
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
