"""Splits: which pairs train the model, which choose its settings, and which judge it."""

from __future__ import annotations

from dataclasses import dataclass

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

_TEST_FRACTIONS = {"unseen-a": 0.2, "unseen-b": 0.2, "unseen-both": 0.25}
"""Above the published part of 0.1, which would leave few RNAs; 0.25 of the RNAs of each side is 0.06 of the pairs."""


def default_test_fraction(by: str) -> float:
    """The part of the pairs (random), or of the RNAs by their pairs, that is tested unless the user says otherwise."""
    return _TEST_FRACTIONS.get(by, 0.1)


@dataclass(frozen=True)
class SplitSettings:
    """How pairs are split.

    Attributes:
        by: a name in ``SPLITTERS``.
        strict: keep groups of relatives whole, not only equal sequences.
        test_fraction: part of the pairs, or of the RNAs weighted by their pairs; None takes the default of *by*.
        valid_fraction: the same, of what is not tested.
        seed: of all random choices.
    """

    by: str = "random"
    strict: bool = False
    test_fraction: float | None = None
    valid_fraction: float = 0.2
    seed: int = 1

    @property
    def test(self) -> float:
        """The part that is tested."""
        return default_test_fraction(self.by) if self.test_fraction is None else self.test_fraction
