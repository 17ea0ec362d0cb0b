"""From logits of several types to probabilities that can be taken at their word: one temperature, fitted on valid.

Guo et al. 2017 (https://doi.org/10.48550/arXiv.1706.04599). A temperature changes no order: the most probable type
stays the same.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cupid_tools.evaluation.metrics import Floats

_COLDEST, _HOTTEST = 0.02, 50.0


def probabilities(logits: Floats, temperature: float) -> Floats:
    """The probabilities of C types, float64 [n, C], from *logits* [n, C].

    >>> probabilities(np.array([[0.0, 0.0], [1.0, 1.0]]), 2.0).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    scaled = logits / temperature
    raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def log_loss(types: NDArray[np.int64], logits: Floats, temperature: float = 1.0) -> float:
    """Mean negative log probability of the true *types* [n], in nats.

    >>> round(log_loss(np.array([0, 1]), np.zeros((2, 4))), 4)
    1.3863
    """
    return float(np.mean(_losses(types, logits, temperature)))


def fit_temperature(types: NDArray[np.int64], logits: Floats) -> float:
    """The temperature under which *logits* [n, C] tell the true *types* [n] with the least loss.

    It is drawn to 1 as strongly as one more RNA would draw it, so that logits which part all types do not become
    certainties.
    """
    from scipy.optimize import minimize_scalar

    def cost(log_temperature: float) -> float:
        return float(np.sum(_losses(types, logits, math.exp(log_temperature)))) + log_temperature**2 / 2

    bounds = (math.log(_COLDEST), math.log(_HOTTEST))
    found = minimize_scalar(cost, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return math.exp(float(found.x))


def _losses(types: NDArray[np.int64], logits: Floats, temperature: float) -> Floats:
    scaled = logits / temperature
    highest = scaled.max(axis=1)
    total = highest + np.log(np.exp(scaled - highest[:, None]).sum(axis=1))
    return np.asarray(total - scaled[np.arange(len(types)), types])
