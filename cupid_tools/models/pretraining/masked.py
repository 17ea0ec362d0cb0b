"""An encoder that fills in what was hidden (Devlin et al. 2018, https://doi.org/10.48550/arXiv.1810.04805)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cupid_tools.models.encoders.packed import Groups
from cupid_tools.models.pretraining.alphabet import FIRST_NUCLEOTIDE, MASK, VOCABULARY
from cupid_tools.models.pretraining.base import Answer, PretrainingModel, Question, lengths_of
from cupid_tools.models.pretraining.corpus import ENDS, Sequences
from cupid_tools.models.pretraining.network import NetworkSettings
from cupid_tools.vocab import NUCLEOTIDES

_HIDDEN, _CHANGED = 0.8, 0.1
"""Of the nucleotides that are asked for: behind MASK, and replaced by any nucleotide; the others stay as they are."""


class Masked(PretrainingModel):
    """The encoder alone; the states of nucleotides that are asked for become letters."""

    def __init__(self, settings: NetworkSettings, types: int) -> None:
        super().__init__(settings, types)
        self.letters = nn.Linear(settings.states, VOCABULARY)

    def ask(self, sequences: Sequences, mask_share: float, rng: np.random.Generator) -> Question:
        """Ask for *mask_share* of the nucleotides; N is never asked for."""
        asked, how, letter = rng.random((len(sequences.tokens), 3)).T  # so much a token, however a step is parted
        places = np.flatnonzero((sequences.tokens >= FIRST_NUCLEOTIDE) & (asked < mask_share))
        shown = sequences.tokens.copy()
        shown[places[how[places] < _HIDDEN]] = MASK
        changed = places[(how[places] >= _HIDDEN) & (how[places] < _HIDDEN + _CHANGED)]
        shown[changed] = FIRST_NUCLEOTIDE + (letter[changed] * len(NUCLEOTIDES)).astype(np.int64)
        return Question(shown, sequences.groups, places, sequences.tokens[places])

    def forward(self, shown: Tensor, groups: Groups, places: Tensor, written: Tensor | None) -> Answer:
        """Letters at *places* of the tokens shown."""
        states = self.encoder(shown, groups)
        return self.answered(states[places], states, groups)

    def rewrite(self, sequences: Sequences, question: Question) -> list[NDArray[np.int64]]:
        """The RNAs with their hidden nucleotides filled in; a nucleotide that was not asked for is kept."""
        device = self.letters.weight.device
        shown, places = (torch.from_numpy(array).to(device) for array in (question.shown, question.places))
        answer = self(shown, question.groups, places, None)
        filled = sequences.tokens.copy()
        filled[question.places] = answer.letters.argmax(-1).cpu().numpy()
        lengths = lengths_of(sequences.groups)
        ends = np.cumsum(lengths + ENDS)
        return [filled[end - length - 1 : end - 1] for end, length in zip(ends, lengths, strict=True)]
