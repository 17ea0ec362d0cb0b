"""What the pipeline costs beside the same commands in a shell, and what -resume and a second node save.

    .venv/bin/python -m benchmarks.nextflow overhead [ROUNDS]    # from the root of the repository
    .venv/bin/python -m benchmarks.nextflow resume [ROUNDS]
    .venv/bin/python -m benchmarks.nextflow nodes [ROUNDS]       # starts a SLURM of two nodes of one core: root

Sides that are compared take turns in one run, and the median of ROUNDS rounds (3) counts. With each figure stands the
load of the machine; processor time is that of a side and of all that it started.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.measure import BIN, Cost, middle, run
from tests.nextflow.launcher import Nextflow, read_trace, remembered
from tests.nextflow.slurm import NODES, Cluster

ROOT = Path(__file__).parents[1]
MAIN = ROOT / "nextflow" / "main.nf"
RNAS, PAIRS = ROOT / "test-data" / "rnas.fa", ROOT / "test-data" / "pairs.tsv"
ROUNDS = 3
TRACE = "trace {\n    raw = true\n    fields = 'name,status,submit,start,complete,duration,realtime'\n}\n"
HOUR = 3600

COMPUTING = "--device cpu --threads {threads}"
PREPARE = {
    "CUPID_FILTER": f"cupid-filter -f {RNAS} --fasta-out kept.fa -o kept.tsv --dropped filter.dropped.tsv "
    f"--report filter.json {PAIRS}",
    "CUPID_SPLIT": "cupid-split --by unseen-both --strict --seed 3 -f kept.fa -o split.tsv --dropped split.dropped.tsv "
    "--report split.json kept.tsv",
    "CUPID_AUGMENT": "cupid-augment -f kept.fa --fasta-out all.fa -o augmented.tsv --report augment.json split.tsv",
    "CUPID_NEGATIVES": "cupid-negatives --per-positive 5 --seed 3 -f all.fa -o dataset.tsv --report negatives.json "
    "augmented.tsv",
}
"""The first steps of the profile ``test``: process of the pipeline -> the same as a command."""
EMBED = {"CUPID_EMBED": f"cupid-embed {COMPUTING} --report all.json -o all.npy all.fa"}
EVALUATE = {
    "CUPID_EVALUATE": "cupid-evaluate --seed 3 -f all.fa --curves blend.curves.tsv --curves mlp.curves.tsv "
    "--report evaluate.json -o report blend.tsv mlp.tsv"
}


def train(name: str, options: str = "") -> dict[str, str]:
    """The command that trains the classifier *name*."""
    command = f"cupid-train --classifier {name} {options} --seed 3 -f all.fa {COMPUTING} --curves {name}.curves.tsv"
    return {f"CUPID_TRAIN_{name}": f"{command} --report {name}.train.json -o {name}.safetensors dataset.tsv"}


def score(name: str, options: str = "") -> dict[str, str]:
    """The command that scores all pairs with it."""
    command = f"cupid-score -m {name}.safetensors {options} -f all.fa {COMPUTING} --report {name}.score.json"
    return {f"CUPID_SCORE_{name}": f"{command} -o {name}.tsv dataset.tsv"}


BLEND = train("blend") | score("blend")
MLP = EMBED | train("mlp", "-e all.npy --epochs 15") | score("mlp", "-e all.npy")


def chain(*groups: dict[str, str], threads: int) -> str:
    """Commands for bash, one after the other; ``times`` then tells when each had ended."""
    steps = {name: command for group in groups for name, command in group.items()}
    return " && ".join(
        f"{command.format(threads=threads)} && echo {name} $EPOCHREALTIME >> times" for name, command in steps.items()
    )


def side_by_side(threads: int) -> str:
    """The whole chain, the two classifiers at once, each with its share of the threads."""
    share = max(1, threads // 2)
    before, after = chain(PREPARE, threads=threads), chain(EVALUATE, threads=threads)
    one, other = chain(BLEND, threads=share), chain(MLP, threads=share)
    return f"{before} && {{ ({one}) & {other} && wait $! ; }} && {after}"


def shell(commands: str, folder: Path) -> Cost:
    """Run *commands* in bash in *folder*; they must succeed."""
    return run(["bash", "-c", commands], cwd=folder)


def timed(work: Callable[[], object]) -> Cost:
    """What *work* takes in processes that it starts and waits for; their memory is not known."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    work()
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(seconds, 0, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def load() -> str:
    """How busy the machine is."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores at {datetime.now():%H:%M}"


class Pipeline:
    """The pipeline as it lies here, run by a real Nextflow, which keeps its own files in *folder*."""

    def __init__(self, folder: Path) -> None:
        self._nextflow = Nextflow(folder / "home")
        self._config = folder / "trace.config"
        self._config.write_text(TRACE, encoding="utf-8")
        self.single = folder / "single.config"
        """Settings with which no task takes more than one core."""
        self.single.write_text("process.resourceLimits = [cpus: 1, memory: '6.GB']\n", encoding="utf-8")

    def __call__(self, folder: Path, *args: object, env: dict[str, str] | None = None) -> None:
        """Run it to its end in *folder*; it must succeed."""
        folder.mkdir(exist_ok=True)
        done = self._nextflow("run", MAIN, "-c", self._config, *args, cwd=folder, env=env, timeout=HOUR)
        if done.returncode:
            sys.exit(f"the pipeline failed:\n{done.stdout}{done.stderr}")

    def cut_off(self, folder: Path, count: int, *args: object) -> None:
        """Start it in *folder*, and kill it when *count* of its tasks have ended."""
        folder.mkdir()
        with self._nextflow.start("run", MAIN, "-c", self._config, *args, cwd=folder) as started:
            started.wait_for(lambda: remembered(folder) >= count, timeout=HOUR)
            started.kill()


class Task(NamedTuple):
    """A row of a trace; times in seconds.

    Attributes:
        whole: from its submission to when Nextflow saw its end.
        inside: of that, its own shell: the tool, and the tool's --version.
    """

    process: str
    cached: bool
    submitted: float
    completed: float
    whole: float
    inside: float


def tasks(folder: Path) -> list[Task]:
    """What the pipeline ran in *folder*, in the order of submission."""
    found = [
        Task(
            row["name"].partition(" ")[0].rpartition(":")[2],
            row["status"] == "CACHED",
            *(float(row[name]) / 1000 for name in ("submit", "complete", "duration", "realtime")),
        )
        for row in read_trace(max((folder / "results" / "pipeline_info").glob("trace_*.txt")))
    ]
    return sorted(found, key=lambda task: task.submitted)


def overhead(folder: Path, rounds: int) -> None:
    """The pipeline beside the same commands in a shell."""
    pipeline, threads = Pipeline(folder), min(2, os.cpu_count() or 1)
    in_turn = chain(PREPARE, BLEND, MLP, EVALUATE, threads=threads)
    whole = ("--embed_block", "8.MB", "--score_block", "64.MB")
    sides: dict[str, Callable[[Path], object]] = {
        "shell": lambda place: shell(in_turn, place),
        "shell, classifiers side by side": lambda place: shell(side_by_side(threads), place),
        "pipeline, blocks as in the profile": lambda place: pipeline(place, "-profile", "test"),
        "the same, one core a task": lambda place: pipeline(place, "-profile", "test", "-c", pipeline.single),
        "pipeline, one block of each": lambda place: pipeline(place, "-profile", "test", *whole),
        "pipeline, nothing but touch": lambda place: pipeline(place, "-profile", "test", "-stub-run"),
    }
    costs: dict[str, list[Cost]] = {name: [] for name in sides}
    for number in range(rounds):
        for side, (name, work) in enumerate(sides.items()):
            place = folder / f"{number}-{side}"
            place.mkdir()
            began = time.time()
            cost = timed(lambda: work(place))  # noqa: B023
            costs[name].append(cost)
            print(f"{name}: {cost.seconds:.1f} s, {cost.cpu:.1f} s of processors, {load()}", flush=True)
            (_tell_steps if (place / "times").exists() else _tell_tasks)(place, began, began + cost.seconds)
    _table(costs)


def _table(costs: dict[str, list[Cost]]) -> None:
    first = middle(next(iter(costs.values())))
    print("| | seconds | times | seconds of processors | times |\n|---|---|---|---|---|")
    for name, cost in ((name, middle(rounds)) for name, rounds in costs.items()):
        times = f"{cost.seconds:.1f} | {cost.seconds / first.seconds:.2f}"
        print(f"| {name} | {times} | {cost.cpu:.1f} | {cost.cpu / first.cpu:.2f} |")


def _tell_steps(folder: Path, began: float, _ended: float) -> None:
    """Print when each command of a shell had ended."""
    for line in (folder / "times").read_text(encoding="utf-8").splitlines():
        name, end = line.split()
        print(f"    {name:28} ended after {float(end) - began:6.1f} s")


def _tell_tasks(folder: Path, began: float, ended: float) -> None:
    """Print where the time of a run of the pipeline went."""
    done = tasks(folder)
    before, after = done[0].submitted - began, ended - max(task.completed for task in done)
    around = sum(task.whole - task.inside for task in done) / len(done)
    print(
        f"    {before:.1f} s before the first task, {after:.1f} s after the last; {len(done)} tasks, "
        f"{around:.2f} s around the shell of each"
    )
    for process in dict.fromkeys(task.process for task in done):
        inside = [task.inside for task in done if task.process == process]
        print(f"    {process:28} {len(inside):3} tasks {sum(inside):6.1f} s")


def resume(folder: Path, rounds: int) -> None:
    """How long -resume takes when all is done, and how much of a run that was cut off in the middle is lost."""
    pipeline, args = Pipeline(folder), ("-profile", "test")
    costs: dict[str, list[Cost]] = {"whole run": [], "-resume of it": [], "run until killed": [], "-resume of that": []}
    for number in range(rounds):
        whole, half = folder / f"whole-{number}", folder / f"half-{number}"
        costs["whole run"].append(timed(lambda: pipeline(whole, *args)))  # noqa: B023
        count = len(tasks(whole)) // 2
        costs["-resume of it"].append(timed(lambda: pipeline(whole, *args, "-resume")))  # noqa: B023
        costs["run until killed"].append(timed(lambda: pipeline.cut_off(half, count, *args)))  # noqa: B023
        costs["-resume of that"].append(timed(lambda: pipeline(half, *args, "-resume")))  # noqa: B023
        again, rest = ([task.cached for task in tasks(place)] for place in (whole, half))
        found = f"-resume found {sum(again)} of {len(again)} tasks; when killed after {count}, {sum(rest)}"
        print(f"{found}; {load()}", flush=True)
    for name, cost in costs.items():
        print(f"| {name} | {middle(cost).seconds:.1f} | {', '.join(f'{one.seconds:.1f}' for one in cost)} |")


def random_rnas(path: Path, count: int, length: int, name: str) -> Path:
    """Write *count* random RNAs of *length* nt, *name* and a number each."""
    rng = np.random.default_rng([count, length])
    with path.open("wb") as handle:
        for start in range(0, count, 1000):
            letters = np.frombuffer(b"ACGU", dtype=np.uint8)[rng.integers(0, 4, (min(1000, count - start), length))]
            handle.writelines(
                b">%s%d\n%s\n" % (name.encode(), row, rna.tobytes()) for row, rna in enumerate(letters, start)
            )
    return path


def random_pairs(path: Path, count: int, queries: int, targets: int) -> Path:
    """Write *count* random pairs of *queries* RNAs ``q0``, ``q1``, ... and *targets* RNAs ``t0``, ..."""
    rng = np.random.default_rng(count)
    with path.open("w", encoding="utf-8") as handle:
        handle.write("id_a\tid_b\n")
        for start in range(0, count, 100_000):
            rows = min(100_000, count - start)
            drawn = zip(rng.integers(queries, size=rows), rng.integers(targets, size=rows), strict=True)
            handle.writelines(f"q{query}\tt{target}\n" for query, target in drawn)
    return path


BLOCKS = 8
LAYERS, EMBEDDED = 2, 1_600
SAVE_RNAFM = "import sys; from tests.language_models import save_rnafm; save_rnafm(sys.argv[1], layers={layers}, "
SAVE_RNAFM += "embed_dim=640, ffn_embed_dim=5120, attention_heads=20)"
"""RNA-FM in its published width, with random weights; in a process of its own."""
QUERIES, TARGETS, SCORED = 500, 2_000, 1_600_000


def nodes(folder: Path, rounds: int) -> None:
    """Embedding and scoring on one node and on two, of one core each, of a SLURM on this machine."""
    pipeline, works = Pipeline(folder), {"embedding": _embedding(folder), "scoring": _scoring(folder)}
    with tempfile.TemporaryDirectory(prefix="slurm-") as cluster_folder, Cluster(Path(cluster_folder)) as cluster:
        for what, args in works.items():
            costs: dict[str, list[tuple[float, float]]] = {"resume": [], "drain": []}
            for number in range(rounds):
                for state, found in costs.items():
                    cluster.ask("scontrol", "update", f"nodename={NODES[1]}", f"state={state}", "reason=benchmark")
                    place = folder / f"{what}-{state}-{number}"
                    words = ("-profile", "slurm", "-c", cluster.config, *args)
                    cost = timed(lambda: pipeline(place, *words, env=cluster.env))  # noqa: B023
                    found.append((cost.seconds, _span_of_blocks(place)))
                    print(f"{what}, {state} of the second node: {found[-1]}, {load()}", flush=True)
                cluster.ask("scontrol", "update", f"nodename={NODES[1]}", "state=resume")
            middles = (np.median(found, axis=0) for found in costs.values())
            for name, two, one in zip(("whole run", "blocks"), *middles, strict=True):
                print(f"| {what}, {name} | {one:.1f} | {two:.1f} | {one / two:.2f} |", flush=True)


def _embedding(folder: Path) -> tuple[object, ...]:
    weights = folder / "weights"
    run([sys.executable, "-c", SAVE_RNAFM.format(layers=LAYERS), folder / "lm.pth"], cwd=ROOT)
    run([BIN / "cupid-weights", "import", folder / "lm.pth", "--as", "rnafm", "--weights-dir", weights])
    rnas = random_rnas(folder / "embedded.fa", EMBEDDED, 200, "rna")
    encoder = ("--encoder", "rnafm", "--weights_dir", weights, "--embed_precision", "fp32")
    return ("--workflow", "embed", *encoder, "--fasta", rnas, "--embed_block", _share(rnas))


def _scoring(folder: Path) -> tuple[object, ...]:
    queries = random_rnas(folder / "queries.fa", QUERIES, 22, "q")
    both = random_rnas(folder / "scored.fa", TARGETS, 600, "t")
    both.write_bytes(queries.read_bytes() + both.read_bytes())
    pairs = random_pairs(folder / "scored.tsv", SCORED, QUERIES, TARGETS)
    data = ("--fasta", both, "--pairs", pairs)
    return ("--workflow", "score", "--model", "builtin:duplex", *data, "--score_block", _share(pairs))


def _share(path: Path) -> str:
    return f"{path.stat().st_size // BLOCKS + 1}B"


def _span_of_blocks(folder: Path) -> float:
    """Seconds from the submission of the first block to the end of the last."""
    blocks = [task for task in tasks(folder) if not task.process.endswith("_MERGE")]
    return max(task.completed for task in blocks) - min(task.submitted for task in blocks)


def main(what: str, rounds: str = str(ROUNDS)) -> None:
    """Measure what is named, in a folder that is removed afterwards."""
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        {"overhead": overhead, "resume": resume, "nodes": nodes}[what](Path(name), int(rounds))


if __name__ == "__main__":
    main(*sys.argv[1:])
