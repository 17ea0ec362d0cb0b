"""What the user decides about an evaluation; needs the standard library only, so that parsers can read the defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from cupid_tools.evaluation.baselines import BASELINES
from cupid_tools.io.fasta import read_mapping

RELATIVES, RNAS = RELATIONS = ("relatives", "rnas")
"""What the bootstrap can draw, and what can be required to be unseen: groups of relatives, or single RNAs (genes)."""


class Listed(NamedTuple):
    """A user's table: RNA id -> group or gene, and the file it was read from."""

    values: dict[str, str]
    path: str


def read_listed(path: str | None, column: str) -> Listed | None:
    """Read a table with the columns ``id`` and *column*; None where no path is given."""
    return None if path is None else Listed(read_mapping(path, "id", column), path)


@dataclass(frozen=True)
class Options:
    """How score tables are read.

    Attributes:
        seed: of all random choices.
        groups: groups of relatives; None finds them by sequence.
        genes: the gene of each RNA, to evaluate genes instead of RNAs.
        augmented: also evaluate, and fit baselines on, rows that augmentation made.
        resample: what the bootstrap draws, one of ``RELATIONS``; single genes for ``RNAS`` where they are given.
        require_unseen: refuse a table where train holds a test RNA (``RNAS``), or a relative (``RELATIVES``).
    """

    seed: int
    groups: Listed | None = None
    genes: Listed | None = None
    augmented: bool = False
    resample: str = RELATIVES
    require_unseen: str | None = None


@dataclass(frozen=True)
class Settings:
    """How metrics are taken.

    Attributes:
        seed: of all random choices.
        baselines: names in ``BASELINES``.
        bootstrap: replicates; 0 for no intervals.
        level: of the intervals.
        genes: pairs of isoforms are merged into pairs of genes.
    """

    seed: int
    baselines: tuple[str, ...] = tuple(BASELINES)
    bootstrap: int = 1000
    level: float = 0.95
    genes: bool = False
