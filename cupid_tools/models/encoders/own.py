"""Encoders that cupid-pretrain has made: ``own:FILE``, and ``mini``, which comes with the package."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import numpy as np
from torch import Tensor

from cupid_tools.errors import UsageError
from cupid_tools.models.encoders.base import Encoder
from cupid_tools.models.encoders.language_model import LanguageModel, Tokens, build_encoder, tokens_of_letters
from cupid_tools.models.encoders.memory import LayerSizes
from cupid_tools.models.encoders.packed import Groups
from cupid_tools.models.encoders.pooling import Scale
from cupid_tools.models.encoders.settings import TRANSFORMERS, WINDOW, EncoderSettings
from cupid_tools.models.pretraining.alphabet import END, START, tokens_of
from cupid_tools.models.pretraining.network import Network
from cupid_tools.models.pretraining.product import read_pretrained

MINI = Path(__file__).parents[1] / "pretraining" / "mini.safetensors"
"""The weights that come with the package."""


def create(settings: EncoderSettings) -> Encoder:
    """The encoder ``own:FILE``."""
    if settings.path is None:
        raise UsageError("encoder own needs a file (write own:FILE)")
    return _encoder("own", Path(settings.path).expanduser(), settings)


def create_mini(settings: EncoderSettings) -> Encoder:
    """The encoder ``mini``."""
    return _encoder("mini", MINI, settings)


class Own(LanguageModel):
    """The encoder of a model that was trained here, on packed sequences."""

    head = (START,)
    tail = (END,)
    long = WINDOW  # positions are relative, and nobody has published another way

    def __init__(self, network: Network, scale: Scale | None, context: int) -> None:
        """Read RNAs with *network*, at most *context* nt at once, and standardise vectors by *scale* if it is told."""
        super().__init__()
        self.network = network
        self.scale = scale
        settings = network.settings
        self.dim = settings.states
        self.context = context
        self.sizes = LayerSizes(settings.width, settings.width * settings.feed_forward, settings.heads)

    def tokenize(self, sequences: Sequence[str]) -> list[Tokens]:
        """One token a nucleotide."""
        return tokens_of_letters(tokens_of(sequences).astype(np.int64), sequences)

    def forward(self, tokens: Tensor, groups: Groups) -> Tensor:
        """States after the last norm: [T] -> [T, dim]."""
        states: Tensor = self.network(tokens, groups)
        return states


def _encoder(name: str, path: Path, settings: EncoderSettings) -> Encoder:
    if settings.implementation != TRANSFORMERS:
        raise UsageError("--implementation reference is for encoder rnafm")
    pretrained = read_pretrained(path)

    def make() -> Own:  # a device has a network of its own
        return Own(deepcopy(pretrained.model.encoder), pretrained.scale, pretrained.max_length)

    return build_encoder(name, pretrained.fingerprint, settings, make)
