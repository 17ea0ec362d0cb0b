"""Results on disk, in the order of the tasks: what is there after a kill needs not be computed again."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from cupid_tools.energy.engines.base import Duplex

OK, NO_INTERACTION, TOO_SHORT, FAILED = STATES = ("ok", "no-interaction", "too-short", "failed")
_DUPLEX_CELLS = len(Duplex._fields)
_FAILED = f"{FAILED}\t".encode()


class Result(NamedTuple):
    """What became of one task.

    Attributes:
        state: one of ``STATES``.
        duplex: where the state is ``OK``.
        p_value: where shuffles were asked for and the state is not ``FAILED``.
        reason: why it failed.
    """

    state: str
    duplex: Duplex | None = None
    p_value: float | None = None
    reason: str = ""


class Journal:
    """An append-only text file with a line a task; 8 bytes of each are held."""

    def __init__(self, path: Path) -> None:
        """Open *path*, which may hold the results of the first tasks.

        Failures at its end, after which nothing worked, do not count: what was wrong may have been mended.
        """
        self._path = path
        self._starts = array("Q")
        self._end = 0
        self._works = False
        self._file = open(path, "a+b", buffering=0)  # noqa: SIM115 - closed by __exit__
        failures: list[int] = []
        for line in self._whole_lines():
            failures.append(len(line))
            if not line.startswith(_FAILED):
                self._enter(failures)
                failures.clear()
                self._works = True
        self._file.truncate(self._end)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._file.close()
        if not self._works:  # there is nothing to go on from
            self._path.unlink(missing_ok=True)

    def __len__(self) -> int:
        return len(self._starts)

    def append(self, results: Iterable[Result]) -> None:
        """Add the results of the next tasks; they survive the end of this process."""
        lines = [_line(result) for result in results]
        rest = memoryview(b"".join(lines))
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:  # a full disk does not say where
            error.filename = str(self._path)
            raise
        self._enter(map(len, lines))
        self._works |= any(not line.startswith(_FAILED) for line in lines)

    def __getitem__(self, task: int) -> Result:
        start = self._starts[task]
        end = self._starts[task + 1] if task + 1 < len(self) else self._end
        return _parsed(os.pread(self._file.fileno(), end - start, start))

    def _whole_lines(self) -> Iterator[bytes]:
        with open(self._path, "rb") as handle:
            yield from (line for line in handle if line.endswith(b"\n"))  # a kill may have left half a line

    def _enter(self, lengths: Iterable[int]) -> None:
        for length in lengths:
            self._starts.append(self._end)
            self._end += length


def _line(result: Result) -> bytes:
    p_value = "" if result.p_value is None else repr(result.p_value)
    duplex = map(str, result.duplex) if result.duplex else [""] * _DUPLEX_CELLS
    reason = " ".join(result.reason.split())
    return ("\t".join([result.state, p_value, *duplex, reason]) + "\n").encode()


def _parsed(line: bytes) -> Result:
    state, p_value, energy, *segments, structure, reason = line.decode().rstrip("\n").split("\t")
    duplex = None
    if energy:
        start1, end1, start2, end2 = map(int, segments)
        duplex = Duplex(float(energy), start1, end1, start2, end2, structure)
    return Result(state, duplex, float(p_value) if p_value else None, reason)
