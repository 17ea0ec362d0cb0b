"""All variants of a protocol on one study: their datasets, scores and judgements."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cupid_tools.energy.engines.choice import choose_engine
from cupid_tools.energy.engines.settings import EngineSettings
from cupid_tools.errors import MissingError
from cupid_tools.evaluation.evaluate import Evaluation, evaluate
from cupid_tools.evaluation.experiment import prepare
from cupid_tools.evaluation.settings import RELATIVES, Listed, Options, Settings
from cupid_tools.io.store import EmbeddingStore
from cupid_tools.models.choice import Choice
from cupid_tools.recipes.protocol import Protocol, Variant
from cupid_tools.reproduction.datasets import (
    DESIGNS,
    PUBLISHED,
    STRICT,
    Dataset,
    Study,
    published_dataset,
    strict_dataset,
)
from cupid_tools.reproduction.scores import (
    Computing,
    Scored,
    Watch,
    embedded,
    energy_scores,
    net_scores,
    open_encoder,
)

log = logging.getLogger("cupid_tools")


@dataclass(frozen=True)
class Request:
    """What is repeated, and how.

    Attributes:
        protocol: of the recipe, with what the user replaced.
        variants: those of its variants that are wanted.
        choice: the net and its schedule.
        computing: where.
        groups: of relatives, for strict C3; None finds them by sequence.
        bootstrap: replicates.
    """

    protocol: Protocol
    variants: tuple[Variant, ...]
    choice: Choice
    computing: Computing
    groups: Listed | None
    bootstrap: int

    @property
    def settings(self) -> Settings:
        """How metrics are taken."""
        return Settings(self.computing.seed, bootstrap=self.bootstrap)

    def options(self, design: str) -> Options:
        """How the rows of *design* are read: the published test set holds copies, the strict one none."""
        published = design == PUBLISHED
        unseen = None if published else RELATIVES
        return Options(self.computing.seed, groups=self.groups, augmented=published, require_unseen=unseen)


class Judged(NamedTuple):
    """The scores of a variant, and what they are worth; the evaluation bears the name of the first that has them."""

    scored: Scored
    evaluation: Evaluation


class Results(NamedTuple):
    """What came of a repetition.

    Attributes:
        per_positive: the negatives for each positive on strict C3, which may be fewer than the protocol asks for.
        judged: design -> name of variant -> what became of it; variants that come to the same share one.
    """

    per_positive: int
    judged: Mapping[str, Mapping[str, Judged]]


def check_tools(request: Request) -> None:
    """Fail now, and not after hours, where weights or a program are missing.

    Raises:
        MissingError: they are, with what to do about it.
    """
    for variant in request.variants:
        try:
            if variant.engine:
                choose_engine(variant.engine, EngineSettings()).close()
            else:
                open_encoder(request.protocol.embedding, variant.pooling, request.computing)
        except MissingError as error:
            other = "--engine" if variant.engine else "--encoder"
            hint = f"or give another {other}, or --variants without {variant.name}"
            raise MissingError(f"{variant.name}: {error}", hint=hint) from error


def repeat(study: Study, request: Request, folder: Path, watch: Watch) -> Results:
    """Run all variants, each on both designs.

    Args:
        study: the pairs.
        request: what is repeated.
        folder: keeps what is finished, from which a later call with equal arguments goes on.
        watch: shows progress.

    Raises:
        InputError: too few pairs for a design.
        CupidError: training ended before its time.
    """
    bench = _Bench(study, request, folder, watch)
    return Results(bench.strict_per_positive, {design: bench.judge(design) for design in DESIGNS})


class _Bench:
    """What variants share: datasets, and vectors."""

    def __init__(self, study: Study, request: Request, folder: Path, watch: Watch) -> None:
        self._study, self._request, self._folder, self._watch = study, request, folder, watch
        self._stores: dict[str, EmbeddingStore] = {}
        ways = sorted({variant.augment for variant in request.variants})
        self._datasets = {(design, way): self._dataset(design, way) for design in DESIGNS for way in ways}

    @property
    def strict_per_positive(self) -> int:
        return min(dataset.per_positive for (design, _), dataset in self._datasets.items() if design == STRICT)

    def judge(self, design: str) -> dict[str, Judged]:
        """Score and judge all variants; those that differ in a pooling that the encoder does not have, once."""
        distinct: dict[tuple[str, bool], Judged] = {}
        found = {}
        for variant in self._request.variants:
            same = variant.engine or repr(self._store(variant.pooling).info), variant.augment
            if same not in distinct:
                log.info("%s, %s", variant.name, design)
                scored = self._scored(variant, design)
                distinct[same] = Judged(scored, self._evaluated(variant, design, scored))
            found[variant.name] = distinct[same]
        return found

    def _dataset(self, design: str, augment: bool) -> Dataset:
        log.info("%s: pairs are parted%s, and negatives drawn", design, " and copied" if augment else "")
        protocol, seed = self._request.protocol, self._request.computing.seed
        if design == PUBLISHED:
            return published_dataset(self._study, protocol, augment=augment, seed=seed, folder=self._folder)
        return strict_dataset(
            self._study, protocol, augment=augment, seed=seed, folder=self._folder, groups=self._request.groups
        )

    def _scored(self, variant: Variant, design: str) -> Scored:
        dataset, request = self._datasets[design, variant.augment], self._request
        if variant.engine:
            fasta = self._study.fasta
            return energy_scores(dataset, variant.engine, fasta, request.computing, self._folder, self._watch)
        return net_scores(dataset, request.choice, self._store(variant.pooling), request.computing, self._folder)

    def _store(self, pooling: str) -> EmbeddingStore:
        if pooling not in self._stores:
            encoder = open_encoder(self._request.protocol.embedding, pooling, self._request.computing)
            rnas = {name: rna for dataset in self._datasets.values() for name, rna in dataset.rnas.items()}
            self._stores[pooling] = embedded(list(rnas.values()), encoder, self._folder, self._study.fasta)
        return self._stores[pooling]

    def _evaluated(self, variant: Variant, design: str, scored: Scored) -> Evaluation:
        dataset = self._datasets[design, variant.augment]
        table = dataset.table.assign(score=scored.scores)
        options = self._request.options(design)
        return evaluate(prepare(variant.name, table, dataset.rnas, self._study.fasta, options), self._request.settings)
