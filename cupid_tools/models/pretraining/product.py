"""What training leaves: one file in the format of the weights of language models, fit for ``own:FILE``.

It holds the whole model in float16, the heads and a decoder too, what its channels are over the RNAs it has learned
from, and tells how it was trained. No date, host or path is in it: equal training gives equal bytes.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from cupid_tools.errors import CupidError, InputError
from cupid_tools.models.encoders.conversion import check_tensors
from cupid_tools.models.encoders.pooling import Scale
from cupid_tools.models.pretraining import ARCHITECTURES
from cupid_tools.models.pretraining.base import PretrainingModel
from cupid_tools.models.pretraining.corpus import Corpus, Numbers
from cupid_tools.models.pretraining.judging import Epoch
from cupid_tools.models.pretraining.network import NetworkSettings
from cupid_tools.models.pretraining.scale import measure_scale
from cupid_tools.models.pretraining.training import Task
from cupid_tools.models.weights.library import Weights, fingerprint, read, write

NAME = "own"
"""By which the library of weights knows such files."""
_MEAN, _DEVIATION = "scale.mean", "scale.deviation"
_LICENCE = "that of the RNAs it was trained on"


@dataclass(frozen=True)
class Pretrained:
    """A model that was trained.

    Attributes:
        model: in float32, on the CPU, in evaluation mode.
        scale: of the mean states of its encoder, over RNAs it has learned from.
        max_length: nt of the longest stretch that it has seen in training.
        type_names: the types that its head tells apart.
        fingerprint: of all that its file says.
    """

    model: PretrainingModel
    scale: Scale
    max_length: int
    type_names: tuple[str, ...]
    fingerprint: str


class Finished(NamedTuple):
    """A model that is there already: how many numbers it has learned, and its epochs."""

    parameters: int
    curves: list[Epoch]


def write_pretrained(
    path: str | os.PathLike[str],
    task: Task,
    model: PretrainingModel,
    corpus: Corpus,
    valid: Numbers,
    curves: Sequence[Epoch],
) -> str:
    """Write a model that was trained; the file appears complete or not at all. Returns its fingerprint.

    Raises:
        CupidError: a number is too large for float16.
    """
    learned_from = np.setdiff1d(np.arange(len(corpus)), valid)
    scale = measure_scale(model.encoder, corpus, learned_from, task.settings.max_length, task.seed)
    config = _config(task, corpus, valid) | {"curves": [_row(epoch) for epoch in curves]}
    weights = Weights(kept_tensors(model, scale), config, None)
    mark = fingerprint(NAME, weights)
    write(Path(path), NAME, weights, fingerprint=mark, source_sha256=corpus.digest, licence=_LICENCE)
    return mark


def kept_tensors(model: PretrainingModel, scale: Scale) -> dict[str, Tensor]:
    """All that a file keeps of a model, float16 on the CPU.

    Raises:
        CupidError: a number is too large for float16.
    """
    told = {_MEAN: torch.from_numpy(scale.mean), _DEVIATION: torch.from_numpy(scale.deviation)}
    tensors = {name: tensor.detach().cpu().to(torch.float16) for name, tensor in (model.state_dict() | told).items()}
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise CupidError("the model holds numbers that are too large to be kept", hint="lower --learning-rate")
    return tensors


def finished(path: Path, task: Task, corpus: Corpus, valid: Numbers) -> Finished | None:
    """What *path* says of a model of this very task; None where it is not there, or of another task."""
    if not path.exists():
        return None
    weights, facts = read(path, NAME)
    config = dict(weights.config)
    curves = config.pop("curves")
    if config != _config(task, corpus, valid) or facts["source_sha256"] != corpus.digest:
        return None
    learned = weights.tensors.keys() - {_MEAN, _DEVIATION}
    return Finished(sum(weights.tensors[name].numel() for name in learned), [_epoch(row) for row in curves])


def read_pretrained(path: Path) -> Pretrained:
    """Read a model that was trained.

    Raises:
        CupidError: no such file.
        InputError: cut short, or not of cupid-pretrain.
    """
    if not path.is_file():
        raise CupidError(f"{path}: no such file", hint="make it with cupid-pretrain")
    weights, facts = read(path, NAME)
    try:
        config: dict[str, Any] = weights.config
        network = NetworkSettings(**config["network"])
        with torch.device("meta"):
            model: PretrainingModel = ARCHITECTURES.load(network.architecture)(network, len(config["types"]))
        max_length = int(config["training"]["max_length"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(path, "has damaged metadata", hint="train again") from error
    tensors = {name: tensor.to(torch.float32) for name, tensor in weights.tensors.items()}
    channels = torch.empty(network.states, device="meta")
    check_tensors(tensors, model.state_dict() | {_MEAN: channels, _DEVIATION: channels}, str(path))
    scale = Scale(tensors.pop(_MEAN).numpy(), tensors.pop(_DEVIATION).numpy())
    if (scale.deviation <= 0).any():
        raise InputError(path, "tells of channels that do not vary", hint="train again")
    made: PretrainingModel = ARCHITECTURES.load(network.architecture)(network, len(config["types"]))
    made.load_state_dict(tensors)
    return Pretrained(made.eval(), scale, max_length, tuple(config["types"]), str(facts["fingerprint"]))


def _config(task: Task, corpus: Corpus, valid: Numbers) -> dict[str, Any]:
    """All that the file says of a model beside its curves, ready for JSON."""
    training = asdict(task.settings) | {
        "precision": task.precision,
        "seed": task.seed,
        "rnas": len(corpus) - len(valid),
        "nucleotides": int(corpus.starts[-1] - corpus.lengths[valid].sum()),
        "held_out": len(valid),
    }
    types = list(corpus.type_names) if task.settings.type_weight else []
    return {"network": asdict(task.network), "types": types, "training": training}


def _row(epoch: Epoch) -> dict[str, float | None]:
    """An epoch for JSON, which has no NaN."""
    return {name: None if math.isnan(value) else value for name, value in asdict(epoch).items()}


def _epoch(row: dict[str, Any]) -> Epoch:
    values: dict[str, Any] = {name: math.nan if value is None else value for name, value in row.items()}
    return Epoch(**values)
