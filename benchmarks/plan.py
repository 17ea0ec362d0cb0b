"""Rates and sizes by which runs of the pipeline are planned, of one thread.

    .venv/bin/python -m benchmarks.plan            # from the root of the repository; some 15 minutes
    .venv/bin/python -m benchmarks.plan --large    # a million RNAs of 500 nt, ten million pairs: what every task reads

Seconds are those of processors, which other work on the machine changes less than wall time. A rate is that of what the
larger of two runs does more than the smaller: starting, and reading the RNAs, are told apart. Models are trained on the
test data; what they have learned changes no rate.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from benchmarks.measure import BIN, Cost
from benchmarks.nextflow import (
    EMBED,
    HOUR,
    PREPARE,
    RNAS,
    Pipeline,
    chain,
    load,
    random_pairs,
    random_rnas,
    shell,
    timed,
    train,
)
from tests.nextflow.launcher import Nextflow

SHARED = "--device cpu --threads 1 --quiet"
QUERIES, TARGETS, NT = 1_000, 20_000, 500
MILLION = 1_000_000
MODELS = {
    "seed-lr": "seed-lr.safetensors",
    "blend": "blend.safetensors",
    "duplex": "builtin:duplex",
    "mlp": "mlp.safetensors",
}
"""Name -> what --model takes; the last reads vectors."""


def main(large: bool) -> None:
    """Measure in a folder that is removed afterwards."""
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        training = [train("seed-lr"), train("blend"), train("mlp", "-e all.npy --epochs 1")]
        shell(chain(PREPARE, EMBED, *training, threads=1), folder)
        if large:
            million_rnas(folder)
            long_tables(folder)
        else:
            rates(folder)


def rates(folder: Path) -> None:
    """How fast pairs are scored that a table lists, and those of queries and targets; what a task costs."""
    targets = random_rnas(folder / "targets.fa", TARGETS, NT, "t")
    for model in MODELS:
        listed(folder, model, random_rnas(folder / "queries.fa", QUERIES, 22, "q"), targets, (20_000, 220_000))
    for model in tuple(MODELS)[:-1]:
        listed(folder, model, random_rnas(folder / "long.fa", QUERIES, NT, "q"), targets, (1_000, 11_000))
    for model in MODELS:
        ranked(folder, model, 10, (2_000, 12_000))
        ranked(folder, model, 512, (512, 1_024))
    many_tasks(folder)


def difference(what: str, unit: str, amounts: Sequence[int], costs: Sequence[Cost]) -> None:
    """Print what the larger of two runs took more than the smaller."""
    more = amounts[1] - amounts[0]
    cpu, seconds = (costs[1].cpu - costs[0].cpu) / more, (costs[1].seconds - costs[0].seconds) / more
    print(
        f"{what}: {1 / cpu:,.0f} {unit} a second of a core, {1 / seconds:,.0f} of the clock; "
        f"{costs[0].cpu - amounts[0] * cpu:.1f} s before the first; peak {costs[1].peak_mib:.0f} MiB; {load()}",
        flush=True,
    )


def alone(what: str, command: str, folder: Path) -> None:
    """Print what one command takes."""
    cost = shell(command, folder)
    print(f"{what}: {cost.cpu:.1f} s, wall {cost.seconds:.1f}; peak {cost.peak_mib:.0f} MiB; {load()}", flush=True)


def stored(folder: Path, *fastas: Path) -> str:
    """The options of cupid-score that name the k-mer stores of *fastas*, which are made."""
    for fasta in fastas:
        shell(f"cupid-embed {SHARED} -o {fasta.stem}.npy {fasta}", folder)
    return " ".join(f"-e {fasta.stem}.npy" for fasta in fastas)


def listed(folder: Path, model: str, queries: Path, targets: Path, counts: Sequence[int]) -> None:
    """Score tables of random pairs."""
    both, costs = folder / "both.fa", []
    both.write_bytes(queries.read_bytes() + targets.read_bytes())
    stores = stored(folder, both) if model == "mlp" else ""
    for count in counts:
        pairs = random_pairs(folder / f"{count}.tsv", count, QUERIES, TARGETS)
        command = f"cupid-score -m {MODELS[model]} -f {both} {stores} {SHARED} -o listed.tsv {pairs}"
        costs.append(shell(command, folder))
    difference(f"listed pairs, {queries.stem}, {model}", "pairs", counts, costs)


def ranked(folder: Path, model: str, queries: int, counts: Sequence[int]) -> None:
    """Rank targets for *queries* queries of 22 nt."""
    query, costs = random_rnas(folder / "some.fa", queries, 22, "q"), []
    for count in counts:
        target = random_rnas(folder / f"t{count}.fa", count, NT, "t")
        stores = stored(folder, query, target) if model == "mlp" else ""
        command = f"cupid-score -m {MODELS[model]} --queries {query} --targets {target} {stores} {SHARED} -o r.tsv"
        costs.append(shell(command, folder))
    difference(f"rankings of {queries} queries, {model}", "pairs", [queries * count for count in counts], costs)


def many_tasks(folder: Path) -> None:
    """Run tasks that do nothing, all on this machine."""
    costs, counts = [], (10, 210)
    pipeline, pairs = Pipeline(folder), random_pairs(folder / "many.tsv", 100_000, QUERIES, TARGETS)
    for count in counts:
        block = f"{pairs.stat().st_size // count + 1}B"
        words = ("-stub-run", "--workflow", "score", "--model", "builtin", "--fasta", RNAS, "--pairs", pairs)
        costs.append(timed(lambda: pipeline(folder / f"stub-{count}", *words, "--score_block", block)))  # noqa: B023
    few, many = costs
    cpu, seconds = ((b - a) / (counts[1] - counts[0]) for a, b in ((few.cpu, many.cpu), (few.seconds, many.seconds)))
    print(f"a task that only touches files: {cpu:.2f} s, wall {seconds:.2f}; {load()}", flush=True)


def million_rnas(folder: Path) -> None:
    """What a million RNAs cost every task that reads them, their embedding, and the merge."""
    rnas, query = random_rnas(folder / "rnas.fa", MILLION, NT, "t"), random_rnas(folder / "one.fa", 1, 22, "q")
    alone("embedding 1,000 of a million RNAs, kmer", f"cupid-embed {SHARED} --blocks 9/1000 -o b.npy {rnas}", folder)
    for part in (1, 2):
        alone("embedding half of them", f"cupid-embed {SHARED} --blocks {part}/2 -o part{part}.npy {rnas}", folder)
    alone("merging the halves", f"cupid-embed --quiet -o rnas.npy {rnas} --merge part1.npy part2.npy", folder)
    sizes = ", ".join(
        f"{name} {(folder / name).stat().st_size / MILLION:.0f}" for name in ("rnas.fa", "rnas.npy", "rnas.tsv")
    )
    print(f"bytes an RNA: {sizes}")
    for model in ("seed-lr", "mlp"):
        stores = f"{stored(folder, query)} -e rnas.npy" if model == "mlp" else ""
        command = f"cupid-score -m {MODELS[model]} --queries {query} --targets {rnas} {stores} {SHARED} -o r.tsv"
        alone(f"ranking a million targets for one query, {model}", command, folder)
    counting = folder / "count.nf"
    counting.write_text(f"workflow {{\n    println(file('{rnas}').countFasta())\n}}\n", encoding="utf-8")
    cost = timed(lambda: Nextflow(folder / "home")("run", counting, cwd=folder, timeout=HOUR))
    print(f"Nextflow's count of them, with its start: {cost.cpu:.1f} s, wall {cost.seconds:.1f}; {load()}", flush=True)


def long_tables(folder: Path) -> None:
    """How the last rows of ten million are found, and how ten scored blocks are merged."""
    rows, parts = 10 * MILLION, 10
    queries, targets = random_rnas(folder / "q.fa", 300, 22, "q"), random_rnas(folder / "t.fa", 300, NT, "t")
    pairs, both = random_pairs(folder / "long.tsv", rows, 300, 300), folder / "both.fa"
    both.write_bytes(queries.read_bytes() + targets.read_bytes())
    for what, number in (("first", 1), ("last", MILLION)):
        command = f"cupid-score -m {MODELS['seed-lr']} -f {both} {SHARED} --blocks {number}/{MILLION} -o b.tsv {pairs}"
        alone(f"scoring the {what} 10 of {rows:,} pairs", command, folder)
    with pairs.open(encoding="utf-8") as lines:
        head = next(lines).rstrip()
        for part in range(parts):
            with (folder / f"part{part}.tsv").open("w", encoding="utf-8") as handle:
                handle.write(f"{head}\tscore\tcall\n")
                handle.writelines(f"{line.rstrip()}\t0.123456\t0\n" for line in islice(lines, rows // parts))
    names = " ".join(f"part{part}.tsv" for part in range(parts))
    alone(f"merging {parts} parts of them", f"cupid-score --quiet -o merged.tsv {pairs} --merge {names}", folder)
    sizes = ", ".join(f"{name} {(folder / name).stat().st_size / rows:.0f}" for name in ("long.tsv", "merged.tsv"))
    print(f"bytes a pair: {sizes}")


if __name__ == "__main__":
    main(large=sys.argv[1:] == ["--large"])
