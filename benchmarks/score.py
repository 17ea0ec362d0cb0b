"""Order-free scoring with the published net, as a share of the rate at which this machine multiplies matrices.

    python benchmarks/score.py [--device cuda]

Counted are the products of the layers after the first, which is computed once for each RNA, in both orders. Goal on a
CPU that does nothing else: half of the rate.
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
import torch
from train import GOAL, HIDDEN, LAYERS, matmul_rate

from cupid_tools.models import FREE
from cupid_tools.models.checkpoint import build_classifier
from cupid_tools.models.scoring import PairScorer
from cupid_tools.recipes import load_recipe

RNAS, PAIRS = 2_000, 50_000


def main(device: torch.device) -> None:
    """Print pairs a second and the share, for the k-mer encoder's channels and for RNA-FM's."""
    config = {key: value for key, value in load_recipe("ncrna-cupid")["classifier"].items() if key != "name"}
    first, second = np.random.default_rng(1).integers(RNAS, size=(2, PAIRS))
    for dim in (340, 640):
        classifier = build_classifier("mlp", dim, config).to(device)
        vectors = torch.randn(RNAS, dim, device=device)
        before = matmul_rate(device)
        start = time.perf_counter()
        PairScorer(classifier, FREE, vectors).scores(first, second)
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
