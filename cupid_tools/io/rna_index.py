"""Which RNAs and which sequences have been met: 48 bytes an RNA, where dictionaries of strings take 300."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
_KEY_BYTES = 16


class Entered(NamedTuple):
    """What was found of a block of RNAs.

    Attributes:
        numbers: of the sequence of every RNA, int64 [RNAs].
        new: positions in the block of sequences that were not met before, in order.
        repeated: positions in the block of RNAs whose id was met before, in order.
        first_numbers: of the sequence that the id of every RNA was first met with, int64 [RNAs].
    """

    numbers: Numbers
    new: Numbers
    repeated: Numbers
    first_numbers: Numbers


class RnaIndex:
    """Numbers distinct sequences from 0 in the order in which they are met, and remembers ids.

    Both are known by 128 bits of a digest: with a billion of them the odds that two agree by chance are 10**-21.

    Attributes:
        sequences: how many distinct sequences were met.
    """

    def __init__(self) -> None:
        self._of_digest = _Table()
        self._of_id = _Table()
        self.sequences = 0

    def enter(self, ids: Sequence[str], digests: Sequence[str]) -> Entered:
        """Enter a block of RNAs; one of thousands costs little more than one of ten.

        Args:
            ids: of the RNAs.
            digests: SHA-256 of their sequences, in hexadecimal.
        """
        found = _Lookup(self._of_digest, _keys(bytes.fromhex(digest[: 2 * _KEY_BYTES]) for digest in digests))
        new = np.sort(found.first[found.new])
        numbers = found.settle(self.sequences + np.searchsorted(new, found.first))
        self.sequences += len(new)
        known = _Lookup(self._of_id, _keys(map(_id_key, ids)))
        repeated = np.ones(len(ids), dtype=bool)
        repeated[known.first[known.new]] = False
        return Entered(numbers, new, np.flatnonzero(repeated), known.settle(numbers[known.first]))


class _Table:
    """Keys in order, and the number of each."""

    def __init__(self) -> None:
        self.keys = np.empty(0, dtype=f"S{_KEY_BYTES}")
        self.numbers = np.empty(0, dtype=np.int64)


class _Lookup:
    """Where the keys of a block stand in a table, or would.

    Attributes:
        first: for every distinct key, in the order of keys, where the block has it first.
        new: which of the distinct keys the table lacks.
    """

    def __init__(self, table: _Table, keys: NDArray[np.bytes_]) -> None:
        self._table = table
        self._distinct, self.first, self._inverse = np.unique(keys, return_index=True, return_inverse=True)
        self._places = np.searchsorted(table.keys, self._distinct)
        self.new = np.ones(len(self._distinct), dtype=bool)
        inside = self._places < len(table.keys)
        self.new[inside] = table.keys[self._places[inside]] != self._distinct[inside]

    def settle(self, numbers: NDArray[Any]) -> Numbers:
        """Enter the new keys with *numbers*, one for each distinct key; return the number of every key of the block."""
        table, places, new = self._table, self._places, self.new
        settled = numbers.astype(np.int64)
        settled[~new] = table.numbers[places[~new]]
        table.keys = np.insert(table.keys, places[new], self._distinct[new])
        table.numbers = np.insert(table.numbers, places[new], settled[new])
        return settled[self._inverse]


def _keys(keys: Iterable[bytes]) -> NDArray[np.bytes_]:
    return np.frombuffer(b"".join(keys), dtype=f"S{_KEY_BYTES}")


def _id_key(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=_KEY_BYTES).digest()
