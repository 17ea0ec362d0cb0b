"""What the nets on embeddings have in common: how they are built, fitted, loaded, and asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from cupid_tools.errors import UsageError
from cupid_tools.models.classifiers import VECTORS
from cupid_tools.models.dataset import Rnas, TrainingData
from cupid_tools.models.device import repeatable
from cupid_tools.models.dropout import dropout
from cupid_tools.models.encoders.settings import FP32
from cupid_tools.models.fitting import Fit
from cupid_tools.models.scoring import PairScorer
from cupid_tools.models.training import TrainSettings, fit


@dataclass(frozen=True)
class NetConfig:
    """Size of a net.

    Attributes:
        hidden_layers: at least 1.
        hidden_size: units in each.
        dropout: after each hidden layer, while training; 0 <= dropout < 1.
    """

    hidden_layers: int
    hidden_size: int
    dropout: float

    def __post_init__(self) -> None:
        if self.hidden_layers < 1 or self.hidden_size < 1:
            raise UsageError("hidden layers and hidden size must be at least 1")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"dropout is {self.dropout:g} (it must be at least 0 and below 1)")


class Net(nn.Module):
    """Hidden layers of ReLU and dropout, one logit; the first layer's product is done once for each RNA, not each pair.

    That product is W [a; b] + c = W_a a + (W_b b + c), and each half depends on one RNA only.

    Letters: B pairs, N RNAs, D channels, H hidden units.

    Attributes:
        both_orders: whether the score is the mean of those of (a, b) and (b, a).
        precision: of the products of hidden layers when it scores; see ``encoders.precision``.
    """

    reads: ClassVar[str] = VECTORS
    Config: ClassVar[type[Any]] = NetConfig
    Training: ClassVar[type[Any]] = TrainSettings
    both_orders = False
    precision = FP32

    def __init__(self, config: NetConfig, dim: int) -> None:
        super().__init__()
        self._dim = dim
        self._dropout = config.dropout
        with torch.device("meta"):  # no memory for numbers that fit and load replace
            self.hidden = nn.ModuleList([nn.Linear(2 * dim, config.hidden_size)])
            self.hidden += [nn.Linear(config.hidden_size, config.hidden_size) for _ in range(config.hidden_layers - 1)]
            self.output = nn.Linear(config.hidden_size, 1)

    def prepare(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """From float32 [N, D], what ``join`` needs of each RNA as the first and as the second of a pair."""
        raise NotImplementedError

    def join(self, first: Tensor, second: Tensor) -> Tensor:
        """The first hidden layer's states [B, H] of B pairs, after ReLU, from their prepared sides."""
        raise NotImplementedError

    def compare(self, first: Tensor, second: Tensor) -> Tensor:
        """Logits [B] from the prepared sides of B pairs."""
        return self._rest(self.join(first, second))

    def forward(self, pairs: Tensor) -> Tensor:
        """Logits [B] from float32 [B, 2, D], the vectors of B pairs."""
        return self.compare(self.prepare(pairs[:, 0])[0], self.prepare(pairs[:, 1])[1])

    def fit(self, data: TrainingData, training: TrainSettings, *, device: torch.device, seed: int) -> Fit:
        """See ``Classifier``."""
        with repeatable(device, seed, "train"):
            self.to_empty(device=device)
            for layer in (*self.hidden, self.output):
                layer.reset_parameters()
            return fit(self, data, training, device=device, seed=seed)

    def load(self, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """See ``Classifier``."""
        try:
            self.load_state_dict(dict(tensors), assign=True)
        except RuntimeError as error:
            raise ValueError(str(error)) from error
        self.to(device).eval()

    def scorer(self, rnas: Rnas) -> PairScorer:
        """See ``Classifier``."""
        return PairScorer(self, torch.as_tensor(rnas, device=self.output.weight.device))

    def _halves(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Both halves of the first layer's product, [N, H] each; the bias is in the second."""
        layer = self.hidden[0]
        weight_a, weight_b = layer.weight.split(self._dim, dim=1)  # type: ignore[operator]
        return functional.linear(vectors, weight_a), functional.linear(vectors, weight_b, layer.bias)  # type: ignore[arg-type]

    def _rest(self, state: Tensor) -> Tensor:
        state = self._drop(state)
        for layer in self.hidden[1:]:
            state = self._drop(functional.relu(layer(state), inplace=True))
        with torch.autocast(state.device.type, enabled=False):  # in bf16 many pairs would tie
            logits: Tensor = self.output(state.to(self.output.weight.dtype))
        return logits.squeeze(1)

    def _drop(self, state: Tensor) -> Tensor:
        return dropout(state, self._dropout, self.training)
