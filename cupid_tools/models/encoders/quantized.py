"""Linear layers in 8-bit integers, for processors that multiply these several times as fast as floating point.

A weight keeps one scale for each output channel, and an activation one for each token, taken from its own largest
value: what a token gives does not depend on the others of its batch, and nothing has to be calibrated on data
(per-token dynamic quantisation; Yao et al. 2022, ZeroQuant, doi:10.48550/arXiv.2206.01861).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from cupid_tools.errors import UsageError

_LARGEST = 127  # -128 is left out, so that a value and its negative are treated alike
_SMALLEST = 1e-30  # keeps a row of zeros at zero
BLOCK = 512  # rows at once: their intermediate results stay in the cache, in memory that is touched again and again


class QuantizedLinear(nn.Module):
    """A linear layer whose product is of int8 with sums in int32; input and output are float32.

    Attributes:
        weight: int8 [in, out].
        scale: float32 [out]; ``weight * scale`` is about the weight that was given.
        bias: float32 [out].
    """

    weight: Tensor
    scale: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        """Quantise *weight*, float32 [in, out]."""
        super().__init__()
        values, scale = quantize(weight.detach().t())
        self.register_buffer("weight", values.t().contiguous())
        self.register_buffer("scale", scale.flatten())
        self.register_buffer("bias", weight.new_zeros(weight.shape[1]) if bias is None else bias.detach())

    def forward(self, states: Tensor) -> Tensor:
        """Return float32 [..., out] for float32 [..., in]."""
        rows = states.flatten(0, -2)
        output = rows.new_empty(len(rows), len(self.scale))
        block = min(BLOCK, len(rows))
        scratch = rows.new_empty(block, rows.shape[1])
        values = torch.empty_like(scratch, dtype=torch.int8)
        sums = torch.empty(block, len(self.scale), dtype=torch.int32)
        for part, result in zip(rows.split(block), output.split(block), strict=True):
            n = len(part)
            scale = _quantize_into(part, scratch[:n], values[:n])
            torch._int_mm(values[:n], self.weight, out=sums[:n])
            result.copy_(sums[:n]).mul_(scale)
            torch.addcmul(self.bias, result, self.scale, out=result)
        return output.view(*states.shape[:-1], -1)


def quantize(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return int8 [N, D] and scales, float32 [N, 1], whose product is about *rows*, float32 [N, D]."""
    values = torch.empty_like(rows, dtype=torch.int8)
    return values, _quantize_into(rows, torch.empty_like(rows), values)


def _quantize_into(rows: Tensor, scratch: Tensor, values: Tensor) -> Tensor:
    """Fill *values*, int8 [N, D], by way of *scratch*, float32 [N, D]; return the scales [N, 1]."""
    largest = torch.abs(rows, out=scratch).amax(dim=-1, keepdim=True).clamp_(min=_SMALLEST)
    values.copy_(torch.mul(rows, _LARGEST / largest, out=scratch).round_())
    return largest / _LARGEST


def quantize_linears(model: nn.Module) -> None:
    """Replace every ``nn.Linear`` and GPT-2's ``Conv1D`` inside of *model*, which is in float32 on the CPU.

    Raises:
        UsageError: there is none.
    """
    layers = [(parent, *child) for parent in model.modules() for child in parent.named_children()]
    if not any(isinstance(layer, nn.Linear | Conv1D) for _, _, layer in layers):
        raise UsageError("--precision int8 finds no linear layer in this network (choose another)")
    for parent, name, layer in layers:
        if isinstance(layer, nn.Linear):
            setattr(parent, name, QuantizedLinear(layer.weight.t(), layer.bias))
        elif isinstance(layer, Conv1D):
            setattr(parent, name, QuantizedLinear(layer.weight, layer.bias))
