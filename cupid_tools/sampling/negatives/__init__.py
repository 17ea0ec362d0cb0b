"""Negatives: pairs that nobody reported, drawn by a named strategy."""

from __future__ import annotations

from dataclasses import dataclass

from cupid_tools.registry import Entry, Registry

STRATEGIES = Registry(
    "strategy",
    {
        "uniform": Entry(
            "cupid_tools.sampling.negatives.uniform:STRATEGY", "both RNAs anew, uniformly among those of the same types"
        ),
        "type-matched": Entry(
            "cupid_tools.sampling.negatives.type_matched:STRATEGY",
            "keep the first RNA, draw the second uniformly among those of its type (published)",
        ),
        "length-matched": Entry(
            "cupid_tools.sampling.negatives.length_matched:STRATEGY",
            "as type-matched, the second among the RNAs nearest in length",
        ),
        "degree-preserving": Entry(
            "cupid_tools.sampling.negatives.degree_preserving:STRATEGY",
            "every RNA as often, per positive, among the negatives as among the positives",
        ),
    },
)
"""name -> ``space.Strategy``."""


@dataclass(frozen=True, kw_only=True)
class NegativeSettings:
    """How negatives are drawn.

    Attributes:
        strategy: a name in ``STRATEGIES``.
        per_positive: negatives for each positive row.
        seed: of all random choices.
    """

    strategy: str = "type-matched"
    per_positive: int = 20
    seed: int
