"""The table of a paper with the figures of a repetition beside it, as TSV, as JSON, and to be read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cupid_tools.evaluation.bootstrap import UNDEFINED, Interval
from cupid_tools.evaluation.evaluate import Evaluation
from cupid_tools.evaluation.experiment import ALL
from cupid_tools.evaluation.tables import NOT_DEFINED, bracket, number, short, tsv
from cupid_tools.recipes.protocol import Figures, Variant
from cupid_tools.reproduction.datasets import DESIGNS, STRICT


class Measured(NamedTuple):
    """A variant on one class of test rows, and the best baseline there; NaN where there is none.

    Attributes:
        pairs, positives: test rows.
        auroc, auprc: of the variant, with their bootstrap intervals.
        baseline: the name of the simple baseline with the highest AUPRC on these rows, of all types, chosen on them in
            its favour; empty where there is none.
        baseline_auroc, baseline_auprc: of that.
        gap: AUPRC of the variant minus that of the baseline, with its interval where all types are judged.
    """

    pairs: float
    positives: float
    auroc: float
    auroc_interval: Interval
    auprc: float
    auprc_interval: Interval
    baseline: str
    baseline_auroc: float
    baseline_auprc: float
    gap: float
    gap_interval: Interval


class Line(NamedTuple):
    """One line of the table.

    Attributes:
        variant: as the paper has it.
        type_pair: or ``all``.
        paper: what it reports; None for nothing.
        measured: design -> what was found here; None where no test row is of that type pair.
    """

    variant: str
    type_pair: str
    paper: Figures | None
    measured: Mapping[str, Measured | None]


_INTERVALS = ("auroc_interval", "auprc_interval", "gap_interval")
_GROUPS = ("", "", "paper", "", "its split", "", "strict C3", "", "best baseline there")
_HEADER = ("variant", "type pair", *("AUROC", "AUPRC") * 3, "AUPRC", "AUPRC gap", "which")
_NOTHING = "-"


def lines(variant: Variant, evaluations: Mapping[str, Evaluation]) -> Iterator[Line]:
    """The lines of a variant: what is published, then what else the pairs hold; *evaluations* are by design."""
    found = {kind for evaluation in evaluations.values() for kind in evaluation.experiment.kinds}
    if len(found) > 1:
        found.add(ALL)
    elif ALL in variant.published:
        found = set()  # one type pair is all there is
    for type_pair in dict.fromkeys([*variant.published, *sorted(found)]):
        measured = {design: _measured(evaluation, type_pair) for design, evaluation in evaluations.items()}
        yield Line(variant.name, type_pair, variant.published.get(type_pair), measured)


def table_tsv(table: Iterable[Line]) -> str:
    """One line each; ``NA`` for what is not published, not there, or not defined."""
    header = ["variant", "type_pair", "paper_auroc", "paper_auprc"]
    header += [f"{design}_{name}" for design in DESIGNS for name in _named(_NOT_THERE)]
    rows = []
    for line in table:
        paper = line.paper or Figures(math.nan, math.nan)
        cells = [line.variant, line.type_pair, number(paper.auroc), number(paper.auprc)]
        for design in DESIGNS:
            values = _named(line.measured[design] or _NOT_THERE).values()
            cells += [value or NOT_DEFINED if isinstance(value, str) else number(value) for value in values]
        rows.append(cells)
    return tsv(header, rows)


def table_json(table: Iterable[Line]) -> list[dict[str, Any]]:
    """The same for programs; null for what is not there."""
    return [
        {
            "variant": line.variant,
            "type_pair": line.type_pair,
            "paper": line.paper and line.paper._asdict(),
            **{design: _as_json(line.measured[design]) for design in DESIGNS},
        }
        for line in table
    ]


def table_text(table: Iterable[Line]) -> str:
    """The same to be read."""
    rows = [_HEADER, *((line.variant, line.type_pair, *_figures(line), *_gap(line)) for line in table)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    groups = (*_GROUPS, *[""] * (len(_HEADER) - len(_GROUPS)))
    told = [_aligned(groups[:-2], widths), *(_aligned(row, widths) for row in rows)]
    return "".join(f"{line}\n" for line in told)


def _measured(evaluation: Evaluation, type_pair: str) -> Measured | None:
    kind = ALL if evaluation.experiment.kinds == [type_pair] else type_pair
    model = evaluation.find(type_pair=kind)
    if model is None:
        return None
    best = evaluation.headlines[ALL].least_gap
    baseline = evaluation.find(best.baseline, type_pair=kind) if best else None
    values, its = model.values, baseline.values if baseline else dict.fromkeys(model.values, math.nan)
    return Measured(
        pairs=values["n"],
        positives=values["positives"],
        auroc=values["auroc"],
        auroc_interval=model.interval("auroc"),
        auprc=values["auprc"],
        auprc_interval=model.interval("auprc"),
        baseline=best.baseline if best else "",
        baseline_auroc=its["auroc"],
        baseline_auprc=its["auprc"],
        gap=values["auprc"] - its["auprc"],
        gap_interval=best.auprc_interval if best and kind == ALL else UNDEFINED,
    )


_NOT_THERE = Measured(0, 0, math.nan, UNDEFINED, math.nan, UNDEFINED, "", math.nan, math.nan, math.nan, UNDEFINED)


def _named(found: Measured) -> dict[str, float | str]:
    """Name -> value, the bounds of intervals by themselves."""
    named: dict[str, float | str] = {}
    for name, value in found._asdict().items():
        if name in _INTERVALS:
            named |= {name.replace("interval", bound): limit for bound, limit in value._asdict().items()}
        else:
            named[name] = value
    return named


def _as_json(found: Measured | None) -> dict[str, float | str | None] | None:
    if found is None:
        return None
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value for name, value in _named(found).items()
    }


def _figures(line: Line) -> Iterator[str]:
    for found in (line.paper, *(line.measured[design] for design in DESIGNS)):
        yield from (_NOTHING, _NOTHING) if found is None else (_short(found.auroc), _short(found.auprc))


def _gap(line: Line) -> tuple[str, str, str]:
    found = line.measured[STRICT]
    if found is None or not found.baseline:
        return _NOTHING, _NOTHING, _NOTHING
    told = f"{short(found.gap, sign=True)} {bracket(found.gap_interval, sign=True)}".rstrip()
    return _short(found.baseline_auprc), told, found.baseline


def _short(value: float) -> str:
    return _NOTHING if math.isnan(value) else f"{value:.3f}"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
