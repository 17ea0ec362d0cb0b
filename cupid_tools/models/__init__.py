"""Encoders of RNAs and classifiers of pairs; the only package that imports torch."""

from __future__ import annotations

FREE, PUBLISHED = ORDERS = ("free", "published")
"""``free``: the mean of the probabilities of (a, b) and (b, a). ``published``: that of (a, b) alone."""

SELECTIONS = ("mcc", "average_precision", "auroc")
"""Metrics on valid that may choose the epoch."""
