"""Seed sites as TargetScan defines them (Bartel 2009, Cell 136:215), without any training."""

from __future__ import annotations

import numpy as np

from cupid_tools.evaluation.baselines.data import Pairs, Training
from cupid_tools.evaluation.metrics import Bools, Floats
from cupid_tools.evaluation.rnas import RnaTable
from cupid_tools.kmers import kmer_codes
from cupid_tools.sampling.coded import Codes
from cupid_tools.vocab import MIRNA, SEED_END, SEED_START

_PAIRS_WITH = str.maketrans("ACGU", "UGCA")
_SITES = {  # score -> end of the seed (as a slice), and whether an A faces nucleotide 1
    1: (SEED_END - 1, ""),  # 6mer
    2: (SEED_END - 1, "A"),  # 7mer-A1
    3: (SEED_END, ""),  # 7mer-m8
    4: (SEED_END, "A"),  # 8mer
}


def seed_match(train: Training, pairs: Pairs, rnas: RnaTable) -> Floats:
    """The best seed site of one RNA in the other: 8mer 4, 7mer-m8 3, 7mer-A1 2, 6mer 1, none 0.

    The seed is the miRNA's; where none or both of the RNAs are miRNAs the shorter one's, and of equally long ones the
    better of both ways.
    """
    forward, backward = _ways(pairs, rnas)
    best = np.zeros(len(pairs))
    for score, (end, opposite) in _SITES.items():
        words = [_site(sequence, end, opposite) for sequence in rnas.sequences]
        for way, query, target in ((forward, pairs.a, pairs.b), (backward, pairs.b, pairs.a)):
            best[way] = np.maximum(best[way], score * _contains(words, query[way], target[way], rnas))
    return best


def _ways(pairs: Pairs, rnas: RnaTable) -> tuple[Bools, Bools]:
    """Where a is, and where b is, the RNA whose seed counts."""
    mirna = np.array([rna.type == MIRNA for rna in rnas.rnas])
    rank = np.where(mirna, 0, rnas.lengths.max() + 1) + rnas.lengths
    rank_a, rank_b = rank[pairs.a], rank[pairs.b]
    both = mirna[pairs.a] & mirna[pairs.b]  # miRNAs differ in length by chance, so both ways are tried
    return (rank_a <= rank_b) | both, (rank_b <= rank_a) | both


def _site(sequence: str, end: int, opposite: str) -> str:
    """The word in a target that pairs with the seed; empty for an RNA that is too short."""
    seed = sequence[SEED_START:end]
    return seed[::-1].translate(_PAIRS_WITH) + opposite if len(sequence) >= SEED_END else ""


def _contains(words: list[str], query: Codes, target: Codes, rnas: RnaTable) -> Bools:
    """Whether the word of each query [n] occurs in each target [n]."""
    k = max(map(len, words))
    if not k:
        return np.zeros(len(query), dtype=bool)
    word_codes, owners = kmer_codes([word.ljust(k, "N") for word in words], k)
    code = np.full(len(words), -1, dtype=np.int64)
    code[owners] = word_codes
    wanted = np.zeros(4**k, dtype=bool)
    wanted[word_codes] = True  # of all k-mers only those that are some RNA's site are sorted
    codes, owners = kmer_codes(rnas.sequences, k)
    sites = wanted[codes]
    present = np.sort(owners[sites] * 4**k + codes[sites])
    keys = target * 4**k + code[query]
    place = np.minimum(np.searchsorted(present, keys), max(0, len(present) - 1))
    return (code[query] >= 0) & (present[place] == keys) if len(present) else np.zeros(len(query), dtype=bool)
