"""From a FASTA to what a model learns from: which RNAs are taken, and which of them are held out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from cupid_tools.errors import InputError
from cupid_tools.io.fasta import read_fasta, repeated_id
from cupid_tools.models.pretraining import DROP
from cupid_tools.models.pretraining.corpus import Corpus, Numbers, held_out, make_corpus
from cupid_tools.models.pretraining.settings import PretrainSettings
from cupid_tools.sampling.relatives import listed_groups, read_groups, related_groups
from cupid_tools.sampling.seeds import rng_for
from cupid_tools.vocab import Rna

TOO_LONG, REPEATED, NOT_DRAWN = "too-long", "repeated-sequence", "not-drawn"
"""Why an RNA is left out."""


class TrainingRnas(NamedTuple):
    """RNAs to learn from.

    Attributes:
        corpus: those that are taken.
        valid: int64 [n], which of them are held out.
        left_out: id and reason of the others.
        source: where they come from, for messages.
    """

    corpus: Corpus
    valid: Numbers
    left_out: list[tuple[str, str]]
    source: str


def read_rnas(
    path: str | os.PathLike[str],
    settings: PretrainSettings,
    *,
    format: str,
    types: Mapping[str, str] | None,
    groups: str | None,
    sample: int | None,
    seed: int,
) -> TrainingRnas:
    """Read the RNAs, and hold a share of them out together with their relatives.

    Args:
        path: as for ``read_fasta``, also *format* and *types*.
        settings: longest RNA, what becomes of longer ones, and the share to hold out.
        groups: a table of id and group; None finds relatives by sequence.
        sample: how many RNAs are taken, drawn by *seed*; None for all.
        seed: of what is drawn.

    Raises:
        InputError: no RNA is left, or all are relatives of each other.
    """
    kept, left_out = _kept(_named_once(path, read_fasta(path, format=format, types=types)), settings)
    if not kept:
        limit = f"longer than {settings.max_length:,} nt"
        raise InputError(path, f"every RNA is {limit}", hint="raise --max-length, or give --too-long crop")
    if sample is not None and sample < len(kept):
        drawn = np.zeros(len(kept), dtype=bool)
        drawn[rng_for(seed, "pretrain", "sample").choice(len(kept), sample, replace=False)] = True
        left_out += [(rna.id, NOT_DRAWN) for rna, taken in zip(kept, drawn, strict=True) if not taken]
        kept = [rna for rna, taken in zip(kept, drawn, strict=True) if taken]
    found = listed_groups(kept, read_groups(groups), groups) if groups else related_groups(kept)
    held = held_out(found, settings.valid_share, rng_for(seed, "pretrain", "valid"))
    if not held.any():
        raise InputError(path, "all its RNAs are relatives, so that none can be held out", hint="give more RNAs")
    return TrainingRnas(make_corpus(kept), np.flatnonzero(held), left_out, str(path))


def _named_once(path: str | os.PathLike[str], rnas: Iterable[Rna]) -> Iterator[Rna]:
    """Yield the RNAs, and raise InputError where two have one id."""
    digests: dict[str, str] = {}
    for rna in rnas:
        if rna.id in digests:
            raise repeated_id(path, rna, rna.sequence if digests[rna.id] == rna.digest else "")
        digests[rna.id] = rna.digest
        yield rna


def _kept(rnas: Iterable[Rna], settings: PretrainSettings) -> tuple[list[Rna], list[tuple[str, str]]]:
    """The RNAs that are taken, each sequence once; and id and reason of the others."""
    seen: set[str] = set()
    kept: list[Rna] = []
    left_out: list[tuple[str, str]] = []
    for rna in rnas:
        if len(rna.sequence) > settings.max_length and settings.too_long == DROP:
            left_out.append((rna.id, TOO_LONG))
        elif rna.digest in seen:
            left_out.append((rna.id, REPEATED))
        else:
            seen.add(rna.digest)
            kept.append(rna)
    return kept, left_out
