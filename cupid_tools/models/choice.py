"""Which classifier is fitted, and with which numbers: its own, those of a recipe, or those that the user gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, NamedTuple

from cupid_tools.errors import InputError, UsageError
from cupid_tools.models.classifiers import CLASSIFIERS, DEFAULTS, SEQUENCES, VECTORS
from cupid_tools.models.classifiers.base import Classifier
from cupid_tools.recipes import DEFAULT_RECIPE, load_recipe, recipe_section

_HINTS = {VECTORS: "give the --embeddings of cupid-embed", SEQUENCES: "give --fasta without --embeddings"}


class Choice(NamedTuple):
    """A classifier to be fitted.

    Attributes:
        name: in the registry.
        kind: the class behind it.
        config, training: instances of its ``Config`` and ``Training``.
        recipe: where numbers come from that the user did not give; None where they are the classifier's own.
    """

    name: str
    kind: type[Classifier]
    config: Any
    training: Any
    recipe: str | None


def choose(classifier: str | None, recipe: str | None, reads: str, given: Mapping[str, Any]) -> Choice:
    """Settle what is fitted.

    A recipe gives its numbers to every classifier that is fitted as its own is; those that come here are for the nets.

    Args:
        classifier: registry name; None stands for the recipe's, or else for that of ``DEFAULTS``.
        recipe: name or path of a recipe; None stands for ``DEFAULT_RECIPE`` where the classifier is a net.
        reads: what is there of each RNA, ``SEQUENCES`` or ``VECTORS``.
        given: name -> number that the user gives, of either ``Config`` or ``Training``.

    Raises:
        UsageError: the classifier reads something else, is fitted otherwise than that of the recipe, does not have a
            number that is given, or one is out of range.
        InputError: the recipe is not complete, or names an unknown classifier.
    """
    named = None if recipe is None else _named_by(recipe)
    name = classifier or named or DEFAULTS[reads]
    kind: type[Classifier] = CLASSIFIERS.load(name)
    if kind.reads != reads:
        raise UsageError(f"{name} reads {kind.reads}, not {reads}", hint=_HINTS[kind.reads])
    config, training = ({field.name for field in fields(part)} for part in (kind.Config, kind.Training))
    if unknown := sorted(given.keys() - config - training):
        flag = "--" + unknown[0].replace("_", "-")
        raise UsageError(f"{flag} is no setting of {name}", hint="leave it out, or choose another --classifier")
    used = DEFAULT_RECIPE if recipe is None and kind.reads == VECTORS else recipe
    fits = used is not None and CLASSIFIERS.load(_named_by(used)).Training is kind.Training
    if recipe is not None and not fits:
        raise UsageError(f"{recipe} has the numbers of {named}, not of {name}", hint="leave --recipe out")
    if used is None or not fits:
        return Choice(name, kind, kind.Config(**_of(config, given)), kind.Training(**_of(training, given)), None)
    return Choice(
        name,
        kind,
        recipe_section(used, "classifier", kind.Config, _of(config, given), leave_others=name != _named_by(used)),
        recipe_section(used, "training", kind.Training, _of(training, given)),
        used,
    )


def _named_by(recipe: str) -> str:
    name = str(load_recipe(recipe).get("classifier", {}).get("name"))
    if name not in CLASSIFIERS:
        raise InputError(recipe, f"[classifier] names {name!r}", hint=f"known: {', '.join(CLASSIFIERS)}")
    return name


def _of(names: set[str], given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name in names}
