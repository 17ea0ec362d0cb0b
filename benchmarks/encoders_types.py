"""How well a straight line tells RNA types in vectors, on clusters of relatives that were not learned from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from encoders_estimates import Codes, Row, estimate, f1_scores, row_weights
from encoders_vectors import Embedder
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from cupid_tools.io.fasta import read_fasta
from cupid_tools.io.store import Vectors
from cupid_tools.sampling.seeds import rng_for
from cupid_tools.vocab import Rna

SETS = ("nrc", "mncr")
STRENGTHS = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
"""Inverse weights of the penalty, of which the best is taken."""
_CHOOSING = 0.25
"""Part of the train clusters on which the penalty is chosen."""
_ITERATIONS = 300
_NOTE = re.compile(r"(\w+)=(\S+)")

Mask = NDArray[np.bool_]


class Labelled(NamedTuple):
    """RNAs of one file, n.

    Attributes:
        sequences: n.
        labels: str [n], types or families.
        clusters: int64 [n], of relatives.
    """

    sequences: list[str]
    labels: NDArray[np.str_]
    clusters: Codes


def read_labelled(path: Path, label: str, limit: int | None) -> Labelled:
    """Read a file of ``encoder_data.py``: the *label* is ``type``, or a word of the note; at most *limit* RNAs."""
    rnas = some(list(read_fasta(path)), limit)
    notes = [dict(_NOTE.findall(rna.note)) | {"type": rna.type} for rna in rnas]
    return Labelled(
        [rna.sequence for rna in rnas],
        np.array([note[label] for note in notes]),
        np.array([int(note["cluster"]) for note in notes], dtype=np.int64),
    )


def some(rnas: Sequence[Rna], limit: int | None) -> list[Rna]:
    """At most *limit* RNAs, at random, in their order."""
    if limit is None or limit >= len(rnas):
        return list(rnas)
    chosen = rng_for(0, "benchmarks.encoders", "limit").permutation(len(rnas))[:limit]
    return [rnas[place] for place in np.sort(chosen)]


def standardised(vectors: Vectors, like: Vectors) -> Vectors:
    """Channels with the mean 0 and the deviation 1 that they have in *like*; constant ones are 0."""
    spread = like.std(axis=0, dtype=np.float64)
    scaled = (vectors - like.mean(axis=0, dtype=np.float64)) / np.where(spread > 0, spread, 1)
    return np.where(spread > 0, scaled, 0).astype(np.float32)


def held_out(clusters: Codes, share: float, rng: np.random.Generator) -> Mask:
    """A *share* of the clusters, whole, at random: bool [n]."""
    numbers = np.unique(clusters)
    return np.isin(clusters, rng.permutation(numbers)[: round(len(numbers) * share)])


def fitted(vectors: Vectors, labels: Codes, strength: float) -> LogisticRegression:
    """A logistic regression."""
    return LogisticRegression(C=strength, max_iter=_ITERATIONS).fit(vectors, labels)


def told(train: Vectors, labels: Codes, clusters: Codes, test: Vectors) -> Codes:
    """The classes of *test*, by a regression on *train* whose penalty is chosen on a part of its clusters."""
    away = held_out(clusters, _CHOOSING, rng_for(0, "benchmarks.encoders", "penalty"))
    learned, asked = standardised(train[~away], train[~away]), standardised(train[away], train[~away])
    once = np.ones((1, int(away.sum())), dtype=np.float32)
    macro = [
        f1_scores(labels[away], fitted(learned, labels[~away], strength).predict(asked), once)[0][0]
        for strength in STRENGTHS
    ]
    model = fitted(standardised(train, train), labels, STRENGTHS[int(np.argmax(macro))])
    answers: Codes = model.predict(standardised(test, train))
    return answers


def rows(data: Path, label: str, embedder: Embedder, limit: int | None) -> Iterator[Row]:
    """One row for each set of types."""
    for place in SETS:
        train, test = (read_labelled(data / f"types_{place}_{part}.fa", "type", limit) for part in ("train", "test"))
        names, codes = np.unique(np.concatenate([train.labels, test.labels]), return_inverse=True)
        truth = codes[len(train.labels) :]
        answers = told(
            embedder.embed(train.sequences), codes[: len(train.labels)], train.clusters, embedder.embed(test.sequences)
        )
        macro, micro = f1_scores(truth, answers, row_weights(test.clusters, f"types {place}"))
        metrics = {"F1 macro": estimate(macro), "F1 micro": estimate(micro)}
        yield Row(f"{place}, {len(names)} types", label, metrics)
