"""What a classifier of pairs is to training and scoring."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn


class Classifier(nn.Module):
    """Answers how likely two RNAs interact, in the order in which they are given.

    It is built as ``kind(dim, config)``: the channels of an RNA's vector, and an instance of its ``Config``.

    The work is in two parts, so that in scoring many pairs each RNA is met once. Letters: B pairs, N RNAs, D channels,
    S numbers a side.

    Attributes:
        Config: a frozen dataclass of numbers and strings: what ``[classifier]`` of a recipe holds beside the name.
    """

    Config: ClassVar[type[Any]]

    def prepare(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """From float32 [N, D], what ``compare`` needs of each RNA as the first and as the second of a pair: [N, S]."""
        raise NotImplementedError

    def compare(self, first: Tensor, second: Tensor) -> Tensor:
        """Logits [B] from the prepared sides of B pairs, [B, S] each."""
        raise NotImplementedError

    def forward(self, pairs: Tensor) -> Tensor:
        """Logits [B] from float32 [B, 2, D], the vectors of B pairs."""
        return self.compare(self.prepare(pairs[:, 0])[0], self.prepare(pairs[:, 1])[1])
