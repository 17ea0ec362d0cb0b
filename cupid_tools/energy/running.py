"""Running an engine over many tasks: in batches of one target, several at once, whatever some of them do."""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from cupid_tools.energy.engines.base import ClosedError, Duplex, Engine, EngineError
from cupid_tools.energy.journal import FAILED, NO_INTERACTION, OK, TOO_SHORT, Journal, Result
from cupid_tools.energy.significance import p_values
from cupid_tools.energy.tasks import Tasks
from cupid_tools.errors import CupidError
from cupid_tools.sampling.seeds import rng_for
from cupid_tools.sampling.shuffles import dinucleotide_shuffles

BATCH_QUERIES = 1000
BATCH_CELLS = 2 * 10**7
"""Most queries of a call, shuffles included, and most of their nucleotides times the target's: a kill, or a failure,
costs so much work, some seconds with most engines; and each further call for a target costs its accessibility again."""
_AHEAD = 4
"""Batches in flight for each job: since results are kept in order, those behind a slow one wait."""
_PROBE = 30

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
        CupidError: the engine does not work, or fails on every pair.
    """
    solver = _Solver(tasks, engine, significance)
    pool = ThreadPoolExecutor(jobs)
    try:
        _check_engine(engine)
        progress(len(journal))
        under_way: deque[Future[list[Result]]] = deque()
        for batch in _batches(tasks, len(journal), significance.shuffles, jobs):
            under_way.append(pool.submit(solver.solve, batch))
            if len(under_way) == jobs * _AHEAD:
                _settle(under_way.popleft(), journal, progress)
        while under_way:
            _settle(under_way.popleft(), journal, progress)
        if all(journal[task].state == FAILED for task in range(len(journal))) and len(journal):
            raise CupidError(f"{engine.version} fails on every pair: {journal[0].reason}")
    finally:
        engine.close()  # first, or threads would wait for programs that run
        pool.shutdown(cancel_futures=True)


def _check_engine(engine: Engine) -> None:
    """Ask for what never fails: whether A pairs with A. A pair that fails afterwards is itself to blame."""
    try:
        engine.duplexes(_adenines(engine), [_adenines(engine)])
    except EngineError as error:
        raise CupidError(f"{engine.version} does not work: {error}") from error


def _adenines(engine: Engine) -> str:
    return "A" * max(_PROBE, engine.shortest)


def _settle(future: Future[list[Result]], journal: Journal, progress: Callable[[int], object]) -> None:
    results = future.result()
    journal.append(results)
    progress(len(results))


def _batches(tasks: Tasks, start: int, shuffles: int, jobs: int) -> Iterator[range]:
    """Runs of tasks of one target, from the task *start* on, none too large, and enough for all jobs."""
    lengths = np.array([len(sequence) for sequence in tasks.sequences], dtype=np.int64)
    ends = np.append(np.flatnonzero(np.diff(tasks.target)) + 1, len(tasks))
    size = max(1, min(BATCH_QUERIES // (1 + shuffles), -(-len(tasks) // jobs)))
    for first, end in itertools.pairwise([start, *ends[ends > start].tolist()]):
        cells = lengths[tasks.target[first]] * (1 + shuffles) * lengths[tasks.query[first:end]]
        part = np.cumsum(cells) // BATCH_CELLS + np.arange(len(cells)) // size
        cuts = np.flatnonzero(np.diff(part)) + 1
        yield from (range(a, b) for a, b in itertools.pairwise([first, *(first + cuts).tolist(), end]))


class _Solver:
    """Solves batches, from several threads; a batch that fails is halved, until the pair to blame stands alone."""

    def __init__(self, tasks: Tasks, engine: Engine, significance: Significance) -> None:
        self._tasks = tasks
        self._engine = engine
        self._shuffles = significance.shuffles
        self._seed = significance.seed
        self._failed = False

    def solve(self, batch: range) -> list[Result]:
        """The results of the tasks of one target."""
        target = self._tasks.sequences[self._tasks.target[batch[0]]]
        queries = [self._tasks.sequences[self._tasks.query[task]] for task in batch]
        long = [min(len(target), len(query)) >= self._engine.shortest for query in queries]
        solved = iter(self._attempt(target, list(itertools.compress(queries, long))))
        short = Result(TOO_SHORT, p_value=1.0 if self._shuffles else None)
        return [next(solved) if sent else short for sent in long]

    def _attempt(self, target: str, queries: Sequence[str], *, whole: bool = True) -> list[Result]:
        """Results of *queries*, the *whole* of a batch or a part of one that failed."""
        if not queries:
            return []
        try:
            return self._computed(target, queries)
        except ClosedError:
            raise
        except EngineError as error:
            self._note(error)
            failed = Result(FAILED, reason=str(error))
        if len(queries) == 1 or (whole and not self._takes(target)):
            return [failed] * len(queries)
        half = len(queries) // 2
        parts = queries[:half], queries[half:]
        return [result for part in parts for result in self._attempt(target, part, whole=False)]

    def _takes(self, target: str) -> bool:
        """Whether the engine takes *target* with a query that never pairs; if not, no query is to blame."""
        try:
            self._engine.duplexes(target, [_adenines(self._engine)])
        except EngineError:
            return False
        return True

    def _note(self, error: EngineError) -> None:
        """Say at once that something fails; the pairs that are to blame are told at the end."""
        log.log(logging.DEBUG if self._failed else logging.WARNING, "a call failed, and is divided: %s", error)
        self._failed = True

    def _computed(self, target: str, queries: Sequence[str]) -> list[Result]:
        asked = [each for query in queries for each in (query, *self._shuffled(query))]
        duplexes = self._engine.duplexes(target, asked)
        own = duplexes[:: 1 + self._shuffles]
        found: list[float | None] = [None] * len(own)
        if self._shuffles:
            energies = (
                np.array([duplex.energy if duplex else 0.0 for duplex in duplexes]).reshape(len(own), -1).round(2)
            )
            found = p_values(energies[:, 0], energies[:, 1:]).tolist()
        return [_result(duplex, p_value) for duplex, p_value in zip(own, found, strict=True)]

    def _shuffled(self, query: str) -> list[str]:
        rng = rng_for(self._seed, "energy.shuffles", query)
        return dinucleotide_shuffles(query, self._shuffles, rng) if self._shuffles else []


def _result(duplex: Duplex | None, p_value: float | None) -> Result:
    """Energies have two digits from here on, and what is 0 then is no interaction."""
    if duplex is None or round(duplex.energy, 2) >= 0:
        return Result(NO_INTERACTION, p_value=p_value)
    return Result(OK, duplex._replace(energy=round(duplex.energy, 2)), p_value)
