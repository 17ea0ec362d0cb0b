"""Encoders: each turns RNAs into vectors. To add one is a module here and a line in ``ENCODERS``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cupid_tools.registry import Entry, Registry

if TYPE_CHECKING:
    from cupid_tools.models.encoders.base import Encoder
    from cupid_tools.models.encoders.settings import EncoderSettings

ENCODERS = Registry(
    "encoder",
    {
        "mini": Entry(
            "cupid_tools.models.encoders.own:create_mini",
            "the encoder that comes with the tools, 320 channels, RNAs of any length",
        ),
        "kmer": Entry(
            "cupid_tools.models.encoders.kmer:create",
            "composition in 1- to 4-mers, 340 channels, needs no weights",
        ),
        "rnafm": Entry(
            "cupid_tools.models.encoders.rnafm:create",
            "RNA-FM, 640 channels, 1022 nt",
        ),
        "generrna": Entry(
            "cupid_tools.models.encoders.generrna:create",
            "GenerRNA, 1024 channels, 1024 tokens of some 4 nt",
        ),
        "own": Entry(
            "cupid_tools.models.encoders.own:create",
            "as own:FILE, an encoder that cupid-pretrain has made",
        ),
        "hf": Entry(
            "cupid_tools.models.encoders.huggingface:create",
            "as hf:FOLDER, a model of one's own in the format of Hugging Face",
        ),
    },
)
"""Name -> a callable that takes ``EncoderSettings`` and returns a ``base.Encoder``."""

WITH_PATH = {"own": "FILE", "hf": "FOLDER"}
"""Encoders that lie anywhere on disk, and what of."""


def load_encoder(name: str, settings: EncoderSettings) -> Encoder:
    """Make the encoder *name*, which for those ``WITH_PATH`` has the path behind a colon, as in ``hf:FOLDER``.

    Raises:
        UsageError: no such encoder, or settings that it does not take.
        MissingError: its weights or its device are not there.
    """
    from dataclasses import replace

    kind, _, path = name.partition(":")
    encoder: Encoder = ENCODERS.load(kind)(replace(settings, path=path or None))
    return encoder
