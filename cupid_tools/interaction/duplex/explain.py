"""Where two RNAs pair."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cupid_tools.interaction.duplex import kernels
from cupid_tools.interaction.duplex.energies import weights_of
from cupid_tools.interaction.duplex.tables import Table, Tables, encode


class BestDuplex(NamedTuple):
    """The duplex of two RNAs that weighs most.

    Attributes:
        score: logarithm of its weight; higher is stronger, and no unit.
        first_start, first_end, second_start, second_end: first and last paired nucleotide of either RNA, counted from
            1, 5' to 3'.
        pairs: both nucleotides of each pair, counted from 1, along the first RNA from 5' to 3'.
        structure: dot-bracket of the first RNA's segment, ``&``, and that of the second's, both 5' to 3'; each ``(``
            before the ``&`` pairs with a ``)`` behind it.
    """

    score: float
    first_start: int
    first_end: int
    second_start: int
    second_end: int
    pairs: list[tuple[int, int]]
    structure: str

    def turned(self) -> BestDuplex:
        """The same with the second RNA named first."""
        return duplex_of(self.score, [(second, first) for first, second in reversed(self.pairs)])


def duplex_of(score: float, pairs: list[tuple[int, int]]) -> BestDuplex:
    """A duplex of at least one pair, from its *pairs*, as ``BestDuplex`` holds them.

    >>> duplex_of(1.5, [(2, 9), (3, 7)]).structure
    '((&).)'
    """
    (first_start, second_end), (first_end, second_start) = pairs[0], pairs[-1]
    one, other = {first for first, _ in pairs}, {second for _, second in pairs}
    left = "".join("(" if place in one else "." for place in range(first_start, first_end + 1))
    right = "".join(")" if place in other else "." for place in range(second_start, second_end + 1))
    return BestDuplex(score, first_start, first_end, second_start, second_end, pairs, f"{left}&{right}")


def pairing_probabilities(tables: Tables, guide: str, target: str) -> Table:
    """How likely each nucleotide of *guide* pairs with each of *target*, float64 [g, t], both from 5' to 3'.

    Probabilities are those of the ensemble of duplexes, the empty one included: a row or a column sums to at most 1.

    Letters: g, t nucleotides of either RNA; memory is 24 g t bytes.
    """
    rnas = encode([guide, target])
    found: Table = kernels.pairing(
        weights_of(tables), tables.context, rnas.codes[: len(guide)], rnas.codes[len(guide) :]
    )
    return found


def best_duplex(tables: Tables, guide: str, target: str) -> BestDuplex | None:
    """The duplex that weighs most, the guide first; None where no nucleotides pair."""
    score, pairs = kernels.heaviest(weights_of(tables), tables.context, *_codes(guide, target))
    return duplex_of(score, [(first + 1, second + 1) for first, second in pairs.tolist()]) if len(pairs) else None


def _codes(guide: str, target: str) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    return encode([guide]).codes, encode([target]).codes
