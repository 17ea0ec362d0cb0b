"""From RNAs with types to a fitted classifier, with all that its file tells."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from cupid_tools.errors import InputError
from cupid_tools.evaluation.metrics import Floats
from cupid_tools.evaluation.type_calibration import probabilities
from cupid_tools.evaluation.type_metrics import ALL, TypeAnswers, answers_of, type_replicates
from cupid_tools.models.checkpoint import versions
from cupid_tools.models.classifiers import SEQUENCES
from cupid_tools.models.sources import RnaSource
from cupid_tools.models.types.checkpoint import TypeModelInfo
from cupid_tools.models.types.choice import Choice
from cupid_tools.models.types.data import TypeData, TypedRna, digests_of
from cupid_tools.models.types.holdout import FEW_GROUPS, group_counts, held_out
from cupid_tools.models.types.network import NetworkOfTypes
from cupid_tools.models.types.stages import TypeFit
from cupid_tools.sampling.relatives import Groups
from cupid_tools.sampling.seeds import rng_for

_TOLD = ("n", "f1_micro", "f1_macro", "log_loss", "brier", "ece", "unknown", "f1_micro_answered")

log = logging.getLogger("cupid_tools")


class LearnedTypes(NamedTuple):
    """What is written down of a training.

    Attributes:
        info: all that the model's file tells beside ``fit.tensors``.
        fit: what training left.
    """

    info: TypeModelInfo
    fit: TypeFit


def type_data(
    rnas: Sequence[TypedRna],
    source: RnaSource,
    relatives: Callable[[list[str]], Groups],
    *,
    valid_fraction: float,
    seed: int,
) -> TypeData:
    """Hold out a part of *rnas* by groups of relatives, and read them all.

    Args:
        rnas: as ``data.choose_rnas`` gives them.
        source: of the RNAs, as the classifier reads them.
        relatives: tells the groups, int64 [N], of N RNAs by id.
        valid_fraction: of the RNAs of each type.
        seed: of the choice.

    Raises:
        InputError: an RNA is not in *source*, or relatives leave no RNA to be held out.
    """
    ids = [rna.id for rna in rnas]
    names, types = np.unique([rna.type for rna in rnas], return_inverse=True)
    groups = relatives(ids)
    _tell_few_groups(names.tolist(), group_counts(types, groups))
    valid = held_out(types, groups, valid_fraction, rng_for(seed, "types", "valid"))
    if not valid.any():
        words = "relatives leave no RNA that could be held out to judge the training"
        raise InputError(source.path, words, hint="give more RNAs, or --groups")
    return TypeData(source.read(ids), types, tuple(names.tolist()), valid, digests_of(rnas, valid))


def learn_types(
    choice: Choice, data: TypeData, source: RnaSource, *, threshold: float, device: torch.device, seed: int
) -> LearnedTypes:
    """Fit the chosen classifier, and calibrate it on what is valid.

    Args:
        choice: what is fitted.
        data: RNAs.
        source: where they come from.
        threshold: of the metrics of valid; see ``type_metrics.measure_types``.
        device: where it is fitted.
        seed: of all random choices.

    Raises:
        CupidError, KeyboardInterrupt: see ``TypeClassifier.fit``.
    """
    dim = 0 if choice.kind.reads == SEQUENCES else np.shape(data.rnas)[1]
    classifier = choice.kind(choice.config, dim, len(data.names))
    if choice.start is not None and isinstance(classifier, NetworkOfTypes):
        classifier.start_from(choice.start.model.encoder)
    fit = classifier.fit(data, choice.training, device=device, seed=seed)
    info = TypeModelInfo(
        classifier=choice.name,
        config=vars(choice.config),
        dim=dim,
        store=source.info,
        types=list(data.names),
        temperature=fit.best.temperature,
        training={
            "settings": vars(choice.training),
            "start": choice.start and choice.start.fingerprint,
            "seed": seed,
            "digests": data.digests,
            "train": data.counts(~data.valid),
            "valid": data.counts(data.valid),
        },
        metrics={"stage": fit.best.stage} | _metrics(data, fit, threshold),
        versions=versions(),
    )
    return LearnedTypes(info, fit)


def _metrics(data: TypeData, fit: TypeFit, threshold: float) -> dict[str, float | None]:
    """Of the valid RNAs; ``ece_before`` is that of the logits without a temperature."""
    before = _overall(_answers(data, fit.valid_logits, 1.0), threshold)
    after = _overall(_answers(data, fit.valid_logits, fit.best.temperature), threshold)
    return {name: after[name] for name in _TOLD} | {"ece_before": before["ece"]}


def _answers(data: TypeData, logits: Floats, temperature: float) -> TypeAnswers:
    truth = [data.names[place] for place in data.types[data.valid].tolist()]
    return answers_of(truth, probabilities(logits, temperature), data.names)


def _overall(answers: TypeAnswers, threshold: float) -> dict[str, float | None]:
    """Metric -> its value; None where it is not defined."""
    alone = np.arange(len(answers))
    values = type_replicates(answers, threshold, alone, replicates=0, seed=0)[0]
    found = {name: float(values[ALL, name]) for name in _TOLD}
    return {name: value if np.isfinite(value) else None for name, value in found.items()}


def _tell_few_groups(names: Sequence[str], counts: Groups) -> None:
    for name, number in zip(names, (counts > 0).sum(axis=0).tolist(), strict=True):
        if number < FEW_GROUPS:
            words = "type %s has %d groups of relatives only: what is said of it rests on next to nothing"
            log.warning(words, name, number)
