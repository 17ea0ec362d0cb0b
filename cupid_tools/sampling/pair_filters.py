"""Which pairs a study keeps, and why the others go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cupid_tools.io.pairs import ID_A, ID_B, PairTable
from cupid_tools.vocab import Rna, type_pair

SELF, DUPLICATE, CONTRADICTION, OTHER_TYPE_PAIR = "self-pair", "duplicate", "both-labels", "type-pair-not-selected"


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
