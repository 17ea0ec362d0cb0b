"""Order-free scoring with the published net, as a share of the rate at which this machine multiplies matrices.

    python benchmarks/score.py [--device cuda]

Counted are the products of the layers after the first, which is computed once for each RNA, in both orders. Goal on a
CPU that does nothing else: 60 % of the rate.
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
import torch
from train import HIDDEN, LAYERS, matmul_rate

from cupid_tools.models.checkpoint import build_classifier
from cupid_tools.recipes import load_recipe

RNAS, PAIRS = 2_000, 50_000
GOAL = 0.6


def main(device: torch.device) -> None:
    """Print pairs a second and the share, for the k-mer encoder's channels and for RNA-FM's."""
    config = {key: value for key, value in load_recipe("ncrna-cupid")["classifier"].items() if key != "name"}
    first, second = np.random.default_rng(1).integers(RNAS, size=(2, PAIRS))
    for dim in (340, 640):
        net = build_classifier("mlp", config, dim)
        random = {name: torch.randn(tensor.shape) / HIDDEN**0.5 for name, tensor in net.state_dict().items()}
        net.load(random, device)
        vectors = np.random.default_rng(2).normal(size=(RNAS, dim)).astype(np.float32)
        before = matmul_rate(device)
        start = time.perf_counter()
        net.scorer(vectors).scores(first, second)
        seconds = time.perf_counter() - start
        rate = max(before, matmul_rate(device))
        work = 2 * 2 * PAIRS * (LAYERS - 1) * HIDDEN**2
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"2 x {dim}: {PAIRS / seconds:,.0f} pairs/s, {work / seconds / 1e9:.0f} of {rate / 1e9:.0f} GFLOP/s = "
            f"{work / seconds / rate:.0%}, goal {GOAL:.0%}: {work / seconds / rate >= GOAL}, peak {peak:.0f} MiB"
        )


if __name__ == "__main__":
    main(torch.device(sys.argv[2] if sys.argv[1:2] == ["--device"] else "cpu"))
