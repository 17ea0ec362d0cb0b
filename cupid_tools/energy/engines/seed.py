"""The most stable stack of base pairs of two RNAs, which needs no program.

Energies at 37 degrees are those of Turner 2004 (Mathews et al. 2004, PNAS 101:7287; NNDB, Turner & Mathews 2010,
Nucleic Acids Res 38:D280) as ViennaRNA's ``rna_turner2004.par`` has them; in tenths of kcal/mol, so that equal energies
are equal numbers.

Letters: t target positions, q queries, L the length of the longest query.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cupid_tools.energy.engines.arguments import refuse_all
from cupid_tools.energy.engines.base import Duplex
from cupid_tools.energy.engines.settings import EngineSettings
from cupid_tools.vocab import NUCLEOTIDES

Ints = NDArray[np.int64]

_PAIRS = ("AU", "CG", "GC", "GU", "UA", "UG")
_STACKS = (
    (-9, -22, -21, -6, -11, -14),
    (-21, -33, -24, -14, -21, -21),
    (-24, -34, -33, -15, -22, -25),
    (-13, -25, -21, -5, -14, 13),
    (-13, -24, -21, -10, -9, -13),
    (-10, -15, -14, 3, -6, -5),
)
"""Row: the pair that is nearer to the 5' end of the first RNA; column: the next; both name that RNA's letter first."""
_INITIATION = 41
_WEAK_END = 5  # for each end that is AU or GU

_SHORTEST = 6
_LETTERS = NUCLEOTIDES + "N"
_BLOCK = 50_000
"""Cells, t times q, that are computed at once: they bound the memory, and fit into a cache."""


class Seed:
    """The most stable uninterrupted stack of at least 6 canonical base pairs; see ``Engine``.

    Of equally stable ones it is that which starts first in the target, then ends first there, then starts first in the
    query.
    """

    version = "seed (Turner 2004)"
    fingerprint = "turner2004 pairs>=6"
    shortest = _SHORTEST
    keeps = False

    def __init__(self, settings: EngineSettings) -> None:
        """Nothing is to be found or started.

        Raises:
            UsageError: a preset or arguments were given.
        """
        refuse_all("seed", settings)

    def duplexes(self, target: str, queries: Sequence[str]) -> list[Duplex | None]:
        """See ``Engine``."""
        rows = max(_BLOCK // len(target), 1)
        blocks = (queries[start : start + rows] for start in range(0, len(queries), rows))
        return [found for block in blocks for found in _best_stacks(target, block)]

    def close(self) -> None:
        """See ``Engine``; nothing runs."""


class _Costs(NamedTuple):
    """What pairs cost, and what does not pair, by the codes of letters.

    Attributes:
        ends: int64 [5, 5], the initiation is not in it: by query and target.
        stacks: int64 [25, 25], by 5 times the 5' letter plus the 3' letter, of the query and likewise of the target.
    """

    ends: Ints
    stacks: Ints


def _costs(length: int) -> _Costs:
    """*length*: of the longest stack; what does not pair costs more than that can gain, and can still be added up."""
    never = 100 * (length + 1)
    code = {letter: index for index, letter in enumerate(_LETTERS)}
    ends, stacks = np.full((5, 5), never), np.full((25, 25), never)
    for outer, row in zip(_PAIRS, _STACKS, strict=True):
        a, b = (code[letter] for letter in outer)
        ends[b, a] = 0 if outer in ("CG", "GC") else _WEAK_END
        for inner, energy in zip(_PAIRS, row, strict=True):
            c, d = (code[letter] for letter in inner)
            stacks[5 * d + b, 5 * a + c] = energy
    return _Costs(ends, stacks)


def _encoded(sequences: Sequence[str]) -> Ints:
    """int64 [q, L + 1], indices into the letters; N behind the end."""
    width = max(map(len, sequences)) + 1
    text = "".join(sequence.ljust(width, "N") for sequence in sequences).encode("ascii")
    index = np.zeros(128, dtype=np.int64)
    index[list(_LETTERS.encode("ascii"))] = range(len(_LETTERS))
    return index[np.frombuffer(text, dtype=np.uint8)].reshape(-1, width)


def _best_stacks(target: str, queries: Sequence[str]) -> list[Duplex | None]:
    best, ends = _scan(_encoded([target])[0, :-1], _encoded(queries))
    tied = best == best.min(axis=1, keepdims=True)
    places = np.where(tied, ends, len(target)).argmin(axis=1)  # the first of equal ones
    rows = np.arange(len(queries))
    energies, starts = np.divmod(best[rows, places], len(target))
    found = (energies, starts, ends[rows, places], places)
    return [_duplex(*numbers) for numbers in zip(*(column.tolist() for column in found), strict=True)]


def _duplex(energy: int, target_start: int, target_end: int, query_start: int) -> Duplex | None:
    """Positions are from 0."""
    if energy >= 0:
        return None
    pairs = target_end - target_start + 1
    structure = "(" * pairs + "&" + ")" * pairs
    return Duplex(energy / 10, target_start + 1, target_end + 1, query_start + 1, query_start + pairs, structure)


def _scan(target: Ints, queries: Ints) -> tuple[Ints, Ints]:
    """The best stack that ends, seen from the target, with each position of the query.

    A stack is one integer, its energy times t plus where it starts in the target: the smaller, the better. Along a
    diagonal its energy is a difference of two sums of stacked pairs; so each start is kept less the sum up to it, and
    enters the minimum five positions on.

    Args:
        target: [t], codes.
        queries: [q, L + 1], codes; the last are N.

    Returns:
        int64 [q, L] each: the stack, and where it ends in the target, from 0.
    """
    size, length = len(target), queries.shape[1] - 1
    costs, before = _costs(length), np.concatenate([[_LETTERS.index("N")], target[:-1]])
    ends, stacks = costs.ends[:, target] * size, costs.stacks[:, 5 * before + target] * size
    openings = np.arange(size) + _INITIATION * size
    sums = np.zeros((len(queries), size + length), dtype=np.int64)  # by diagonal, the sum of both positions
    starts = np.full_like(sums, 2**61)
    waiting: deque[tuple[slice, Ints]] = deque()
    best, stops = np.empty_like(queries[:, 1:]), np.empty_like(queries[:, 1:])
    for place in range(length - 1, -1, -1):
        here = slice(place, place + size)
        letters, end = queries[:, place], ends[queries[:, place]]
        sums[:, here] += stacks[5 * letters + queries[:, place + 1]]
        waiting.append((here, openings + end - sums[:, here]))
        if len(waiting) == _SHORTEST:
            there, opened = waiting.popleft()
            np.minimum(starts[:, there], opened, out=starts[:, there])
        closed = starts[:, here] + sums[:, here] + end
        stops[:, place] = closed.argmin(axis=1)  # the first of equal ones
        best[:, place] = closed.min(axis=1)
    return best, stops
