"""Running an engine over many tasks: in batches of one target, several at once, whatever some of them do."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cupid_tools.energy.engine import Duplex, Engine, EngineError
from cupid_tools.energy.journal import FAILED, NO_INTERACTION, OK, TOO_SHORT, Journal, Result
from cupid_tools.energy.shuffles import dinucleotide_shuffles
from cupid_tools.energy.significance import p_values
from cupid_tools.energy.tasks import Tasks
from cupid_tools.errors import CupidError
from cupid_tools.sampling.seeds import rng_for

BATCH_QUERIES = 1000
BATCH_CELLS = 10**8
"""Most queries of a call, shuffles included, and most of their nucleotides times the target's: some seconds."""
GIVE_UP_AFTER = 16
"""Failed calls without any that works: more than one bad pair in a full batch causes while it is looked for."""
_SHUFFLED_QUERIES = 256
_AHEAD = (
    4  # batches in flight for each job: the results of one that is slow are waited for, since they are kept in order
)

log = logging.getLogger("cupid_tools")


@dataclass(frozen=True)
class Significance:
    """How p-values are taken.

    Attributes:
        shuffles: of each query; 0 for no p-values.
        seed: of the shuffles.
    """

    shuffles: int
    seed: int


def run_tasks(
    tasks: Tasks,
    engine: Engine,
    journal: Journal,
    significance: Significance,
    *,
    jobs: int,
    progress: Callable[[int], object] = lambda tasks: None,
) -> None:
    """Compute all tasks that *journal* lacks, and append their results to it in order.

    Args:
        tasks: grouped by target.
        engine: closed at the end, however that comes.
        journal: holds the results of the first tasks.
        significance: shuffles.
        jobs: calls of the engine that run at once.
        progress: called with the number of tasks of each finished batch.

    Raises:
        CupidError: every call of the engine fails.
    """
    solver = _Solver(tasks, engine, significance)
    pool = ThreadPoolExecutor(jobs)
    try:
        progress(len(journal))
        under_way: deque[Future[list[Result]]] = deque()
        for batch in _batches(tasks, len(journal), significance.shuffles):
            under_way.append(pool.submit(solver.solve, batch))
            if len(under_way) == jobs * _AHEAD:
                _settle(under_way.popleft(), journal, progress)
        while under_way:
            _settle(under_way.popleft(), journal, progress)
        if all(journal[task].state == FAILED for task in range(len(journal))) and len(journal):
            raise CupidError(f"{engine.version} fails whatever it is given: {journal[0].reason}")
    finally:
        engine.close()  # first, or threads would wait for programs that run
        pool.shutdown(cancel_futures=True)


def _settle(future: Future[list[Result]], journal: Journal, progress: Callable[[int], object]) -> None:
    results = future.result()
    journal.append(results)
    progress(len(results))


def _batches(tasks: Tasks, start: int, shuffles: int) -> Iterator[range]:
    """Runs of tasks of one target, from the task *start* on, none too large."""
    lengths = np.array([len(sequence) for sequence in tasks.sequences], dtype=np.int64)
    ends = np.append(np.flatnonzero(np.diff(tasks.target)) + 1, len(tasks))
    for first, end in itertools.pairwise([start, *ends[ends > start].tolist()]):
        cells = lengths[tasks.target[first]] * (1 + shuffles) * lengths[tasks.query[first:end]]
        size = max(1, BATCH_QUERIES // (1 + shuffles))
        part = np.maximum(np.cumsum(cells) // BATCH_CELLS, np.arange(len(cells)) // size)
        cuts = np.flatnonzero(np.diff(part)) + 1
        yield from (range(a, b) for a, b in itertools.pairwise([first, *(first + cuts).tolist(), end]))


class _Solver:
    """Solves batches, from several threads; a batch that fails is halved, until the pair to blame stands alone."""

    def __init__(self, tasks: Tasks, engine: Engine, significance: Significance) -> None:
        self._tasks = tasks
        self._engine = engine
        self._shuffles = significance.shuffles
        self._seed = significance.seed
        self._failed_calls = 0
        self._works = False
        self._lock = threading.Lock()

    def solve(self, batch: range) -> list[Result]:
        """The results of the tasks of one target."""
        target = self._tasks.sequences[self._tasks.target[batch[0]]]
        queries = [self._tasks.sequences[self._tasks.query[task]] for task in batch]
        refused = [self._refused(target, query) for query in queries]
        solved = iter(self._attempt(target, [query for query, no in zip(queries, refused, strict=True) if no is None]))
        return [next(solved) if no is None else no for no in refused]

    def _refused(self, target: str, query: str) -> Result | None:
        """Why a pair is not given to the engine; None where it is."""
        if min(len(target), len(query)) < self._engine.shortest:
            return Result(TOO_SHORT, p_value=1.0 if self._shuffles else None)
        longest, limit = max(len(target), len(query)), self._engine.longest
        if limit is not None and longest > limit:
            return Result(FAILED, reason=f"an RNA of {longest:,} nt is longer than the {limit:,} nt that it takes")
        return None

    def _attempt(self, target: str, queries: Sequence[str]) -> list[Result]:
        if not queries:
            return []
        try:
            return self._computed(target, queries)
        except EngineError as error:
            self._note_failure(error)
            if len(queries) == 1:
                return [Result(FAILED, reason=str(error))]
        half = len(queries) // 2
        return self._attempt(target, queries[:half]) + self._attempt(target, queries[half:])

    def _computed(self, target: str, queries: Sequence[str]) -> list[Result]:
        asked = [each for query in queries for each in (query, *self._shuffled(query))]
        duplexes = self._engine.duplexes(target, asked)
        self._works = True
        own = duplexes[:: 1 + self._shuffles]
        found: list[float | None] = [None] * len(own)
        if self._shuffles:
            energies = np.array([duplex.energy if duplex else 0.0 for duplex in duplexes]).reshape(len(own), -1)
            found = p_values(energies[:, 0], energies[:, 1:]).tolist()
        return [_result(duplex, p_value) for duplex, p_value in zip(own, found, strict=True)]

    def _note_failure(self, error: EngineError) -> None:
        with self._lock:
            self._failed_calls += 1
            if self._failed_calls >= GIVE_UP_AFTER and not self._works:
                raise CupidError(f"{self._engine.version} fails whatever it is given: {error}")

    def _shuffled(self, query: str) -> list[str]:
        return _shuffled(query, self._shuffles, self._seed) if self._shuffles else []


@lru_cache(maxsize=_SHUFFLED_QUERIES)  # a query meets many targets
def _shuffled(query: str, count: int, seed: int) -> list[str]:
    return dinucleotide_shuffles(query, count, rng_for(seed, "energy.shuffles", query))


def _result(duplex: Duplex | None, p_value: float | None) -> Result:
    return Result(OK if duplex else NO_INTERACTION, duplex, p_value)
