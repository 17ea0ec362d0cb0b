"""From a pair table to the same table with energies, in memory that grows by some dozen bytes a pair."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cupid_tools import __version__
from cupid_tools.energy.engines.base import Engine
from cupid_tools.energy.journal import Journal
from cupid_tools.energy.running import Significance, run_tasks
from cupid_tools.energy.significance import q_values
from cupid_tools.energy.table import EnergyTable, Failure, shown_p_value
from cupid_tools.energy.tasks import Tasks, collect_tasks
from cupid_tools.evaluation.metrics import Floats
from cupid_tools.io.atomic import atomic_write
from cupid_tools.io.pairs import ID_A, ID_B, PairTable, iter_pairs, write_pairs
from cupid_tools.vocab import Rna

BLOCK_ROWS = 16_384
"""Rows that are in memory at once, with all their columns."""

log = logging.getLogger("cupid_tools")


@dataclass(frozen=True)
class RunSettings:
    """What is computed, and how much of it at once.

    Attributes:
        significance: shuffles.
        splits: of the rows that are wanted; None for all.
        jobs: calls of the engine that run at once.
    """

    significance: Significance
    splits: Sequence[str] | None
    jobs: int


@dataclass(frozen=True)
class PairEnergies:
    """The energies of one table.

    Attributes:
        frames: the blocks of the table with the columns of ``table.COLUMNS``, to be read once.
        distinct: how many different pairs of sequences were asked for.
        failures: the rows without energy; filled while *frames* are read.
    """

    frames: Iterator[pd.DataFrame]
    distinct: int
    failures: list[Failure]


class KeptTable:
    """A pair table that is read once from its source, and then as often as needed from a file.

    Attributes:
        ids: of all RNAs that it names.
    """

    def __init__(self, blocks: Iterable[PairTable], path: Path) -> None:
        """Read *blocks* to the end; *path* is written, and removed at the end of a ``with`` block."""
        self._path = path
        self._lines: list[NDArray[np.int32]] = []
        self._source = ""
        self.ids: set[str] = set()
        with atomic_write(path) as handle:
            write_pairs(handle, self._noted(blocks))

    def __enter__(self) -> KeptTable:
        return self

    def __exit__(self, *_: object) -> None:
        self._path.unlink(missing_ok=True)

    @property
    def lines(self) -> NDArray[np.int32]:
        """Of the source, int32 [rows]."""
        return np.concatenate(self._lines)

    def __iter__(self) -> Iterator[PairTable]:
        """The blocks, with the lines and the name of their source."""
        lines = self.lines
        start = 0  # the blocks are others: those of the source had blank lines in them
        for table in iter_pairs(self._path, block_rows=BLOCK_ROWS):
            yield PairTable(table.frame.set_axis(lines[start : start + len(table)]), self._source)
            start += len(table)

    def _noted(self, blocks: Iterable[PairTable]) -> Iterator[pd.DataFrame]:
        for table in blocks:
            self._source = table.path
            self.ids.update(table.column(ID_A), table.column(ID_B))
            self._lines.append(table.frame.index.to_numpy(dtype=np.int32))
            yield table.frame


@contextmanager
def pair_energies(
    pairs: KeptTable,
    rnas: Mapping[str, Rna],
    fasta: str,
    engine: Engine,
    settings: RunSettings,
    folder: Path,
    watch: Callable[..., AbstractContextManager[Callable[[int], object]]],
) -> Iterator[PairEnergies]:
    """Compute the energies of a table; inside the block they can be read.

    Args:
        pairs: the table.
        rnas: id -> RNA.
        fasta: the file of *rnas*, for messages.
        engine: closed at the end.
        settings: what is computed.
        folder: keeps results, from which a later call with equal arguments goes on; those of others are not touched.
        watch: called with ``total=``, the number of distinct pairs; what it gives is told how many more are done.

    Raises:
        InputError: a pair names an RNA that is not known.
        CupidError: every call of the engine fails.
    """
    named = {name: rna for name, rna in rnas.items() if name in pairs.ids}  # a FASTA may hold many that are not
    tasks = collect_tasks(pairs, named, fasta, settings.splits)
    with Journal(folder / f"results-{_key(engine, settings, tasks)}.tsv") as journal:
        if len(journal):
            log.info("%s of %s distinct pairs were computed before", f"{len(journal):,}", f"{len(tasks):,}")
        with watch(total=len(tasks)) as done:
            run_tasks(tasks, engine, journal, settings.significance, jobs=settings.jobs, progress=done)
        table = EnergyTable(named, engine.version, tasks, journal)
        found = _q_values(journal) if settings.significance.shuffles else None
        yield PairEnergies(table.frames(pairs, found), len(tasks), table.failures)


def _key(engine: Engine, settings: RunSettings, tasks: Tasks) -> str:
    """All that results depend on, as the name of a file."""
    parts = [__version__, engine.version, engine.fingerprint, repr(settings.significance), tasks.digest]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _q_values(journal: Journal) -> Floats:
    """The q-value of every task; NaN where it failed.

    They are those of the p-values that the table tells, so that they can be had from the table again.
    """
    p_values = (journal[task].p_value for task in range(len(journal)))
    shown = (np.nan if p is None else float(shown_p_value(p)) for p in p_values)
    return q_values(np.fromiter(shown, np.float64, len(journal)))
