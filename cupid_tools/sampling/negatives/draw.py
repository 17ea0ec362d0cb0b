"""From a pair table to its negatives: the strata, their order, and what is told when the space is too small."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from typing import IO

import numpy as np

from cupid_tools.errors import InputError
from cupid_tools.io.pairs import LABEL, ORIGIN, SPLIT, PairTable, write_coded
from cupid_tools.sampling.coded import CodedPairs, Codes
from cupid_tools.sampling.negatives import STRATEGIES, NegativeSettings
from cupid_tools.sampling.negatives.space import KeySet, Strategy, Stratum, spread
from cupid_tools.sampling.relatives import reversible_groups
from cupid_tools.sampling.seeds import rng_for
from cupid_tools.vocab import FLIP_SUFFIX, NEGATIVE, OBSERVED, SPLITS

_ABSURD = 4
"""Demands above this multiple of all pairs are refused without drawing."""
_EVERYTHING = ""
"""The split of a table without splits."""


class ShortageError(InputError):
    """Fewer pairs are free than negatives are asked for.

    Attributes:
        most: negatives for each positive that may fit; 0 where none does.
    """

    def __init__(self, path: str, problem: str, most: int, *, hint: str) -> None:
        super().__init__(path, problem, hint=hint)
        self.most = most


def draw_negatives(table: PairTable, pairs: CodedPairs, settings: NegativeSettings) -> list[Stratum]:
    """Draw negatives for all positives, within each split and ordered pair of types.

    A negative is never a pair of the table in either order, with whatever label, in whatever split; nor a pair whose
    sequences equal those of one; nor a pair of equal sequences; nor drawn twice. Its RNAs are among those that rows
    of its split name. Test and valid draw before train, since their RNAs are fewer.

    Augmentation holds that a pair and the pair of both reversed RNAs have one label. So, in all of this but "twice",
    an RNA and its reverse count as one, even where only train was augmented: the reverse of a test positive is no
    train negative. And a reversed RNA, which its id tells, gives way to a reversed one only, as if it were of another
    type: a negative mixes directions no more than its positive does, so that direction tells nothing.

    Returns:
        The strata with their negatives, in the order train, valid, test and then by types.

    Raises:
        InputError: there is no positive.
        ShortageError: a stratum has fewer free pairs than it needs.
    """
    if not pairs.positive.any():
        raise InputError(table.path, "holds no positive", hint="negatives are drawn for rows whose label is 1")
    sequences = reversible_groups(pairs.rnas)
    differ = sequences[pairs.a] != sequences[pairs.b]  # others are never free, so they need not be known
    keys = np.unique(pairs.pair_keys(sequences)[differ])
    known: dict[tuple[bool, ...], KeySet] = defaultdict(lambda: KeySet(keys))  # by direction, and what was drawn in it
    strata = list(_strata(table, pairs, sequences, settings.per_positive))
    _refuse_absurd(table, strata)
    strategy: Strategy = STRATEGIES.load(settings.strategy)
    for stratum in sorted(strata, key=lambda stratum: -_place(stratum.split)):  # stable: by types within a split
        rng = rng_for(settings.seed, "negatives", settings.strategy, stratum.split, *stratum.types)
        taken = known[stratum.direction]
        stratum.start(taken)
        strategy.draw(stratum, rng)
        spread(stratum, *np.unique(stratum.a, return_counts=True), rng)
        taken.add(stratum.drawn_keys())
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


def _strata(table: PairTable, pairs: CodedPairs, sequences: Codes, per_positive: int) -> Iterator[Stratum]:
    size = len(pairs.rnas)
    kind_of, names = _kinds(pairs)
    lengths = np.array([len(rna.sequence) for rna in pairs.rnas], dtype=np.int64)
    splits = table.column(SPLIT) if table.has(SPLIT) else np.full(len(table), _EVERYTHING, dtype=object)
    for split in sorted(set(splits), key=_place):
        here = splits == split
        named = pairs.named(here)
        rows = np.sort((pairs.a * size + pairs.b)[here & pairs.positive])  # the order of the rows must not matter
        a, b = rows // size, rows % size
        kinds = kind_of[a] * len(names) + kind_of[b]
        for kind in np.unique(kinds):
            first, second = divmod(int(kind), len(names))
            yield Stratum(
                split=str(split),
                types=(names[first], names[second]),
                a=a[kinds == kind],
                b=b[kinds == kind],
                first=named[kind_of[named] == first],
                second=named[kind_of[named] == second],
                lengths=lengths,
                sequences=sequences,
                per_positive=per_positive,
            )


def _kinds(pairs: CodedPairs) -> tuple[Codes, list[str]]:
    """What may replace what: the number of each RNA's type and direction, int64 [N]; and the names of the numbers."""
    flipped = np.array([rna.id.endswith(FLIP_SUFFIX) for rna in pairs.rnas], dtype=np.int64)
    return pairs.types * 2 + flipped, [name + suffix for name in pairs.type_names for suffix in ("", FLIP_SUFFIX)]


def _place(split: str) -> int:
    return SPLITS.index(split) if split in SPLITS else 0


def _refuse_absurd(table: PairTable, strata: list[Stratum]) -> None:
    """Raise ShortageError at once where far more is needed than the RNAs make pairs: an exact count would take time."""
    for stratum in strata:
        space = len(stratum.first) * len(stratum.second)
        if stratum.needed > _ABSURD * space:
            most = space // len(stratum.a)
            problem = f"{_demand([stratum])}, but its RNAs make only {space:,} pairs"
            raise ShortageError(table.path, problem, most, hint=f"--per-positive {most} at most")


def _demand(strata: list[Stratum]) -> str:
    """What strata of the same types and split need, in words."""
    needed, positives = sum(stratum.needed for stratum in strata), _positives(strata)
    place = f" in split {strata[0].split!r}" if strata[0].split else ""
    return f"{' x '.join(strata[0].types)}{place} needs {needed:,} negatives for {positives:,} positives"


def _refuse_shortage(table: PairTable, strata: list[Stratum]) -> None:
    """Raise ShortageError for the RNAs that allow the fewest negatives a positive, if some stratum lacks any.

    Strata of both orders of two types share their free pairs, so they are told as one.
    """
    rivals = defaultdict(list)
    for stratum in strata:
        rivals[stratum.split, *sorted(stratum.types)].append(stratum)
    short = [group for group in rivals.values() if any(stratum.missing for stratum in group)]
    if not short:
        return
    worst = min(short, key=_most)
    free = sum(stratum.needed - stratum.missing for stratum in worst)
    fits = "fits" if all(len(group) == 1 for group in short) else "may fit"  # rivals share by chance
    remedy = f"--per-positive {_most(worst)} {fits}" if _most(worst) else "give more pairs, or larger splits"
    raise ShortageError(table.path, f"{_demand(worst)}, but only {free:,} pairs are free", _most(worst), hint=remedy)


def _positives(strata: list[Stratum]) -> int:
    return sum(len(stratum.a) for stratum in strata)


def _most(strata: list[Stratum]) -> int:
    """How many negatives a positive the *strata* found together."""
    return sum(stratum.needed - stratum.missing for stratum in strata) // _positives(strata)
