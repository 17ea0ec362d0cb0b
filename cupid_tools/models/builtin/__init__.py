"""Pair models that come with the package: ``NAME.safetensors``, and ``NAME.md``, its model card."""

from __future__ import annotations

from pathlib import Path

from cupid_tools.errors import UsageError

_FOLDER = Path(__file__).parent
_SUFFIX = ".safetensors"

BUILTIN = "builtin"
"""What a user types for the default model, or with ``:NAME`` behind it for another."""
DEFAULT_MODEL = "mirna-lncrna"


def builtin_names() -> list[str]:
    """The models that come with the package."""
    return sorted(path.stem for path in _FOLDER.glob(f"*{_SUFFIX}"))


def model_path(name: str) -> str:
    """The file of a model that the user names: a path, ``builtin`` or ``builtin:NAME``.

    Raises:
        UsageError: no such model comes with the package.
    """
    prefix, _, chosen = name.partition(":")
    if prefix != BUILTIN:
        return name
    if (chosen or DEFAULT_MODEL) not in builtin_names():
        known = ", ".join(f"{BUILTIN}:{known}" for known in builtin_names())
        raise UsageError(f"no model {name!r} comes with cupid-tools (known: {known}, or the path of a file)")
    return str(_FOLDER / f"{chosen or DEFAULT_MODEL}{_SUFFIX}")
