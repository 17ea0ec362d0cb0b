"""The RNAs of one experiment as arrays, with what baselines and overlap classes need of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from cupid_tools.kmers import kmer_counts
from cupid_tools.sampling.coded import Codes
from cupid_tools.vocab import FLIP_SUFFIX, Rna


@dataclass(frozen=True, eq=False)
class RnaTable:
    """RNAs in the order of their ids; everywhere else an RNA is its position here.

    Attributes:
        rnas: N RNAs.
        groups: int64 [N], relatives share a number.
    """

    rnas: Sequence[Rna]
    groups: Codes

    @cached_property
    def sequences(self) -> list[str]:
        """N sequences."""
        return [rna.sequence for rna in self.rnas]

    @cached_property
    def type_names(self) -> list[str]:
        """The types that occur, sorted."""
        return sorted({rna.type for rna in self.rnas})

    @cached_property
    def types(self) -> Codes:
        """int64 [N], position in ``type_names``."""
        place = {name: index for index, name in enumerate(self.type_names)}
        return np.array([place[rna.type] for rna in self.rnas], dtype=np.int64)

    @cached_property
    def lengths(self) -> Codes:
        """int64 [N], nt."""
        return np.array([len(sequence) for sequence in self.sequences], dtype=np.int64)

    @cached_property
    def gc(self) -> NDArray[np.float64]:
        """float64 [N], share of G and C."""
        return np.array([rna.gc for rna in self.rnas])

    @cached_property
    def identical(self) -> Codes:
        """int64 [N], RNAs with equal sequences share a number."""
        return np.unique(np.array(self.sequences, dtype=object), return_inverse=True)[1].astype(np.int64)

    @lru_cache(maxsize=4)  # noqa: B019 - tables are few, and live as long as the process
    def profile(self, k: int) -> NDArray[np.float32]:
        """Square roots of k-mer frequencies, float32 [N, 4**k]: rows of length 1, or 0 where there is no k-mer."""
        counts = kmer_counts(self.sequences, k)
        return np.asarray(np.sqrt(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)), dtype=np.float32)


def with_flipped(names: set[str], rnas: Mapping[str, Rna]) -> Mapping[str, Rna]:
    """Add the named RNAs that augmentation flipped, where *rnas* holds only their originals."""
    missing = {name for name in names if name.endswith(FLIP_SUFFIX) and name not in rnas}
    originals = {name: rnas.get(name.removesuffix(FLIP_SUFFIX)) for name in sorted(missing)}
    return {
        **rnas,
        **{name: rna._replace(id=name, sequence=rna.sequence[::-1]) for name, rna in originals.items() if rna},
    }


def with_originals(names: set[str], rnas: Mapping[str, Rna]) -> list[Rna]:
    """The named RNAs sorted by id, and the originals of those that augmentation flipped."""
    originals = {name.removesuffix(FLIP_SUFFIX) for name in names} & rnas.keys()
    return [rnas[name] for name in sorted(names | originals)]
