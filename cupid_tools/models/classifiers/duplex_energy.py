"""The learned energy for torch: its weights, and the sum over all duplexes with gradients, on CPUs and on GPUs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from cupid_tools.interaction.duplex import energies as kernels
from cupid_tools.interaction.duplex.tables import LONGEST_LOOP, LONGEST_SHORT, UNPAIRED, Rnas, Tables

PAIRS = ("AU", "UA", "CG", "GC", "GU", "UG")
"""Nucleotides of guide and target that pair."""
_STRENGTH = (0.9, 0.9, 1.5, 1.5, 0.1, 0.1)
_SEED_SLOTS, _SEED_STRENGTH = slice(1, 8), 0.5
_ELSEWHERE = -0.3
"""Of a pair in the last slot: without it the energy of random RNAs would grow with their length, not its logarithm."""
_GUIDE, _TARGET = ([("ACGU").index(pair[side]) for pair in PAIRS] for side in (0, 1))
_WOBBLE, _STRONG = ([strength == which for strength in _STRENGTH] for which in (0.1, 1.5))
_REACH = LONGEST_LOOP + 1
_ROUND = (32, 256)
"""Guides and targets are filled up to a multiple of so many nt: few shapes, and a pair's own depends on it alone."""
_CELLS = 1 << 23
"""Products of both lengths in a batch of the tensor way; bounds its memory to some GB with gradients."""

Places = NDArray[np.int64]


class Weights(nn.Module):
    """What is learned: about 400 numbers. New, they are those of thermodynamics, roughly, with a bonus for a seed.

    Attributes:
        pair: [6], of ``PAIRS``.
        stack: [6, 6], of a pair directly followed by another.
        position: [3, S], by slot (see ``interaction.duplex.tables``): of any pair, of GU, of GC.
        loop: [4, 4], by nucleotides left out in guide and in target.
        loop_position: [S], of the pair behind it.
        start, end: [S].
        facing: [1], of an A that faces nucleotide 1.
        context: [K, 4].

    Letters: S slots, K places of context. All are float64.
    """

    def __init__(self, slots: int, context: int) -> None:
        super().__init__()
        sides = torch.arange(_REACH, dtype=torch.float64)
        position = torch.zeros(3, slots, dtype=torch.float64)
        position[0, -1] = _ELSEWHERE
        position[0, _SEED_SLOTS] = _SEED_STRENGTH
        a, b = sides[:, None], sides
        self.pair = _parameter(torch.tensor(_STRENGTH, dtype=torch.float64))
        self.stack = _parameter(torch.zeros(len(PAIRS), len(PAIRS), dtype=torch.float64))
        self.position = _parameter(position)
        self.loop = _parameter(-2.5 - 0.3 * (a + b) - 0.3 * (a - b).abs())
        self.loop_position = _parameter(torch.zeros(slots, dtype=torch.float64))
        self.start = _parameter(torch.full((slots,), -1, dtype=torch.float64))
        self.end = _parameter(torch.zeros(slots, dtype=torch.float64))
        self.facing = _parameter(torch.zeros(1, dtype=torch.float64))
        self.context = _parameter(torch.zeros(context, UNPAIRED, dtype=torch.float64))

    def tables(self) -> tuple[Tensor, ...]:
        """The terms as ``Tables`` has them, in its order."""
        wobble, strong = (self.pair.new_tensor(kind) for kind in (_WOBBLE, _STRONG))
        every, of_wobble, of_strong = self.position[..., None]
        by_pair = self.pair + every + of_wobble * wobble + of_strong * strong  # [S, 6]
        emission = by_pair.new_zeros(len(self.start), UNPAIRED, UNPAIRED)
        emission[:, _GUIDE, _TARGET] = by_pair
        stack = by_pair.new_zeros((UNPAIRED,) * 4)
        first, second = np.mgrid[: len(PAIRS), : len(PAIRS)]
        guide, target = np.array(_GUIDE), np.array(_TARGET)
        stack[guide[first], target[first], guide[second], target[second]] = self.stack
        loop = self.loop + self.loop_position[:, None, None]
        return emission, stack, loop, self.start, self.end, self.facing, self.context

    def numbers(self) -> Tables:
        """The same, outside of torch."""
        with torch.no_grad():
            return Tables(*(table.cpu().numpy().copy() for table in self.tables()))


def _parameter(tensor: Tensor) -> nn.Parameter:
    return nn.Parameter(tensor)


def energies(weights: Weights, rnas: Rnas, guides: Places, targets: Places) -> Tensor:
    """Logarithms of the sums over all duplexes, float64 [n] on the device of *weights*, with gradients where wanted.

    On a CPU the compiled kernels do it, else tensor operations.
    """
    if weights.pair.device.type != "cpu":
        return energies_by_tensors(weights.tables(), rnas, guides, targets)
    if not torch.is_grad_enabled():
        numbers = kernels.energies(weights.numbers(), rnas, guides, targets, torch.get_num_threads())
        return torch.from_numpy(numbers)
    found: Tensor = _Compiled.apply(rnas, guides, targets, *weights.tables())
    return found


class _Compiled(torch.autograd.Function):
    """The kernels, with their own gradients."""

    @staticmethod
    def forward(ctx: Any, rnas: Rnas, guides: Places, targets: Places, *tables: Tensor) -> Tensor:
        numbers = Tables(*(table.detach().numpy() for table in tables))
        found, counts = kernels.gradients(numbers, rnas, guides, targets, torch.get_num_threads())
        ctx.save_for_backward(*map(torch.from_numpy, counts))
        return torch.from_numpy(found)

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, None, *(_weighted_sum(outer[0], counts) for counts in ctx.saved_tensors)


def _weighted_sum(weights: Tensor, counts: Tensor) -> Tensor:
    """Of *counts*, [n, ...], by *weights*, [n]; numpy adds them up in order, torch as its number of threads is."""
    return torch.from_numpy(np.asarray(np.einsum("n,n...->...", weights.numpy(), counts.numpy())))


def energies_by_tensors(tables: tuple[Tensor, ...], rnas: Rnas, guides: Places, targets: Places) -> Tensor:
    """As ``interaction.duplex.energies.energies``, in operations of torch, on the device of *tables*.

    Pairs are batched with others of about their size only, and all batches of a shape are equally large, so that the
    energy of a pair does not depend on which others are asked for.
    """
    sizes = np.column_stack([rnas.lengths[guides], rnas.lengths[targets]])
    shapes, kinds = np.unique(-(-sizes // _ROUND) * _ROUND, axis=0, return_inverse=True)
    found = tables[0].new_zeros(len(guides))
    for kind, (rows, columns) in enumerate(shapes.tolist()):
        members = np.flatnonzero(kinds.ravel() == kind)
        if not rows or not columns:
            continue
        for part in _full_batches(members, max(1, _CELLS // (rows * columns))):
            letters = (_padded(rnas, guides[part], rows), _padded(rnas, targets[part], columns, turned=True))
            one, other = (torch.from_numpy(array).to(found.device) for array in letters)
            short = torch.from_numpy(rnas.lengths[guides[part]] <= LONGEST_SHORT).to(found.device)
            energy = _batch(Tables(*tables), one, other, short)  # type: ignore[arg-type]
            new = np.unique(part, return_index=True)
            found = found.index_put((torch.from_numpy(new[0]).to(found.device),), energy[torch.from_numpy(new[1])])
    return found


def _full_batches(members: Places, size: int) -> Iterator[Places]:
    """*members* in batches of exactly *size*, the last filled up with repeats of the first member."""
    for start in range(0, len(members), size):
        yield np.concatenate(
            [members[start : start + size], np.repeat(members[:1], max(0, start + size - len(members)))]
        )


def _padded(rnas: Rnas, places: Places, size: int, *, turned: bool = False) -> NDArray[np.int64]:
    """Codes of RNAs, int64 [B, size], ``UNPAIRED`` behind their ends."""
    letters = np.full((len(places), size), UNPAIRED, dtype=np.int64)
    for row, place in zip(letters, places.tolist(), strict=True):
        codes = rnas.codes[rnas.starts[place] : rnas.starts[place + 1]]
        row[: len(codes)] = codes[::-1] if turned else codes
    return letters


def _batch(tables: Any, guides: Tensor, targets: Tensor, short: Tensor) -> Tensor:
    """Energies [B] of guides [B, m] and targets [B, n], these from 3' to 5'; *short*, bool [B], are read as miRNAs are.

    ``kernels`` tells the recursion. Rows have scales here as well, which are numbers without a gradient.
    """
    slots = len(tables.start)
    ready = _Ready(tables, targets)
    rows = [ready.opening.new_zeros(len(guides), targets.shape[1] + _REACH)] * _REACH  # columns after as many zeros
    scales = [ready.base] * _REACH
    parts: list[Tensor] = []
    for i in range(guides.shape[1]):
        slot = torch.where(short, min(i, slots - 1), slots - 1)
        scale = _scale(rows, scales, ready.base)
        steps = torch.stack([torch.exp(before - scale) for before in scales[: -_REACH - 1 : -1]], dim=1)  # [B, 4]
        reached = (tables.start[slot] + ready.base - scale).exp()[:, None] * ready.opening
        if i == 1:
            reached = reached * torch.where(short[:, None], ready.facing, 1)
        loop = ready.loop[slot] * steps[..., None]  # [B, 4, 4]
        behind = torch.stack(rows[: -_REACH - 1 : -1], dim=1)[..., :-1].unfold(2, _REACH, 1)  # [B, 4, n, 4]
        reached = reached + torch.einsum("xanb,xab->xn", behind, loop.flip(2))
        previous = guides[:, i - 1] if i else torch.full_like(guides[:, 0], UNPAIRED)
        stack = ready.stack[previous, :, guides[:, i]].flatten(1).gather(1, ready.steps)
        reached = reached + stack * steps[:, :1] * rows[-1][:, _REACH - 1 : -1]
        row = ready.emission[slot, guides[:, i]].gather(1, targets) * reached
        rows.append(functional.pad(row, (_REACH, 0)))
        scales.append(scale)
        parts.append(tables.end[slot].exp() * row.sum(dim=1))
    return _log_sum(torch.stack(parts, dim=1), torch.stack(scales[_REACH:], dim=1))


class _Ready:
    """What a batch of targets, int64 [B, n], and the tables give before any guide is read."""

    def __init__(self, tables: Any, targets: Tensor) -> None:
        more = (0, 1, 0, 1)  # a fifth letter, with which nothing pairs
        pairing = tables.emission.new_zeros(UNPAIRED + 1, UNPAIRED + 1)
        pairing[_GUIDE, _TARGET] = 1
        self.emission = functional.pad(tables.emission, more).exp() * pairing
        self.stack = functional.pad(tables.stack, more + more).exp()
        self.loop = tables.loop.exp() * (torch.arange(_REACH**2).view(_REACH, _REACH) > 0).to(pairing)
        before = functional.pad(targets, (1, 0), value=UNPAIRED)[:, :-1]
        self.steps = before * (UNPAIRED + 1) + targets
        self.facing = torch.where(before == 0, tables.facing.exp(), 1)
        letters = functional.one_hot(targets, UNPAIRED + 1)[..., :UNPAIRED].to(tables.context.dtype)
        context = functional.conv1d(letters.mT, tables.context.T[None], padding="same")[:, 0]  # [B, n]
        self.base = context.detach().amax(dim=1)
        self.opening = (context - self.base[:, None]).exp()


def _scale(rows: list[Tensor], scales: list[Tensor], base: Tensor) -> Tensor:
    """The logarithm, [B], to which the next row is relative: that of the greatest of what it is made of."""
    peaks = [
        row.detach().amax(dim=1).log() + scale for row, scale in zip(rows[-_REACH:], scales[-_REACH:], strict=True)
    ]
    return torch.stack([base, *peaks]).amax(dim=0)


def _log_sum(parts: Tensor, scales: Tensor) -> Tensor:
    """Logarithm, [B], of 1 + the sum of *parts* e^*scales*, [B, m]."""
    with torch.no_grad():
        top = (parts.log() + scales).amax(dim=1).clamp_min(0)
    return top + (torch.exp(-top) + (parts * torch.exp(scales - top[:, None])).sum(dim=1)).log()
