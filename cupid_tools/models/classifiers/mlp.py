"""The net of ncRNA-CUPID and miRInter-Trans."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from cupid_tools.errors import UsageError
from cupid_tools.models import FREE, ORDERS
from cupid_tools.models.classifiers.net import Net, NetConfig


@dataclass(frozen=True)
class MlpConfig(NetConfig):
    """Size of the net, and how it is asked.

    Attributes:
        order: one of ``models.ORDERS``.
    """

    order: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.order not in ORDERS:
            raise UsageError(f"order is {self.order!r} (known: {', '.join(ORDERS)})")


class Mlp(Net):
    """Both vectors side by side, hidden layers of ReLU and dropout, one logit."""

    Config = MlpConfig

    def __init__(self, config: MlpConfig, dim: int) -> None:
        super().__init__(config, dim)
        self.both_orders = config.order == FREE

    def prepare(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """The halves of the first layer's product, [N, H] each."""
        return self._halves(vectors)

    def join(self, first: Tensor, second: Tensor) -> Tensor:
        """States [B, H] from halves [B, H] each."""
        return functional.relu(first + second, inplace=True)

    def forward(self, pairs: Tensor) -> Tensor:
        """Logits [B] from float32 [B, 2, D], with one product for both vectors."""
        return self._rest(functional.relu(self.hidden[0](pairs.flatten(1)), inplace=True))
