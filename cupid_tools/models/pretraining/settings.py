"""What a user may set of a training run; the recipe gives every value."""

from __future__ import annotations

from dataclasses import dataclass

from cupid_tools.errors import UsageError
from cupid_tools.models.pretraining import LONG_RNAS


@dataclass(frozen=True)
class PretrainSettings:
    """How a model is trained.

    Attributes:
        max_length: nt of the longest RNA, or of the stretch of a longer one.
        too_long: one of ``LONG_RNAS``, for RNAs above *max_length*.
        valid_share: of the RNAs, held out together with their relatives.
        type_weight: share of the RNA types in the loss.
        contrast_weight: share of the contrast between RNAs of one type and all others; the rest is that of the
            nucleotides.
        mask_share: of the nucleotides that ``masked`` is asked for.
        learning_rate: of AdamW, at its highest.
        warmup_share: of the steps in which the rate rises, as a line.
        floor: where the cosine decay ends, as a share of the rate.
        epochs: passes over the RNAs.
        batch_size: RNAs of a step; where contrast counts, each brings one of its type along.
        batch_tokens: nucleotides computed at once; a step with more takes several turns, whose gradients add up.
        weight_decay: of AdamW.
        clip: longest gradient.
    """

    max_length: int
    too_long: str
    valid_share: float
    type_weight: float
    contrast_weight: float
    mask_share: float
    learning_rate: float
    warmup_share: float
    floor: float
    epochs: int
    batch_size: int
    batch_tokens: int
    weight_decay: float
    clip: float

    @property
    def letter_weight(self) -> float:
        """Share of the nucleotides in the loss."""
        return 1 - self.type_weight - self.contrast_weight

    def __post_init__(self) -> None:
        _check(self.too_long in LONG_RNAS, f"too-long is {self.too_long!r} (known: {', '.join(LONG_RNAS)})")
        counts = (self.max_length, self.epochs, self.batch_size, self.batch_tokens)
        _check(min(counts) >= 1, "max-length, epochs, batch-size and batch-tokens must be at least 1")
        _check(0 < self.valid_share < 1, f"valid-share is {self.valid_share:g} (it must be between 0 and 1)")
        _check(min(self.type_weight, self.contrast_weight) >= 0, "type-weight and contrast-weight must be at least 0")
        _check(self.letter_weight > 0, "type-weight and contrast-weight together must be below 1")
        _check(0 < self.mask_share < 1, f"mask-share is {self.mask_share:g} (it must be between 0 and 1)")
        _check(self.learning_rate > 0, f"learning-rate is {self.learning_rate:g} (it must be above 0)")
        _check(self.clip > 0, f"clip is {self.clip:g} (it must be above 0)")
        _check(self.weight_decay >= 0, f"weight-decay is {self.weight_decay:g} (it must be at least 0)")
        _check(0 <= self.warmup_share < 1, f"warmup-share is {self.warmup_share:g} (at least 0 and below 1)")
        _check(0 <= self.floor <= 1, f"floor is {self.floor:g} (it must be between 0 and 1)")


def _check(good: bool, problem: str) -> None:
    if not good:
        raise UsageError(problem)
