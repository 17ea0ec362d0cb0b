"""Programs that others wrote: found, asked for their version, run within limits, and ended with us."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cupid_tools.energy.engine import EngineError
from cupid_tools.errors import MissingError

_ASKING_SECONDS = 30.0
_LONGEST_WORDS = 200


class Program:
    """One executable on PATH.

    Attributes:
        name: of the executable.
        path: where it was found.
    """

    def __init__(self, name: str, *, remedy: str, timeout: float) -> None:
        """Find *name*; *remedy* tells how to get it, and *timeout* (seconds) when a run counts as hung.

        Raises:
            MissingError: it is not on PATH.
        """
        found = shutil.which(name)
        if found is None:
            raise MissingError(f"the program {name} is not on PATH", hint=remedy)
        self.name = name
        self.path = os.path.abspath(found)  # a link stays one: some programs look at the name they are called by
        self._remedy = remedy
        self._timeout = timeout
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def version(self, arguments: Sequence[str], pattern: str) -> str:
        """What the first group of *pattern* finds in what the program prints when called with *arguments*.

        Raises:
            MissingError: it does not run, or says nothing of the kind.
        """
        try:
            done = subprocess.run(
                [self.path, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_ASKING_SECONDS,
                env=_environment(),
            )
            told = done.stdout + done.stderr
        except (OSError, subprocess.TimeoutExpired) as error:
            told = str(error)
        match = re.search(pattern, told)
        if match is None:
            said = _telling_line(told) or "it prints nothing"
            raise MissingError(f"{self.path} does not tell its version: {said}", hint=self._remedy)
        return match[1]

    def run(self, arguments: Sequence[str | os.PathLike[str]], *, stdin: str = "", cwd: Path | None = None) -> str:
        """Run it once and return what it printed to stdout.

        Raises:
            EngineError: it hangs, crashes, or ends with another exit status than 0.
        """
        with self._started(arguments, cwd) as process:
            try:
                stdout, stderr = process.communicate(stdin, timeout=self._timeout)
            except subprocess.TimeoutExpired:
                raise EngineError(f"{self.name} did not end within {self._timeout:g} s") from None
        if self._closed:
            raise EngineError("interrupted")
        if process.returncode < 0:
            name = signal.Signals(-process.returncode).name
            raise EngineError(f"{self.name} was ended by {name}; it crashed, or there was too little memory")
        if process.returncode:
            said = _telling_line(stderr) or _telling_line(stdout) or "it printed nothing"
            raise EngineError(f"{self.name} ended with exit status {process.returncode}: {said}")
        return stdout

    def close(self) -> None:
        """End whatever still runs; nothing is started afterwards."""
        with self._lock:
            self._closed = True
            for process in self._running:
                _end(process)

    @contextmanager
    def _started(
        self, arguments: Sequence[str | os.PathLike[str]], cwd: Path | None
    ) -> Iterator[subprocess.Popen[str]]:
        with self._lock:
            if self._closed:
                raise EngineError("interrupted")
            process = subprocess.Popen(
                [self.path, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                cwd=cwd,
                env=_environment(),
                start_new_session=True,  # so that what it starts can be ended with it
            )
            self._running.add(process)
        try:
            yield process
        finally:
            _end(process)
            with process:  # closes its pipes, and waits for it
                pass
            with self._lock:
                self._running.discard(process)


@contextmanager
def workspace() -> Iterator[Path]:
    """A folder for the files of one call, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="cupid-energy-") as folder:
        yield Path(folder)


def write_sequences(path: Path, sequences: Mapping[str, str], *, width: int = sys.maxsize) -> Path:
    """Write a FASTA file of id -> sequence, in lines of at most *width* letters, and return its path."""
    with path.open("w", encoding="ascii") as handle:
        for name, sequence in sequences.items():
            lines = [sequence[start : start + width] for start in range(0, len(sequence), width)]
            handle.write("\n".join([f">{name}", *lines, ""]))
    return path


def _environment() -> dict[str, str]:
    """One thread a program, since several programs run at once; and messages in English."""
    return {**os.environ, "LC_ALL": "C", "OMP_NUM_THREADS": "1"}


def _end(process: subprocess.Popen[str]) -> None:
    """Kill a process and all that it started; one that has ended needs nothing."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _telling_line(text: str) -> str:
    """The first line that speaks of an error, or else the last that says something, cut to what a message can hold."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "")[:_LONGEST_WORDS]
