"""The tables and the figure that tell how well types of RNAs are told."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cupid_tools.evaluation.figures import draw
from cupid_tools.evaluation.type_metrics import Measured
from cupid_tools.io.atomic import atomic_write
from cupid_tools.vocab import UNKNOWN_TYPE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METRIC_COLUMNS = ("type", "metric", "value", "low", "high")
_INCHES_A_TYPE, _MARGIN = 0.42, 1.6

Counts = NDArray[np.int64]


def write_metrics(path: str | os.PathLike[str], measured: Iterable[Measured]) -> None:
    """Write one line a metric; what is not defined is ``NA``."""
    with atomic_write(path) as handle:
        handle.write("\t".join(METRIC_COLUMNS) + "\n")
        for kind, metric, value, (low, high) in measured:
            handle.write("\t".join([kind, metric, *map(_cell, (value, low, high))]) + "\n")


def write_confusion(path: str | os.PathLike[str], table: Counts, names: tuple[str, ...]) -> None:
    """Write how many RNAs of each type, one a row, were called what; see ``type_metrics.confusion_table``."""
    with atomic_write(path) as handle:
        handle.write("\t".join(["type", *_columns(table, names)]) + "\n")
        for name, row in zip(names, table.tolist(), strict=True):
            handle.write("\t".join([name, *map(str, row)]) + "\n")


def draw_confusion(table: Counts, names: tuple[str, ...]) -> str:
    """The same as an SVG: each row is coloured by the shares of its type; types that do not occur are left out."""
    there = table.sum(axis=1) > 0
    rows = [name for name, shown in zip(names, there, strict=True) if shown]
    counts = table[there]
    columns = _columns(table, names)

    def paint(axes: Axes) -> None:
        figure = axes.get_figure(root=True)
        assert figure is not None
        figure.set_size_inches(_MARGIN + _INCHES_A_TYPE * len(columns), _MARGIN + _INCHES_A_TYPE * len(rows))
        shares = counts / counts.sum(axis=1, keepdims=True)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.4, aspect="auto")
        for (row, column), count in np.ndenumerate(counts):
            if count:
                axes.text(column, row, f"{count:,}", ha="center", va="center", fontsize=7)
        axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right", fontsize=8)
        axes.set_yticks(range(len(rows)), rows, fontsize=8)
        axes.set(xlabel="called", ylabel="type")
        axes.grid(visible=False)

    return draw("confusion-of-types", paint)


def _columns(table: Counts, names: tuple[str, ...]) -> list[str]:
    return [*names[: table.shape[1] - 1], UNKNOWN_TYPE]


def _cell(value: float) -> str:
    return "NA" if math.isnan(value) else f"{value:.6g}"
