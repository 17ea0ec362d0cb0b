"""A stand-in for a language model whose states are kept: it takes the place of kmer, and is as quick."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from cupid_tools.models.encoders import kmer


class States(kmer.KmerEncoder):
    """One channel for each of ACGU, one vector a nucleotide."""

    dim = 4
    info = replace(kmer.KmerEncoder.info, pooling="none")
    seconds = 0.0
    """How long a shard takes at least."""

    def embed(self, sequences):
        time.sleep(self.seconds)
        letters = np.frombuffer("".join(sequences).encode(), dtype=np.uint8)
        return np.eye(256, dtype=np.float32)[letters][:, [ord(letter) for letter in "ACGU"]]


def use_states():
    """Let cupid-embed use it, for the rest of this process."""
    kmer.KmerEncoder = States
