"""A published protocol whole: what cupid-reproduce repeats, and the figures that it prints beside its own."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from cupid_tools.errors import InputError, UsageError
from cupid_tools.recipes import fill, load_recipe, recipe_section
from cupid_tools.vocab import SPLITS, WAYS

ROWS, PAIRS = VALID_OF = ("rows", "pairs")
"""``rows``: valid is parted from train last, row by row, so that copies of one pair fall on both sides, as published.
``pairs``: before anything is copied or drawn."""


@dataclass(frozen=True)
class Heading:
    """``[recipe]``.

    Attributes:
        title: what the protocol is for.
    """

    title: str


@dataclass(frozen=True)
class Limits:
    """``[filter]``.

    Attributes:
        max_length: longest RNA kept, in nt.
    """

    max_length: int

    def __post_init__(self) -> None:
        if self.max_length < 1:
            raise UsageError(f"the longest RNA kept has {self.max_length} nt (it must be at least 1)")


@dataclass(frozen=True)
class Division:
    """``[split]``.

    Attributes:
        by: a name among ``sampling.splits.SPLITTERS``.
        test_fraction: of all pairs.
        valid_fraction: of what is not tested.
        valid_of: one of ``VALID_OF``.
    """

    by: str
    test_fraction: float
    valid_fraction: float
    valid_of: str

    def __post_init__(self) -> None:
        _check_known("valid_of", [self.valid_of], VALID_OF)
        for name in ("test_fraction", "valid_fraction"):
            if not 0 < getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name):g} (it must be between 0 and 1)")


@dataclass(frozen=True)
class Copies:
    """``[augment]``.

    Attributes:
        how: some of ``vocab.WAYS``.
        splits: whose pairs are copied.
    """

    how: tuple[str, ...]
    splits: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_known("how", self.how, WAYS)
        _check_known("splits", self.splits, SPLITS)


@dataclass(frozen=True)
class Negatives:
    """``[negatives]``.

    Attributes:
        strategy: a name among ``sampling.negatives.STRATEGIES``.
        per_positive: negatives for each positive row.
    """

    strategy: str
    per_positive: int

    def __post_init__(self) -> None:
        if self.per_positive < 1:
            raise UsageError(f"{self.per_positive} negatives for each positive (it must be at least 1)")


@dataclass(frozen=True)
class Embedding:
    """``[encoder]``.

    Attributes:
        name: among ``models.encoders.ENCODERS``.
        pooling: of the variants that name none.
        long: what becomes of RNAs above the context.
    """

    name: str
    pooling: str
    long: str


class Figures(NamedTuple):
    """What a paper reports."""

    auroc: float
    auprc: float


class Variant(NamedTuple):
    """One line of a paper's table.

    Attributes:
        name: as the paper has it.
        pooling: how nucleotides become one vector.
        augment: whether pairs are copied.
        engine: whose interaction energies are the scores, in place of a net's; None for a net.
        published: type pair, or ``all``, to what the paper reports.
    """

    name: str
    pooling: str
    augment: bool
    engine: str | None
    published: Mapping[str, Figures]


class Protocol(NamedTuple):
    """A recipe but for its net and schedule, which belong to the classifier."""

    heading: Heading
    limits: Limits
    division: Division
    copies: Copies
    negatives: Negatives
    embedding: Embedding
    variants: tuple[Variant, ...]


def read_protocol(
    name: str | os.PathLike[str], *, per_positive: int | None = None, encoder: str | None = None
) -> Protocol:
    """Read what a recipe, by its name or path, says of everything but the net.

    Args:
        name: as for ``load_recipe``.
        per_positive: replaces that of the recipe; None leaves it.
        encoder: likewise.

    Raises:
        InputError: a section or a key is missing, unknown, or of the wrong type.
        UsageError: a value is out of range, or none of those known.
    """
    embedding = recipe_section(name, "encoder", Embedding, {"name": encoder})
    return Protocol(
        heading=recipe_section(name, "recipe", Heading, {}),
        limits=recipe_section(name, "filter", Limits, {}),
        division=recipe_section(name, "split", Division, {}),
        copies=recipe_section(name, "augment", Copies, {}),
        negatives=recipe_section(name, "negatives", Negatives, {"per_positive": per_positive}),
        embedding=embedding,
        variants=tuple(_variants(name, embedding.pooling)),
    )


@dataclass(frozen=True)
class _Line:
    """``[variants.NAME]`` but for what is published."""

    pooling: str | None = None
    augment: bool = True
    engine: str | None = None


@dataclass(frozen=True)
class _Cell:
    """The figures of one type pair in ``[variants.NAME.published]``."""

    auroc: float
    auprc: float


def _variants(name: str | os.PathLike[str], pooling: str) -> Iterator[Variant]:
    found = load_recipe(name).get("variants", {})
    if not found:
        raise InputError(name, "has no [variants]", hint="each is a line of the table, as [variants.NAME]")
    for variant, table in found.items():
        place = f"variants.{variant}"
        given = dict(_table(table, name, place))
        cells = _table(given.pop("published", {}), name, f"{place}.published")
        line = fill(_Line, given, name, place)
        published = {types: _figures(cell, name, f"{place}.published.{types}") for types, cell in cells.items()}
        yield Variant(variant, line.pooling or pooling, line.augment, line.engine, published)


def _figures(cell: Any, name: str | os.PathLike[str], section: str) -> Figures:
    return Figures(**vars(fill(_Cell, _table(cell, name, section), name, section)))


def _table(value: Any, name: str | os.PathLike[str], section: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(name, f"[{section}] is {value!r}", hint="expected a table")
    return value


def _check_known(key: str, values: Collection[str], known: Collection[str]) -> None:
    for value in values:
        if value not in known:
            raise UsageError(f"{key} names {value!r} (known: {', '.join(known)})")
