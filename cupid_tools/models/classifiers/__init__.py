"""Classifiers of pairs. To add one is a module here and a line in ``CLASSIFIERS``."""

from __future__ import annotations

from cupid_tools.registry import Entry, Registry

_HERE = "cupid_tools.models.classifiers"

CLASSIFIERS = Registry(
    "classifier",
    {
        "blend": Entry(f"{_HERE}.blend:Blend", "boosting, duplex and seed-lr together, weighed on valid pairs"),
        "boosting": Entry(f"{_HERE}.boosting:Boosting", "boosted trees on features of both sequences"),
        "duplex": Entry(f"{_HERE}.duplex:Duplex", "a learned interaction energy of both sequences"),
        "seed-lr": Entry(f"{_HERE}.seed_lr:SeedLr", "logistic regression on seed sites and the best alignment"),
        "mlp": Entry(f"{_HERE}.mlp:Mlp", "feed-forward net on both vectors side by side, as published"),
        "mlp-symmetric": Entry(f"{_HERE}.mlp_symmetric:SymmetricMlp", "the same, order-free by its form"),
    },
)
"""Name -> a ``base.Classifier``."""

VECTORS, SEQUENCES = "vectors", "sequences"
"""What a classifier may read of each RNA."""

DEFAULTS = {SEQUENCES: "blend", VECTORS: "mlp"}
"""What is fitted when nobody chooses: the best on strictly unseen RNAs, by ``benchmarks/learning.py``."""
