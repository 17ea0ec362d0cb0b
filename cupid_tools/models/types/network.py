"""A transformer that reads the nucleotides of an RNA, and tells its type from the mean of their states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from cupid_tools.evaluation.metrics import Floats
from cupid_tools.io.store import StoreInfo
from cupid_tools.models.classifiers import SEQUENCES
from cupid_tools.models.dataset import Rnas
from cupid_tools.models.device import repeatable
from cupid_tools.models.encoders.base import SequenceError
from cupid_tools.models.encoders.language_model import LanguageModelEncoder
from cupid_tools.models.encoders.own import Own
from cupid_tools.models.encoders.packed import Groups
from cupid_tools.models.encoders.settings import FP32, MEAN, WINDOW, EncoderSettings
from cupid_tools.models.fitting import NoNumberError, check
from cupid_tools.models.pretraining import RANDOM
from cupid_tools.models.pretraining.base import mean_states
from cupid_tools.models.pretraining.network import Network, NetworkSettings
from cupid_tools.models.types.data import TypeData
from cupid_tools.models.types.stages import TypeFit
from cupid_tools.models.types.training import NetworkTraining, fit_network

_ARCHITECTURE = "masked"
"""Whose encoder it is; those of all that cupid-pretrain knows are alike."""


@dataclass(frozen=True)
class TypeNetworkConfig:
    """The sizes of a network.

    Attributes:
        nucleotides: one of ``NUCLEOTIDE_VECTORS``.
        width: channels of a state.
        layers: blocks of attention and feed-forward.
        heads: of the attention in each.
        feed_forward: channels inside a block, as a multiple of *width*.
        dropout: share of the channels left out while training.
        max_length: nt that are read at once: of a longer RNA a stretch in each epoch of training, and later all of it
            in windows of this length, each nucleotide counting once.
        stem, readout: see ``NetworkSettings``.
    """

    nucleotides: str = RANDOM
    width: int = 64
    layers: int = 4
    heads: int = 4
    feed_forward: int = 4
    dropout: float = 0.1
    max_length: int = 1022
    stem: int = 0
    readout: int = 0

    def __post_init__(self) -> None:
        check(self.max_length >= 1, "max-length must be at least 1")
        _ = self.network  # which checks the sizes

    @property
    def network(self) -> NetworkSettings:
        """The same for the network itself."""
        return NetworkSettings(
            architecture=_ARCHITECTURE,
            nucleotides=self.nucleotides,
            width=self.width,
            layers=self.layers,
            heads=self.heads,
            feed_forward=self.feed_forward,
            dropout=self.dropout,
            stem=self.stem,
            readout=self.readout,
        )

    @property
    def overlap(self) -> int:
        """Nucleotides that neighbouring windows share."""
        return self.max_length // 8


class TypeNetwork(nn.Module):
    """Packed tokens to logits of C types, one row an RNA."""

    def __init__(self, config: TypeNetworkConfig, types: int) -> None:
        super().__init__()
        self.encoder = Network(config.network)
        self.types = nn.Linear(config.network.states, types)

    def forward(self, tokens: Tensor, groups: Groups) -> Tensor:
        """Int64 [T], START and END around each RNA, to [RNAs, C]."""
        logits: Tensor = self.types(mean_states(self.encoder(tokens, groups), groups))
        return logits


class NetworkOfTypes:
    """A ``TypeClassifier``."""

    reads: ClassVar[str] = SEQUENCES
    Config: ClassVar[type[Any]] = TypeNetworkConfig
    Training: ClassVar[type[Any]] = NetworkTraining

    def __init__(self, config: TypeNetworkConfig, dim: int, types: int) -> None:
        self._config, self._types = config, types
        self._answering: _Answering | None = None
        self._start: Network | None = None

    def start_from(self, encoder: Network) -> None:
        """Let ``fit`` go on from the numbers of *encoder*, which has the sizes of the configuration."""
        self._start = encoder

    def fit(self, data: TypeData, training: NetworkTraining, *, device: torch.device, seed: int) -> TypeFit:
        """See ``TypeClassifier``."""
        with repeatable(device, seed, "types"):
            network = TypeNetwork(self._config, self._types)
            if self._start is not None:
                network.encoder.load_state_dict(self._start.state_dict())
            network.to(device)

            def valid_logits() -> Floats:
                self._take(network)
                try:
                    return self.logits(data.part(data.valid))
                except SequenceError as error:
                    raise NoNumberError from error  # its numbers have grown too large

            return fit_network(network, valid_logits, data, training, self._config.max_length, seed)

    def load(self, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """See ``TypeClassifier``."""
        network = TypeNetwork(self._config, self._types)
        try:
            network.load_state_dict(dict(tensors))
        except RuntimeError as error:
            raise ValueError(str(error)) from error
        self._take(network.to(device))

    def logits(self, rnas: Rnas) -> Floats:
        """See ``TypeClassifier``; an RNA of several windows has one mean of all its nucleotides' states."""
        assert self._answering is not None, "neither fitted nor loaded"
        reader, weight, offset = self._answering
        states = reader.embed(cast("Sequence[str]", rnas)).astype(np.float64)
        return np.stack([(states * row).sum(axis=1) for row in weight], axis=1) + offset

    def _take(self, network: TypeNetwork) -> None:
        """Answer with *network* as it is now."""
        config, head = self._config, network.types
        info = StoreInfo("network", "types", MEAN, f"{WINDOW}:{config.overlap}", FP32)
        settings = EncoderSettings(pooling=MEAN, long=WINDOW, overlap=config.overlap, precision=FP32)
        self._answering = _Answering(
            LanguageModelEncoder([Own(network.encoder, None, config.max_length).eval()], info, settings),
            *(part.detach().cpu().double().numpy() for part in (head.weight, head.bias)),
        )


class _Answering(NamedTuple):
    """A network as it was when it was taken.

    Attributes:
        reader: gives the mean state of each RNA.
        weight, offset: of the types, float64 [C, width] and [C].
    """

    reader: LanguageModelEncoder
    weight: Floats
    offset: Floats
