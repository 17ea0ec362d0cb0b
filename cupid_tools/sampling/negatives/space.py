"""The space from which negatives are drawn: what is taken, what is free, and drawing from it by request.

Everything is integers and whole arrays. An unordered pair of sequences is one key, and a key is given away once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cupid_tools.sampling.coded import CODE_BITS, MAX_RNAS, Codes, unordered
from cupid_tools.vocab import FLIP_SUFFIX

BATCH = MAX_RNAS
"""Pairs that are looked up at a time, which bounds memory."""
_ROUNDS = 30
"""Most rounds of proposals; what is still open then is left."""
_WORTHWHILE = 0.25
"""A request is left when fewer of its proposals than this part were free ..."""
_JUDGED_FROM = 8
"""... of at least so many."""
_CELLS = 1 << 24
"""Cells of the table of free partners that is made at a time."""

Mask = NDArray[np.bool_]


class KeySet:
    """A growing set of int64 keys: sorted runs, of which each is at least twice as long as the next."""

    def __init__(self, keys: Codes | None = None) -> None:
        self._runs: list[Codes] = [np.empty(0, dtype=np.int64) if keys is None else np.sort(keys)]

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

    def among(self, members: Mask) -> KeySet:
        """The keys of which both numbers are *members* [N]."""
        runs = [run[members[run >> CODE_BITS] & members[run & (MAX_RNAS - 1)]] for run in self._runs]
        return KeySet(np.concatenate(runs))

    def numbers(self) -> tuple[Codes, Codes]:
        """The smaller and the larger number of each key, in no particular order."""
        keys = np.concatenate(self._runs)
        return keys >> CODE_BITS, keys & (MAX_RNAS - 1)


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
        types: names of the first and of the second RNA's type; those of reversed RNAs end in ``FLIP_SUFFIX``.
        a: int64 [P], first RNA of each positive, sorted together with *b*.
        b: int64 [P], second RNA.
        first: RNAs of the split that have the first type and direction, sorted.
        second: RNAs of the split that have the second type and direction, sorted.
        lengths: int64 [N], of all RNAs, in nt.
        sequences: int64 [N], equal for RNAs of equal sequence, in whatever direction it is read.
        per_positive: negatives wanted for each positive.
        taken: keys of the pairs between these RNAs that cannot be drawn any more.
    """

    split: str
    types: tuple[str, str]
    a: Codes
    b: Codes
    first: Codes
    second: Codes
    lengths: Codes
    sequences: Codes
    per_positive: int
    taken: KeySet = field(default_factory=KeySet)
    _drawn: list[tuple[Codes, Codes]] = field(default_factory=list)

    @property
    def direction(self) -> tuple[bool, ...]:
        """Which of the two types are reversed, without their order; a pair can be drawn once in each direction."""
        return tuple(sorted(name.endswith(FLIP_SUFFIX) for name in self.types))

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
        return int(np.maximum(wanted - np.bincount(self._unsorted()[side], minlength=size), 0).sum())

    def drawn(self) -> tuple[Codes, Codes]:
        """The negatives, oriented as the positives and sorted: two int64 [n]."""
        a, b = self._unsorted()
        packed = np.sort(a * len(self.sequences) + b)
        return packed // len(self.sequences), packed % len(self.sequences)

    def drawn_keys(self) -> Codes:
        """The keys of the negatives, sorted."""
        return np.sort(self.keys(*self._unsorted()))

    def _unsorted(self) -> tuple[Codes, Codes]:
        nothing = np.empty(0, dtype=np.int64)
        a, b = zip((nothing, nothing), *self._drawn, strict=True)
        return np.concatenate(a), np.concatenate(b)

    def start(self, known: KeySet) -> None:
        """Begin to draw: what *known* holds is taken."""
        members = np.zeros(len(self.sequences), dtype=bool)
        members[self.sequences[np.concatenate([self.first, self.second])]] = True
        self.taken = known.among(members)

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
        self.taken.add(np.sort(self.keys(a, b)))

    def release(self, a: Codes, b: Codes) -> None:
        """Make granted pairs free again."""
        self.taken.remove(np.sort(self.keys(a, b)))

    def keys(self, a: Codes, b: Codes) -> Codes:
        """The pairs' keys: the same for both orders, and for RNAs of equal sequence."""
        return unordered(self.sequences[a], self.sequences[b])

    def _free(self, a: Codes, b: Codes) -> tuple[Codes, Codes]:
        """Where the free pairs are among those offered, and their keys, sorted by key."""
        packed = self.keys(a, b) << CODE_BITS | np.arange(len(a))
        packed = np.sort(packed[self.sequences[a] != self.sequences[b]])  # equal sequences are never a negative
        keys = packed >> CODE_BITS
        new = np.diff(keys, prepend=-1) > 0
        new[new] = ~self.taken.holds(keys[new])
        return packed[new] & (BATCH - 1), keys[new]

    def room(self, anchors: Codes, pool: Codes) -> Codes:
        """How many sequences among *pool* are still free as partners of each of *anchors*: int64 [anchors]."""
        size = len(self.sequences)
        member = np.zeros(size, dtype=bool)
        member[self.sequences[pool]] = True
        low, high = self.taken.numbers()
        used = np.bincount(low[member[high]], minlength=size) + np.bincount(high[member[low]], minlength=size)
        own = self.sequences[anchors]
        return np.asarray(member.sum() - member[own] - used[own], dtype=np.int64)

    def free_partners(self, anchors: Codes, pool: Codes) -> Mask:
        """Which sequences of *pool* are free as partners of distinct *anchors*: bool [anchors, N sequences]."""
        size = len(self.sequences)
        free = np.zeros((len(anchors), size), dtype=bool)
        free[:, self.sequences[pool]] = True
        own = self.sequences[anchors]
        free[np.arange(len(anchors)), own] = False
        wanted = np.zeros(size, dtype=bool)
        wanted[own] = True
        low, high = self.taken.numbers()
        for left, right in ((low, high), (high, low)):
            left, right = left[wanted[left]], right[wanted[left]]
            order = np.argsort(own, kind="stable")
            start, end = (np.searchsorted(own[order], left, side=side) for side in ("left", "right"))
            for shift in range(int((end - start).max(initial=0))):  # anchors of equal sequence, one after the other
                here = start + shift < end
                free[order[(start + shift)[here]], right[here]] = False
        return free


class Strategy(NamedTuple):
    """A way to draw negatives.

    Attributes:
        draw: offers pairs to a stratum, using no randomness but the generator it is given; what is missing then is
            drawn by ``spread``.
        keeps: the sides (0 first, 1 second) on which each RNA should occur in proportion to its positives.
    """

    draw: Callable[[Stratum, np.random.Generator], None]
    keeps: tuple[int, ...]


def propose(stratum: Stratum, requests: Requests, pool: Codes, rng: np.random.Generator) -> Codes:
    """Draw partners uniformly without replacement, by proposals, as long as a fair part of them is free.

    Args:
        stratum: takes the pairs, each request's anchor as first RNA.
        requests: R wishes.
        pool: partners; the windows of the requests are slices of it.
        rng: the stratum's own.

    Returns:
        int64 [R], how many partners each request still lacks.
    """
    lacks = requests.number.copy()
    left = np.zeros(len(lacks), dtype=bool)
    for _ in range(_ROUNDS):
        open_ = np.flatnonzero((lacks > 0) & ~left)
        if not len(open_):
            break
        asked = lacks[open_]
        of = np.repeat(open_, asked)
        low = requests.low[of]
        partners = pool[low + (rng.random(len(of)) * (requests.high[of] - low)).astype(np.int64)]
        granted = stratum.offer(requests.anchors[of], partners)
        lacks -= np.bincount(of[granted], minlength=len(lacks))
        left[open_] = (asked >= _JUDGED_FROM) & (asked - lacks[open_] < asked * _WORTHWHILE)
    return lacks


def fulfil(stratum: Stratum, anchors: Codes, number: Codes, rng: np.random.Generator) -> None:
    """Draw *number* [anchors] partners of each of the distinct *anchors* uniformly, or all that are free."""
    requests = Requests(anchors, np.zeros_like(anchors), np.full_like(anchors, len(stratum.second)), number)
    lacks = propose(stratum, requests, stratum.second, rng)
    rows = max(1, _CELLS // len(stratum.sequences))
    open_ = np.flatnonzero(lacks)
    for start in range(0, len(open_), rows):
        here = open_[start : start + rows]
        _draw_from_list(stratum, anchors[here], lacks[here], rng)


def _draw_from_list(stratum: Stratum, anchors: Codes, lacks: Codes, rng: np.random.Generator) -> None:
    pool = rng.permutation(stratum.second)
    holder = np.empty(len(stratum.sequences), dtype=np.int64)
    holder[stratum.sequences[pool]] = pool  # of RNAs of equal sequence any may be the partner
    for anchor, lack, free in zip(anchors, lacks, stratum.free_partners(anchors, pool), strict=True):
        partners = holder[rng.permutation(np.flatnonzero(free))[:lack]]
        stratum.offer(np.full_like(partners, anchor), partners)


def spread(stratum: Stratum, anchors: Codes, weights: Codes, rng: np.random.Generator) -> None:
    """Draw what is missing over *anchors*, in proportion to *weights* as far as each has free partners.

    Afterwards nothing is missing, or no anchor has a free partner.
    """
    while stratum.missing:
        room = stratum.room(anchors, stratum.second)
        if not room.any():
            return
        number = proportional(weights, room, stratum.missing)
        fulfil(stratum, anchors, number, rng)


def proportional(weights: Codes, room: Codes, total: int) -> Codes:
    """Share out *total* in proportion to *weights*, at most *room* each; less where all room is used up.

    >>> proportional(np.array([2, 1, 1]), np.array([1, 9, 9]), 5).tolist()
    [1, 2, 2]
    """
    shares = np.zeros(len(weights), dtype=np.int64)
    open_ = (weights > 0) & (room > 0)
    left = min(total, int(room[open_].sum()))
    while left:
        ideal = np.where(open_, weights, 0) / weights[open_].sum() * left
        full = open_ & (ideal >= room)
        if not full.any():
            shares[open_] = np.floor(ideal[open_])
            rest = left - int(shares[open_].sum())  # single ones go to the largest remainders, which have room for them
            shares[np.argsort(np.floor(ideal) - ideal, kind="stable")[:rest]] += 1
            break
        shares[full] = room[full]
        left -= int(room[full].sum())
        open_ &= ~full
    return shares
