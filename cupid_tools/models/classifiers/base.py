"""What a classifier of pairs is to training and scoring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cupid_tools.models.dataset import Rnas, TrainingData
from cupid_tools.models.fitting import Fit


class Scorer(Protocol):
    """A classifier that has met N RNAs, each once, and now answers for pairs among them."""

    def scores(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
        """Probabilities, float64 [n], of the pairs of RNAs at positions *first* and *second*, [n] each.

        A score depends on its pair alone, not on which others are asked for, and unless the classifier was told to keep
        the published order it is bitwise the same for (a, b) and (b, a).
        """
        ...


class Classifier(Protocol):
    """Answers how likely two RNAs interact.

    It is built as ``kind(config, dim)``: an instance of its ``Config``, and the channels of an RNA's vector (0 for one
    that reads sequences). New, it knows what its ``Config`` says and no more; ``load`` makes it ready to score, also
    after ``fit``.

    Attributes:
        reads: ``VECTORS`` or ``SEQUENCES``.
        Config: a frozen dataclass of numbers and strings: what ``[classifier]`` of a recipe holds beside the name.
        Training: the same of ``[training]``: how it is fitted.
    """

    reads: ClassVar[str]
    Config: ClassVar[type[Any]]
    Training: ClassVar[type[Any]]

    def __init__(self, config: Any, dim: int) -> None: ...

    def fit(self, data: TrainingData, training: Any, *, device: torch.device, seed: int) -> Fit:
        """Learn from ``data.train``; ``data.valid`` chooses what is kept, and the threshold.

        Equal arguments give equal bits. *training* is an instance of ``Training``. The result is in ``Fit.tensors``;
        the classifier itself may be left as a later epoch had it.

        Raises:
            CupidError: the loss was no number in the first epoch.
            KeyboardInterrupt: it came before the first epoch was done.
        """
        ...

    def load(self, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """Take the tensors that ``Fit.tensors`` holds.

        Raises:
            ValueError: they are not those of such a classifier.
        """
        ...

    def scorer(self, rnas: Rnas) -> Scorer:
        """Meet N RNAs, which are what ``reads`` says."""
        ...
