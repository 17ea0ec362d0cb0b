"""Time and memory of cupid-negatives as a whole process, beside the published way of drawing.

    python benchmarks/negatives.py [--positives 100000] [--rnas 10644] [--per-positive 20]

The pairs are synthetic: RNAs of five types with lengths as in ncRNA-CUPID, degrees with a heavy tail. The published
way is a Python loop with ``random.choice`` and a set of known pairs, without processes; it is timed without start,
reading and writing, at a tenth of the positives, and compared by the time per negative.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from cupid_tools.io.fasta import write_fasta
from cupid_tools.sampling.negatives import STRATEGIES
from cupid_tools.vocab import Rna

TYPES = ("miRNA", "lncRNA", "snoRNA", "circRNA", "snRNA")
SHARES = (0.25, 0.45, 0.1, 0.15, 0.05)
LENGTHS = (22, 900, 110, 700, 150)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--positives", type=int, default=100_000)
    parser.add_argument("--rnas", type=int, default=10_644)
    parser.add_argument("--per-positive", type=int, default=20)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rnas, pairs = make_study(args.rnas, args.positives)
        write_study(folder, rnas, pairs)
        published = time_published(rnas, pairs[: args.positives // 10], args.per_positive)
        print(f"published loop (drawing only)\t{published * 1e6:.2f} us a negative")
        print("strategy\tseconds\tpeak MB\trows\tus a negative\ttimes faster than the loop")
        for strategy in STRATEGIES:
            seconds, peak, rows = time_tool(folder, strategy, args.per_positive)
            each = seconds / max(rows - args.positives, 1)
            print(f"{strategy}\t{seconds:.2f}\t{peak:.0f}\t{rows}\t{each * 1e6:.2f}\t{published / each:.1f}")


def make_study(size: int, positives: int) -> tuple[list[Rna], list[tuple[str, str]]]:
    """Synthetic RNAs, and distinct pairs between them whose degrees follow a power law within types."""
    rng = np.random.default_rng(7)
    kinds = np.repeat(np.arange(len(TYPES)), rng.multinomial(size, SHARES))
    rnas = [_random_rna(rng, index, kind) for index, kind in enumerate(kinds)]
    weights = rng.pareto(1.2, size) + 0.2
    weights /= weights.sum()
    first, second = rng.choice(size, (2, 6 * positives), p=weights)
    low, high = np.minimum(first, second), np.maximum(first, second)
    keys = np.unique(low[low != high] * size + high[low != high])
    keys = rng.permutation(keys)[:positives]
    return rnas, [(rnas[key // size].id, rnas[key % size].id) for key in keys]


def _random_rna(rng: np.random.Generator, index: int, kind: int) -> Rna:
    length = max(18, int(rng.normal(LENGTHS[kind], LENGTHS[kind] / 5)))
    return Rna(f"rna{index:06d}", "".join(rng.choice(list("ACGU"), length)), TYPES[kind])


def write_study(folder: Path, rnas: list[Rna], pairs: list[tuple[str, str]]) -> None:
    """Write ``rnas.fa`` and ``pairs.tsv``."""
    with open(folder / "rnas.fa", "w", encoding="utf-8") as handle:
        write_fasta(handle, rnas)
    with open(folder / "pairs.tsv", "w", encoding="utf-8") as handle:
        handle.write("id_a\tid_b\tlabel\n")
        handle.writelines(f"{a}\t{b}\t1\n" for a, b in pairs)


def time_published(rnas: list[Rna], pairs: list[tuple[str, str]], per_positive: int) -> float:
    """Seconds a negative of the published way: keep the first RNA, ``random.choice`` until the pair is new."""
    random.seed(1)
    kind = {rna.id: rna.type for rna in rnas}
    pools = {name: [rna.id for rna in rnas if rna.type == name] for name in TYPES}
    start = time.perf_counter()
    known = {*pairs, *((b, a) for a, b in pairs)}
    negatives = []
    for a, b in pairs:
        pool = pools[kind[b]]
        for _ in range(per_positive):
            partner = random.choice(pool)
            while (a, partner) in known or partner == a:
                partner = random.choice(pool)
            known.add((a, partner))
            known.add((partner, a))
            negatives.append((a, partner))
    return (time.perf_counter() - start) / len(negatives)


def time_tool(folder: Path, strategy: str, per_positive: int) -> tuple[float, float, int]:
    """Wall seconds, peak memory in MB and rows written of one run as a process of its own."""
    output = folder / "out.tsv"
    tool = "import sys; from cupid_tools.cli.negatives import main; sys.exit(main())"
    arguments = ["-f", folder / "rnas.fa", "--strategy", strategy, "--per-positive", per_positive, "--quiet"]
    argv = [sys.executable, "-c", tool, *map(str, arguments), "-o", str(output), str(folder / "pairs.tsv")]
    start = time.perf_counter()
    child = os.posix_spawn(sys.executable, argv, os.environ)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"{strategy} failed")
    with open(output, "rb") as handle:
        rows = sum(1 for _ in handle) - 1
    return seconds, usage.ru_maxrss / 1024, rows


if __name__ == "__main__":
    main()
