"""The model file: one safetensors, its tensors the classifier's, its metadata a JSON that tells everything else.

It holds no path, date or host: equal training gives equal bytes. Nothing in it is executed when it is read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from cupid_tools import __version__
from cupid_tools.errors import CupidError, InputError, UsageError
from cupid_tools.io.atomic import atomic_write
from cupid_tools.io.store import StoreInfo
from cupid_tools.models.builtin import model_path
from cupid_tools.models.classifiers import CLASSIFIERS
from cupid_tools.models.classifiers.base import Classifier

FORMAT_VERSION = "2"
_KEY = "cupid_tools"
_LEARNERS = ("lightgbm", "numba")  # read from what is installed; neither is imported for it


@dataclass(frozen=True)
class ModelInfo:
    """What a model is beside its tensors.

    Attributes:
        classifier: registry name.
        config: the fields of that classifier's ``Config``.
        dim: channels of an RNA's vector; 0 for a classifier of sequences.
        store: what made the vectors, scoring takes none of another make; None for a classifier of sequences.
        threshold: scores from here on are called interacting.
        training: recipe, settings, seed, digests and counts of the data.
        metrics: of the chosen epoch on valid.
        versions: of the software that trained it.
    """

    classifier: str
    config: dict[str, Any]
    dim: int
    store: StoreInfo | None
    threshold: float
    training: dict[str, Any]
    metrics: dict[str, Any]
    versions: dict[str, str]


@dataclass(frozen=True)
class Model:
    """A classifier ready to score, on its device."""

    info: ModelInfo
    classifier: Classifier


def versions() -> dict[str, str]:
    """The software that trains here, for ``ModelInfo.versions``."""
    return {"cupid_tools": __version__, "torch": str(torch.__version__)} | {name: version(name) for name in _LEARNERS}


def save_model(path: str | os.PathLike[str], info: ModelInfo, weights: Mapping[str, Tensor]) -> None:
    """Write a model; the file appears complete or not at all."""
    write_tensors(path, {"format": FORMAT_VERSION} | asdict(info), weights)


def write_tensors(path: str | os.PathLike[str], facts: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
    """Write what is to be told of a model, ready for JSON, and its tensors."""
    metadata = json.dumps(facts, sort_keys=True, allow_nan=False)
    content = save({name: weights[name].contiguous() for name in sorted(weights)}, metadata={_KEY: metadata})
    with atomic_write(path, "wb") as handle:
        handle.write(content)


def load_model(path: str | os.PathLike[str], device: torch.device) -> Model:
    """Read a model from *path*, or one that comes with the package; see ``builtin.model_path``.

    Raises:
        UsageError: no such model comes with the package.
        CupidError: no such file.
        InputError: cut short, made by another program, or with tensors that do not fit what it says of itself.
    """
    text, weights = read_tensors(path, Path(model_path(str(path))), "cupid-train")
    info = _parse_info(path, text)
    return Model(info, _build(path, info, weights, device))


def read_tensors(path: str | os.PathLike[str], file: Path, tool: str) -> tuple[str, dict[str, Tensor]]:
    """What *file* tells of its model, a JSON text, and its tensors.

    Args:
        path: names the file in messages.
        file: to be read.
        tool: makes such files.

    Raises:
        CupidError: no such file.
        InputError: cut short, or made by another program.
    """
    if not file.exists():
        raise CupidError(f"{path}: no such file", hint=f"make it with {tool}")
    if not file.is_file():
        raise InputError(path, "is no regular file", hint="a model is read in pieces, so not from a pipe")
    try:
        with safe_open(file, framework="pt") as handle:
            metadata = handle.metadata() or {}
            weights = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 - it is no dict
    except SafetensorError as error:
        raise InputError(path, "is not a complete safetensors file", hint="copy it again, or train again") from error
    if _KEY not in metadata:
        raise InputError(path, "is not a model of cupid-tools", hint=f"train one with {tool}")
    return metadata[_KEY], weights


def build_classifier(name: str, config: Mapping[str, Any], dim: int) -> Classifier:
    """Make a new classifier *name* for vectors of *dim* channels, or for sequences."""
    kind = CLASSIFIERS.load(name)
    classifier: Classifier = kind(kind.Config(**config), dim)
    return classifier


def _parse_info(path: str | os.PathLike[str], text: str) -> ModelInfo:
    try:
        values = json.loads(text)
        if "tokenizer" in values:
            raise InputError(path, "holds weights of an encoder, not a model of pairs", hint="cupid-train makes one")
        if "types" in values:
            raise InputError(path, "is a model of RNA types, not of pairs", hint="cupid-classify predict takes it")
        made_by = values.pop("format")
        values["store"] = values["store"] and StoreInfo(**values["store"])
        info = ModelInfo(**values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(path, "has damaged metadata", hint="copy it again, or train again") from error
    if made_by != FORMAT_VERSION or info.classifier not in CLASSIFIERS:
        raise InputError(path, "was made by another version of cupid-tools", hint="update, or train again")
    return info


def _build(
    path: str | os.PathLike[str], info: ModelInfo, weights: Mapping[str, Tensor], device: torch.device
) -> Classifier:
    if not all(bool(torch.isfinite(tensor).all()) for tensor in weights.values()):
        raise InputError(path, "holds NaN or infinity", hint="train again")
    try:
        classifier = build_classifier(info.classifier, info.config, info.dim)
        classifier.load(weights, device)
    except (ValueError, TypeError, UsageError) as error:
        raise InputError(path, "holds tensors that do not fit its classifier", hint="train again") from error
    return classifier
