"""How well a guide and a target pair over their whole lengths, by whole numbers that every machine adds up alike.

The guide is read from 5' to 3', the target from 3' to 5'. The cells of a row, which is one nucleotide of the guide
against the whole target, are independent of each other, so that a processor computes several at a time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cupid_tools.interaction.compiling import compiled
from cupid_tools.interaction.duplex.tables import Rnas
from cupid_tools.interaction.sites import SEED_FROM, SEED_TO, Codes, Places, Row

ALIGNMENT_FEATURES = ("alignment", "seed_alignment", "window", "seed_window", "helix", "wobble_helix")

LONGEST_GAP = 3
"""Nucleotides of either RNA left out between two that face each other."""
_SHORTEST_WINDOW = 12
_UNIT = 10.0
"""Scores are in tenths."""
_ROWS = LONGEST_GAP + 2  # that of a nucleotide, and as many before it as a gap can reach

Cells = NDArray[np.int32]


class Scheme(NamedTuple):
    """What faces what, in tenths: one stacked pair is worth about 1 kcal/mol.

    Attributes:
        gc, au, gu, mismatch: two nucleotides that face each other.
        gap, longer: the first nucleotide left out, and each further one.
        seed: factor of all but gaps within the guide's seed.
    """

    gc: int
    au: int
    gu: int
    mismatch: int
    gap: int
    longer: int
    seed: int


_PLAIN = Scheme(15, 9, 1, -12, -30, -8, 1)
_SEED = Scheme(30, 20, -5, -20, -60, -20, 2)
_WINDOW = Scheme(15, 9, 1, -6, 0, 0, 1)
_SEED_WINDOW = Scheme(15, 9, 1, -6, 0, 0, 3)
_STRICT, _WOBBLE = Scheme(1, 1, 0, 0, 0, 0, 1), Scheme(1, 1, 1, 0, 0, 0, 1)


@compiled
def read_alignments(rnas: Rnas, guides: Places, targets: Places, found: Row) -> None:
    """Write the ``ALIGNMENT_FEATURES`` of n pairs to the rows of *found*, float64 [n, 6]."""
    for row in range(len(guides)):
        a, b = guides[row], targets[row]
        guide = rnas.codes[rnas.starts[a] : rnas.starts[a + 1]]
        target = rnas.codes[rnas.starts[b] : rnas.starts[b + 1]]
        _read_pair(guide, target, found[row])


@compiled
def _read_pair(guide: Codes, target: Codes, row: Row) -> None:
    row[0] = _best_alignment(guide, target, _PLAIN) / _UNIT
    row[1] = _best_alignment(guide, target, _SEED) / _UNIT
    row[2] = _best_window(guide, target, _WINDOW) / _UNIT
    row[3] = _best_window(guide, target, _SEED_WINDOW) / _UNIT
    row[4] = _longest_run(guide, target, _STRICT)
    row[5] = _longest_run(guide, target, _WOBBLE)


@compiled
def _profile(target: Codes, scheme: Scheme) -> Cells:
    """What each nucleotide of a guide scores against each place of the target: int32 [5, n]."""
    scores = np.full((5, len(target)), scheme.mismatch, dtype=np.int32)
    for place in range(len(target)):
        y = target[place]
        if y == 0 or y == 3:
            scores[3 - y, place] = scheme.au
        elif y == 1 or y == 2:
            scores[3 - y, place] = scheme.gc
        if y == 2 or y == 3:
            scores[5 - y, place] = scheme.gu
    return scores


@compiled
def _best_alignment(guide: Codes, target: Codes, scheme: Scheme) -> int:
    """The score of the best local alignment, with gaps up to ``LONGEST_GAP`` nt; at least 0."""
    profile = _profile(target, scheme)
    size = len(target)
    cells = np.zeros((_ROWS, size + LONGEST_GAP + 1), dtype=np.int32)  # scores of what ends at a cell
    best = 0
    for i in range(len(guide)):
        factor = np.int32(scheme.seed if SEED_FROM <= i <= SEED_TO else 1)
        best = max(
            best,
            _align_row(
                profile[guide[i]],
                factor,
                np.int32(scheme.gap),
                np.int32(scheme.longer),
                cells[i % _ROWS],
                cells[(i - 1) % _ROWS],
                cells[(i - 2) % _ROWS],
                cells[(i - 3) % _ROWS],
                cells[(i - 4) % _ROWS],
            ),
        )
    return best


@compiled
def _align_row(
    scores: Cells,
    factor: np.int32,
    gap: np.int32,
    longer: np.int32,
    new: Cells,
    before: Cells,
    second: Cells,
    third: Cells,
    fourth: Cells,
) -> int:
    """Fill the row *new* from those *before* it, and return its largest score."""
    best = np.int32(0)
    gap2, gap3 = gap + longer, gap + longer + longer
    for j in range(len(scores)):
        past = max(np.int32(0), before[j + 1])
        one = max(before[j + 2], second[j + 1]) + gap
        two = max(before[j + 3], third[j + 1]) + gap2
        three = max(before[j + 4], fourth[j + 1]) + gap3
        score = np.int32(scores[j] * factor + max(past, max(one, max(two, three))))
        new[j] = score
        best = max(best, score)
    return int(best)


@compiled
def _best_window(guide: Codes, target: Codes, scheme: Scheme) -> int:
    """The best score of the guide straight along the target, at the target's 5' end of at least its first 12 nt."""
    profile = _profile(target, scheme)
    size = len(target)
    cells = np.zeros(size + 1, dtype=np.int32)
    best = np.int32(-(1 << 30))
    for i in range(len(guide)):
        factor = np.int32(scheme.seed if SEED_FROM <= i <= SEED_TO else 1)
        scores = profile[guide[i]]
        for j in range(size):  # a cell is read before it is written anew
            cells[j] = cells[j + 1] + scores[j] * factor
        if i >= _SHORTEST_WINDOW - 1 or i == len(guide) - 1:
            best = max(best, cells[0])
    return int(max(best, cells[:size].max()))


@compiled
def _longest_run(guide: Codes, target: Codes, scheme: Scheme) -> int:
    """The longest run of pairs, those that *scheme* gives 1."""
    profile = _profile(target, scheme)
    size = len(target)
    cells = np.zeros(size + 1, dtype=np.int32)
    best = np.int32(0)
    for i in range(len(guide)):
        pairs = profile[guide[i]]
        for j in range(size):
            run = np.int32((cells[j + 1] + 1) * pairs[j])
            cells[j] = run
            best = max(best, run)
    return int(best)
