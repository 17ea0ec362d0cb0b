"""ViennaRNA's Python package, in processes of its own: a crash or a hang there costs one call, not the run."""

from __future__ import annotations

import json
import logging
import os
import selectors
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cupid_tools
from cupid_tools.energy.engines.arguments import refuse_all
from cupid_tools.energy.engines.base import ClosedError, Duplex, EngineError, UnusableError
from cupid_tools.energy.engines.program import how_it_ended, single_threaded
from cupid_tools.energy.engines.settings import EngineSettings
from cupid_tools.errors import MissingError

log = logging.getLogger("cupid_tools")

_REMEDY = 'pip install "cupid-tools[energy]"'
_LOADING_SECONDS = 60.0


class ViennaRna:
    """The lowest E + ED of target + ED of query over suboptimal duplexes, as ``vienna_worker`` tells; see ``Engine``.

    Segments have at most 40 nt in either RNA, and there must be 6 stacked base pairs. A query longer than that is taken
    in windows of 40 nt, 20 nt apart.
    """

    shortest = 6
    keeps = True
    fingerprint = "u=40 W=150 L=100 delta=10 stack=6 step=20"

    def __init__(self, settings: EngineSettings) -> None:
        """Start a first process, which tells the version.

        Raises:
            MissingError: the package is not there, or cannot be loaded.
            UsageError: a preset or arguments were given.
        """
        refuse_all("viennarna", settings)
        if find_spec("RNA") is None:
            raise MissingError("the Python package ViennaRNA is not installed", hint=_REMEDY)
        if settings.cache:  # each process would say in its own way that there cannot be such a folder
            os.makedirs(settings.cache, exist_ok=True)
        self._settings = settings
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._closed = False
        self._told_problem = False
        try:
            with self._worker() as worker:
                self.version = f"ViennaRNA {worker.version}"
        except EngineError as error:
            raise UnusableError(f"the Python package ViennaRNA cannot be loaded: {error}", hint=_REMEDY) from error

    def duplexes(self, target: str, queries: Sequence[str]) -> list[Duplex | None]:
        """See ``Engine``."""
        with self._worker() as worker:
            answer = worker.ask({"target": target, "queries": list(queries)}, self._settings.timeout)
        if answer["problem"] and not self._told_problem:
            self._told_problem = True
            log.warning("accessibilities are not kept: %s", answer["problem"])
        return [None if found is None else Duplex(*found) for found in answer["duplexes"]]

    def close(self) -> None:
        """See ``Engine``."""
        with self._lock:
            self._closed = True
            for worker in self._busy:
                worker.kill()  # whoever waits for it ends it
            while self._idle:
                self._idle.pop().end()

    @contextmanager
    def _worker(self) -> Iterator[_Worker]:
        """A process for one call; one that did not answer is not used again."""
        worker = self._take()
        try:
            yield worker
        except BaseException:
            self._give_back(worker, broken=True)
            raise
        self._give_back(worker, broken=False)

    def _take(self) -> _Worker:
        """The last one used, which knows the last target; or a new one."""
        with self._lock:
            if self._closed:
                raise ClosedError
            worker = self._idle.pop() if self._idle else _Worker(self._settings.cache or "")
            self._busy.add(worker)
        return worker

    def _give_back(self, worker: _Worker, *, broken: bool) -> None:
        with self._lock:
            self._busy.discard(worker)
            if broken or self._closed:
                worker.end()
            else:
                self._idle.append(worker)
            interrupted = self._closed
        if interrupted:
            raise ClosedError


class _Worker:
    """One process of ``vienna_worker``, which answers one request at a time."""

    def __init__(self, cache: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "cupid_tools.energy.engines.vienna_worker", cache],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env=_environment(),
            start_new_session=True,  # Ctrl-C is for us: we end it
        )
        self._greeting: dict[str, Any] | None = None

    @property
    def version(self) -> str:
        """Of the package.

        Raises:
            EngineError: it cannot be loaded.
        """
        return str(self._greet()["version"])

    def _greet(self) -> dict[str, Any]:
        """What it says when it has been loaded, which comes before any answer."""
        if self._greeting is None:
            self._greeting = self._read(_LOADING_SECONDS)
        return self._greeting

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Send *request* and wait for its answer.

        Raises:
            EngineError: it hangs, ends, or tells an error.
        """
        self._greet()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: reading tells how
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        return self._read(timeout)

    def kill(self) -> None:
        """End it while somebody waits for its answer."""
        self._process.kill()

    def end(self) -> None:
        """End it and release its pipes."""
        self._process.kill()
        with suppress(BrokenPipeError), self._process:
            pass

    def _read(self, timeout: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(timeout):
                raise EngineError(f"ViennaRNA did not end within {timeout:g} s")
        line = self._process.stdout.readline()
        if not line.endswith("\n"):
            raise EngineError(f"ViennaRNA {how_it_ended(self._process.wait())}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise EngineError(f"ViennaRNA: {answer['error']}")
        return answer


def _environment() -> dict[str, str]:
    """It finds this package where we found it, never in the current folder."""
    found = str(Path(cupid_tools.__file__).parents[1])
    paths = os.pathsep.join(filter(None, (found, os.environ.get("PYTHONPATH"))))
    return {**single_threaded(), "PYTHONPATH": paths}
