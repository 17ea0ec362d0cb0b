"""Which tokens of an RNA a language model sees together when not all of them fit into its context."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from cupid_tools.errors import UsageError
from cupid_tools.models.encoders.settings import TRUNCATE, WINDOW


class Window(NamedTuple):
    """A run of tokens that is computed as one sequence.

    A token that lies in two windows counts in the one where it has more around it, or more before it where the model
    looks no further, so that every token of an RNA counts once. Windows know nothing of each other: those of one RNA
    may be computed in different batches.

    Attributes:
        rna: row of the RNA.
        start: first token, counted within the RNA.
        end: token after the last.
        own_start: first token that counts in this window.
        own_end: token after the last that counts.
    """

    rna: int
    start: int
    end: int
    own_start: int
    own_end: int

    @property
    def tokens(self) -> int:
        """Tokens that are computed, special ones not counted."""
        return self.end - self.start

    @property
    def own(self) -> slice:
        """The tokens that count, among those that are computed."""
        return slice(self.own_start - self.start, self.own_end - self.start)

    @property
    def owned(self) -> int:
        """Tokens that count."""
        return self.own_end - self.own_start


def check_overlap(overlap: int, context: int) -> None:
    """Raise UsageError when windows of *context* tokens cannot share *overlap* of them."""
    if not 0 <= overlap <= context // 2:
        raise UsageError(f"windows of {context:,} tokens cannot overlap by {overlap:,} (at most {context // 2:,})")


def windows_of(
    rna: int, tokens: int, context: int, policy: str, *, overlap: int, keep_last: bool, causal: bool
) -> list[Window]:
    """The windows of an RNA; one where its tokens fit.

    Args:
        rna: row of the RNA.
        tokens: of the RNA.
        context: tokens that fit into one window.
        policy: ``truncate`` keeps *context* tokens, ``window`` computes all; ``error`` expects that they fit.
        overlap: tokens that neighbouring windows share at least.
        keep_last: whether ``truncate`` keeps the last tokens or the first.
        causal: whether a token sees only those before it, and counts best at the end of a window.
    """
    if tokens <= context:
        return [Window(rna, 0, tokens, 0, tokens)]
    if policy == TRUNCATE:
        start = tokens - context if keep_last else 0
        return [Window(rna, start, start + context, start, start + context)]
    assert policy == WINDOW, policy
    starts = window_starts(tokens, context, overlap)
    ends = [start + context for start in starts[:-1]]
    seams = ends if causal else [(end + start) // 2 for end, start in zip(ends, starts[1:], strict=True)]
    return [
        Window(rna, start, start + context, own_start, own_end)
        for start, (own_start, own_end) in zip(starts, pairwise([0, *seams, tokens]), strict=True)
    ]


def window_starts(tokens: int, context: int, overlap: int) -> list[int]:
    """First tokens of as few windows as can be, spread evenly: the first starts at 0, the last ends at *tokens*.

    >>> window_starts(10, 6, 2)
    [0, 4]
    """
    count = -(-(tokens - overlap) // (context - overlap))
    return [round(number * (tokens - context) / (count - 1)) for number in range(count)]


def batch_end(lengths: Sequence[int], start: int, budget: int) -> int:
    """Where the batch ends that begins at *start*: as many windows as fit into *budget* tokens, at least one."""
    total, end = 0, start
    for end in range(start, len(lengths)):
        total += lengths[end]
        if total > budget and end > start:
            return end
    return end + 1


def equal_runs(lengths: Iterable[int]) -> list[tuple[int, int]]:
    """(how many, of which length) for every run of equal lengths.

    >>> equal_runs([5, 5, 3])
    [(2, 5), (1, 3)]
    """
    runs: list[tuple[int, int]] = []
    for length in lengths:
        if runs and runs[-1][1] == length:
            runs[-1] = (runs[-1][0] + 1, length)
        else:
            runs.append((1, length))
    return runs
