"""Time and memory of cupid-negatives as a whole process, beside the published way of drawing.

    python benchmarks/negatives.py [--positives 100000] [--rnas 10644] [--per-positive 20]

The pairs are synthetic: RNAs of five types with lengths as in ncRNA-CUPID, degrees with a heavy tail. The published
way is a Python loop with ``random.choice`` and a set of known pairs, without processes; it is timed without start,
reading and writing, at a tenth of the positives, and compared by the time per negative.

Goal: 2 s for 100,000 positives x 20 with the default strategy.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

import numpy as np
from measure import BIN, Cost, median

from cupid_tools.io.fasta import write_fasta
from cupid_tools.sampling.negatives import STRATEGIES
from cupid_tools.vocab import Rna

GOAL = 2.0
RUNS = 3
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
        print(f"{'strategy':18} {'seconds':>8} {'peak MiB':>9} {'rows':>9} {'us each':>8} {'x loop':>7}  goal {GOAL} s")
        for strategy in STRATEGIES:
            cost, rows = time_tool(folder, strategy, args.per_positive)
            each = cost.seconds / max(rows - args.positives, 1)
            print(
                f"{strategy:18} {cost.seconds:8.2f} {cost.peak_mib:9.0f} {rows:9,} {each * 1e6:8.2f} "
                f"{each / published:7.2f}  {cost.seconds <= GOAL}"
            )


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


def time_tool(folder: Path, strategy: str, per_positive: int) -> tuple[Cost, int]:
    """What a run costs, the median of ``RUNS``; and the rows written."""
    output = folder / "out.tsv"
    options = ["-f", folder / "rnas.fa", "--strategy", strategy, "--per-positive", str(per_positive), "--quiet"]
    cost = median([BIN / "cupid-negatives", *options, "-o", output, folder / "pairs.tsv"], RUNS)
    with open(output, "rb") as handle:
        return cost, sum(1 for _ in handle) - 1


if __name__ == "__main__":
    main()
