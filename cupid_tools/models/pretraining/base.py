"""What a model that is pretrained is to the loop that trains it."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cupid_tools.models.encoders.packed import Groups
from cupid_tools.models.pretraining.corpus import ENDS, Numbers, Sequences
from cupid_tools.models.pretraining.network import Network, NetworkSettings


class Question(NamedTuple):
    """What a model is shown, and the tokens that it is asked for.

    Attributes:
        shown: int64 [T], the tokens that the encoder reads.
        groups: of *shown*.
        places: int64 [A], which of the tokens that a model writes are asked for.
        answers: int64 [A], what they are.
        written: int64 [W], what a decoder is given to go on from; None where there is no decoder.
    """

    shown: Numbers
    groups: Groups
    places: Numbers
    answers: Numbers
    written: Numbers | None = None


class Answer(NamedTuple):
    """What a model says.

    Attributes:
        letters: float [A, VOCABULARY], logits of the tokens that were asked for.
        means: float [RNAs, channels], of the states of the nucleotides of each RNA.
        types: float [RNAs, types], logits; None where the model knows no types.
    """

    letters: Tensor
    means: Tensor
    types: Tensor | None


class PretrainingModel(nn.Module):
    """An encoder, and what is needed to train it: a head for RNA types where these count, and one for letters.

    Attributes:
        encoder: what remains when training is over.
        letters: from the states that tell letters to logits, linear.
    """

    letters: nn.Linear

    def __init__(self, settings: NetworkSettings, types: int) -> None:
        """Make a network that tells *types* of RNA apart; 0 for none."""
        super().__init__()
        self.encoder = Network(settings)
        self.types = nn.Linear(settings.states, types) if types else None

    @abstractmethod
    def ask(self, sequences: Sequences, mask_share: float, rng: np.random.Generator) -> Question:
        """Make a question of packed RNAs."""

    @abstractmethod
    def forward(self, shown: Tensor, groups: Groups, places: Tensor, written: Tensor | None) -> Answer:
        """Answer a question whose arrays are tensors on the device of the model."""

    @abstractmethod
    def rewrite(self, sequences: Sequences, question: Question) -> list[NDArray[np.int64]]:
        """What the model makes of each RNA where nobody helps: its nucleotides as tokens, int64 [nt that it writes]."""

    def answered(self, letters: Tensor, states: Tensor, groups: Groups) -> Answer:
        """What a model says that was asked for *letters*; types of RNAs are told from the means of *states*."""
        means = mean_states(states, groups)
        return Answer(self.letters(letters), means, None if self.types is None else self.types(means))


def mean_states(states: Tensor, groups: Groups) -> Tensor:
    """The mean over the nucleotides of each sequence, START and END left out: [T, width] to [RNAs, width]."""
    parts = states.split([count * length for count, length in groups])
    return torch.cat([part.unflatten(0, group)[:, 1:-1].mean(1) for part, group in zip(parts, groups, strict=True)])


def lengths_of(groups: Groups) -> Numbers:
    """The nucleotides of each sequence: int64 [RNAs]."""
    counts, lengths = np.array(groups, dtype=np.int64).reshape(-1, 2).T
    return np.repeat(lengths - ENDS, counts)
