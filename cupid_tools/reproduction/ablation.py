"""The comparison of RNA_transformer: every combination of its settings is trained, and what each does is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import fields, replace
from itertools import combinations, product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cupid_tools.errors import InputError
from cupid_tools.models.pretraining.data import TrainingRnas
from cupid_tools.models.pretraining.judging import Epoch
from cupid_tools.models.pretraining.product import finished, write_pretrained
from cupid_tools.models.pretraining.training import Checkpoints, Task, check_types, pretrain

if TYPE_CHECKING:
    from torch import device as torch_device

FACTORS = ("architecture", "nucleotides", "type_weight", "width")
"""Settings that may vary."""
METRICS = ("character_error_rate", "perplexity", "type_f1_micro", "type_f1_macro")
"""Columns of ``Epoch`` that are compared."""

Values = tuple[Any, ...]

log = logging.getLogger("cupid_tools")


class Trained(NamedTuple):
    """One combination.

    Attributes:
        values: of the factors, in their order.
        parameters: how many numbers the model has learned.
        curves: its epochs.
        file: the model.
    """

    values: Values
    parameters: int
    curves: Sequence[Epoch]
    file: Path

    @property
    def last(self) -> Epoch:
        """The epoch that is judged."""
        return self.curves[-1]


class Effect(NamedTuple):
    """What one setting does, all else being equal.

    Attributes:
        factor: the setting.
        before, after: its values.
        metric: one of ``METRICS``.
        differences: after minus before, one for each combination of the other settings where both are defined.
    """

    factor: str
    before: Any
    after: Any
    metric: str
    differences: tuple[float, ...]


def read_factors(name: str, variants: Mapping[str, Any]) -> dict[str, Values]:
    """The settings that vary, and their values, from the [variants] of the recipe *name*.

    Raises:
        InputError: there is none, or a setting that cannot vary, or one without two values.
    """
    if not variants:
        raise InputError(name, "has no [variants]", hint=f"list values of {', '.join(FACTORS)} there")
    for factor, values in variants.items():
        if factor not in FACTORS:
            raise InputError(name, f"{factor!r} in [variants] cannot vary", hint=f"known: {', '.join(FACTORS)}")
        if not isinstance(values, list) or len(set(values)) < 2:
            raise InputError(name, f"{factor!r} in [variants] needs two values", hint="as in width = [64, 160]")
    return {factor: tuple(variants[factor]) for factor in FACTORS if factor in variants}


def train_all(
    task: Task,
    factors: Mapping[str, Values],
    rnas: TrainingRnas,
    devices: Sequence[torch_device],
    folder: Path,
    checkpoint_steps: int,
    watch: Callable[[], AbstractContextManager[Callable[[int], object]]],
) -> Iterator[Trained]:
    """Train every combination of *factors*; what *folder* holds of an earlier run is taken up.

    Args:
        task: all other settings.
        factors: setting -> values.
        rnas: what all learn from.
        devices: where.
        folder: keeps models and checkpoints.
        checkpoint_steps: steps between checkpoints.
        watch: shows the progress of a model.
    """
    tasks = {values: _with(task, dict(zip(factors, values, strict=True))) for values in product(*factors.values())}
    for one in tasks.values():
        check_types(rnas.corpus, one.settings, rnas.source)
    for number, (values, one) in enumerate(tasks.items(), start=1):
        name = name_of(values)
        file = folder / f"{name}.safetensors"
        done = finished(file, one, rnas.corpus, rnas.valid)
        log.info("%d of %d: %s%s", number, len(tasks), name, " is there already" if done else "")
        if done is None:
            checkpoints = Checkpoints(folder / f"{name}.checkpoint", checkpoint_steps)
            with watch() as progress:
                model, curves = pretrain(
                    one, rnas.corpus, rnas.valid, devices, checkpoints=checkpoints, progress=progress
                )
            write_pretrained(file, one, model, rnas.corpus, rnas.valid, curves)
            checkpoints.path.unlink(missing_ok=True)
            done = finished(file, one, rnas.corpus, rnas.valid)
            assert done is not None, name
        yield Trained(values, done.parameters, done.curves, file)


def name_of(values: Values) -> str:
    """What a combination is called, for files and lines.

    >>> name_of(("masked", "random", 0.1, 64))
    'masked-random-0.1-64'
    """
    return "-".join(map(str, values))


def effects(factors: Mapping[str, Values], trained: Sequence[Trained]) -> Iterator[Effect]:
    """What each setting does to each metric."""
    by_values = {one.values: one.last for one in trained}
    for place, (factor, values) in enumerate(factors.items()):
        for before, after in combinations(values, 2):
            both = [
                (by_values[key], by_values[(*key[:place], after, *key[place + 1 :])])
                for key in by_values
                if key[place] == before
            ]
            for metric in METRICS:
                differences = [getattr(late, metric) - getattr(early, metric) for early, late in both]
                defined = tuple(found for found in differences if found == found)
                if defined:
                    yield Effect(factor, before, after, metric, defined)


def _with(task: Task, values: Mapping[str, Any]) -> Task:
    """The task with some of its settings replaced."""
    parts = {}
    for part in ("network", "settings"):
        old = getattr(task, part)
        known = {field.name for field in fields(old)}
        parts[part] = replace(old, **{name: value for name, value in values.items() if name in known})
    return replace(task, **parts)
