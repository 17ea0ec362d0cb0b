"""One score table with everything that is known about its pairs before any metric is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cupid_tools.errors import InputError
from cupid_tools.evaluation.baselines.data import Pairs, Training
from cupid_tools.evaluation.metrics import Bools, Floats, Labels
from cupid_tools.evaluation.rnas import RnaTable, with_flipped, with_originals
from cupid_tools.evaluation.settings import RELATIVES, Listed, Options
from cupid_tools.io.pairs import CALL, ENERGY, ENGINE, ID_A, ID_B, LABEL, NOT_KNOWN, ORIGIN, SCORE, SPLIT, PairTable
from cupid_tools.sampling.coded import MAX_RNAS, Codes
from cupid_tools.sampling.relatives import join_groups, listed_groups, related_groups
from cupid_tools.sampling.splits.check import refuse_leaks
from cupid_tools.vocab import FLIP_SUFFIX, NEGATIVE, OBSERVED, SPLITS, TEST, TRAIN, VALID, Rna, type_pair

MODEL = "model"
ALL = "all"
CLASSES = ("C1", "C2-left", "C2-right", "C3")
STRICT = "strict-"
STRICT_C3 = STRICT + CLASSES[-1]
OVERLAPS = (ALL, *CLASSES, *(STRICT + name for name in CLASSES))


@dataclass(frozen=True)
class Rows:
    """Pairs (of RNAs or of genes) to be evaluated, one array entry a row.

    Attributes:
        split: int64 [n], position in ``vocab.SPLITS``.
        label: int8 [n].
        kind: int64 [n], position in ``Experiment.kinds``.
        strategy: int64 [n], position in ``Experiment.strategies``; -1 for positives.
        seen: bool [2, n], whether the sequence of either RNA is in train.
        related: bool [2, n], whether that or a relative is.
        who: int64 [2, n], the RNAs (or genes), positions in ``Experiment.names``.
        unit: int64 [2, n], what the bootstrap draws.
        scores: method -> float64 [n].
    """

    split: Codes
    label: Labels
    kind: Codes
    strategy: Codes
    seen: Bools
    related: Bools
    who: Codes
    unit: Codes
    scores: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.label)

    @property
    def query(self) -> Codes:
        """int64 [n], the RNA (or gene) of id_a."""
        first: Codes = self.who[0]
        return first

    def where(self, chosen: Bools | Codes) -> Rows:
        """The rows that a mask [n] or positions choose."""
        return Rows(
            self.split[chosen],
            self.label[chosen],
            self.kind[chosen],
            self.strategy[chosen],
            self.seen[:, chosen],
            self.related[:, chosen],
            self.who[:, chosen],
            self.unit[:, chosen],
            {method: scores[chosen] for method, scores in self.scores.items()},
        )

    def overlap(self, name: str) -> Bools:
        """Which rows [n] belong to one of ``OVERLAPS``."""
        if name == ALL:
            return np.ones(len(self), dtype=bool)
        left, right = self.related if name.startswith(STRICT) else self.seen
        wanted_left, wanted_right = [(1, 1), (1, 0), (0, 1), (0, 0)][CLASSES.index(name.removeprefix(STRICT))]
        return np.asarray((left == wanted_left) & (right == wanted_right))

    def of_split(self, split: str) -> Bools:
        """Which rows [n] belong to *split*."""
        return np.asarray(self.split == SPLITS.index(split))


@dataclass(frozen=True)
class Whole:
    """Every row of a score table, arrays [n]: its pair, split (position in ``vocab.SPLITS``), label and score."""

    pairs: Pairs
    split: Codes
    label: Labels
    score: Floats


class Energies(NamedTuple):
    """The interaction energies of the evaluated rows; one that is not known counts as 0, as no interaction does.

    Attributes:
        values: float64 [n], kcal/mol; NaN where the table says ``NA``.
        engines: what computed them, as the table tells.
    """

    values: Floats
    engines: list[str]

    @property
    def unknown(self) -> int:
        """How many rows have no energy."""
        return int(np.sum(np.isnan(self.values)))

    def scores(self) -> dict[str, Floats]:
        """The energies as a method's scores, higher for likelier pairs; no method where none is known."""
        known = self.unknown < len(self.values)
        return {ENERGY: 0.0 - np.nan_to_num(self.values)} if known else {}


@dataclass(frozen=True)
class Experiment:
    """One score table.

    Attributes:
        name: as the report shows it.
        rnas: all RNAs that the table names.
        whole: every row of the table.
        train: what baselines may see.
        pairs, rows: the evaluated pairs; *rows* has no baselines' scores yet.
        names: of the RNAs (or genes) that are evaluated.
        kinds: type pairs.
        strategies: of negatives.
        strata: int64 [units], the type of RNA of each unit.
        augmented_rows: how many rows are left out because augmentation made them.
        threshold: of the model by its own calls; None where valid rows choose it.
        energies: those of *rows*, which hold them as a method; None where the table has none.
    """

    name: str
    rnas: RnaTable
    whole: Whole
    train: Training
    pairs: Pairs
    rows: Rows
    names: list[str]
    kinds: list[str]
    strategies: list[str]
    strata: Codes
    augmented_rows: int
    threshold: float | None
    energies: Energies | None

    def has_valid(self) -> bool:
        """Whether there are valid rows, which choose thresholds and the best baseline."""
        return bool(self.rows.of_split(VALID).any())


def prepare(name: str, table: PairTable, rnas: Mapping[str, Rna], fasta: str, options: Options) -> Experiment:
    """Check a score table and work out everything that metrics need.

    Args:
        name: of the experiment.
        table: pairs with label, split and score.
        rnas: id -> RNA, read from *fasta*.
        fasta: for messages.
        options: see ``Options``.

    Raises:
        InputError: a score that is no finite number, an energy that is neither at most 0 nor ``NA``, an RNA that is
            not in *rnas* or in a table of groups or genes, a pair of an RNA with itself or with both labels, or splits
            that cannot be evaluated.
    """
    known_rnas = with_flipped({*table.column(ID_A), *table.column(ID_B)}, rnas)
    table.check_ids(known_rnas.keys(), fasta)
    table.check_consistent()
    table, scores = _in_fixed_order(_with_energies(table), _scores(table))
    named = with_originals({*table.column(ID_A), *table.column(ID_B)}, known_rnas)
    if len(named) > MAX_RNAS:
        raise InputError(table.path, f"names {len(named):,} RNAs, more than {MAX_RNAS:,}", hint="divide the table")
    known = RnaTable(named, _relatives(named, options.groups))
    pairs = Pairs(*table.codes([rna.id for rna in named]))
    kin = _kin(known, options)
    if options.require_unseen is not None:
        refuse_leaks(table, named, pairs.a, pairs.b, getattr(kin, options.require_unseen))
    whole = Whole(pairs, _split_codes(table), table.column(LABEL).astype(np.int8), scores)
    usable = np.full(len(table), options.augmented) | ~table.augmented()
    _check_splits(table.path, whole, usable)
    train = usable & (whole.split == SPLITS.index(TRAIN))
    evaluated = usable & (whole.split != SPLITS.index(TRAIN))
    unit, strata = _units(known, kin, options.resample)
    kinds, kind = _kinds(known, pairs)
    strategies, strategy = _strategies(table)
    rows = _rows(whole, kin, unit).where(evaluated)
    energies = _energies(table.where(evaluated)) if table.has(ENERGY) else None
    scores_beside = {} if energies is None else energies.scores()
    return Experiment(
        name=name,
        rnas=known,
        whole=whole,
        train=Training(pairs.where(train), whole.label[train], options.seed),
        pairs=pairs.where(evaluated),
        rows=replace(rows, kind=kind[evaluated], strategy=strategy[evaluated], scores={**rows.scores, **scores_beside}),
        names=kin.names,
        kinds=kinds,
        strategies=strategies,
        strata=strata,
        augmented_rows=int(np.sum(~usable)),
        threshold=None if rows.of_split(VALID).any() else _threshold_of_calls(table, scores),
        energies=energies,
    )


def _rows(whole: Whole, kin: _Kin, unit: Codes) -> Rows:
    """Every row of the table; kind and strategy are yet to be filled in."""
    pairs = whole.pairs
    both = np.stack([pairs.a, pairs.b])
    in_train = whole.split == SPLITS.index(TRAIN)
    return Rows(
        split=whole.split,
        label=whole.label,
        kind=np.zeros(len(pairs), dtype=np.int64),
        strategy=np.zeros(len(pairs), dtype=np.int64),
        seen=_met(pairs, in_train, kin.rnas),
        related=_met(pairs, in_train, kin.relatives),
        who=kin.who[both],
        unit=unit[both],
        scores={MODEL: whole.score},
    )


def to_genes(rows: Rows) -> Rows:
    """Merge the pairs of isoforms of the same two genes: label and scores are their maximum.

    A gene is seen where one of its merged isoforms is. The orientation is that of the first row.
    """
    swapped = rows.who[0] > rows.who[1]
    low, high = np.where(swapped, rows.who[::-1], rows.who)
    order = np.lexsort((high, low, rows.split))
    starts = np.flatnonzero(np.append(True, np.diff(np.stack([rows.split, low, high])[:, order]).any(axis=0)))
    first = order[starts]

    def oriented(flags: Bools) -> Bools:
        merged = np.maximum.reduceat(np.where(swapped, flags[::-1], flags)[:, order], starts, axis=1)
        return np.where(swapped[first], merged[::-1], merged)

    def largest(values: Any) -> Any:
        return np.maximum.reduceat(values[order], starts)

    label = largest(rows.label)
    return replace(
        rows.where(first),
        label=label,
        strategy=np.where(label == 1, -1, rows.strategy[first]),
        seen=oriented(rows.seen),
        related=oriented(rows.related),
        scores={method: largest(scores) for method, scores in rows.scores.items()},
    )


def _scores(table: PairTable) -> Floats:
    scores = pd.to_numeric(table.frame[SCORE], errors="coerce").to_numpy(dtype=np.float64)
    table.refuse(~np.isfinite(scores), "score is '{score}'", hint="it must be a finite number")
    return scores


def _with_energies(table: PairTable) -> PairTable:
    """The table with its energies as float64, NaN for ``NA``; as it is where it has none."""
    if not table.has(ENERGY):
        return table
    told = table.column(ENERGY) != NOT_KNOWN
    energies = pd.to_numeric(table.frame[ENERGY].where(told), errors="coerce").to_numpy(dtype=np.float64)
    hint = f"it must be a number of kcal/mol, at most 0, or {NOT_KNOWN}"
    table.refuse(told & ~(np.isfinite(energies) & (energies <= 0)), "energy is '{energy}'", hint=hint)
    return table.assign(energy=energies)


def _energies(table: PairTable) -> Energies:
    """The energies of the rows of *table*, which ``_with_energies`` has read."""
    return Energies(table.column(ENERGY), sorted(set(table.column(ENGINE))) if table.has(ENGINE) else [])


def _in_fixed_order(table: PairTable, scores: Floats) -> tuple[PairTable, Floats]:
    """Sort the rows, so that equal tables give equal bytes whatever order they come in."""
    keys = [pd.factorize(pd.Index(table.column(column)), sort=True)[0] for column in (ID_B, ID_A, SPLIT)]
    origin = pd.factorize(pd.Index(table.column(ORIGIN)), sort=True)[0] if table.has(ORIGIN) else scores
    energy = table.column(ENERGY) if table.has(ENERGY) else scores
    order = np.lexsort((energy, origin, scores, table.column(LABEL), *keys))
    return replace(table, frame=table.frame.iloc[order]), scores[order]


def _split_codes(table: PairTable) -> Codes:
    return pd.Index(SPLITS).get_indexer(pd.Index(table.column(SPLIT))).astype(np.int64)


def _check_splits(path: str, whole: Whole, usable: Bools) -> None:
    remedies = {
        TRAIN: "baselines and overlap need the train rows: score the whole table that cupid-train read",
        VALID: "give cupid-split a larger --valid-fraction",
        TEST: "give the whole table that cupid-split and cupid-score made",
    }
    for index, split in enumerate(SPLITS):
        rows = usable & (whole.split == index)
        if not rows.any() and split != VALID:
            raise InputError(path, f"holds no {split} rows", hint=remedies[split])
        positives = int(np.sum(whole.label[rows]))
        if rows.any() and not positives:
            raise InputError(path, f"the {split} rows hold no positives", hint=remedies[split])
        if rows.any() and positives == np.sum(rows):
            raise InputError(path, f"the {split} rows hold no negatives", hint="run cupid-negatives before cupid-score")


def _relatives(rnas: Sequence[Rna], groups: Listed | None) -> Codes:
    """The group of each RNA; one that augmentation flipped belongs to that of its original, if that is known."""
    place = {rna.id: index for index, rna in enumerate(rnas)}
    of = np.array([place.get(rna.id.removesuffix(FLIP_SUFFIX), index) for index, rna in enumerate(rnas)])
    distinct, position = np.unique(of, return_inverse=True)
    originals = [rnas[index] for index in distinct]
    found = related_groups(originals) if groups is None else listed_groups(originals, groups.values, groups.path)
    return found[position]


class _Kin(NamedTuple):
    """Who counts as whom, int64 [N] each.

    Attributes:
        who: position in *names* of each RNA, or of its gene.
        rnas: one number for what is the same: RNAs of equal sequence, or of one gene.
        relatives: one number for what is related.
        names: of RNAs or genes.
    """

    who: Codes
    rnas: Codes
    relatives: Codes
    names: list[str]


def _kin(rnas: RnaTable, options: Options) -> _Kin:
    """Where genes are evaluated, what is known of one isoform is known of all."""
    ids = [rna.id for rna in rnas.rnas]
    if options.genes is None:
        return _Kin(np.arange(len(ids)), rnas.identical, rnas.groups, ids)
    originals = [name.removesuffix(FLIP_SUFFIX) for name in ids]  # a flipped RNA is of its original's gene
    missing = next((name for name in originals if name not in options.genes.values), None)
    if missing is not None:
        raise InputError(options.genes.path, f"RNA {missing!r} has no gene", hint="list every RNA of the pairs")
    who, names = pd.factorize(pd.Index([options.genes.values[name] for name in originals]))
    gene = who.astype(np.int64)
    return _Kin(gene, join_groups(rnas.identical, gene), join_groups(rnas.groups, gene), list(names))


def _units(rnas: RnaTable, kin: _Kin, resample: str) -> tuple[Codes, Codes]:
    """What the bootstrap draws: unit of each RNA [N], and type of each unit [units]."""
    drawn = kin.relatives if resample == RELATIVES else kin.who
    first = np.unique(kin.who, return_index=True)[1]
    members = np.stack([rnas.types[first][kin.who], drawn])  # a gene is of the type of its first RNA
    keys, unit = np.unique(members, axis=1, return_inverse=True)
    return unit.reshape(-1).astype(np.int64), keys[0]


def _kinds(rnas: RnaTable, pairs: Pairs) -> tuple[list[str], Codes]:
    names = rnas.type_names
    size = len(names)
    of_types = np.array([type_pair(a, b) for a in names for b in names], dtype=object)
    codes, kinds = pd.factorize(of_types[rnas.types[pairs.a] * size + rnas.types[pairs.b]], sort=True)
    return list(kinds), codes.astype(np.int64)


def _strategies(table: PairTable) -> tuple[list[str], Codes]:
    negative = table.column(LABEL) == 0
    origin = table.frame[ORIGIN].str.removeprefix(f"{NEGATIVE}:") if table.has(ORIGIN) else OBSERVED
    origins = pd.Series(origin, index=table.frame.index, dtype=object).where(negative)
    codes, names = pd.factorize(origins, sort=True)
    return list(names), codes.astype(np.int64)


def _met(pairs: Pairs, in_train: Bools, kinship: Codes) -> Bools:
    """Whether train holds an RNA of the same *kinship* [N] as either RNA of each pair: bool [2, n]."""
    trained = np.zeros(int(kinship.max()) + 1, dtype=bool)
    trained[kinship[pairs.a[in_train]]] = True
    trained[kinship[pairs.b[in_train]]] = True
    return trained[kinship[np.stack([pairs.a, pairs.b])]]


def _threshold_of_calls(table: PairTable, scores: Floats) -> float:
    """The threshold that the calls in the table follow."""
    hint = "score the valid rows as well, or add the calls of your model"
    table.require(CALL, hint=f"without valid rows the threshold is taken from it; {hint}")
    called = table.column(CALL) == "1"
    table.refuse(~called & (table.column(CALL) != "0"), "call is '{call}'", hint="it must be 1 or 0")
    threshold = float(scores[called].min()) if called.any() else float(np.nextafter(scores.max(), np.inf))
    table.refuse(~called & (scores >= threshold), "call is 0 but a lower score is called 1", hint="use one threshold")
    return threshold
