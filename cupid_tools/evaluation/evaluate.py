"""From score tables to everything that the report shows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from cupid_tools.evaluation.audit import Audit, audit
from cupid_tools.evaluation.baselines import BASELINES, CONTROLS
from cupid_tools.evaluation.baselines.data import Baseline
from cupid_tools.evaluation.bootstrap import Resampled, intervals, unit_weights
from cupid_tools.evaluation.calibration import Calibration, fit_calibration
from cupid_tools.evaluation.comparison import Comparison, SignedRank, signed_rank
from cupid_tools.evaluation.energy import COMBINED, METHODS, beside_energy, with_combined
from cupid_tools.evaluation.experiment import ALL, MODEL, OVERLAPS, STRICT_C3, Experiment, Rows, to_genes
from cupid_tools.evaluation.measurements import Gap, Measurement, Slice, gap_between
from cupid_tools.evaluation.metrics import Bools, Floats, best_mcc_threshold, measure
from cupid_tools.evaluation.settings import Settings
from cupid_tools.sampling.coded import Codes
from cupid_tools.sampling.seeds import rng_for
from cupid_tools.vocab import TEST, VALID

HEADLINES = (ALL, STRICT_C3)
"""Classes of test rows for which the model is compared with every baseline."""
MIN_POSITIVES = 50
"""Fewer cannot choose the best baseline, and reports warn of them."""
MIN_UNITS = 10
"""With fewer units of a type, replicates are too alike: intervals are narrower than they say, and reports warn."""


class Units(NamedTuple):
    """What the bootstrap draws of one type of RNA for one class of test rows.

    Attributes:
        rna_type: the type.
        units: how many groups of relatives (or RNAs, or genes).
        largest: the share of the rows that hold the one which is in most of them.
    """

    rna_type: str
    units: int
    largest: float


class Headline(NamedTuple):
    """Model and baselines on one class of test rows.

    Attributes:
        overlap: one of ``HEADLINES``.
        model: its metrics there.
        baselines: theirs, by name.
        best: the baseline with the largest AUPRC on *chosen_on*; None where there is none.
        chosen_on: the split whose rows of the same class chose it.
        gaps: for every baseline.
        by_query: for every baseline, the model against it within each query.
        units: by type of RNA.
    """

    overlap: str
    model: Measurement
    baselines: dict[str, Measurement]
    best: str | None
    chosen_on: str
    gaps: list[Gap]
    by_query: dict[str, SignedRank]
    units: list[Units]

    @property
    def best_gap(self) -> Gap | None:
        """The gap to the best baseline."""
        return next((gap for gap in self.gaps if gap.baseline == self.best), None)

    @property
    def least_gap(self) -> Gap | None:
        """The gap to the baseline, controls aside, that is best on these rows, chosen or not; None without any."""
        known = [gap for gap in self.gaps if not np.isnan(gap.auprc) and gap.baseline not in CONTROLS]
        return min(known, key=lambda gap: gap.auprc, default=None)

    @property
    def lost_gap(self) -> Gap | None:
        """The gap to the baseline that beats the model most on these rows; None where none does."""
        return self.least_gap if self.least_gap is not None and self.least_gap.auprc < 0 else None

    def few_units(self) -> list[Units]:
        """The types of which fewer than ``MIN_UNITS`` are drawn."""
        return [found for found in self.units if found.units < MIN_UNITS]


@dataclass(frozen=True)
class Evaluation:
    """The results of one experiment; *rows* hold the scores of all methods, merged into genes where asked.

    A class of ``HEADLINES`` that no test row belongs to is not in *headlines*. *calibrations*, by method, are fitted on
    valid rows; none where these lack a class. *comparisons* are those of model and energy; none where the table has no
    energies.
    """

    experiment: Experiment
    rows: Rows
    thresholds: dict[str, float]
    calibrations: dict[str, Calibration]
    measurements: list[Measurement]
    headlines: dict[str, Headline]
    audit: Audit
    comparisons: list[Comparison]

    @property
    def all_strict(self) -> bool:
        """Whether all test rows are of strictly unseen RNAs, so that both headlines tell of the same rows."""
        sizes = {headline.model.values["n"] for headline in self.headlines.values()}
        return len(sizes) < len(self.headlines)

    def find(self, method: str = MODEL, **where: str) -> Measurement | None:
        """The measurement of *method* on a slice; what is not named is ``all``, the split ``test``."""
        wanted = Slice(**{"split": TEST, "type_pair": ALL, "overlap": ALL, "strategy": ALL, **where})
        return next((m for m in self.measurements if m.method == method and m.where == wanted), None)


def distinct_headlines(evaluation: Evaluation) -> list[Headline]:
    """The headlines, without that of strict C3 where all test rows are of that class."""
    found = list(evaluation.headlines.values())
    return found[:1] if evaluation.all_strict else found


def evaluate(experiment: Experiment, settings: Settings) -> Evaluation:
    """Score all baselines, and measure them and the model on every slice."""
    rows = _with_baselines(experiment, settings)
    rows = with_combined(to_genes(rows) if settings.genes else rows)
    thresholds = {method: _threshold(experiment, rows, method) for method in rows.scores}
    calibrations = _calibrations(rows)
    bootstraps = {split: Bootstrap(rows, experiment.strata, split, settings) for split in (VALID, TEST)}
    measurements = [
        measurement
        for where, chosen in _slices(rows, experiment)
        for measurement in _measure(rows, chosen, where, thresholds, calibrations, bootstraps[where.split])
    ]
    headlines = {
        overlap: _headline(overlap, measurements, rows, experiment, settings.level)
        for overlap in HEADLINES
        if (rows.of_split(TEST) & rows.overlap(overlap)).any()
    }
    comparisons = beside_energy(rows, experiment.kinds, measurements, settings.level)
    return Evaluation(
        experiment, rows, thresholds, calibrations, measurements, headlines, audit(experiment), comparisons
    )


def _with_baselines(experiment: Experiment, settings: Settings) -> Rows:
    scores = dict(experiment.rows.scores)
    for name in settings.baselines:
        baseline: Baseline = BASELINES.load(name)
        scores[name] = baseline(experiment.train, experiment.pairs, experiment.rnas)
    return replace(experiment.rows, scores=scores)


def _threshold(experiment: Experiment, rows: Rows, method: str) -> float:
    """Chosen on valid rows; without them the model's own, and none for baselines."""
    if experiment.threshold is None:
        valid = rows.of_split(VALID)
        return best_mcc_threshold(rows.label[valid], rows.scores[method][valid])[0]
    return experiment.threshold if method == MODEL else np.nan


def _calibrations(rows: Rows) -> dict[str, Calibration]:
    valid = rows.of_split(VALID)
    fitted = {method: fit_calibration(rows.label[valid], scores[valid]) for method, scores in rows.scores.items()}
    return {method: calibration for method, calibration in fitted.items() if calibration is not None}


def _slices(rows: Rows, experiment: Experiment) -> Iterator[tuple[Slice, Bools]]:
    """All combinations of properties that hold rows; a property with one value is not restricted."""
    kinds = {name: rows.kind == index for index, name in enumerate(experiment.kinds)}
    # a positive is no strategy's, and serves to judge the negatives of each
    strategies = {
        name: (rows.strategy == index) | (rows.label == 1) for index, name in enumerate(experiment.strategies)
    }
    everything = {ALL: np.ones(len(rows), dtype=bool)}
    splits = {split: rows.of_split(split) for split in (VALID, TEST)}
    axes = (
        splits.items(),
        (everything | (kinds if len(kinds) > 1 else {})).items(),
        ((name, rows.overlap(name)) for name in OVERLAPS),
        (everything | (strategies if len(strategies) > 1 else {})).items(),
    )
    for (split, a), (kind, b), (overlap, c), (strategy, d) in itertools.product(*axes):
        chosen = a & b & c & d
        if chosen.any():
            yield Slice(split, kind, overlap, strategy), chosen


class Bootstrap:
    """The replicates of one split, which all slices and methods share."""

    def __init__(self, rows: Rows, strata: Codes, split: str, settings: Settings) -> None:
        self._settings = settings
        self._rows = rows
        units, places = np.unique(rows.unit[:, rows.of_split(split)], return_inverse=True)
        self._place = np.zeros(len(strata), dtype=np.int64)
        self._place[rows.unit[:, rows.of_split(split)].reshape(-1)] = places.reshape(-1)
        rng = rng_for(settings.seed, "evaluation.bootstrap", split)
        self._weights = unit_weights(strata[units], settings.bootstrap, rng)

    def of(self, chosen: Bools) -> Resampled:
        """The replicates of the rows that a mask [n] chooses."""
        a, b = self._place[self._rows.unit[:, chosen]]
        return Resampled(self._weights, a, b, self._rows.label[chosen])

    def measured(
        self,
        where: Slice,
        method: str,
        values: dict[str, float],
        resampled: Resampled,
        scores: Floats,
        threshold: float,
    ) -> Measurement:
        """The metrics *values* of *scores*, with intervals where there are replicates and both classes."""
        if not self._settings.bootstrap or np.isnan(values["auroc"]):
            return Measurement(where, method, values, {}, None)
        replicates = resampled.replicates(scores, threshold)
        return Measurement(where, method, values, dict(intervals(replicates, self._settings.level)), replicates)


def _measure(
    rows: Rows,
    chosen: Bools,
    where: Slice,
    thresholds: dict[str, float],
    calibrations: dict[str, Calibration],
    bootstrap: Bootstrap,
) -> Iterator[Measurement]:
    """Measure all methods on a slice: the model with intervals, others too where they are compared with it."""
    label, query = rows.label[chosen], rows.query[chosen]
    resampled = bootstrap.of(chosen)
    headline = where in [_headline_slice(overlap) for overlap in HEADLINES]
    drawn = [*rows.scores] if headline else METHODS if where == _type_pair_slice(where.type_pair) else [MODEL]
    for method, scores in rows.scores.items():
        if method == COMBINED and where.split == VALID:
            continue  # it was fitted there
        fitted = calibrations.get(method) if where.split == TEST else None  # the same
        calibrated = None if fitted is None else fitted.probabilities(scores[chosen])
        values = measure(label, scores[chosen], thresholds[method], query, calibrated)
        if method in drawn:
            yield bootstrap.measured(where, method, values, resampled, scores[chosen], thresholds[method])
        else:
            yield Measurement(where, method, values, {}, None)


def _headline_slice(overlap: str, split: str = TEST) -> Slice:
    return Slice(split, ALL, overlap, ALL)


def _type_pair_slice(kind: str) -> Slice:
    return Slice(TEST, kind, ALL, ALL)


def _headline(
    overlap: str, measurements: list[Measurement], rows: Rows, experiment: Experiment, level: float
) -> Headline:
    """Compare the model with all baselines on a class of test rows that is not empty."""
    test = {m.method: m for m in measurements if m.where == _headline_slice(overlap)}
    valid = {m.method: m for m in measurements if m.where == _headline_slice(overlap, VALID)}
    model = test.pop(MODEL)
    test.pop(COMBINED, None)  # no baseline
    enough = bool(valid) and valid[MODEL].values["positives"] >= MIN_POSITIVES and valid[MODEL].defined()
    deciding = valid if enough else test
    candidates = [name for name in test if deciding[name].defined() and name not in CONTROLS]
    best = max(candidates, key=lambda name: deciding[name].values["auprc"], default=None)
    gaps = [gap_between(model, baseline, level) for baseline in test.values()]
    here = rows.where(rows.of_split(TEST) & rows.overlap(overlap))
    ranks = {name: signed_rank(here.query, here.label, here.scores[MODEL], here.scores[name]) for name in test}
    return Headline(overlap, model, test, best, VALID if enough else TEST, gaps, ranks, _units(here, experiment))


def _units(rows: Rows, experiment: Experiment) -> list[Units]:
    """Count what the bootstrap draws for *rows*, by type of RNA."""
    a, b = rows.unit
    size = len(experiment.strata)
    held = np.bincount(a, minlength=size) + np.bincount(b[a != b], minlength=size)  # rows that hold each unit
    by_type = [(name, held[experiment.strata == index]) for index, name in enumerate(experiment.rnas.type_names)]
    return [
        Units(name, int(np.count_nonzero(counts)), float(counts.max() / len(a)))
        for name, counts in by_type
        if counts.any()
    ]
