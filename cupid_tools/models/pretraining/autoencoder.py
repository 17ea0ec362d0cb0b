"""The vanilla transformer (Vaswani et al. 2017, https://doi.org/10.48550/arXiv.1706.03762), asked to repeat an RNA."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cupid_tools.models.encoders.packed import Groups
from cupid_tools.models.pretraining.alphabet import END, START, VOCABULARY, N
from cupid_tools.models.pretraining.base import Answer, PretrainingModel, Question
from cupid_tools.models.pretraining.corpus import ENDS, Sequences
from cupid_tools.models.pretraining.network import Decoder, NetworkSettings

_SPARE = 8
"""Nucleotides beyond the length of an RNA that a decoder may write before it is stopped."""


class Autoencoder(PretrainingModel):
    """The encoder gives one state a nucleotide, and a decoder writes the RNA from these, letter by letter."""

    def __init__(self, settings: NetworkSettings, types: int) -> None:
        super().__init__(settings, types)
        self.decoder = Decoder(settings)
        self.letters = nn.Linear(settings.width, VOCABULARY)

    def ask(self, sequences: Sequences, mask_share: float, rng: np.random.Generator) -> Question:
        """Ask for every nucleotide and END, each from what stands before it; N is not asked for."""
        written = sequences.tokens[sequences.tokens != END]
        answers = sequences.tokens[sequences.tokens != START]
        places = np.flatnonzero(answers != N)
        return Question(sequences.tokens, sequences.groups, places, answers[places], written)

    def forward(self, shown: Tensor, groups: Groups, places: Tensor, written: Tensor | None) -> Answer:
        """Letters that follow those *written*, at *places*."""
        assert written is not None
        encoded = self.encoder(shown, groups)
        states = self.decoder(written, [(count, length - 1) for count, length in groups], encoded, groups)
        return self.answered(states[places], encoded, groups)

    def rewrite(self, sequences: Sequences, question: Question) -> list[NDArray[np.int64]]:
        """The RNAs as the decoder writes them alone, always the likeliest letter, up to END."""
        shown = torch.from_numpy(question.shown).to(self.letters.weight.device)
        encoded = self.encoder(shown, question.groups)
        ends = np.cumsum([0] + [count * length for count, length in question.groups])
        return [
            row
            for group, (start, end) in zip(question.groups, pairwise(ends), strict=True)
            for row in self._written(encoded[start:end], group)
        ]

    def _written(self, encoded: Tensor, group: tuple[int, int]) -> list[NDArray[np.int64]]:
        """What is written from the states [count * length, channels] of RNAs of one length."""
        count, length = group
        written = torch.full((count, 1), START, device=encoded.device)
        done = torch.zeros(count, dtype=torch.bool, device=encoded.device)
        for size in range(1, length - ENDS + _SPARE + 1):
            states = self.decoder(written.flatten(), [(count, size)], encoded, [group])
            letters = self.letters(states.view(count, size, -1)[:, -1]).argmax(-1)
            written = torch.cat([written, letters[:, None]], dim=1)
            done |= letters == END
            if bool(done.all()):
                break
        rows = written[:, 1:].cpu().numpy()
        return [row[: _end(row)] for row in rows]


def _end(row: NDArray[np.int64]) -> int:
    """Where END stands, or the length of the row."""
    found = np.flatnonzero(row == END)
    return int(found[0]) if len(found) else len(row)
