"""What an encoder is to the tools that use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cupid_tools.errors import CupidError, OutOfMemoryError
from cupid_tools.io.store import StoreInfo, Vectors


class SequenceError(CupidError):
    """One of the sequences of a call cannot be embedded; who knows the RNA's name turns this into an InputError.

    Attributes:
        index: place of the sequence in the call.
        problem: what is wrong with it, to follow the name of the RNA.
        hint: how to mend it.
    """

    def __init__(self, index: int, problem: str, *, hint: str | None = None) -> None:
        super().__init__(f"sequence {index} {problem}", hint=hint)
        self.index = index
        self.problem = problem
        self.hint = hint


class BatchMemoryError(OutOfMemoryError):
    """A sequence does not fit into memory, even alone.

    Attributes:
        index: place of the sequence in the call.
    """

    def __init__(self, index: int) -> None:
        super().__init__(f"sequence {index} does not fit into memory")
        self.index = index


class Encoder(Protocol):
    """Turns the sequence of an RNA into one vector, or one a nucleotide; knows nothing of files.

    Attributes:
        dim: channels of a vector.
        shard_nt: nucleotides of a shard, so that a killed run loses minutes at most.
        info: names everything that the vectors depend on; stores and models of different ``info`` do not mix.
    """

    dim: int
    shard_nt: int
    info: StoreInfo

    def embed(self, sequences: Sequence[str]) -> Vectors:
        """Return float32 [len(sequences), dim]; with ``info.pooling`` "none" [nt of all sequences together, dim].

        A vector does not depend on the other sequences of the call.

        Raises:
            SequenceError: the encoder cannot take a sequence, or gives no finite numbers for it.
            BatchMemoryError: a sequence does not fit into memory, even alone.
        """
        ...
