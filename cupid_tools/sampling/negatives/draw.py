"""From a pair table to its negatives: the strata, their order, and what is told when the space is too small."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import IO

import numpy as np

from cupid_tools.errors import InputError
from cupid_tools.io.pairs import LABEL, ORIGIN, SPLIT, PairTable, write_coded
from cupid_tools.sampling.coded import CodedPairs
from cupid_tools.sampling.negatives import STRATEGIES, NegativeSettings
from cupid_tools.sampling.negatives.space import KeySet, Strategy, Stratum, spread
from cupid_tools.sampling.seeds import rng_for
from cupid_tools.vocab import NEGATIVE, OBSERVED, SPLITS

_EVERYTHING = ""
"""The split of a table without splits."""


def draw_negatives(table: PairTable, pairs: CodedPairs, settings: NegativeSettings) -> list[Stratum]:
    """Draw negatives for all positives, within each split and ordered pair of types.

    A negative is never a pair of the table in either order, with whatever label, in whatever split; nor a pair whose
    sequences equal those of one; nor a pair of equal sequences; nor drawn twice. Its RNAs are among those that rows
    of its split name. Test and valid draw before train, since their RNAs are fewer.

    Returns:
        The strata with their negatives, in the order train, valid, test and then by types.

    Raises:
        InputError: there is no positive, or a stratum has fewer free pairs than it needs.
    """
    if not pairs.positive.any():
        raise InputError(table.path, "holds no positive", hint="negatives are drawn for rows whose label is 1")
    differ = pairs.sequences[pairs.a] != pairs.sequences[pairs.b]  # others are never free, so they need not be known
    known = KeySet(np.unique(pairs.pair_keys(pairs.sequences)[differ]))
    strata = list(_strata(table, pairs, settings.per_positive))
    strategy: Strategy = STRATEGIES.load(settings.strategy)
    for stratum in sorted(strata, key=lambda stratum: -_place(stratum.split)):  # stable: by types within a split
        rng = rng_for(settings.seed, "negatives", settings.strategy, stratum.split, *stratum.types)
        stratum.start(known)
        strategy.draw(stratum, rng)
        spread(stratum, *np.unique(stratum.a, return_counts=True), rng)
        known.add(np.sort(stratum.keys(*stratum.drawn())))
    _refuse_shortage(table, strata)
    return strata


def shifts(strata: list[Stratum], settings: NegativeSettings) -> list[dict[str, int]]:
    """For each stratum, on each side that the strategy keeps, how many negatives have another RNA than wanted."""
    keeps = STRATEGIES.load(settings.strategy).keeps
    return [{("first", "second")[side]: stratum.shifted(side) for side in keeps} for stratum in strata]


def with_labels(table: PairTable) -> PairTable:
    """The table with ``label`` 1 and ``origin`` observed where it has none."""
    if not table.has(LABEL):
        table = table.assign(label=np.ones(len(table), dtype=np.int8))
    return table if table.has(ORIGIN) else table.assign(origin=OBSERVED)


def write_negatives(
    handle: IO[str], table: PairTable, pairs: CodedPairs, strata: list[Stratum], settings: NegativeSettings
) -> int:
    """Write the negatives as rows with the columns of *table*, and return how many; unknown columns are empty."""
    names = [rna.id for rna in pairs.rnas]
    cells = {LABEL: "0", ORIGIN: f"{NEGATIVE}:{settings.strategy}"}
    columns = [str(column) for column in table.frame.columns]
    written = 0
    for split, members in itertools.groupby(strata, key=lambda stratum: stratum.split):
        a, b = (np.concatenate(side) for side in zip(*(stratum.drawn() for stratum in members), strict=True))
        written += write_coded(handle, columns, names, a, b, cells | {SPLIT: split})
    return written


def _strata(table: PairTable, pairs: CodedPairs, per_positive: int) -> Iterator[Stratum]:
    size = len(pairs.rnas)
    lengths = np.array([len(rna.sequence) for rna in pairs.rnas], dtype=np.int64)
    splits = table.column(SPLIT) if table.has(SPLIT) else np.full(len(table), _EVERYTHING, dtype=object)
    for split in sorted(set(splits), key=_place):
        here = splits == split
        named = pairs.named(here)
        rows = np.sort((pairs.a * size + pairs.b)[here & pairs.positive])  # the order of the rows must not matter
        a, b = rows // size, rows % size
        kinds = pairs.types[a] * len(pairs.type_names) + pairs.types[b]
        for kind in np.unique(kinds):
            first, second = divmod(int(kind), len(pairs.type_names))
            yield Stratum(
                split=str(split),
                types=(pairs.type_names[first], pairs.type_names[second]),
                a=a[kinds == kind],
                b=b[kinds == kind],
                first=named[pairs.types[named] == first],
                second=named[pairs.types[named] == second],
                lengths=lengths,
                sequences=pairs.sequences,
                per_positive=per_positive,
            )


def _place(split: str) -> int:
    return SPLITS.index(split) if split in SPLITS else 0


def _refuse_shortage(table: PairTable, strata: list[Stratum]) -> None:
    """Raise InputError for the stratum that allows the fewest negatives a positive, if one lacks any."""
    short = [stratum for stratum in strata if stratum.missing]
    if not short:
        return
    worst = min(short, key=lambda stratum: (stratum.needed - stratum.missing) // len(stratum.a))
    possible = worst.needed - worst.missing
    most = possible // len(worst.a)
    place = f" in split {worst.split!r}" if worst.split else ""
    problem = f"{' x '.join(worst.types)}{place} needs {worst.needed} negatives for {len(worst.a)} positives"
    remedy = f"--per-positive {most} fits" if most else "its RNAs are too few: give more pairs, or larger splits"
    raise InputError(table.path, f"{problem}, but only {possible} pairs are free", hint=remedy)
