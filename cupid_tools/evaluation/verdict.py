"""What the numbers mean, in words."""

from __future__ import annotations

from typing import NamedTuple

from cupid_tools.evaluation.evaluate import MIN_POSITIVES, Evaluation, Gap, Headline
from cupid_tools.evaluation.experiment import ALL, STRICT_C3
from cupid_tools.evaluation.tables import bracket, short

GOOD, WEAK, BAD, UNKNOWN = "good", "weak", "bad", "unknown"


class Verdict(NamedTuple):
    """A judgement of one experiment: one of the four grades, one sentence, and its reasons."""

    grade: str
    sentence: str
    reasons: list[str]


def judge(evaluation: Evaluation) -> Verdict:
    """Say how far the model can be trusted with RNAs that are new, and whether it beats simple baselines at all."""
    grade, sentence = _grade(evaluation.headlines.get(STRICT_C3))
    reasons = [_against_baseline(evaluation.headlines[ALL], "all test pairs")]
    strict = evaluation.headlines.get(STRICT_C3)
    if strict is not None and strict.model.defined():
        if strict.model.values["n"] < evaluation.headlines[ALL].model.values["n"]:
            reasons.append(_against_baseline(strict, "pairs of strictly unseen RNAs"))
        if strict.model.values["positives"] < MIN_POSITIVES:
            reasons.append(
                f"There are only {strict.model.values['positives']:.0f} positives among strictly unseen RNAs: the "
                "intervals are wide, and a small difference is not evidence."
            )
    return Verdict(grade, sentence, reasons)


def _grade(strict: Headline | None) -> tuple[str, str]:
    if strict is None or not strict.model.defined():
        return UNKNOWN, (
            "This table cannot tell how the model does on new RNAs: no test pairs of both classes join two RNAs that "
            "are unknown and unrelated to train. Split with cupid-split --by unseen-both --strict to find out."
        )
    low = strict.model.interval("auroc").low
    gap = strict.best_gap
    if not low > 0.5:
        return BAD, (
            "On new, unrelated RNAs the model is at chance, as far as these pairs can tell: do not trust its scores "
            "there."
        )
    if gap is not None and not gap.auprc_interval.low > 0:
        return WEAK, (
            "On new, unrelated RNAs the model is above chance, but not demonstrably better than a simple baseline."
        )
    return GOOD, "On new, unrelated RNAs the model is above chance and better than the best simple baseline."


def _against_baseline(headline: Headline, where: str) -> str:
    gap = headline.best_gap
    if gap is None:
        return f"On {where} no baseline was compared."
    found = bracket(gap.auprc_interval, sign=True)
    return (
        f"On {where} the model is {_comparison(gap)} the best simple baseline, {gap.baseline}: AUPRC "
        f"{short(gap.auprc, sign=True)}{f' {found}' if found else ''}."
    )


def _comparison(gap: Gap) -> str:
    low, high = gap.auprc_interval
    if low > 0:
        return "better than"
    return "worse than" if high < 0 else "not demonstrably different from"
