"""Names that users type, and the objects behind them, which are imported only when they are used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from cupid_tools.errors import UsageError


class Entry(NamedTuple):
    """One registered object.

    Attributes:
        target: ``package.module:object``.
        summary: one clause for ``--help``, without a final stop.
    """

    target: str
    summary: str


class Registry:
    """A kind of interchangeable parts, such as encoders: to add one is one file and one line.

    >>> shapes = Registry("shape", {"dict": Entry("builtins:dict", "the usual one")})
    >>> list(shapes), shapes.load("dict")
    (['dict'], <class 'dict'>)
    """

    def __init__(self, kind: str, entries: Mapping[str, Entry]) -> None:
        self.kind = kind
        self._entries = dict(entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def help(self) -> str:
        """All names with their summaries, for the help of an option."""
        return "; ".join(f"{name}: {entry.summary}" for name, entry in self._entries.items())

    def summary(self, name: str) -> str:
        """The clause that tells what *name* is.

        Raises:
            UsageError: no such name.
        """
        return self._entry(name).summary

    def load(self, name: str) -> Any:
        """Import the object behind *name*.

        Raises:
            UsageError: no such name.
        """
        module, _, attribute = self._entry(name).target.partition(":")
        return getattr(import_module(module), attribute)

    def _entry(self, name: str) -> Entry:
        if name not in self._entries:
            raise UsageError(f"unknown {self.kind} {name!r} (known: {', '.join(self)})")
        return self._entries[name]
