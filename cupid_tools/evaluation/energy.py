"""Model and energy on the same pairs: which ranks better, and whether the model knows more than energy.

Both papers whose protocols are recipes compare with IntaRNA's energies, and test classes by Wilcoxon's rank sums. To
ask more, a logistic regression of the label on both, fitted on valid rows, is measured on test: where it beats energy
alone, the model knows something that energy does not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from cupid_tools.evaluation.baselines.data import fit_logistic
from cupid_tools.evaluation.bootstrap import UNDEFINED
from cupid_tools.evaluation.experiment import ALL, MODEL, STRICT_C3, Rows
from cupid_tools.evaluation.measurements import Gap, Measurement, Slice, gap_between
from cupid_tools.evaluation.metrics import Bools, Floats, Labels, per_query_average_precision
from cupid_tools.io.pairs import ENERGY
from cupid_tools.sampling.coded import Codes
from cupid_tools.vocab import TEST, VALID

COMBINED = "model+energy"
"""The method that knows both scores; no baseline, since a model need not beat what holds it."""
METHODS = (MODEL, ENERGY, COMBINED)
SMALLEST_P = 1e-300
"""Stands for every p-value below it, which floats cannot tell from 0."""
_CLIP = 1e-6  # scores have six digits
_DIGITS = 12  # of average precision: what is below is rounding


class Contrast(NamedTuple):
    """A question that the difference of two methods answers, and the three answers."""

    one: str
    other: str
    better: str
    unclear: str
    worse: str

    @property
    def name(self) -> str:
        """Which difference it is."""
        return f"{self.one} - {self.other}"

    def answer(self, gap: Gap) -> str:
        """What the interval of the AUPRC of *one* minus *other* says."""
        if np.isnan(gap.auprc):
            return "not defined"
        low, high = gap.auprc_interval
        if low > 0:
            return self.better
        return self.worse if high < 0 else self.unclear


MODEL_OR_ENERGY = Contrast(
    MODEL,
    ENERGY,
    "the model ranks better than energy",
    "neither is shown to rank better",
    "energy ranks better than the model",
)
BEYOND_ENERGY = Contrast(
    COMBINED,
    ENERGY,
    "the model knows more than energy",
    "the model is not shown to know more than energy",
    "both together do worse than energy alone",
)
BEYOND_MODEL = Contrast(
    COMBINED,
    MODEL,
    "energy knows more than the model",
    "energy is not shown to know more than the model",
    "both together do worse than the model alone",
)
CONTRASTS = (MODEL_OR_ENERGY, BEYOND_ENERGY, BEYOND_MODEL)


class SignedRank(NamedTuple):
    """Wilcoxon's signed-rank test of average precision by query, model against energy.

    Attributes:
        queries: how many have both classes.
        median: of model minus energy.
        p: two-sided; NaN without queries.
    """

    queries: int
    median: float
    p: float


class Number(NamedTuple):
    """One number of a comparison; NaN for what does not belong to it.

    Attributes:
        what: a method, or the difference of two.
        metric: ``auroc``, ``auprc``, or ``query_auprc``, the median of the average precision by query.
        value, low, high: with its interval.
        p: of Wilcoxon's rank sum (``auroc``) or signed ranks (``query_auprc``).
        n: rows, or queries.
    """

    what: str
    metric: str
    value: float
    low: float
    high: float
    p: float
    n: float


class Comparison(NamedTuple):
    """Model, energy and both together on one class of test rows.

    Attributes:
        where: which rows.
        methods: those of ``METHODS`` that there are; ``COMBINED`` lacks where valid rows cannot fit it.
        gaps: of those of ``CONTRASTS`` whose methods there are.
        rank_sums: method -> p of ``rank_sum``.
        by_query: model against energy.
    """

    where: Slice
    methods: dict[str, Measurement]
    gaps: list[tuple[Contrast, Gap]]
    rank_sums: dict[str, float]
    by_query: SignedRank

    def numbers(self) -> Iterator[Number]:
        """Everything that was compared."""
        n = self.methods[MODEL].values["n"]
        for method, measured in self.methods.items():
            yield Number(
                method, "auroc", measured.values["auroc"], *measured.interval("auroc"), self.rank_sums[method], n
            )
            yield Number(method, "auprc", measured.values["auprc"], *measured.interval("auprc"), np.nan, n)
        for contrast, gap in self.gaps:
            yield Number(contrast.name, "auroc", gap.auroc, *gap.auroc_interval, np.nan, n)
            yield Number(contrast.name, "auprc", gap.auprc, *gap.auprc_interval, np.nan, n)
        queries, median, p = self.by_query
        yield Number(MODEL_OR_ENERGY.name, "query_auprc", median, *UNDEFINED, p, queries)


def with_combined(rows: Rows) -> Rows:
    """Add ``COMBINED``, fitted on valid rows; as they are where these lack different energies, or both classes."""
    valid = rows.of_split(VALID)
    if ENERGY not in rows.scores or any(len(np.unique(v[valid])) < 2 for v in (rows.label, rows.scores[ENERGY])):
        return rows
    features = np.stack([_evidence(rows.scores[MODEL]), rows.scores[ENERGY]], axis=1)
    predict = fit_logistic(features[valid], rows.label[valid])
    return replace(rows, scores={**rows.scores, COMBINED: predict(features)})


def compare(rows: Rows, kinds: Sequence[str], measurements: Sequence[Measurement], level: float) -> list[Comparison]:
    """Compare on all test rows, on those of strictly unseen RNAs where they are others, and by type pair.

    Args:
        rows: with the scores of all methods.
        kinds: type pairs, as ``Experiment.kinds``.
        measurements: of at least ``METHODS``.
        level: of intervals.

    Returns:
        Nothing where there are no energies.
    """
    found: dict[Slice, dict[str, Measurement]] = defaultdict(dict)
    for measured in measurements:
        if measured.method in METHODS:
            found[measured.where][measured.method] = measured
    classes = _classes(rows, kinds) if ENERGY in rows.scores else ()
    return [_comparison(rows, where, chosen, found[where], level) for where, chosen in classes]


def rank_sum(labels: Labels, scores: Floats) -> float:
    """Return the p-value of Wilcoxon's rank sum (Mann-Whitney U) of positives against negatives.

    Two-sided, by the normal approximation with ties; NaN unless both classes are there, at least ``SMALLEST_P``.

    Args:
        labels: int8 [n].
        scores: float64 [n].
    """
    from scipy.stats import mannwhitneyu

    positives, negatives = scores[labels == 1], scores[labels == 0]
    if not len(positives) or not len(negatives):
        return np.nan
    if np.ptp(scores) == 0:
        return 1.0
    return max(SMALLEST_P, float(mannwhitneyu(positives, negatives, method="asymptotic").pvalue))


def signed_rank(queries: Codes, labels: Labels, one: Floats, other: Floats) -> SignedRank:
    """Compare two scores, float64 [n], by the average precision within each of *queries*, int64 [n].

    Two-sided, by the normal approximation; queries where both do equally well are left out of the test alone.
    """
    from scipy.stats import wilcoxon

    first, second = (per_query_average_precision(queries, labels, scores) for scores in (one, other))
    differences = np.round(first - second, _DIGITS)
    if not len(differences):
        return SignedRank(0, np.nan, np.nan)
    p = float(wilcoxon(differences, method="approx").pvalue) if differences.any() else 1.0
    return SignedRank(len(differences), float(np.median(differences)), max(SMALLEST_P, p))


def _evidence(scores: Floats) -> Floats:
    """Scores as a logistic regression wants them: log odds of what reads as a probability, all else as it is."""
    if scores.min() < 0 or scores.max() > 1:
        return scores
    clipped = np.clip(scores, _CLIP, 1 - _CLIP)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _classes(rows: Rows, kinds: Sequence[str]) -> Iterator[tuple[Slice, Bools]]:
    test = rows.of_split(TEST)
    strict = test & rows.overlap(STRICT_C3)
    yield Slice(TEST, ALL, ALL, ALL), test
    if strict.any() and (strict != test).any():
        yield Slice(TEST, ALL, STRICT_C3, ALL), strict
    for index, kind in enumerate(kinds if len(kinds) > 1 else ()):
        if (chosen := test & (rows.kind == index)).any():
            yield Slice(TEST, kind, ALL, ALL), chosen


def _comparison(rows: Rows, where: Slice, chosen: Bools, methods: dict[str, Measurement], level: float) -> Comparison:
    label = rows.label[chosen]
    scores = {name: rows.scores[name][chosen] for name in methods}
    return Comparison(
        where,
        methods,
        [
            (contrast, gap_between(methods[contrast.one], methods[contrast.other], level))
            for contrast in CONTRASTS
            if {contrast.one, contrast.other} <= methods.keys()
        ],
        {name: rank_sum(label, values) for name, values in scores.items()},
        signed_rank(rows.query[chosen], label, scores[MODEL], scores[ENERGY]),
    )
