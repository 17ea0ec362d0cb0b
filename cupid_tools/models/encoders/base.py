"""What an encoder is to the tools that use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cupid_tools.io.store import StoreInfo, Vectors


class Encoder(Protocol):
    """Turns the sequence of an RNA into one vector; knows nothing of files.

    An encoder of token states fits by pooling inside ``embed``: how it pools and what it does with RNAs above its
    context are its settings, told by ``info``.

    Attributes:
        dim: channels of a vector.
        max_length: longest RNA that is read whole, in nt; None where any is.
        info: names everything that the vectors depend on; stores and models of different ``info`` do not mix.
    """

    dim: int
    max_length: int | None
    info: StoreInfo

    def embed(self, sequences: Sequence[str]) -> Vectors:
        """Return float32 [len(sequences), dim]; a vector does not depend on the other sequences of the call."""
        ...
