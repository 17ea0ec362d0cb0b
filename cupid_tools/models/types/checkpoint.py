"""The file of a type model: one safetensors, its tensors the classifier's, its metadata a JSON that tells the rest.

It holds no path, date or host: equal training gives equal bytes. Nothing in it is executed when it is read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cupid_tools.errors import InputError, UsageError
from cupid_tools.evaluation.metrics import Floats
from cupid_tools.evaluation.type_calibration import probabilities
from cupid_tools.io.store import StoreInfo
from cupid_tools.models.checkpoint import read_tensors, write_tensors
from cupid_tools.models.dataset import Rnas
from cupid_tools.models.types import TYPE_CLASSIFIERS
from cupid_tools.models.types.base import TypeClassifier

FORMAT_VERSION = "1"
_AGAIN = "copy it again, or train again"


@dataclass(frozen=True)
class TypeModelInfo:
    """What a type model is beside its tensors.

    Attributes:
        classifier: registry name.
        config: the fields of that classifier's ``Config``.
        dim: channels of an RNA's vector; 0 for a classifier of sequences.
        store: what made the vectors, prediction takes none of another make; None for a classifier of sequences.
        types: the C types, in the order of the logits.
        temperature: what logits are divided by, so that probabilities hold on valid.
        training: settings, seed, digests and counts of the data.
        metrics: of the chosen stage on valid.
        versions: of the software that trained it.
    """

    classifier: str
    config: dict[str, Any]
    dim: int
    store: StoreInfo | None
    types: list[str]
    temperature: float
    training: dict[str, Any]
    metrics: dict[str, Any]
    versions: dict[str, str]


@dataclass(frozen=True)
class TypeModel:
    """A classifier ready to answer, on its device."""

    info: TypeModelInfo
    classifier: TypeClassifier

    def probabilities(self, rnas: Rnas) -> Floats:
        """Calibrated probabilities of the types, float64 [N, C]."""
        return probabilities(self.classifier.logits(rnas), self.info.temperature)


def save_types(path: str | os.PathLike[str], info: TypeModelInfo, weights: Mapping[str, Tensor]) -> None:
    """Write a model; the file appears complete or not at all."""
    write_tensors(path, {"format": FORMAT_VERSION} | asdict(info), weights)


def load_types(path: str | os.PathLike[str], device: torch.device) -> TypeModel:
    """Read a type model.

    Raises:
        CupidError: no such file.
        InputError: cut short, made by another program or tool, or with tensors that do not fit what it says of itself.
    """
    text, weights = read_tensors(path, Path(path), "cupid-classify train")
    info = _parse_info(path, text)
    return TypeModel(info, _build(path, info, weights, device))


def build_types(name: str, config: Mapping[str, Any], dim: int, types: int) -> TypeClassifier:
    """Make a new classifier *name* of *types* types for vectors of *dim* channels, or for sequences."""
    kind = TYPE_CLASSIFIERS.load(name)
    classifier: TypeClassifier = kind(kind.Config(**config), dim, types)
    return classifier


def _parse_info(path: str | os.PathLike[str], text: str) -> TypeModelInfo:
    try:
        values = json.loads(text)
        _refuse_others(path, values)
        made_by = values.pop("format")
        values["store"] = values["store"] and StoreInfo(**values["store"])
        info = TypeModelInfo(**values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(path, "has damaged metadata", hint=_AGAIN) from error
    if made_by != FORMAT_VERSION or info.classifier not in TYPE_CLASSIFIERS:
        raise InputError(path, "was made by another version of cupid-tools", hint="update, or train again")
    return info


def _refuse_others(path: str | os.PathLike[str], values: Mapping[str, Any]) -> None:
    """Say what a file is that another tool has made."""
    if "tokenizer" in values:
        words = "holds weights of an encoder, not a model of types"
        raise InputError(path, words, hint="cupid-classify train --start goes on from an encoder of cupid-pretrain")
    if "classifier" in values and "types" not in values:
        raise InputError(path, "is a model of pairs, not of types", hint="cupid-score takes it")


def _build(
    path: str | os.PathLike[str], info: TypeModelInfo, weights: Mapping[str, Tensor], device: torch.device
) -> TypeClassifier:
    if not all(bool(torch.isfinite(tensor).all()) for tensor in weights.values()):
        raise InputError(path, "holds NaN or infinity", hint="train again")
    try:
        if not info.temperature > 0:
            raise ValueError("its temperature is not above 0")
        classifier = build_types(info.classifier, info.config, info.dim, len(info.types))
        classifier.load(weights, device)
    except (ValueError, TypeError, UsageError) as error:
        raise InputError(path, "holds tensors that do not fit its classifier", hint="train again") from error
    return classifier
