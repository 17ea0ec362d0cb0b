"""The encoders that are compared: found, run, and made anew with random weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from cupid_tools.errors import MissingError
from cupid_tools.io.fasta import read_fasta
from cupid_tools.io.store import Vectors
from cupid_tools.models.encoders import load_encoder
from cupid_tools.models.encoders.own import MINI
from cupid_tools.models.encoders.settings import WINDOW, EncoderSettings
from cupid_tools.models.pretraining.corpus import make_corpus
from cupid_tools.models.pretraining.product import NAME as OWN
from cupid_tools.models.pretraining.product import kept_tensors, read_pretrained
from cupid_tools.models.pretraining.scale import measure_scale
from cupid_tools.models.weights.library import fingerprint, read, write

KMER, MINI_NAME = "kmer", "mini"
RANDOM = ":random"
"""Ends the name of an encoder whose weights are drawn anew."""
_SEED = 1
_OVERLAP = 64
"""nt that windows share; the default is too much for contexts as short as that of the published autoencoders."""


class Embedder:
    """Vectors of one encoder; each distinct sequence is computed once."""

    def __init__(self, name: str, data: Path, scratch: Path) -> None:
        """Load the encoder *name*; *data* is what encoder_data.py wrote, *scratch* a folder for random weights.

        Raises:
            MissingError: its weights are not here.
        """
        own = own_file(name, data, scratch)
        settings = EncoderSettings() if name == KMER else EncoderSettings(long=WINDOW, overlap=_OVERLAP)
        self._encoder = load_encoder(name if own is None or name == MINI_NAME else f"{OWN}:{own}", settings)
        self._known: dict[str, int] = {}
        self._vectors = np.empty((0, self._encoder.dim), dtype=np.float32)

    def embed(self, sequences: Sequence[str]) -> Vectors:
        """Float32 [len(sequences), dim]."""
        new = [sequence for sequence in dict.fromkeys(sequences) if sequence not in self._known]
        self._known.update({sequence: len(self._known) + place for place, sequence in enumerate(new)})
        self._vectors = np.concatenate([self._vectors, self._encoder.embed(new)])
        return self._vectors[[self._known[sequence] for sequence in sequences]]


def label_of(name: str) -> str:
    """The name of an encoder in tables, which tell no folder.

    >>> label_of("own:runs/small.safetensors:random"), label_of("mini:random"), label_of("kmer")
    ('own:small.safetensors:random', 'mini:random', 'kmer')
    """
    kind, _, rest = name.partition(":")
    return f"{kind}:{Path(rest).name}" if rest else name


def own_file(name: str, data: Path, scratch: Path) -> Path | None:
    """The weights of ``mini``, ``own:FILE`` and both with ``:random``, which are then written; None for other encoders.

    Raises:
        MissingError: those of ``mini`` are not here.
    """
    plain = name.removesuffix(RANDOM)
    if plain != MINI_NAME and not plain.startswith(f"{OWN}:"):
        return None
    if plain == MINI_NAME and not MINI.is_file():
        raise MissingError("the weights of mini are not in this checkout")
    path = MINI if plain == MINI_NAME else Path(plain.partition(":")[2])
    return path if plain == name else random_copy(path, data, scratch)


def random_copy(path: Path, data: Path, scratch: Path) -> Path:
    """Write weights as *path* has them, but as training starts with them, to the folder *scratch*.

    Their channels are measured over RNAs of pretraining in *data*, as those of a trained network are.
    """
    weights, facts = read(path, OWN)
    learned = read_pretrained(path)
    torch.manual_seed(_SEED)
    model = type(learned.model)(learned.model.encoder.settings, len(learned.type_names))
    corpus = make_corpus(list(read_fasta(data / "pretrain.fa")))
    scale = measure_scale(model.eval().encoder, corpus, np.arange(len(corpus)), learned.max_length, _SEED)
    drawn = replace(weights, tensors=kept_tensors(model, scale))
    target = scratch / "random.safetensors"
    write(
        target,
        OWN,
        drawn,
        fingerprint=fingerprint(OWN, drawn),
        source_sha256=facts["source_sha256"],
        licence=facts["licence"],
    )
    return target
