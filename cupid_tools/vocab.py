"""The words and objects that all tools share: alphabet, RNA, pair, and the fixed values of table columns."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

NUCLEOTIDES = "ACGU"
AMBIGUOUS_LETTERS = "RYKMSWBDHVN"
"""IUPAC codes for more than one nucleotide."""
AMBIGUOUS_POLICIES = ("keep", "drop", "error")
"""What may become of RNAs that hold such codes."""
RNA_LETTERS = NUCLEOTIDES + AMBIGUOUS_LETTERS

UNKNOWN_TYPE = "unknown"
"""Type of an RNA whose FASTA header and type table name none."""
MIRNA = "miRNA"

TRAIN, VALID, TEST = SPLITS = ("train", "valid", "test")

OBSERVED = "observed"
AUGMENTED = "augmented"
"""Prefix of the origin of rows that augmentation made, as in ``augmented:flip``."""
SWAP, FLIP, BOTH = WAYS = ("swap", "flip", "both")
"""What augmentation does to a pair: the other order, both RNAs reversed, or both of these."""
NEGATIVE = "negative"
"""Prefix of the origin of drawn negatives, as in ``negative:type-matched``."""

FLIP_SUFFIX = "~flip"
"""Ends the id of an RNA that augmentation reversed; cupid-augment refuses inputs that already use it."""

SEED_START, SEED_END = 1, 8
"""The seed of a miRNA, nucleotides 2 to 8, as a Python slice."""


class Rna(NamedTuple):
    """One RNA.

    Attributes:
        id: without white space.
        sequence: upper case over ``RNA_LETTERS``; never empty.
        type: such as ``miRNA``; ``UNKNOWN_TYPE`` when the input names none.
        note: the rest of the header, carried through unchanged.
        line: where the record starts in its file, counted from 1; 0 when it came from elsewhere.
    """

    id: str
    sequence: str
    type: str = UNKNOWN_TYPE
    note: str = ""
    line: int = 0

    @property
    def gc(self) -> float:
        """Share of G and C."""
        return (self.sequence.count("G") + self.sequence.count("C")) / len(self.sequence)

    @property
    def digest(self) -> str:
        """SHA-256 of the sequence, in hexadecimal: equal sequences have equal digests, whatever their ids."""
        return hashlib.sha256(self.sequence.encode("ascii")).hexdigest()


class Pair(NamedTuple):
    """Two RNAs by id, in the order in which a table names them."""

    a: str
    b: str

    @property
    def key(self) -> tuple[str, str]:
        """The pair without its order: the same for (a, b) and (b, a)."""
        return (self.a, self.b) if self.a <= self.b else (self.b, self.a)


def type_pair(type_a: str, type_b: str) -> str:
    """Name the unordered pair of two RNA types, such as ``lncRNA-miRNA``.

    >>> type_pair("miRNA", "lncRNA") == type_pair("lncRNA", "miRNA") == "lncRNA-miRNA"
    True
    """
    return "-".join(sorted((type_a, type_b), key=lambda name: (name.lower(), name)))
