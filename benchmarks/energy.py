"""intarna-compare against one process per pair, and against the same programs called by hand at their best.

    python benchmarks/energy.py [FASTA]

FASTA (default: the demo's RNAs) holds RNAs with types; the targets are its lncRNAs, and the queries its miRNAs, those
beyond them random ones of 22 nt. Engines that are here are measured, with one job: RNAhybrid, the ViennaRNA package,
and IntaRNA where it is on PATH. All ways must give the same energies. IntaRNA's costs as recorded (IntaRNA 3.4.1,
targets of 700 nt) stand beside them. Then the memory for 10^4 to 10^6 pairs, with the engine ``seed``.
"""

from __future__ import annotations

import csv
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from measure import BIN, run

from cupid_tools.cli import intarna_compare
from cupid_tools.energy.engines.program import Program
from cupid_tools.energy.engines.viennarna import ViennaRna
from cupid_tools.io.fasta import load_rnas

RECORDED_MS = {"one process a pair": 287.0, "grouped, 5 a target": 55.0, "grouped, 200 a target": 3.6}
"""IntaRNA 3.4.1, wall milliseconds a pair."""
SHAPES = {"intarna": {5: 20, 200: 2}, "rnahybrid": {5: 60, 200: 5}, "viennarna": {5: 20, 200: 2}}
"""Engine -> queries of a target -> targets."""
ROUNDS = 3
SEED = 7

Rnas = Mapping[str, str]
Groups = Mapping[str, Sequence[str]]

_VIENNA = """
import math, sys
import numpy as np
import RNA
U, W, L = 40, 150, 100
def unpairing(sequence):
    free = np.array(RNA.pfl_fold_up(sequence, U, W, L))
    n = len(sequence)
    if n <= U: free[n, n] = free[n - 1, n - 1]
    with np.errstate(divide="ignore"): return -1.98717e-3 * 310.15 * np.log(np.clip(free, 0, 1))
def stacked(target, query):
    a = [i for i, c in enumerate(target) if c == ")"][::-1]; b = [i for i, c in enumerate(query) if c == "("]
    run = 1
    for i in range(len(a) - 1):
        run = run + 1 if a[i] - a[i + 1] == 1 == b[i + 1] - b[i] else 1
        if run >= 6: return True
    return False
def best(target, cost, query):
    own, lowest = unpairing(query), 0.0
    for hit in RNA.duplex_subopt(query, target, 1000, 0):
        q, t = hit.structure.split("&")
        q_end, t_end = hit.i - len(q) + len(q.rstrip(".")), hit.j + len(t.rstrip(".")) - 1
        q, t = q.strip("."), t.strip(".")
        if len(q) > U or len(t) > U or not stacked(t, q): continue
        lowest = min(lowest, hit.energy + cost[t_end, len(t)] + own[q_end, len(q)])
    return lowest
lines = [line.split() for line in sys.stdin]
for target, *queries in lines:
    cost = unpairing(target)
    for query in queries: print(f"{best(target, cost, query):.2f}")
"""


def main(fasta: str) -> None:
    """Measure all, and print the tables."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        rnas, targets, queries = _read(fasta)
        print(f"IntaRNA as recorded: {RECORDED_MS['one process a pair']:.0f} ms a pair with one process each;", end=" ")
        for name, cost in list(RECORDED_MS.items())[1:]:
            print(f"{name} {cost:g} ms, {RECORDED_MS['one process a pair'] / cost:.1f}x", end="; ")
        print(f"\n{'engine':12} {'a target':>8} {'pairs':>6}", end=" ")
        print(f"{'each':>9} {'by hand':>9} {'ours':>9} {'ratio':>6} {'overhead':>9}")
        (folder / "rnas.fa").write_text("".join(f">{name}\n{sequence}\n" for name, sequence in rnas.items()))
        for engine, (each, by_hand) in _opponents().items():
            for size, count in SHAPES[engine].items():
                groups = {target: queries[place * 7 :][:size] for place, target in enumerate(targets[:count])}
                _compare(engine, folder, rnas, groups, each, by_hand)
        _memory(folder)


def _read(fasta: str) -> tuple[dict[str, str], list[str], list[str]]:
    """RNAs by id, the ids of targets, and those of more queries than are needed."""
    found = load_rnas(fasta)
    rnas = {rna.id: rna.sequence for rna in found.values()}
    targets = [rna.id for rna in found.values() if rna.type == "lncRNA" and 500 <= len(rna.sequence) <= 900]
    queries = [rna.id for rna in found.values() if rna.type == "miRNA"]
    rng = np.random.default_rng(SEED)
    for number in range(len(queries), 500):
        rnas[f"random-{number}"] = "".join(rng.choice(list("ACGU"), 22))
        queries.append(f"random-{number}")
    return rnas, targets, queries


Way = Callable[[Rnas, Groups], list[float]]


def _opponents() -> dict[str, tuple[Way, Way]]:
    """Engine -> energies of all pairs with one process a pair, and with one call a target."""
    found: dict[str, tuple[Way, Way]] = {}
    if shutil.which("IntaRNA"):
        found["intarna"] = (_each(_intarna), _by_target(_intarna))
    if shutil.which("RNAhybrid"):
        found["rnahybrid"] = (_each(_rnahybrid), _by_target(_rnahybrid))
    found["viennarna"] = (
        _each(_vienna),
        lambda rnas, groups: _vienna(
            [(rnas[target], [rnas[query] for query in queries]) for target, queries in groups.items()]
        ),
    )
    return found


def _each(call: Callable[[list[tuple[str, list[str]]]], list[float]]) -> Way:
    return lambda rnas, groups: [
        energy
        for target, queries in groups.items()
        for query in queries
        for energy in call([(rnas[target], [rnas[query]])])
    ]


def _by_target(call: Callable[[list[tuple[str, list[str]]]], list[float]]) -> Way:
    return lambda rnas, groups: [
        energy
        for target, queries in groups.items()
        for energy in call([(rnas[target], [rnas[query] for query in queries])])
    ]


def _intarna(asked: list[tuple[str, list[str]]]) -> list[float]:
    [(target, queries)] = asked
    with tempfile.TemporaryDirectory() as scratch:
        _fasta(Path(scratch, "t"), [target])
        _fasta(Path(scratch, "q"), queries)
        command = ["IntaRNA", "-t", f"{scratch}/t", "-q", f"{scratch}/q", "--outMode=C", "--outCsvCols=id2,E"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = dict(line.split(";") for line in told.splitlines()[1:])
    return [float(rows.get(str(number), 0)) for number in range(len(queries))]


def _rnahybrid(asked: list[tuple[str, list[str]]]) -> list[float]:
    [(target, queries)] = asked
    with tempfile.TemporaryDirectory() as scratch:
        _fasta(Path(scratch, "t"), [target])
        _fasta(Path(scratch, "q"), queries)
        command = ["RNAhybrid", "-c", "-s", "3utr_human", "-m", "9999", "-t", f"{scratch}/t", "-q", f"{scratch}/q"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [float(line.split(":")[4]) for line in told.splitlines()]


def _vienna(asked: list[tuple[str, list[str]]]) -> list[float]:
    text = "".join(f"{target} {' '.join(queries)}\n" for target, queries in asked)
    told = subprocess.run([sys.executable, "-c", _VIENNA], input=text, capture_output=True, text=True, check=True)
    return [float(line) for line in told.stdout.split()]


def _fasta(path: Path, sequences: Sequence[str]) -> None:
    wrapped = ("\n".join(s[i : i + 80] for i in range(0, len(s), 80)) for s in sequences)
    path.write_text("".join(f">{number}\n{text}\n" for number, text in enumerate(wrapped)))


def _compare(engine: str, folder: Path, rnas: Rnas, groups: Groups, each: Way, by_hand: Way) -> None:
    pairs = [(query, target) for target, queries in groups.items() for query in queries]
    table, out = folder / "pairs.tsv", folder / "out.tsv"
    table.write_text("id_a\tid_b\n" + "".join(f"{a}\t{b}\n" for a, b in pairs))
    alone, expected = _timed(each, rnas, groups)
    hand, by_target = _timed(by_hand, rnas, groups)
    options = ["--engine", engine, "--jobs", "1", "-f", str(folder / "rnas.fa"), "-o", str(out), "--quiet", str(table)]
    ours, inside = [], []
    for _ in range(ROUNDS):
        ours.append(run([BIN / "intarna-compare", *options]).seconds)
        inside.append(_share_of_ours(options))
    if not np.allclose(by_target, expected, atol=0.011) or not np.allclose(_energies(out), expected, atol=0.011):
        sys.exit(f"{engine}: the ways give other energies")
    wall = statistics.median(ours)
    milliseconds = [1000 * value / len(pairs) for value in (alone, hand, wall)]
    print(
        f"{engine:12} {len(pairs) // len(groups):8} {len(pairs):6} "
        + " ".join(f"{value:6.1f} ms" for value in milliseconds)
        + f" {alone / wall:5.1f}x {statistics.median(inside):8.1%}"
    )


def _share_of_ours(options: Sequence[str]) -> float:
    """What our code takes, as a share of what the engine takes, in one run of the tool within this process.

    The engine's time is that of its programs, or of ViennaRNA's process from request to answer; all else is ours, but
    for the start of the interpreter and its imports.
    """
    taken = [0.0]

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **named)
            finally:
                taken[0] += time.perf_counter() - start

        return call

    with ExitStack() as stack:
        for owner, name in ((Program, "run"), (Program, "version"), (ViennaRna, "duplexes"), (ViennaRna, "__init__")):
            stack.enter_context(patch.object(owner, name, timed(getattr(owner, name))))
        start = time.perf_counter()
        if intarna_compare.main(options):
            sys.exit("intarna-compare failed")
        whole = time.perf_counter() - start
    return (whole - taken[0]) / taken[0]


def _timed(way: Way, rnas: Rnas, groups: Groups) -> tuple[float, list[float]]:
    start = time.perf_counter()
    energies = way(rnas, groups)
    return time.perf_counter() - start, energies


def _energies(path: Path) -> list[float]:
    with open(path, encoding="utf-8") as handle:
        return [float(row["energy"]) for row in csv.DictReader(handle, delimiter="\t")]


def _memory(folder: Path) -> None:
    """Peak memory for ever more distinct pairs of the same RNAs."""
    rng = np.random.default_rng(SEED)
    names = [f"r{number}" for number in range(2000)]
    fasta = folder / "short.fa"
    fasta.write_text("".join(f">{name}\n{''.join(rng.choice(list('ACGU'), 30))}\n" for name in names))
    print(f"\n{'pairs':>9} {'seconds':>8} {'peak MiB':>9}")
    for count in (10**4, 10**5, 10**6):
        table = folder / "many.tsv"
        with table.open("w", encoding="utf-8") as handle:
            handle.write("id_a\tid_b\n")
            handle.writelines(f"{names[a]}\t{names[b]}\n" for a, b in _pairs(count, len(names)))
        command: list[str | Path] = [BIN / "intarna-compare", "--engine", "seed", "--jobs", "1", "--quiet", "-f", fasta]
        cost = run([*command, "-o", folder / "many.out", table])
        print(f"{count:9,} {cost.seconds:8.1f} {cost.peak_mib:9.0f}")


def _pairs(count: int, size: int) -> Iterator[tuple[int, int]]:
    every = ((a, b) for a in range(size) for b in range(a + 1, size))
    return (pair for pair, _ in zip(every, range(count), strict=False))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(Path(__file__).parent.parent / "test-data" / "rnas.fa"))
