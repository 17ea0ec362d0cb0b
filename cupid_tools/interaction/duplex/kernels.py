"""The loops of the learned energy: sums over all duplexes of two RNAs, in time that grows with both lengths.

``reach[i, j]`` is the summed weight of all duplexes up to and with the pair of the guide's nucleotide i and the
target's j, the target counted from its 3' end; it is 0 where they do not pair (after McCaskill, Biopolymers 1990,
doi:10.1002/bip.360290621, for pairs between two RNAs):

    reach[i, j] = emission (start opening[j] + stack reach[i-1, j-1] + sum of loop[a, b] reach[i-1-a, j-1-b] over a, b)

and the sum over all duplexes is 1 + the sum of reach[i, j] end[i]. What may follow a pair is the same sum for both RNAs
turned round (``_mirrored``), so one recursion serves both. Sums are not kept as logarithms, which would cost ten times
as much: every row has a scale of its own instead, a logarithm, which is raised before numbers grow out of range.

All of it stands in one file, because compiled code on disk is only made anew when its own file changes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cupid_tools.interaction.compiling import compiled, compiled_loosely, inlined
from cupid_tools.interaction.duplex.tables import LONGEST_LOOP, LONGEST_SHORT, UNPAIRED, Rnas, Table, Tables

_REACH = LONGEST_LOOP + 1  # rows back, and columns back, from which a pair may be reached
_ROWS = _REACH + 1  # rows to be kept when the others are not needed again
_PARTNERS = np.array([[3, 3], [2, 2], [1, 3], [0, 2], [0, 0]], dtype=np.int64)  # of A, C, G, U; A and C have one only
_CHOICES = np.array([1, 1, 2, 2, 0], dtype=np.int64)
_WIDTH = 16  # columns, so that vector instructions leave no rest
_HIGH = 1e40  # bound of a row at which its scale is raised; leaves room for one row of weights up to e^400


class _Guide(NamedTuple):
    """The terms along one guide of m nt, as weights.

    Attributes:
        letters: int64 [m].
        emission: float64 [m, 2], by partner of the nucleotide; 0 where there is none.
        stack: float64 [m, 2, 2], by partner of the nucleotide before, and of this one.
        loop: float64 [m, 4, 4], of loops that end here; [:, 0, 0] is 0.
        start, end: float64 [m].
        facing: the nucleotide whose duplexes start at openings of the second kind; -1 if none.
    """

    letters: NDArray[np.int64]
    emission: Table
    stack: Table
    loop: Table
    start: Table
    end: Table
    facing: int


class _Target(NamedTuple):
    """One target, from 3' to 5', and columns behind it that pair with nothing: n in all, a multiple of ``_WIDTH``.

    Attributes:
        size: nt.
        masks: float64 [4, n + 1], 1 where column j + 1 is that nucleotide; column 0 is before the target.
        opening: float64 [2, n], weights of a start there, without and with what faces nucleotide 1, divided by e^base.
        base: see opening.
    """

    size: int
    masks: Table
    opening: Table
    base: float


@compiled
def _guide(tables: Tables, codes: NDArray[np.int8]) -> _Guide:
    size = len(codes)
    slots = len(tables.start)
    letters = codes.astype(np.int64)
    emission, stack, loop = np.zeros((size, 2)), np.zeros((size, 2, 2)), np.empty((size, _REACH, _REACH))
    start, end = np.empty(size), np.empty(size)
    for i in range(size):
        slot = min(i, slots - 1) if size <= LONGEST_SHORT else slots - 1
        letter = letters[i]
        for a in range(_REACH):
            for b in range(_REACH):
                loop[i, a, b] = tables.loop[slot, a, b] if a + b else 0.0
        start[i], end[i] = tables.start[slot], tables.end[slot]
        for q in range(_CHOICES[letter]):
            emission[i, q] = tables.emission[slot, letter, _PARTNERS[letter, q]]
            for p in range(_CHOICES[letters[i - 1]] if i else 0):
                before = letters[i - 1]
                stack[i, p, q] = tables.stack[before, _PARTNERS[before, p], letter, _PARTNERS[letter, q]]
    return _Guide(letters, emission, stack, loop, start, end, 1 if size <= LONGEST_SHORT else -1)


@compiled
def _mirrored_guide(guide: _Guide) -> _Guide:
    size = len(guide.letters)
    letters = np.empty_like(guide.letters)
    emission, stack, loop = np.empty_like(guide.emission), np.zeros_like(guide.stack), np.zeros_like(guide.loop)
    start, end = np.empty(size), np.empty(size)
    for i in range(size):
        there = size - 1 - i
        letters[there], start[there], end[there] = guide.letters[i], guide.end[i], guide.start[i]
        for p in range(2):
            emission[there, p] = guide.emission[i, p]
            for q in range(2):
                stack[there, p, q] = guide.stack[i + 1, q, p] if there else 0.0
        for a in range(min(_REACH, there)):
            for b in range(_REACH):
                loop[there, a, b] = guide.loop[i + 1 + a, a, b]
    return _Guide(letters, emission, stack, loop, start, end, -1)


@compiled
def _masks(codes: NDArray[np.int8]) -> Table:
    size = len(codes)
    masks = np.zeros((UNPAIRED, (size + _WIDTH - 1) // _WIDTH * _WIDTH + 1))
    for j in range(size):
        letter = codes[size - 1 - j]
        if letter != UNPAIRED:
            masks[letter, j + 1] = 1
    return masks


@inlined
def _largest(numbers: Table) -> float:
    """Of numbers that are at least 0."""
    largest = 0.0
    for number in numbers.flat:
        largest = max(largest, number)
    return largest


@inlined
def _add_scaled(total: Table, row: Table, factor: float) -> None:
    for j in range(len(total)):
        total[j] += factor * row[j]


@compiled
def _add_letters(total: Table, masks: Table, start: int, weights: Table) -> None:
    """Add the weight of each letter of a stretch that starts at column *start* of *masks*."""
    end = start + len(total)
    a, c, g, u = masks[0, start:end], masks[1, start:end], masks[2, start:end], masks[3, start:end]
    for_a, for_c, for_g, for_u = weights[0], weights[1], weights[2], weights[3]
    for j in range(len(total)):
        total[j] += (for_a * a[j] + for_c * c[j]) + (for_g * g[j] + for_u * u[j])


@compiled
def _target(tables: Tables, context: Table, codes: NDArray[np.int8]) -> _Target:
    """*tables* as weights, *context* as their logarithms."""
    size = len(codes)
    masks = _masks(codes)
    opening = np.zeros((2, masks.shape[1] - 1))
    for place in range(len(context)):
        shift = place - len(context) // 2
        low, high = max(0, -shift), min(size, size - shift)
        if low < high:
            _add_letters(opening[0, low:high], masks, low + shift + 1, context[place])
    base = opening[0, 0] if size else 0.0
    for j in range(size):
        base = max(base, opening[0, j])
    for j in range(size):
        opening[0, j] = math.exp(opening[0, j] - base)
        opening[1, j] = opening[0, j] * (tables.facing[0] if masks[0, j] else 1.0)
    return _Target(size, masks, opening, base)


@compiled
def _mirrored_target(target: _Target) -> _Target:
    masks, opening = np.zeros_like(target.masks), np.ones_like(target.opening)
    for letter in range(UNPAIRED):
        for j in range(target.size):
            masks[letter, j + 1] = target.masks[letter, target.size - j]
    return _Target(target.size, masks, opening, 0.0)


@inlined
def _gather(row: Table, one: Table, two: Table, three: Table, four: Table, loop: Table) -> None:
    """Sum over all loops into *row* from the four rows before; columns are those of the target after _REACH zeros."""
    a, b, c = loop[0, 1], loop[0, 2], loop[0, 3]
    d, e, f, g = loop[1, 0], loop[1, 1], loop[1, 2], loop[1, 3]
    h, i, k, m = loop[2, 0], loop[2, 1], loop[2, 2], loop[2, 3]
    p, q, r, s = loop[3, 0], loop[3, 1], loop[3, 2], loop[3, 3]
    for j in range(len(row) - _REACH):  # no branch, and few arrays, or it does not become vector instructions
        row[j + 4] = (
            ((a * one[j + 2] + b * one[j + 1]) + (c * one[j] + d * two[j + 3]))
            + ((e * two[j + 2] + f * two[j + 1]) + (g * two[j] + h * three[j + 3]))
        ) + (
            ((i * three[j + 2] + k * three[j + 1]) + (m * three[j] + p * four[j + 3]))
            + ((q * four[j + 2] + r * four[j + 1]) + s * four[j])
        )


@inlined
def _pair_up(
    row: Table,
    before: Table,
    masks: tuple[Table, Table],
    masks_before: tuple[Table, Table],
    opening: Table,
    start: float,
    emission: Table,
    stack: Table,
) -> None:
    """Add to the sum over loops in *row* what starts here or stacks, and keep it where the nucleotides pair."""
    first, second = masks
    first_before, second_before = masks_before
    v, w = emission[0], emission[1]
    vv, vw, wv, ww = stack[0, 0] * v, stack[0, 1] * w, stack[1, 0] * v, stack[1, 1] * w
    for j in range(len(row) - _REACH):
        here, there = first[j + 1], second[j + 1]
        stacked = here * (vv * first_before[j] + wv * second_before[j]) + there * (
            vw * first_before[j] + ww * second_before[j]
        )
        row[j + 4] = (v * here + w * there) * (row[j + 4] + start * opening[j]) + stacked * before[j + 3]


@inlined
def _bound(guide: _Guide, i: int, start: float, bounds: Table) -> float:
    """A number that no entry of row i exceeds; *bounds* are those of the rows before, the nearest first."""
    sums: float = start + _largest(guide.stack[i]) * bounds[0]
    for a in range(_REACH):
        for b in range(_REACH):
            sums += guide.loop[i, a, b] * bounds[a]
    return _largest(guide.emission[i]) * sums


@compiled
def _fill(guide: _Guide, target: _Target, rows: Table, scales: Table, total: Table) -> float:
    """Fill *rows*, and sum reach[i, j] end[i] over i into *total*; returns its scale.

    Args:
        guide: m nt.
        target: n nt.
        rows: float64 [R, n + 4] of zeros, R at least 5; row i stands at i modulo R, its columns after 4 zeros.
        scales: float64 [m]; row i is to be multiplied by e^scales[i].
        total: float64 [n] of zeros.
    """
    scale = target.base
    most = max(1.0, _largest(target.opening[1]))
    bounds = np.zeros(_REACH)  # of the rows before, the nearest first, in the present scale
    for i in range(len(guide.letters)):
        bound = _bound(guide, i, most * guide.start[i] * math.exp(target.base - scale), bounds)
        if bound > _HIGH:
            raised = _raise(rows, scales, i, scale, target.base, bounds)
            for j in range(len(total)):
                total[j] *= math.exp(scale - raised)
            scale = raised
            bound = _bound(guide, i, most * guide.start[i] * math.exp(target.base - scale), bounds)
        for a in range(_REACH - 1, 0, -1):
            bounds[a] = bounds[a - 1]
        bounds[0] = bound
        scales[i] = scale
        _fill_row(guide, target, rows, scales, i)
        _add_scaled(total, rows[i % len(rows), _REACH:], guide.end[i])
    return scale


@inlined
def _fill_row(guide: _Guide, target: _Target, rows: Table, scales: Table, i: int) -> None:
    kept = len(rows)
    letter, previous = guide.letters[i], guide.letters[i - 1] if i else UNPAIRED
    row, before = rows[i % kept], rows[(i - 1) % kept]
    if letter == UNPAIRED:
        for j in range(len(row)):
            row[j] = 0
        return
    loop, stack = guide.loop[i], guide.stack[i]
    if i and _differ(scales[max(0, i - _REACH) : i + 1]):
        loop, stack = loop.copy(), stack * math.exp(scales[i - 1] - scales[i])
        for a in range(min(_REACH, i)):
            for b in range(_REACH):
                loop[a, b] *= math.exp(scales[i - 1 - a] - scales[i])
    _gather(row, before, rows[(i - 2) % kept], rows[(i - 3) % kept], rows[(i - 4) % kept], loop)
    _pair_up(
        row,
        before,
        (target.masks[_PARTNERS[letter, 0]], target.masks[_PARTNERS[letter, 1]]),
        (target.masks[_PARTNERS[previous, 0]], target.masks[_PARTNERS[previous, 1]]),
        target.opening[1 if i == guide.facing else 0],
        guide.start[i] * math.exp(target.base - scales[i]),
        guide.emission[i],
        stack,
    )


@compiled
def _differ(scales: Table) -> bool:
    differ = False
    for scale in scales:
        differ |= scale != scales[0]
    return differ


@compiled
def _raise(rows: Table, scales: Table, i: int, scale: float, base: float, bounds: Table) -> float:
    """The scale in which e^base, and the rows before row i, are at most 1; brings these rows' *bounds* into it."""
    greatest = math.exp(base - scale)
    for a in range(min(_REACH, i)):
        bounds[a] = _largest(rows[(i - 1 - a) % len(rows)]) * math.exp(scales[i - 1 - a] - scale)
        greatest = max(greatest, bounds[a])
    for a in range(_REACH):
        bounds[a] /= greatest
    return scale + math.log(greatest)


@compiled
def _log_sum(total: Table, scale: float) -> float:
    """Logarithm of 1 + e^scale times the sum of *total*."""
    found = _sum(total)
    if found == 0:
        return 0.0
    value = scale + math.log(found)
    return max(value, 0.0) + math.log1p(math.exp(-abs(value)))


class _Sums(NamedTuple):
    """Both recursions over one pair of RNAs, and what they share.

    Attributes:
        forward: float64 [R, n + 4], reach; see ``_fill``.
        forward_scales: float64 [m].
        backward: float64 [R, n + 4], the same of both RNAs turned round.
        backward_scales: float64 [m].
        energy: logarithm of the sum over all duplexes.
    """

    forward: Table
    forward_scales: Table
    backward: Table
    backward_scales: Table
    energy: float


@compiled
def _sums(guide: _Guide, target: _Target) -> _Sums:
    size, columns = len(guide.letters), target.opening.shape[1]
    kept = max(size, _ROWS)
    forward, backward = np.zeros((kept, columns + _REACH)), np.zeros((kept, columns + _REACH))
    forward_scales, backward_scales = np.empty(size), np.empty(size)
    total = np.zeros(columns)
    energy = _log_sum(total, _fill(guide, target, forward, forward_scales, total)) if size else 0.0
    if size:
        _fill(_mirrored_guide(guide), _mirrored_target(target), backward, backward_scales, np.zeros(columns))
    return _Sums(forward, forward_scales, backward, backward_scales, energy)


@compiled
def _onward(target: _Target, sums: _Sums, i: int) -> tuple[Table, float]:
    """Summed weight of all that row i and what follows it adds, float64 [n + 4] after 4 zeros, and its scale."""
    mirrored = len(sums.backward_scales) - 1 - i
    row = np.zeros(sums.backward.shape[1])
    for j in range(target.size):
        row[_REACH + j] = sums.backward[mirrored, _REACH + target.size - 1 - j]
    return row, sums.backward_scales[mirrored]


@compiled_loosely
def _sum(numbers: Table) -> float:
    found = 0.0
    for j in range(len(numbers)):
        found += numbers[j]
    return found


@compiled_loosely
def _dot(one: Table, two: Table) -> float:
    found = 0.0
    for j in range(len(one)):
        found += one[j] * two[j]
    return found


@compiled_loosely
def _dots(back: Table, onward: Table) -> tuple[float, float, float, float]:
    """Sums of products of columns in *onward* with those 1, 2, 3, and 4 before them in *back*."""
    a = b = c = d = 0.0
    for j in range(len(onward) - _REACH):
        a += back[j + 3] * onward[j + 4]
        b += back[j + 2] * onward[j + 4]
        c += back[j + 1] * onward[j + 4]
        d += back[j] * onward[j + 4]
    return a, b, c, d


@compiled_loosely
def _dot_of_three(back: Table, mask: Table, onward: Table) -> float:
    """Sum of products of columns in *onward* with those before them, where *mask*, [n], says so of these."""
    found = 0.0
    for j in range(len(onward) - _REACH):
        found += back[j + 3] * mask[j] * onward[j + 4]
    return found


@compiled
def _pairing_row(guide: _Guide, target: _Target, sums: _Sums, i: int) -> Table:
    """Probability that the guide's nucleotide i pairs with each of the target's, float64 [n], from 3' to 5'."""
    onward, scale = _onward(target, sums, i)
    row = np.zeros(len(onward) - _REACH)
    factor = math.exp(sums.forward_scales[i] + scale - sums.energy)
    letter = guide.letters[i]
    for q in range(_CHOICES[letter]):
        mask = target.masks[_PARTNERS[letter, q]]
        share = factor / guide.emission[i, q]  # the pair itself is counted in both directions
        for j in range(len(row)):
            row[j] += mask[j + 1] * sums.forward[i, j + _REACH] * share * onward[j + _REACH]
    return row


@compiled
def _count(guide: _Guide, target: _Target, sums: _Sums, slots: int, counts: Tables) -> None:
    """Add to *counts* how often each term is expected in a duplex: the gradient of the energy by the tables."""
    opened = np.zeros(target.opening.shape[1])
    for i in range(len(guide.letters)):
        letter = guide.letters[i]
        if letter == UNPAIRED:
            continue
        slot = min(i, slots - 1) if len(guide.letters) <= LONGEST_SHORT else slots - 1
        row = _pairing_row(guide, target, sums, i)
        for q in range(_CHOICES[letter]):
            partner = _PARTNERS[letter, q]
            counts.emission[slot, letter, partner] += _dot(row, target.masks[partner, 1:])
        ending = guide.end[i] * math.exp(sums.forward_scales[i] - sums.energy)
        counts.end[slot] += ending * _sum(sums.forward[i])
        onward, scale = _onward(target, sums, i)
        _count_starts(guide, target, onward, scale - sums.energy, i, slot, opened, counts)
        _count_steps(guide, target, sums, i, slot, onward, scale - sums.energy, counts)
    half = len(counts.context) // 2
    for place in range(len(counts.context)):
        shift = place - half
        low, high = max(0, -shift), min(target.size, target.size - shift)
        for letter in range(UNPAIRED):
            if low < high:
                mask = target.masks[letter, low + shift + 1 : high + shift + 1]
                counts.context[place, letter] += _dot(opened[low:high], mask)


@compiled
def _count_starts(
    guide: _Guide, target: _Target, onward: Table, scale: float, i: int, slot: int, opened: Table, counts: Tables
) -> None:
    factor = guide.start[i] * math.exp(target.base + scale)
    opening = target.opening[1 if i == guide.facing else 0]
    started = np.empty(len(opened))
    for j in range(len(opened)):
        started[j] = factor * opening[j] * onward[j + _REACH]
    _add_scaled(opened, started, 1.0)
    counts.start[slot] += _sum(started)
    if i == guide.facing:
        counts.facing[0] += _dot(started, target.masks[0, :-1])


@compiled
def _count_steps(
    guide: _Guide, target: _Target, sums: _Sums, i: int, slot: int, onward: Table, scale: float, counts: Tables
) -> None:
    """The steps that lead to row i."""
    for a in range(min(_REACH, i)):
        factor = math.exp(sums.forward_scales[i - 1 - a] + scale)
        passed = _dots(sums.forward[i - 1 - a], onward)
        for b in range(1 if a == 0 else 0, _REACH):
            counts.loop[slot, a, b] += guide.loop[i, a, b] * factor * passed[b]
    letter, before = guide.letters[i], guide.letters[i - 1] if i else UNPAIRED
    here = np.empty_like(onward)
    for q in range(_CHOICES[letter] if _CHOICES[before] else 0):
        partner = _PARTNERS[letter, q]
        mask = target.masks[partner]
        for j in range(_REACH, len(onward)):
            here[j] = onward[j] * mask[j - _REACH + 1]
        for p in range(_CHOICES[before]):
            beside = _PARTNERS[before, p]
            passed_on = _dot_of_three(sums.forward[i - 1], target.masks[beside], here)
            factor = guide.stack[i, p, q] * math.exp(sums.forward_scales[i - 1] + scale)
            counts.stack[before, beside, letter, partner] += factor * passed_on


@compiled
def energies(
    tables: Tables,
    context: Table,
    rnas: Rnas,
    guides: NDArray[np.int64],
    targets: NDArray[np.int64],
    order: NDArray[np.int64],
    found: Table,
) -> None:
    """Write the energies of the pairs *order* into *found*, float64 [n]; fastest where one target's stand together.

    Args:
        tables: as weights.
        context: that of the tables, as logarithms.
        rnas: N RNAs.
        guides: their positions, int64 [n].
        targets: likewise.
        order: positions of pairs.
        found: float64 [n].
    """
    met = -1
    for k in order:
        codes = rnas.codes[rnas.starts[targets[k]] : rnas.starts[targets[k] + 1]]
        if targets[k] != met:
            target = _target(tables, context, codes)
            met = targets[k]
        guide = _guide(tables, rnas.codes[rnas.starts[guides[k]] : rnas.starts[guides[k] + 1]])
        columns = target.opening.shape[1]
        rows, total = np.zeros((_ROWS, columns + _REACH)), np.zeros(columns)
        found[k] = _log_sum(total, _fill(guide, target, rows, np.empty(len(guide.letters)), total))


@compiled
def gradients(
    tables: Tables,
    context: Table,
    rnas: Rnas,
    guides: NDArray[np.int64],
    targets: NDArray[np.int64],
    order: NDArray[np.int64],
    found: Table,
    counts: Tables,
) -> None:
    """As ``energies``, and add their gradients by the tables to *counts*, of as many axes and one of n in front."""
    for k in order:
        guide = _guide(tables, rnas.codes[rnas.starts[guides[k]] : rnas.starts[guides[k] + 1]])
        target = _target(tables, context, rnas.codes[rnas.starts[targets[k]] : rnas.starts[targets[k] + 1]])
        sums = _sums(guide, target)
        found[k] = sums.energy
        mine = Tables(
            counts.emission[k],
            counts.stack[k],
            counts.loop[k],
            counts.start[k],
            counts.end[k],
            counts.facing[k],
            counts.context[k],
        )
        _count(guide, target, sums, len(tables.start), mine)


@compiled
def pairing(tables: Tables, context: Table, codes: NDArray[np.int8], others: NDArray[np.int8]) -> Table:
    """Probabilities that nucleotides of a guide and a target pair, float64 [m, n], both from 5' to 3'."""
    guide, target = _guide(tables, codes), _target(tables, context, others)
    sums = _sums(guide, target)
    found = np.zeros((len(codes), len(others)))
    for i in range(len(codes)):
        row = _pairing_row(guide, target, sums, i)
        for j in range(len(others)):
            found[i, j] = row[len(others) - 1 - j]
    return found


@compiled
def heaviest(
    tables: Tables, context: Table, codes: NDArray[np.int8], others: NDArray[np.int8]
) -> tuple[float, NDArray[np.int64]]:
    """The duplex that weighs most, among those that pair.

    Returns:
        Logarithm of its weight, minus infinity where nothing pairs; int64 [p, 2], its pairs along the guide from 5' to
        3', both counted from 0 at the 5' end.
    """
    guide, target = _guide(tables, codes), _target(tables, context, others)
    size, columns = len(codes), len(others)
    best = np.full((_ROWS, columns + _REACH), -np.inf)
    came = np.zeros((size, columns), dtype=np.int8)  # 0 starts there, a * 4 + b + 1 comes over a loop
    top, last, where = -np.inf, -1, -1
    for i in range(size):
        for j in range(columns):
            weight, came[i, j] = _heaviest_to(guide, target, best, i, j)
            best[i % _ROWS, j + _REACH] = weight
            if weight + math.log(guide.end[i]) > top:
                top, last, where = weight + math.log(guide.end[i]), i, j
    return top, _walk_back(came, last, where)


@compiled
def _heaviest_to(guide: _Guide, target: _Target, best: Table, i: int, j: int) -> tuple[float, int]:
    """Logarithm of the heaviest duplex up to and with a pair, and the step that led to it."""
    letter = guide.letters[i]
    q = 0
    while q < _CHOICES[letter] and target.masks[_PARTNERS[letter, q], j + 1] == 0:
        q += 1
    if q == _CHOICES[letter]:
        return -np.inf, 0
    opening = target.opening[1 if i == guide.facing else 0, j]
    weight = math.log(guide.start[i]) + target.base + (math.log(opening) if opening else -np.inf)
    came = 0
    for a in range(min(_REACH, i)):
        for b in range(min(_REACH, j)):
            before = best[(i - 1 - a) % _ROWS, j + _REACH - 1 - b]
            if before > -np.inf:
                p = 0
                while a + b == 0 and target.masks[_PARTNERS[guide.letters[i - 1], p], j] == 0:
                    p += 1
                step = guide.loop[i, a, b] if a + b else guide.stack[i, p, q]
                if before + math.log(step) > weight:
                    weight, came = before + math.log(step), a * _REACH + b + 1
    return weight + math.log(guide.emission[i, q]), came


@compiled
def _walk_back(came: NDArray[np.int8], i: int, j: int) -> NDArray[np.int64]:
    pairs = np.empty((min(came.shape), 2), dtype=np.int64)
    length = 0
    while i >= 0:
        pairs[length, 0], pairs[length, 1] = i, came.shape[1] - 1 - j
        length += 1
        step = came[i, j] - 1
        if step < 0:
            break
        i, j = i - 1 - step // _REACH, j - 1 - step % _REACH
    return pairs[:length][::-1].copy()
