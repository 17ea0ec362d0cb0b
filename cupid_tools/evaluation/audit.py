"""What the evaluated pairs share with train, row by row of the whole table, augmented ones included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cupid_tools.evaluation.baselines.data import Pairs
from cupid_tools.evaluation.baselines.degree import degrees
from cupid_tools.evaluation.experiment import MODEL, Experiment, Whole
from cupid_tools.evaluation.metrics import Bools, Floats
from cupid_tools.evaluation.rnas import RnaTable
from cupid_tools.kmers import kmer_codes
from cupid_tools.sampling.coded import Codes, unordered
from cupid_tools.sampling.relatives import K
from cupid_tools.vocab import FLIP_SUFFIX, SPLITS, TEST, TRAIN, VALID

_BLOCK_RNAS = 256


class Sharing(NamedTuple):
    """What the RNAs of one type in valid or test share with train.

    Attributes:
        split, rna_type: which RNAs.
        rnas: how many.
        same_id, same_sequence, related: how many of them train holds under that id, with that sequence, or with at
            least a relative; each includes the one before.
        nearest: median and quartiles (25 %, 50 %, 75 %) of the largest share of an RNA's 15-mers that one train RNA
            holds; NaN for RNAs without 15-mers.
        degree_correlation: Spearman, of how many positives an RNA has in train and here; NaN if either is constant.
    """

    split: str
    rna_type: str
    rnas: int
    same_id: int
    same_sequence: int
    related: int
    nearest: tuple[float, float, float]
    degree_correlation: float


class Copies(NamedTuple):
    """What the pairs of a split are to pairs of train.

    Attributes:
        split: which.
        pairs: how many there are.
        same_order, reversed_order: how many of them are in train too, in that order of its RNAs.
        reversed_rnas: how many positives are in train with both RNAs reversed, as augmentation copies them; negatives
            are drawn, and may meet by chance.
        repeated: rows that repeat another of the split.
    """

    split: str
    pairs: int
    same_order: int
    reversed_order: int
    reversed_rnas: int
    repeated: int


class Audit(NamedTuple):
    """The overlap with train.

    Attributes:
        sharing: by split and type of RNA.
        copies: by split.
        both_orders: pairs whose two orders are both in the table.
        order_difference: the largest |score(a, b) - score(b, a)| among those; NaN if there is none.
        score_degree: Spearman correlation of the model's score and the degree sum on evaluated test rows.
    """

    sharing: list[Sharing]
    copies: list[Copies]
    both_orders: int
    order_difference: float
    score_degree: float


def audit(experiment: Experiment) -> Audit:
    """Compare valid and test with train."""
    whole, rnas = experiment.whole, experiment.rnas
    splits = [split for split in (VALID, TEST) if (whole.split == SPLITS.index(split)).any()]
    sharing = [found for split in splits for found in _sharing(whole, rnas, split)]
    both, difference = _order_difference(whole)
    test = experiment.rows.of_split(TEST)
    degree = degrees(experiment.train.positives, len(rnas.rnas))
    sums = degree[experiment.pairs.a] + degree[experiment.pairs.b]
    return Audit(
        sharing,
        [_copies(whole, split, rnas) for split in splits],
        both,
        difference,
        spearman(experiment.rows.scores[MODEL][test], sums[test]),
    )


def spearman(x: Floats, y: Floats) -> float:
    """Rank correlation, ties given their mean rank; NaN where either is constant."""
    ranks = [np.unique(values, return_inverse=True, return_counts=True)[1:] for values in (x, y)]
    centred = [(np.cumsum(count) - (count - 1) / 2)[place] for place, count in ranks]
    centred = [values - values.mean() for values in centred] if len(x) else [np.zeros(0)] * 2
    norm = np.sqrt(np.sum(centred[0] ** 2) * np.sum(centred[1] ** 2))
    return float(np.sum(centred[0] * centred[1]) / norm) if norm > 0 else np.nan


def nearest_containment(rnas: RnaTable, of: Codes, among: Codes) -> Floats:
    """The largest share of each RNA's distinct 15-mers that a single other RNA holds: float64 [of]; NaN without any.

    Args:
        rnas: N RNAs.
        of: int64 [Q], the RNAs asked about.
        among: int64 [T], the RNAs compared with.
    """
    from scipy.sparse import csr_array

    codes, owners = kmer_codes(rnas.sequences, K)
    words, columns = np.unique(codes, return_inverse=True)
    shape = (len(rnas.rnas), len(words))
    held = csr_array((np.ones(len(codes), dtype=np.float32), (owners, columns)), shape=shape)
    held.sum_duplicates()
    held.data[:] = 1
    total = np.diff(held.indptr)[of]
    known = held[among].T.tocsr()
    shared = np.zeros(len(of))
    for start in range(0, len(of), _BLOCK_RNAS):
        block = held[of[start : start + _BLOCK_RNAS]] @ known
        shared[start : start + _BLOCK_RNAS] = block.max(axis=1).toarray().reshape(-1) if block.nnz else 0
    return np.where(total > 0, shared / np.maximum(total, 1), np.nan)


def _sharing(whole: Whole, rnas: RnaTable, split: str) -> Iterator[Sharing]:
    here, train = (np.union1d(pairs.a, pairs.b) for pairs in (_pairs(whole, split), _pairs(whole, TRAIN)))
    nearest = nearest_containment(rnas, here, train)
    same_id = np.isin(here, train)
    same_sequence = np.isin(rnas.identical[here], rnas.identical[train])
    related = np.isin(rnas.groups[here], rnas.groups[train])
    degree, train_degree = (degrees(_pairs(whole, name, 1), len(rnas.rnas))[here] for name in (split, TRAIN))
    for index, name in enumerate(rnas.type_names):
        mine = rnas.types[here] == index
        both = mine & (train_degree > 0)  # an unseen RNA has no degree that could be copied
        if mine.any():
            yield Sharing(
                split,
                name,
                int(np.sum(mine)),
                int(np.sum(same_id[mine])),
                int(np.sum(same_sequence[mine])),
                int(np.sum(related[mine])),
                _quartiles(nearest[mine]),
                spearman(degree[both], train_degree[both]),
            )


def _pairs(whole: Whole, split: str, at_least: int = 0) -> Pairs:
    """The pairs of a split whose label is not below *at_least*."""
    return whole.pairs.where((whole.split == SPLITS.index(split)) & (whole.label >= at_least))


def _quartiles(values: Floats) -> tuple[float, float, float]:
    defined = values[~np.isnan(values)]
    low, middle, high = np.quantile(defined, [0.25, 0.5, 0.75]) if len(defined) else (np.nan,) * 3
    return float(low), float(middle), float(high)


def _copies(whole: Whole, split: str, rnas: RnaTable) -> Copies:
    train, here = _pairs(whole, TRAIN), _pairs(whole, split)
    size = len(rnas.rnas)
    known = np.unique(train.a * size + train.b)
    keys = here.a * size + here.b
    forward, backward = np.isin(keys, known), np.isin(here.b * size + here.a, known)
    repeated = len(keys) - len(np.unique(keys))
    reversed_rnas = _mirrored(_pairs(whole, TRAIN, 1), _pairs(whole, split, 1), _reverses(rnas))
    backward &= here.a != here.b
    return Copies(split, len(here), int(np.sum(forward)), int(np.sum(backward)), reversed_rnas, repeated)


def _mirrored(train: Pairs, here: Pairs, reverse: Codes) -> int:
    """How many pairs of *here* are in *train*, in any order, with both RNAs reversed."""
    a, b = reverse[here.a], reverse[here.b]
    known = (a >= 0) & (b >= 0)
    return int(np.sum(np.isin(unordered(a[known], b[known]), unordered(train.a, train.b))))


def _reverses(rnas: RnaTable) -> Codes:
    """Position of the RNA that augmentation made of each RNA [N], or made it of; -1 where that is not there."""
    place = {rna.id: index for index, rna in enumerate(rnas.rnas)}
    partners = (name.removesuffix(FLIP_SUFFIX) if name.endswith(FLIP_SUFFIX) else name + FLIP_SUFFIX for name in place)
    return np.array([place.get(partner, -1) for partner in partners], dtype=np.int64)


def _order_difference(whole: Whole) -> tuple[int, float]:
    """How many pairs stand in both orders, and how far apart their scores are at most."""
    key = unordered(whole.pairs.a, whole.pairs.b)
    reverse = whole.pairs.a > whole.pairs.b
    both: Bools = np.isin(key, np.intersect1d(key[reverse], key[~reverse & (whole.pairs.a != whole.pairs.b)]))
    if not both.any():
        return 0, np.nan
    key, reverse, score = key[both], reverse[both], whole.score[both]
    order = np.lexsort((reverse, key))
    starts = np.flatnonzero(np.append(True, np.diff(key[order] * 2 + reverse[order]) != 0))
    low, high = np.minimum.reduceat(score[order], starts), np.maximum.reduceat(score[order], starts)
    difference = np.maximum(high[::2] - low[1::2], high[1::2] - low[::2])
    return len(difference), float(difference.max())
