"""What the channels of an encoder are over the RNAs it has learned from, so that its vectors come out standardised.

Nothing in the losses of pretraining asks for a size of the states, and nets on vectors learn next to nothing where
channels are much smaller than 1, or far from 0.
"""

from __future__ import annotations

import numpy as np
import torch

from cupid_tools.models.encoders.pooling import Scale
from cupid_tools.models.pretraining.base import mean_states
from cupid_tools.models.pretraining.corpus import Corpus, Numbers
from cupid_tools.models.pretraining.network import Network
from cupid_tools.sampling.seeds import rng_for

_RNAS = 4096
"""At most that are read."""
_BATCH_TOKENS = 8192
_FLOOR = 0.1
"""Of the median deviation: what varies less is rounding rather than RNA, and is not made larger than this allows."""
_LEAST = 1e-4


def measure_scale(encoder: Network, corpus: Corpus, rows: Numbers, max_length: int, seed: int) -> Scale:
    """The mean and deviation of each channel, over the mean states of RNAs.

    Args:
        encoder: is measured in its own precision and on its device.
        corpus: where the RNAs are.
        rows: int64 [n], those that may be read.
        max_length: nt; of longer RNAs a stretch of that length is read, as in training.
        seed: draws RNAs where there are more than 4,096, and stretches.
    """
    rng = rng_for(seed, "pretrain", "scale")
    drawn = rng.choice(rows, min(_RNAS, len(rows)), replace=False)
    device = next(encoder.parameters()).device
    means = []
    with torch.inference_mode():
        for sequences in corpus.batches(drawn, max_length, _BATCH_TOKENS, rng):
            states = encoder(torch.from_numpy(sequences.tokens).to(device), sequences.groups)
            means.append(mean_states(states, sequences.groups).double().cpu().numpy())
    vectors = np.concatenate(means)
    deviation = vectors.std(axis=0)
    deviation = np.maximum(deviation, _FLOOR * np.median(deviation))
    deviation[deviation < _LEAST] = 1  # one RNA alone, or states that are all alike
    return Scale(vectors.mean(axis=0).astype(np.float32), deviation.astype(np.float32))
