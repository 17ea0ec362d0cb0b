"""A learned interaction energy: the summed weight of all duplexes of two RNAs tells whether they interact."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor, nn
from torch.nn import functional

from cupid_tools.interaction.duplex import energies as kernels
from cupid_tools.interaction.duplex.energies import directions
from cupid_tools.interaction.duplex.explain import BestDuplex, best_duplex, pairing_probabilities
from cupid_tools.interaction.duplex.tables import Rnas as Encoded
from cupid_tools.interaction.duplex.tables import Table, encode
from cupid_tools.models.classifiers import SEQUENCES
from cupid_tools.models.classifiers.duplex_energy import Weights, energies
from cupid_tools.models.dataset import LabelledPairs, Rnas, TrainingData
from cupid_tools.models.device import repeatable
from cupid_tools.models.fitting import Epoch, Fit, NoNumberError, check, check_schedule, fit_epochs, judged
from cupid_tools.sampling.relatives import Groups
from cupid_tools.sampling.seeds import rng_for

_SCALE, _LENGTH, _OFFSET = 0.5, 1.0, -3.0
"""Calibration before anything is learned: some 5 % of random miRNAs and sites of 50 to 100 nt score above one half."""


@dataclass(frozen=True)
class DuplexConfig:
    """What the energy may tell apart.

    Attributes:
        positions: nucleotides of a short RNA, from its 5' end, that have weights of their own; at least 2.
        context: nucleotides of the longer RNA around the first pair that have a say; odd.
    """

    positions: int = 22
    context: int = 41

    def __post_init__(self) -> None:
        check(self.positions >= 2, f"positions is {self.positions} (it must be at least 2)")
        check(
            self.context >= 1 and self.context % 2 == 1, f"context is {self.context} (it must be odd, and at least 1)"
        )


@dataclass(frozen=True)
class DuplexTraining:
    """How the energy is fitted.

    Attributes:
        learning_rate: of AdamW, at the top of its one cycle.
        weight_decay: of AdamW, how strongly weights are drawn to 0.
        epochs: at most.
        patience: epochs without a better choice after which it stops.
        batch_size: pairs in a batch.
        clip: the longest gradient.
        select: which metric on valid chooses the epoch, one of ``models.SELECTIONS``.
    """

    learning_rate: float = 0.02
    weight_decay: float = 0.01
    epochs: int = 8
    patience: int = 8
    batch_size: int = 128
    clip: float = 1.0
    select: str = "average_precision"

    def __post_init__(self) -> None:
        check_schedule(self.select, self.learning_rate, self.epochs, self.patience)
        check(0 <= self.weight_decay < math.inf, f"weight decay is {self.weight_decay:g} (it must be at least 0)")
        check(self.batch_size >= 1, f"batch size is {self.batch_size} (it must be at least 1)")
        check(self.clip > 0, f"clip is {self.clip:g} (it must be above 0)")


class Explanation(NamedTuple):
    """Where two RNAs pair.

    Attributes:
        pairing: how likely each nucleotide of the first pairs with each of the second, float64 [a, b], both 5' to 3'.
        duplex: the strongest one, the first RNA named first; None where nothing pairs.

    Letters: a, b nucleotides of either RNA.
    """

    pairing: Table
    duplex: BestDuplex | None

    def turned(self) -> Explanation:
        """The same with the second RNA named first."""
        return Explanation(self.pairing.T, None if self.duplex is None else self.duplex.turned())


class Duplex(nn.Module):
    """A ``Classifier`` whose logit is s (z - b log(cells)) + c: z the energy, cells the product of both lengths.

    The shorter RNA is the guide of ``interaction.duplex``; where each is in its turn, their weights are averaged. New,
    it is ready to score, by thermodynamics.
    """

    reads: ClassVar[str] = SEQUENCES
    Config: ClassVar[type[Any]] = DuplexConfig
    Training: ClassVar[type[Any]] = DuplexTraining

    def __init__(self, config: DuplexConfig, dim: int) -> None:
        super().__init__()
        self.energy = Weights(config.positions + 1, config.context)
        self.calibration = nn.Parameter(torch.tensor([_SCALE, _LENGTH, _OFFSET], dtype=torch.float64))

    def logits(self, rnas: Encoded, first: NDArray[np.int64], second: NDArray[np.int64]) -> Tensor:
        """Float64 [n], with gradients, of pairs of RNAs at positions *first* and *second*."""
        guides, targets, owners = directions(rnas.lengths, first, second)
        found = energies(self.energy, rnas, guides, targets)
        energy, turned = found[: len(first)], found[len(first) :]
        twice = torch.from_numpy(owners[len(first) :]).to(found.device)
        energy = energy.index_put((twice,), torch.logaddexp(energy[twice], turned) - math.log(2))
        cells = torch.from_numpy(_log_cells(rnas, first, second)).to(found.device)
        scale, length, offset = self.calibration
        logits: Tensor = scale * (energy - length * cells) + offset
        return logits

    def fit(self, data: TrainingData, training: DuplexTraining, *, device: torch.device, seed: int) -> Fit:
        """See ``Classifier``."""
        self.to(device)
        with repeatable(device, seed, "duplex"):
            run = _Run(self, data, training, seed)
            return fit_epochs(
                run.epoch, self._tensors, epochs=training.epochs, patience=training.patience, select=training.select
            )

    def load(self, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """See ``Classifier``."""
        if {tensor.dtype for tensor in tensors.values()} - {torch.float64}:
            raise ValueError("a tensor is not of float64")
        try:
            self.load_state_dict(dict(tensors))
        except RuntimeError as error:
            raise ValueError(str(error)) from error
        self.to(device)

    def scorer(self, rnas: Rnas) -> DuplexScorer:
        """See ``Classifier``."""
        return DuplexScorer(self, encode(rnas))  # type: ignore[arg-type]

    def explain(self, first: str, second: str) -> Explanation:
        """Where the RNAs pair; the same, turned, for either order."""
        if (len(first), first) > (len(second), second):
            return self.explain(second, first).turned()
        tables = self.energy.numbers()
        rnas = encode([first, second])
        guides, targets, _ = directions(rnas.lengths, np.array([0]), np.array([1]))
        found = kernels.energies(tables, rnas, guides, targets)
        parts = [Explanation(pairing_probabilities(tables, first, second), best_duplex(tables, first, second))]
        if len(guides) == 2:
            turned = Explanation(pairing_probabilities(tables, second, first), best_duplex(tables, second, first))
            parts.append(turned.turned())
        shares = np.exp(found - np.logaddexp.reduce(found))
        pairing = sum(share * part.pairing for share, part in zip(shares.tolist(), parts, strict=True))
        duplexes = [part.duplex for part in parts if part.duplex is not None]
        return Explanation(pairing, max(duplexes, key=lambda duplex: duplex.score, default=None))

    def _tensors(self) -> dict[str, Tensor]:
        return {name: tensor.detach().cpu().clone() for name, tensor in self.state_dict().items()}


class DuplexScorer:
    """A ``Scorer`` of pairs among encoded RNAs."""

    def __init__(self, classifier: Duplex, rnas: Encoded) -> None:
        self._classifier = classifier
        self._rnas = rnas

    def scores(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
        """See ``Scorer``; as ``Duplex.logits`` without torch, whose functions differ by the place in an array."""
        guides, targets, owners = directions(self._rnas.lengths, first, second)
        with torch.no_grad():
            found = energies(self._classifier.energy, self._rnas, guides, targets).cpu().numpy()
        energy, twice = found[: len(first)], owners[len(first) :]
        energy[twice] = np.logaddexp(energy[twice], found[len(first) :]) - math.log(2)
        scale, length, offset = self._classifier.calibration.tolist()
        probabilities: Table = expit(scale * (energy - length * _log_cells(self._rnas, first, second)) + offset)
        return probabilities


class _Run:
    """What one training run holds."""

    def __init__(self, classifier: Duplex, data: TrainingData, training: DuplexTraining, seed: int) -> None:
        self._classifier = classifier
        self._training = training
        self._seed = seed
        self._data = data
        self._rnas = encode(data.rnas)  # type: ignore[arg-type]
        self._scorer = DuplexScorer(classifier, self._rnas)
        self._optimiser = torch.optim.AdamW(
            classifier.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay
        )
        steps = -(-len(epoch_pairs(data.train, data.groups, rng_for(seed))) // training.batch_size)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, training.learning_rate, total_steps=training.epochs * steps
        )

    def epoch(self, number: int) -> Epoch:
        """One pass."""
        rows = epoch_pairs(self._data.train, self._data.groups, rng_for(self._seed, "duplex", "epoch", str(number)))
        size = self._training.batch_size
        try:
            total = math.fsum(self._step(rows[start : start + size]) for start in range(0, len(rows), size))
        except ArithmeticError as error:  # weights out of range divide by 0, losses may add up to more than a number
            raise NoNumberError from error
        valid = self._data.valid
        rate = float(self._schedule.get_last_lr()[0])
        return judged(number, rate, total / len(rows), valid, self._scorer.scores(valid.first, valid.second))

    def _step(self, rows: NDArray[np.int64]) -> float:
        """Learn from a batch; the summed loss of its pairs."""
        pairs = self._data.train
        logits = self._classifier.logits(self._rnas, pairs.first[rows], pairs.second[rows])
        labels = torch.as_tensor(pairs.labels[rows], dtype=logits.dtype, device=logits.device)
        loss = functional.binary_cross_entropy_with_logits(logits, labels)
        self._optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._classifier.parameters(), self._training.clip)
        self._optimiser.step()
        self._schedule.step()
        return loss.item() * len(rows)


def epoch_pairs(pairs: LabelledPairs, groups: Groups, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw the rows of an epoch: of positives between the same two groups one, and negatives in proportion.

    Labels of relatives are copies of each other; so each fact counts once, and shows another of its faces next time.

    Args:
        pairs: n of them.
        groups: int64 [N], of their RNAs.
        rng: what draws.

    Returns:
        int64 [m], m <= n, in random order, no row twice.
    """
    positives = rng.permutation(np.flatnonzero(pairs.labels == 1))
    negatives = rng.permutation(np.flatnonzero(pairs.labels == 0))
    ends = np.sort(np.column_stack([groups[pairs.first[positives]], groups[pairs.second[positives]]]), axis=1)
    _, chosen = np.unique(ends, axis=0, return_index=True)
    share = len(chosen) / len(positives)
    return rng.permutation(np.concatenate([positives[chosen], negatives[: max(1, round(share * len(negatives)))]]))


def _log_cells(rnas: Encoded, first: NDArray[np.int64], second: NDArray[np.int64]) -> Table:
    """Logarithm of the product of both lengths: that of how many pairs a duplex may start with."""
    lengths = [math.log(max(1, length)) for length in rnas.lengths.tolist()]
    logarithms: Table = np.array(lengths)
    return logarithms[first] + logarithms[second]
