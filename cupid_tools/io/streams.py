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
from pathlib import Path
from typing import Any, ClassVar, cast

from cupid_tools.errors import CupidError, InputError

STDIN = "-"
GZIP_MAGIC = b"\x1f\x8b"
_BUFFER_BYTES = 1 << 20


class _OnceReadable(io.RawIOBase):
    """stdin or a named pipe, which cannot be read again, so its digest is taken on the way."""

    hashes: ClassVar[dict[str, Any]] = {}

    def __init__(self, name: str, source: io.BufferedReader) -> None:
        self._source = source
        self._hash = self.hashes[name] = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        # read, in place of read1, would loop until all is there, and be deaf to signals between its rounds
        chunk = self._source.read1(len(buffer))
        self._hash.update(chunk)
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


@contextmanager
def _open_raw(path: str | os.PathLike[str]) -> Iterator[io.BufferedReader]:
    if str(path) == STDIN and sys.stdin is None:
        raise CupidError("stdin is closed", hint="name an input file")
    if str(path) == STDIN:
        yield io.BufferedReader(_OnceReadable(STDIN, cast(io.BufferedReader, sys.stdin.buffer)), _BUFFER_BYTES)
        return
    try:
        handle = open(path, "rb")  # noqa: SIM115 - it is closed below; only its opening is tried here
    except OSError as error:
        hint = "check the name" if isinstance(error, FileNotFoundError) else None
        raise CupidError(f"{path}: {(error.strerror or str(error)).lower()}", hint=hint) from error
    with handle:
        if Path(path).is_file():
            yield handle
        else:
            yield io.BufferedReader(_OnceReadable(str(path), handle), _BUFFER_BYTES)


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


def file_digest(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def input_digest(path: str | os.PathLike[str]) -> str | None:
    """SHA-256 of an input in hexadecimal: of a file, or of what was read of stdin or a pipe; None if nothing was."""
    if Path(path).is_file():
        return file_digest(path)
    seen = _OnceReadable.hashes.get(str(path))
    return None if seen is None else str(seen.hexdigest())
