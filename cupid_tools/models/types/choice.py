"""Which classifier of types is fitted, and with which numbers: its own, or those that the user gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cupid_tools.errors import UsageError
from cupid_tools.models.classifiers import SEQUENCES, VECTORS
from cupid_tools.models.types import DEFAULTS, TYPE_CLASSIFIERS
from cupid_tools.models.types.base import TypeClassifier

if TYPE_CHECKING:
    from cupid_tools.models.pretraining.product import Pretrained

_HINTS = {
    VECTORS: "make them with 'cupid-embed -o store.npy FASTA', and give -e store.npy",
    SEQUENCES: "give --fasta without --embeddings",
}
_MINI = "mini"
_NETWORK = DEFAULTS[SEQUENCES]
_SIZES = ("nucleotides", "width", "layers", "heads", "feed_forward", "stem", "readout")
_STARTED_RATE = 5e-4
"""Of a network that has learned already."""


class Choice(NamedTuple):
    """A classifier to be fitted.

    Attributes:
        name: in the registry.
        kind: the class behind it.
        config, training: instances of its ``Config`` and ``Training``.
        start: what a network goes on from; None begins with random numbers.
    """

    name: str
    kind: type[TypeClassifier]
    config: Any
    training: Any
    start: Pretrained | None = None


def choose(method: str | None, reads: str, given: Mapping[str, Any], start: str | None = None) -> Choice:
    """Settle what is fitted.

    Args:
        method: registry name; None stands for that of ``DEFAULTS``.
        reads: what is there of each RNA, ``SEQUENCES`` or ``VECTORS``.
        given: name -> number that the user gives, of either ``Config`` or ``Training``.
        start: an encoder made by cupid-pretrain, or ``mini``, the one that comes with the package.

    Raises:
        UsageError: the classifier reads something else, does not have a number that is given, one is out of range, or
            it has nothing to start from.
        CupidError, InputError: *start* is not there, or no such encoder.
    """
    name = method or DEFAULTS[reads]
    kind: type[TypeClassifier] = TYPE_CLASSIFIERS.load(name)
    if kind.reads != reads:
        raise UsageError(f"{name} reads {kind.reads}, not {reads}", hint=_HINTS[kind.reads])
    config, training = ({field.name for field in fields(part)} for part in (kind.Config, kind.Training))
    if unknown := sorted(given.keys() - config - training):
        flag = "--" + unknown[0].replace("_", "-")
        raise UsageError(f"{flag} is no setting of {name}", hint="leave it out, or choose another --method")
    if start is not None:
        return _started(name, kind, given, start)
    return Choice(name, kind, kind.Config(**_of(config, given)), kind.Training(**_of(training, given)))


def _started(name: str, kind: type[TypeClassifier], given: Mapping[str, Any], start: str) -> Choice:
    from cupid_tools.models.encoders.own import MINI
    from cupid_tools.models.pretraining.product import read_pretrained

    if name != _NETWORK:
        raise UsageError(f"{name} starts from nothing", hint=f"leave --start out, or choose --method {_NETWORK}")
    if sizes := sorted(given.keys() & {*_SIZES}):
        flag = "--" + sizes[0].replace("_", "-")
        raise UsageError(f"{flag} is told by what --start names", hint="leave it out")
    found = read_pretrained(MINI if start == _MINI else Path(start))
    network = found.model.encoder.settings
    config = {name: getattr(network, name) for name in _SIZES} | {"max_length": found.max_length}
    names, settings = ({field.name for field in fields(part)} for part in (kind.Config, kind.Training))
    training = {"learning_rate": _STARTED_RATE} | _of(settings, given)
    return Choice(name, kind, kind.Config(**config | _of(names, given)), kind.Training(**training), found)


def _of(names: set[str], given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name in names}
