"""What every published checkpoint must pass before its tensors are taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from cupid_tools.errors import InputError


def float_tensors(state: Mapping[str, Any], source: str) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a checkpoint as float32, without copying those that are.

    Raises:
        InputError: an entry is no tensor of numbers.
    """
    for name, tensor in state.items():
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            raise InputError(source, f"its entry {name!r} is not a tensor of floating-point numbers")
        yield name, tensor.to(torch.float32)


def check_tensors(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], source: str) -> None:
    """Raise InputError unless *found* has the names and shapes of *expected*, and all its numbers are finite."""
    for name in expected:
        if name not in found:
            raise InputError(source, f"lacks the tensor {name!r}", hint="the file is cut short, or of another model")
    for name, tensor in found.items():
        if name not in expected:
            raise InputError(source, f"holds the tensor {name!r}, which this model lacks", hint="it is another model's")
        if tensor.shape != expected[name].shape:
            shapes = f"{list(tensor.shape)}, and its sizes ask for {list(expected[name].shape)}"
            raise InputError(source, f"the tensor {name!r} has shape {shapes}", hint="it is another model's")
        if not torch.isfinite(tensor).all():
            raise InputError(source, f"the tensor {name!r} holds NaN or infinity", hint="fetch the file again")


def expected_tensors(make: Callable[[], nn.Module], source: str) -> dict[str, Tensor]:
    """The state of a network that *make* builds without memory.

    Raises:
        InputError: the sizes that the checkpoint names do not go together.
    """
    try:
        return dict(make().state_dict())
    except (ValueError, RuntimeError) as error:
        raise InputError(source, "its sizes make no network", hint="the file is damaged") from error
