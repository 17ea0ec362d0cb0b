"""Every failure that a user can meet, each with its exit code.

The codes are a contract with schedulers and pipelines (see docs/exit-codes.md): 75 is worth a retry with more
memory, 3 never is.
"""

from __future__ import annotations

import os

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_INPUT = 3
EXIT_MISSING = 4
EXIT_OUT_OF_MEMORY = 75
EXIT_INTERRUPTED = 130
EXIT_CLOSED_PIPE = 141


def place_of(path: str | os.PathLike[str], line: int | None = None) -> str:
    """How messages name a file, and a line of it."""
    shown = "stdin" if str(path) == "-" else str(path)
    return shown if line is None else f"{shown}:{line}"


class CupidError(Exception):
    """A failure that is told in one sentence: what is wrong, and how to mend it.

    Args:
        problem: what is wrong, without a final stop.
        hint: how to mend it; printed in parentheses.
    """

    exit_code = EXIT_FAILURE

    def __init__(self, problem: str, *, hint: str | None = None) -> None:
        super().__init__(problem if hint is None else f"{problem} ({hint})")


class UsageError(CupidError):
    """Options that contradict each other or cannot be used together."""

    exit_code = EXIT_USAGE


class InputError(CupidError):
    """A file that breaks its contract.

    Args:
        path: the file; ``-`` is shown as ``stdin``.
        problem: what is wrong, without a final stop.
        line: the line where it is wrong, counted from 1.
        hint: how to mend it; printed in parentheses.
    """

    exit_code = EXIT_INPUT

    def __init__(
        self, path: str | os.PathLike[str], problem: str, *, line: int | None = None, hint: str | None = None
    ) -> None:
        super().__init__(f"{place_of(path, line)}: {problem}", hint=hint)


class MissingError(CupidError):
    """A device, a program, weights or a package that was asked for and is not there."""

    exit_code = EXIT_MISSING


class OutOfMemoryError(CupidError):
    """Memory that ran out; the same command may succeed where there is more."""

    exit_code = EXIT_OUT_OF_MEMORY
