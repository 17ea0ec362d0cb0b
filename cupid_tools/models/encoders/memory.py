"""How much memory a batch of packed sequences takes: predicted before it is run, and measured.

Without gradients only one layer's intermediate results live at a time, so the number of layers does not matter. The
most are alive either in the attention or in the feed-forward block; counted here are those of transformers' layers with
the norm first (ESM, GPT-2), as ``torch.profiler`` sees them. Weights are not part of it, and batches of a few dozen
tokens may take more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.profiler import ProfilerActivity, profile

from cupid_tools.models.encoders.packed import Groups
from cupid_tools.models.encoders.precision import DTYPES
from cupid_tools.models.encoders.quantized import BLOCK
from cupid_tools.models.encoders.settings import INT8

_ATTENTION_STATES = 7  # residual, norm, query, scaled query, key, value, and the attended of all groups
_FEED_FORWARD_STATES = 6  # residuals, norm, projection, and their sum
_KEYS_AT_ONCE = 512  # of torch's fused attention on CPUs


@dataclass(frozen=True)
class LayerSizes:
    """What the memory of a layer depends on.

    Attributes:
        hidden: channels of a state.
        feed_forward: channels inside the feed-forward block.
        heads: of the attention.
        copies: arrays [T, feed_forward] alive at once: 1 where the activation works in place, else 2.
    """

    hidden: int
    feed_forward: int
    heads: int
    copies: int = 2


def peak_bytes(sizes: LayerSizes, groups: Groups, precision: str, device: torch.device) -> int:
    """Predict the most bytes that are allocated at a time while a batch is computed.

    Args:
        sizes: of each layer.
        groups: of sequences in the batch.
        precision: one of ``PRECISIONS`` other than ``auto``.
        device: where it is computed.
    """
    tokens = sum(count * length for count, length in groups)
    peaks = [tokens * _feed_forward_bytes(sizes, precision)]
    for count, length in groups:
        attention = tokens * _attention_bytes(sizes, precision) + count * length * _group_bytes(sizes, precision)
        peaks.append(attention + (_scratch_bytes(length, precision) if device.type == "cpu" else 0))
    if precision == INT8:
        inside = tokens * 4 * (sizes.feed_forward + (_FEED_FORWARD_STATES - 1) * sizes.hidden)
        peaks.append(inside + min(BLOCK, tokens) * (5 * sizes.feed_forward + 4 * sizes.hidden))
    return max(peaks)


def batch_tokens(available: int, sizes: LayerSizes, precision: str) -> int:
    """Return the most tokens of a batch on a GPU that has *available* bytes left beside the weights; at least 1."""
    feed_forward = _feed_forward_bytes(sizes, precision)
    attention = _attention_bytes(sizes, precision) + _group_bytes(sizes, precision)
    return max(1, available // max(feed_forward, attention))


def measured_peak(work: Callable[[], object], device: torch.device) -> int:
    """Run *work* and return the most bytes that were allocated at a time beyond those before it."""
    if device.type == "cuda":
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        work()
        return torch.cuda.max_memory_allocated(device) - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    live = peak = 0
    for event in profiler.profiler.kineto_results.events():
        if event.name() == "[memory]":
            live += event.nbytes()
            peak = max(peak, live)
    return peak


def _feed_forward_bytes(sizes: LayerSizes, precision: str) -> int:
    """Bytes a token of the batch."""
    return DTYPES[precision].itemsize * (sizes.copies * sizes.feed_forward + _FEED_FORWARD_STATES * sizes.hidden)


def _attention_bytes(sizes: LayerSizes, precision: str) -> int:
    """Bytes a token of the batch."""
    return DTYPES[precision].itemsize * _ATTENTION_STATES * sizes.hidden


def _group_bytes(sizes: LayerSizes, precision: str) -> int:
    """Bytes a token of the group that attends: what it attended, and float32 denominators of the softmax."""
    return DTYPES[precision].itemsize * sizes.hidden + 4 * sizes.heads


def _scratch_bytes(length: int, precision: str) -> int:
    """Bytes of the scores that torch's threads work on, in float32 and, where it is another, in *precision*."""
    queries = 256 if length >= 768 else 64 if length >= 192 else 32
    width = DTYPES[precision].itemsize
    return torch.get_num_threads() * queries * min(length, _KEYS_AT_ONCE) * (4 if width == 4 else 4 + width)
