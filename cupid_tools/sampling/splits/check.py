"""The promise of a split, tested on its result, and what the splits still share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cupid_tools.errors import InputError
from cupid_tools.io.pairs import PairTable, split_rows
from cupid_tools.sampling.coded import CodedPairs, Codes
from cupid_tools.sampling.splits.partition import TESTED, TRAINED, VALIDATED, Parts
from cupid_tools.vocab import SPLITS, TEST, TRAIN, VALID, Rna

_SIDES = ("a", "b")


def check_promise(pairs: CodedPairs, groups: Codes, parts: Parts, sides: tuple[int, ...]) -> None:
    """Raise AssertionError, which is our bug, when a row breaks what the split promises.

    Args:
        pairs: the rows.
        groups: int64 [N], what must not be shared.
        parts: int8 [rows], the result.
        sides: those whose groups must be unseen; none means that no pair of groups is in two parts.
    """
    for later, earlier in ((TESTED, TRAINED), (TESTED, VALIDATED), (VALIDATED, TRAINED)):
        if sides:
            seen = groups[pairs.named(parts == earlier)]
            unseen = [groups[(pairs.a, pairs.b)[side][parts == later]] for side in sides]
            broken = np.isin(np.concatenate(unseen), seen).any()
        else:
            keys = pairs.pair_keys(groups)
            broken = np.isin(keys[parts == later], keys[parts == earlier]).any()
        if broken:
            raise AssertionError(f"{SPLITS[later]} and {SPLITS[earlier]} share what the split promises to separate")


def refuse_leaks(table: PairTable, rnas: Sequence[Rna], a: Codes, b: Codes, groups: Codes) -> None:
    """Raise InputError for the first test RNA of which train holds one of the same group; or valid, which chooses.

    Args:
        table: pairs with their split.
        rnas: N RNAs.
        a, b: int64 [rows], the RNAs of each pair.
        groups: int64 [N], what must not be shared: equal sequences, or relatives.
    """
    tested = np.flatnonzero(split_rows(table, TEST))
    lines = table.frame.index.to_numpy()
    for split in (TRAIN, VALID):
        known = np.flatnonzero(split_rows(table, split))
        held = np.isin(groups, groups[np.union1d(a[known], b[known])])
        leaking = tested[held[a[tested]] | held[b[tested]]]
        if not len(leaking):
            continue
        row = leaking[np.argmin(lines[leaking])]
        leaked = a[row] if held[a[row]] else b[row]
        shared = np.union1d(*(side[known[groups[side[known]] == groups[leaked]]] for side in (a, b)))
        near = leaked if leaked in shared else min(shared, key=lambda rna: rnas[rna].sequence != rnas[leaked].sequence)
        raise InputError(
            table.path,
            f"test RNA {rnas[leaked].id!r} is not unseen: {split} holds {_kinship(rnas[leaked], rnas[near])}",
            line=int(lines[row]) or None,
            hint="split with cupid-split --by unseen-both, and --strict where relatives must be unseen too",
        )


def _kinship(leaked: Rna, known: Rna) -> str:
    if known.id == leaked.id:
        return "it too"
    return f"{'its sequence' if known.sequence == leaked.sequence else 'its relative'} as {known.id!r}"


def describe(pairs: CodedPairs, parts: Parts) -> dict[str, dict[str, int]]:
    """Rows and positives of each split."""
    return {
        name: {"rows": int((parts == part).sum()), "positives": int(pairs.positive[parts == part].sum())}
        for part, name in enumerate(SPLITS)
    }


def describe_shared(pairs: CodedPairs, parts: Parts, related: Codes) -> dict[str, Any]:
    """How many RNAs of valid and test occur in train too: themselves, by sequence, and by relatives.

    Returns:
        split -> side (``a``, ``b``) -> ``rnas`` of that side; and of them ``seen``, ``equal_sequence_seen``,
        ``relative_seen`` on either side of train.
    """
    trained = pairs.named(parts == TRAINED)
    itself: Codes = np.arange(len(pairs.rnas))
    relations = {"seen": itself, "equal_sequence_seen": pairs.sequences, "relative_seen": related}
    shared: dict[str, Any] = {}
    for part in (VALIDATED, TESTED):
        shared[SPLITS[part]] = {
            side: _shared_of(np.unique(codes[parts == part]), trained, relations)
            for side, codes in zip(_SIDES, (pairs.a, pairs.b), strict=True)
        }
    return shared


def _shared_of(rnas: Codes, trained: Codes, relations: dict[str, Codes]) -> dict[str, int]:
    counts = {name: _count(np.isin(groups[rnas], groups[trained])) for name, groups in relations.items()}
    return {"rnas": len(rnas)} | counts


def _count(which: NDArray[np.bool_]) -> int:
    return int(which.sum())
