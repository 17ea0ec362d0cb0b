"""How the network of types is trained: RNAs in random order, packed batches, a rate that rises and decays."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cupid_tools.evaluation.metrics import Floats
from cupid_tools.models.curves import half_cosine
from cupid_tools.models.encoders.packed import to_device
from cupid_tools.models.fitting import NoNumberError, check
from cupid_tools.models.pretraining.corpus import Corpus, make_corpus
from cupid_tools.models.types.data import TypeData
from cupid_tools.models.types.stages import Step, TypeFit, check_stages, fit_stages
from cupid_tools.sampling.seeds import rng_for
from cupid_tools.vocab import Rna

if TYPE_CHECKING:
    from cupid_tools.models.types.network import TypeNetwork


@dataclass(frozen=True)
class NetworkTraining:
    """How a network is fitted.

    Attributes:
        learning_rate: of AdamW, at its highest.
        warmup_epochs: epochs of linear rise.
        floor: where the cosine decay ends, as a share of the rate.
        epochs: at most.
        patience: epochs without a better one after which it stops.
        batch_size: RNAs of a step.
        batch_tokens: nucleotides that are computed at once; a step with more takes several turns, whose gradients add
            up.
        weight_decay: of the matrices.
        clip: longest gradient.
    """

    learning_rate: float = 2e-3
    warmup_epochs: int = 1
    floor: float = 0.01
    epochs: int = 30
    patience: int = 8
    batch_size: int = 32
    batch_tokens: int = 8192
    weight_decay: float = 0.05
    clip: float = 1.0

    def __post_init__(self) -> None:
        check_stages(self.epochs, self.patience)
        check(0 < self.learning_rate < math.inf, f"learning rate is {self.learning_rate:g} (it must be above 0)")
        check(0 <= self.floor <= 1, f"floor is {self.floor:g} (it must be between 0 and 1)")
        check(0 <= self.warmup_epochs < self.epochs, "warm-up epochs must be fewer than epochs")
        check(self.batch_size >= 1 and self.batch_tokens >= 1, "batch size and batch tokens must be at least 1")
        check(self.weight_decay >= 0 and self.clip > 0, "weight decay must be at least 0, and clip above 0")


def learning_rate(training: NetworkTraining, done: float) -> float:
    """The rate after *done* epochs: a line upwards, then half a cosine."""
    if done < training.warmup_epochs:
        return training.learning_rate * done / training.warmup_epochs
    progress = (done - training.warmup_epochs) / (training.epochs - training.warmup_epochs)
    return half_cosine(training.learning_rate, training.floor, progress)


def fit_network(
    network: TypeNetwork,
    valid_logits: Callable[[], Floats],
    data: TypeData,
    training: NetworkTraining,
    max_length: int,
    seed: int,
) -> TypeFit:
    """Train *network* in place; wrap it in ``device.repeatable`` to get equal bits from equal arguments.

    Args:
        network: on its device.
        valid_logits: what the network as it is says of the valid RNAs, float64 [valid, C].
        data: sequences.
        training: how.
        max_length: nt of the stretch that an epoch takes of a longer RNA.
        seed: of the order, of the stretches and of dropout.
    """
    run = _Run(network, data, training, max_length, seed)

    def epoch(number: int) -> Step:
        loss = run.epoch(number)
        return Step(learning_rate(training, number), loss, valid_logits())

    return fit_stages(epoch, run.tensors, data.types[data.valid], stages=training.epochs, patience=training.patience)


class _Run:
    """What one training run holds."""

    def __init__(
        self, network: TypeNetwork, data: TypeData, training: NetworkTraining, max_length: int, seed: int
    ) -> None:
        self._network, self._training = network, training
        self._max_length, self._seed = max_length, seed
        self._device = network.types.weight.device
        self._corpus = _corpus(data)
        matrices = [part for part in network.parameters() if part.dim() > 1]
        others = [part for part in network.parameters() if part.dim() <= 1]
        self._optimiser = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": training.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=training.learning_rate,
            fused=True,
        )

    def epoch(self, number: int) -> float:
        """One pass over the RNAs; returns the mean loss of one."""
        self._network.train()
        rng = rng_for(self._seed, "types", "epoch", str(number))
        order = rng.permutation(len(self._corpus))
        size = self._training.batch_size
        total = torch.zeros((), device=self._device)  # summed there: reading each loss would wait for a GPU
        for start in range(0, len(order), size):
            rate = learning_rate(self._training, number - 1 + min(1.0, (start + size) / len(order)))
            for group in self._optimiser.param_groups:
                group["lr"] = rate
            total += self._step(order[start : start + size], rng)
        return float(total) / len(order)

    def tensors(self) -> dict[str, Tensor]:
        """Copies on the CPU."""
        return {name: tensor.detach().cpu().clone() for name, tensor in self._network.state_dict().items()}

    def _step(self, rows: np.ndarray[tuple[int], np.dtype[np.int64]], rng: np.random.Generator) -> Tensor:
        """Learn from one batch; returns the summed losses of its RNAs."""
        self._optimiser.zero_grad()
        total = torch.zeros((), device=self._device)
        for batch in self._corpus.batches(rows, self._max_length, self._training.batch_tokens, rng):
            logits = self._network(to_device(batch.tokens, self._device), batch.groups)
            loss = functional.cross_entropy(logits, to_device(batch.types, self._device), reduction="sum")
            (loss / len(rows)).backward()
            total += loss.detach()
        length = torch.nn.utils.clip_grad_norm_(self._network.parameters(), self._training.clip)
        if not bool(torch.isfinite(length)):
            raise NoNumberError
        self._optimiser.step()
        return total


def _corpus(data: TypeData) -> Corpus:
    """The RNAs that are learned from, as tokens."""
    sequences = cast("list[str]", data.part(~data.valid))
    kinds = [data.names[place] for place in data.types[~data.valid].tolist()]
    rnas = [Rna("", sequence, kind) for sequence, kind in zip(sequences, kinds, strict=True)]
    return make_corpus(rnas, data.names)
