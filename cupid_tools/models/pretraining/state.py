"""The checkpoint of a run: all that it needs to go on with the same bits, in one safetensors file.

It holds tensors and a JSON, nothing that is executed when it is read, and appears complete or not at all: while a new
one is written, the one before stays valid.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from cupid_tools.errors import InputError
from cupid_tools.io.atomic import atomic_write
from cupid_tools.models.pretraining.judging import Epoch, Sums

FORMAT_VERSION = "1"
_KEY = "cupid_tools_checkpoint"
_NETWORK, _OPTIMISER = "network.", "optimiser."
_AGAIN = "--restart begins anew"


@dataclass
class Progress:
    """How far a run is.

    Attributes:
        step: steps that are done, of all epochs.
        sums: of the losses in this epoch.
        curves: epochs that are done.
    """

    step: int
    sums: Sums
    curves: list[Epoch]


def save_state(
    path: Path, asked: Mapping[str, Any], progress: Progress, model: nn.Module, optimiser: torch.optim.Optimizer
) -> None:
    """Write a checkpoint; *asked* is all that the result depends on, ready for JSON."""
    tensors = {f"{_NETWORK}{name}": tensor for name, tensor in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for kind, value in optimiser.state[parameter].items():
            tensors[f"{_OPTIMISER}{kind}.{name}"] = torch.as_tensor(value)
    facts = {"format": FORMAT_VERSION, "asked": dict(asked), "progress": asdict(progress)}
    content = save(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
        metadata={_KEY: json.dumps(facts, sort_keys=True)},
    )
    with atomic_write(path, "wb") as handle:
        handle.write(content)


def load_state(path: Path, asked: Mapping[str, Any], model: nn.Module, optimiser: torch.optim.Optimizer) -> Progress:
    """Bring *model* and *optimiser* to where the checkpoint *path* was written; returns how far that is.

    Raises:
        InputError: no checkpoint, or one of a run that was asked for something else.
    """
    facts, tensors = _read(path)
    _check_asked(path, facts["asked"], asked)
    device = next(model.parameters()).device
    try:
        model.load_state_dict(_part(tensors, _NETWORK))
        kept = _part(tensors, _OPTIMISER)
        for name, parameter in model.named_parameters():
            state = {kind: kept[f"{kind}.{name}"] for kind in ("step", "exp_avg", "exp_avg_sq")}
            optimiser.state[parameter] = {
                kind: value if kind == "step" and device.type == "cpu" else value.to(device)
                for kind, value in state.items()
            }
        progress = facts["progress"]
        return Progress(progress["step"], Sums(**progress["sums"]), [Epoch(**row) for row in progress["curves"]])
    except (KeyError, TypeError, RuntimeError) as error:
        raise InputError(path, "is a damaged checkpoint", hint=_AGAIN) from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as handle:
            facts = json.loads((handle.metadata() or {})[_KEY])
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 - it is no dict
    except (SafetensorError, KeyError, ValueError) as error:
        raise InputError(path, "is no checkpoint of cupid-pretrain", hint=_AGAIN) from error
    if facts.get("format") != FORMAT_VERSION:
        raise InputError(path, "was made by another version of cupid-tools", hint=_AGAIN)
    return facts, tensors


def _check_asked(path: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            was, wanted = (f"{values.get(name)!r}" for values in (before, now))
            raise InputError(
                path, f"is of a run with {name} {was}, and {wanted} is asked for", hint=f"ask for the same; {_AGAIN}"
            )


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
