"""Figures as SVG texts: no global state, and equal inputs give equal bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cupid_tools.evaluation.audit import spearman
from cupid_tools.evaluation.evaluate import Evaluation, distinct_headlines
from cupid_tools.evaluation.experiment import ALL, MODEL, OVERLAPS
from cupid_tools.evaluation.metrics import (
    Cuts,
    Floats,
    Labels,
    Reliability,
    are_probabilities,
    confusion,
    cuts,
    reliability,
)
from cupid_tools.evaluation.tables import LABELS, short
from cupid_tools.io.pairs import ENERGY
from cupid_tools.sampling.coded import Codes
from cupid_tools.sampling.seeds import rng_for
from cupid_tools.vocab import TEST, VALID

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (4.7, 3.7)
"""Inches: narrow enough to be read on a phone."""
MODEL_COLOUR, BASELINE_COLOUR, QUIET = "#0b5fa5", "#d4650f", "#6b7280"
CURVE_POINTS = 800
HISTOGRAM_BINS = 30
DOTS = 800
"""Of each class: more hide each other, and make the page large."""
HEAT_METRICS = ("auroc", "auprc", "mcc", "f1", "balanced_accuracy", "precision", "recall")

_STYLE: dict[Any, Any] = {
    "text.parse_math": False,  # a $ in a name is a $
    "svg.fonttype": "none",  # text stays text: searchable, and read aloud
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so the layout is the same everywhere
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": QUIET,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e5e7eb",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
}
_ABOVE: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1, 1), "ncols": 2, "borderaxespad": 0.2}
"""Where a legend hides nothing."""
_PROLOGUE = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_IDENTIFIERS = re.compile(r'(\bid="|url\(#|href="#)')
_FONTS = "DejaVu Sans, system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif"

Curves = Mapping[str, Floats]


class Drawn(NamedTuple):
    """One figure: its name, heading, what it shows, and the SVG."""

    name: str
    title: str
    caption: str
    svg: str


def draw_all(prefix: str, evaluation: Evaluation, curves: Curves | None) -> list[Drawn]:
    """Draw every figure that the results of one experiment allow.

    Args:
        prefix: what makes the identifiers inside the SVGs unique on a page of several experiments.
        evaluation: the results.
        curves: epoch, train_loss and valid_loss of the training; None where not given.
    """
    wanted = [plot for plot in _PLOTS if plot.name != "reliability" or _reliabilities(evaluation)]
    drawn = [
        Drawn(plot.name, plot.title, plot.caption, draw(f"{prefix}-{plot.name}", partial(plot.paint, evaluation)))
        for plot in wanted
    ]
    if evaluation.comparisons:
        drawn.append(_drawn_energy(prefix, evaluation))
    if curves is not None:
        svg = draw(f"{prefix}-loss", partial(_loss, curves))
        drawn.append(Drawn("loss", "Training", "Mean loss of train and valid rows after each epoch.", svg))
    return drawn


def draw(name: str, paint: Callable[[Axes], Any]) -> str:
    """Let *paint* fill one pair of axes, and return the SVG; *name* makes its identifiers unique on a page."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=SIZE, layout="constrained")
        FigureCanvasSVG(figure)
        paint(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = _PROLOGUE.sub("", buffer.getvalue())
    svg = _IDENTIFIERS.sub(rf"\g<1>{name}-", svg)
    return svg.replace("font: 9px 'DejaVu Sans'", f"font: 9px {_FONTS}")


def _lines(evaluation: Evaluation) -> list[tuple[str, Cuts, dict[str, Any]]]:
    """Model and best baseline on test and valid: label, counts at every cut, and style."""
    headline = evaluation.headlines[ALL]
    methods = [(MODEL, MODEL_COLOUR)] + ([(headline.best, BASELINE_COLOUR)] if headline.best else [])
    lines = []
    for method, colour in methods:
        for split, style in ((TEST, "-"), (VALID, ":")):
            rows = evaluation.rows.of_split(split)
            if rows.any():
                found = cuts(evaluation.rows.label[rows], evaluation.rows.scores[method][rows])
                lines.append((f"{method}, {split}", found, {"color": colour, "linestyle": style}))
    return lines


def _thinned(values: Floats) -> Floats:
    """At most ``CURVE_POINTS`` of the values, the ends included."""
    return values[np.unique(np.linspace(0, len(values) - 1, CURVE_POINTS).astype(np.int64))]


def _precision_recall(evaluation: Evaluation, axes: Axes) -> None:
    for label, (_, tp, fp), style in _lines(evaluation):
        recall, precision = _thinned(tp / tp[-1]), _thinned(tp / (tp + fp))
        axes.plot(np.append(0, recall), np.append(precision[0], precision), drawstyle="steps-pre", label=label, **style)
    axes.axhline(_test_value(evaluation, "prevalence"), color=QUIET, linestyle=(0, (1, 2)), linewidth=1)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="upper right")


def _roc(evaluation: Evaluation, axes: Axes) -> None:
    for label, (_, tp, fp), style in _lines(evaluation):
        axes.plot(np.append(0, _thinned(fp / fp[-1])), np.append(0, _thinned(tp / tp[-1])), label=label, **style)
    axes.plot([0, 1], [0, 1], color=QUIET, linestyle=(0, (1, 2)), linewidth=1)
    axes.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="lower right")


def _gaps(evaluation: Evaluation, axes: Axes) -> None:
    headlines = [headline for headline in distinct_headlines(evaluation) if headline.model.defined()]
    names = [gap.baseline for gap in sorted(headlines[0].gaps, key=lambda gap: -gap.auprc)]
    shifts = (0.16, -0.16) if len(headlines) > 1 else (0.0,)
    for headline, colour, shift in zip(headlines, (MODEL_COLOUR, BASELINE_COLOUR), shifts, strict=False):
        gaps = {gap.baseline: gap for gap in headline.gaps}
        where = np.arange(len(names)) + shift
        low, high = np.array([gaps[name].auprc_interval for name in names]).reshape(-1, 2).T
        axes.hlines(where, low, high, color=colour, linewidth=1.4)
        label = "all test rows" if headline.overlap == ALL else "strict C3"
        axes.plot([gaps[name].auprc for name in names], where, "o", color=colour, markersize=4, label=label)
    axes.axvline(0, color="#111827", linewidth=1)
    best = {headline.best for headline in headlines}
    axes.set_yticks(range(len(names)), [f"★ {name}" if name in best else name for name in names])
    axes.set(xlabel="AUPRC of the model minus AUPRC of the baseline", ylim=(-0.7, len(names) - 0.3))
    axes.grid(axis="y", visible=False)
    axes.legend(**_ABOVE)


def _overlap(evaluation: Evaluation, axes: Axes) -> None:
    found = [(name, evaluation.find(overlap=name)) for name in OVERLAPS]
    shown = [(name, measured) for name, measured in found if measured is not None and measured.defined()]
    for place, (name, measured) in enumerate(shown):
        low, high = measured.interval("auroc")
        axes.vlines(place, low, high, color=MODEL_COLOUR, linewidth=1.6)
        axes.plot(place, measured.values["auroc"], "o", color=MODEL_COLOUR, label=MODEL if not place else None)
        best = evaluation.headlines[ALL].best
        baseline = evaluation.find(best, overlap=name) if best else None
        if baseline is not None:
            label = None if place else best
            axes.plot(place, baseline.values["auroc"], "D", color=BASELINE_COLOUR, markersize=4, label=label)
    axes.axhline(0.5, color=QUIET, linestyle=(0, (1, 2)), linewidth=1)
    labels = [f"{name}\nn={measured.values['n']:.0f}" for name, measured in shown]
    axes.set_xticks(range(len(shown)), labels, rotation=45, ha="right", fontsize=7)
    axes.set(ylabel="AUROC", xlim=(-0.6, len(shown) - 0.4), ylim=(0, 1.02))
    axes.legend(loc="lower left")


def _histogram(evaluation: Evaluation, axes: Axes) -> None:
    rows = evaluation.rows.where(evaluation.rows.of_split(TEST))
    scores = rows.scores[MODEL]
    edges = np.linspace(scores.min(), max(scores.max(), scores.min() + 1e-9), HISTOGRAM_BINS + 1)
    for label, name, colour in ((0, "negatives", QUIET), (1, "positives", MODEL_COLOUR)):
        counts = np.histogram(scores[rows.label == label], edges)[0]
        axes.stairs(counts / max(1, counts.sum()), edges, fill=True, alpha=0.45, color=colour, label=name)
    axes.axvline(evaluation.thresholds[MODEL], color="#111827", linestyle="--", linewidth=1)
    axes.set(xlabel="score", ylabel="share of the class", ylim=(0, None))
    axes.legend(**_ABOVE)


def _confusion(evaluation: Evaluation, axes: Axes) -> None:
    rows = evaluation.rows.where(evaluation.rows.of_split(TEST))
    tp, fp, fn, tn = confusion(rows.label, rows.scores[MODEL], evaluation.thresholds[MODEL])
    table = np.array([[tp, fn], [fp, tn]])
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.4, aspect="auto")
    for (row, column), count in np.ndenumerate(table):
        axes.text(column, row, f"{count:,}\n{shares[row, column]:.0%}", ha="center", va="center", fontsize=11)
    axes.set_xticks([0, 1], ["called positive", "called negative"])
    axes.set_yticks([0, 1], ["positive", "negative"], rotation=90, va="center")
    axes.grid(visible=False)


def _heat_map(evaluation: Evaluation, axes: Axes) -> None:
    kinds = evaluation.experiment.kinds
    wanted = [(kind, TEST, kind) for kind in kinds if len(kinds) > 1]
    wanted += [(f"{ALL if len(kinds) > 1 else kinds[0]}, {split}", split, ALL) for split in (TEST, VALID)]
    found = [(name, evaluation.find(split=split, type_pair=kind)) for name, split, kind in wanted]
    shown = [(name, measured) for name, measured in found if measured is not None]
    values = np.array([[measured.values[metric] for metric in HEAT_METRICS] for _, measured in shown])
    axes.imshow(np.nan_to_num(values), cmap="Blues", vmin=0, vmax=1.4, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        text = "n/d" if np.isnan(value) else f"{value:.2f}"
        axes.text(column, row, text, ha="center", va="center", fontsize=8)
    axes.set_xticks(range(len(HEAT_METRICS)), [LABELS[metric] for metric in HEAT_METRICS], rotation=35, ha="right")
    axes.set_yticks(range(len(shown)), [name for name, _ in shown])
    axes.grid(visible=False)


def _reliabilities(evaluation: Evaluation) -> list[tuple[str, str, Reliability]]:
    """Test scores as they are, where they read as probabilities, and calibrated: label, colour, curve."""
    rows = evaluation.rows.where(evaluation.rows.of_split(TEST))
    scores, calibration = rows.scores[MODEL], evaluation.calibrations.get(MODEL)
    drawn = [("scores as they are", MODEL_COLOUR, scores)] if are_probabilities(scores) else []
    if calibration is not None:
        drawn.append((f"calibrated on {VALID}", BASELINE_COLOUR, calibration.probabilities(scores)))
    return [(label, colour, reliability(rows.label, values)) for label, colour, values in drawn]


def _reliability(evaluation: Evaluation, axes: Axes) -> None:
    axes.plot([0, 1], [0, 1], color=QUIET, linestyle=(0, (1, 2)), linewidth=1)
    for label, colour, bins in _reliabilities(evaluation):
        axes.plot(bins.score, bins.positive, color=colour, linewidth=1, marker="o", markersize=3, label=label)
        axes.scatter(bins.score, bins.positive, s=160 * bins.rows / bins.rows.max(), color=colour, alpha=0.5)
    axes.set(xlabel="mean score", ylabel="share of positives", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="upper left")


def _drawn_energy(prefix: str, evaluation: Evaluation) -> Drawn:
    rows = evaluation.rows.where(evaluation.rows.of_split(TEST))
    energies, scores = 0.0 - rows.scores[ENERGY], rows.scores[MODEL]
    shown = _sample(rows.label, evaluation.experiment.train.seed)
    caption = (
        f"Test rows: interaction energy against the model's score; their Spearman correlation is "
        f"{short(spearman(energies, scores), sign=True)}. Left is a stronger interaction."
    )
    if len(shown) < len(rows):
        caption += f" Drawn are {DOTS:,} of a class that has more, chosen at random."
    paint = partial(_energy, energies[shown], scores[shown], rows.label[shown])
    return Drawn(ENERGY, "Energy against score", caption, draw(f"{prefix}-{ENERGY}", paint))


def _sample(labels: Labels, seed: int) -> Codes:
    """Positions of at most ``DOTS`` rows of each class, ascending."""
    order = rng_for(seed, "evaluation.figures.energy").permutation(len(labels))
    return np.sort(np.concatenate([order[labels[order] == label][:DOTS] for label in (0, 1)]))


def _energy(energies: Floats, scores: Floats, labels: Labels, axes: Axes) -> None:
    for label, name, colour, alpha in ((0, "negatives", QUIET, 0.35), (1, "positives", MODEL_COLOUR, 0.65)):
        mine = labels == label
        axes.plot(
            energies[mine], scores[mine], "o", label=name, color=colour, alpha=alpha, markersize=4, markeredgewidth=0
        )
    axes.set(xlabel="energy, kcal/mol", ylabel="score")
    axes.legend(**_ABOVE)


def _loss(curves: Curves, axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    for column, colour in (("train_loss", QUIET), ("valid_loss", MODEL_COLOUR)):
        axes.plot(curves["epoch"], curves[column], color=colour, label=column.replace("_loss", ""))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="epoch", ylabel="loss")
    axes.legend(loc="best")


def _test_value(evaluation: Evaluation, metric: str) -> float:
    return evaluation.headlines[ALL].model.values[metric]


class _Plot(NamedTuple):
    name: str
    title: str
    caption: str
    paint: Callable[[Evaluation, Axes], None]


_PLOTS = (
    _Plot(
        "precision-recall",
        "Precision and recall",
        "How many of the calls are right, as more positives are found. The dotted line is chance.",
        _precision_recall,
    ),
    _Plot(
        "roc",
        "ROC",
        "Share of positives found against share of negatives called. The diagonal is chance.",
        _roc,
    ),
    _Plot(
        "gap",
        "Model minus each baseline",
        "Difference in AUPRC on test rows with its interval. Right of zero the model is better; an interval that "
        "crosses zero tells nothing. The baseline in the headline is marked with a star.",
        _gaps,
    ),
    _Plot(
        "overlap",
        "What the pairs share with train",
        "AUROC of test rows by how much of each pair is in train: C1 both RNAs, C2 one, C3 none; strict counts "
        "relatives as known. Half is chance.",
        _overlap,
    ),
    _Plot(
        "histogram", "Scores by label", "Each class sums to one. The dashed line is the threshold of calls.", _histogram
    ),
    _Plot(
        "confusion",
        "Calls at the threshold",
        "Test rows; per cent are of the row, that is, of the true class.",
        _confusion,
    ),
    _Plot("heat-map", "Type pairs", "Metrics of the model by types of RNA; n/d is not defined.", _heat_map),
    _Plot(
        "reliability",
        "Can scores be read as probabilities?",
        "Observed share of positives by score, test rows; on the diagonal a score of 0.8 means 8 in 10. Calibrated: "
        "rescaled by what the valid rows say, never by test. The area of a dot is the number of pairs.",
        _reliability,
    ),
)
