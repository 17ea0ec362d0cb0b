"""The published protocols as data: one TOML file each, which tells all that a repetition needs, step by step.

cupid-filter takes its limits from ``[filter]``, cupid-train its net and its schedule from ``[classifier]`` and
``[training]``. cupid-reproduce reads them all, and runs the ``[variants]``, each a line of the paper's table with the
figures that it reports (see ``protocol``). Recipes of cupid-pretrain are a family of their own.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from cupid_tools.errors import CupidError, InputError, UsageError

Recipe = dict[str, dict[str, Any]]
"""Section -> key -> value."""

Settings = TypeVar("Settings")

_SUFFIX = ".toml"
_FOLDER = Path(__file__).parent


class Family(NamedTuple):
    """Recipes of one kind.

    Attributes:
        folder: of those that come with the package.
        sections: what one may hold, in the order of the work; a tool asks for no more than those it reads.
    """

    folder: Path
    sections: tuple[str, ...]


PAIRS = Family(
    _FOLDER, ("recipe", "filter", "split", "augment", "negatives", "encoder", "classifier", "training", "variants")
)
"""How interactions are predicted."""
PRETRAINING = Family(_FOLDER / "pretraining", ("recipe", "network", "training", "variants"))
"""How an encoder is trained."""

DEFAULT_RECIPE = "mirinter-trans"
"""That which tools follow where none is given."""


def recipe_names(family: Family = PAIRS) -> list[str]:
    """The recipes of a family that come with the package.

    >>> recipe_names(), recipe_names(PRETRAINING)
    (['mirinter-trans', 'ncrna-cupid'], ['mini', 'rna-transformer'])
    """
    return sorted(path.stem for path in family.folder.glob(f"*{_SUFFIX}"))


def load_recipe(name: str | os.PathLike[str], family: Family = PAIRS) -> Recipe:
    """Read a recipe by its name, or a TOML file of the user's own by its path.

    Raises:
        UsageError: neither a known name nor a path that ends in ``.toml``.
        InputError: not TOML, or not made of the sections of *family*.
    """
    known = recipe_names(family)
    if str(name) not in known and not str(name).endswith(_SUFFIX):
        raise UsageError(f"unknown recipe {str(name)!r} (known: {', '.join(known)}; or the path of a TOML file)")
    path = family.folder / f"{name}{_SUFFIX}" if str(name) in known else Path(name)
    try:
        recipe = tomllib.loads(_read(path).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(name, f"is not TOML: {error}") from error
    for key, value in recipe.items():
        if not isinstance(value, dict):
            raise InputError(name, f"{key!r} stands outside of any [section]")
        if key not in family.sections:
            raise InputError(name, f"section [{key}] is unknown", hint=f"known: {', '.join(family.sections)}")
    return recipe


def recipe_section(
    name: str | os.PathLike[str],
    section: str,
    kind: type[Settings],
    overrides: Mapping[str, Any],
    *,
    leave_others: bool = False,
    family: Family = PAIRS,
) -> Settings:
    """Fill the dataclass *kind* from one section of a recipe.

    Args:
        name: of the recipe, as for ``load_recipe``.
        section: whose keys are the fields of *kind*; the key ``name`` is left aside where it is none.
        kind: see ``fill``.
        overrides: field -> value that replaces the recipe's; None leaves it.
        leave_others: keys that are no fields of *kind* are left aside too.
        family: of the recipe.

    Raises:
        InputError: the section lacks a field, has another, or has one of the wrong type.
    """
    hints = get_type_hints(kind)
    given = load_recipe(name, family).get(section, {})
    given |= {key: value for key, value in overrides.items() if value is not None}
    others = given.keys() - hints.keys() if leave_others else {"name"} - hints.keys()
    return fill(kind, {key: value for key, value in given.items() if key not in others}, name, section)


def fill(kind: type[Settings], given: Mapping[str, Any], name: str | os.PathLike[str], section: str) -> Settings:
    """Make the dataclass *kind* from the keys and values *given* in a section of a recipe.

    Args:
        kind: a dataclass of numbers, truth values, strings and tuples of these; a field with a default may be missing.
        given: as TOML has them.
        name: of the recipe, for messages.
        section: likewise.

    Raises:
        InputError: a field is missing, a key is none, or a value has the wrong type.
    """
    hints = get_type_hints(kind)
    for key in hints:
        if key not in given and not hasattr(kind, key):
            raise InputError(name, f"{key!r} is missing in [{section}]", hint="add it, or give the option")
    for key in given:
        if key not in hints:
            raise InputError(name, f"{key!r} in [{section}] is unknown", hint=f"known: {', '.join(hints)}")
    return kind(**{key: _typed(given[key], hints[key], name, f"{key!r} in [{section}]") for key in given})


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CupidError(f"{path}: {(error.strerror or str(error)).lower()}", hint="check the name") from error


def _typed(value: Any, kind: Any, name: str | os.PathLike[str], shown: str) -> Any:
    if isinstance(kind, UnionType):
        kind = next(part for part in get_args(kind) if part is not NoneType)  # TOML has no null
    if get_origin(kind) is tuple and isinstance(value, list):
        return tuple(_typed(part, get_args(kind)[0], name, f"a part of {shown}") for part in value)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        expected = "a list" if get_origin(kind) is tuple else kind.__name__
        raise InputError(name, f"{shown} is {value!r}", hint=f"expected {expected}")
    return value
