"""How often chance gives as good a target: the scores that a query has with shuffled targets.

Letters: q queries, t targets, n shuffled targets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cupid_tools.sampling.seeds import rng_for
from cupid_tools.sampling.shuffles import dinucleotide_shuffles
from cupid_tools.vocab import Rna

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def shuffled_targets(targets: Mapping[str, Rna], count: int, seed: int) -> dict[str, Rna]:
    """Draw *count* shuffled RNAs, as many of each target as of any other, or one more, which is drawn too; by id.

    They keep the dinucleotides of their target. Equal targets and seeds give equal shuffles. Their ids hold a blank, as
    no RNA of a FASTA does.
    """
    once_more = rng_for(seed, "score.shuffles").permutation(len(targets)) < count % len(targets)
    each = [count // len(targets) + int(more) for more in once_more]
    return {
        f"{rna.id} {number}": rna._replace(id=f"{rna.id} {number}", sequence=sequence)
        for rna, copies in zip((targets[name] for name in sorted(targets)), each, strict=True)
        for number, sequence in enumerate(
            dinucleotide_shuffles(rna.sequence, copies, rng_for(seed, "score.shuffles", rna.digest))
        )
    }


class Null:
    """The scores of each query with shuffled targets, and how its targets stand among them."""

    def __init__(self, scores: Floats) -> None:
        """Take the scores [q, n] of q queries with n shuffled targets."""
        self._scores = np.sort(scores, axis=1)
        # [q, n + 1]: how many targets have so many shuffled ones above or beside them
        self._targets = np.zeros((len(scores), scores.shape[1] + 1), dtype=np.int64)

    def add(self, scores: Floats) -> None:
        """Count the next targets by their scores [q, t]; one of minus infinity is none."""
        for row, (above, known) in enumerate(zip(self._above(scores), np.isfinite(scores), strict=True)):
            self._targets[row] += np.bincount(above[known], minlength=self._targets.shape[1])

    def p_and_q(self, scores: Floats) -> tuple[Floats, Floats]:
        """p- and q-values, [q, t] each, of targets that have been counted.

        p is the share of shuffled targets that score as high, the target itself counted as one more; q the false
        discovery rate among all targets of the query (Benjamini & Hochberg 1995, J R Stat Soc B 57:289).
        """
        p = np.arange(1, self._targets.shape[1] + 1) / self._targets.shape[1]
        found = np.cumsum(self._targets, axis=1)
        q = p * found[:, -1:] / np.maximum(found, 1)
        q = np.minimum.accumulate(np.where(found > 0, q, 1.0)[:, ::-1], axis=1)[:, ::-1]
        above = np.stack(self._above(scores)) if len(scores) else np.zeros(scores.shape, dtype=np.int64)
        return p[above], np.minimum(np.take_along_axis(q, above, axis=1), 1)

    def _above(self, scores: Floats) -> Sequence[Ints]:
        """For each query, how many shuffled targets score at least as high as each of its targets."""
        size = self._scores.shape[1]
        return [size - np.searchsorted(null, row) for null, row in zip(self._scores, scores, strict=True)]
