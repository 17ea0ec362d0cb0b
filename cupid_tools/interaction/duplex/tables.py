"""What a duplex of two RNAs weighs.

One RNA is called the guide, the other the target. A duplex is a list of pairs, each of a nucleotide of the guide with
one of the target (AU, CG, GU), one after the other along the guide from 5' to 3', and along the target from 3' to 5',
with at most ``LONGEST_LOOP`` nucleotides of either RNA left out between one pair and the next. Its weight
is e to the sum of

- ``emission`` of every pair;
- ``stack`` of two pairs that follow each other directly, else ``loop``;
- ``start`` at the first pair, and the ``context`` of the target around it; ``end`` at the last one;
- ``facing``, where the first pair is of the guide's nucleotide 2 and an A of the target faces nucleotide 1.

Terms depend on where in the guide they are: nucleotides of a guide of up to ``LONGEST_SHORT`` nt have a slot each, as
far as there are slots; all others, and every nucleotide of a longer guide, share the last slot. In a longer guide none
is nucleotide 1 or 2. The duplex without pairs weighs 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cupid_tools.vocab import NUCLEOTIDES

LONGEST_LOOP = 3
"""Nucleotides of one RNA between two pairs; the kernels are written for it."""
LONGEST_SHORT = 30
"""Guides of up to so many nt are read as miRNAs are, each nucleotide with a meaning of its own."""
UNPAIRED = len(NUCLEOTIDES)
"""Code of a letter that stands for more than one nucleotide, and pairs with none."""

Table = NDArray[np.float64]


class Tables(NamedTuple):
    """The terms, as natural logarithms; or any numbers that belong to them, such as how often each was used.

    Attributes:
        emission: float64 [S, 4, 4], by slot, nucleotide of the guide, and of the target; read where these pair.
        stack: float64 [4, 4, 4, 4], by the nucleotides of guide and target in a pair, and in the next.
        loop: float64 [S, 4, 4], by the slot of the pair behind the loop, and its nucleotides in guide and in target;
            [:, 0, 0] is not read.
        start: float64 [S], by slot.
        end: float64 [S].
        facing: float64 [1].
        context: float64 [K, 4], K odd, by place around the target's nucleotide in the first pair, from 3' to 5', and
            the nucleotide there.

    Letters: S slots, at least 3.
    """

    emission: Table
    stack: Table
    loop: Table
    start: Table
    end: Table
    facing: Table
    context: Table


class Rnas(NamedTuple):
    """RNAs as the kernels read them: all nucleotides in one row, those of RNA k from starts[k] to starts[k + 1].

    Attributes:
        codes: int8 [M], A, C, G, U as 0 to 3, all other letters ``UNPAIRED``.
        starts: int64 [N + 1].
    """

    codes: NDArray[np.int8]
    starts: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """In nt, int64 [N]."""
        return np.diff(self.starts)


_CODES = np.full(256, UNPAIRED, dtype=np.int8)
_CODES[[ord(letter) for letter in NUCLEOTIDES]] = range(UNPAIRED)


def encode(sequences: Sequence[str]) -> Rnas:
    """Read N sequences over ``vocab.RNA_LETTERS``.

    >>> encode(["ACGU", "", "N"])
    Rnas(codes=array([0, 1, 2, 3, 4], dtype=int8), starts=array([0, 4, 4, 5]))
    """
    codes = _CODES[np.frombuffer("".join(sequences).encode("ascii"), dtype=np.uint8)]
    return Rnas(codes, np.cumsum([0, *map(len, sequences)], dtype=np.int64))
