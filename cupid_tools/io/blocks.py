"""One of several blocks of a file's records, so that jobs can share a file without cutting it."""

from __future__ import annotations

import io
import os
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, islice
from pathlib import Path
from typing import NamedTuple

from cupid_tools.errors import InputError, UsageError, place_of
from cupid_tools.io.streams import decode, open_input

_CHUNK_BYTES = 1 << 22
_LINE_ENDS = b"\r\n"


@dataclass(frozen=True)
class Block:
    """The *number*-th, counted from 1, of *count* contiguous blocks that together are the whole.

    >>> [list(Block(number, 3).span(7)) for number in (1, 2, 3)]
    [[0, 1], [2, 3], [4, 5, 6]]
    """

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def span(self, total: int, what: str = "records") -> range:
        """The places, from 0, of this block among *total* records; no block is empty.

        Raises:
            UsageError: there are more blocks than records, which the message calls *what*.
        """
        self._check(total, what)
        return range(self._edge(self.number - 1, total), self._edge(self.number, total))

    def span_of_sizes(self, sizes: Iterable[int], what: str = "records") -> range:
        """As ``span``, for records of unlike *sizes*: blocks are of about equal size, and none is empty.

        >>> [list(Block(number, 3).span_of_sizes([9, 1, 1, 1])) for number in (1, 2, 3)]
        [[0], [1], [2, 3]]
        """
        ends = array("q", accumulate(sizes))
        self._check(len(ends), what)
        start = stop = 0
        for number in range(1, self.number + 1):
            wanted = bisect_left(ends, self._edge(number, ends[-1])) + 1
            start, stop = stop, min(max(wanted, stop + 1), len(ends) - self.count + number)
        return range(start, stop)

    def _edge(self, number: int, total: int) -> int:
        return number * total // self.count

    def _check(self, total: int, what: str) -> None:
        if self.count > total:
            raise UsageError(f"--blocks {self} divides {total} {what}", hint=f"take at most {total}")


def check_rereadable(path: str | os.PathLike[str], option: str) -> None:
    """Raise UsageError when *path*, which *option* makes a tool read twice, is stdin or a pipe."""
    if Path(path).exists() and Path(path).is_file():
        return
    if str(path) == "-" or Path(path).exists():
        raise UsageError(f"{option} reads {place_of(path)} twice, which a pipe does not allow", hint="name a file")


def table_lines(path: str | os.PathLike[str], block: Block | None = None) -> Iterator[tuple[int, str]]:
    """Yield the header of a table and its rows, each with the number of its line; blank lines are passed over.

    Args:
        path: plain or gzip; ``-`` is stdin.
        block: of whose rows alone are wanted. Rows are counted first, and those before the block are not looked at.

    Raises:
        InputError: a line is not UTF-8, or the file changes meanwhile.
        UsageError: *path* cannot be read twice, or has fewer rows than there are blocks.
    """
    if block is not None:
        check_rereadable(path, "--blocks")
    with open_input(path) as handle:
        lines = _filled_lines(handle, path, 0)
        header = next(lines, None)
        if header is None:
            return
        yield header
        yield from lines if block is None else _lines_of_block(handle, path, header[0], block)


class _Mark(NamedTuple):
    """What lies before a place in a table.

    Attributes:
        offset: bytes.
        lines: all, with the header.
        rows: those that are not blank, without the header.
    """

    offset: int
    lines: int
    rows: int


def _lines_of_block(
    handle: io.BufferedIOBase, path: str | os.PathLike[str], header: int, block: Block
) -> Iterator[tuple[int, str]]:
    marks = _marks(handle, header)
    if not marks[-1].rows:
        return
    span = block.span(marks[-1].rows, "rows")
    mark = marks[bisect_left(marks, span.start + 1, key=lambda mark: mark.rows) - 1]
    handle.seek(mark.offset)
    wanted = islice(_filled_lines(handle, path, mark.lines), span.start - mark.rows, span.stop - mark.rows)
    missing = len(span)
    for line in wanted:
        missing -= 1
        yield line
    if missing:
        raise InputError(path, "became shorter while it was read", hint="start again")


def _filled_lines(handle: io.BufferedIOBase, path: str | os.PathLike[str], before: int) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(handle, start=before + 1):
        if text := decode(line, path, number).rstrip("\r\n"):
            yield number, text


def _marks(handle: io.BufferedIOBase, line: int) -> list[_Mark]:
    """Marks every few megabytes from here, which is behind *line* lines, to the end."""
    marks = [_Mark(handle.tell(), line, 0)]
    while chunk := handle.read(_CHUNK_BYTES):
        chunk += handle.readline()
        lines, rows = _count(chunk)
        marks.append(_Mark(handle.tell(), marks[-1].lines + lines, marks[-1].rows + rows))
    return marks


def _count(chunk: bytes) -> tuple[int, int]:
    """How many lines there are, and how many of them are not blank."""
    import numpy as np

    letters = np.frombuffer(chunk, dtype=np.uint8)
    starts = np.append(0, np.flatnonzero(letters[:-1] == ord("\n")) + 1)
    if not np.isin(letters[starts], list(_LINE_ENDS)).any():  # as mostly, and at many times the speed
        return len(starts), len(starts)
    lines = chunk.removesuffix(b"\n").split(b"\n")
    return len(lines), sum(bool(line.strip(_LINE_ENDS)) for line in lines)
