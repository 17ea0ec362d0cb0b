"""From RNAs with types to what classifiers of types learn from."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cupid_tools.errors import InputError
from cupid_tools.evaluation.settings import Listed
from cupid_tools.models.dataset import Rnas
from cupid_tools.sampling.relatives import Groups, join_groups, related_groups
from cupid_tools.vocab import UNKNOWN_TYPE, Rna

NO_TYPE, REPEATED = "no-type", "repeated-sequence"
"""Why an RNA is left out."""


class TypedRna(NamedTuple):
    """An RNA without its sequence.

    Attributes:
        id: of the RNA.
        type: ``UNKNOWN_TYPE`` where nobody names it.
        digest: of its sequence.
        line: where it stands in its file, counted from 1; 0 when it came from elsewhere.
    """

    id: str
    type: str
    digest: str
    line: int = 0


class Chosen(NamedTuple):
    """The RNAs that can be learned from, one of each sequence, and why the others cannot.

    Attributes:
        rnas: in the order of digests, so that no order of files matters.
        dropped: id and reason, in the order of the input.
    """

    rnas: list[TypedRna]
    dropped: list[tuple[str, str]]


@dataclass(frozen=True)
class TypeData:
    """What a classifier of types learns from.

    Attributes:
        rnas: N distinct ones.
        types: int64 [N], the place of each RNA's type in *names*.
        names: of the C types, in alphabetic order.
        valid: bool [N], those that choose what is kept and are not learned from.
        digests: ``rnas`` covers sequences, types and *valid*, ``train_rnas`` the sequences that are learned from.
    """

    rnas: Rnas
    types: NDArray[np.int64]
    names: tuple[str, ...]
    valid: NDArray[np.bool_]
    digests: dict[str, str]

    def part(self, chosen: NDArray[np.bool_]) -> Rnas:
        """The RNAs where *chosen*, bool [N], is true."""
        if isinstance(self.rnas, np.ndarray):
            return self.rnas[chosen]
        return [self.rnas[place] for place in np.flatnonzero(chosen).tolist()]

    def counts(self, chosen: NDArray[np.bool_]) -> dict[str, int]:
        """Type -> how many of the *chosen* RNAs, bool [N], are of it."""
        numbers = np.bincount(self.types[chosen], minlength=len(self.names)).tolist()
        return dict(zip(self.names, numbers, strict=True))


def choose_rnas(rnas: Iterable[TypedRna], path: str) -> Chosen:
    """Keep RNAs whose type is known, and one of those that have one sequence: the one whose id comes first.

    Args:
        rnas: those of a file.
        path: the file, for messages.

    Raises:
        InputError: no RNA has a type, all have the same one, or one sequence has two.
    """
    kept: dict[str, TypedRna] = {}
    dropped: list[tuple[str, str]] = []
    for rna in rnas:
        if rna.type == UNKNOWN_TYPE:
            dropped.append((rna.id, NO_TYPE))
            continue
        other = kept.setdefault(rna.digest, rna)
        if other.type != rna.type:
            words = f"RNAs {other.id!r} and {rna.id!r} have one sequence and two types, {other.type} and {rna.type}"
            raise InputError(path, words, line=rna.line or None, hint="a sequence can be learned with one type only")
        if other is not rna:
            first, second = sorted((other, rna))
            kept[rna.digest] = first
            dropped.append((second.id, REPEATED))
    types = Counter(rna.type for rna in kept.values())
    if not types:
        raise InputError(path, "names no RNA's type", hint="write type=NAME into the headers, or give --types")
    if len(types) == 1:
        raise InputError(path, f"has RNAs of one type only, {next(iter(types))}", hint="two types can be told apart")
    return Chosen([kept[digest] for digest in sorted(kept)], dropped)


def groups_of(
    ids: Sequence[str], digests: Sequence[str], sequences: Sequence[str] | None, listed: Listed | None
) -> Groups:
    """Number the groups of relatives: those that are *listed*, or else those that their sequences tell.

    That two miRNAs have one seed does not make them relatives here: it says that they have like targets, and types of
    precursors, which many sets call miRNA too, would be joined by chance.

    Args:
        ids: of N RNAs.
        digests: of their sequences; equal sequences are always together.
        sequences: N; None where they are not known, and only equal ones are together.
        listed: the groups that the user names.

    Raises:
        InputError: an RNA is not listed.
    """
    same = np.unique(digests, return_inverse=True)[1].astype(np.int64)
    if listed is not None:
        missing = next((name for name in ids if name not in listed.values), None)
        if missing is not None:
            raise InputError(listed.path, f"RNA {missing!r} has no group", hint="list every RNA")
        named = np.unique([listed.values[name] for name in ids], return_inverse=True)[1].astype(np.int64)
        return join_groups(same, named)
    if sequences is None:
        return same
    return related_groups([Rna(name, sequence) for name, sequence in zip(ids, sequences, strict=True)])


def digests_of(rnas: Sequence[TypedRna], valid: NDArray[np.bool_]) -> dict[str, str]:
    """See ``TypeData.digests``."""
    rows = "".join(f"{rna.digest}\t{rna.type}\t{int(held)}\n" for rna, held in zip(rnas, valid, strict=True))
    train = "\n".join(rna.digest for rna, held in zip(rnas, valid, strict=True) if not held)
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in (("rnas", rows), ("train_rnas", train))}
