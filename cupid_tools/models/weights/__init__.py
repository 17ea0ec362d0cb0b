"""Weights of published language models: imported once, kept as safetensors in one folder, never executed.

To add a model is its ``convert`` in ``models/encoders``, a line in ``WEIGHTS`` and one in ``catalogue.SOURCES``.
"""

from __future__ import annotations

from cupid_tools.registry import Entry, Registry

WEIGHTS = Registry(
    "weights",
    {
        "rnafm": Entry("cupid_tools.models.encoders.rnafm:convert", "RNA-FM, 12 layers, 640 channels"),
        "generrna": Entry("cupid_tools.models.encoders.generrna:convert", "GenerRNA, 24 layers, 1024 channels"),
    },
)
"""Name -> ``convert(checkpoint, source, tokenizer) -> library.Weights``, which does no input or output."""
