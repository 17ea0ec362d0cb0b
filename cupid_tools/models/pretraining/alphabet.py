"""RNAs as numbers: one token a nucleotide, between START and END.

Ambiguous letters are one token N, which no model is asked to predict. An RNA is read as it is written, 5' to 3', and
never as its reverse complement, which is another molecule.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cupid_tools.vocab import NUCLEOTIDES

PAD, START, END, MASK, N = range(5)
"""PAD is kept for those who batch with padding; here batches are packed, and nothing is padded."""
FIRST_NUCLEOTIDE = N + 1
VOCABULARY = FIRST_NUCLEOTIDE + len(NUCLEOTIDES)

_TOKENS = np.full(256, N, dtype=np.uint8)
_TOKENS[np.frombuffer(NUCLEOTIDES.encode(), dtype=np.uint8)] = np.arange(FIRST_NUCLEOTIDE, VOCABULARY)
_LETTERS = np.frombuffer(b"-<>?N" + NUCLEOTIDES.encode(), dtype=np.uint8)


def tokens_of(sequences: Sequence[str]) -> NDArray[np.uint8]:
    """The tokens of all nucleotides of *sequences*, one RNA after the other: uint8 [nt].

    >>> tokens_of(["ACGU", "RN"]).tolist()
    [5, 6, 7, 8, 4, 4]
    """
    return _TOKENS[np.frombuffer("".join(sequences).encode("ascii"), dtype=np.uint8)]


def letters_of(tokens: NDArray[np.integer]) -> str:
    """The letters of *tokens*.

    >>> letters_of(tokens_of(["GAUNA"]))
    'GAUNA'
    """
    return bytes(_LETTERS[tokens]).decode("ascii")
