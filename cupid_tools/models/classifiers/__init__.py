"""Classifiers of pairs. To add one is a module here and a line in ``CLASSIFIERS``."""

from __future__ import annotations

from cupid_tools.registry import Entry, Registry

CLASSIFIERS = Registry(
    "classifier",
    {
        "mlp": Entry(
            "cupid_tools.models.classifiers.mlp:MlpClassifier",
            "feed-forward net on both vectors side by side, as published",
        ),
    },
)
"""Name -> a subclass of ``base.Classifier``."""
