"""What a model in training makes of the RNAs that were held out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import astuple, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cupid_tools.models.curves import CurveRow
from cupid_tools.models.pretraining.alphabet import START, letters_of
from cupid_tools.models.pretraining.base import Answer, PretrainingModel, Question, lengths_of
from cupid_tools.models.pretraining.contrast import Partners, contrast_loss, paired
from cupid_tools.models.pretraining.corpus import ENDS, NO_TYPE, Corpus, Numbers, Sequences
from cupid_tools.models.pretraining.settings import PretrainSettings
from cupid_tools.sampling.seeds import rng_for

_JUDGED_RNAS = 4096
"""At most, for loss, perplexity and types."""
_REWRITTEN_RNAS = 128
"""At most, for the character error rate."""


@dataclass(frozen=True)
class Epoch(CurveRow):
    """One row of the curves; all but the first three are of RNAs that were held out.

    Attributes:
        epoch: counted from 1.
        learning_rate: of the last step.
        train_loss: mean of the epoch.
        valid_loss: as it is trained: nucleotides, types and contrast, weighted.
        perplexity: exp of the mean cross-entropy of a token that was asked for; 4 is guessing.
        character_error_rate: edit distance between an RNA and what the model writes, per nucleotide of the RNA.
        type_f1_micro, type_f1_macro: of the RNA types; NaN where the model is not told types.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    valid_loss: float
    perplexity: float
    character_error_rate: float
    type_f1_micro: float
    type_f1_macro: float


@dataclass
class Sums:
    """What losses add up to.

    Attributes:
        letters: summed cross-entropy of tokens, in nats.
        asked: tokens.
        types: summed cross-entropy of RNA types, in nats.
        typed: RNAs whose type is known.
        contrast: summed contrastive loss, in nats.
        paired: RNAs that met one of their type.
    """

    letters: float = 0.0
    asked: int = 0
    types: float = 0.0
    typed: int = 0
    contrast: float = 0.0
    paired: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def loss(self, settings: PretrainSettings) -> float:
        """The composite loss: means of its parts, weighted."""
        return (
            settings.letter_weight * self.letters / max(1, self.asked)
            + settings.type_weight * self.types / max(1, self.typed)
            + settings.contrast_weight * self.contrast / max(1, self.paired)
        )


def answer(model: PretrainingModel, question: Question) -> Answer:
    """Let *model* answer on its device."""
    device = model.letters.weight.device
    shown, places = (torch.from_numpy(array).to(device) for array in (question.shown, question.places))
    written = None if question.written is None else torch.from_numpy(question.written).to(device)
    answered: Answer = model(shown, question.groups, places, written)
    return answered


def letter_loss(found: Answer, question: Question) -> Tensor:
    """Summed cross-entropy of the tokens that were asked for, in nats."""
    answers = torch.from_numpy(question.answers).to(found.letters.device)
    return functional.cross_entropy(found.letters.float(), answers, reduction="sum")


def type_loss(found: Answer, types: Numbers) -> Tensor:
    """Summed cross-entropy of the RNA types that are known, in nats."""
    assert found.types is not None
    wanted = torch.from_numpy(types).to(found.types.device)
    return functional.cross_entropy(found.types.float(), wanted, ignore_index=NO_TYPE, reduction="sum")


def judge(
    model: PretrainingModel, corpus: Corpus, rows: Numbers, settings: PretrainSettings, seed: int
) -> dict[str, float]:
    """The columns of ``Epoch`` that are about the RNAs *rows*, int64 [n]: the same questions every time."""
    model.eval()
    with torch.inference_mode():
        sums, told, wanted = _asked(model, corpus, rows[:_JUDGED_RNAS], settings, seed)
        errors = _character_error_rate(model, corpus, rows[:_REWRITTEN_RNAS], settings, seed)
    micro, macro = _f1(told, wanted)
    return {
        "valid_loss": sums.loss(settings),
        "perplexity": math.exp(min(700.0, sums.letters / max(1, sums.asked))),
        "character_error_rate": errors,
        "type_f1_micro": micro,
        "type_f1_macro": macro,
    }


def edit_distance(one: str, other: str) -> int:
    """How many letters must be replaced, put in or taken out to make *one* of the *other* (Levenshtein).

    >>> edit_distance("ACGU", "AGUU"), edit_distance("", "AC")
    (2, 2)
    """
    from Bio.Align import PairwiseAligner

    if not one or not other:
        return len(one) + len(other)
    aligner = PairwiseAligner(match_score=0, mismatch_score=-1, gap_score=-1)  # type: ignore[no-untyped-call]
    score: float = aligner.score(one, other)  # type: ignore[no-untyped-call]
    return round(-score)


def _asked(
    model: PretrainingModel, corpus: Corpus, rows: Numbers, settings: PretrainSettings, seed: int
) -> tuple[Sums, Numbers, Numbers]:
    """Losses; and the types that the model told of the RNAs whose type is known, and those types: int64 [typed]."""
    sums = Sums()
    told: list[Numbers] = []
    wanted: list[Numbers] = []
    rng = rng_for(seed, "pretrain", "valid")
    for sequences in _judged(corpus, rows, settings, rng):
        question = model.ask(sequences, settings.mask_share, rng)
        found = answer(model, question)
        if settings.contrast_weight:
            sums.contrast += float(contrast_loss(found.means, sequences.kinds))
            sums.paired += paired(sequences.kinds)
        sums.letters += float(letter_loss(found, question))
        sums.asked += len(question.answers)
        if found.types is not None:
            known = sequences.types != NO_TYPE
            sums.types += float(type_loss(found, sequences.types))
            sums.typed += int(known.sum())
            told.append(found.types.argmax(-1).cpu().numpy()[known])
            wanted.append(sequences.types[known])
    none = np.empty(0, dtype=np.int64)
    return sums, np.concatenate([none, *told]), np.concatenate([none, *wanted])


def _judged(corpus: Corpus, rows: Numbers, settings: PretrainSettings, rng: np.random.Generator) -> Iterator[Sequences]:
    """The RNAs *rows* in batches; where contrast counts, as many meet each other as in training."""
    if not settings.contrast_weight:
        yield from corpus.batches(rows, settings.max_length, settings.batch_tokens, None)
        return
    partners = Partners(corpus, rows)
    for start in range(0, len(rows), settings.batch_size):
        met = partners.with_partners(rows[start : start + settings.batch_size], rng)
        yield from corpus.batches(met, settings.max_length, settings.batch_tokens, rng)


def _character_error_rate(
    model: PretrainingModel, corpus: Corpus, rows: Numbers, settings: PretrainSettings, seed: int
) -> float:
    """Edits per nucleotide, of all RNAs together."""
    edits = nucleotides = 0
    rng = rng_for(seed, "pretrain", "rewritten")
    for sequences in corpus.batches(rows, settings.max_length, settings.batch_tokens, None):
        written = model.rewrite(sequences, model.ask(sequences, settings.mask_share, rng))
        for truth, row in zip(_nucleotides(sequences), written, strict=True):
            edits += edit_distance(letters_of(truth), letters_of(row))
            nucleotides += len(truth)
    return edits / nucleotides


def _nucleotides(sequences: Sequences) -> list[NDArray[np.int64]]:
    """The tokens of each RNA without START and END."""
    lengths = lengths_of(sequences.groups)
    firsts = np.cumsum(lengths + ENDS) - lengths - 1
    assert (sequences.tokens[firsts - 1] == START).all()
    return [sequences.tokens[first : first + length] for first, length in zip(firsts, lengths, strict=True)]


def _f1(told: Numbers, wanted: Numbers) -> tuple[float, float]:
    """F1 micro and macro over the types that occur."""
    from sklearn.metrics import f1_score

    if not len(wanted):
        return math.nan, math.nan
    return tuple(  # type: ignore[return-value]
        float(f1_score(wanted, told, average=average, labels=np.unique(wanted))) for average in ("micro", "macro")
    )
