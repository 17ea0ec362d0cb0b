"""The loop that trains every model: steps, curves, checkpoints, devices.

All that is drawn depends on the seed and the number of the step, never on what came before, so that a run which was
killed goes on from its checkpoint with the same bits.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cupid_tools.errors import EXIT_INTERRUPTED, CupidError, InputError
from cupid_tools.models.device import repeatable
from cupid_tools.models.encoders.settings import BF16
from cupid_tools.models.pretraining import ARCHITECTURES
from cupid_tools.models.pretraining.base import PretrainingModel, Question
from cupid_tools.models.pretraining.contrast import Partners, contrast_loss, paired
from cupid_tools.models.pretraining.corpus import NO_TYPE, Corpus, Numbers, Sequences
from cupid_tools.models.pretraining.judging import Epoch, Sums, answer, judge, letter_loss, type_loss
from cupid_tools.models.pretraining.network import NetworkSettings
from cupid_tools.models.pretraining.settings import PretrainSettings
from cupid_tools.models.pretraining.state import Progress, load_state, save_state
from cupid_tools.sampling.seeds import rng_for

log = logging.getLogger("cupid_tools")


class InterruptedPretrainingError(CupidError):
    """Ctrl-C or SIGTERM; the checkpoint holds what was done."""

    exit_code = EXIT_INTERRUPTED


@dataclass(frozen=True)
class Task:
    """What is trained.

    Attributes:
        network: the model and its sizes.
        settings: how it is trained.
        precision: fp32 or bf16.
        seed: of all that is drawn.
    """

    network: NetworkSettings
    settings: PretrainSettings
    precision: str
    seed: int

    def asked(self, corpus: Corpus, valid: Numbers) -> dict[str, Any]:
        """All that the result depends on, ready for JSON."""
        held = {"held out": len(valid), "data": corpus.digest}
        own = {"precision": self.precision, "seed": self.seed}
        asked: dict[str, Any] = json.loads(json.dumps(asdict(self.network) | asdict(self.settings) | own | held))
        return asked


@dataclass(frozen=True)
class Checkpoints:
    """Where a run keeps what it has done, and how often.

    Attributes:
        path: of the file.
        steps: between two of them; the end of every epoch is one more.
    """

    path: Path
    steps: int


def pretrain(
    task: Task,
    corpus: Corpus,
    valid: Numbers,
    devices: Sequence[torch.device],
    *,
    checkpoints: Checkpoints | None = None,
    progress: Callable[[int], object] = lambda steps: None,
) -> tuple[PretrainingModel, list[Epoch]]:
    """Train a model on all RNAs of *corpus* but those of *valid*.

    Args:
        task: what is trained.
        corpus: the RNAs.
        valid: int64 [n], the RNAs that are held out.
        devices: one or more; with several the parts of a step are shared out.
        checkpoints: where the run is kept, and taken up where the file is there; None keeps nothing.
        progress: called with the number of steps that were done since the last call.

    Returns:
        The model on the first device, and the curves.

    Raises:
        InputError: the checkpoint is of another run.
        CupidError: the loss is no number; the checkpoint before it stays.
        InterruptedPretrainingError: Ctrl-C; the checkpoint holds the last step that was done.
    """
    with repeatable(devices[0], task.seed, "pretrain", "start"):
        run = _Run(task, corpus, valid, devices, checkpoints)
        try:
            run.go_on(progress)
        except KeyboardInterrupt:
            if checkpoints is None:
                raise
            run.keep()
            words = f"interrupted after step {run.progress.step:,} of {run.steps:,}"
            hint = f"the same command goes on from {checkpoints.path}"
            raise InterruptedPretrainingError(words, hint=hint) from None
    return run.model.eval(), run.progress.curves


def learning_rate(settings: PretrainSettings, step: int, steps: int) -> float:
    """The rate of *step*, counted from 0, of *steps*: a line upwards, then half a cosine."""
    warmup = max(1, round(settings.warmup_share * steps))
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    cosine = (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup))) / 2
    return settings.learning_rate * (settings.floor + (1 - settings.floor) * cosine)


class _Run:
    """What one run holds."""

    def __init__(
        self,
        task: Task,
        corpus: Corpus,
        valid: Numbers,
        devices: Sequence[torch.device],
        checkpoints: Checkpoints | None,
    ) -> None:
        self._task = task
        self._corpus = corpus
        self._valid = rng_for(task.seed, "pretrain", "held out").permutation(valid)
        self._train = np.setdiff1d(np.arange(len(corpus)), valid)
        self._partners = Partners(corpus, self._train) if task.settings.contrast_weight else None
        self._ordered, self._order = -1, self._train  # the epoch whose order this is
        self._checkpoints = checkpoints
        self._asked = task.asked(corpus, valid)
        types = len(corpus.type_names) if task.settings.type_weight else 0
        kind: type[PretrainingModel] = ARCHITECTURES.load(task.network.architecture)
        self._copies = [kind(task.network, types).to(device) for device in devices]
        self._devices = devices
        self.model = self._copies[0]
        self._optimiser = torch.optim.AdamW(
            _decayed(self.model, task.settings.weight_decay), lr=task.settings.learning_rate, fused=True
        )
        self.progress = Progress(0, Sums(), [])
        self._torn = False  # while model, optimiser and progress do not belong together
        self._kept = self.progress
        if checkpoints and checkpoints.path.exists():
            self.progress = load_state(checkpoints.path, self._asked, self.model, self._optimiser)
            self._kept = self.progress
            log.info("going on from %s: %s of %s steps", checkpoints.path, f"{self.progress.step:,}", f"{self.steps:,}")
        self._spread()

    @property
    def steps(self) -> int:
        """Of the whole run."""
        return self._steps_of_epoch * self._task.settings.epochs

    @property
    def _steps_of_epoch(self) -> int:
        return -(-len(self._train) // self._task.settings.batch_size)

    def go_on(self, progress: Callable[[int], object]) -> None:
        """Do all that is left."""
        while True:
            step = self.progress.step
            if len(self.progress.curves) < step // self._steps_of_epoch:
                self._end_epoch()
                self.keep()
            if step == self.steps:
                return
            self._step()
            progress(1)
            if self._checkpoints and self.progress.step % self._checkpoints.steps == 0:
                self.keep()

    def keep(self) -> None:
        """Write a checkpoint of the steps that are done, where there are new ones."""
        if self._checkpoints and not self._torn and self.progress is not self._kept:
            save_state(self._checkpoints.path, self._asked, self.progress, self.model, self._optimiser)
            self._kept = self.progress

    def _step(self) -> None:
        """Learn from one batch."""
        settings, number = self._task.settings, self.progress.step
        rng = rng_for(self._task.seed, "pretrain", "step", str(number))
        torch.manual_seed(int(rng.integers(2**63)))  # for dropout
        rate = learning_rate(settings, number, self.steps)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        sums = self._learn(self._rows(number), rng)
        loss = sums.loss(settings)
        if not math.isfinite(loss):
            raise CupidError(
                f"the loss is no number in step {number + 1:,}", hint="lower --learning-rate, and give --restart"
            )
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), settings.clip)
        self._torn = True
        self._optimiser.step()
        self._spread()
        self.progress = Progress(number + 1, self.progress.sums + sums, self.progress.curves)
        self._torn = False

    def _rows(self, step: int) -> Numbers:
        """The RNAs of a step: each comes once in an epoch."""
        epoch, place = divmod(step, self._steps_of_epoch)
        if epoch != self._ordered:
            self._ordered = epoch
            self._order = rng_for(self._task.seed, "pretrain", "epoch", str(epoch)).permutation(self._train)
        size = self._task.settings.batch_size
        return self._order[place * size : (place + 1) * size]

    def _learn(self, rows: Numbers, rng: np.random.Generator) -> Sums:
        """Leave the gradients of the mean loss of *rows* in the model."""
        settings = self._task.settings
        if self._partners:
            rows = self._partners.with_partners(rows, rng)
        batches = self._corpus.batches(rows, settings.max_length, settings.batch_tokens, rng)
        asked = [(self.model.ask(sequences, settings.mask_share, rng), sequences) for sequences in batches]
        total = Sums(
            asked=sum(len(question.answers) for question, _ in asked),
            typed=sum(int((sequences.types != NO_TYPE).sum()) for _, sequences in asked),
            paired=sum(paired(sequences.kinds) for _, sequences in asked) if self._partners else 0,
        )
        for copy in self._copies:
            copy.train()
            copy.zero_grad(set_to_none=True)
        shares = [asked[number :: len(self._copies)] for number in range(len(self._copies))]
        if len(shares) == 1:
            losses = [self._share(self.model, shares[0], total)]
        else:
            with ThreadPoolExecutor(len(shares)) as pool:
                losses = list(pool.map(lambda copy, share: self._share(copy, share, total), self._copies, shares))
            self._gather()
        letters, types, contrast = torch.stack([loss.cpu() for loss in losses]).sum(0).tolist()
        return replace(total, letters=letters, types=types, contrast=contrast)

    def _share(self, model: PretrainingModel, asked: Sequence[tuple[Question, Sequences]], total: Sums) -> Tensor:
        """Add up the gradients of some parts of a step; returns the sums of the losses' parts, [3].

        These are of nucleotides, types and contrast.
        """
        settings = self._task.settings
        device = model.letters.weight.device
        losses = torch.zeros(3, device=device)  # summed there: reading each would wait for a GPU
        for question, sequences in asked:
            with torch.autocast(device.type, torch.bfloat16, enabled=self._task.precision == BF16):
                found = answer(model, question)
            letters = letter_loss(found, question)
            loss = settings.letter_weight * letters / max(1, total.asked)
            losses[0] += letters.detach()
            if found.types is not None and total.typed:
                told = type_loss(found, sequences.types)
                loss = loss + settings.type_weight * told / total.typed
                losses[1] += told.detach()
            if total.paired:
                contrast = contrast_loss(found.means, sequences.kinds)
                loss = loss + settings.contrast_weight * contrast / total.paired
                losses[2] += contrast.detach()
            loss.backward()
        return losses

    def _gather(self) -> None:
        """Add the gradients of all copies to those of the first."""
        for parameters in zip(*(copy.parameters() for copy in self._copies), strict=True):
            first, *others = parameters
            for other in others:
                if other.grad is not None:
                    found = other.grad.to(first.device)
                    first.grad = found if first.grad is None else first.grad + found

    def _spread(self) -> None:
        """Give all copies the numbers of the first."""
        state = self.model.state_dict()
        for copy in self._copies[1:]:
            copy.load_state_dict(state)

    def _end_epoch(self) -> None:
        settings, step = self._task.settings, self.progress.step
        epoch = Epoch(
            epoch=step // self._steps_of_epoch,
            learning_rate=learning_rate(settings, step - 1, self.steps),
            train_loss=self.progress.sums.loss(settings),
            **judge(self.model, self._corpus, self._valid, settings, self._task.seed),
        )
        _log_epoch(epoch, settings.epochs)
        self.progress = Progress(step, Sums(), [*self.progress.curves, epoch])


def check_types(corpus: Corpus, settings: PretrainSettings, path: str) -> None:
    """Raise InputError where types count in the loss and the RNAs of *path* are not of at least two."""
    if settings.type_weight and len(corpus.type_names) < 2:
        found = "one type" if corpus.type_names else "no type"
        raise InputError(
            path, f"its RNAs have {found}, and types count in the loss", hint="give --type-weight 0, or type= of two"
        )


def _decayed(model: torch.nn.Module, decay: float) -> list[dict[str, Any]]:
    """Matrices decay; norms, biases and the vectors of nucleotides do not."""
    kept: list[Tensor] = []
    free: list[Tensor] = []
    for name, parameter in model.named_parameters():
        (kept if parameter.dim() > 1 and "nucleotides" not in name else free).append(parameter)
    return [{"params": kept, "weight_decay": decay}, {"params": free, "weight_decay": 0.0}]


def _log_epoch(row: Epoch, epochs: int) -> None:
    types = "" if math.isnan(row.type_f1_micro) else f", types F1 {row.type_f1_micro:.3f} / {row.type_f1_macro:.3f}"
    log.info(
        "epoch %d of %d: loss %.4f; held out: loss %.4f, perplexity %.3f, character errors %.2f %%%s",
        row.epoch,
        epochs,
        row.train_loss,
        row.valid_loss,
        row.perplexity,
        100 * row.character_error_rate,
        types,
    )
