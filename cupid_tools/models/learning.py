"""From a table of labelled pairs and the RNAs to a fitted classifier, with all that its file tells."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from cupid_tools.io.pairs import PairTable
from cupid_tools.models.checkpoint import ModelInfo, versions
from cupid_tools.models.choice import Choice
from cupid_tools.models.classifiers import SEQUENCES
from cupid_tools.models.dataset import LabelledPairs, training_data
from cupid_tools.models.fitting import Fit
from cupid_tools.models.sources import RnaSource
from cupid_tools.recipes import recipe_names
from cupid_tools.sampling.relatives import Groups

log = logging.getLogger("cupid_tools")


class Learned(NamedTuple):
    """What is written down of a training.

    Attributes:
        info: all that the model's file tells beside ``fit.tensors``.
        fit: what training left.
        used: rows of train and valid.
        augmented: rows that were left out because augmentation made them.
    """

    info: ModelInfo
    fit: Fit
    used: int
    augmented: int


def learn(
    choice: Choice,
    table: PairTable,
    source: RnaSource,
    *,
    relatives: Callable[[list[str]], Groups] | None,
    device: torch.device,
    seed: int,
) -> Learned:
    """Fit the chosen classifier to the train rows of *table*.

    Args:
        choice: what is fitted.
        table: pairs with label and split. Those that augmentation made are left out where sequences are read.
        source: of the RNAs, as the classifier reads them.
        relatives: see ``training_data``.
        device: where it is fitted.
        seed: of all random choices.

    Raises:
        InputError: see ``training_data``.
        CupidError, KeyboardInterrupt: see ``Classifier.fit``.
    """
    made = table.augmented() if choice.kind.reads == SEQUENCES else np.zeros(len(table), dtype=bool)
    if made.any():
        log.info("left out %s rows that augmentation made: %s reads sequences", f"{made.sum():,}", choice.name)
    data = training_data(table.where(~made), source, relatives)
    dim = 0 if choice.kind.reads == SEQUENCES else np.shape(data.rnas)[1]
    fit = choice.kind(choice.config, dim).fit(data, choice.training, device=device, seed=seed)
    info = ModelInfo(
        classifier=choice.name,
        config=vars(choice.config),
        dim=dim,
        store=source.info,
        threshold=fit.best.threshold,
        training={
            "recipe": choice.recipe if choice.recipe is None or choice.recipe in recipe_names() else "own",
            "settings": vars(choice.training),
            "seed": seed,
            "digests": data.digests,
            "train": _counts(data.train),
            "valid": _counts(data.valid),
        },
        metrics=vars(fit.best),
        versions=versions(),
    )
    return Learned(info, fit, len(data.train) + len(data.valid), int(made.sum()))


def _counts(pairs: LabelledPairs) -> dict[str, int]:
    return {"pairs": len(pairs), "positives": pairs.positives}
