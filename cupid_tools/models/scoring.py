"""From vectors and pairs to the scores of a net: probabilities that two RNAs interact."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cupid_tools.models.encoders.precision import DTYPES
from cupid_tools.models.encoders.settings import FP32

if TYPE_CHECKING:
    from cupid_tools.models.classifiers.net import Net

_BLOCK = 1024  # rows of every matrix product: one shape, so that a score does not depend on its neighbours


class PairScorer:
    """Scores pairs among N RNAs; see ``classifiers.base.Scorer``.

    Letters: N RNAs, D channels, n pairs.
    """

    def __init__(self, net: Net, vectors: Tensor) -> None:
        """Prepare float32 [N, D] *vectors* on the device of *net*."""
        self._net = net.eval()
        with torch.inference_mode():
            sides = [net.prepare(block) for block in _full_blocks(vectors)]
        self._first, self._second = (torch.cat(side)[: len(vectors)] for side in zip(*sides, strict=True))

    def scores(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
        """Probabilities, float64 [n], of the pairs of RNAs at positions *first* and *second*, [n] each."""
        device = self._first.device
        blocks = zip(_full_blocks(torch.as_tensor(first)), _full_blocks(torch.as_tensor(second)), strict=True)
        with torch.inference_mode(), self._products(device):
            parts = [self._probabilities(a.to(device), b.to(device)) for a, b in blocks]
            return torch.cat(parts)[: len(first)].cpu().numpy()

    def _products(self, device: torch.device) -> torch.autocast:
        precision = self._net.precision
        return torch.autocast(device.type, dtype=DTYPES[precision], enabled=precision != FP32)

    def _probabilities(self, a: Tensor, b: Tensor) -> Tensor:
        forward = self._one_order(a, b)
        return (forward + self._one_order(b, a)) / 2 if self._net.both_orders else forward

    def _one_order(self, a: Tensor, b: Tensor) -> Tensor:
        logits = self._net.compare(self._first[a], self._second[b])
        return logits.double().sigmoid()  # in float32 all confident pairs would tie at 1


def _full_blocks(rows: Tensor) -> Iterator[Tensor]:
    """*rows* in blocks of exactly ``_BLOCK``, the last one filled up with zeros."""
    for block in torch.split(rows, _BLOCK):
        missing = _BLOCK - len(block)
        yield torch.cat([block, block.new_zeros((missing, *block.shape[1:]))]) if missing else block
