"""From the states of tokens to the vector of an RNA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from cupid_tools.io.store import Vectors
from cupid_tools.models.encoders.settings import CLS, MAX, MEAN, MEAN_MAX
from cupid_tools.models.encoders.windows import Window

_PARTS = {MEAN: (MEAN,), MAX: (MAX,), MEAN_MAX: (MEAN, MAX), CLS: (CLS,)}


class Scale(NamedTuple):
    """What a channel is over many RNAs.

    Attributes:
        mean, deviation: float32 [D], of the mean states of RNAs; no deviation is 0.
    """

    mean: Vectors
    deviation: Vectors

    def standardise(self, vectors: Vectors) -> None:
        """Change vectors, float32 [N, D * parts], in place: each channel less its mean, in units of its deviation."""
        channels = len(self.mean)
        parts = vectors.reshape(len(vectors), vectors.shape[1] // channels, channels)
        parts -= self.mean
        parts /= self.deviation


def pooled_dim(pooling: str, dim: int) -> int:
    """Channels of a pooled vector."""
    return dim * len(_PARTS.get(pooling, (pooling,)))


def pool_windows(states: Tensor, windows: Sequence[Window], before: int, pooling: str) -> Tensor:
    """Pool windows of one length.

    Args:
        states: [W, before + tokens + after, D]; special tokens before and after those of the RNA.
        windows: the W windows; only the tokens that they own count.
        before: special tokens before the RNA's.
        pooling: any of ``POOLINGS`` but ``none``.

    Returns:
        float32 [W, ``pooled_dim``].
    """
    if pooling == CLS:
        return states[:, 0].float()
    tokens = states[:, before : before + windows[0].tokens].float()
    if all(window.owned == window.tokens for window in windows):
        return torch.cat([_reduce(tokens, part) for part in _PARTS[pooling]], dim=1)
    return torch.cat([_pool_owned(one, window, pooling) for one, window in zip(tokens, windows, strict=True)])


def _pool_owned(tokens: Tensor, window: Window, pooling: str) -> Tensor:
    """Pool the tokens [T, D] that a window owns: [1, ``pooled_dim``]."""
    owned = tokens[None, window.own]
    return torch.cat([_reduce(owned, part) for part in _PARTS[pooling]], dim=1)


def _reduce(tokens: Tensor, part: str) -> Tensor:
    return tokens.mean(dim=1) if part == MEAN else tokens.amax(dim=1)


def join_windows(vectors: Vectors, windows: Sequence[Window], rnas: int, pooling: str) -> Vectors:
    """One vector for each RNA from those of its windows.

    A mean is weighted by the tokens that a window owns, a maximum is that of all windows, and ``cls`` is the plain
    mean over windows.

    Args:
        vectors: float32 [W, channels].
        windows: the W windows, ordered by RNA.
        rnas: number of RNAs, each of which has at least one window.
        pooling: any of ``POOLINGS`` but ``none``.

    Returns:
        float32 [rnas, channels].
    """
    if len(windows) == rnas:
        return vectors
    first = np.flatnonzero(np.diff([window.rna for window in windows], prepend=-1))
    weights = np.array([1 if pooling == CLS else window.owned for window in windows], dtype=np.float64)
    blocks = np.split(vectors, len(_PARTS[pooling]), axis=1)
    joined = [
        np.maximum.reduceat(block, first)
        if part == MAX
        else np.add.reduceat(block * weights[:, None], first) / np.add.reduceat(weights, first)[:, None]
        for part, block in zip(_PARTS[pooling], blocks, strict=True)
    ]
    return np.concatenate(joined, axis=1).astype(np.float32)
