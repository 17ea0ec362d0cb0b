"""What an encoder is to the tools that use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cupid_tools.errors import InputError
from cupid_tools.io.store import StoreInfo, Vectors
from cupid_tools.vocab import Rna


class Encoder(Protocol):
    """Turns the sequence of an RNA into one vector; knows nothing of files.

    An encoder of token states fits by pooling inside ``embed``: how it pools and what it does with RNAs above its
    context are its settings, told by ``info``.

    Attributes:
        dim: channels of a vector.
        max_length: longest RNA that ``embed`` takes, in nt; None where it takes any, whole or by its own policy.
        info: names everything that the vectors depend on; stores and models of different ``info`` do not mix.
    """

    dim: int
    max_length: int | None
    info: StoreInfo

    def embed(self, sequences: Sequence[str]) -> Vectors:
        """Return float32 [len(sequences), dim]; a vector does not depend on the other sequences of the call."""
        ...


def check_length(encoder: Encoder, rna: Rna, source: str) -> None:
    """Raise InputError when *rna*, read from *source*, is longer than *encoder* takes."""
    length, longest = len(rna.sequence), encoder.max_length
    if longest is not None and length > longest:
        raise InputError(
            source,
            f"RNA {rna.id!r} has {length:,} nt, and encoder {encoder.info.encoder} takes {longest:,}",
            line=rna.line or None,
            hint=f"cupid-filter --max-length {longest} leaves such RNAs out",
        )
