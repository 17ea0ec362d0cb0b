"""What nets and energies say of every row of a dataset; what is finished is kept, so that a killed run goes on."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cupid_tools import __version__
from cupid_tools.energy.computing import KeptTable, RunSettings, pair_energies
from cupid_tools.energy.engines.choice import choose_engine
from cupid_tools.energy.engines.settings import EngineSettings
from cupid_tools.energy.running import Significance
from cupid_tools.evaluation.metrics import Floats
from cupid_tools.io.atomic import atomic_write
from cupid_tools.io.pairs import ENERGY, ID_A, ID_B
from cupid_tools.io.store import EmbeddingStore, table_path
from cupid_tools.models.checkpoint import load_model, save_model
from cupid_tools.models.choice import Choice
from cupid_tools.models.curves import write_curves
from cupid_tools.models.device import memory_guard
from cupid_tools.models.embedding import embed_to_store
from cupid_tools.models.encoders import load_encoder
from cupid_tools.models.encoders.base import Encoder
from cupid_tools.models.encoders.settings import EncoderSettings
from cupid_tools.models.learning import learn
from cupid_tools.processors import processors
from cupid_tools.recipes.protocol import Embedding
from cupid_tools.reproduction.datasets import Dataset
from cupid_tools.vocab import TEST, VALID, Rna

if TYPE_CHECKING:
    from torch import device as torch_device

_SHARD_SIZE = 16_384

Watch = Callable[..., AbstractContextManager[Callable[[int], object]]]
"""Called with ``total=``, gives what is told how many more are done."""

log = logging.getLogger("cupid_tools")


@dataclass(frozen=True)
class Computing:
    """Where and how scores are computed.

    Attributes:
        device: of nets and encoders.
        threads: CPU threads; None leaves the choice.
        weights_dir: where weights lie; None stands for the usual folders.
        seed: of all random choices.
    """

    device: torch_device
    threads: int | None
    weights_dir: str | None
    seed: int


@dataclass(frozen=True)
class Scored:
    """The scores of every row of a dataset.

    Attributes:
        scores: float64 [rows].
        model: the file of the net; None for energies.
        curves: the file of its training curves; None for energies.
    """

    scores: Floats
    model: Path | None = None
    curves: Path | None = None


def open_encoder(embedding: Embedding, pooling: str, computing: Computing) -> Encoder:
    """The encoder of a variant; ``kmer``, which has no states to pool, is the same for every pooling.

    Raises:
        MissingError: its weights are not there.
    """
    settings = EncoderSettings(device=str(computing.device), threads=computing.threads)
    if embedding.name != "kmer":
        settings = EncoderSettings(
            pooling=pooling,
            long=embedding.long,
            device=str(computing.device),
            threads=computing.threads,
            weights_dir=computing.weights_dir,
        )
    return load_encoder(embedding.name, settings)


def embedded(rnas: Sequence[Rna], encoder: Encoder, folder: Path, fasta: str) -> EmbeddingStore:
    """The vectors of *rnas*, which come from *fasta*: those in *folder*, where an earlier run has left them."""
    path = folder / f"{_digest(repr(encoder.info), *(f'{rna.id} {rna.digest}' for rna in rnas))}.npy"
    if not table_path(path).exists():
        log.info("embedding %s RNAs by %s", f"{len(rnas):,}", encoder.info.encoder)
        embed_to_store(path, rnas, encoder, source=fasta, shard_size=_SHARD_SIZE)
    return EmbeddingStore([path])


def net_scores(dataset: Dataset, choice: Choice, store: EmbeddingStore, computing: Computing, folder: Path) -> Scored:
    """Train a net on the train rows, and score all rows; taken from *folder* where an earlier run has left it.

    Raises:
        CupidError: training ended before its time.
    """
    settings = (repr(store.info), choice.name, repr(choice.config), repr(choice.training), computing.device.type)
    key = _digest(dataset.digest(), *settings, str(computing.seed))
    kept, model, curves = (folder / f"{key}.{suffix}" for suffix in ("scores.npy", "safetensors", "tsv"))
    if kept.exists():
        log.info("taken from an interrupted run: its scores")
    else:
        learned = learn(choice, dataset.table, store, relatives=None, device=computing.device, seed=computing.seed)
        if learned.fit.trouble:
            raise type(learned.fit.trouble)(f"{learned.fit.trouble}; the same command goes on from here")
        save_model(model, learned.info, learned.fit.tensors)
        write_curves(curves, learned.fit.curves)
        scores = _all_scores(dataset, model, store, computing.device)
        with atomic_write(kept, "wb") as handle:  # last: its presence says that all three are there
            np.save(handle, scores)
    return Scored(np.load(kept), model, curves)


def energy_scores(
    dataset: Dataset, engine: str, fasta: str, computing: Computing, folder: Path, watch: Watch
) -> Scored:
    """The energies of valid and test rows, their sign turned; 0 where there is none, as in train rows.

    Raises:
        MissingError: the engine is not there.
    """
    settings = RunSettings(Significance(0, computing.seed), (VALID, TEST), computing.threads or processors())
    with (
        closing(choose_engine(engine, EngineSettings())) as opened,
        KeptTable([dataset.table], folder / "pairs.tsv") as pairs,
        pair_energies(pairs, dataset.rnas, fasta, opened, settings, folder, watch) as energies,
    ):
        log.info("energies by %s", opened.version)
        found = pd.concat(frame[[ENERGY]] for frame in energies.frames)[ENERGY]
        if energies.failures:
            log.warning("%s rows have no energy, and count as 0", f"{len(energies.failures):,}")
    return Scored(0.0 - pd.to_numeric(found, errors="coerce").fillna(0).to_numpy(dtype=np.float64))


def _all_scores(dataset: Dataset, model: Path, store: EmbeddingStore, device: torch_device) -> Floats:
    table = dataset.table
    names = sorted({*table.column(ID_A), *table.column(ID_B)})
    with memory_guard():
        return load_model(model, device).classifier.scorer(store.read(names)).scores(*table.codes(names))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join([__version__, *parts]).encode()).hexdigest()[:32]
