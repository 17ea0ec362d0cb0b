"""The RNAs that a model learns from: one array of tokens, and the packed batches that are made of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cupid_tools.models.encoders.packed import Groups
from cupid_tools.models.encoders.windows import batch_end, equal_runs
from cupid_tools.models.pretraining.alphabet import END, START, tokens_of
from cupid_tools.vocab import UNKNOWN_TYPE, Rna

NO_TYPE = -1
"""Of an RNA whose type nobody knows."""
ENDS = 2
"""START and END."""

Numbers = NDArray[np.int64]


class Sequences(NamedTuple):
    """RNAs that stand one after the other in a row, each between START and END.

    Attributes:
        tokens: int64 [T].
        groups: of equal length, START and END counted.
        types: int64 [RNAs], ``NO_TYPE`` where it is unknown.
        rows: int64 [RNAs], their places in the corpus.
    """

    tokens: Numbers
    groups: Groups
    types: Numbers
    rows: Numbers

    @property
    def kinds(self) -> Numbers:
        """Int64 [RNAs], equal for those of one known type; an RNA of unknown type is only like itself."""
        return np.where(self.types == NO_TYPE, -1 - self.rows, self.types)


@dataclass(frozen=True)
class Corpus:
    """RNAs as tokens.

    Attributes:
        tokens: uint8 [nt of all RNAs].
        starts: int64 [N + 1], where each RNA begins, and the end of the last.
        types: int64 [N], the place of its type in *type_names*, or ``NO_TYPE``.
        type_names: in alphabetic order.
    """

    tokens: NDArray[np.uint8]
    starts: Numbers
    types: Numbers
    type_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.types)

    @property
    def lengths(self) -> Numbers:
        """Int64 [N], in nt."""
        return np.diff(self.starts)

    @property
    def digest(self) -> str:
        """SHA-256 of RNAs and types in their order, in hexadecimal."""
        digest = hashlib.sha256("\t".join(self.type_names).encode())
        for part in (self.tokens, self.starts, self.types):
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()

    def batches(
        self, rows: Numbers, longest: int, tokens_at_once: int, rng: np.random.Generator | None
    ) -> list[Sequences]:
        """The RNAs *rows* in packed batches, the longest first.

        Args:
            rows: int64 [n].
            longest: nt; of a longer RNA a stretch of that length is taken.
            tokens_at_once: of a batch, which holds at least one RNA.
            rng: draws where a stretch begins; None takes the first.
        """
        lengths = self.starts[rows + 1] - self.starts[rows]
        taken = np.minimum(lengths, longest)
        spare = lengths - taken
        firsts = self.starts[rows] + (0 if rng is None else rng.integers(0, spare + 1))
        order = np.argsort(-taken, kind="stable")
        sizes = (taken[order] + ENDS).tolist()
        found, start = [], 0
        while start < len(order):
            end = batch_end(sizes, start, tokens_at_once)
            chosen = order[start:end]
            tokens = _packed(self.tokens, firsts[chosen], taken[chosen])
            found.append(Sequences(tokens, equal_runs(sizes[start:end]), self.types[rows[chosen]], rows[chosen]))
            start = end
        return found


def make_corpus(rnas: Sequence[Rna], type_names: Sequence[str] | None = None) -> Corpus:
    """Turn RNAs into tokens; *type_names* are those that count, None stands for all that occur."""
    if type_names is None:
        type_names = sorted({rna.type for rna in rnas} - {UNKNOWN_TYPE})
    places = {name: place for place, name in enumerate(type_names)}
    starts = np.fromiter(accumulate((len(rna.sequence) for rna in rnas), initial=0), dtype=np.int64)
    types = np.array([places.get(rna.type, NO_TYPE) for rna in rnas], dtype=np.int64)
    return Corpus(tokens_of([rna.sequence for rna in rnas]), starts, types, tuple(type_names))


def held_out(groups: Numbers, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw whole groups until *share* of the RNAs is reached; groups that would pass it by far are left where they are.

    Args:
        groups: int64 [N], who belongs together.
        share: of the N.
        rng: draws.

    Returns:
        bool [N]; at least one group is drawn where there are two.
    """
    sizes = np.bincount(groups)
    order = rng.permutation(len(sizes))
    wanted = share * len(groups)
    drawn = np.zeros(len(sizes), dtype=bool)
    total = 0
    for group in order.tolist():
        if total + sizes[group] <= wanted:
            drawn[group] = True
            total += int(sizes[group])
    if not total and len(sizes) > 1:
        drawn[np.argmin(sizes)] = True
    return drawn[groups]


def _packed(tokens: NDArray[np.uint8], firsts: Numbers, lengths: Numbers) -> Numbers:
    """The stretches of *lengths* nt from *firsts* on, each between START and END: int64 [T]."""
    sizes = lengths + ENDS
    ends = np.cumsum(sizes)
    begins = ends - sizes
    row = np.empty(int(ends[-1]), dtype=np.int64)
    inside = np.ones(len(row), dtype=bool)
    inside[begins] = inside[ends - 1] = False
    row[begins], row[ends - 1] = START, END
    places = np.repeat(firsts - (np.cumsum(lengths) - lengths), lengths) + np.arange(int(lengths.sum()))
    row[inside] = tokens[places]
    return row
