"""Pieces of the page that its parts share. Every text from an input is escaped."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from cupid_tools.evaluation.figures import Drawn
from cupid_tools.evaluation.measurements import Gap, Measurement
from cupid_tools.evaluation.tables import bracket, short

_TEXT_COLUMNS = ("type", "what it knows", "value", "difference", "ranked by", "answer")


def table(header: Sequence[str], rows: Iterable[list[str] | tuple[str, list[str]]], caption: str) -> str:
    """A table that scrolls, its caption above it; a row may be cells, or its attributes and cells."""
    head = "".join(f'<th scope="col"{_text_class(name)}>{escape(name)}</th>' for name in header)
    marked = [row if isinstance(row, tuple) else ("", row) for row in rows]
    body = "".join(f"<tr{mark}>{''.join(cells)}</tr>" for mark, cells in marked)
    told = f'<p class="quiet">{escape(caption)}</p>' if caption else ""  # not in the table, which may scroll
    return f'{told}<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _text_class(column: str) -> str:
    return ' class="text"' if column in _TEXT_COLUMNS else ""


def header_cell(text: str) -> str:
    """The cell that names a row."""
    return f'<th scope="row">{escape(text)}</th>'


def value_cell(measured: Measurement, metric: str) -> str:
    """A metric with its interval below it."""
    value = measured.values[metric]
    if metric in ("n", "positives"):
        return f"<td>{value:,.0f}</td>"
    if math.isnan(value):
        return '<td class="none">not defined</td>'
    text = f"{value:.2f}" if metric == "auprc_ratio" else short(value)
    found = bracket(measured.interval(metric))
    if metric == "query_auprc_median":
        found = f"{short(measured.values['query_auprc_q25'])} to {short(measured.values['query_auprc_q75'])}"
    return f"<td>{text}{f'<small>{found}</small>' if found else ''}</td>"


def gap_cell(gap: Gap | None, metric: str) -> str:
    """A difference with its interval below it; empty where there is none."""
    if gap is None:
        return "<td><small></small></td>"
    value, bounds = getattr(gap, metric), getattr(gap, f"{metric}_interval")
    return f"<td>{short(value, sign=True)}<small>{bracket(bounds, sign=True)}</small></td>"


def figure(drawn: Drawn) -> str:
    """A figure with its heading and caption."""
    svg = drawn.svg.replace("<svg ", f'<svg role="img" aria-label="{escape(drawn.title)}" ', 1)
    return f"<figure><h3>{escape(drawn.title)}</h3>{svg}<figcaption>{escape(drawn.caption)}</figcaption></figure>"


def bullets(items: Iterable[str]) -> str:
    """A list of texts."""
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"
