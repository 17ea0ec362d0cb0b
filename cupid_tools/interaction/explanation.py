"""What is known of one pair of RNAs, nucleotide by nucleotide, and the same in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cupid_tools.vocab import MIRNA, SEED_END, SEED_START, Rna

if TYPE_CHECKING:
    from cupid_tools.interaction.duplex.explain import BestDuplex

Numbers = NDArray[np.float64]

MODEL, MEMBER, THERMODYNAMICS = SOURCES = ("model", "member", "thermodynamics")
"""Whose energy says where two RNAs pair: the model is that energy, holds it beside others, or has none at all."""

_SHARE_OF_TOP = 0.5
"""A stretch that matters most ends where importance falls below this share of its top."""
_TOLD = 0.01
"""Log odds below which a change is not worth a word."""
_STANDS_OUT = 0.2
"""Mean probability below which the strongest duplex is one of many."""


class Side(NamedTuple):
    """One RNA of a pair.

    Attributes:
        rna: the RNA.
        pairing: float64 [nt], probability that a nucleotide pairs with any of the other RNA.
        importance: float64 [nt], by how much the log odds of the score fall where a nucleotide and those around it are
            hidden from the model; None where the model is its energy, and ``pairing`` says it all.
    """

    rna: Rna
    pairing: Numbers
    importance: Numbers | None

    @property
    def seed(self) -> range:
        """Positions of the seed, counted from 1; none where the RNA is no miRNA."""
        return range(SEED_START + 1, SEED_END + 1) if self.rna.type == MIRNA else range(0)


class Explanation(NamedTuple):
    """What is known of one pair.

    Attributes:
        first, second: the RNAs of the pair.
        score: the model's, as ``cupid-score`` writes it.
        duplex: that which weighs most; None where no nucleotides pair.
        source: one of ``SOURCES``.
    """

    first: Side
    second: Side
    score: str
    duplex: BestDuplex | None
    source: str

    def turned(self) -> Explanation:
        """The same with the second RNA named first."""
        duplex = self.duplex and self.duplex.turned()
        return self._replace(first=self.second, second=self.first, duplex=duplex)

    def guide_last(self) -> Explanation:
        """The same with the shorter RNA second; of equally long ones, that whose id comes later."""
        one, other = ((-len(side.rna.sequence), side.rna.id) for side in (self.first, self.second))
        return self if one <= other else self.turned()


class Stretch(NamedTuple):
    """Nucleotides *start* to *end* of one RNA, counted from 1, and the highest importance among them."""

    start: int
    end: int
    fall: float


def stretch_that_matters(side: Side) -> Stretch | None:
    """The nucleotides around the most important one; None where importance is not known, or nowhere to be felt.

    >>> side = Side(Rna("x", "ACGU"), np.zeros(4), np.array([0.0, 0.5, 1.0, 0.1]))
    >>> stretch_that_matters(side)
    Stretch(start=2, end=3, fall=1.0)
    """
    if side.importance is None:
        return None
    top = int(np.argmax(side.importance))
    low = np.flatnonzero(side.importance < _SHARE_OF_TOP * side.importance[top])
    start = int(low[low < top].max(initial=-1)) + 1
    end = int(low[low > top].min(initial=len(side.importance)))
    fall = float(side.importance[top])
    return Stretch(start + 1, end, fall) if fall >= _TOLD else None


def in_words(explanation: Explanation) -> str:
    """Where the RNAs pair, and what the score rests on, in sentences."""
    shown = explanation.guide_last()
    return " ".join([_pairing(shown), *_importance(shown)])


def _pairing(shown: Explanation) -> str:
    target, guide = shown.first, shown.second
    if shown.duplex is None:
        return f"No nucleotide of {guide.rna.id} can pair with one of {target.rna.id}."
    pairs = shown.duplex.pairs
    wobbles = sum({target.rna.sequence[a - 1], guide.rna.sequence[b - 1]} == {"G", "U"} for a, b in pairs)
    likely = np.mean([target.pairing[a - 1] for a, _ in pairs])
    doubt = " No site stands out, others pair as well." if likely < _STANDS_OUT else ""
    where, site = (
        f"{name} {start}-{end}"
        for name, start, end in (
            (guide.rna.id, shown.duplex.second_start, shown.duplex.second_end),
            (target.rna.id, shown.duplex.first_start, shown.duplex.first_end),
        )
    )
    count = f"{len(pairs)} base pair{'' if len(pairs) == 1 else 's'}"
    return (
        f"{where} pairs with {site}: {count}, {wobbles or 'none'} of them GU"
        f"{_seed(guide, {b for _, b in pairs})}. This site is paired with a mean probability of {likely:.2f}.{doubt}"
    )


def _seed(side: Side, paired: set[int]) -> str:
    if not side.seed:
        return ""
    bound = len(paired.intersection(side.seed))
    how = "the whole seed" if bound == len(side.seed) else f"{bound} of the seed's {len(side.seed)} nucleotides"
    return f", with {how}"


def _importance(shown: Explanation) -> list[str]:
    """What the score rests on, and whether that is the duplex."""
    if shown.first.importance is None:
        return []
    found = [(side, stretch_that_matters(side)) for side in (shown.second, shown.first)]
    told = [
        f"{side.rna.id} {stretch.start}-{stretch.end} (log odds {-stretch.fall:+.2f})"
        for side, stretch in found
        if stretch is not None
    ]
    if not told:
        return ["Hiding any one stretch of either RNA hardly lowers the score."]
    words = [f"What the score rests on most: {' and '.join(told)}."]
    if shown.duplex is not None and not _overlaps(found[1][1], shown.duplex):
        words.append(f"In {shown.first.rna.id} that is not where this duplex lies.")
    return words


def _overlaps(stretch: Stretch | None, duplex: BestDuplex) -> bool:
    """Whether a stretch of the first RNA, if there is one, overlaps the duplex."""
    return stretch is None or (stretch.start <= duplex.first_end and duplex.first_start <= stretch.end)
