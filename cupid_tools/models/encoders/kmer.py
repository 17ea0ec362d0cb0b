"""Composition in short words: an encoder without weights, and the baseline of every learned one."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import fields

import numpy as np

from cupid_tools.errors import UsageError
from cupid_tools.io.store import StoreInfo, Vectors
from cupid_tools.kmers import kmer_counts
from cupid_tools.models.encoders.settings import EncoderSettings

_SIZES = (1, 2, 3, 4)
_CHUNK_NT = 1 << 20  # bounds the working memory, and fits the cache better than all RNAs at once
_HEEDED = ("device", "threads")

log = logging.getLogger("cupid_tools")


def create(settings: EncoderSettings) -> KmerEncoder:
    """The encoder ``kmer``, which has nothing to set."""
    for field in fields(settings):
        if field.name not in _HEEDED and getattr(settings, field.name) != field.default:
            option = field.name.replace("_", "-")
            raise UsageError(f"--{option} is for language models (leave it out with --encoder kmer)")
    if settings.device not in ("auto", "cpu"):
        log.warning("encoder kmer computes on the CPU")
    return KmerEncoder()


class KmerEncoder:
    """340 channels: for each k from 1 to 4, sqrt(4**k f) of every k-mer in alphabetic order.

    f is the share of a k-mer among those k-mers of the RNA that hold no ambiguous letter; where there are none, as in
    RNAs shorter than k, the channels of that k are 0. With square roots the Euclidean distance of two RNAs is the
    Hellinger distance of their compositions, which counts of rare words do not swamp; and the factor makes a uniform
    composition 1 in every channel, so that all k enter a network on one scale.
    """

    dim: int = sum(4**k for k in _SIZES)
    shard_nt: int = 1 << 28
    info = StoreInfo(encoder="kmer", fingerprint="1-4-mers-hellinger", pooling="composition", long="whole")

    def embed(self, sequences: Sequence[str]) -> Vectors:
        """Return float32 [len(sequences), 340]."""
        vectors = np.empty((len(sequences), self.dim), dtype=np.float32)
        start = 0
        for chunk in _chunks(sequences):
            first = 0
            for k in _SIZES:
                counts = kmer_counts(chunk, k)
                totals = np.maximum(counts.sum(axis=1, keepdims=True), 1)
                vectors[start : start + len(chunk), first : first + 4**k] = np.sqrt(counts / totals * np.float32(4**k))
                first += 4**k
            start += len(chunk)
        return vectors


def _chunks(sequences: Sequence[str]) -> Iterator[Sequence[str]]:
    """Consecutive runs of at most ``_CHUNK_NT`` nt, or one longer RNA."""
    start = length = 0
    for end, sequence in enumerate(sequences):
        if end > start and length + len(sequence) > _CHUNK_NT:
            yield sequences[start:end]
            start, length = end, 0
        length += len(sequence)
    if start < len(sequences):
        yield sequences[start:]
