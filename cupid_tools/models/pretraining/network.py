"""The transformer of our own encoders: norm first, rotary positions, packed batches.

Rotary positions (Su et al. 2021, https://doi.org/10.48550/arXiv.2104.09864) are relative, so that no length is
built in. Sequences stand one after the other in one row of T tokens, and attention goes through their groups.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from cupid_tools.errors import UsageError
from cupid_tools.models.encoders.packed import Groups, attend, positions
from cupid_tools.models.pretraining import ARCHITECTURES, CHEMICAL, NUCLEOTIDE_VECTORS
from cupid_tools.models.pretraining.alphabet import FIRST_NUCLEOTIDE, PAD, VOCABULARY
from cupid_tools.vocab import NUCLEOTIDES

_ROTARY_BASE = 10_000.0

CHEMISTRY = {
    "O": (0, 1, 1, 2),
    "N": (5, 5, 3, 2),
    "C": (5, 5, 4, 4),
    "H": (5, 5, 5, 4),
    "formation enthalpy of the solid, kJ/mol": (96.9, -183.9, -221.0, -424.4),
    "combustion enthalpy, kJ/mol": (-2779.0, -2498.2, -2067.0, -1721.3),
    "molar mass, g/mol": (135, 151, 111, 112),
    "hydrogen bonds": (2, 3, 3, 2),
}
"""What RNA_transformer's custom embedding tells of the bases A, G, C and U, in this order."""
_CHEMISTRY_ORDER = "AGCU"


@dataclass(frozen=True)
class NetworkSettings:
    """The sizes of a network.

    Attributes:
        architecture: one of ``ARCHITECTURES``, what the network is part of.
        nucleotides: one of ``NUCLEOTIDE_VECTORS``.
        width: channels of a state.
        layers: blocks of attention and feed-forward.
        heads: of the attention in each.
        feed_forward: channels inside a block, as a multiple of *width*.
        dropout: share of the channels left out while training.
        stem: tokens, an odd number, that a convolution sees together before the first layer; 0 for none.
        readout: channels of a state that is read off the last layer; 0 leaves it at *width*.
    """

    architecture: str
    nucleotides: str
    width: int
    layers: int
    heads: int
    feed_forward: int
    dropout: float
    stem: int = 0
    readout: int = 0

    @property
    def states(self) -> int:
        """Channels of a state."""
        return self.readout or self.width

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise UsageError(f"architecture is {self.architecture!r} (known: {', '.join(ARCHITECTURES)})")
        if self.nucleotides not in NUCLEOTIDE_VECTORS:
            raise UsageError(f"nucleotides are {self.nucleotides!r} (known: {', '.join(NUCLEOTIDE_VECTORS)})")
        if min(self.width, self.layers, self.heads, self.feed_forward) < 1:
            raise UsageError("width, layers, heads and feed-forward must be at least 1")
        if self.width % (2 * self.heads):
            raise UsageError(
                f"a width of {self.width} cannot be shared by {self.heads} heads",
                hint=f"give a multiple of {2 * self.heads}",
            )
        if self.nucleotides == CHEMICAL and self.width <= len(CHEMISTRY):
            raise UsageError(f"chemical nucleotides need a width above {len(CHEMISTRY)}")
        if self.readout < 0 or self.stem < 0 or (self.stem and self.stem % 2 == 0):
            raise UsageError("stem must be 0 or odd, and readout at least 0")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"dropout is {self.dropout:g} (it must be at least 0 and below 1)")


class Packed(NamedTuple):
    """What attention needs to know of sequences that stand in one row.

    Attributes:
        groups: of equal length, in the order of the row.
        cosines, sines: float [T, 1, channels of a head / 2], of the rotary positions.
    """

    groups: Groups
    cosines: Tensor
    sines: Tensor


class Network(nn.Module):
    """Tokens to states: the encoder.

    A stem gives the first layer words of nucleotides instead of single ones, and a readout makes of the last layer's
    states something that can be averaged: a mean of nonlinear channels tells of words as counts of k-mers do.

    Attributes:
        settings: its sizes.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.settings = settings
        self.nucleotides = Nucleotides(settings)
        self.stem = Stem(settings, settings.width) if settings.stem else None
        self.blocks = nn.ModuleList(Block(settings) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(settings.width)
        self.readout = nn.Linear(settings.width, settings.readout) if settings.readout else None
        self.words = Stem(settings, settings.readout) if settings.stem and settings.readout else None
        self._rotated = settings.width // settings.heads

    def forward(self, tokens: Tensor, groups: Groups) -> Tensor:
        """Packed tokens, int64 [T], START and END among them, to states [T, settings.states]."""
        states = self.nucleotides(tokens)
        if self.stem is not None:
            states = functional.gelu(states + self.stem(tokens, groups))
        packed = packed_row(groups, self._rotated, states)
        for block in self.blocks:
            states = block(states, packed)
        normed: Tensor = self.norm(states)
        if self.readout is None:
            return normed
        told = self.readout(normed)
        return functional.gelu(told if self.words is None else told + self.words(tokens, groups))


class Stem(nn.Module):
    """The sum of what the tokens around a token tell at their distance, itself among them: a convolution of them.

    Written as a look-up it costs next to nothing.
    """

    def __init__(self, settings: NetworkSettings, width: int) -> None:
        super().__init__()
        self._reach = settings.stem // 2
        self.told = nn.EmbeddingBag(settings.stem * VOCABULARY, width, mode="sum", padding_idx=PAD)
        nn.init.normal_(self.told.weight, std=settings.stem**-0.5)  # their sum is as large as what a nucleotide tells

    def forward(self, tokens: Tensor, groups: Groups) -> Tensor:
        """Int64 [T] to [T, width]; what lies beyond the ends of a sequence tells nothing."""
        size = 2 * self._reach + 1
        parts = tokens.split([count * length for count, length in groups])
        padded = [
            functional.pad(part.unflatten(0, group), (self._reach,) * 2, value=PAD)
            for part, group in zip(parts, groups, strict=True)
        ]
        around = torch.cat([part.unfold(1, size, 1).flatten(0, 1) for part in padded])  # [T, size]
        places = around + VOCABULARY * torch.arange(size, device=tokens.device)
        told: Tensor = self.told(torch.where(around == PAD, PAD, places))
        return told


class Decoder(nn.Module):
    """Tokens that were written so far, and the states of an encoder, to states that tell the next token."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.nucleotides = Nucleotides(settings)
        self.blocks = nn.ModuleList(Block(settings, decodes=True) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(settings.width)
        self._rotated = settings.width // settings.heads

    def forward(self, tokens: Tensor, groups: Groups, encoded: Tensor, encoded_groups: Groups) -> Tensor:
        """Packed tokens, int64 [T], and the encoder's states [S, channels], as many sequences a group: [T, width]."""
        states = self.nucleotides(tokens)
        packed = packed_row(groups, self._rotated, states)
        source = packed_row(encoded_groups, self._rotated, states)
        for block in self.blocks:
            states = block(states, packed, encoded, source)
        normed: Tensor = self.norm(states)
        return normed


class Nucleotides(nn.Module):
    """The vectors of tokens: learned, and where they are ``chemical`` with channels that chemistry gives.

    Tokens that are no nucleotides have 0 in those channels, which is the mean of the four.
    """

    chemistry: Tensor | None

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        chemical = settings.nucleotides == CHEMICAL
        self.learned = nn.Embedding(VOCABULARY, settings.width - (len(CHEMISTRY) if chemical else 0))
        self.register_buffer("chemistry", _chemistry() if chemical else None, persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Int64 [T] to [T, width]."""
        learned: Tensor = self.learned(tokens)
        if self.chemistry is None:
            return learned
        return torch.cat([self.chemistry[tokens].to(learned.dtype), learned], dim=-1)


class Block(nn.Module):
    """Attention and a feed-forward part, each behind a norm; in a decoder also attention to what was encoded."""

    def __init__(self, settings: NetworkSettings, *, decodes: bool = False) -> None:
        super().__init__()
        width, inside = settings.width, settings.width * settings.feed_forward
        self.attention_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.attended = nn.Linear(width, width, bias=False)
        if decodes:
            self.encoded_norm = nn.LayerNorm(width)
            self.encoded_query = nn.Linear(width, width, bias=False)
            self.encoded_key_value = nn.Linear(settings.states, 2 * width, bias=False)
            self.encoded_attended = nn.Linear(width, width, bias=False)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, inside)
        self.contract = nn.Linear(inside, width)
        self.dropout = nn.Dropout(settings.dropout)
        self._heads = settings.heads
        self._decodes = decodes

    def forward(
        self, states: Tensor, packed: Packed, encoded: Tensor | None = None, source: Packed | None = None
    ) -> Tensor:
        """[T, width] to [T, width]; *encoded* [S, channels] is what a decoder looks at."""
        found = self._to_itself(self.attention_norm(states), packed)
        states = states + self.dropout(self.attended(found))
        if encoded is not None and source is not None:
            found = self._to_encoded(self.encoded_norm(states), packed, encoded, source)
            states = states + self.dropout(self.encoded_attended(found))
        inside = functional.gelu(self.expand(self.feed_forward_norm(states)))
        added: Tensor = states + self.dropout(self.contract(inside))
        return added

    def _to_itself(self, states: Tensor, packed: Packed) -> Tensor:
        query, key, value = self._split(self.query_key_value(states), 3)
        query, key = rotated(query, packed), rotated(key, packed)
        return attend(query, key, value, packed.groups, packed.groups, causal=self._decodes).flatten(1)

    def _to_encoded(self, states: Tensor, packed: Packed, encoded: Tensor, source: Packed) -> Tensor:
        (query,) = self._split(self.encoded_query(states), 1)
        key, value = self._split(self.encoded_key_value(encoded), 2)
        query, key = rotated(query, packed), rotated(key, source)
        return attend(query, key, value, packed.groups, source.groups, causal=False).flatten(1)

    def _split(self, states: Tensor, parts: int) -> tuple[Tensor, ...]:
        """[T, parts * width] to as many [T, heads, channels of a head]."""
        return states.view(len(states), parts, self._heads, -1).unbind(1)


def packed_row(groups: Groups, rotated_channels: int, like: Tensor) -> Packed:
    """The rotary positions of sequences, each counted from 0, in the type and on the device of *like*."""
    steps = torch.arange(0, rotated_channels, 2, device=like.device, dtype=torch.float32) / rotated_channels
    frequencies = torch.exp(steps * -math.log(_ROTARY_BASE))
    angles = positions(groups, 0, like.device)[0].float()[:, None, None] * frequencies
    dtype = torch.get_autocast_dtype(like.device.type) if torch.is_autocast_enabled(like.device.type) else like.dtype
    return Packed(groups, angles.cos().to(dtype), angles.sin().to(dtype))


def rotated(states: Tensor, packed: Packed) -> Tensor:
    """Turn pairs of channels by angles that grow with the position: [T, heads, channels] to the same."""
    one, other = states.chunk(2, dim=-1)
    return torch.cat([one * packed.cosines - other * packed.sines, other * packed.cosines + one * packed.sines], dim=-1)


def _chemistry() -> Tensor:
    """What chemistry tells of each token, float32 [VOCABULARY, properties].

    Standardised over the four bases, as what is learned is at the start.
    """
    table = torch.tensor(list(CHEMISTRY.values()), dtype=torch.float64).T  # [4, properties]
    table = (table - table.mean(0)) / table.std(0, correction=0)
    found = torch.zeros(VOCABULARY, table.shape[1])
    for row, letter in zip(table, _CHEMISTRY_ORDER, strict=True):
        found[FIRST_NUCLEOTIDE + NUCLEOTIDES.index(letter)] = row.float()
    return found
