"""The parts of the page that set methods against each other: baselines, energy, and other score tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from cupid_tools.evaluation.comparison import Comparison
from cupid_tools.evaluation.energy import COMBINED
from cupid_tools.evaluation.evaluate import Evaluation, Headline
from cupid_tools.evaluation.experiment import ALL, STRICT_C3, Energies
from cupid_tools.evaluation.figures import Drawn
from cupid_tools.evaluation.markup import bullets, figure, gap_cell, header_cell, table, value_cell
from cupid_tools.evaluation.side_by_side import MIN_SHARED, SideBySide
from cupid_tools.evaluation.tables import p_value, short
from cupid_tools.evaluation.verdict import answers
from cupid_tools.io.pairs import ENERGY
from cupid_tools.vocab import VALID

HEADLINE_NAMES = {ALL: "All test pairs", STRICT_C3: "Strictly unseen RNAs only"}
_MAX_ENGINES = 3
_RANK_SUM = (
    "Rank-sum p: Wilcoxon's test of positives against negatives, two-sided. It takes pairs for independent, which they "
    "are not, since they share RNAs: such p-values are far too small, and the intervals are what to trust."
)
_SIGNED_RANK = (
    "Median difference: of the AUPRC within each query (RNA of id_a) that has both classes; signed-rank p: Wilcoxon's "
    "test over these queries. They share targets, so this p-value is too small as well."
)


def wilcoxon(headline: Headline) -> str:
    """Wilcoxon's tests of the model and of each baseline, folded away: the papers use them, and they flatter."""
    rows = []
    for measured in [headline.model, *headline.baselines.values()]:
        found = headline.by_query.get(measured.method)
        median = "" if found is None else short(found.median, sign=True)
        cells = [p_value(measured.values["rank_sum_p"]), median, "" if found is None else p_value(found.p)]
        rows.append([header_cell(measured.method), *(f"<td>{escape(cell)}</td>" for cell in cells)])
    header = ["method", "rank-sum p", "median difference, model minus baseline", "signed-rank p"]
    told = table(header, rows, f"{HEADLINE_NAMES[headline.overlap]}. {_RANK_SUM} {_SIGNED_RANK}")
    return f"<details><summary>Wilcoxon's tests: {HEADLINE_NAMES[headline.overlap].lower()}</summary>{told}</details>"


def compared_section(compared: Sequence[SideBySide]) -> str:
    """Every two score tables on the test pairs that both hold; nothing for a single one."""
    if not compared:
        return ""
    intro = (
        "Each two score tables are compared on the test pairs that both hold with the same label, on equal bootstrap "
        "replicates. Strictly unseen are pairs whose RNAs, and their relatives, are in neither table's train rows."
    )
    items = bullets(map(_shared, compared))
    comparisons = [found for both in compared for found in both.comparisons]
    tables = _contrast_table(comparisons) + _tests(comparisons) if comparisons else ""
    return f'<section id="compared"><h2>Score tables side by side</h2><p>{intro}</p>{items}{tables}</section>'


def _shared(both: SideBySide) -> str:
    told = f"{both.one} and {both.other} share {both.shared:,} of the {both.smaller:,} test pairs of the smaller table"
    return f"{told}." if both.comparisons else f"{told}: fewer than {MIN_SHARED:.0%}, too few to compare them."


def _tests(comparisons: Sequence[Comparison]) -> str:
    tables = f"{_method_table(comparisons)}{_query_table(comparisons)}"
    return f"<details><summary>The scores of each table, and Wilcoxon's tests</summary>{tables}</details>"


def beside_energy(evaluation: Evaluation, figures: Sequence[Drawn]) -> Iterator[str]:
    """Whether the model knows more than energy; nothing where the table has no energies."""
    energies = evaluation.experiment.energies
    if energies is None:
        return
    yield "<h3>Model and energy</h3>"
    items = [*answers(evaluation), *_energy_notes(energies, evaluation.comparisons)]
    yield bullets(items)
    if evaluation.comparisons:
        yield f'<div class="figures">{"".join(figure(drawn) for drawn in figures if drawn.name == ENERGY)}</div>'
        whole = [found for found in evaluation.comparisons if found.where.type_pair == ALL]
        yield _comparison_tables(whole)
        if by_type := evaluation.comparisons[len(whole) :]:
            yield f"<details><summary>Model and energy by type pair</summary>{_comparison_tables(by_type)}</details>"


def _energy_notes(energies: Energies, comparisons: Sequence[Comparison]) -> Iterator[str]:
    engines = energies.engines
    computed = f" computed by {', '.join(engines)}" if 0 < len(engines) <= _MAX_ENGINES else ""
    lacking = (
        f"{energies.unknown:,} of {len(energies.values):,} evaluated pairs have none, and count as 0"
        if energies.unknown
        else "every evaluated pair has one"
    )
    yield f"Energies are kcal/mol{computed}, 0 for no interaction; {lacking}."
    yield "Energy counts as one more baseline here, though it is fitted on nothing and does know of interaction."
    if any(COMBINED in found.methods for found in comparisons):
        yield (
            f"{COMBINED}: regularised logistic regression of the label on the model's score (its log odds, where "
            f"scores are in [0, 1]) and the energy, fitted on all {VALID} rows, which it is not measured on. Intervals "
            "take the fit as it is: other valid rows would give another."
        )
    elif comparisons:
        yield f"There is no {COMBINED}, for want of {VALID} rows of both classes and with different energies."


def _comparison_tables(comparisons: Sequence[Comparison]) -> str:
    return "".join(part(comparisons) for part in (_contrast_table, _method_table, _query_table))


def _contrast_table(comparisons: Sequence[Comparison]) -> str:
    rows = [
        [
            *_row_names(found, contrast.name),
            *(gap_cell(gap, metric) for metric in ("auroc", "auprc")),
            f'<td class="text">{escape(contrast.answer(gap))}</td>',
        ]
        for found in comparisons
        for contrast, gap in found.gaps
    ]
    header = ["class", "difference", "AUROC", "AUPRC", "answer"]
    caption = "Differences on equal bootstrap replicates; the answer is what the interval of the AUPRC says."
    return table(header, rows, caption)


def _method_table(comparisons: Sequence[Comparison]) -> str:
    rows = [
        [
            *_row_names(found, method),
            *(value_cell(measured, metric) for metric in ("n", "positives", "auroc", "auprc")),
            f"<td>{escape(p_value(measured.values['rank_sum_p']))}</td>",
        ]
        for found in comparisons
        for method, measured in found.methods.items()
    ]
    return table(["class", "ranked by", "pairs", "positives", "AUROC", "AUPRC", "rank-sum p"], rows, _RANK_SUM)


def _query_table(comparisons: Sequence[Comparison]) -> str:
    rows = [
        [
            *_row_names(found, found.ranking.name),
            f"<td>{found.by_query.queries:,}</td>",
            f"<td>{short(found.by_query.median, sign=True)}</td>",
            f"<td>{escape(p_value(found.by_query.p))}</td>",
        ]
        for found in comparisons
    ]
    return table(["class", "difference", "queries", "median difference", "signed-rank p"], rows, _SIGNED_RANK)


def _row_names(found: Comparison, what: str) -> list[str]:
    """The first two cells of a row: the class of pairs, and what is told of it."""
    return [header_cell(_class_name(found)), f'<td class="text short">{escape(what)}</td>']


def _class_name(found: Comparison) -> str:
    return HEADLINE_NAMES[found.where.overlap] if found.where.type_pair == ALL else found.where.type_pair
