"""The numbers of the report as files for programs: TSV, JSON, MultiQC custom content, and a plain summary."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cupid_tools.evaluation.bootstrap import Interval, Replicates
from cupid_tools.evaluation.comparison import Comparison, Number
from cupid_tools.evaluation.energy import COMBINED
from cupid_tools.evaluation.evaluate import MIN_POSITIVES, Evaluation, Headline, distinct_headlines
from cupid_tools.evaluation.experiment import ALL, MODEL, STRICT_C3
from cupid_tools.evaluation.measurements import Gap, Measurement, Slice
from cupid_tools.evaluation.metrics import SMALLEST_P
from cupid_tools.evaluation.side_by_side import SideBySide
from cupid_tools.io.pairs import ENERGY
from cupid_tools.vocab import VALID

TOOL = "cupid-evaluate"
NOT_DEFINED = "NA"

LABELS = {
    "n": "pairs",
    "positives": "positives",
    "prevalence": "prevalence",
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "auprc_ratio": "AUPRC / prevalence",
    "recall_at_5_fdr": "recall at 5 % FDR",
    "query_auprc_median": "AUPRC per query, median and quartiles",
    "mcc": "MCC",
    "f1": "F1",
    "balanced_accuracy": "balanced accuracy",
    "precision": "precision",
    "recall": "recall",
    "ece": "ECE",
    "brier": "Brier",
    "ece_calibrated": "ECE, calibrated",
    "brier_calibrated": "Brier, calibrated",
}
"""Metrics as readers know them."""

_ROWS = {ALL: "test pairs", STRICT_C3: "strictly unseen RNAs"}

_MULTIQC = """\
# id: cupid_evaluate
# section_name: cupid-tools
# description: "How far scores of RNA pairs can be trusted: model and best simple baseline on test pairs"
# plot_type: table
# file_format: tsv
# headers: {Pairs: {format: "{:,.0f}"}, AUROC: {format: "{:.3f}"}, AUPRC: {format: "{:.3f}"}, Best baseline: {}, \
Baseline AUROC: {format: "{:.3f}"}, Baseline AUPRC: {format: "{:.3f}"}, AUPRC gap: {format: "{:+.3f}"}}
"""


def metrics_tsv(evaluations: Sequence[Evaluation]) -> str:
    """One line a slice and method; ``NA`` where a metric is not defined or no interval was taken."""
    bounds = [f"{metric}_{bound}" for metric in Replicates._fields for bound in Interval._fields]
    lines = []
    for evaluation in evaluations:
        for measured in evaluation.measurements:
            found = [value for metric in Replicates._fields for value in measured.interval(metric)]
            numbers = [*measured.values.values(), *found]
            lines.append([evaluation.experiment.name, *measured.where, measured.method, *map(number, numbers)])
    names = [*evaluations[0].measurements[0].values, *bounds]
    return tsv(["experiment", *Slice._fields, "method", *names], lines)


def gaps_tsv(evaluations: Sequence[Evaluation]) -> str:
    """Model minus baseline, one line a baseline and class of test rows."""
    header = ["experiment", "overlap", "baseline", "headline", "chosen_on"]
    header += [f"{metric}_gap{bound}" for metric in ("auroc", "auprc") for bound in ("", "_low", "_high")]
    header += ["queries", "query_auprc_gap", "signed_rank_p"]
    lines = []
    for evaluation in evaluations:
        for headline in evaluation.headlines.values():
            for gap in headline.gaps:
                numbers = [gap.auroc, *gap.auroc_interval, gap.auprc, *gap.auprc_interval]
                numbers += headline.by_query[gap.baseline]
                best = "yes" if gap.baseline == headline.best else "no"
                about = [evaluation.experiment.name, headline.overlap, gap.baseline, best, headline.chosen_on]
                lines.append([*about, *map(number, numbers)])
    return tsv(header, lines)


def energy_tsv(evaluations: Sequence[Evaluation]) -> str:
    """Model, energy and both together: one line a number, with its interval and the p-value of its Wilcoxon test."""
    lines = [
        [evaluation.experiment.name, found.where.type_pair, found.where.overlap, *told[:2], *map(number, told[2:])]
        for evaluation in evaluations
        for found in evaluation.comparisons
        for told in found.numbers()
    ]
    return tsv(["experiment", "type_pair", "overlap", *Number._fields], lines)


def compared_tsv(compared: Sequence[SideBySide]) -> str:
    """Every two score tables on the test pairs that both hold: one line a number, as in ``energy_tsv``."""
    lines = [
        [both.one, both.other, found.where.type_pair, found.where.overlap, *told[:2], *map(number, told[2:])]
        for both in compared
        for found in both.comparisons
        for told in found.numbers()
    ]
    return tsv(["one", "other", "type_pair", "overlap", *Number._fields], lines)


def metrics_json(evaluations: Sequence[Evaluation], compared: Sequence[SideBySide], about: dict[str, Any]) -> str:
    """All results; *about* tells title, settings, inputs, versions and files. What is not defined is null."""
    experiments = [_as_json(evaluation) for evaluation in evaluations]
    content = {"tool": TOOL, **about, "experiments": experiments, "compared": list(map(_compared_json, compared))}
    return json.dumps(_plain(content), indent=1, ensure_ascii=False) + "\n"


def multiqc_tsv(evaluations: Sequence[Evaluation]) -> str:
    """A table that MultiQC shows as a section of its own."""
    header = ["Sample", "Pairs", "AUROC", "AUPRC", "Best baseline", "Baseline AUROC", "Baseline AUPRC", "AUPRC gap"]
    lines = []
    for evaluation in evaluations:
        for headline in evaluation.headlines.values():
            name = evaluation.experiment.name + ("" if headline.overlap == ALL else f" ({headline.overlap})")
            model, baseline, gap = headline.model.values, best_values(headline), headline.best_gap
            numbers = [baseline["auroc"], baseline["auprc"], gap.auprc if gap else math.nan]
            told = [number(model[metric]) for metric in ("n", "auroc", "auprc")]
            lines.append([name, *told, headline.best or NOT_DEFINED, *map(number, numbers)])
    return _MULTIQC + tsv(header, lines)


def summary(evaluations: Sequence[Evaluation], compared: Sequence[SideBySide] = ()) -> str:
    """One line an experiment and class of test rows, and for every two: what the report says at its top."""
    lines = [line for evaluation in evaluations for line in _summary(evaluation)]
    return "".join(f"{line}\n" for line in [*lines, *(line for both in compared for line in _summary_of_two(both))])


def best_values(headline: Headline) -> dict[str, float]:
    """The metrics of the best baseline; NaN where there is none."""
    if headline.best is None:
        return dict.fromkeys(headline.model.values, math.nan)
    return headline.baselines[headline.best].values


def short(value: float, *, sign: bool = False) -> str:
    """A metric as a reader wants it.

    >>> short(0.9341), short(-0.05, sign=True), short(float("nan"))
    ('0.934', '-0.050', 'not defined')
    """
    if math.isnan(value):
        return "not defined"
    return f"{value:+.3f}" if sign else f"{value:.3f}"


def bracket(found: Interval, *, sign: bool = False) -> str:
    """An interval as text; empty where it is not defined.

    >>> bracket(Interval(0.5, 0.75))
    '[0.500, 0.750]'
    """
    return "" if math.isnan(found.low) else f"[{short(found.low, sign=sign)}, {short(found.high, sign=sign)}]"


def gap_text(gap: Gap) -> str:
    """The difference in AUPRC, and its interval where there is one."""
    return f"{short(gap.auprc, sign=True)} {bracket(gap.auprc_interval, sign=True)}".rstrip()


def p_value(p: float) -> str:
    """A p-value as a reader wants it.

    >>> p_value(0.03141), p_value(2.5e-21), p_value(SMALLEST_P)
    ('0.031', '2.5e-21', '< 1e-300')
    """
    if math.isnan(p):
        return "not defined"
    return f"{p:.2g}" if p > SMALLEST_P else f"< {SMALLEST_P:g}"


def number(value: float) -> str:
    """Six significant digits, or ``NA``."""
    return NOT_DEFINED if math.isnan(value) else f"{value:.6g}"


def tsv(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table as text: its header, and a line of cells for each row."""
    return "".join("\t".join(line) + "\n" for line in [header, *lines])


def _summary(evaluation: Evaluation) -> Iterator[str]:
    for headline in distinct_headlines(evaluation):
        words = _ROWS[STRICT_C3 if evaluation.all_strict else headline.overlap]
        model = headline.model.values
        parts = [
            f"{evaluation.experiment.name}, {words} ({model['n']:.0f}, {model['positives']:.0f} positive)"
            f": model AUROC {short(model['auroc'])} AUPRC {short(model['auprc'])}"
        ]
        if (gap := headline.best_gap) is not None:
            chosen = "best baseline on valid" if headline.chosen_on == VALID else "best baseline"
            parts.append(f"{chosen} ({gap.baseline}) {_pair(headline, gap)}")
            parts.append(f"AUPRC gap {gap_text(gap)}")
        lost = headline.lost_gap
        if lost is not None and lost != gap:
            parts.append(f"on test {lost.baseline} does better: {_pair(headline, lost)}")
        if model["positives"] < MIN_POSITIVES:
            parts.append("few positives, so wide intervals")
        yield "; ".join(parts)
    for found in evaluation.comparisons:
        if found.where.type_pair == ALL:
            rows = _ROWS[found.where.overlap]
            yield f"{evaluation.experiment.name}, {rows}, beside energy: {_beside_energy(found)}"


def _summary_of_two(both: SideBySide) -> Iterator[str]:
    for found in both.comparisons:
        if found.where.type_pair == ALL:
            n = found.methods[both.one].values["n"]
            told = "; ".join(
                f"{contrast.name}: AUPRC {gap_text(gap)}: {contrast.answer(gap)}" for contrast, gap in found.gaps
            )
            yield f"{both.one} and {both.other}, {_ROWS[found.where.overlap]} of both ({n:.0f}): {told}"


def _beside_energy(found: Comparison) -> str:
    energy = found.methods[ENERGY].values
    told = [f"energy AUROC {short(energy['auroc'])} AUPRC {short(energy['auprc'])}"]
    told += [f"{contrast.name}: AUPRC {gap_text(gap)}: {contrast.answer(gap)}" for contrast, gap in found.gaps]
    if COMBINED not in found.methods:
        told.append(f"without {VALID} pairs of both classes there is no {COMBINED}")
    return "; ".join(told)


def _pair(headline: Headline, gap: Gap) -> str:
    values = headline.baselines[gap.baseline].values
    return f"{short(values['auroc'])} / {short(values['auprc'])}"


def _as_json(evaluation: Evaluation) -> dict[str, Any]:
    experiment = evaluation.experiment
    return {
        "name": experiment.name,
        "rnas": len(experiment.rnas.rnas),
        "train_rows": len(experiment.train.label),
        "evaluated_rows": len(evaluation.rows),
        "augmented_rows_left_out": experiment.augmented_rows,
        "type_pairs": experiment.kinds,
        "strategies": experiment.strategies,
        "thresholds": evaluation.thresholds,
        "calibration": evaluation.calibrations[MODEL]._asdict() if MODEL in evaluation.calibrations else None,
        "headlines": [_headline_json(headline) for headline in evaluation.headlines.values()],
        "overlap": {
            "sharing": [found._asdict() for found in evaluation.audit.sharing],
            "copies": [found._asdict() for found in evaluation.audit.copies],
            "pairs_in_both_orders": evaluation.audit.both_orders,
            "largest_order_difference": evaluation.audit.order_difference,
            "score_degree_correlation": evaluation.audit.score_degree,
        },
        "metrics": [_measurement_json(measured) for measured in evaluation.measurements],
        **_energy_json(evaluation),
    }


def _energy_json(evaluation: Evaluation) -> dict[str, Any]:
    """The comparison of model and energy; nothing where the table has no energies."""
    energies = evaluation.experiment.energies
    if energies is None:
        return {}
    comparisons = [_comparison_json(found) for found in evaluation.comparisons]
    return {"energy": {"engines": energies.engines, "unknown": energies.unknown, "comparisons": comparisons}}


def _compared_json(both: SideBySide) -> dict[str, Any]:
    return {**both._asdict(), "comparisons": [_comparison_json(found) for found in both.comparisons]}


def _comparison_json(found: Comparison) -> dict[str, Any]:
    return {
        "type_pair": found.where.type_pair,
        "overlap": found.where.overlap,
        "answers": {contrast.name: contrast.answer(gap) for contrast, gap in found.gaps},
        "numbers": [told._asdict() for told in found.numbers()],
    }


def _headline_json(headline: Headline) -> dict[str, Any]:
    return {
        "overlap": headline.overlap,
        "best_baseline": headline.best,
        "chosen_on": headline.chosen_on,
        "gaps": [{**_gap_json(gap), **headline.by_query[gap.baseline]._asdict()} for gap in headline.gaps],
        "units": [found._asdict() for found in headline.units],
    }


def _gap_json(gap: Gap) -> dict[str, Any]:
    return {**gap._asdict(), "auroc_interval": list(gap.auroc_interval), "auprc_interval": list(gap.auprc_interval)}


def _measurement_json(measured: Measurement) -> dict[str, Any]:
    found = {metric: list(bounds) for metric, bounds in measured.intervals.items()}
    return {**measured.where._asdict(), "method": measured.method, **measured.values, "intervals": found}


def _plain(value: Any) -> Any:
    """Numbers of six digits, and null for what is not defined: NaN is no JSON."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, float):
        return None if math.isnan(value) else int(value) if value.is_integer() else float(f"{value:.6g}")
    return value
