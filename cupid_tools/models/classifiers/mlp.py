"""The net of ncRNA-CUPID and miRInter-Trans."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from cupid_tools.errors import UsageError
from cupid_tools.models.classifiers.base import Classifier
from cupid_tools.models.dropout import dropout


@dataclass(frozen=True)
class MlpConfig:
    """Size of the net.

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


class MlpClassifier(Classifier):
    """Both vectors side by side, hidden layers of ReLU and dropout, one logit."""

    Config = MlpConfig

    def __init__(self, dim: int, config: MlpConfig) -> None:
        super().__init__()
        self._dim = dim
        sizes = [2 * dim, *[config.hidden_size] * config.hidden_layers]
        self.hidden = nn.ModuleList(nn.Linear(inputs, outputs) for inputs, outputs in pairwise(sizes))
        self.output = nn.Linear(config.hidden_size, 1)
        self._dropout = config.dropout

    def prepare(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """The first layer's product W [a; b] + c is W_a a + (W_b b + c), and each half depends on one RNA only."""
        layer = self.hidden[0]
        weight_a, weight_b = layer.weight.split(self._dim, dim=1)  # type: ignore[operator]
        return functional.linear(vectors, weight_a), functional.linear(vectors, weight_b, layer.bias)  # type: ignore[arg-type]

    def compare(self, first: Tensor, second: Tensor) -> Tensor:
        """Logits [B] from [B, hidden_size] each."""
        return self._rest(first + second)

    def forward(self, pairs: Tensor) -> Tensor:
        """Logits [B] from float32 [B, 2, D]."""
        return self._rest(self.hidden[0](pairs.flatten(1)))

    def _rest(self, state: Tensor) -> Tensor:
        for layer in self.hidden[1:]:
            state = layer(self._activate(state))
        logits: Tensor = self.output(self._activate(state))
        return logits.squeeze(1)

    def _activate(self, state: Tensor) -> Tensor:
        return dropout(functional.relu(state, inplace=True), self._dropout, self.training)
