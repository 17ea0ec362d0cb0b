"""The published recipe of training: what is drawn, how the rate moves, and which epoch is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cupid_tools.models.curves import half_cosine
from cupid_tools.models.dataset import TrainingData
from cupid_tools.models.fitting import Epoch, Fit, check, check_schedule, fit_epochs, judged
from cupid_tools.models.scoring import PairScorer
from cupid_tools.sampling.seeds import rng_for

if TYPE_CHECKING:
    from cupid_tools.models.classifiers.net import Net


@dataclass(frozen=True)
class TrainSettings:
    """How a net is fitted; a recipe gives every value.

    Attributes:
        learning_rate: of Adam, at its highest.
        warmup_epochs: epochs of linear rise.
        floor: where the cosine decay ends, as a share of the rate.
        epochs: at most.
        patience: epochs without a better choice after which it stops.
        batch_size: pairs in a batch.
        negative_share: of a batch.
        select: which metric on valid chooses the epoch, one of ``models.SELECTIONS``.
    """

    learning_rate: float
    warmup_epochs: int
    floor: float
    epochs: int
    patience: int
    batch_size: int
    negative_share: float
    select: str

    def __post_init__(self) -> None:
        check_schedule(self.select, self.learning_rate, self.epochs, self.patience)
        check(0 <= self.floor <= 1, f"floor is {self.floor:g} (it must be between 0 and 1)")
        check(self.warmup_epochs >= 0, "warm-up epochs must be at least 0")
        check(
            1 <= self.negatives_per_batch < self.batch_size,
            f"a batch of {self.batch_size} with {self.negative_share:g} negatives lacks one class",
        )

    @property
    def negatives_per_batch(self) -> int:
        """Negatives in a full batch, rounded down as published."""
        return int(self.batch_size * self.negative_share)


def fit(net: Net, data: TrainingData, settings: TrainSettings, *, device: torch.device, seed: int) -> Fit:
    """Train *net* in place; see ``classifiers.base.Classifier.fit``.

    Wrap it in ``device.repeatable`` to get equal bits from equal arguments.
    """
    run = _Run(net, data, settings, device, seed)
    return fit_epochs(
        run.epoch, run.tensors, epochs=settings.epochs, patience=settings.patience, select=settings.select
    )


def learning_rate(settings: TrainSettings, epoch: int) -> float:
    """The rate in *epoch*, counted from 1: a linear rise, then half a cosine, as in ncRNA-CUPID's notebook."""
    done = epoch - 1
    if done < settings.warmup_epochs:
        return settings.learning_rate * epoch / settings.warmup_epochs
    progress = (done - settings.warmup_epochs) / (settings.epochs - settings.warmup_epochs)
    return half_cosine(settings.learning_rate, settings.floor, progress)


def batches(labels: NDArray[np.int8], settings: TrainSettings, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of each batch of one epoch: every negative once, positives drawn with replacement.

    The last batch holds the negatives that remain, and positives in proportion. (The published code left it out.)
    """
    negatives = rng.permutation(np.flatnonzero(labels == 0))
    positives = np.flatnonzero(labels == 1)
    size = settings.negatives_per_batch
    ratio = (settings.batch_size - size) / size
    for start in range(0, len(negatives), size):
        chosen = negatives[start : start + size]
        yield np.concatenate([chosen, rng.choice(positives, max(1, round(len(chosen) * ratio)))])


class _Run:
    """What one training run holds on its device."""

    def __init__(self, net: Net, data: TrainingData, settings: TrainSettings, device: torch.device, seed: int) -> None:
        self._net = net
        self._settings = settings
        self._seed = seed
        self._valid = data.valid
        self._vectors = torch.as_tensor(data.rnas, device=device)  # [N, D]
        self._labels = data.train.labels
        self._rnas = torch.as_tensor(np.column_stack([data.train.first, data.train.second]), device=device)  # [n, 2]
        self._targets = torch.as_tensor(self._labels, dtype=torch.float32, device=device)
        self._optimiser = torch.optim.Adam(net.parameters(), lr=settings.learning_rate, fused=True)

    def epoch(self, number: int) -> Epoch:
        rate = learning_rate(self._settings, number)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        train_loss = self._learn(number)
        scores = PairScorer(self._net, self._vectors).scores(self._valid.first, self._valid.second)
        return judged(number, rate, train_loss, self._valid, scores)

    def tensors(self) -> dict[str, Tensor]:
        return {name: tensor.detach().cpu().clone() for name, tensor in self._net.state_dict().items()}

    def _learn(self, number: int) -> float:
        """One pass over the negatives; returns the mean loss of a pair."""
        self._net.train()
        total = torch.zeros((), device=self._vectors.device)  # summed there: reading it each step would wait for a GPU
        pairs = 0
        for rows in batches(self._labels, self._settings, rng_for(self._seed, "train", "epoch", str(number))):
            loss = self._step(torch.as_tensor(rows, device=self._vectors.device))
            total += loss * len(rows)
            pairs += len(rows)
        return float(total) / pairs

    def _step(self, rows: Tensor) -> Tensor:
        logits = self._net(self._vectors[self._rnas[rows]])  # [B, 2, D] -> [B]
        loss = functional.binary_cross_entropy_with_logits(logits, self._targets[rows])
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()
        return loss.detach()
