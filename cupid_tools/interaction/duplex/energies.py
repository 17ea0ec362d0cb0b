"""Energies of many pairs at once: several threads, each with some of the pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cupid_tools.interaction.compiling import in_threads
from cupid_tools.interaction.duplex import kernels
from cupid_tools.interaction.duplex.tables import LONGEST_SHORT, Rnas, Table, Tables

_BLOCK_CELLS = 300_000
"""Products of lengths of the pairs that a thread takes at a time: about a millisecond."""

Places = NDArray[np.int64]


def directions(lengths: Places, first: Places, second: Places) -> tuple[Places, Places, Places]:
    """Which RNA of each pair is the guide; nothing depends on the order in which a pair is named.

    It is the shorter one. Where both are as long, or both are no longer than ``LONGEST_SHORT``, each is in its turn.

    Args:
        lengths: of N RNAs, int64 [N].
        first, second: n pairs among them, int64 [n] each.

    Returns:
        Guides, targets, and which pair they are of, int64 [d] each, n <= d <= 2 n: the first n are one for each pair,
        in order.

    >>> [part.tolist() for part in directions(np.array([22, 600, 21]), np.array([0, 0]), np.array([1, 2]))]
    [[0, 2, 0], [1, 0, 2], [0, 1, 1]]
    """
    one, other = lengths[first], lengths[second]
    turned = one > other
    guides, targets = np.where(turned, second, first), np.where(turned, first, second)
    both = np.flatnonzero((one == other) | (np.maximum(one, other) <= LONGEST_SHORT))
    owners = np.concatenate([np.arange(len(first)), both])
    return np.concatenate([guides, targets[both]]), np.concatenate([targets, guides[both]]), owners


def energies(tables: Tables, rnas: Rnas, guides: Places, targets: Places, threads: int = 1) -> Table:
    """Logarithms of the sums over all duplexes of n guides and targets, float64 [n], at least 0.

    Each depends on its pair alone, bitwise. Weights up to e^60 of any term, and targets of any length, stay in range.

    Args:
        tables: the terms, as logarithms.
        rnas: N RNAs.
        guides, targets: their positions, int64 [n] each.
        threads: how many work side by side; the result does not depend on it.
    """
    weights = weights_of(tables)
    found = np.zeros(len(guides))
    jobs = _blocks(rnas, guides, targets)
    in_threads(
        threads, jobs, lambda rows: kernels.energies(weights, tables.context, rnas, guides, targets, rows, found)
    )
    return found


def gradients(tables: Tables, rnas: Rnas, guides: Places, targets: Places, threads: int = 1) -> tuple[Table, Tables]:
    """As ``energies``, and their gradients by the tables: each of these has an axis of n in front.

    The gradient by a term is how often it is expected to be used in a duplex.
    """
    weights = weights_of(tables)
    found = np.zeros(len(guides))
    counts = Tables(*(np.zeros((len(guides), *table.shape)) for table in tables))
    jobs = _blocks(rnas, guides, targets)
    in_threads(
        threads,
        jobs,
        lambda rows: kernels.gradients(weights, tables.context, rnas, guides, targets, rows, found, counts),
    )
    return found, counts


def weights_of(tables: Tables) -> Tables:
    """The terms as weights: e to each."""
    with np.errstate(over="ignore"):  # infinity makes energies that are no number, which is what a fit looks for
        return Tables(*(np.exp(table) for table in tables))


def _blocks(rnas: Rnas, guides: Places, targets: Places) -> list[Places]:
    """All pairs, in blocks of about equal work, in which a target's pairs stand together."""
    order = np.argsort(targets, kind="stable")
    cells = np.cumsum((rnas.lengths[guides] * rnas.lengths[targets])[order])
    cuts = np.searchsorted(cells, np.arange(_BLOCK_CELLS, cells.max(initial=0), _BLOCK_CELLS))
    return np.split(order, np.unique(cuts))
