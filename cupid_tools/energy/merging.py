"""Energies that were computed block by block, as one run over the whole table would have written them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from cupid_tools.energy.computing import BLOCK_ROWS, KeptTable
from cupid_tools.energy.significance import q_values
from cupid_tools.energy.table import shown_p_value
from cupid_tools.energy.tasks import Numbers, collect_tasks
from cupid_tools.evaluation.metrics import Floats
from cupid_tools.io.pairs import ENGINE, NOT_KNOWN, P_VALUE, Q_VALUE, PairTable, iter_pairs
from cupid_tools.vocab import Rna


def merged_energies(
    paths: Sequence[str], pairs: KeptTable, rnas: Mapping[str, Rna], fasta: str
) -> Iterator[pd.DataFrame]:
    """Yield the rows of the parts *paths*; q-values are taken anew, since they are of all rows.

    Args:
        paths: parts of *pairs* in their order.
        pairs: the whole table.
        rnas: id -> RNA; they tell which rows are of equal pairs, which count once.
        fasta: the file of *rnas*, for messages.

    Raises:
        InputError: parts of several engines, a p-value that is no number, or an RNA that is not known.
    """
    tasks = collect_tasks(pairs, {name: rna for name, rna in rnas.items() if name in pairs.ids}, fasta, None)
    found = q_values(_p_of_tasks(paths, tasks.of_row, len(tasks)))
    lines, start = pairs.lines, 0
    for table in _tables(paths):
        rows = slice(start, start + len(table))
        start = rows.stop
        frame = table.frame.set_axis(lines[rows])
        if table.has(P_VALUE):
            known = frame[P_VALUE].to_numpy() != NOT_KNOWN
            q = np.where(known, found[tasks.of_row[rows]], np.nan)
            frame = frame.assign(**{Q_VALUE: [shown_p_value(None if np.isnan(value) else value) for value in q]})
        yield frame


def _p_of_tasks(paths: Sequence[str], task_of_row: Numbers, count: int) -> Floats:
    """The p-value of every task; NaN where none of its rows has one."""
    p_values = np.full(count, np.nan)
    engine, start = "", 0
    for table in _tables(paths):
        engine = engine or table.column(ENGINE)[0]
        other = table.column(ENGINE) != engine
        table.refuse(other, "engine is '{engine}', unlike in other parts", hint="name one by --engine for all blocks")
        if table.has(P_VALUE):
            p = np.array([_p_value(cell) for cell in table.column(P_VALUE)])
            table.refuse(p < 0, "p_value is '{p_value}'", hint=f"it is a number or {NOT_KNOWN}")
            known = ~np.isnan(p)
            p_values[task_of_row[start : start + len(table)][known]] = p[known]
        start += len(table)
    return p_values


def _tables(paths: Sequence[str]) -> Iterator[PairTable]:
    for path in paths:
        yield from iter_pairs(path, block_rows=BLOCK_ROWS)


def _p_value(cell: str) -> float:
    """NaN where it is not known, and -1 for what is none."""
    if cell == NOT_KNOWN:
        return np.nan
    try:
        value = float(cell)
    except ValueError:
        return -1
    return value if 0 <= value <= 1 else -1
