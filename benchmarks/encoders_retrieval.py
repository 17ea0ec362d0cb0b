"""Whether the RNAs with the nearest vectors are of the same Rfam family, also where they are no relatives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from encoders_estimates import Codes, Row, estimate, row_weights, weighted_mean
from encoders_types import read_labelled, standardised
from encoders_vectors import Embedder
from numpy.typing import NDArray

from cupid_tools.evaluation.metrics import Floats, average_precision
from cupid_tools.io.store import Vectors

_BLOCK = 256
"""RNAs that are compared with all others at once."""


class Found(NamedTuple):
    """What each RNA that can find one of its family finds, float64 [asked].

    Attributes:
        asked: int64 [asked], which RNAs.
        nearest: 1 where the nearest vector is of the same family, else 0.
        precision: average precision of the ranking of all candidates.
    """

    asked: Codes
    nearest: Floats
    precision: Floats


def directions(vectors: Vectors, *, scaled: bool) -> Vectors:
    """Vectors of length 1, so that products are cosines: less their mean, and *scaled* also by their deviations."""
    moved = standardised(vectors, vectors) if scaled else vectors - vectors.mean(axis=0, dtype=np.float64)
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    return (moved / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def retrieve(vectors: Vectors, families: Codes, barred: Codes) -> Found:
    """Rank for each RNA the candidates by cosine.

    Args:
        vectors: float32 [N, D], of length 1.
        families: int64 [N].
        barred: int64 [N]; an RNA's candidates are those of another number, so that it never finds itself.
    """
    asked, nearest, precision = [], [], []
    for start in range(0, len(vectors), _BLOCK):
        cosines = vectors[start : start + _BLOCK] @ vectors.T
        for place, row in enumerate(cosines, start=start):
            candidates = barred != barred[place]
            same = (families == families[place])[candidates]
            if same.any():
                asked.append(place)
                nearest.append(same[np.argmax(row[candidates])])
                precision.append(average_precision(same, row[candidates]))
    return Found(np.array(asked, dtype=np.int64), np.array(nearest, dtype=float), np.array(precision, dtype=float))


def of_families(values: Floats, families: NDArray[np.str_]) -> tuple[NDArray[np.str_], Floats]:
    """The families that occur, and the mean of each."""
    names, codes = np.unique(families, return_inverse=True)
    return names, np.bincount(codes, weights=values) / np.bincount(codes)


def rows(data: Path, label: str, embedder: Embedder, limit: int | None) -> Iterator[Row]:
    """One row for each choice of candidates and treatment of vectors; every family counts once."""
    rnas = read_labelled(data / "families.fa", "family", limit)
    vectors = embedder.embed(rnas.sequences)
    families = np.unique(rnas.labels, return_inverse=True)[1]
    for candidates, barred in {"all others": np.arange(len(families)), "no relatives": rnas.clusters}.items():
        for treatment in ("centred", "standardised"):
            found = retrieve(directions(vectors, scaled=treatment == "standardised"), families, barred)
            if not len(found.asked):  # of no family are there two
                continue
            metrics = {}
            for metric, values in {"nearest": found.nearest, "mean AP": found.precision}.items():
                names, means = of_families(values, rnas.labels[found.asked])
                weights = row_weights(np.arange(len(names)), f"retrieval {candidates}")
                metrics[metric] = estimate(weighted_mean(means, weights))
            yield Row(f"{candidates}, {treatment}: {len(found.asked):,} RNAs, {len(names)} families", label, metrics)
