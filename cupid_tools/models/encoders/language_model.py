"""From a network over tokens to an encoder of RNAs: windows, batches, pooling, precision, memory, devices.

A network says how an RNA becomes tokens and how packed tokens become states; the rest is here, once for all of them.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import Tensor, nn

from cupid_tools.errors import UsageError
from cupid_tools.io.store import StoreInfo, Vectors
from cupid_tools.models.device import choose_devices, is_out_of_memory, memory_guard
from cupid_tools.models.encoders.base import BatchMemoryError, SequenceError
from cupid_tools.models.encoders.memory import LayerSizes, batch_tokens, peak_bytes
from cupid_tools.models.encoders.packed import Groups, to_device
from cupid_tools.models.encoders.pooling import Scale, join_windows, pool_windows, pooled_dim
from cupid_tools.models.encoders.precision import DTYPES, choose_precision
from cupid_tools.models.encoders.settings import (
    CLS,
    ERROR,
    FP16,
    INT8,
    NONE,
    OVERLAP,
    TRUNCATE,
    WINDOW,
    EncoderSettings,
)
from cupid_tools.models.encoders.windows import Window, batch_end, check_overlap, equal_runs, windows_of

_CPU_BATCH = 1024
"""Tokens of a batch on CPUs: the states inside RNA-FM's feed-forward block come from memory that is used again and
again, which above 1536 tokens the C library no longer does."""
_GPU_BATCH = 65536
"""Most tokens of a batch on GPUs, which more make no faster."""
_GPU_SHARE = 0.5
"""Of a GPU's free memory, for a batch."""
_CPU_SHARD, _GPU_SHARD = 1 << 19, 1 << 23
"""Nucleotides of a shard."""

log = logging.getLogger("cupid_tools")


class Tokens(NamedTuple):
    """An RNA as a language model reads it.

    Attributes:
        ids: int64 [tokens], without special tokens.
        lengths: int64 [tokens], the nucleotides of each token; None where each is one.
    """

    ids: NDArray[np.int64]
    lengths: NDArray[np.int64] | None

    @property
    def nucleotides(self) -> int:
        """How many nucleotides have a token."""
        return len(self.ids) if self.lengths is None else int(self.lengths.sum())


def tokens_of_letters(ids: NDArray[np.int64], sequences: Sequence[str]) -> list[Tokens]:
    """The tokens of each RNA where every nucleotide has one: *ids*, int64 [nt of all RNAs], shared out."""
    ends = list(accumulate(map(len, sequences), initial=0))
    return [Tokens(ids[start:end], None) for start, end in pairwise(ends)]


class LanguageModel(nn.Module):
    """A network over the tokens of RNAs.

    Attributes:
        dim: channels of a state.
        context: tokens of an RNA that fit into one window, special ones not counted.
        head: special tokens that stand before an RNA.
        tail: special tokens that stand after it.
        keep_last: which tokens of a long RNA ``truncate`` keeps, the last or the first.
        causal: whether a token sees only those before it.
        long: what becomes of RNAs above the context where the user says nothing, one of ``LONG_POLICIES``.
        sizes: of its layers, for the memory that a batch takes.
        scale: by which vectors are standardised; None leaves them as they are.
    """

    dim: int
    context: int
    head: tuple[int, ...] = ()
    tail: tuple[int, ...] = ()
    keep_last: bool = False
    causal: bool = False
    long: str = ERROR
    sizes: LayerSizes
    scale: Scale | None = None

    @property
    def special(self) -> int:
        """Special tokens of a window."""
        return len(self.head) + len(self.tail)

    @abstractmethod
    def tokenize(self, sequences: Sequence[str]) -> list[Tokens]:
        """The tokens of each RNA."""

    @abstractmethod
    def forward(self, tokens: Tensor, groups: Groups) -> Tensor:
        """Turn packed tokens, int64 [T], special ones among them, into states [T, dim]."""


def build_encoder(
    name: str, fingerprint: str, settings: EncoderSettings, make: Callable[[], LanguageModel]
) -> LanguageModelEncoder:
    """Put a network, or copies of it, onto the devices of *settings*.

    Args:
        name: as a store tells it.
        fingerprint: of the weights.
        settings: all of them.
        make: makes the network, in float32 on the CPU.

    Raises:
        UsageError: settings that the network does not take.
        MissingError: a device that is not there.
        OutOfMemoryError: a device has no room for the network.
    """
    devices = choose_devices(settings.device, settings.threads)
    precision = choose_precision(settings.precision, devices)
    with memory_guard():
        copies = [_placed(make(), device, precision) for device in devices]
    _check_settings(copies[0], settings)
    long, overlap = settings.long or copies[0].long, settings.overlap
    if overlap is None:
        overlap = min(OVERLAP, copies[0].context // 2)
    told = f"{WINDOW}:{overlap}" if long == WINDOW else long
    info = StoreInfo(name, fingerprint, settings.pooling, told, precision)
    return LanguageModelEncoder(copies, info, settings)


class LanguageModelEncoder:
    """An encoder made of one network, or of a copy on each of several devices.

    Attributes:
        dim: channels of a vector.
        shard_nt: what a CPU computes in some ten minutes, and a GPU in some seconds.
        info: what the store will say.
        numerics: what else the last bits of a vector depend on.
    """

    def __init__(self, copies: Sequence[LanguageModel], info: StoreInfo, settings: EncoderSettings) -> None:
        """Use the *copies* of a network, each on its device, as *info* and *settings* say, which are checked before."""
        network = copies[0]
        self.info = info
        self._long, _, overlap = info.long.partition(":")
        self._overlap = int(overlap or 0)
        self.dim = pooled_dim(settings.pooling, network.dim)
        self._copies = copies
        self._settings = settings
        self._budget = settings.batch_tokens or min(_budget(copy, info.precision) for copy in copies)
        self.shard_nt = _CPU_SHARD if _device(network).type == "cpu" else _GPU_SHARD
        log.debug("batches of %s tokens, some %s MiB", f"{self._budget:,}", f"{self._batch_bytes() >> 20:,}")
        self.numerics = (
            f"{settings.implementation} {_processor(network)} * {len(copies)}, batches of {self._budget}, "
            f"torch={torch.__version__} transformers={transformers.__version__}"
        )

    def embed(self, sequences: Sequence[str]) -> Vectors:
        """Return float32 [RNAs, dim], or with pooling ``none`` [nt of all RNAs, dim]."""
        if not sequences:
            return np.empty((0, self.dim), dtype=np.float32)
        tokens = self._copies[0].tokenize(sequences)
        windows = [window for rna, found in enumerate(tokens) for window in self._windows(rna, len(found.ids))]
        if self._long == TRUNCATE:
            _tell_cuts(tokens, self._copies[0].context)
        with memory_guard():
            if self.info.pooling == NONE:
                vectors, owners = self._states(sequences, tokens, windows)
            else:
                _warn_of_gaps(sequences, tokens)
                pooled = self._pooled(tokens, windows)
                vectors, owners = join_windows(pooled, windows, len(sequences), self.info.pooling), None
        if (scale := self._copies[0].scale) is not None:
            scale.standardise(vectors)
        _check_finite(vectors, owners, self.info.precision)
        return vectors

    def _batch_bytes(self) -> int:
        """What a batch of the longest windows takes, beside the weights."""
        network = self._copies[0]
        longest = network.context + network.special
        groups = [(max(1, self._budget // longest), longest)]
        return peak_bytes(network.sizes, groups, self.info.precision, _device(network))

    def _windows(self, rna: int, tokens: int) -> list[Window]:
        network = self._copies[0]
        if not tokens:
            raise SequenceError(rna, "gives no token", hint="the tokenizer does not know its letters")
        if self._long == ERROR and tokens > network.context:
            raise SequenceError(
                rna,
                f"has {tokens:,} tokens, and encoder {self.info.encoder} takes {network.context:,}",
                hint="--long window computes it in overlapping windows, --long truncate cuts it",
            )
        return windows_of(
            rna,
            tokens,
            network.context,
            self._long,
            overlap=self._overlap,
            keep_last=network.keep_last,
            causal=network.causal,
        )

    def _pooled(self, tokens: Sequence[Tokens], windows: Sequence[Window]) -> Vectors:
        """The vectors of windows, float32 [windows, dim]."""
        vectors = np.empty((len(windows), self.dim), dtype=np.float32)

        def compute(network: LanguageModel, places: Sequence[int]) -> None:
            mine = [windows[place] for place in places]
            pooled = torch.empty((len(mine), self.dim), device=_device(network))  # one copy to the CPU for all batches
            start = 0
            for batch in self._batches(network, tokens, mine):
                for group in _groups(batch, batch.states):
                    end = start + len(group.windows)
                    pooled[start:end] = pool_windows(group.states, group.windows, len(network.head), self.info.pooling)
                    start = end
            vectors[places] = pooled.cpu().numpy()

        self._on_all_devices(compute, windows)
        return vectors

    def _states(
        self, sequences: Sequence[str], tokens: Sequence[Tokens], windows: Sequence[Window]
    ) -> tuple[Vectors, NDArray[np.int64]]:
        """The states of nucleotides, float32 [nt, dim], and the RNA of each."""
        lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
        first = np.concatenate([[0], np.cumsum(lengths)])
        vectors = np.empty((int(first[-1]), self.dim), dtype=np.float32)

        def compute(network: LanguageModel, places: Sequence[int]) -> None:
            for batch in self._batches(network, tokens, [windows[place] for place in places]):
                for group in _groups(batch, batch.states.float().cpu()):
                    for window, rows in zip(group.windows, group.states.numpy(), strict=True):
                        own = rows[len(network.head) :][window.own]
                        start, repeats = _nucleotides(tokens[window.rna], window)
                        own = own if repeats is None else np.repeat(own, repeats, axis=0)
                        vectors[first[window.rna] + start : first[window.rna] + start + len(own)] = own

        _check_coverage(tokens, lengths)
        self._on_all_devices(compute, windows)
        return vectors, np.repeat(np.arange(len(sequences)), lengths)

    def _on_all_devices(
        self, compute: Callable[[LanguageModel, Sequence[int]], None], windows: Sequence[Window]
    ) -> None:
        """Share the windows out, the longest first, so that memory that does not suffice shows at once."""
        order = sorted(range(len(windows)), key=lambda place: -windows[place].tokens)
        shares = [order[number :: len(self._copies)] for number in range(len(self._copies))]
        work = torch.inference_mode()(compute)  # in each thread, since the mode belongs to one
        if len(shares) == 1:
            work(self._copies[0], shares[0])
            return
        with ThreadPoolExecutor(len(shares)) as pool:
            list(pool.map(work, self._copies, shares))

    def _batches(self, network: LanguageModel, tokens: Sequence[Tokens], windows: Sequence[Window]) -> Iterator[_Batch]:
        """Consecutive windows with their states, as many together as budget and memory allow."""
        lengths = [window.tokens + network.special for window in windows]
        start = 0
        while start < len(windows):
            end = batch_end(lengths, start, self._budget)
            packed, groups = _pack(network, tokens, windows[start:end]), equal_runs(lengths[start:end])
            try:
                states = network(to_device(packed, _device(network)), groups)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                states = None
            if states is None:  # outside of the handler, whose traceback would keep the tensors alive
                self._halve_budget(network, windows[start:end], len(packed))
                continue
            yield _Batch(windows[start:end], groups, states)
            start = end

    def _halve_budget(self, network: LanguageModel, batch: Sequence[Window], tokens: int) -> None:
        if len(batch) == 1:
            raise BatchMemoryError(batch[0].rna)
        if _device(network).type == "cuda":
            torch.cuda.empty_cache()
        log.warning("out of memory with %s tokens; going on with half of them", f"{tokens:,}")
        self._budget = min(self._budget, tokens // 2)


class _Batch(NamedTuple):
    """Windows that were computed together, their groups of equal length, and the packed states [T, dim]."""

    windows: Sequence[Window]
    groups: Groups
    states: Tensor


class _Group(NamedTuple):
    """Windows of one length with their states [windows, special and other tokens, dim]."""

    windows: Sequence[Window]
    states: Tensor


def _groups(batch: _Batch, states: Tensor) -> Iterator[_Group]:
    """The groups of *batch* with their part of *states*, which are its own or a copy of them."""
    start = first = 0
    for count, length in batch.groups:
        end = start + count * length
        yield _Group(batch.windows[first : first + count], states[start:end].view(count, length, -1))
        start, first = end, first + count


def _pack(network: LanguageModel, tokens: Sequence[Tokens], batch: Sequence[Window]) -> NDArray[np.int64]:
    """The tokens of all windows in a row, special ones around each: int64 [T]."""
    head, tail = np.array(network.head, dtype=np.int64), np.array(network.tail, dtype=np.int64)
    return np.concatenate(
        [part for window in batch for part in (head, tokens[window.rna].ids[window.start : window.end], tail)]
    )


def _nucleotides(tokens: Tokens, window: Window) -> tuple[int, NDArray[np.int64] | None]:
    """The first nucleotide that a window owns, and how many belong to each owned token; None for one each."""
    if tokens.lengths is None:
        return window.own_start, None
    return int(tokens.lengths[: window.own_start].sum()), tokens.lengths[window.own_start : window.own_end]


def _placed(network: LanguageModel, device: torch.device, precision: str) -> LanguageModel:
    """The network in evaluation mode, on *device* and in *precision*."""
    network.eval().requires_grad_(False)
    if precision == INT8:
        from cupid_tools.models.encoders.quantized import quantize_linears

        quantize_linears(network)
    for parameter in network.parameters():
        parameter.data = parameter.data.to(device, DTYPES[precision])
    return network.to(device)  # buffers as they are: rotary frequencies in bf16 would give other positions


def _budget(network: LanguageModel, precision: str) -> int:
    """Tokens of a batch that suit the device."""
    device = _device(network)
    if device.type == "cpu":
        return _CPU_BATCH
    free = torch.cuda.mem_get_info(device)[0]
    return min(_GPU_BATCH, batch_tokens(int(free * _GPU_SHARE), network.sizes, precision))


def _processor(network: LanguageModel) -> str:
    """Which kind of device computes; kinds differ in the last bits."""
    device = _device(network)
    return torch.backends.cpu.get_cpu_capability() if device.type == "cpu" else torch.cuda.get_device_name(device)


def _device(network: LanguageModel) -> torch.device:
    return next(network.parameters()).device


def _check_settings(network: LanguageModel, settings: EncoderSettings) -> None:
    long = settings.long or network.long
    if settings.overlap is not None and long == WINDOW:
        check_overlap(settings.overlap, network.context)
    elif settings.overlap is not None:
        raise UsageError("--overlap is that of windows (give --long window, or leave it out)")
    if settings.pooling == CLS and not network.head:
        raise UsageError("--pooling cls takes the token before the RNA, and this encoder has none (choose another)")
    if settings.pooling == CLS and network.causal:
        raise UsageError("--pooling cls takes the token before the RNA, which in a decoder knows nothing of the RNA")
    if settings.pooling == NONE and long == TRUNCATE:
        raise UsageError("--pooling none gives every nucleotide a vector, and --long truncate cuts some off")


def _check_coverage(tokens: Sequence[Tokens], lengths: NDArray[np.int64]) -> None:
    for index, (found, length) in enumerate(zip(tokens, lengths, strict=True)):
        if found.nucleotides != length:
            raise SequenceError(index, "has letters that give no token", hint="use another --pooling than none")


def _tell_cuts(tokens: Sequence[Tokens], context: int) -> None:
    cut = sum(len(found.ids) > context for found in tokens)
    if cut:
        log.info("cut %s of %s RNAs to %s tokens", f"{cut:,}", f"{len(tokens):,}", f"{context:,}")


def _warn_of_gaps(sequences: Sequence[str], tokens: Sequence[Tokens]) -> None:
    gaps = sum(found.nucleotides < len(sequence) for sequence, found in zip(sequences, tokens, strict=True))
    if gaps:
        log.warning("%s of %s RNAs have letters that give no token: they do not count", f"{gaps:,}", f"{len(tokens):,}")


def _check_finite(vectors: Vectors, owners: NDArray[np.int64] | None, precision: str) -> None:
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        index = int(bad[0] if owners is None else owners[bad[0]])
        hint = "use --precision bf16 or fp32" if precision == FP16 else "the weights may be damaged"
        raise SequenceError(index, f"gives NaN or infinity in {precision}", hint=hint)
