"""What two sequences say about their interaction, in numbers that boosting and regressions learn from.

Each number is of a guide and a target, see ``duplex.energies.directions``. What belongs to one RNA alone is computed
once for it. To add a feature is a name in ``FEATURES``, at the place where it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cupid_tools.interaction.alignment import ALIGNMENT_FEATURES, read_alignments
from cupid_tools.interaction.compiling import compiled, in_threads
from cupid_tools.interaction.duplex.tables import Rnas, encode
from cupid_tools.interaction.sites import SEED_FROM, SEED_TO, SITE_FEATURES, Codes, Places, Row, read_sites
from cupid_tools.vocab import NUCLEOTIDES

_CHANCES = ("chance_6mer", "chance_7mer_m8", "chance_8mer", "expected_7mer_m8")
_SIZES = ("guide_length", "target_length", "seed_au")
_SHARES = tuple(f"{side}_{letter.lower()}" for side in ("guide", "target") for letter in NUCLEOTIDES)
FEATURES = (*SITE_FEATURES, *ALIGNMENT_FEATURES, *_CHANCES, *_SIZES, *_SHARES)
"""Names of the numbers, in order. Chances and ``target_length`` are natural logarithms."""
RISING = frozenset({*SITE_FEATURES, *ALIGNMENT_FEATURES, *_CHANCES} - {"site_place", "site_margin"})
"""Those of which more means that the RNAs pair better, or can in more places."""

_SITES = slice(0, len(SITE_FEATURES))
_ALIGNMENTS = slice(_SITES.stop, _SITES.stop + len(ALIGNMENT_FEATURES))
_REST = slice(_ALIGNMENTS.stop, len(FEATURES))

_BLOCK_CELLS = 1_000_000
"""Products of lengths of the pairs that a thread takes at a time: some milliseconds."""


class _Background(NamedTuple):
    """A first-order Markov model of each of N RNAs, with pseudocounts, and its composition.

    Attributes:
        shares: float64 [N, 4], of the nucleotides; sums to 1 where no letter is ambiguous.
        first: float64 [N, 4], natural logarithms of their probabilities.
        next: float64 [N, 4, 4], the same after each of them.
    """

    shares: NDArray[np.float64]
    first: NDArray[np.float64]
    next: NDArray[np.float64]


class PairFeatures:
    """The features of pairs among N RNAs."""

    def __init__(self, sequences: Sequence[str], threads: int = 1) -> None:
        """Meet N sequences over ``vocab.RNA_LETTERS``, to be read by so many *threads*, on which no feature depends."""
        self._threads = threads
        self._rnas = encode(sequences)
        self._background = _background(self._rnas)

    @property
    def lengths(self) -> Places:
        """In nt, int64 [N]."""
        return self._rnas.lengths

    def of(self, guides: Places, targets: Places) -> NDArray[np.float64]:
        """The ``FEATURES`` of n guides and targets, float64 [n, F]; each row depends on its pair alone, bitwise.

        Args:
            guides, targets: positions among the RNAs, int64 [n] each.
        """
        found = np.empty((len(guides), len(FEATURES)))

        def work(rows: slice) -> None:
            block = self._rnas, guides[rows], targets[rows]  # code compiled in several files is called from here alone
            read_sites(*block, found[rows, _SITES])
            read_alignments(*block, found[rows, _ALIGNMENTS])
            _read_rest(*block, self._background, found[rows, _REST])

        in_threads(self._threads, _blocks(self.lengths[guides] * self.lengths[targets]), work)
        return found


def _blocks(cells: Places) -> list[slice]:
    """Rows in blocks of about ``_BLOCK_CELLS``."""
    ends = np.cumsum(cells)
    cuts = np.searchsorted(ends, np.arange(_BLOCK_CELLS, ends.max(initial=0), _BLOCK_CELLS))
    bounds = np.unique(np.concatenate([[0], cuts, [len(cells)]]))
    return [slice(start, end) for start, end in pairwise(bounds.tolist())]


def _background(rnas: Rnas) -> _Background:
    shares, first, following = np.empty((len(rnas.lengths), 4)), np.empty((len(rnas.lengths), 4)), []
    for index, codes in enumerate(np.split(rnas.codes, rnas.starts[1:-1])):
        counts = np.bincount(codes, minlength=5)[:4]
        shares[index] = counts / max(1, len(codes))
        first[index] = (counts + 1) / (counts.sum() + 4)
        steps = np.bincount(codes[:-1] * np.int64(5) + codes[1:], minlength=25).reshape(5, 5)[:4, :4] + 4 * first[index]
        following.append(steps / steps.sum(axis=1, keepdims=True))
    return _Background(shares, np.log(first), np.log(np.reshape(following, (-1, 4, 4))))


@compiled
def _read_rest(rnas: Rnas, guides: Places, targets: Places, background: _Background, found: Row) -> None:
    """Write chances, sizes and shares."""
    chances = len(_CHANCES)
    for row in range(len(guides)):
        a, b = guides[row], targets[row]
        guide = rnas.codes[rnas.starts[a] : rnas.starts[a + 1]]
        target = rnas.codes[rnas.starts[b] : rnas.starts[b + 1]]
        _read_chances(guide, len(target), background.first[b], background.next[b], found[row, :chances])
        rest = found[row, chances:]
        _read_sizes(guide, target, rest[:3])
        rest[3:7] = background.shares[a]
        rest[7:] = background.shares[b]


@compiled
def _read_chances(guide: Codes, length: int, first: Row, following: Row, row: Row) -> None:
    """How likely a place of such a target is a site, and how many of them are expected."""
    row[0] = _chance(guide, SEED_TO - 1, first, following)
    row[1] = _chance(guide, SEED_TO, first, following)
    row[2] = row[1] + following[3 - min(3, guide[SEED_FROM]) if len(guide) > SEED_FROM else 0, 0]
    row[3] = row[1] + np.log(max(1, length - SEED_TO + 1))


@compiled
def _chance(guide: Codes, last: int, first: Row, following: Row) -> float:
    """Logarithm of the chance that a place of the target pairs with the seed up to the guide's nucleotide *last*.

    Nucleotides that the guide lacks, or that are ambiguous, are taken as the most likely ones.
    """
    before, total = -1, 0.0
    for k in range(last, SEED_FROM - 1, -1):
        odds = first if before < 0 else following[before]
        before = 3 - guide[k] if k < len(guide) and guide[k] < 4 else int(np.argmax(odds))
        total += odds[before]
    return total


@compiled
def _read_sizes(guide: Codes, target: Codes, row: Row) -> None:
    row[0] = len(guide)
    row[1] = np.log(max(1, len(target)))
    row[2] = 0
    for k in range(SEED_FROM, min(SEED_TO, len(guide) - 1) + 1):
        row[2] += guide[k] == 0 or guide[k] == 3
