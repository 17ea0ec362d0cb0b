"""The space from which negatives are drawn: what is taken, what is free, and drawing from it by request.

Everything is integers and whole arrays. An unordered pair of sequences is one key, and a key is given away once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cupid_tools.sampling.coded import Codes, unordered

_BATCH_BITS = 21
BATCH = 1 << _BATCH_BITS
"""Pairs that are looked up at a time, which bounds memory. A key and its place in the batch share one int64, so
that a study may name 2**21 RNAs."""
_ROUNDS = 30
"""Rounds of proposals before the free partners are listed instead."""
_LISTED_BELOW, _JUDGED_FROM = 0.25, 8
"""A request of at least 8 proposals of which fewer than a quarter were free has its partners listed."""

Mask = NDArray[np.bool_]


class KeySet:
    """A growing set of int64 keys: sorted runs, of which each is at least twice as long as the next."""

    def __init__(self, keys: Codes) -> None:
        self._runs: list[Codes] = []
        self.add(np.sort(keys))

    def add(self, keys: Codes) -> None:
        """Take in sorted *keys*."""
        self._runs.append(keys)
        while len(self._runs) > 1 and 2 * len(self._runs[-1]) > len(self._runs[-2]):
            last, previous = self._runs.pop(), self._runs.pop()
            self._runs.append(np.sort(np.concatenate([previous, last])))

    def remove(self, keys: Codes) -> None:
        """Take out *keys*, which must be sorted."""
        gone = KeySet(keys)
        self._runs = [run[~gone.holds(run)] for run in self._runs]

    def holds(self, keys: Codes) -> Mask:
        """Which of *keys* are in the set; fastest for sorted keys."""
        found = np.zeros(len(keys), dtype=bool)
        for run in self._runs:
            if len(run):
                places = np.searchsorted(run, keys)
                found |= run[np.minimum(places, len(run) - 1)] == keys
        return found

    def keys(self) -> Codes:
        """All keys, in no particular order."""
        return np.concatenate(self._runs)


class Requests(NamedTuple):
    """Wishes for partners: request r wants *number* [r] partners of *anchors* [r] among ``pool[low[r]:high[r]]``."""

    anchors: Codes
    low: Codes
    high: Codes
    number: Codes


@dataclass
class Stratum:
    """The positives of one split and ordered type pair, and the negatives found for them so far.

    Attributes:
        split: ``train``, ``valid``, ``test``, or empty where the table has no splits.
        types: names of the first and of the second RNA's type.
        a: int64 [P], first RNA of each positive, sorted together with *b*.
        b: int64 [P], second RNA.
        first: RNAs of the split that have the first type, sorted.
        second: RNAs of the split that have the second type, sorted.
        lengths: int64 [N], of all RNAs, in nt.
        sequences: int64 [N], equal for RNAs of equal sequence.
        taken: keys of pairs that cannot be drawn any more; shared by all strata.
        per_positive: negatives wanted for each positive.
    """

    split: str
    types: tuple[str, str]
    a: Codes
    b: Codes
    first: Codes
    second: Codes
    lengths: Codes
    sequences: Codes
    taken: KeySet
    per_positive: int
    _drawn: list[tuple[Codes, Codes]] = field(default_factory=list)

    @property
    def needed(self) -> int:
        """Negatives wanted."""
        return self.per_positive * len(self.a)

    @property
    def missing(self) -> int:
        """Negatives wanted and not yet drawn."""
        return self.needed - sum(len(a) for a, _ in self._drawn)

    def shifted(self, side: int) -> int:
        """How many negatives have another RNA on *side* (0 first, 1 second) than in proportion to the positives."""
        size = len(self.sequences)
        wanted = np.bincount((self.a, self.b)[side], minlength=size) * self.per_positive
        return int(np.maximum(wanted - np.bincount(self.drawn()[side], minlength=size), 0).sum())

    def drawn(self) -> tuple[Codes, Codes]:
        """The negatives, oriented as the positives and sorted: two int64 [n]."""
        a, b = (np.concatenate([np.empty(0, dtype=np.int64), *part]) for part in _columns(self._drawn))
        packed = np.sort(a * len(self.sequences) + b)
        return packed // len(self.sequences), packed % len(self.sequences)

    def keep(self, a: Codes, b: Codes) -> None:
        """Count pairs that ``grant`` gave as drawn."""
        self._drawn.append((a, b))

    def offer(self, a: Codes, b: Codes) -> Mask:
        """``grant``, and keep what was granted."""
        granted = self.grant(a, b)
        self.keep(a[granted], b[granted])
        return granted

    def grant(self, a: Codes, b: Codes) -> Mask:
        """Take each offered pair that is free, once: bool [offered]."""
        granted = np.zeros(len(a), dtype=bool)
        for start in range(0, len(a), BATCH):
            part = slice(start, start + BATCH)
            places, keys = self._free(a[part], b[part])
            granted[start + places] = True
            self.taken.add(keys)
        return granted

    def free(self, a: Codes, b: Codes) -> Mask:
        """Which of at most ``BATCH`` offered pairs could be granted, without taking them: bool [offered]."""
        free = np.zeros(len(a), dtype=bool)
        free[self._free(a, b)[0]] = True
        return free

    def take(self, a: Codes, b: Codes) -> None:
        """Mark pairs as taken that ``free`` found free."""
        self.taken.add(np.sort(self._keys(a, b)))

    def release(self, a: Codes, b: Codes) -> None:
        """Make granted pairs free again."""
        self.taken.remove(np.sort(self._keys(a, b)))

    def _keys(self, a: Codes, b: Codes) -> Codes:
        return unordered(self.sequences[a], self.sequences[b], len(self.sequences))

    def _free(self, a: Codes, b: Codes) -> tuple[Codes, Codes]:
        """Where the free pairs are among those offered, and their keys, sorted by key."""
        packed = self._keys(a, b) << _BATCH_BITS | np.arange(len(a))
        packed = np.sort(packed[self.sequences[a] != self.sequences[b]])  # equal sequences are never a negative
        keys = packed >> _BATCH_BITS
        new = np.diff(keys, prepend=-1) > 0
        new[new] = ~self.taken.holds(keys[new])
        return packed[new] & (BATCH - 1), keys[new]

    def room(self, anchors: Codes, pool: Codes) -> Codes:
        """How many sequences among *pool* are still free as partners of each of *anchors*: int64 [anchors]."""
        size = len(self.sequences)
        member = np.zeros(size, dtype=bool)
        member[self.sequences[pool]] = True
        low, high = np.divmod(self.taken.keys(), size)
        used = np.bincount(low[member[high]], minlength=size) + np.bincount(high[member[low]], minlength=size)
        own = self.sequences[anchors]
        return np.asarray(member.sum() - member[own] - used[own], dtype=np.int64)


class Strategy(NamedTuple):
    """A way to draw negatives.

    Attributes:
        draw: offers pairs to a stratum, using no randomness but the generator it is given; what is missing then is
            drawn by ``spread``.
        keeps: the sides (0 first, 1 second) on which each RNA should occur in proportion to its positives.
    """

    draw: Callable[[Stratum, np.random.Generator], None]
    keeps: tuple[int, ...]


def fulfil(stratum: Stratum, requests: Requests, pool: Codes, rng: np.random.Generator) -> Codes:
    """Draw partners uniformly without replacement: by proposals, and from a list where few are free.

    Args:
        stratum: takes the pairs, each request's anchor as first RNA.
        requests: R wishes.
        pool: partners; the windows of the requests are slices of it.
        rng: the stratum's own.

    Returns:
        int64 [R], how many partners each request still lacks: more than its window had free.
    """
    lacks = requests.number.copy()
    hopeless = np.zeros(len(lacks), dtype=bool)
    for _ in range(_ROUNDS):
        open_ = np.flatnonzero((lacks > 0) & ~hopeless)
        if not len(open_):
            break
        asked = lacks[open_]
        of = np.repeat(open_, asked)
        low = requests.low[of]
        partners = pool[low + (rng.random(len(of)) * (requests.high[of] - low)).astype(np.int64)]
        granted = stratum.offer(requests.anchors[of], partners)
        lacks -= np.bincount(of[granted], minlength=len(lacks))
        hopeless[open_] = (asked >= _JUDGED_FROM) & (asked - lacks[open_] < asked * _LISTED_BELOW)
    return _draw_from_lists(stratum, requests._replace(number=lacks), pool, rng)


def _draw_from_lists(stratum: Stratum, requests: Requests, pool: Codes, rng: np.random.Generator) -> Codes:
    lacks = requests.number.copy()
    while lacks.any():
        of, partners = _list_free(stratum, requests._replace(number=lacks), pool, rng)
        granted = stratum.offer(requests.anchors[of], partners)
        if not granted.any():
            break
        lacks -= np.bincount(of[granted], minlength=len(lacks))  # requests that met at one pair try again
    return lacks


def _list_free(stratum: Stratum, requests: Requests, pool: Codes, rng: np.random.Generator) -> tuple[Codes, Codes]:
    """Choose as many free partners as each request lacks; returns request numbers and partners."""
    chosen = [np.empty((2, 0), dtype=np.int64)]
    sequences = stratum.sequences
    for index in np.flatnonzero(requests.number):
        anchor = sequences[requests.anchors[index]]
        window = rng.permutation(pool[requests.low[index] : requests.high[index]])
        keys = unordered(np.full(len(window), anchor), sequences[window], len(sequences))
        window = window[~stratum.taken.holds(keys) & (sequences[window] != anchor)]
        _, once = np.unique(sequences[window], return_index=True)  # equal sequences are one partner
        partners = window[np.sort(once)][: requests.number[index]]
        chosen.append(np.stack([np.full(len(partners), index), partners]))
    of, partners = np.concatenate(chosen, axis=1)
    return of, partners


def whole_pool(anchors: Codes, number: Codes, pool: Codes) -> Requests:
    """Requests whose window is all of *pool*."""
    return Requests(anchors, np.zeros_like(anchors), np.full_like(anchors, len(pool)), number)


def spread(stratum: Stratum, anchors: Codes, weights: Codes, rng: np.random.Generator) -> None:
    """Draw what is missing over *anchors*, in proportion to *weights* as far as each has free partners.

    Afterwards nothing is missing, or no anchor has a free partner.
    """
    while stratum.missing:
        room = stratum.room(anchors, stratum.second)
        if not room.any():
            return
        number = proportional(weights, room, stratum.missing)
        fulfil(stratum, whole_pool(anchors, number, stratum.second), stratum.second, rng)


def proportional(weights: Codes, room: Codes, total: int) -> Codes:
    """Share out *total* in proportion to *weights*, at most *room* each; less where all room is used up.

    >>> proportional(np.array([2, 1, 1]), np.array([1, 9, 9]), 5).tolist()
    [1, 2, 2]
    """
    shares = np.zeros(len(weights), dtype=np.int64)
    left = min(total, int(room[weights > 0].sum()))
    while left:
        open_ = np.where(shares < room, weights, 0).astype(np.float64)
        ideal = open_ / open_.sum() * left
        whole = np.minimum(np.floor(ideal).astype(np.int64), room - shares)
        if not whole.any():
            whole[np.argsort(-ideal, kind="stable")[:left]] = 1
            whole = np.minimum(whole, room - shares)
        shares += whole
        left -= int(whole.sum())
    return shares


def _columns(drawn: list[tuple[Codes, Codes]]) -> tuple[list[Codes], list[Codes]]:
    return [a for a, _ in drawn], [b for _, b in drawn]
