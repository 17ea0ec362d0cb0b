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
        if not isinstance(name, str) or not _is_plain(tensor):
            raise InputError(source, f"its entry {name!r} is not a tensor of floating-point numbers")
        yield name, tensor.to(torch.float32)


def positive_sizes(names: Mapping[str, str], sizes: Mapping[str, Any], place: str, source: str) -> dict[str, int]:
    """The sizes of a network under transformers' names.

    Args:
        names: transformers' name -> the checkpoint's.
        sizes: by the checkpoint's names.
        place: where the checkpoint keeps them, for messages.
        source: its file, for messages.

    Raises:
        InputError: one is missing, or is no whole number above 0.
    """
    for name in names.values():
        if not isinstance(sizes.get(name), int) or sizes[name] < 1:
            raise InputError(source, f"its {place} lack {name!r}, a whole number above 0", hint="it is another model's")
    return {ours: int(sizes[theirs]) for ours, theirs in names.items()}


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


def expected_tensors(make: Callable[[], nn.Module], layers: int, tensors: int, source: str) -> dict[str, Tensor]:
    """The state of a network that *make* builds without memory.

    Args:
        make: builds the network on torch's device ``meta``.
        layers: that it will have; each takes time to build, so a damaged number of them must not be tried.
        tensors: that the checkpoint holds, at least one a layer.
        source: file of the checkpoint, for messages.

    Raises:
        InputError: the sizes that the checkpoint names do not go together.
    """
    if layers > tensors:
        raise InputError(source, f"asks for {layers:,} layers and holds {tensors:,} tensors", hint="it is damaged")
    try:
        return dict(make().state_dict())
    except (ValueError, RuntimeError) as error:
        raise InputError(source, "its sizes make no network", hint="the file is damaged") from error


def _is_plain(value: Any) -> bool:
    """Whether *value* is a dense tensor of floating-point numbers that are there."""
    return (
        isinstance(value, Tensor)
        and value.is_floating_point()
        and value.layout is torch.strided
        and value.device.type == "cpu"
    )
