"""What the user decides about energies; needs the standard library only, so that parsers can read the defaults."""

from __future__ import annotations

from dataclasses import dataclass

AUTO = "auto"
PRESETS = ("srna", "mirna", "lncrna", "exact")
"""Personalities; an engine tells what each means to it, or that it has no such."""


@dataclass(frozen=True)
class EngineSettings:
    """How an engine is run.

    Attributes:
        preset: one of ``PRESETS``; None for the engine's own defaults.
        args: further arguments of the program, as a shell would split them.
        timeout: seconds after which a call counts as hung.
        cache: folder that keeps accessibilities between runs; None keeps none.
    """

    preset: str | None = None
    args: tuple[str, ...] = ()
    timeout: float = 600.0
    cache: str | None = None
