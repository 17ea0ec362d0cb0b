"""Training encoders of our own: what they learn from, the network, what it is asked for, and the loop.

To add an architecture is a module here and a line in ``ARCHITECTURES``; see ``base.PretrainingModel``.
"""

from __future__ import annotations

from cupid_tools.registry import Entry, Registry

ARCHITECTURES = Registry(
    "architecture",
    {
        "masked": Entry(
            "cupid_tools.models.pretraining.masked:Masked",
            "an encoder that fills in nucleotides which were hidden, as BERT does",
        ),
        "autoencoder": Entry(
            "cupid_tools.models.pretraining.autoencoder:Autoencoder",
            "an encoder, and a decoder that writes the RNA again from the encoder's states",
        ),
    },
)
"""Name -> a class of ``base.PretrainingModel``."""

RANDOM, CHEMICAL = NUCLEOTIDE_VECTORS = ("random", "chemical")
"""Where the vectors of nucleotides start: all of it learned, or partly what chemistry tells of the bases."""

DROP, CROP = LONG_RNAS = ("drop", "crop")
"""What becomes of RNAs above the longest length: left out, or another stretch of each in every epoch."""
