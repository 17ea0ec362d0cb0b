"""Where training and scoring take RNAs from: vectors of a store on disk or of an encoder at work, or sequences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from cupid_tools.errors import InputError, OutOfMemoryError, UsageError, place_of
from cupid_tools.io.store import EmbeddingStore, StoreInfo, Vectors
from cupid_tools.models.dataset import Rnas
from cupid_tools.models.encoders import ENCODERS, WITH_PATH, load_encoder
from cupid_tools.models.encoders.base import BatchMemoryError, Encoder, SequenceError
from cupid_tools.models.encoders.settings import EncoderSettings
from cupid_tools.vocab import Rna


class RnaSource(Protocol):
    """RNAs by id, as a classifier reads them.

    Attributes:
        path: the file behind it, for messages.
        remedy: what to do about an RNA that is not there, for messages.
    """

    path: str
    remedy: str

    @property
    def info(self) -> StoreInfo | None:
        """What made the vectors; None for a source of sequences."""
        ...

    def ids(self) -> list[str]:
        """All RNA ids."""
        ...

    def digests(self, names: Iterable[str]) -> list[str]:
        """Sequence digests of the RNAs *names*."""
        ...

    def read(self, names: Sequence[str]) -> Rnas:
        """Vectors, float32 [len(names), channels], or the sequences of the RNAs *names*."""
        ...


class VectorSource(RnaSource, Protocol):
    """Vectors by RNA id; ``io.store.EmbeddingStore`` is one."""

    @property
    def info(self) -> StoreInfo:
        """What made the vectors."""
        ...

    def read(self, names: Sequence[str]) -> Vectors:
        """Float32 [len(names), channels]."""
        ...


class _Named:
    """RNAs of a FASTA.

    Attributes:
        path: where they come from, for messages.
        remedy: what to do about an RNA without a sequence, for messages.
    """

    remedy = "every id needs a sequence there"

    def __init__(self, rnas: Mapping[str, Rna], path: str) -> None:
        self.path = path
        self._rnas = rnas

    def ids(self) -> list[str]:
        """All RNA ids."""
        return list(self._rnas)

    def digests(self, names: Iterable[str]) -> list[str]:
        """Sequence digests of the RNAs *names*."""
        return [self._rnas[name].digest for name in names]


class RnaSequences(_Named):
    """The sequences themselves."""

    info = None

    def read(self, names: Sequence[str]) -> list[str]:
        """The sequences of the RNAs *names*."""
        return [self._rnas[name].sequence for name in names]


def source_of(embeddings: Sequence[str] | None, rnas: Mapping[str, Rna], fasta: str) -> RnaSource:
    """The RNAs as a classifier learns from them: vectors of the stores *embeddings*, or else sequences.

    Args:
        embeddings: stores, which are checked against the sequences of *rnas*; None for none.
        rnas: id -> RNA; empty where no FASTA is given.
        fasta: where *rnas* come from, for messages.

    Raises:
        InputError: a store holds one vector a nucleotide, or vectors of other sequences.
    """
    if not embeddings:
        return RnaSequences(rnas, fasta)
    store = EmbeddingStore(embeddings)
    store.info.require_pooled(store.path)
    store.check_sequences(rnas)
    return store


class EmbeddedRnas(_Named):
    """Vectors that are computed when they are first asked for, once for each sequence, and then held in memory.

    Attributes:
        info: of the encoder.
    """

    def __init__(self, rnas: Mapping[str, Rna], encoder: Encoder, path: str) -> None:
        super().__init__(rnas, path)
        self.info = encoder.info
        self._encoder = encoder
        self._known: dict[str, Vectors] = {}  # sequence -> [channels]

    def read(self, names: Sequence[str]) -> Vectors:
        """Float32 [len(names), channels].

        Raises:
            InputError: the encoder cannot take an RNA, or gives one vector per nucleotide.
            OutOfMemoryError: an RNA does not fit into memory.
        """
        self.info.require_pooled(self.path)
        rnas = [self._rnas[name] for name in names]
        new: dict[str, Rna] = {}
        for rna in rnas:
            if rna.sequence not in self._known:
                new.setdefault(rna.sequence, rna)
        self._known |= zip(new, embed_rnas(self._encoder, list(new.values()), self.path), strict=True)
        if not names:
            return np.empty((0, self._encoder.dim), dtype=np.float32)
        return np.stack([self._known[rna.sequence] for rna in rnas])


def encoder_like(made: StoreInfo, model_path: str, *, hint: str, settings: Mapping[str, Any]) -> Encoder:
    """The encoder that makes vectors as those are that a model was trained on.

    Args:
        made: what made those.
        model_path: the model, for messages.
        hint: what to do where the encoder is not known here, for messages.
        settings: ``device``, ``threads`` and ``weights_dir``, and others that take the place of the model's; see
            ``EncoderSettings``.

    Raises:
        InputError: the encoder is not known here.
        MissingError: its weights are not here.
    """
    if made.encoder not in ENCODERS or made.encoder in WITH_PATH:  # nobody knows where the file is now
        raise InputError(model_path, f"was made with encoder {made.encoder!r}", hint=hint)
    return load_encoder(made.encoder, EncoderSettings.of_store(made, **settings))


def encoder_of(model_path: str, settings: Mapping[str, Any]) -> Encoder:
    """The encoder that a model needs; see ``encoder_like``.

    Raises:
        UsageError: the model reads sequences.
        InputError: no model, or its encoder is not known here, or has other weights.
        MissingError: the weights are not here.
    """
    import torch

    from cupid_tools.models.checkpoint import load_model

    made = load_model(model_path, torch.device("cpu")).info.store
    if made is None:
        raise UsageError(f"{model_path} reads sequences and needs no vectors", hint="name a model that reads vectors")
    hint = "give --encoder, --pooling and --long as for training, in place of --model"
    encoder = encoder_like(made, model_path, hint=hint, settings=settings)
    differs = made.difference(encoder.info)
    if differs:
        raise InputError(model_path, f"has seen other vectors than are made here: {differs}", hint="use its weights")
    return encoder


def embed_rnas(encoder: Encoder, rnas: Sequence[Rna], source: str) -> Vectors:
    """What *encoder* makes of *rnas*, which were read from *source*: float32 [len(rnas) or their nt, channels].

    Raises:
        InputError: the encoder cannot take an RNA; the error names it.
        OutOfMemoryError: an RNA does not fit into memory; the error names it.
    """
    try:
        return encoder.embed([rna.sequence for rna in rnas])
    except SequenceError as error:
        rna = rnas[error.index]
        raise InputError(source, f"RNA {rna.id!r} {error.problem}", line=rna.line or None, hint=error.hint) from error
    except BatchMemoryError as error:
        rna = rnas[error.index]
        place = place_of(source, rna.line or None)
        raise OutOfMemoryError(
            f"{place}: RNA {rna.id!r} of {len(rna.sequence):,} nt does not fit into memory, even alone",
            hint="the same command goes on from here where there is more",
        ) from error
