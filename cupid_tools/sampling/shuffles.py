"""Random RNAs that keep the dinucleotides of one, and so its composition and how its letters stack.

Letters: n nucleotides, k shuffles, V letters that occur.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_BLOCK = 2_000_000
"""Nucleotides that are shuffled at once, which bounds the memory."""


def dinucleotide_shuffles(sequence: str, count: int, rng: np.random.Generator) -> list[str]:
    """Draw *count* sequences, uniformly from all that have each dinucleotide as often as *sequence*.

    They start and end with the same letters. Dinucleotides are the edges of a graph and sequences its Eulerian walks:
    the edge by which a walk leaves each letter for the last time is drawn until these lead to the last letter, and all
    others are shuffled (Altschul & Erickson 1985, Mol Biol Evol 2:526).

    Args:
        sequence: over ACGU and N.
        count: how many; they may repeat, and may be *sequence* itself.
        rng: the same state gives the same shuffles.
    """
    letters = np.frombuffer(sequence.encode("ascii"), dtype=np.uint8)
    if len(letters) < 4:
        return [sequence] * count  # nothing can change place
    alphabet, codes = np.unique(letters, return_inverse=True)
    rows = max(_BLOCK // len(letters), 1)
    sizes = [min(rows, count - start) for start in range(0, count, rows)]
    return [row.tobytes().decode("ascii") for size in sizes for row in alphabet[_shuffles(codes, size, rng)]]


def _shuffles(codes: Ints, count: int, rng: np.random.Generator) -> Ints:
    """[k, n], codes of letters."""
    leaves, reaches = codes[:-1], codes[1:]
    keys = leaves + rng.random((count, len(leaves))) / 2
    rows = np.arange(count)
    for edges in _last_edges(codes, count, rng):
        keys[rows, edges] = leaves[edges] + 0.75  # behind all others of its letter
    return _walks(codes[0], reaches[np.argsort(keys, axis=1)], np.bincount(leaves, minlength=codes.max() + 1))


def _last_edges(codes: Ints, count: int, rng: np.random.Generator) -> Iterator[Ints]:
    """For each letter but the last of the sequence [k], the edges by which walks leave it for good."""
    drawn = _draw_last_edges(codes, count, rng)
    while True:
        stray = ~_lead_home(codes, drawn)
        if not stray.any():
            break
        drawn[stray] = _draw_last_edges(codes, int(stray.sum()), rng)
    yield from np.delete(drawn, codes[-1], axis=1).T


def _draw_last_edges(codes: Ints, count: int, rng: np.random.Generator) -> Ints:
    """[k, V]: for each letter one of its edges to another; an edge to itself would never lead home."""
    drawn = np.zeros((count, codes.max() + 1), dtype=np.int64)
    for letter in range(drawn.shape[1]):
        if letter != codes[-1]:
            edges = np.flatnonzero((codes[:-1] == letter) & (codes[1:] != letter))
            drawn[:, letter] = edges[rng.integers(len(edges), size=count)]
    return drawn


def _lead_home(codes: Ints, edges: Ints) -> NDArray[np.bool_]:
    """[k]: whether the edges lead from every letter to the last of the sequence."""
    following = codes[edges + 1]
    following[:, codes[-1]] = codes[-1]
    place = following
    for _ in range(edges.shape[1] - 1):
        place = np.take_along_axis(following, place, axis=1)
    return np.asarray((place == codes[-1]).all(axis=1))


def _walks(first: int, order: Ints, degrees: Ints) -> Ints:
    """Walk all rows at once, each leaving a letter by its edges in turn.

    Args:
        first: where all start.
        order: [k, n - 1], the letters that edges reach, those that leave the same letter together, in the order of use.
        degrees: [V], how many edges leave each letter.

    Returns:
        [k, n], the letters that are met.
    """
    count, steps = order.shape
    start_of_row = np.arange(count) * steps
    unused = start_of_row[:, None] + np.cumsum(degrees) - degrees  # [k, V], the next edge of each letter
    row = np.arange(count) * len(degrees)
    walks = np.empty((count, steps + 1), dtype=np.int64)
    walks[:, 0] = first
    for step in range(steps):
        place = row + walks[:, step]
        edge = unused.ravel()[place]
        walks[:, step + 1] = order.ravel()[edge]
        unused.ravel()[place] += 1
    return walks
