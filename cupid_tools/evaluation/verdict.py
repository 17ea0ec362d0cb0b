"""What the numbers mean, in words."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from cupid_tools.evaluation.baselines import CONTROLS
from cupid_tools.evaluation.energy import BEYOND_ENERGY
from cupid_tools.evaluation.evaluate import MIN_POSITIVES, Evaluation, Headline, distinct_headlines
from cupid_tools.evaluation.experiment import ALL, MODEL, STRICT_C3, Energies
from cupid_tools.evaluation.measurements import Gap, Measurement
from cupid_tools.evaluation.side_by_side import SideBySide
from cupid_tools.evaluation.tables import gap_text, summary
from cupid_tools.io.pairs import ENERGY
from cupid_tools.vocab import TEST, VALID

log = logging.getLogger("cupid_tools")

GOOD, WEAK, BAD, UNKNOWN = "good", "weak", "bad", "unknown"
_UNEVEN = 1.25
"""Ratio of rows in a positive and in a negative pair of genes above which reports warn."""
_NAMES = {ALL: "all test pairs", STRICT_C3: "pairs of strictly unseen RNAs"}


class Verdict(NamedTuple):
    """A judgement of one experiment: one of the four grades, one sentence, and its reasons."""

    grade: str
    sentence: str
    reasons: list[str]


def judge(evaluation: Evaluation) -> Verdict:
    """Say how far the model can be trusted with RNAs that are new, and whether it beats simple baselines at all."""
    strict = evaluation.headlines.get(STRICT_C3)
    reasons = [_against_baseline(headline, where) for headline, where in _told_headlines(evaluation)]
    if strict is not None and strict.model.defined() and strict.model.values["positives"] < MIN_POSITIVES:
        reasons.append(
            f"There are only {strict.model.values['positives']:.0f} positives among strictly unseen RNAs: the "
            "intervals are wide, and a small difference is not evidence."
        )
    return Verdict(*_grade(strict), [*reasons, *answers(evaluation), *warnings(evaluation)])


def answers(evaluation: Evaluation) -> list[str]:
    """Say whether the model knows more than energy; nothing where the table has no energies."""
    return [
        f"On {_NAMES[found.where.overlap]} {contrast.answer(gap)} ({contrast.name}: AUPRC {gap_text(gap)})."
        for found in evaluation.comparisons
        if found.where.type_pair == ALL and found.methods[MODEL].defined()
        for contrast, gap in found.gaps
        if contrast == BEYOND_ENERGY
    ]


def in_words(evaluations: Sequence[Evaluation]) -> str:
    """What the numbers say, for a reader who does not live with them: a paragraph an experiment."""
    return "\n".join(f"{evaluation.experiment.name}:\n{_paragraph(evaluation)}" for evaluation in evaluations)


def tell(evaluations: Sequence[Evaluation], compared: Sequence[SideBySide] = ()) -> None:
    """Log the headlines, and what to beware of."""
    for line in summary(evaluations, compared).splitlines():
        log.info("%s", line)
    for evaluation in evaluations:
        for text in warnings(evaluation):
            log.warning("%s: %s", evaluation.experiment.name, text)


def warnings(evaluation: Evaluation) -> list[str]:
    """Say where rows leak or repeat, scores are all equal, or intervals rest on too few units of a type.

    A type with one unit is in every replicate once: such intervals say nothing of what other RNAs would do.
    """
    found = []
    for copies in evaluation.audit.copies:
        if leaked := copies.same_order + copies.reversed_order:
            found.append(
                f"{leaked:,} of {copies.pairs:,} {copies.split} pairs are in train too: these figures flatter."
            )
        if copies.reversed_rnas:
            found.append(
                f"{copies.reversed_rnas:,} {copies.split} positives are in train with both RNAs reversed: split before "
                "augmenting, or these figures flatter."
            )
        if copies.repeated:
            found.append(f"{copies.repeated:,} {copies.split} rows repeat a pair, which then counts more than once.")
    test = evaluation.rows.scores[MODEL][evaluation.rows.of_split(TEST)]
    if np.ptp(test) == 0:
        found.append(
            "All test pairs have the same score, which ranks nothing: AUROC is 0.5 and AUPRC the share of positives."
        )
    for headline, where in _told_headlines(evaluation):
        few = " and ".join(f"{units.units} of {units.rna_type}" for units in headline.few_units())
        if few:
            found.append(f"On {where} intervals draw few units, {few}: they are narrower than they should be.")
    if all(headline.baselines.keys() == {ENERGY} for headline in evaluation.headlines.values()):
        found.append("Energy is the only baseline here: cupid-evaluate compares with simple rules too.")
    return [*found, *_about_merged(evaluation), *_about_energies(evaluation.experiment.energies)]


def _paragraph(evaluation: Evaluation) -> str:
    lines = [line for headline, where in _told_headlines(evaluation) for line in _told_as_chances(headline, where)]
    return "".join(f"  {line}\n" for line in [*lines, judge(evaluation).sentence])


def _told_as_chances(headline: Headline, where: str) -> Iterator[str]:
    """AUROC as what it is: how often a pair that interacts ranks above one that was drawn."""
    values, (low, high) = headline.model.values, headline.model.interval("auroc")
    between = "" if math.isnan(low) else f" (it may be {100 * low:.0f} to {100 * high:.0f})"
    drawn = values["n"] - values["positives"]
    yield (
        f"On {where} ({values['positives']:.0f} that interact, {drawn:.0f} drawn) a pair that interacts ranks above a "
        f"drawn one {_in_hundred(headline.model)} times in 100{between}; guessing gives 50."
    )
    rule = max(
        (gap for gap in headline.gaps if gap.baseline not in CONTROLS and headline.baselines[gap.baseline].defined()),
        key=lambda gap: headline.baselines[gap.baseline].values["auroc"],
        default=None,
    )
    if rule is not None:
        low, high = rule.auroc_interval
        shown = (
            "the model is better" if low > 0 else "the model is worse" if high < 0 else "neither is shown to be better"
        )
        manages = _in_hundred(headline.baselines[rule.baseline])
        yield f"The best simple rule there, {rule.baseline}, manages {manages}: {shown}."


def _in_hundred(measured: Measurement) -> str:
    return f"{100 * measured.values['auroc']:.0f}"


def _about_merged(evaluation: Evaluation) -> Iterator[str]:
    """Whether positive pairs of genes are maxima of more rows than negative ones, which alone tells them apart."""
    before, after = evaluation.experiment.rows, evaluation.rows
    single, merged = (np.bincount(rows.label[rows.of_split(TEST)], minlength=2) for rows in (before, after))
    negative, positive = single / np.maximum(merged, 1)
    if not 1 / _UNEVEN <= positive / max(negative, 1) <= _UNEVEN:
        yield (
            f"A positive pair of genes is the largest of {positive:.1f} test rows, a negative one of {negative:.1f}: "
            "the largest of more is larger by chance. Give every isoform of both genes, or these figures mislead."
        )


def _about_energies(energies: Energies | None) -> Iterator[str]:
    if energies is None:
        return
    count = len(energies.values)
    if energies.unknown == count:
        yield "No evaluated pair has an energy: the model is not compared with energy."
    elif energies.unknown:
        yield f"{energies.unknown:,} of {count:,} evaluated pairs have no energy: they count as 0, as no interaction."
    if len(energies.engines) > 1:
        yield f"Energies are of {len(energies.engines)} engines, which differ in scale: compute all with one."


def _told_headlines(evaluation: Evaluation) -> list[tuple[Headline, str]]:
    """The headlines that are defined, and which pairs each is about."""
    return [
        (headline, _NAMES[STRICT_C3 if evaluation.all_strict else headline.overlap])
        for headline in distinct_headlines(evaluation)
        if headline.model.defined()
    ]


def _grade(strict: Headline | None) -> tuple[str, str]:
    if strict is None or not strict.model.defined():
        return UNKNOWN, (
            "This table cannot tell how the model does on new RNAs: no test pairs of both classes join two RNAs that "
            "are unknown and unrelated to train. Split with cupid-split --by unseen-both --strict to find out."
        )
    low = strict.model.interval("auroc").low
    if math.isnan(low):
        return UNKNOWN, "Too few pairs of new, unrelated RNAs to tell: their metrics have no interval."
    if low <= 0.5:
        return BAD, (
            "On new, unrelated RNAs the model cannot be told from guessing by these pairs: do not trust its scores "
            "there."
        )
    flaw = _flaw(strict)
    if flaw is not None:
        return WEAK, f"On new, unrelated RNAs the model is above chance, but {flaw}."
    return (
        GOOD,
        "On new, unrelated RNAs the model is above chance and better than every simple baseline that was compared.",
    )


def _flaw(strict: Headline) -> str | None:
    """Why a model that is above chance is not called good."""
    gap, lost = strict.best_gap, strict.lost_gap
    if gap is None:
        return "no simple baseline was compared: whether something simpler would do is not known"
    if lost is not None:
        return f"a simple baseline, {lost.baseline}, is ahead of it"
    if not gap.auprc_interval.low > 0:
        return "not demonstrably better than a simple baseline"
    if strict.few_units():
        return "too few kinds of RNA were tested to be sure that it is better than simple baselines"
    return None


def _against_baseline(headline: Headline, where: str) -> str:
    gap, lost = headline.best_gap, headline.lost_gap
    if gap is None:
        return f"On {where} no baseline was compared."
    chosen = "the baseline chosen on valid" if headline.chosen_on == VALID else "the best simple baseline"
    also = "" if lost is None or lost == gap else f" Another baseline is ahead of the model, {_told(lost)}."
    return f"On {where} the model is {_comparison(gap)} {chosen}, {_told(gap)}.{also}"


def _told(gap: Gap) -> str:
    return f"{gap.baseline}: AUPRC {gap_text(gap)}"


def _comparison(gap: Gap) -> str:
    low, high = gap.auprc_interval
    if low > 0:
        return "better than"
    return "worse than" if high < 0 else "not demonstrably different from"
