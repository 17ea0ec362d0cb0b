"""The pair table: the stream that passes between the tools.

Tab-separated with a header; ``id_a`` and ``id_b`` are required, ``label`` (1 or 0), ``split`` and ``origin`` have fixed
meanings, and any other column is carried through unchanged. Nothing is quoted.
"""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cupid_tools.errors import InputError, place_of
from cupid_tools.io.blocks import Block, table_lines
from cupid_tools.vocab import AUGMENTED, FLIP_SUFFIX, SPLITS, TEST, TRAIN, VALID

ID_A, ID_B, LABEL, SPLIT, ORIGIN = "id_a", "id_b", "label", "split", "origin"
SCORE, CALL, RANK = "score", "call", "rank"
P_VALUE, Q_VALUE = "p_value", "q_value"
ENERGY, ENGINE = "energy", "engine"
NOT_KNOWN = "NA"
"""What is not known of a pair, such as an energy."""
BLOCK_ROWS = 100_000

log = logging.getLogger("cupid_tools")

_NO_PAIRS = "holds a header but no pairs"
_LABELS = {"0": 0, "1": 1}
_REPEATING = frozenset((ID_A, ID_B, LABEL, SPLIT, ORIGIN))


@dataclass(frozen=True)
class PairTable:
    """Pairs of RNAs with their columns.

    Attributes:
        frame: one row a pair, indexed by the line of the file it came from (0 for rows that were made). ``label`` is
            int8 where present; every other column holds str.
        path: where it was read, for messages.
    """

    frame: pd.DataFrame
    path: str

    def __len__(self) -> int:
        return len(self.frame)

    def has(self, column: str) -> bool:
        """Whether the table has this column."""
        return column in self.frame.columns

    def augmented(self) -> NDArray[np.bool_]:
        """Which rows [rows] augmentation made, or were drawn as negatives of RNAs that it made."""
        flipped = self.frame[ID_A].str.endswith(FLIP_SUFFIX) | self.frame[ID_B].str.endswith(FLIP_SUFFIX)
        made = self.frame[ORIGIN].str.startswith(AUGMENTED) if self.has(ORIGIN) else False
        return np.asarray(flipped | made, dtype=bool)

    def column(self, name: str) -> NDArray[Any]:
        """One column as an array [rows]."""
        return self.frame[name].to_numpy()

    def where(self, keep: NDArray[np.bool_]) -> PairTable:
        """The rows where *keep* [rows] is true, in order."""
        return replace(self, frame=self.frame[keep])

    def assign(self, **columns: Any) -> PairTable:
        """The table with columns added or replaced; new ones come last."""
        return replace(self, frame=self.frame.assign(**columns))

    def require(self, *columns: str, hint: str | None = None) -> None:
        """Raise InputError unless all *columns* are there."""
        for column in columns:
            if not self.has(column):
                raise InputError(self.path, f"column {column!r} is missing", line=1, hint=hint)

    def refuse(self, bad: NDArray[np.bool_], problem: str, *, hint: str | None = None) -> None:
        """Raise InputError for the first row where *bad* [rows] is true.

        Args:
            bad: which rows break the contract.
            problem: what is wrong; ``{column}`` is replaced by that row's value, as in ``{id_a}``.
            hint: how to mend it.
        """
        if bad.any():
            row = self.frame[bad].iloc[[0]]
            values = {str(name): str(row[name].iloc[0]) for name in row.columns}
            line = int(row.index[0])
            raise InputError(self.path, problem.format(**values), line=line or None, hint=hint)

    def check_ids(
        self,
        known: Collection[str],
        known_path: str | os.PathLike[str],
        *,
        hint: str = "every id needs a sequence there",
    ) -> None:
        """Raise InputError for the first pair that names an RNA which *known*, read from *known_path*, lacks."""
        for column in (ID_A, ID_B):
            missing = set(self.frame[column]).difference(known)
            if missing:
                bad = self.frame[column].isin(missing).to_numpy()
                shown = place_of(known_path).replace("{", "{{").replace("}", "}}")
                self.refuse(bad, f"RNA '{{{column}}}' is not in {shown}", hint=hint)

    def warn_of_replaced(self, columns: Iterable[str]) -> None:
        """Say which of the *columns* that a tool is about to add are there already."""
        replaced = [column for column in columns if self.has(column)]
        if replaced:
            log.warning("replacing the %s that the input has already", " and ".join(replaced))

    def keys(self) -> pd.Series[str]:
        """One string a pair, the same in both orders, indexed 0 to rows - 1."""
        a, b = self.column(ID_A), self.column(ID_B)
        first = a <= b
        smaller, larger = pd.Series(np.where(first, a, b), dtype=object), pd.Series(np.where(first, b, a), dtype=object)
        return smaller + "\t" + larger

    def carries_both_labels(self) -> NDArray[np.bool_]:
        """Which rows [rows] belong to a pair that occurs, in any order, with label 1 and with label 0."""
        if not self.has(LABEL):
            return np.zeros(len(self), dtype=bool)
        groups = pd.Series(self.column(LABEL)).groupby(self.keys())
        return np.asarray(groups.transform("min") != groups.transform("max"))

    def check_consistent(self) -> None:
        """Raise InputError for a pair of an RNA with itself, or one that carries both labels."""
        hint = "cupid-filter removes such pairs"
        self.refuse(self.column(ID_A) == self.column(ID_B), "pairs {id_a} with itself", hint=hint)
        both = self.carries_both_labels()
        if both.any():  # the later of the contradicting rows is the one to name
            first = np.flatnonzero(both)[0]
            same = (self.keys() == self.keys()[first]).to_numpy()
            differs = same & (self.column(LABEL) != self.column(LABEL)[first])
            self.refuse(differs, "pair {id_a}, {id_b} carries both labels", hint=hint)

    def codes(self, order: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The ids as positions in *order*: two int64 arrays [rows]; ids outside *order* give -1."""
        index = pd.Index(order)
        return (
            index.get_indexer(pd.Index(self.column(ID_A))).astype(np.int64),
            index.get_indexer(pd.Index(self.column(ID_B))).astype(np.int64),
        )


def read_pairs(path: str | os.PathLike[str], *, require: Sequence[str] = (), hint: str | None = None) -> PairTable:
    """Read a whole pair table.

    Args:
        path: plain or gzip; ``-`` is stdin.
        require: columns that must be there beside ``id_a`` and ``id_b``.
        hint: the remedy that a message names when a required column is missing.

    Raises:
        InputError: no header, a missing column, a row of another width, an empty id or one with white space, a label
            that is not 0 or 1, an unknown split, or no rows at all.
    """
    return joined(iter_pairs(path, require=require, hint=hint))


def joined(blocks: Iterable[PairTable]) -> PairTable:
    """The blocks of one table as a whole."""
    found = list(blocks)
    if len(found) == 1:
        return found[0]
    return replace(found[0], frame=pd.concat([block.frame for block in found]))


def iter_pairs(
    path: str | os.PathLike[str],
    *,
    require: Sequence[str] = (),
    hint: str | None = None,
    block_rows: int = BLOCK_ROWS,
    block: Block | None = None,
) -> Iterator[PairTable]:
    """Yield a pair table some rows at a time, so that memory does not grow with the file; see ``read_pairs``.

    Args:
        path: plain or gzip; ``-`` is stdin.
        require: columns that must be there beside ``id_a`` and ``id_b``.
        hint: the remedy that a message names when a required column is missing.
        block_rows: at a time.
        block: whose rows are wanted; None for all.

    Raises:
        InputError: as ``read_pairs``; rows outside *block* are not looked at.
        UsageError: a *block* of what cannot be read twice, or has fewer rows than there are blocks.
    """
    lines = table_lines(path, block)
    columns = _read_header(lines, path, require, hint)
    memo: dict[str, str] = {}  # one str object a distinct id: a table repeats its ids many times
    empty = True
    while found := list(itertools.islice(lines, block_rows)):
        empty = False
        yield _checked(PairTable(_parse_block(found, columns, str(path), memo), str(path)))
    if empty:
        raise InputError(path, _NO_PAIRS)


def read_columns(path: str | os.PathLike[str], *, require: Sequence[str] = (), hint: str | None = None) -> list[str]:
    """The columns of a pair table, checked as ``read_pairs`` does."""
    return _read_header(table_lines(path), path, require, hint)


def iter_rows(path: str | os.PathLike[str], columns: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the line of every row, and its cells of some *columns* with tabs between; no more of it is checked.

    Raises:
        InputError: a row of another width, or no rows at all.
    """
    lines = table_lines(path)
    header = _read_header(lines, path, (), None)
    places, tabs = [header.index(column) for column in columns], len(header) - 1
    cut = header[: len(places)] == list(columns)  # several times as fast
    empty = True
    for number, line in lines:
        if line.count("\t") != tabs:
            raise _wrong_width(path, line.count("\t") + 1, len(header), number)
        empty = False
        if cut:
            yield number, line.rsplit("\t", len(header) - len(places))[0]
        else:
            cells = line.split("\t")
            yield number, "\t".join([cells[place] for place in places])
    if empty:
        raise InputError(path, _NO_PAIRS)


def write_pairs(handle: IO[str], frames: Iterable[pd.DataFrame]) -> int:
    """Write blocks of one table (same columns in each) and return the number of rows."""
    count = 0
    for index, frame in enumerate(frames):
        if index == 0:
            handle.write("\t".join(map(str, frame.columns)) + "\n")
        for start in range(0, len(frame), BLOCK_ROWS):  # the text of a block at a time, not of the table
            part = frame.iloc[start : start + BLOCK_ROWS]
            cells = [map(str, part[column].tolist()) for column in part.columns]
            handle.write("\n".join(map("\t".join, zip(*cells, strict=True))) + "\n")
        count += len(frame)
    return count


def write_coded(
    handle: IO[str],
    columns: Sequence[str],
    names: Sequence[str],
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    cells: Mapping[str, str],
) -> int:
    """Write rows that differ in their ids alone, several times faster than ``write_pairs``, and without a header.

    Args:
        handle: text.
        columns: of the table.
        names: the RNA ids that *a* and *b* are positions in.
        a: int64 [rows], first RNAs.
        b: int64 [rows], second RNAs.
        cells: column -> its value in all rows; a column that is not named is empty.
    """
    row = "\t".join("\n" if column in (ID_A, ID_B) else cells.get(column, "") for column in columns)
    before, between, after = row.split("\n")  # a line end is in no cell, so it can stand for the ids
    left, right = (a, b) if columns.index(ID_A) < columns.index(ID_B) else (b, a)
    starts = np.array([f"{before}{name}{between}" for name in names], dtype=object)
    ends = np.array([f"{name}{after}\n" for name in names], dtype=object)
    for start in range(0, len(a), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        handle.write("".join(np.stack([starts[left[part]], ends[right[part]]], axis=1).ravel().tolist()))
    return len(a)


def split_rows(table: PairTable, split: str) -> NDArray[np.bool_]:
    """Which rows [rows] belong to *split*."""
    return np.asarray(table.column(SPLIT) == split)


def _read_header(
    lines: Iterator[tuple[int, str]], path: str | os.PathLike[str], require: Sequence[str], hint: str | None
) -> list[str]:
    line, header = next(lines, (0, ""))
    if not header:
        raise InputError(path, "is empty", hint=f"expected a table with the columns {ID_A} and {ID_B}")
    if header.startswith(">"):
        raise InputError(path, "is FASTA, not a table of pairs", line=line, hint=f"its columns are {ID_A} and {ID_B}")
    columns = header.split("\t")
    for column in (ID_A, ID_B, *require):
        if column not in columns:
            remedy = hint or f"the header has: {', '.join(columns)[:100]}; columns are separated by tabs"
            raise InputError(path, f"column {column!r} is missing", line=line, hint=remedy)
    if len(set(columns)) < len(columns):
        twice = next(column for column in columns if columns.count(column) > 1)
        raise InputError(path, f"column {twice!r} occurs twice", line=line, hint="rename or remove one")
    return columns


def _wrong_width(path: str | os.PathLike[str], found: int, width: int, line: int) -> InputError:
    return InputError(path, f"{found} cells where the header has {width}", line=line, hint="separate by tabs")


def _parse_block(lines: list[tuple[int, str]], columns: list[str], path: str, memo: dict[str, str]) -> pd.DataFrame:
    numbers, rows = zip(*lines, strict=True)
    width = len(columns)
    for number, row in lines:
        found = row.count("\t") + 1
        if found != width:
            raise _wrong_width(path, found, width, number)
    # one flat list, since a list for each row would keep the garbage collector busy
    cells = "\t".join(rows).split("\t")
    data = {
        column: [memo.setdefault(cell, cell) for cell in cells[place::width]]
        if column in _REPEATING
        else cells[place::width]
        for place, column in enumerate(columns)
    }
    return pd.DataFrame(data, index=pd.Index(numbers, dtype=np.int64, name="line"), dtype=object)


def _checked(table: PairTable) -> PairTable:
    for column in (ID_A, ID_B):
        bad_ids = {name for name in set(table.frame[column]) if name.split() != [name]}
        if bad_ids:
            bad = table.frame[column].isin(bad_ids).to_numpy()
            table.refuse(bad, f"{column} is '{{{column}}}'", hint="an id is not empty and holds no white space")
    if table.has(SPLIT):
        bad = ~table.frame[SPLIT].isin(SPLITS).to_numpy()
        table.refuse(bad, "split is '{split}'", hint=f"it must be {TRAIN}, {VALID} or {TEST}")
    if table.has(LABEL):
        table.refuse(~table.frame[LABEL].isin(_LABELS).to_numpy(), "label is '{label}'", hint="it must be 1 or 0")
        table = table.assign(label=table.frame[LABEL].map(_LABELS).to_numpy(dtype=np.int8))
    return table
