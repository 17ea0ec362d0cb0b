"""Sequences of many lengths in one forward pass without padding, through transformers' own networks.

All tokens of a batch stand in one row [1, T], with explicit positions. Everything but attention works on single tokens
and does not notice; attention goes through the groups of equal length, each with one fused call and no mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

Groups = Sequence[tuple[int, int]]
"""(how many sequences, tokens of each), in the order in which they are packed."""

PACKED = "cupid_packed"
"""Name of the attention for ``attn_implementation``."""


def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    groups: Groups,
    scaling: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attend within each sequence.

    Args:
        query, key, value: [1, heads, T, channels of a head].
        attention_mask: unused; the groups say what belongs together.
        groups: cover all T tokens.

    Returns:
        [1, T, heads, channels of a head], and no weights.
    """
    causal = bool(getattr(module, "is_causal", False))
    q, k, v = (states[0].transpose(0, 1) for states in (query, key, value))
    return attend(q, k, v, groups, groups, causal=causal, scale=scaling)[None], None


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    groups: Groups,
    key_groups: Groups,
    *,
    causal: bool,
    scale: float | None = None,
) -> Tensor:
    """Attend within each sequence, or from each sequence to another.

    Args:
        query: [T, heads, channels of a head].
        key, value: [S, heads, channels of a head].
        groups: cover the T tokens.
        key_groups: cover the S tokens; as many groups, of as many sequences each.
        causal: whether a token sees only those before it.
        scale: of the products; None stands for 1 / sqrt(channels of a head).

    Returns:
        [T, heads, channels of a head].
    """
    found = (
        _attended(q, k, v, causal, scale).transpose(1, 2)
        for q, k, v in zip(_parts(query, groups), _parts(key, key_groups), _parts(value, key_groups), strict=True)
    )
    if torch.is_grad_enabled():  # writing into one tensor would cost its gradient a copy of all of it a group
        return torch.cat([attended.flatten(0, 1) for attended in found])
    output = query.new_empty(query.shape)  # of all groups' results one lives at a time
    for attended, place in zip(found, _split(output, groups), strict=True):
        place.unflatten(0, attended.shape[:2]).copy_(attended)
    return output


def _attended(query: Tensor, key: Tensor, value: Tensor, causal: bool, scale: float | None) -> Tensor:
    """[B, heads, T, channels] from keys and values [B, heads, S, channels]."""
    if not (torch.is_grad_enabled() and query.device.type == "cpu"):
        return functional.scaled_dot_product_attention(query, key, value, is_causal=causal, scale=scale)
    with torch.autocast("cpu", enabled=False):  # in bf16 the gradient takes four times as long
        q, k, v = query.float(), key.float(), value.float()
        return functional.scaled_dot_product_attention(q, k, v, is_causal=causal, scale=scale).to(query.dtype)


def _parts(states: Tensor, groups: Groups) -> list[Tensor]:
    """Each group as [sequences, heads, length, channels of a head]."""
    return [
        part.unflatten(0, group).transpose(1, 2) for part, group in zip(_split(states, groups), groups, strict=True)
    ]


def _split(states: Tensor, groups: Groups) -> Sequence[Tensor]:
    """The rows of each group, by one call, whose gradient is one concatenation."""
    parts: Sequence[Tensor] = states.split([count * length for count, length in groups])
    return parts


def positions(groups: Groups, first: int, device: torch.device) -> Tensor:
    """The position of every token in its sequence, counted from *first*: int64 [1, T]."""
    runs = [np.tile(np.arange(first, first + length), count) for count, length in groups]
    return to_device(np.concatenate(runs), device)[None]


def to_device(numbers: NDArray[np.int64], device: torch.device) -> Tensor:
    """Copy *numbers* to *device*; a GPU goes on computing meanwhile."""
    tensor = torch.from_numpy(numbers)
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)


def unpacked(tokens: Tensor, groups: Groups) -> list[Tensor]:
    """The tokens [T] of each group as [sequences, length], for networks that know no packing."""
    parts = torch.split(tokens, [count * length for count, length in groups])
    return [part.view(count, length) for part, (count, length) in zip(parts, groups, strict=True)]


def _no_mask(*_: Any, **__: Any) -> None:
    return None


AttentionInterface.register(PACKED, packed_attention)
AttentionMaskInterface.register(PACKED, _no_mask)
