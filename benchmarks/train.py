"""One epoch of the published net, as a share of the rate at which this machine multiplies matrices.

    python benchmarks/train.py [--device cuda]

The rate is that of float32 products of 2048 x 2048 matrices, measured before and after in the same process. Counted are
the products that training needs: twice forward for every layer but the first, whose inputs need no gradient. The
time is that of ``fit`` for one epoch, with its choice of the epoch on few valid pairs.

Goal on a CPU that does nothing else: half of the rate.
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
import torch

from cupid_tools.models.checkpoint import build_classifier
from cupid_tools.models.dataset import LabelledPairs, TrainingData
from cupid_tools.models.training import TrainSettings, batches
from cupid_tools.recipes import load_recipe, recipe_section

RNAS, POSITIVES, NEGATIVES, VALID = 5_000, 4_762, 95_238, 500
HIDDEN, LAYERS = 1024, 4
GOAL = 0.5


def matmul_rate(device: torch.device) -> float:
    """Float32 operations a second, the best of five."""
    a, b = torch.randn(2, 2048, 2048, device=device)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(4):
            a @ b
        wait(device)
        times.append((time.perf_counter() - start) / 4)
    return 2 * 2048**3 / min(times)


def wait(device: torch.device) -> None:
    """Until the device has done its work."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def made_up(dim: int) -> TrainingData:
    """Random vectors and pairs."""
    rng = np.random.default_rng(1)
    labels = np.repeat([1, 0], [POSITIVES, NEGATIVES]).astype(np.int8)
    train = LabelledPairs(*rng.integers(RNAS, size=(2, len(labels))), labels)
    valid = LabelledPairs(*(part[POSITIVES - VALID : POSITIVES + VALID] for part in vars(train).values()))
    return TrainingData(rng.random((RNAS, dim), dtype=np.float32), np.arange(RNAS), train, valid, digests={})


def main(device: torch.device) -> None:
    """Print the share for the k-mer encoder's channels and for RNA-FM's."""
    settings = recipe_section("ncrna-cupid", "training", TrainSettings, {"epochs": 1})
    config = {key: value for key, value in load_recipe("ncrna-cupid")["classifier"].items() if key != "name"}
    for dim in (340, 640):
        data = made_up(dim)
        pairs = sum(map(len, batches(data.train.labels, settings, np.random.default_rng(1))))
        net = build_classifier("mlp", config, dim)
        before = matmul_rate(device)
        start = time.perf_counter()
        net.fit(data, settings, device=device, seed=1)
        seconds = time.perf_counter() - start
        rate = max(before, matmul_rate(device))
        work = 2 * pairs * (2 * dim * HIDDEN * 2 + (LAYERS - 1) * HIDDEN**2 * 3)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"2 x {dim}: {pairs:,} pairs in {seconds:.1f} s, {work / seconds / 1e9:.0f} of {rate / 1e9:.0f} GFLOP/s = "
            f"{work / seconds / rate:.0%}, goal {GOAL:.0%}: {work / seconds / rate >= GOAL}, peak {peak:.0f} MiB"
        )


if __name__ == "__main__":
    main(torch.device(sys.argv[2] if sys.argv[1:2] == ["--device"] else "cpu"))
