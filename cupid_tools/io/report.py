"""``--report``: what a tool read, did and wrote, as JSON; and ``--dropped``: what it left out, and why.

Equal inputs and settings give equal bytes: no date, host, path or run time.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cupid_tools.io.atomic import atomic_write


@dataclass
class Report:
    """The counts of one run, and anything else that a tool wants to tell.

    Attributes:
        counts: kind of record (``rnas``, ``pairs``) -> ``read``, ``written``, and ``dropped`` by reason.
        details: further results by name, ready for JSON.
    """

    counts: dict[str, dict[str, Any]] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    dropped: list[tuple[str, str, str, str]] = field(default_factory=list)

    def count(
        self, kind: str, *, read: int, written: int, added: int = 0, dropped: Mapping[str, int] | None = None
    ) -> None:
        """Record that of *read* records (and *added* ones) *written* remain; *dropped* says why the others do not.

        Raises:
            AssertionError: the numbers do not add up, which is our bug.
        """
        reasons = {reason: number for reason, number in sorted((dropped or {}).items()) if number}
        assert read + added == written + sum(reasons.values()), (kind, read, added, written, reasons)
        self.counts[kind] = {"read": read, "added": added, "written": written, "dropped": reasons}

    def drop(self, kind: str, name: str, partner: str, reason: str) -> None:
        """Note one record that was left out: an RNA (*partner* empty) or a pair."""
        self.dropped.append((kind, name, partner, reason))

    def reasons(self, kind: str) -> Counter[str]:
        """How many records of *kind* were dropped, by reason."""
        return Counter(reason for dropped_kind, _, _, reason in self.dropped if dropped_kind == kind)

    def write(
        self,
        path: str | os.PathLike[str],
        *,
        tool: str,
        version: str,
        settings: Mapping[str, Any],
        inputs: Mapping[str, Any],
    ) -> None:
        """Write the JSON; *settings* are option values, *inputs* are option name -> SHA-256."""
        content = {
            "tool": tool,
            "version": version,
            "settings": settings,
            "inputs": inputs,
            "counts": self.counts,
            **self.details,
        }
        with atomic_write(path) as handle:
            json.dump(content, handle, indent=2, sort_keys=False, default=str)
            handle.write("\n")


def write_dropped(path: str | os.PathLike[str], dropped: Iterable[tuple[str, str, str, str]]) -> None:
    """Write the records that were left out: kind, id, partner (empty for an RNA) and reason."""
    with atomic_write(path) as handle:
        handle.write("kind\tid\tpartner\treason\n")
        handle.writelines("\t".join(row) + "\n" for row in dropped)
