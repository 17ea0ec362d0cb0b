"""Which RNAs a study keeps, and why the others go."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from cupid_tools.errors import InputError
from cupid_tools.io.fasta import repeated_id
from cupid_tools.vocab import NUCLEOTIDES, Rna

TOO_SHORT, TOO_LONG, AMBIGUOUS, OTHER_TYPE = "too-short", "too-long", "ambiguous-letters", "type-not-selected"
UNPAIRED, REPEATED = "named-by-no-pair", "repeated-id"

_ONLY_NUCLEOTIDES = str.maketrans("", "", NUCLEOTIDES)


@dataclass(frozen=True)
class RnaLimits:
    """What an RNA must satisfy.

    Attributes:
        min_length: shortest kept, in nt.
        max_length: longest kept, in nt.
        ambiguous: what becomes of RNAs with IUPAC letters other than A, C, G, U: ``keep``, ``drop`` or ``error``.
        types: the types kept; None keeps all.
    """

    min_length: int
    max_length: int
    ambiguous: str
    types: frozenset[str] | None

    def reason_to_drop(self, rna: Rna, path: str) -> str | None:
        """Say why *rna*, read from *path*, must go; None when it stays.

        Raises:
            InputError: it holds an ambiguous letter and the policy is ``error``.
        """
        if self.types is not None and rna.type not in self.types:
            return OTHER_TYPE
        if len(rna.sequence) < self.min_length:
            return TOO_SHORT
        if len(rna.sequence) > self.max_length:
            return TOO_LONG
        if self.ambiguous != "keep" and (letters := rna.sequence.translate(_ONLY_NUCLEOTIDES)):
            if self.ambiguous == "drop":
                return AMBIGUOUS
            problem = f"RNA {rna.id!r} holds the ambiguous letter {letters[0]}"
            raise InputError(path, problem, line=rna.line or None, hint="--ambiguous keep or drop accepts such RNAs")
        return None


class RnaFilter:
    """Sorts a stream of RNAs into kept and dropped; memory grows with the number of ids, not with the sequences.

    Attributes:
        read: how many RNAs came.
        types: their types.
        dropped: id and reason of every RNA that was left out.
    """

    def __init__(self, limits: RnaLimits, path: str) -> None:
        """Judge by *limits*; *path* names the file in messages."""
        self._limits = limits
        self._path = path
        self._fingerprints: dict[str, int] = {}
        self.read = 0
        self.types: set[str] = set()
        self.dropped: list[tuple[str, str]] = []

    @property
    def ids(self) -> Collection[str]:
        """Every id that came, kept or not, in file order."""
        return self._fingerprints.keys()

    def keep(self, rnas: Iterable[Rna]) -> Iterator[Rna]:
        """Yield the RNAs within the limits; a record that repeats an earlier one is dropped.

        Raises:
            InputError: an id occurs with two sequences, or an ambiguous letter is an error.
        """
        for rna in rnas:
            self.read += 1
            self.types.add(rna.type)
            fingerprint = hash(rna.sequence)
            earlier = self._fingerprints.get(rna.id)
            if earlier is None:
                self._fingerprints[rna.id] = fingerprint
                reason = self._limits.reason_to_drop(rna, self._path)
            elif earlier == fingerprint:
                reason = REPEATED
            else:
                raise repeated_id(self._path, rna, earlier_sequence="")
            if reason:
                self.dropped.append((rna.id, reason))
            else:
                yield rna
