"""Seed sites of one RNA, the guide, in another, the target, as miRNAs find them (Bartel 2009, Cell 136:215).

Places in the guide and in the target are counted from 0. A site is told by its end: the place in the target that faces
the guide's first nucleotide, which may lie just behind the target.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cupid_tools.interaction.compiling import compiled
from cupid_tools.interaction.duplex.tables import Rnas

SITES = ("8mer", "7mer_m8", "7mer_a1", "6mer", "offset_6mer", "7mer_wobble", "6mer_wobble", "7mer_mismatch")
"""The strongest first. The last three are 7mer-m8 with one GU pair, 6mer with one or two, 7mer-m8 with one mismatch."""
SITE_FEATURES = (
    *(f"sites_{kind}" for kind in SITES),
    "site_weight",
    "other_sites_weight",
    "best_site",
    "seed_pairs",
    "site_au",
    "site_place",
    "site_margin",
    "site_pairs_behind",
    "supplementary",
)

SEED_FROM, SEED_TO = 1, 7
"""First and last nucleotide of the seed (2 to 8, counted from 1)."""
_SIX, _OFFSET, _SEVEN = 0b1111110, 0b11111100, 0b11111110
_WOBBLES = 8  # bits above those of Watson-Crick pairs

_WEIGHTS = np.array([0.31, 0.16, 0.10, 0.05, 0.03, 0.02, 0.01, 0.01])
"""How much a site lowers a messenger (Grimson et al. 2007, Molecular Cell 27:91); from the 6mer on a guess."""
_NO_SITE = len(SITES)
_WOBBLE_PAIR = 0.4  # a GU pair beside 1 for AU and GC, where pairs are counted
_FLANK = 30
_SHIFTS = (-4, 9)  # of the supplementary pairing against the seed's: nucleotides more in the target than in the guide

Codes = NDArray[np.int8]
Row = NDArray[np.float64]
Places = NDArray[np.int64]


@compiled
def read_sites(rnas: Rnas, guides: Places, targets: Places, found: Row) -> None:
    """Write the ``SITE_FEATURES`` of n pairs to the rows of *found*, float64 [n, 17]."""
    for row in range(len(guides)):
        a, b = guides[row], targets[row]
        guide = rnas.codes[rnas.starts[a] : rnas.starts[a + 1]]
        target = rnas.codes[rnas.starts[b] : rnas.starts[b + 1]]
        _read_pair(guide, target, found[row])


@compiled
def _read_pair(guide: Codes, target: Codes, row: Row) -> None:
    row[:] = 0
    strongest, end, kind = -1.0, 0, _NO_SITE
    for here in range(SEED_TO - 1, len(target) + 1):
        pairs = _seed_pairs(guide, target, here)
        found = _kind(pairs, here < len(target) and target[here] == 0)
        number = _number(pairs)
        row[11] = max(row[11], number)
        if found < _NO_SITE:
            row[found] += 1
            row[8] += _WEIGHTS[found]
        strength = 100.0 * (_NO_SITE - found) + number
        if strength >= strongest:
            share = _flank_au(target, here)
            if strength > strongest or share > row[12]:
                strongest, end, kind = strength, here, found
                row[12] = share
    row[9] = row[8] - _WEIGHTS[kind] if kind < _NO_SITE else 0.0
    row[10] = _NO_SITE - kind
    row[13] = end / max(1, len(target))
    row[14] = min(end, len(target) - end)
    row[15] = _pairs_behind(guide, target, end)
    row[16] = _supplementary(guide, target, end)


@compiled
def _seed_pairs(guide: Codes, target: Codes, end: int) -> int:
    """Bit k: the guide's nucleotide k forms a Watson-Crick pair; bit k + 8: GU."""
    pairs = 0
    for k in range(SEED_FROM, min(SEED_TO, len(guide) - 1, end) + 1):
        x, y = guide[k], target[end - k]
        if x + y == 3:
            pairs |= 1 << k
        elif x >= 2 and x + y == 5 and y >= 2:
            pairs |= 1 << (k + _WOBBLES)
    return pairs


@compiled
def _kind(pairs: int, faces_a: bool) -> int:
    """Position in ``SITES``, or their number."""
    wobbles = pairs >> _WOBBLES
    if pairs & _SIX == _SIX:
        long = pairs & _SEVEN == _SEVEN
        return (0 if faces_a else 1) if long else (2 if faces_a else 3)
    if pairs & _OFFSET == _OFFSET:
        return 4
    paired = _bits(pairs & _SEVEN)
    if paired == 6 and wobbles:
        return 5
    if (pairs | wobbles) & _SIX == _SIX and _bits(wobbles & _SIX) <= 2:
        return 6
    return 7 if paired == 6 else _NO_SITE


@compiled
def _bits(number: int) -> int:
    count = 0
    while number:
        count += number & 1
        number >>= 1
    return count


@compiled
def _number(pairs: int) -> float:
    return _bits(pairs & _SEVEN) + _WOBBLE_PAIR * _bits(pairs >> _WOBBLES)


@compiled
def _flank_au(target: Codes, end: int) -> float:
    """Share of A and U around a site, the nearer the more, as in TargetScan; half where nothing is around."""
    au, total = 0.0, 0.0
    for away in range(1, _FLANK + 1):
        for place in (end - SEED_TO - away, end + away):
            if 0 <= place < len(target):
                total += 1.0 / away
                if target[place] == 0 or target[place] == 3:
                    au += 1.0 / away
    return au / total if total else 0.5


@compiled
def _pairs_behind(guide: Codes, target: Codes, end: int) -> float:
    """Pairs of the guide's rest, straight on from the seed."""
    number = 0.0
    for k in range(SEED_TO + 1, min(len(guide) - 1, end) + 1):
        x, y = guide[k], target[end - k]
        if x + y == 3:
            number += 1
        elif x >= 2 and x + y == 5 and y >= 2:
            number += _WOBBLE_PAIR
    return number


@compiled
def _supplementary(guide: Codes, target: Codes, end: int) -> float:
    """The best run of Watson-Crick pairs behind the seed, as in TargetScan.

    Each pair counts a half, of the guide's nucleotides 13 to 16 one; a shift by more than 2 nt costs a half each.
    """
    best = 0.0
    for shift in range(*_SHIFTS):
        run = 0.0
        penalty = max(0.0, (abs(shift) - 2) / 2)
        for k in range(SEED_TO + 1, len(guide)):
            place = end - k - shift
            if 0 <= place < end - SEED_TO - 1 and guide[k] + target[place] == 3:
                run += 1.0 if 12 <= k <= 15 else 0.5
                best = max(best, run - penalty)
            else:
                run = 0.0
    return best
