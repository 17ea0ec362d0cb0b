"""Methods on the same rows: which ranks better, by paired bootstrap and by Wilcoxon's tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from cupid_tools.evaluation.bootstrap import UNDEFINED
from cupid_tools.evaluation.experiment import ALL, STRICT_C3, Rows
from cupid_tools.evaluation.measurements import Gap, Measurement, Slice, gap_between
from cupid_tools.evaluation.metrics import SMALLEST_P, Bools, Floats, Labels, per_query_average_precision
from cupid_tools.sampling.coded import Codes
from cupid_tools.vocab import TEST

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


class SignedRank(NamedTuple):
    """Wilcoxon's signed-rank test of average precision by query, one method against another.

    Attributes:
        queries: how many have both classes.
        median: of one minus the other.
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
    """Methods on one class of test rows.

    Attributes:
        where: which rows.
        methods: name -> metrics; at least two.
        gaps: the answers to the contrasts of these methods.
        ranking: the contrast that *by_query* tests.
        by_query: its test by query.
    """

    where: Slice
    methods: Mapping[str, Measurement]
    gaps: list[tuple[Contrast, Gap]]
    ranking: Contrast
    by_query: SignedRank

    def numbers(self) -> Iterator[Number]:
        """Everything that was compared."""
        for method, measured in self.methods.items():
            values, n = measured.values, measured.values["n"]
            yield Number(method, "auroc", values["auroc"], *measured.interval("auroc"), values["rank_sum_p"], n)
            yield Number(method, "auprc", values["auprc"], *measured.interval("auprc"), np.nan, n)
        for contrast, gap in self.gaps:
            yield Number(contrast.name, "auroc", gap.auroc, *gap.auroc_interval, np.nan, n)
            yield Number(contrast.name, "auprc", gap.auprc, *gap.auprc_interval, np.nan, n)
        queries, median, p = self.by_query
        yield Number(self.ranking.name, "query_auprc", median, *UNDEFINED, p, queries)


def compare(
    rows: Rows,
    where: Slice,
    chosen: Bools,
    methods: Mapping[str, Measurement],
    contrasts: Sequence[Contrast],
    level: float,
) -> Comparison:
    """Answer those of *contrasts* whose methods there are.

    Args:
        rows: with the scores of all methods.
        where, chosen: which of them, and their mask [n].
        methods: name -> metrics there.
        contrasts: the first is also tested by query.
        level: of intervals.
    """
    first = contrasts[0]
    one, other = (rows.scores[name][chosen] for name in (first.one, first.other))
    answered = [
        (contrast, gap_between(methods[contrast.one], methods[contrast.other], level))
        for contrast in contrasts
        if {contrast.one, contrast.other} <= methods.keys()
    ]
    return Comparison(where, methods, answered, first, signed_rank(rows.query[chosen], rows.label[chosen], one, other))


def classes(rows: Rows, kinds: Sequence[str]) -> Iterator[tuple[Slice, Bools]]:
    """All test rows, those of strictly unseen RNAs where they are others, and those of each of several type pairs."""
    test = rows.of_split(TEST)
    strict = test & rows.overlap(STRICT_C3)
    yield Slice(TEST, ALL, ALL, ALL), test
    if strict.any() and (strict != test).any():
        yield Slice(TEST, ALL, STRICT_C3, ALL), strict
    for index, kind in enumerate(kinds if len(kinds) > 1 else ()):
        if (chosen := test & (rows.kind == index)).any():
            yield Slice(TEST, kind, ALL, ALL), chosen


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
