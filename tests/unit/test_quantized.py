"""Linear layers in int8: close to float32, and blind to the rest of the batch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from cupid_tools.errors import UsageError
from cupid_tools.models.encoders import quantized
from cupid_tools.models.encoders.quantized import QuantizedLinear, quantize, quantize_linears


@pytest.fixture
def rows() -> Tensor:
    """More rows than one block, of very different sizes."""
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(quantized.BLOCK + 77, 64, generator=generator)
    return values * torch.logspace(-6, 6, len(values))[:, None]


@pytest.fixture
def linear() -> nn.Linear:
    torch.manual_seed(2)
    return nn.Linear(64, 48).requires_grad_(False)


def test_quantize_is_within_half_a_step_of_each_row(rows: Tensor) -> None:
    values, scale = quantize(rows)
    assert values.dtype == torch.int8
    assert values.abs().max() == 127
    torch.testing.assert_close(scale[:, 0] * 127, rows.abs().amax(1), rtol=1e-6, atol=0)
    assert ((values * scale - rows).abs() <= 0.5001 * scale).all()


def test_a_negative_row_gives_the_negative(rows: Tensor) -> None:
    assert torch.equal(quantize(-rows)[0], -quantize(rows)[0])


def test_zeros_stay_zeros_and_give_the_bias(linear: nn.Linear) -> None:
    layer = QuantizedLinear(linear.weight.t(), linear.bias)
    assert torch.equal(layer(torch.zeros(3, 64)), linear.bias.expand(3, -1))


def test_a_product_is_that_of_the_quantised_factors(linear: nn.Linear, rows: Tensor) -> None:
    layer = QuantizedLinear(linear.weight.t(), linear.bias)
    values, scale = quantize(rows)
    exact = (values.double() * scale) @ (layer.weight.double() * layer.scale) + linear.bias
    torch.testing.assert_close(layer(rows), exact.float(), rtol=1e-5, atol=1e-5)


def test_a_product_is_near_that_in_float32(linear: nn.Linear, rows: Tensor) -> None:
    layer = QuantizedLinear(linear.weight.t(), None)
    truth = nn.functional.linear(rows, linear.weight)
    assert nn.functional.cosine_similarity(layer(rows), truth).min() > 0.9995


def test_a_row_does_not_depend_on_the_others(linear: nn.Linear, rows: Tensor) -> None:
    layer = QuantizedLinear(linear.weight.t(), linear.bias)
    together = layer(rows)
    assert torch.equal(together, torch.cat([layer(row[None]) for row in rows]))
    order = torch.randperm(len(rows))
    assert torch.equal(layer(rows[order]), together[order])


def test_leading_dimensions_are_kept(linear: nn.Linear, rows: Tensor) -> None:
    layer = QuantizedLinear(linear.weight.t(), linear.bias)
    assert torch.equal(layer(rows[:12].view(3, 4, 64)), layer(rows[:12]).view(3, 4, 48))


def test_nan_does_not_become_a_number(linear: nn.Linear) -> None:
    layer = QuantizedLinear(linear.weight.t(), linear.bias)
    assert layer(torch.full((1, 64), torch.nan)).isnan().all()


def test_every_linear_layer_is_replaced() -> None:
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Sequential(Conv1D(8, 16), nn.LayerNorm(8)), nn.Linear(8, 8))
    model.requires_grad_(False)
    states = torch.randn(5, 8)
    before = model(states)
    quantize_linears(model)
    kinds = [type(module).__name__ for module in model.modules() if not list(module.children())]
    assert kinds == ["QuantizedLinear", "GELU", "QuantizedLinear", "LayerNorm", "QuantizedLinear"]
    assert nn.functional.cosine_similarity(model(states), before).min() > 0.999


def test_a_network_without_linear_layers_is_refused() -> None:
    with pytest.raises(UsageError, match="--precision int8 finds no linear layer in this network"):
        quantize_linears(nn.Sequential(nn.LayerNorm(3)))
