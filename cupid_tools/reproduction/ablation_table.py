"""The files of an ablation: tables, a figure for each of two questions, curves and models."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from cupid_tools.evaluation.figures import draw
from cupid_tools.evaluation.folder import MARKER
from cupid_tools.evaluation.tables import NOT_DEFINED
from cupid_tools.reproduction.ablation import METRICS, Effect, Trained, Values, name_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TOOL = "cupid-pretrain"
MODELS_TABLE, EFFECTS_TABLE = "models.tsv", "effects.tsv"
_FIGURES = {
    "errors.svg": ("character_error_rate", "character error rate"),
    "types.svg": ("type_f1_macro", "F1 macro of RNA types"),
}
_RATES = (0.0, 0.001, 0.01, 0.1, 1.0)
_LINEAR_BELOW = 1e-3
"""Error rates below this are drawn on a linear scale, so that 0 has a place."""


def ablation_files(
    factors: Mapping[str, Values], trained: Sequence[Trained], effects: Sequence[Effect], about: Mapping[str, Any]
) -> dict[str, str | bytes]:
    """Every file of the folder: relative name -> content.

    Args:
        factors: setting -> values.
        trained: all combinations.
        effects: of the settings.
        about: what else the summary tells, ready for JSON.
    """
    files: dict[str, str | bytes] = {
        MODELS_TABLE: models_tsv(factors, trained),
        EFFECTS_TABLE: effects_tsv(effects),
        "curves.tsv": _curves_tsv(trained),
    }
    for name, (metric, label) in _FIGURES.items():
        files[name] = draw(name.partition(".")[0], partial(_paint, factors, trained, metric, label))
    files |= {f"models/{name_of(one.values)}.safetensors": one.file.read_bytes() for one in trained}
    told = {"tool": TOOL, **about, "factors": dict(factors), "files": sorted([*files, MARKER])}
    return {**files, MARKER: json.dumps(told, indent=1) + "\n"}


def models_tsv(factors: Mapping[str, Values], trained: Sequence[Trained]) -> str:
    """A line a model: its settings, how many numbers it has learned, and its last epoch."""
    rows = [[*factors, "parameters", *METRICS]]
    rows += [
        [*map(str, one.values), str(one.parameters), *(_number(getattr(one.last, metric)) for metric in METRICS)]
        for one in trained
    ]
    return _tsv(rows)


def effects_tsv(effects: Sequence[Effect]) -> str:
    """A line for each setting and metric: mean, least and largest difference over the combinations of all others."""
    rows = [["setting", "from", "to", "metric", "models", "mean", "least", "largest"]]
    for one in effects:
        found = one.differences
        numbers = (sum(found) / len(found), min(found), max(found))
        rows.append([one.factor, str(one.before), str(one.after), one.metric, str(len(found)), *map(_number, numbers)])
    return _tsv(rows)


def _curves_tsv(trained: Sequence[Trained]) -> str:
    columns = list(asdict(trained[0].last))
    rows = [["model", *columns]]
    rows += [[name_of(one.values), *map(_number, asdict(row).values())] for one in trained for row in one.curves]
    return _tsv(rows)


def _paint(factors: Mapping[str, Values], trained: Sequence[Trained], metric: str, label: str, axes: Axes) -> None:
    """For each setting a column of points a value; a line joins models that differ in nothing else."""
    ticks: list[tuple[float, str]] = []
    for place, (factor, values) in enumerate(factors.items()):
        spots = {value: place * (len(values) + 1.0) + number for number, value in enumerate(values)}
        ticks += [(spot, _shown(factor, value)) for value, spot in spots.items()]
        lines: dict[Values, list[tuple[float, float]]] = {}
        for one in trained:
            value = getattr(one.last, metric)
            if not math.isnan(value):
                key = (*one.values[:place], *one.values[place + 1 :])
                lines.setdefault(key, []).append((spots[one.values[place]], value))
        for points in lines.values():
            axes.plot(*zip(*sorted(points), strict=True), marker="o", markersize=3, linewidth=0.8, alpha=0.7)
    axes.set_xticks([spot for spot, _ in ticks], [text for _, text in ticks], rotation=35, ha="right")
    axes.set_ylabel(label)
    if metric == "character_error_rate":
        axes.set_yscale("symlog", linthresh=_LINEAR_BELOW)
        axes.set_yticks(_RATES, [f"{100 * rate:g} %" for rate in _RATES])
        axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.margins(y=0.1)


def _shown(factor: str, value: Any) -> str:
    """What a column is called: names speak for themselves, numbers do not."""
    return value if isinstance(value, str) else f"{factor.replace('_', ' ')} {value:g}"


def _number(value: float) -> str:
    return NOT_DEFINED if math.isnan(value) else f"{value:.6g}"


def _tsv(rows: Sequence[Sequence[str]]) -> str:
    return "".join("\t".join(row) + "\n" for row in rows)
