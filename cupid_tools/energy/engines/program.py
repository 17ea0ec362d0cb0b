"""Programs that others wrote: found, asked for their version, run within limits, and ended with us."""

from __future__ import annotations

import errno
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from cupid_tools.energy.engines.base import ClosedError, EngineError, UnusableError
from cupid_tools.errors import MissingError

_ASKING_SECONDS = 30.0
_LONGEST_WORDS = 200
_LONGEST_MESSAGE = 1 << 16
_MOST_BYTES = 1 << 30
"""Of any file that a program writes, what it prints included."""
_LEAST_FREE = 1 << 16
"""Bytes; with less on the disk of temporary files nothing that a program wrote is believed."""


class _Ended(NamedTuple):
    """Exit status (below 0: a signal) and what was printed."""

    status: int
    stdout: str
    stderr: str


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
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def version(self, arguments: Sequence[str], pattern: str) -> str:
        """What the first group of *pattern* finds in what the program prints when called with *arguments*.

        Raises:
            UnusableError: it does not run, or says nothing of the kind.
        """
        try:
            ended = self._ended(arguments, timeout=_ASKING_SECONDS)
            told = ended.stdout + ended.stderr
        except EngineError as error:
            told = str(error)
        except OSError as error:
            if error.errno not in (errno.ENOEXEC, errno.EACCES):  # no program of this machine, or not to be run
                raise
            told = str(error)
        match = re.search(pattern, told)
        if match is None:
            said = _telling_line(told) or "it prints nothing"
            raise UnusableError(f"{self.path} does not tell its version: {said}", hint=self._remedy)
        return match[1]

    def run(self, arguments: Sequence[str | os.PathLike[str]], *, stdin: str = "", cwd: Path | None = None) -> str:
        """Run it once and return what it printed to stdout.

        Raises:
            EngineError: it hangs, crashes, or ends with another exit status than 0.
        """
        ended = self._ended(arguments, timeout=self._timeout, stdin=stdin, cwd=cwd)
        if ended.status:
            said = _telling_line(ended.stderr) or _telling_line(ended.stdout) or "it printed nothing"
            raise EngineError(f"{self.name} {how_it_ended(ended.status)}: {said}")
        return ended.stdout

    def close(self) -> None:
        """End whatever still runs; nothing is started afterwards."""
        with self._lock:
            self._closed = True
            for process in self._running:
                _end(process)

    def _ended(
        self,
        arguments: Sequence[str | os.PathLike[str]],
        *,
        timeout: float,
        stdin: str = "",
        cwd: Path | None = None,
    ) -> _Ended:
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            with self._started(arguments, cwd, stdout, stderr) as process:
                try:
                    process.communicate(stdin.encode("ascii"), timeout=timeout)
                except subprocess.TimeoutExpired:
                    raise EngineError(f"{self.name} did not end within {timeout:g} s") from None
            if self._closed:
                raise ClosedError
            _check_disk(Path(tempfile.gettempdir()))
            return _Ended(process.returncode, _text(stdout, _MOST_BYTES), _text(stderr, _LONGEST_MESSAGE))

    @contextmanager
    def _started(
        self, arguments: Sequence[str | os.PathLike[str]], cwd: Path | None, stdout: IO[bytes], stderr: IO[bytes]
    ) -> Iterator[subprocess.Popen[bytes]]:
        with self._lock:
            if self._closed:
                raise ClosedError
            process = subprocess.Popen(
                [self.path, *arguments],
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=stderr,
                cwd=cwd,
                env=single_threaded(),
                start_new_session=True,  # so that what it starts can be ended with it
            )
            self._running.add(process)
        try:
            _limit_files(process.pid)
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
    try:
        with path.open("w", encoding="ascii") as handle:
            for name, sequence in sequences.items():
                lines = [sequence[start : start + width] for start in range(0, len(sequence), width)]
                handle.write("\n".join([f">{name}", *lines, ""]))
    except OSError as error:  # a full disk does not say where
        error.filename = str(path)
        raise
    return path


def synthetic_ids(queries: Sequence[str]) -> dict[str, str]:
    """id -> query: programs cut, change and confuse the ids of users, and these are safe with all of them."""
    return {f"q{index}": query for index, query in enumerate(queries)}


def how_it_ended(status: int) -> str:
    """What an exit status above 0, or a signal below, says about a process."""
    if status >= 0:
        return f"ended with exit status {status}"
    if -status == signal.SIGXFSZ:
        return "wrote more than a file may hold"
    known = -status in set(signal.Signals)
    name = signal.Signals(-status).name if known else f"signal {-status}"
    return f"was ended by {name}; it crashed, or there was too little memory"


def single_threaded() -> dict[str, str]:
    """The environment for one of several programs that run at once; messages are in English."""
    return {**os.environ, "LC_ALL": "C", "OMP_NUM_THREADS": "1"}


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it started; one that has ended needs nothing."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _limit_files(pid: int) -> None:
    """Let a program that prints without end be ended before it fills the disk, where the system can."""
    if hasattr(resource, "prlimit"):
        with suppress(ProcessLookupError):
            soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            limit = _MOST_BYTES if soft == resource.RLIM_INFINITY else min(soft, _MOST_BYTES)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, hard))


def _check_disk(folder: Path) -> None:
    """Programs do not say that they could not write, and what is missing would pass for no interaction."""
    if shutil.disk_usage(folder).free < _LEAST_FREE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def _text(printed: IO[bytes], most: int) -> str:
    printed.seek(0)
    return printed.read(most).decode(errors="replace")


def _telling_line(text: str) -> str:
    """The first line that speaks of an error, or else the last that says something, cut to what a message can hold."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "")[:_LONGEST_WORDS]
