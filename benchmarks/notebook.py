"""Training the published net beside the notebooks' way: a Python list of the concatenated vectors of every pair.

    python benchmarks/notebook.py [--device cuda] [--epochs N] [--pairs N] [--hidden-size N]

Each way is a process of its own, and so is a third that trains on one batch: memory is told beyond what that takes.
Both train on the same pairs, copies and negatives among them, in the same batches, with the same rates, and judge the
same valid pairs after each epoch. The notebooks' way is written as well as it can be: arrays are not copied into
tensors one by one, and the net is ``nn.Sequential``. The time is that of training alone, without imports. A small net
makes it quick to see how memory grows with the pairs.

Goals: 10 times as fast, with at most 1/20 of the memory.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from cupid_tools.io.store import Vectors
from cupid_tools.models.checkpoint import build_classifier
from cupid_tools.models.dataset import LabelledPairs, TrainingData
from cupid_tools.models.training import TrainSettings, batches, learning_rate
from cupid_tools.recipes import load_recipe, recipe_section
from cupid_tools.sampling.seeds import rng_for

RNAS, VALID, PER_POSITIVE = 5_000, 2_000, 20
DIMS = (340, 640)
RECIPE = "ncrna-cupid"
SEED = 1


class Pairs(Dataset):
    """What the notebooks hand to the loader."""

    def __init__(self, vectors: Vectors, pairs: LabelledPairs) -> None:
        """Args: float32 [N, D], and the pairs among them."""
        both = zip(pairs.first, pairs.second, strict=True)
        self.vectors = [np.concatenate([vectors[a], vectors[b]]) for a, b in both]
        self.labels = pairs.labels.astype(np.float32)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> tuple[Tensor, np.float32]:
        return torch.from_numpy(self.vectors[row]), self.labels[row]


def made_up(dim: int, pairs: int) -> TrainingData:
    """Random vectors, and as many train pairs."""
    rng = np.random.default_rng(SEED)
    train, valid = (
        LabelledPairs(*rng.integers(RNAS, size=(2, count)), (np.arange(count) % (1 + PER_POSITIVE) == 0).astype("i1"))
        for count in (pairs, VALID)
    )
    vectors = rng.random((RNAS, dim), dtype=np.float32)
    return TrainingData(vectors, np.arange(RNAS), train, valid, digests={})


def notebook(data: TrainingData, settings: TrainSettings, width: int, device: torch.device) -> None:
    """Train as the notebooks do."""
    size, layers = load_recipe(RECIPE)["classifier"], []
    for inputs in [2 * data.rnas.shape[1], *[width] * (size["hidden_layers"] - 1)]:
        layers += [nn.Linear(inputs, width), nn.ReLU(), nn.Dropout(size["dropout"])]
    net = nn.Sequential(*layers, nn.Linear(width, 1)).to(device)
    train, valid = Pairs(data.rnas, data.train), Pairs(data.rnas, data.valid)
    optimiser = torch.optim.Adam(net.parameters(), lr=settings.learning_rate)
    measure = nn.BCEWithLogitsLoss()
    for epoch in range(1, settings.epochs + 1):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(settings, epoch)
        rows = batches(train.labels.astype(np.int8), settings, rng_for(SEED, "train", "epoch", str(epoch)))
        net.train()
        for vectors, labels in DataLoader(train, batch_sampler=[batch.tolist() for batch in rows]):
            optimiser.zero_grad()
            loss = measure(net(vectors.to(device)).squeeze(1), labels.to(device))
            loss.backward()
            optimiser.step()
        net.eval()
        with torch.inference_mode():
            scores = [net(vectors.to(device)).sigmoid().cpu() for vectors, _ in DataLoader(valid, settings.batch_size)]
        assert len(torch.cat(scores)) == VALID


def ours(data: TrainingData, settings: TrainSettings, width: int, device: torch.device) -> None:
    """Train as cupid-train does."""
    config = {key: value for key, value in load_recipe(RECIPE)["classifier"].items() if key != "name"}
    config |= {"hidden_size": width, "order": "published"}  # as the notebooks judge: in one order
    build_classifier("mlp", config, data.rnas.shape[1]).fit(data, settings, device=device, seed=SEED)


WAYS = {"either": notebook, "notebook": notebook, "cupid-tools": ours}
"""``either`` is run on one batch: what libraries, the net and its optimiser take in either way."""


class Cost(NamedTuple):
    """Seconds by the clock and of the processors, and the largest resident memory of the process."""

    seconds: float
    cpu: float
    peak_mib: float


def be(way: str, args: argparse.Namespace) -> None:
    """Train in one way, and print what it cost."""
    settings = recipe_section(RECIPE, "training", TrainSettings, {"epochs": args.epochs})
    data = made_up(args.dim, settings.batch_size if way == "either" else args.pairs)
    seconds, cpu = time.perf_counter(), time.process_time()
    WAYS[way](data, settings, args.hidden_size, torch.device(args.device))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(time.perf_counter() - seconds, time.process_time() - cpu, peak)


def cost(way: str, dim: int, args: argparse.Namespace) -> Cost:
    """What a process takes that trains in one way."""
    command = [sys.executable, __file__, "--way", way, "--dim", str(dim), "--device", args.device]
    command += ["--epochs", str(args.epochs), "--pairs", str(args.pairs), "--hidden-size", str(args.hidden_size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Cost(*map(float, done.stdout.split()))


def compare(args: argparse.Namespace) -> None:
    """Print what both ways cost, for the channels of the k-mer encoder and of RNA-FM."""
    for dim in DIMS:
        base, theirs, mine = (cost(way, dim, args) for way in WAYS)
        print(
            f"2 x {dim}, {args.pairs:,} pairs, epochs: {args.epochs}; {base.peak_mib:,.0f} MiB either way, and beyond"
        )
        for way, found in (("notebook", theirs), ("cupid-tools", mine)):
            beyond = found.peak_mib - base.peak_mib
            print(f"  {way}: {found.seconds:.1f} s, {found.cpu:.1f} s of processors, {beyond:,.0f} MiB")
        faster, share = theirs.seconds / mine.seconds, theirs.peak_mib / mine.peak_mib
        beyond = (theirs.peak_mib - base.peak_mib) / max(1, mine.peak_mib - base.peak_mib)
        print(f"  {faster:.1f} times as fast ({theirs.cpu / mine.cpu:.1f} by processors), goal 10: {faster >= 10}")
        print(f"  1/{beyond:.0f} of the memory beyond, 1/{share:.1f} of all, goal 1/20: {beyond >= 20}")


def main() -> None:
    """Compare the ways, or be one of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--hidden-size", type=int, default=1024)
    parser.add_argument("--way", choices=list(WAYS))
    parser.add_argument("--dim", type=int)
    args = parser.parse_args()
    if args.way:
        be(args.way, args)
    else:
        compare(args)


if __name__ == "__main__":
    main()
