"""Splits: which pairs train the model, which choose its settings, and which judge it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from cupid_tools.registry import Entry, Registry

SPLITTERS = Registry(
    "split",
    {
        "random": Entry(
            "cupid_tools.sampling.splits.stratified:SPLITTER", "pairs at random, alike in types and labels (published)"
        ),
        "unseen-a": Entry(
            "cupid_tools.sampling.splits.unseen:UNSEEN_A", "the first RNA of a test pair is in no other split"
        ),
        "unseen-b": Entry(
            "cupid_tools.sampling.splits.unseen:UNSEEN_B", "the second RNA of a test pair is in no other split"
        ),
        "unseen-both": Entry(
            "cupid_tools.sampling.splits.unseen:UNSEEN_BOTH",
            "neither RNA of a test pair is in another split; pairs that straddle are left out",
        ),
    },
)
"""name -> ``partition.Splitter``."""


class Fractions(NamedTuple):
    """How much of the pairs (random), or of the RNAs weighted by their pairs, goes where.

    Attributes:
        test: the part that is tested.
        valid: part of what is not tested.
    """

    test: float
    valid: float


_PUBLISHED = Fractions(0.1, 0.2)
_UNSEEN_ONE, _UNSEEN_BOTH = Fractions(0.2, 0.2), Fractions(0.25, 0.3)
"""More than is published, which would leave few RNAs: 0.25 of the RNAs of each side is 0.06 of the pairs, and 0.3 of
the others is 0.05."""
_FRACTIONS = {"unseen-a": _UNSEEN_ONE, "unseen-b": _UNSEEN_ONE, "unseen-both": _UNSEEN_BOTH}


def default_fractions(by: str) -> Fractions:
    """The parts that the split *by* takes unless the user says otherwise."""
    return _FRACTIONS.get(by, _PUBLISHED)


@dataclass(frozen=True, kw_only=True)
class SplitSettings:
    """How pairs are split.

    Attributes:
        by: a name in ``SPLITTERS``.
        strict: keep groups of relatives whole, not only equal sequences.
        test_fraction: see ``Fractions``; None takes the default of *by*.
        valid_fraction: the same.
        seed: of all random choices.
    """

    by: str = "random"
    strict: bool = False
    test_fraction: float | None = None
    valid_fraction: float | None = None
    seed: int

    @property
    def fractions(self) -> Fractions:
        """The parts that are asked for, by the user or by default."""
        test, valid = default_fractions(self.by)
        return Fractions(self.test_fraction or test, self.valid_fraction or valid)
