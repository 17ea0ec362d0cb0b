"""Controls: what a model gets for nothing, from an encoder that has learnt nothing, or from labels that say nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cupid_tools.evaluation.baselines.composition import kmer_logistic, regress
from cupid_tools.evaluation.baselines.data import Pairs, Training
from cupid_tools.evaluation.metrics import Floats
from cupid_tools.evaluation.rnas import RnaTable
from cupid_tools.kmers import kmer_counts
from cupid_tools.sampling.seeds import rng_for

WIDTH, CHANNELS = 6, 64
"""Of the random convolution: nt that a filter sees, and filters."""
_BLOCK_RNAS = 1024


def shuffled_labels(train: Training, pairs: Pairs, rnas: RnaTable) -> Floats:
    """The regression of ``kmer-logistic`` on labels that were dealt out anew: far from chance, an evaluation leaks."""
    sample = train.sample()
    order = rng_for(train.seed, "evaluation.shuffled-labels").permutation(len(sample.label))
    return kmer_logistic(replace(sample, label=sample.label[order]), pairs, rnas)


def random_encoder(train: Training, pairs: Pairs, rnas: RnaTable) -> Floats:
    """Logistic regression on sums and products of both RNAs' vectors from a convolution whose filters are random.

    The convolution is followed by ReLU and the mean over all positions, and is never trained: what this scores, an
    encoder gets from its shape alone.
    """
    vectors = random_convolution(rnas.sequences, train.seed)

    def features(block: Pairs, _: RnaTable) -> NDArray[np.float32]:
        a, b = vectors[block.a], vectors[block.b]
        return np.concatenate([a + b, a * b], axis=1)

    return regress(features, train, pairs, rnas)


def random_convolution(sequences: list[str], seed: int) -> NDArray[np.float32]:
    """Mean over positions of ReLU(filter * letters), float32 [N, CHANNELS]; ambiguous letters are passed over.

    What a filter answers depends on ``WIDTH`` letters alone, so that counting words gives the mean over positions.
    """
    filters = rng_for(seed, "evaluation.random-encoder").normal(size=(WIDTH, 4, CHANNELS))
    letters = np.arange(4**WIDTH)[:, None] // 4 ** np.arange(WIDTH - 1, -1, -1) % 4  # [words, WIDTH]
    answers = np.maximum(filters[np.arange(WIDTH), letters].sum(axis=1), 0).astype(np.float32)  # [words, CHANNELS]
    vectors = np.zeros((len(sequences), CHANNELS), dtype=np.float32)
    for start in range(0, len(sequences), _BLOCK_RNAS):
        counts = kmer_counts(sequences[start : start + _BLOCK_RNAS], WIDTH)
        total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
        vectors[start : start + _BLOCK_RNAS] = counts @ answers / total
    return vectors
