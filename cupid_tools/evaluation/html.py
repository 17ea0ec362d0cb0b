"""The report as one page that needs no network. Every text from an input is escaped."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from cupid_tools.evaluation.baselines import BASELINES
from cupid_tools.evaluation.baselines.data import FIT_ROWS
from cupid_tools.evaluation.evaluate import MIN_POSITIVES, Evaluation, Headline, distinct_headlines
from cupid_tools.evaluation.experiment import ALL, MODEL, OVERLAPS
from cupid_tools.evaluation.explanations import Told, explained_section
from cupid_tools.evaluation.figures import Drawn
from cupid_tools.evaluation.html_comparisons import HEADLINE_NAMES, beside_energy, compared_section, wilcoxon
from cupid_tools.evaluation.markup import figure, gap_cell, header_cell, table, value_cell
from cupid_tools.evaluation.measurements import Measurement
from cupid_tools.evaluation.side_by_side import SideBySide
from cupid_tools.evaluation.style import CSS
from cupid_tools.evaluation.tables import LABELS, best_values, bracket, short
from cupid_tools.evaluation.verdict import judge
from cupid_tools.io.pairs import ENERGY
from cupid_tools.sampling.relatives import K
from cupid_tools.vocab import TEST, VALID

_RANKING = ("n", "positives", "prevalence", "auroc", "auprc", "auprc_ratio", "recall_at_5_fdr", "query_auprc_median")
_CALLS = ("mcc", "f1", "balanced_accuracy", "precision", "recall")
_CALIBRATED = f"calibration, of scores as they are and as the {VALID} rows rescale them"
_CALIBRATION = ("ece", "ece_calibrated", "brier", "brier_calibrated")


@dataclass(frozen=True)
class About:
    """What the page tells beside results.

    Attributes:
        title: heading.
        relatives: how relatives were found, in words.
        units: what the bootstrap drew, in words.
        bootstrap: replicates.
        level: of the intervals.
        genes: pairs were merged by gene.
        augmented: rows that augmentation made were used.
        settings, inputs, versions: name -> value; inputs are SHA-256 digests.
    """

    title: str
    relatives: str
    units: str
    bootstrap: int
    level: float
    genes: bool
    augmented: bool
    settings: Mapping[str, Any]
    inputs: Mapping[str, str]
    versions: Mapping[str, str]


def page(
    evaluations: Sequence[Evaluation],
    compared: Sequence[SideBySide],
    figures: Sequence[Sequence[Drawn]],
    about: About,
    explained: Sequence[Told] = (),
) -> str:
    """Compose the page; *compared* are every two experiments, *figures* those of each, *explained* the best pairs."""
    title = escape(about.title)
    body = [
        f"<header><h1>{title}</h1>{_subtitle(evaluations)}{_navigation(evaluations, compared, explained)}</header>",
        f'<main><div class="cards" id="verdict">{"".join(map(_card, evaluations))}</div>',
        *(_section(index, *both) for index, both in enumerate(zip(evaluations, figures, strict=True))),
        compared_section(compared),
        explained_section(explained),
        _meaning(evaluations),
        _methods(evaluations, about),
        "</main><footer>Written by cupid-tools. This page needs no network and keeps no date: equal inputs and "
        "settings give equal pages.</footer>",
    ]
    head = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{CSS}</style></head>"
    )
    return f"{head}<body>{''.join(body)}</body></html>\n"


def _subtitle(evaluations: Sequence[Evaluation]) -> str:
    pairs = sum(len(evaluation.rows) for evaluation in evaluations)
    tables = "1 score table" if len(evaluations) == 1 else f"{len(evaluations)} score tables"
    return f'<p class="quiet">{tables}, {pairs:,} evaluated pairs: who interacts, and how far to trust the answer.</p>'


def _navigation(evaluations: Sequence[Evaluation], compared: Sequence[SideBySide], explained: Sequence[Told]) -> str:
    links = [("verdict", "Verdict")]
    links += [(f"e{index}", evaluation.experiment.name) for index, evaluation in enumerate(evaluations)]
    links += [("compared", "Side by side")] if compared else []
    links += [("explained", "Where the best pairs bind")] if explained else []
    links += [("meaning", "What the numbers mean"), ("methods", "Methods and settings")]
    items = "".join(f'<li><a href="#{target}">{escape(name)}</a></li>' for target, name in links)
    return f'<nav aria-label="Contents"><ul>{items}</ul></nav>'


def _card(evaluation: Evaluation) -> str:
    verdict = judge(evaluation)
    headlines = evaluation.headlines
    panels = "".join(_panel(headlines.get(overlap), name) for overlap, name in HEADLINE_NAMES.items())
    if evaluation.all_strict:
        panels = _panel(headlines[ALL], "All test pairs; all are of strictly unseen RNAs")
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in verdict.reasons)
    return (
        f'<section class="card {verdict.grade}"><h2>{escape(evaluation.experiment.name)}</h2>'
        f'<p class="verdict">{escape(verdict.sentence)}</p><ul>{reasons}</ul>'
        f'<div class="numbers">{panels}</div></section>'
    )


def _panel(headline: Headline | None, name: str) -> str:
    if headline is None or not headline.model.defined():
        return f'<div class="panel"><h3>{name}</h3><p class="none">No pairs of both classes.</p></div>'
    model = headline.model
    numbers = "".join(
        f'<div class="big">{short(model.values[metric])}<small>{shown} {bracket(model.interval(metric))}</small></div>'
        for metric, shown in (("auroc", "AUROC"), ("auprc", "AUPRC"))
    )
    told = f"{_opponent(headline)}{_drawn(headline)}"
    return f'<div class="panel"><h3>{name}</h3><div class="pair">{numbers}</div>{told}</div>'


def _opponent(headline: Headline) -> str:
    values, gap = headline.model.values, headline.best_gap
    about = (
        f"{values['n']:,.0f} pairs, {values['positives']:,.0f} positive; chance is AUROC 0.5, "
        f"AUPRC {values['prevalence']:.3f}."
    )
    if gap is None:
        return f'<p class="quiet">{about}</p>'
    best = best_values(headline)
    return (
        f"<p>{_chosen(headline)}: <b>{escape(gap.baseline)}</b> {short(best['auroc'])} / {short(best['auprc'])}. "
        f"Model minus baseline: AUROC {short(gap.auroc, sign=True)} {bracket(gap.auroc_interval, sign=True)}, "
        f"<b>AUPRC {short(gap.auprc, sign=True)} {bracket(gap.auprc_interval, sign=True)}</b>.</p>"
        f'<p class="quiet">{about}</p>'
    )


def _chosen(headline: Headline) -> str:
    return f"Simple baseline chosen on {VALID}" if headline.chosen_on == VALID else "Best simple baseline"


def _drawn(headline: Headline) -> str:
    """What the intervals of a headline rest on."""
    drawn = ", ".join(
        f"{found.units:,} of {escape(found.rna_type)} (the largest in {found.largest:.0%} of the pairs)"
        for found in headline.units
    )
    return f'<p class="quiet">Units that intervals draw: {drawn}.</p>'


def _section(index: int, evaluation: Evaluation, figures: Sequence[Drawn]) -> str:
    parts = [
        f'<section id="e{index}"><h2>{escape(evaluation.experiment.name)}</h2>',
        f'<div class="figures">{"".join(figure(drawn) for drawn in figures if drawn.name != ENERGY)}</div>',
        "<h3>The model by what test pairs share with train</h3>",
        _metric_tables([(name, evaluation.find(overlap=name)) for name in OVERLAPS], "Test pairs"),
        "<h3>Model and baselines</h3>",
        *(f"{_baseline_table(headline)}{wilcoxon(headline)}" for headline in distinct_headlines(evaluation)),
        *_by_strategy(evaluation),
        *beside_energy(evaluation, figures),
        "<h3>What test and valid share with train</h3>",
        _sharing_table(evaluation),
        _copies(evaluation),
        *_detail_tables(evaluation),
        "</section>",
    ]
    return "".join(parts)


def _metric_tables(found: Iterable[tuple[str, Measurement | None]], caption: str) -> str:
    """Tables that are no wider than a page: how pairs are ranked, how they are called, and what scores stand for."""
    shown = [(name, measured) for name, measured in found if measured is not None]
    tables = []
    for metrics, what in ((_RANKING, "ranking"), (_CALLS, "calls at the threshold"), (_CALIBRATION, _CALIBRATED)):
        rows = [[header_cell(name), *(value_cell(measured, metric) for metric in metrics)] for name, measured in shown]
        tables.append(table(["class", *(LABELS[metric] for metric in metrics)], rows, f"{caption}: {what}."))
    return "".join(tables)


def _by_strategy(evaluation: Evaluation) -> Iterator[str]:
    """Model and best baseline by what pairs share with train and how negatives were drawn; for several strategies."""
    names = evaluation.experiment.strategies
    if len(names) < 2:
        return
    best = evaluation.headlines[ALL].best
    rows = [
        [header_cell(overlap), *(_strategy_cell(evaluation, best, overlap, name) for name in names)]
        for overlap in OVERLAPS
        if evaluation.find(overlap=overlap) is not None
    ]
    also = f", and below it of {best}, the baseline in the headline" if best else ""
    yield "<h3>Negatives of several strategies</h3>"
    yield table(
        ["class", *names],
        rows,
        f"AUROC / AUPRC of the model on the test positives against the negatives of each strategy{also}. Where "
        "negatives are drawn without regard to how often an RNA occurs (uniform), popular RNAs alone tell positives "
        "apart; degree-preserving negatives take that away. AUPRC compares only between equal shares of positives.",
    )


def _strategy_cell(evaluation: Evaluation, best: str | None, overlap: str, strategy: str) -> str:
    model = evaluation.find(overlap=overlap, strategy=strategy)
    if model is None or not model.defined():
        return '<td class="none">not defined</td>'
    told = f"{model.values['positives']:,.0f} of {model.values['n']:,.0f} positive"
    baseline = evaluation.find(best, overlap=overlap, strategy=strategy) if best else None
    beside = f"<small>{_both_areas(baseline)}</small>" if baseline else ""
    return f"<td>{_both_areas(model)}{beside}<small>{told}</small></td>"


def _both_areas(measured: Measurement) -> str:
    return f"{short(measured.values['auroc'])} / {short(measured.values['auprc'])}"


def _baseline_table(headline: Headline) -> str:
    gaps = {gap.baseline: gap for gap in headline.gaps}
    ordered = sorted(headline.baselines.values(), key=lambda measured: -_or_low(measured.values["auprc"]))
    rows = []
    for measured in [headline.model, *ordered]:
        gap = gaps.get(measured.method)
        mark = ' class="model"' if gap is None else ' class="best"' if measured.method == headline.best else ""
        cells = [
            header_cell(measured.method),
            *(value_cell(measured, metric) for metric in ("auroc", "auprc", "mcc")),
        ]
        cells += [gap_cell(gap, metric) for metric in ("auroc", "auprc")]
        summary = "the scores under test" if gap is None else _known_by(measured.method)
        rows.append((mark, [*cells, f'<td class="text">{escape(summary)}</td>']))
    header = ["method", "AUROC", "AUPRC", "MCC", "AUROC gap", "AUPRC gap", "what it knows"]
    choice = (
        f"chosen by AUPRC on the {VALID} rows"
        if headline.chosen_on == VALID
        else f"chosen on these {TEST} rows themselves, for want of {MIN_POSITIVES} {VALID} positives, in its favour"
    )
    return table(header, rows, f"{HEADLINE_NAMES[headline.overlap]}. Shaded: the best baseline, {choice}.")


def _known_by(baseline: str) -> str:
    return "the interaction energy in the table" if baseline == ENERGY else BASELINES.summary(baseline)


def _sharing_table(evaluation: Evaluation) -> str:
    header = ["split", "type", "RNAs", "in train", "same sequence in train", "relative in train"]
    header += [f"nearest in train, shared {K}-mers", "degree correlation"]
    rows = []
    for found in evaluation.audit.sharing:
        counts = (found.rnas, found.same_id, found.same_sequence, found.related)
        low, middle, high = found.nearest
        near = (
            '<td class="none">not defined</td>'
            if math.isnan(middle)
            else f"<td>{middle:.0%}<small>{low:.0%} to {high:.0%}</small></td>"
        )
        cells = [header_cell(found.split), f'<td class="text short">{escape(found.rna_type)}</td>']
        rows.append(
            [*cells, *(f"<td>{count:,}</td>" for count in counts), near, f"<td>{short(found.degree_correlation)}</td>"]
        )
    caption = (
        f"Nearest: the largest share of an RNA's {K}-mers that one train RNA holds, median and quartiles. Degree "
        "correlation: Spearman, of an RNA's positives in train and here."
    )
    return table(header, rows, caption)


def _copies(evaluation: Evaluation) -> str:
    found = evaluation.audit
    items = [
        f"{copies.split}: {copies.same_order:,} of {copies.pairs:,} pairs are also in train, "
        f"{copies.reversed_order:,} in reversed order; {copies.reversed_rnas:,} positives with both RNAs reversed."
        for copies in found.copies
    ]
    if found.both_orders:
        items.append(
            f"{found.both_orders:,} pairs stand in both orders; the largest |score(a, b) - score(b, a)| is "
            f"{found.order_difference:.3g}."
        )
    else:
        items.append("No pair stands in both orders, so this table cannot show whether scores depend on the order.")
    items.append(f"Correlation of score and degree sum on test pairs (Spearman): {short(found.score_degree)}.")
    if evaluation.experiment.augmented_rows:
        items.append(
            f"{evaluation.experiment.augmented_rows:,} rows that augmentation made are left out of all metrics."
        )
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _detail_tables(evaluation: Evaluation) -> Iterator[str]:
    """Type pairs, strategies and valid rows, folded away."""
    experiment = evaluation.experiment
    if len(experiment.kinds) > 1:
        kinds = [(name, evaluation.find(type_pair=name)) for name in experiment.kinds]
        yield _folded("Test rows by type pair", kinds)
    if len(experiment.strategies) > 1:
        strategies = [(name, evaluation.find(strategy=name)) for name in experiment.strategies]
        yield _folded("Test rows by negative strategy", strategies)
    yield _folded("Valid rows", [(name, evaluation.find(split=VALID, overlap=name)) for name in OVERLAPS])


def _folded(title: str, found: Sequence[tuple[str, Measurement | None]]) -> str:
    if all(measured is None for _, measured in found):
        return ""
    return f"<details><summary>{title}</summary>{_metric_tables(found, title)}</details>"


def _or_low(value: float) -> float:
    return -1.0 if math.isnan(value) else value


_MEANING = """\
<section id="meaning"><h2>What the numbers mean, and what they do not</h2>
<dl>
<dt>AUROC</dt>
<dd>The chance that a true pair scores above a negative one. 0.5 is guessing. It looks good even where most calls
would be wrong, because negatives are many.</dd>
<dt>AUPRC (average precision)</dt>
<dd>How pure the top of the ranking is. Guessing gives the prevalence, the share of positives among the pairs, so it
can be compared only between tables of equal prevalence; AUPRC / prevalence says how many times better than
guessing.</dd>
<dt>Seen, unseen, strictly unseen</dt>
<dd>C1: both RNAs of the test pair occur in train. C2: one does (left: that of id_a; right: that of id_b). C3:
neither does. <b>Strict</b> also counts relatives as seen. Labels are often copied to all members of a miRNA family
and to all transcripts of a gene; only strict C3 asks whether a model knows anything about RNAs that are really
new.</dd>
<dt>Baselines</dt>
<dd>Simple answers without a model of interaction: how often an RNA occurs, its composition, its relatives. A model
that does not beat them has learnt what they know. The gap between model and best baseline is the number to
quote.</dd>
<dt>Intervals</dt>
<dd>How far a number would move with other RNAs of the same kind. Two numbers whose difference has an interval that
holds zero have not been shown to differ. What is drawn are units, such as groups of relatives; where a type has few
of them, intervals are narrower than they should be.</dd>
<dt>Threshold, MCC, F1, precision, recall</dt>
<dd>Calls at one threshold, {threshold}. Precision depends on the share of negatives: in a
screen of all possible pairs it is much lower than here.</dd>
<dt>ECE, Brier, reliability</dt>
<dd>Whether a score of 0.8 means that 8 in 10 such pairs are positive <i>in a table with this share of
positives</i>. It does not carry over to another share. ECE is the mean distance of score and share, Brier the mean
squared distance of score and label; of both 0 is best. <b>Calibrated</b>: the scores rescaled by two numbers that the
valid rows alone decide, and measured on test rows; rescaling keeps the ranking, and changes no other number here. Where
valid pairs are of known RNAs and test pairs of new ones, calibrated scores still promise too much.</dd>
<dt>Rank-sum and signed-rank tests</dt>
<dd>Wilcoxon's tests, which papers report. They count pairs as if each were an independent experiment; pairs share RNAs,
so that tiny p-values come easily. Trust the intervals.</dd>
</dl>
<p><b>What they do not mean.</b> Negatives are pairs without a record, not pairs that were shown not to interact. A
database's positives are of many kinds of evidence. A good number on random pairs says that known RNAs were
recognised, not that a new RNA's partners can be found.</p>
</section>"""


def _meaning(evaluations: Sequence[Evaluation]) -> str:
    origins = sorted({_threshold_origin(evaluation) for evaluation in evaluations})
    return _MEANING.format(threshold="; or ".join(origins))


def _threshold_origin(evaluation: Evaluation) -> str:
    if evaluation.experiment.threshold is None:
        return f"chosen by MCC on the {VALID} rows, never on {TEST}"
    return f"the one that the calls in the table follow, as it has no {VALID} rows; baselines have none"


def _methods(evaluations: Sequence[Evaluation], about: About) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in _method_lines(evaluations, about))
    tables = {"Settings": about.settings, "Inputs, SHA-256": about.inputs, "Versions": about.versions}
    folded = "".join(_pairs_table(title, values) for title, values in tables.items())
    return f'<section id="methods"><h2>Methods and settings</h2><ul>{items}</ul>{folded}</section>'


def _method_lines(evaluations: Sequence[Evaluation], about: About) -> Iterator[str]:
    yield f"Relatives: {about.relatives}; joined by single linkage."
    yield (
        f"Intervals: {about.level:.0%} percentile intervals of {about.bootstrap:,} bootstrap replicates that draw "
        f"units ({about.units}) with replacement, within each type of RNA; a pair weighs as often as both its units "
        "were drawn, one inside a unit as often as that was (pigeonhole bootstrap, Owen 2007). Gaps use the same "
        "replicates for model and baseline."
    )
    yield (
        "Calibration: Platt's logistic regression of the label on the score (its log odds, where scores are in "
        f"[0, 1]), fitted on {VALID} rows and measured on {TEST} rows alone; not there without {VALID} rows."
    )
    yield (
        "Ties: equal scores are one cut point. AUPRC is average precision. What one class alone cannot define is 'not "
        "defined'."
    )
    yield (
        f"Baselines are fitted on {'all' if about.augmented else 'original'} train rows only, regressions on sequences "
        f"on at most {FIT_ROWS:,} of them. First RNA: of the type that more often stands in id_a in train. Each "
        "answers alike for (a, b) and (b, a)."
    )
    if about.genes:
        yield (
            "Genes: pairs of isoforms of the same two genes are one pair; its label and scores are their maximum. A "
            "gene is seen where any of its isoforms is in train."
        )
    for evaluation in evaluations:
        yield f"{evaluation.experiment.name}: {_told(evaluation)}"


def _told(evaluation: Evaluation) -> str:
    experiment = evaluation.experiment
    train = len(experiment.train.label)
    fitted = f", regressions on {FIT_ROWS:,} of them" if train > FIT_ROWS else ""
    threshold = evaluation.thresholds[MODEL]
    return (
        f"{len(experiment.rnas.rnas):,} RNAs, {train:,} train rows{fitted}, {len(evaluation.rows):,} evaluated rows; "
        f"threshold {threshold:.4g}, {_threshold_origin(evaluation)}; negatives: {', '.join(experiment.strategies)}."
    )


def _pairs_table(title: str, values: Mapping[str, Any]) -> str:
    rows = [
        [header_cell(name), f'<td class="text"><code>{escape(str(value))}</code></td>']
        for name, value in values.items()
    ]
    return f"<details><summary>{escape(title)}</summary>{table(['name', 'value'], rows, '')}</details>"
