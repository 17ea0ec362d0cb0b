"""The learned energy beside RNAhybrid and IntaRNA: milliseconds a pair, forward and in training, and memory.

    python benchmarks/duplex.py

Random guides of 22 nt and targets of 600 nt, 20 guides a target, scored by the classifier as it starts, but with a
context that is not zero, so that nothing is left out; then every pair with a target of its own, a training step
(energy, gradient and AdamW), and long pairs. RNAhybrid and IntaRNA answer for the same pairs through the package's own
engines, 20 queries a call, where they are on PATH; they work in one process each. The best of several rounds counts,
all in one run.
"""

from __future__ import annotations

import resource
import shutil
import time
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional

from cupid_tools.energy.engines import ENGINES
from cupid_tools.energy.engines.settings import EngineSettings
from cupid_tools.interaction.duplex.tables import encode
from cupid_tools.models.classifiers.duplex import Duplex, DuplexConfig

GUIDE, TARGET, GUIDES, TARGETS = 22, 600, 20, 50
PROTOTYPE_MS = 0.8
RECORDED = "as recorded (3.4.1, 700 nt): 3.6 with 200 queries a target, 55 with 5, 287 with 1"
ROUNDS = 7
SEED = 7


def main() -> None:
    """Measure all, and print the table."""
    rng = np.random.default_rng(SEED)
    guides, targets = _random(rng, GUIDES, GUIDE), _random(rng, TARGETS, TARGET)
    first, second = (part.ravel() for part in np.mgrid[:GUIDES, GUIDES : GUIDES + TARGETS])
    print(f"| {GUIDE} x {TARGET} nt | threads | ms a pair | times {PROTOTYPE_MS} ms |\n|---|---|---|---|")
    for threads in (1, 2):
        torch.set_num_threads(threads)
        classifier = _classifier(rng)
        scorer = classifier.scorer([*guides, *targets])
        _row("scores, 20 guides a target", threads, _best(lambda: scorer.scores(first, second)) / len(first))  # noqa: B023
        own = classifier.scorer([*guides * 10, *_random(rng, 200, TARGET)])
        places = np.arange(200)
        _row("scores, one guide a target", threads, _best(lambda: own.scores(places, 200 + places)) / 200)  # noqa: B023
        _row("training, batches of 128", threads, _training(classifier, [*guides, *targets], first, second))
    for name in ("rnahybrid", "intarna"):
        _row(name, 1, _engine(name, guides, targets))
    for shape in ((100, 300), (300, 1000), (1000, 1000)):
        rnas = classifier.scorer([*_random(rng, 8, shape[0]), *_random(rng, 8, shape[1])])
        seconds = _best(lambda: rnas.scores(np.arange(8), 8 + np.arange(8))) / 8  # noqa: B023
        print(f"scores of {shape[0]} x {shape[1]} nt, 2 threads: {seconds * 1000:.2f} ms a pair")
    _memory(classifier, rng)


def _random(rng: np.random.Generator, count: int, length: int) -> list[str]:
    return ["".join(rng.choice(list("ACGU"), length)) for _ in range(count)]


def _classifier(rng: np.random.Generator) -> Duplex:
    classifier = Duplex(DuplexConfig(), 0)
    context = classifier.energy.context
    with torch.no_grad():
        context += torch.from_numpy(rng.normal(0, 0.1, context.shape))
    return classifier


def _best(work: Callable[[], object]) -> float:
    """Seconds of the best round, after one that is not counted."""
    work()
    rounds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        rounds.append(time.perf_counter() - start)
    return min(rounds)


def _training(classifier: Duplex, rnas: list[str], first: np.ndarray, second: np.ndarray) -> float:
    """Seconds a pair of a training step."""
    optimiser = torch.optim.AdamW(classifier.parameters(), lr=1e-9)
    encoded, rows = encode(rnas), np.random.default_rng(SEED).choice(len(first), 128, replace=False)
    labels = torch.from_numpy(np.arange(128) % 2).double()

    def step() -> None:
        logits = classifier.logits(encoded, first[rows], second[rows])
        optimiser.zero_grad()
        functional.binary_cross_entropy_with_logits(logits, labels).backward()
        optimiser.step()

    return _best(step) / 128


def _engine(name: str, guides: list[str], targets: list[str]) -> float | None:
    if shutil.which({"rnahybrid": "RNAhybrid", "intarna": "IntaRNA"}[name]) is None:
        return None
    engine = ENGINES.load(name)(EngineSettings())
    return _best(lambda: [engine.duplexes(target, guides) for target in targets[:5]]) / (5 * len(guides))


def _row(name: str, threads: int, seconds: float | None) -> None:
    if seconds is None:
        print(f"| {name} | | not here; {RECORDED if name == 'intarna' else ''} | |")
        return
    print(f"| {name} | {threads} | {seconds * 1000:.4f} | {PROTOTYPE_MS / 1000 / seconds:.1f} |")


def _memory(classifier: Duplex, rng: np.random.Generator) -> None:
    """What scoring adds to the most memory that the process has had."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    scorer = classifier.scorer([*_random(rng, 500, GUIDE), *_random(rng, 500, TARGET)])
    first, second = (part.ravel() for part in np.mgrid[:500, 500:1000])
    scorer.scores(first, second)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"scoring {len(first):,} pairs of 1,000 RNAs adds {(after - before) / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
