"""What a tool wrote for each block of a pair table, put together as if it had been written at once."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from cupid_tools.errors import InputError, place_of
from cupid_tools.io.atomic import atomic_write
from cupid_tools.io.blocks import Block, check_rereadable, table_lines
from cupid_tools.io.pairs import ID_A, ID_B, iter_rows, read_columns

_HASHED_ROWS = 10_000

Row = tuple[int, str]
"""Its line, and its cells of the columns that a table and its parts share, with tabs between."""


@dataclass(frozen=True)
class Part:
    """What was written for one block.

    Attributes:
        path: of the file.
        columns: of all its cells.
        first: its first row.
        rows: how many.
        digest: of the cells that it shares with the table.
    """

    path: str
    columns: list[str]
    first: Row
    rows: int
    digest: bytes


def ordered_parts(
    paths: Sequence[str], table: str, added: Collection[str], *, optional: Collection[str] = (), hint: str
) -> list[Part]:
    """The parts *paths*, given in any order, in the order of the rows of *table*; each row is compared.

    Files are read one after the other from beginning to end, the table once, unless something is wrong.

    Args:
        paths: what a tool wrote for each block of *table*.
        table: the whole, which the tool read.
        added: the columns that the tool adds or replaces.
        optional: those that it adds, replaces or removes. All others it carries through.
        hint: what a part is expected to be, for messages.

    Raises:
        InputError: a part has other columns than the table or the other parts, or a row of the table is in no part, in
            two, changed, or at another place; or a row of a part is not in the table.
        UsageError: *table* is stdin or a pipe.
    """
    check_rereadable(table, "--merge")
    shared = [column for column in read_columns(table) if column not in (*added, *optional)]
    parts = []
    for path in paths:
        columns = read_columns(path, require=list(added), hint=hint)
        if [column for column in columns if column not in (*added, *optional)] != shared:
            raise InputError(path, f"has not the columns of {table}: {', '.join(shared)[:100]}", line=1, hint=hint)
        parts.append(_read(path, columns, shared))
    check_same_columns([(part.path, part.columns) for part in parts])
    rows = iter_rows(table, shared)
    order = _by_digest(parts, rows)
    if order is None or next(rows, None) is not None:
        _refuse_foreign(parts, table, shared)
        return _Tiling(parts, table, shared).order()
    return order


def check_same_columns(parts: Sequence[tuple[str, list[str]]]) -> None:
    """Raise InputError when one of the *parts*, each a path and its columns, has others than the first."""
    (first, expected), *others = parts
    for path, columns in others:
        if columns != expected:
            raise InputError(path, f"has other columns than {first}", hint="make all blocks with the same options")


def write_joined(output: str, paths: Sequence[str]) -> None:
    """Write the rows of the tables *paths*, which have the same columns, one after the other under one header."""
    with atomic_write(output) as handle:
        for place, path in enumerate(paths):
            lines = table_lines(path)
            handle.writelines(f"{line}\n" for _, line in islice(lines, 1 if place else 0, None))


def _read(path: str, columns: list[str], shared: list[str]) -> Part:
    rows = iter_rows(path, shared)
    first = next(rows)
    count, digest = _hashed(chain([first], rows))
    return Part(path, columns, first, count, digest)


def _hashed(rows: Iterator[Row]) -> tuple[int, bytes]:
    """How many rows there are, and a digest of their cells."""
    count, found = 0, hashlib.sha256()
    while some := [row for _, row in islice(rows, _HASHED_ROWS)]:
        count += len(some)
        found.update(("\n".join(some) + "\n").encode())
    return count, found.digest()


def _by_digest(parts: list[Part], rows: Iterator[Row]) -> list[Part] | None:
    """The parts in order, if they are those of all blocks; parts of one digest can take each other's place."""
    waiting: dict[bytes, list[Part]] = defaultdict(list)
    for part in reversed(parts):
        waiting[part.digest].append(part)
    total = sum(part.rows for part in parts)
    order = []
    for number in range(1, len(parts) + 1):
        span = Block(number, len(parts)).span(total)
        _, digest = _hashed(islice(rows, len(span)))
        if not waiting[digest]:
            return None
        order.append(waiting[digest].pop())
    return order


def _refuse_foreign(parts: list[Part], table: str, shared: list[str]) -> None:
    """Raise InputError for a part whose first row is nowhere in the table."""
    foreign = {part.first[1]: part for part in parts}
    for _, row in iter_rows(table, shared):
        foreign.pop(row, None)
    for part in foreign.values():
        line, row = part.first
        raise InputError(part.path, f"{_told(row, shared)} is not in {table}, or has other cells", line=line)


def _told(row: str, shared: list[str]) -> str:
    cells = dict(zip(shared, row.split("\t"), strict=True))
    return f"pair {cells[ID_A]}, {cells[ID_B]}"


class _Tiling:
    """Lays the parts side by side on the table, to say where they do not fit; blocks of odd sizes may fit after all."""

    def __init__(self, parts: list[Part], table: str, shared: list[str]) -> None:
        self._waiting = list(parts)
        self._table = table
        self._shared = shared
        self._rows = iter_rows(table, shared)

    def order(self) -> list[Part]:
        order: list[Part] = []
        for line, row in self._rows:
            part = next((part for part in self._waiting if part.first[1] == row), None)
            if part is None:
                hint = "give the files of all blocks, as they were written"
                raise InputError(self._table, f"{_told(row, self._shared)} is in no part", line=line, hint=hint)
            self._waiting.remove(part)
            self._compare(part, chain([(line, row)], self._rows))
            order.append(part)
        for part in self._waiting:
            problem = f"{_told(part.first[1], self._shared)} is in another part, too"
            raise InputError(part.path, problem, line=part.first[0], hint="give each block once")
        return order

    def _compare(self, part: Part, rows: Iterator[Row]) -> None:
        for line, mine in iter_rows(part.path, self._shared):
            place, theirs = next(rows, (0, ""))
            if not theirs:
                problem = f"{_told(mine, self._shared)} stands where {self._table} has ended"
                raise InputError(part.path, problem, line=line, hint="give each block once")
            if mine == theirs:
                continue
            for column, own, other in zip(self._shared, mine.split("\t"), theirs.split("\t"), strict=True):
                if own != other:
                    problem = f"{column} is {own!r} where {place_of(self._table, place)} has {other!r}"
                    raise InputError(part.path, problem, line=line, hint="give the parts as they were written")
