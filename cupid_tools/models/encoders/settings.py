"""What a user may set of an encoder; needs the standard library only, so that a command line can name it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cupid_tools.io.store import StoreInfo

MEAN, MAX, MEAN_MAX, CLS, NONE = POOLINGS = ("mean", "max", "mean+max", "cls", "none")
"""``mean`` and ``max`` run over the RNA's own tokens; ``cls`` is the state of the special token before
them, and ``none`` those of all nucleotides."""

ERROR, TRUNCATE, WINDOW = LONG_POLICIES = ("error", "truncate", "window")
"""What becomes of an RNA above the context: refused, cut as published, or computed in overlapping windows."""

OVERLAP = 128
"""Tokens that neighbouring windows share unless told."""

AUTO, FP32, BF16, FP16, INT8 = PRECISIONS = ("auto", "fp32", "bf16", "fp16", "int8")
"""``int8``: weights and activations of the matrix products, each row with a scale of its own; on CPUs."""

TRANSFORMERS, REFERENCE = IMPLEMENTATIONS = ("transformers", "reference")
"""``reference``: the code of the model's authors."""


@dataclass(frozen=True)
class EncoderSettings:
    """How a language model is run; encoders without settings, such as ``kmer``, refuse all but the defaults.

    Attributes:
        path: the folder of a model that is not in the registry by name, as in ``hf:PATH``.
        pooling: one of ``POOLINGS``.
        long: one of ``LONG_POLICIES``, for RNAs above the context; None stands for what suits the encoder.
        overlap: tokens that neighbouring windows share, with ``window``; None stands for ``OVERLAP``, or half of a
            context that is shorter.
        precision: one of ``PRECISIONS``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``cuda:N,M``.
        threads: CPU threads; None leaves the choice to torch.
        implementation: one of ``IMPLEMENTATIONS``.
        weights_dir: where weights lie; None stands for the user's data folder.
        batch_tokens: tokens that are computed at once; None lets the encoder choose.
    """

    path: str | None = None
    pooling: str = MEAN
    long: str | None = None
    overlap: int | None = None
    precision: str = AUTO
    device: str = "auto"
    threads: int | None = None
    implementation: str = TRANSFORMERS
    weights_dir: str | None = None
    batch_tokens: int | None = None

    @classmethod
    def of_store(
        cls, info: StoreInfo, *, device: str, threads: int | None, weights_dir: str | None, **others: Any
    ) -> EncoderSettings:
        """The settings that make vectors like those of a store; *others* take the place of those."""
        if info.encoder == "kmer":
            return cls(device=device, threads=threads, **others)
        long, _, overlap = info.long.partition(":")
        found = cls(
            pooling=info.pooling,
            long=long,
            overlap=int(overlap) if overlap else None,
            precision=info.precision,
            device=device,
            threads=threads,
            weights_dir=weights_dir,
        )
        return replace(found, **others)
