"""How well pairs are told from vectors, where one RNA (C2) or both (C3) have no relative in train."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from encoders_estimates import Estimate, Row, mean_of
from encoders_types import fitted, standardised
from encoders_vectors import Embedder
from learning import (
    DEGREE,
    LNCRNA,
    LONGEST,
    MIRNAS,
    UNIFORM,
    Trial,
    World,
    answers,
    group_weights,
    judge,
    load,
    merged,
    split,
    unseen_both,
    with_negatives,
)

from cupid_tools.evaluation.metrics import Floats, average_precision
from cupid_tools.io.pairs import ID_A, ID_B
from cupid_tools.io.store import Vectors
from cupid_tools.models.dataset import LabelledPairs
from cupid_tools.sampling.seeds import rng_for
from cupid_tools.vocab import TEST, TRAIN, VALID

SETS = {LNCRNA: LONGEST, MIRNAS: None}
"""Folder -> nt of the longest RNA."""
STRENGTHS = (1e-6, 1e-4, 1e-2)
MLP, LINE = "mlp-symmetric", "logistic regression"
METRICS = ("AUROC", "average precision")


def unseen_one(which: str) -> Callable[[World, int], Trial]:
    """One RNA of a test pair has no relative in train: the first by ``unseen-a``, the second by ``unseen-b``."""

    def trial(world: World, seed: int) -> Trial:
        table = split(world, seed, which)
        return Trial(
            with_negatives(world, table, TRAIN, DEGREE, seed),
            with_negatives(world, table, VALID, DEGREE, seed),
            {strategy: with_negatives(world, table, TEST, strategy, seed) for strategy in (UNIFORM, DEGREE)},
        )

    return trial


SPLITS = {"C2 (first)": unseen_one("unseen-a"), "C2 (second)": unseen_one("unseen-b"), "C3": unseen_both}


def pair_vectors(vectors: Vectors, pairs: LabelledPairs) -> Vectors:
    """Order-free: the distance and the product of both vectors, channel by channel: float32 [n, 2 D]."""
    first, second = vectors[pairs.first], vectors[pairs.second]
    return np.concatenate([np.abs(first - second), first * second], axis=1)


def line_scores(vectors: Vectors, trial: Trial) -> Iterator[tuple[str, Floats]]:
    """The scores of each test by a logistic regression on train, whose penalty valid has chosen."""
    known = np.unique(np.concatenate([trial.train.first, trial.train.second]))
    scaled = standardised(vectors, vectors[known])
    train = pair_vectors(scaled, trial.train)
    valid = standardised(pair_vectors(scaled, trial.valid), train)
    models = [fitted(standardised(train, train), trial.train.labels, strength) for strength in STRENGTHS]
    best = max(models, key=lambda model: average_precision(trial.valid.labels, model.decision_function(valid)))
    for strategy, test in trial.tests.items():
        yield strategy, best.decision_function(standardised(pair_vectors(scaled, test), train))


def read_world(folder: Path, longest: int | None, limit: int | None) -> World:
    """A set; *limit* takes so many of its pairs at random."""
    world = load(folder, longest)
    if limit is None or limit >= len(world.table):
        return world
    keep = np.zeros(len(world.table), dtype=bool)
    keep[rng_for(0, "benchmarks.encoders", "limit").permutation(len(keep))[:limit]] = True
    table = world.table.where(keep)
    named = {*table.column(ID_A), *table.column(ID_B)}
    left = np.array([rna.id in named for rna in world.rnas])
    rnas = [rna for rna in world.rnas if rna.id in named]
    return World(table, rnas, np.unique(world.groups[left], return_inverse=True)[1], world.published[keep])


def rows(
    interactions: Path, label: str, embedder: Embedder, limit: int | None, seeds: Sequence[int], epochs: int
) -> Iterator[Row]:
    """One row for each set, split, strategy of negatives and classifier: the mean over *seeds*."""
    for folder, longest in SETS.items():
        world = read_world(interactions / folder, longest, limit)
        vectors = embedder.embed([rna.sequence for rna in world.rnas])
        weights = group_weights(world, folder)
        for kind, draw in SPLITS.items():
            found: dict[tuple[str, str], list[tuple[Estimate, Estimate]]] = defaultdict(list)
            for seed in seeds:
                trial = draw(world, seed)
                scored = {MLP: answers(world, trial, MLP, vectors, seed, epochs), LINE: line_scores(vectors, trial)}
                for classifier, tests in scored.items():
                    for strategy, scores in tests:
                        result = judge(weights, merged(world, trial, trial.tests[strategy], scores))
                        both = tuple(map(Estimate, result.point.tolist(), result.replicates))
                        found[strategy, classifier].append(both)
            for (strategy, classifier), each in found.items():
                metrics = {
                    metric: mean_of(values) for metric, values in zip(METRICS, zip(*each, strict=True), strict=True)
                }
                yield Row(f"{folder}, {kind}, {strategy}, {classifier}", label, metrics)
