"""k-mers of many RNAs at once, as integers: A, C, G, U are the digits 0 to 3."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_NO_NUCLEOTIDE = 4
_DIGITS = np.full(256, _NO_NUCLEOTIDE, dtype=np.uint8)
_DIGITS[[ord(letter) for letter in "ACGU"]] = range(4)
_SEPARATOR = "-"  # between RNAs, so that no k-mer spans two


def kmer_codes(sequences: Sequence[str], k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List all k-mers of all RNAs, in order, without those that hold an ambiguous letter.

    Args:
        sequences: N RNAs over ``vocab.RNA_LETTERS``.
        k: 1 to 31.

    Returns:
        int64 [M], the k-mers as numbers below 4**k; int64 [M], the index of the RNA that each belongs to.

    >>> codes, owners = kmer_codes(["ACG", "UNU"], 2)
    >>> codes.tolist(), owners.tolist()
    ([1, 6], [0, 0])
    """
    text = _SEPARATOR.join(sequences) + _SEPARATOR * k
    digits = _DIGITS[np.frombuffer(text.encode("ascii"), dtype=np.uint8)]
    windows = len(text) - k + 1
    dtype = np.int32 if k < 16 else np.int64
    codes: NDArray[np.signedinteger] = np.zeros(windows, dtype=dtype)
    broken = np.zeros(windows, dtype=bool)
    for offset in range(k):
        part = digits[offset : offset + windows]
        codes = codes * 4 + part  # a broken window holds nonsense, and is left out below
        broken |= part == _NO_NUCLEOTIDE
    places = np.flatnonzero(~broken)
    ends = np.cumsum([len(sequence) + 1 for sequence in sequences])
    return codes[places].astype(np.int64), np.searchsorted(ends, places, side="right")


def kmer_counts(sequences: Sequence[str], k: int) -> NDArray[np.float32]:
    """Count the k-mers of each RNA: float32 [N, 4**k].

    >>> kmer_counts(["AACU"], 1).tolist()
    [[2.0, 1.0, 0.0, 1.0]]
    """
    codes, owners = kmer_codes(sequences, k)
    size = 4**k
    counts = np.bincount(owners * size + codes, minlength=len(sequences) * size)
    return counts.reshape(len(sequences), size).astype(np.float32)
