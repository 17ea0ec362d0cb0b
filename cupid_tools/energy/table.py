"""The columns that energies become."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from cupid_tools.energy.engines.base import Duplex
from cupid_tools.energy.journal import FAILED, Journal, Result
from cupid_tools.energy.tasks import NOT_ASKED, Tasks
from cupid_tools.evaluation.metrics import Floats
from cupid_tools.io.pairs import ENERGY, ENGINE, ID_A, ID_B, NOT_KNOWN, P_VALUE, Q_VALUE, PairTable
from cupid_tools.vocab import Rna

NOT_ASKED_STATE = "not-asked"
STATE = "energy_state"
COLUMNS = (
    ENERGY,
    STATE,
    "start_a",
    "end_a",
    "start_b",
    "end_b",
    "duplex",
    "energy_per_length",
    "energy_per_gc",
    ENGINE,
)
_POSITIONS = 5  # the columns from start_a to duplex
_OTHER_SIDE = str.maketrans("()", ")(")


class Failure(NamedTuple):
    """A row whose energy could not be computed: its line, its RNAs, and why."""

    line: int
    id_a: str
    id_b: str
    reason: str


class EnergyTable:
    """Adds the results of tasks to the rows that asked for them.

    Energy is in kcal/mol, 0 where there is no interaction and ``NA`` where none is known. ``energy_per_length`` is
    energy / ln(nt of a * nt of b), as IntaRNA's E_norm (Rehmsmeier et al. 2004, RNA 10:1507, equation 3);
    ``energy_per_gc`` is energy / mean of the shares of G and C of both RNAs.

    Attributes:
        failures: the rows without energy, among those that were yielded.
    """

    def __init__(self, rnas: Mapping[str, Rna], engine: str, tasks: Tasks, journal: Journal) -> None:
        """Args: the RNAs by id, the version of the engine, and the tasks with their results."""
        self._log_length = {name: np.log(len(rna.sequence)) for name, rna in rnas.items()}
        self._gc = {name: rna.gc for name, rna in rnas.items()}
        self._engine = engine
        self._tasks = tasks
        self._journal = journal
        self.failures: list[Failure] = []

    def frames(self, blocks: Iterable[PairTable], q_values: Floats | None) -> Iterator[pd.DataFrame]:
        """Yield the frame of each block with the columns added, or replaced.

        Args:
            blocks: those that the tasks were collected from, in the same order.
            q_values: float64 [T]; None where no p-values were asked for.
        """
        start = 0
        for table in blocks:
            if not start:
                table.warn_of_replaced([*COLUMNS, P_VALUE, Q_VALUE])
            rows = slice(start, start + len(table))
            start = rows.stop
            tasks = self._tasks.of_row[rows].tolist()
            results = [None if task == NOT_ASKED else self._journal[task] for task in tasks]
            self._note_failures(table, results)
            added = self._columns(table, results, self._tasks.swapped[rows].tolist())
            if q_values is not None:
                added |= _significance(tasks, results, q_values)
            old = () if q_values is not None else (P_VALUE, Q_VALUE)  # which would be of other energies
            yield table.frame.drop(columns=list(old), errors="ignore").assign(**added)

    def _note_failures(self, table: PairTable, results: Sequence[Result | None]) -> None:
        for place, result in enumerate(results):
            if result is not None and result.state == FAILED:
                row = table.frame.iloc[place]
                self.failures.append(Failure(int(table.frame.index[place]), row[ID_A], row[ID_B], result.reason))

    def _columns(
        self, table: PairTable, results: Sequence[Result | None], swapped: Sequence[bool]
    ) -> dict[str, list[str]]:
        energies = [_energy(result) for result in results]
        a, b = table.column(ID_A), table.column(ID_B)
        length = [self._log_length[x] + self._log_length[y] for x, y in zip(a, b, strict=True)]
        gc = [(self._gc[x] + self._gc[y]) / 2 for x, y in zip(a, b, strict=True)]
        segments = [_segments(result, swap) for result, swap in zip(results, swapped, strict=True)]
        columns = [
            [NOT_KNOWN if energy is None else f"{energy:.2f}" for energy in energies],
            [result.state if result else NOT_ASKED_STATE for result in results],
            *(list(column) for column in zip(*segments, strict=True)),
            [_ratio(energy, divisor) for energy, divisor in zip(energies, length, strict=True)],
            [_ratio(energy, divisor) for energy, divisor in zip(energies, gc, strict=True)],
            [self._engine] * len(table),
        ]
        return dict(zip(COLUMNS, columns, strict=True))


def _energy(result: Result | None) -> float | None:
    if result is None or result.state == FAILED:
        return None
    return result.duplex.energy if result.duplex else 0.0


def _segments(result: Result | None, swapped: bool) -> Sequence[str]:
    """Positions and structure as the row names its RNAs."""
    if result is None or result.duplex is None:
        return [NOT_KNOWN] * _POSITIONS
    _, start1, end1, start2, end2, structure = turned(result.duplex) if swapped else result.duplex
    return [str(start1), str(end1), str(start2), str(end2), structure]


def turned(duplex: Duplex) -> Duplex:
    """The same duplex with target and query exchanged.

    >>> turned(Duplex(-4.2, 5, 8, 1, 3, "((.(&)))")).structure
    '(((&)).)'
    """
    target, _, query = duplex.structure.translate(_OTHER_SIDE).partition("&")
    energy, start1, end1, start2, end2, _ = duplex
    return Duplex(energy, start2, end2, start1, end1, f"{query}&{target}")


def _ratio(energy: float | None, divisor: float) -> str:
    return NOT_KNOWN if energy is None or not divisor else f"{energy / divisor:.6g}"


def _significance(tasks: Sequence[int], results: Sequence[Result | None], q_values: Floats) -> dict[str, list[str]]:
    p_values = [result.p_value if result else None for result in results]
    return {
        P_VALUE: [shown_p_value(p) for p in p_values],
        Q_VALUE: [
            shown_p_value(None if p is None else q_values[task]) for task, p in zip(tasks, p_values, strict=True)
        ],
    }


def shown_p_value(p: float | None) -> str:
    """A p- or q-value as tables tell it."""
    return NOT_KNOWN if p is None else f"{p:.6g}"
