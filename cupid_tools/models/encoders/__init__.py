"""Encoders: each turns RNAs into vectors. To add one is a module here and a line in ``ENCODERS``."""

from __future__ import annotations

from cupid_tools.registry import Entry, Registry

ENCODERS = Registry(
    "encoder",
    {
        "kmer": Entry(
            "cupid_tools.models.encoders.kmer:KmerEncoder",
            "composition in 1- to 4-mers, 340 channels, needs no weights",
        ),
    },
)
"""Name -> a callable without arguments that returns a ``base.Encoder``."""
