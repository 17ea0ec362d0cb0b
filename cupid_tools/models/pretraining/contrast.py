"""RNAs of one type drawn together and all others apart, by the means of their states: what an embedding is used for.

The supervised contrastive loss of Khosla et al. 2020 (https://doi.org/10.48550/arXiv.2004.11362, equation 2). An RNA
whose type nobody knows is of a type of its own, and meets another stretch of itself with other nucleotides hidden.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cupid_tools.models.pretraining.corpus import NO_TYPE, Corpus, Numbers

_TEMPERATURE = 0.1


class Partners:
    """Whom each RNA is to be like.

    Args:
        corpus: the RNAs.
        rows: int64 [n], those that may be drawn.
    """

    def __init__(self, corpus: Corpus, rows: Numbers) -> None:
        self._corpus = corpus
        self._rows = rows[np.argsort(corpus.types[rows], kind="stable")]
        self._types = corpus.types[self._rows]

    def with_partners(self, rows: Numbers, rng: np.random.Generator) -> Numbers:
        """The RNAs *rows*, int64 [n], and for each one of its type, which may be itself: int64 [2 n].

        All *rows* are among those that may be drawn.
        """
        types = self._corpus.types[rows]
        first, last = (np.searchsorted(self._types, types, side) for side in ("left", "right"))
        drawn = self._rows[rng.integers(first, last)]
        return np.concatenate([rows, np.where(types == NO_TYPE, rows, drawn)])


def paired(kinds: Numbers) -> int:
    """How many of *kinds*, int64 [RNAs], occur more than once."""
    _, counts = np.unique(kinds, return_counts=True)
    return int(counts[counts > 1].sum())


def contrast_loss(means: Tensor, kinds: Numbers) -> Tensor:
    """The loss of each RNA that meets another of its kind, summed, in nats.

    Args:
        means: float [RNAs, channels].
        kinds: int64 [RNAs], equal where two are to be alike.
    """
    kind = torch.from_numpy(kinds).to(means.device)
    apart = means.float() - means.float().mean(0)  # all means have much in common, which says nothing
    unit = functional.normalize(apart, dim=-1)
    likeness = unit @ unit.T / _TEMPERATURE
    itself = torch.eye(len(kind), dtype=torch.bool, device=kind.device)
    alike = (kind[:, None] == kind) & ~itself
    others = likeness.masked_fill(itself, torch.finfo(likeness.dtype).min)  # -inf has no gradient where nobody else is
    told = torch.log_softmax(others, dim=-1).masked_fill(~alike, 0.0)
    return -(told.sum(-1) / alike.sum(-1).clamp(min=1)).sum()
