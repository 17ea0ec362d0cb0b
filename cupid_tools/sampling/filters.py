"""Which RNAs and pairs a study keeps, and why the others go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cupid_tools.errors import InputError
from cupid_tools.io.fasta import repeated_id
from cupid_tools.io.pairs import ID_A, ID_B, PairTable
from cupid_tools.vocab import NUCLEOTIDES, Rna, type_pair

TOO_SHORT, TOO_LONG, AMBIGUOUS, OTHER_TYPE = "too-short", "too-long", "ambiguous-letters", "type-not-selected"
UNPAIRED, REPEATED = "named-by-no-pair", "repeated-id"
SELF, DUPLICATE, CONTRADICTION, OTHER_TYPE_PAIR = "self-pair", "duplicate", "both-labels", "type-pair-not-selected"

AMBIGUOUS_POLICIES = ("keep", "drop", "error")

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
        dropped: id and reason of every RNA that was left out.
    """

    def __init__(self, limits: RnaLimits, path: str) -> None:
        """Judge by *limits*; *path* names the file in messages."""
        self._limits = limits
        self._path = path
        self._fingerprints: dict[str, int] = {}
        self.read = 0
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


def reasons_to_drop_pairs(
    table: PairTable, kept: Mapping[str, Rna], dropped: Mapping[str, str], type_pairs: frozenset[str] | None
) -> NDArray[np.object_]:
    """Say for every pair why it must go.

    Args:
        table: the pairs; every id is in *kept* or *dropped*.
        kept: the RNAs that stay, by id.
        dropped: the others, id -> reason.
        type_pairs: names of the unordered type pairs that stay, as ``vocab.type_pair`` gives them; None keeps all.

    Returns:
        object [rows], the first reason that applies, or "" where the pair stays. Of pairs that occur repeatedly, in
        either order, the first stays; of pairs that carry both labels none does.
    """
    frame = table.frame
    reasons = pd.Series("", index=range(len(frame)), dtype=object)
    for column in (ID_A, ID_B):
        lost = frame[column].map(dropped.get).reset_index(drop=True)
        reasons = reasons.mask((reasons == "") & lost.notna(), "rna-" + lost.fillna("").astype(str))
    keys = table.keys()
    checks = [
        (SELF, _equal_sequences(table, kept)),
        (CONTRADICTION, table.carries_both_labels()),
        (DUPLICATE, keys.duplicated().to_numpy()),
    ]
    if type_pairs is not None:
        names = _type_pair_names(table, kept)
        checks.insert(0, (OTHER_TYPE_PAIR, ~np.isin(names, list(type_pairs))))
    for reason, applies in checks:
        reasons = reasons.mask((reasons == "") & applies, reason)
    return reasons.to_numpy(dtype=object)


def expand_type_pairs(names: list[str], types: set[str]) -> frozenset[str]:
    """Turn what the user typed (``miRNA-lncRNA``, either order) into canonical type pair names.

    Raises:
        KeyError: a name matches no two of *types*; the argument is that name.
    """
    known = {f"{one}-{two}": type_pair(one, two) for one in types for two in types}
    return frozenset(known[name] for name in names)


def count_type_pairs(table: PairTable, rnas: Mapping[str, Rna]) -> Counter[str]:
    """How many pairs there are of each unordered type pair."""
    return Counter(_type_pair_names(table, rnas).tolist())


def _type_pair_names(table: PairTable, rnas: Mapping[str, Rna]) -> NDArray[np.object_]:
    """The type pair of each row, object [rows]; "" where an RNA is not in *rnas*."""
    types = {name: rna.type for name, rna in rnas.items()}
    a, b = (table.frame[column].map(types).fillna("") for column in (ID_A, ID_B))
    names = {(one, two): type_pair(one, two) for one in set(a) for two in set(b)}
    return np.array([names[pair] for pair in zip(a, b, strict=True)], dtype=object)


def _equal_sequences(table: PairTable, rnas: Mapping[str, Rna]) -> NDArray[np.bool_]:
    sequences = {name: rna.sequence for name, rna in rnas.items()}
    a, b = (table.frame[column] for column in (ID_A, ID_B))
    return np.asarray((a == b) | (a.map(sequences) == b.map(sequences)))
