"""Randomness as a function of its arguments."""

from __future__ import annotations

import hashlib

import numpy as np


def rng_for(seed: int, *scope: str) -> np.random.Generator:
    """Return the generator that belongs to *scope*, such as ``("negatives", "train")``.

    It depends on its arguments alone: workers, the order of the input and earlier draws change nothing.
    """
    digest = hashlib.sha256("\x1f".join(scope).encode()).digest()
    return np.random.default_rng(np.random.SeedSequence([seed, *np.frombuffer(digest, "<u4").tolist()]))
