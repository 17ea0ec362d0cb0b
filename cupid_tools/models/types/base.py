"""What a classifier of RNA types is to training and prediction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from cupid_tools.evaluation.metrics import Floats
from cupid_tools.models.dataset import Rnas
from cupid_tools.models.types.data import TypeData
from cupid_tools.models.types.stages import TypeFit


class TypeClassifier(Protocol):
    """Answers which of C types an RNA is of.

    It is built as ``kind(config, dim, types)``: an instance of its ``Config``, the channels of an RNA's vector (0 for
    one that reads sequences), and C. ``load`` makes it ready to answer, also after ``fit``.

    Attributes:
        reads: ``VECTORS`` or ``SEQUENCES``.
        Config: a frozen dataclass of numbers: what its form depends on.
        Training: the same: how it is fitted.
    """

    reads: ClassVar[str]
    Config: ClassVar[type[Any]]
    Training: ClassVar[type[Any]]

    def __init__(self, config: Any, dim: int, types: int) -> None: ...

    def fit(self, data: TypeData, training: Any, *, device: torch.device, seed: int) -> TypeFit:
        """Learn from the RNAs of *data* that are not valid; those that are choose what is kept.

        Equal arguments give equal bits. The result is in ``TypeFit.tensors``; the classifier itself may be left as a
        later stage had it.

        Raises:
            CupidError: the loss was no number in the first stage.
            KeyboardInterrupt: it came before the first stage was done.
        """
        ...

    def load(self, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """Take the tensors that ``TypeFit.tensors`` holds.

        Raises:
            ValueError: they are not those of such a classifier.
        """
        ...

    def logits(self, rnas: Rnas) -> Floats:
        """Logits, float64 [N, C], of N RNAs, which are what ``reads`` says; each depends on its RNA alone."""
        ...
