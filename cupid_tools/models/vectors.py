"""Where scoring takes the vectors of RNAs from: a store on disk, or an encoder at work."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from cupid_tools.io.pairs import ID_A, ID_B, PairTable
from cupid_tools.io.store import StoreInfo, Vectors
from cupid_tools.models.encoders.base import Encoder
from cupid_tools.vocab import Rna


class VectorSource(Protocol):
    """Vectors by RNA id; ``io.store.EmbeddingStore`` is one.

    Attributes:
        info: what made the vectors.
        path: the file behind it, for messages.
    """

    info: StoreInfo
    path: str

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
    """

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
        """Float32 [len(names), channels]."""
        sequences = [self._rnas[name].sequence for name in names]
        new = list(dict.fromkeys(sequence for sequence in sequences if sequence not in self._known))
        self._known |= zip(new, self._encoder.embed(new), strict=True)
        if not names:
            return np.empty((0, self._encoder.dim), dtype=np.float32)
        return np.stack([self._known[sequence] for sequence in sequences])


def check_pairs(table: PairTable, source: VectorSource, known: Collection[str]) -> None:
    """Raise InputError for the first pair that names an RNA outside of *known*, the ids of *source*."""
    if isinstance(source, EmbeddedRnas):
        table.check_ids(known, source.path)
        return
    shown = source.path.replace("{", "{{").replace("}", "}}")
    for column in (ID_A, ID_B):
        missing = set(table.column(column)).difference(known)
        bad = table.frame[column].isin(missing).to_numpy()
        table.refuse(bad, f"{shown} holds no vector of RNA '{{{column}}}'", hint="run cupid-embed on all RNAs")
