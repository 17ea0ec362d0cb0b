"""Classifiers that tell the type of one RNA. To add one is a module here and a line in ``TYPE_CLASSIFIERS``.

See ``base.TypeClassifier`` for what it must be able to do.
"""

from __future__ import annotations

from cupid_tools.models.classifiers import SEQUENCES, VECTORS
from cupid_tools.registry import Entry, Registry

_HERE = "cupid_tools.models.types"

TYPE_CLASSIFIERS = Registry(
    "method",
    {
        "network": Entry(f"{_HERE}.network:NetworkOfTypes", "a transformer over the nucleotides, trained end to end"),
        "logistic": Entry(f"{_HERE}.logistic:Logistic", "logistic regression on the vectors of cupid-embed"),
        "boosting": Entry(f"{_HERE}.boosting:BoostingOfTypes", "boosted trees on the same vectors"),
    },
)
"""Name -> a ``base.TypeClassifier``."""

DEFAULTS = {SEQUENCES: "network", VECTORS: "logistic"}
"""What is fitted when nobody chooses."""

UNKNOWN_BELOW = 0.5
"""Below this probability an answer is more likely wrong than right, and ``unknown`` is given in its place."""
