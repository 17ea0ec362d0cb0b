"""Where scoring takes the vectors of RNAs from: a store on disk, or an encoder at work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from cupid_tools.io.store import StoreInfo, Vectors
from cupid_tools.models.encoders.base import Encoder, check_length
from cupid_tools.vocab import Rna


class VectorSource(Protocol):
    """Vectors by RNA id; ``io.store.EmbeddingStore`` is one.

    Attributes:
        info: what made the vectors.
        path: the file behind it, for messages.
        remedy: what to do about an RNA without a vector, for messages.
    """

    info: StoreInfo
    path: str
    remedy: str

    def ids(self) -> list[str]:
        """All RNA ids."""
        ...

    def digests(self, names: Iterable[str]) -> list[str]:
        """Sequence digests of the RNAs *names*."""
        ...

    def matrix(self, names: Sequence[str]) -> Vectors:
        """Float32 [len(names), channels]."""
        ...


class EmbeddedRnas:
    """Vectors that are computed when they are first asked for, once for each sequence, and then held in memory.

    Attributes:
        info: of the encoder.
        path: where the RNAs come from, for messages.
        remedy: what to do about an RNA without a sequence, for messages.
    """

    remedy = "every id needs a sequence there"

    def __init__(self, rnas: Mapping[str, Rna], encoder: Encoder, path: str) -> None:
        self.info = encoder.info
        self.path = path
        self._rnas = rnas
        self._encoder = encoder
        self._known: dict[str, Vectors] = {}  # sequence -> [channels]

    def ids(self) -> list[str]:
        """All RNA ids."""
        return list(self._rnas)

    def digests(self, names: Iterable[str]) -> list[str]:
        """Sequence digests of the RNAs *names*."""
        return [self._rnas[name].digest for name in names]

    def matrix(self, names: Sequence[str]) -> Vectors:
        """Float32 [len(names), channels].

        Raises:
            InputError: an RNA is too long for the encoder.
        """
        for name in names:
            check_length(self._encoder, self._rnas[name], self.path)
        sequences = [self._rnas[name].sequence for name in names]
        new = list(dict.fromkeys(sequence for sequence in sequences if sequence not in self._known))
        self._known |= zip(new, self._encoder.embed(new), strict=True)
        if not names:
            return np.empty((0, self._encoder.dim), dtype=np.float32)
        return np.stack([self._known[sequence] for sequence in sequences])
