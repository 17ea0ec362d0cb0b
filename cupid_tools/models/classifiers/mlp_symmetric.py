"""The published net made to forget the order of a pair by its form, not by asking twice."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from cupid_tools.models.classifiers.net import Net


class SymmetricMlp(Net):
    """As ``Mlp``, but the first layer's states of (a, b) and of (b, a) are added up before they go on.

    An addition forgets the order, so the score does to the last bit; and only the cheapest layer is asked twice.
    """

    def prepare(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Both halves of the first layer's product side by side, [N, 2 H]; the same for either place in a pair."""
        halves = torch.cat(self._halves(vectors), dim=1)
        return halves, halves

    def join(self, first: Tensor, second: Tensor) -> Tensor:
        """States [B, H] from halves [B, 2 H] each."""
        (a1, b1), (a2, b2) = first.chunk(2, dim=1), second.chunk(2, dim=1)
        return functional.relu(a1 + b2) + functional.relu(a2 + b1)
