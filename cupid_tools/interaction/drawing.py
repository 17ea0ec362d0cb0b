"""A pair of RNAs drawn as SVG: their duplex, letter by letter, and where in a long RNA it lies.

The longer RNA stands above, from 5' to 3', the shorter one below, from 3' to 5'. Tiles behind letters are the darker,
the likelier the nucleotide pairs; orange and violet marks beside them say that hiding it lowers or raises the score.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cupid_tools.interaction.explanation import MEMBER, MODEL, THERMODYNAMICS, Explanation, Numbers, Side

if TYPE_CHECKING:
    from cupid_tools.interaction.duplex.explain import BestDuplex

SHORT = 30
"""RNAs of up to so many nucleotides are drawn whole."""
_FLANK = 8  # nucleotides of a longer one that are drawn at either end of the duplex
_COLUMNS = 60  # in a line
_PITCH, _TILE = 17, 18
_MARGIN = 46
_NARROWEST = 620
_BINS = 240

_ENERGIES = {
    MODEL: "the model's own energy",
    MEMBER: "the energy that is part of the model",
    THERMODYNAMICS: "thermodynamics, not the model",
}

_INK, _QUIET, _LINE = "#111827", "#5b6472", "#d5dae2"
_PAIRED, _SEED, _FALLS, _RISES = (11, 95, 165), "#d99a16", "#c2570c", "#6b3fa0"
_STYLE = (
    f"text{{font:12px system-ui,Helvetica,Arial,sans-serif;fill:{_INK}}}"
    ".l{font:600 13px ui-monospace,Menlo,Consolas,monospace;text-anchor:middle}"
    f".n{{font-size:10px;fill:{_QUIET};text-anchor:middle}}.q{{font-size:11px;fill:{_QUIET}}}.e{{text-anchor:end}}"
    ".w{fill:#fff}.t{font-weight:600;font-size:13px}"
)


class Column(NamedTuple):
    """One column of a duplex: positions in the RNA above and in that below, counted from 1; and whether they pair."""

    above: int | None
    below: int | None
    paired: bool


def columns_of(duplex: BestDuplex, left: tuple[int, int], right: tuple[int, int]) -> list[Column]:
    """Lay a duplex out, its first RNA from 5' to 3', its second from 3' to 5'.

    Args:
        duplex: at least one pair.
        left: how many nucleotides to show before it, of the first RNA and of the second.
        right: likewise behind it.
    """
    (above, below), (last, lowest) = duplex.pairs[0], duplex.pairs[-1]
    found = [
        Column(above - k if k <= left[0] else None, below + k if k <= left[1] else None, False)
        for k in range(max(left), 0, -1)
    ]
    for (a, b), (next_a, next_b) in itertools.pairwise(duplex.pairs):
        found += [Column(a, b, True), *_unpaired(range(a + 1, next_a), range(b - 1, next_b, -1))]
    found.append(Column(last, lowest, True))
    return found + _unpaired(range(last + 1, last + 1 + right[0]), range(lowest - 1, lowest - 1 - right[1], -1))


def _unpaired(above: range, below: range) -> list[Column]:
    return [Column(a, b, False) for a, b in itertools.zip_longest(above, below)]


def draw(explanation: Explanation) -> str:
    """A whole SVG; the same whichever RNA of the pair is named first."""
    shown = explanation.guide_last()
    columns = _columns(shown)
    most = max((float(np.abs(values).max()) for values in _importances(shown)), default=0.0)
    canvas = _Canvas(max(_NARROWEST, 2 * _MARGIN + _PITCH * min(len(columns), _COLUMNS)))
    names = f"{_short(shown.second.rna.id)} and {_short(shown.first.rna.id)}"
    _heading(canvas, shown)
    if columns:
        _name(canvas, shown.first)
        for start in range(0, len(columns), _COLUMNS):
            _Line(canvas, shown, columns, start, most).draw()
        _name(canvas, shown.second)
    for side, place in ((shown.first, 0), (shown.second, 1)):
        drawn = [column[place] for column in columns if column[place] is not None]
        if len(drawn) < len(side.rna.sequence):
            _overview(canvas, side, [position for position in drawn if position is not None], most)
    _legend(canvas, shown, most)
    return canvas.svg(f"Where {names} pair")


def _importances(shown: Explanation) -> list[Numbers]:
    return [side.importance for side in (shown.first, shown.second) if side.importance is not None]


def _columns(shown: Explanation) -> list[Column]:
    duplex = shown.duplex
    if duplex is None:
        return []
    longest, length = len(shown.first.rna.sequence), len(shown.second.rna.sequence)
    left = _flank(longest, duplex.first_start - 1), _flank(length, length - duplex.second_end)
    right = _flank(longest, longest - duplex.first_end), _flank(length, duplex.second_start - 1)
    return columns_of(duplex, left, right)


def _flank(length: int, there: int) -> int:
    """How many of the nucleotides that are *there* beside the duplex are drawn."""
    return there if length <= SHORT else min(there, _FLANK)


class _Canvas:
    """Elements of an SVG, added from top to bottom.

    Attributes:
        width: in px.
        y: where the next element goes.
    """

    def __init__(self, width: float) -> None:
        self.width = width
        self.y = 8.0
        self._parts: list[str] = []

    def text(self, x: float, y: float, text: str, kind: str = "") -> None:
        """Text on the base line *y*."""
        mark = f' class="{kind}"' if kind else ""
        self._parts.append(f'<text x="{x:g}" y="{y:g}"{mark}>{_safe(text)}</text>')

    def rect(self, x: float, y: float, width: float, height: float, fill: str, more: str = "", title: str = "") -> None:
        """A rectangle; *more* are attributes, *title* is shown where a pointer rests."""
        told = f"<title>{_safe(title)}</title>" if title else ""
        size = f'x="{x:g}" y="{y:g}" width="{width:.4g}" height="{height:g}" fill="{fill}"{more}'
        self._parts.append(f"<rect {size}>{told}</rect>" if told else f"<rect {size}/>")

    def line(self, x: float, y: float, to_y: float) -> None:
        """A vertical stroke."""
        self._parts.append(f'<path d="M{x:g} {y:g}V{to_y:g}" stroke="{_INK}" stroke-width="1.6"/>')

    def dot(self, x: float, y: float) -> None:
        """A dot."""
        self._parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="2.2" fill="{_INK}"/>')

    def svg(self, title: str) -> str:
        """The whole, as high as what was added."""
        height = self.y + 8
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width:g}" height="{height:g}" '
            f'viewBox="0 0 {self.width:g} {height:g}" role="img"><title>{_safe(title)}</title><style>{_STYLE}</style>'
            f'<rect width="{self.width:g}" height="{height:g}" fill="#fff"/>\n' + "\n".join(self._parts) + "\n</svg>\n"
        )


def _heading(canvas: _Canvas, shown: Explanation) -> None:
    canvas.y += 14
    if shown.duplex is None:
        canvas.text(_MARGIN, canvas.y, "No nucleotide of one RNA can pair with one of the other.", "t")
    else:
        canvas.text(_MARGIN, canvas.y, f"Strongest duplex ({_ENERGIES[shown.source]}); score {shown.score}", "t")
    canvas.y += 8


def _name(canvas: _Canvas, side: Side) -> None:
    canvas.y += 16
    canvas.text(_MARGIN, canvas.y, f"{_short(side.rna.id)}, {side.rna.type}, {len(side.rna.sequence):,} nt")
    canvas.y += 6


class _Line:
    """One line of a duplex: both strands, bonds between them, and around them positions and importance."""

    def __init__(self, canvas: _Canvas, shown: Explanation, columns: Sequence[Column], start: int, most: float) -> None:
        self._canvas = canvas
        self._sides = (shown.first, shown.second)
        self._columns = columns[start : start + _COLUMNS]
        self._ends = start == 0, start + _COLUMNS >= len(columns)
        self._most = most
        top = canvas.y + (10 if shown.first.importance is not None else 0)
        self._numbers = top + 10, top + 116
        self._loops = top + 14, top + 84  # upper edges of the rows
        self._stems = top + 34, top + 64
        self._strips = canvas.y, top + 121
        canvas.y = top + (131 if shown.second.importance is not None else 121)

    def draw(self) -> None:
        """Add it to the canvas, which is then ready for what comes below."""
        for place in (0, 1):
            self._strand(place)
        for index, column in enumerate(self._columns):
            if column.paired:
                self._bond(index, column)

    def _x(self, index: int) -> float:
        return _MARGIN + _PITCH * (index + 0.5)

    def _strand(self, place: int) -> None:
        side = self._sides[place]
        told = [(index, column[place], column.paired) for index, column in enumerate(self._columns)]
        placed = [(index, position, paired) for index, position, paired in told if position is not None]
        if not placed:
            return
        ends = {placed[0][1], placed[-1][1]}
        for index, position, paired in placed:
            self._letter(index, side, position, (self._stems if paired else self._loops)[place])
            if position in ends or (position % 10 == 0 and min(abs(position - end) for end in ends) > 2):
                self._canvas.text(self._x(index), self._numbers[place], f"{position}", "n")
            if side.importance is not None:
                self._strip(index, float(side.importance[position - 1]), self._strips[place])
        self._ends_of(place, side, placed[0], placed[-1])

    def _ends_of(self, place: int, side: Side, first: tuple[int, int, bool], last: tuple[int, int, bool]) -> None:
        """Mark 5' and 3' where the strand is drawn to its end, or to where the drawing stops."""
        marks = ("5'", "3'") if place == 0 else ("3'", "5'")
        final = (1, len(side.rna.sequence)) if place == 0 else (len(side.rna.sequence), 1)
        left = "…" if first[1] != final[0] else ""
        right = "…" if last[1] != final[1] else ""
        marks = marks[0] if self._ends[0] else "", marks[1] if self._ends[1] else ""
        half = _PITCH / 2 + 4
        for (index, _, paired), shift, mark, kind in (
            (first, -half, marks[0] + left, "q e"),
            (last, half, right + marks[1], "q"),
        ):
            row = self._stems if paired else self._loops
            self._canvas.text(self._x(index) + shift, row[place] + 13, mark, kind)

    def _letter(self, index: int, side: Side, position: int, y: float) -> None:
        letter, likely = side.rna.sequence[position - 1], float(side.pairing[position - 1])
        told = f"{side.rna.id} {letter}{position}: pairs with probability {likely:.2f}"
        if side.importance is not None:
            told += f", importance {side.importance[position - 1] + 0.0:+.3f}"
        stroke = f' stroke="{_SEED}" stroke-width="2"' if position in side.seed else f' stroke="{_LINE}"'
        x = self._x(index)
        self._canvas.rect(x - 7.5, y, 15, _TILE, _tile(likely), f' rx="3"{stroke}', told)
        self._canvas.text(x, y + 13.5, letter, "l w" if likely > 0.55 else "l")

    def _bond(self, index: int, column: Column) -> None:
        assert column.above is not None
        assert column.below is not None
        letters = {
            side.rna.sequence[at - 1] for side, at in zip(self._sides, (column.above, column.below), strict=True)
        }
        top, bottom = self._stems[0] + _TILE + 2, self._stems[1] - 2
        if letters == {"G", "U"}:
            self._canvas.dot(self._x(index), (top + bottom) / 2)
        else:
            self._canvas.line(self._x(index), top, bottom)

    def _strip(self, index: int, importance: float, y: float) -> None:
        shade = _shade(importance, self._most)
        if shade:
            self._canvas.rect(self._x(index) - _PITCH / 2, y, _PITCH, 8, *shade)


def _overview(canvas: _Canvas, side: Side, drawn: Sequence[int], most: float) -> None:
    """A long RNA from end to end: where it may pair, what matters, and which part the drawing shows."""
    length = len(side.rna.sequence)
    whole = canvas.width - 2 * _MARGIN
    canvas.y += 22
    canvas.text(_MARGIN, canvas.y, f"All of {_short(side.rna.id)}, 5' to 3'", "q")
    canvas.text(canvas.width - _MARGIN, canvas.y, f"{length:,} nt", "q e")
    canvas.y += 6
    edges = np.unique(np.linspace(0, length, min(length, _BINS) + 1).astype(np.int64))
    rows = 1 if side.importance is None else 2
    canvas.rect(_MARGIN, canvas.y, whole, 10 * rows, "#f6f8fa", f' stroke="{_LINE}"')
    for x, width, y, fill, more in _bins(side, edges, most):
        canvas.rect(_MARGIN + x * whole / length, canvas.y + y, width * whole / length, 10, fill, more)
    if drawn:
        x, width = ((edge * whole / length) for edge in (min(drawn) - 1, max(drawn) - min(drawn) + 1))
        outline = f' stroke="{_INK}" stroke-width="1.5"'
        canvas.rect(round(_MARGIN + x - 1, 2), canvas.y - 2, max(width, 2) + 2, 10 * rows + 4, "none", outline)
    canvas.y += 10 * rows + 4


def _bins(
    side: Side, edges: np.ndarray[tuple[int], np.dtype[np.int64]], most: float
) -> Iterator[tuple[float, float, float, str, str]]:
    """Place and width in nt, place from the top, and looks of what an overview shows of each bin of nucleotides."""
    likely = np.maximum.reduceat(side.pairing, edges[:-1])
    for start, width, value in zip(edges, np.diff(edges), likely, strict=False):
        if value >= 0.01:
            yield float(start), float(width), 0, _tile(float(value)), ""
    if side.importance is not None:
        high, low = (extreme.reduceat(side.importance, edges[:-1]) for extreme in (np.maximum, np.minimum))
        for start, width, value in zip(edges, np.diff(edges), np.where(high >= -low, high, low), strict=False):
            shade = _shade(float(value), most)
            if shade:
                yield float(start), float(width), 10, *shade


def _legend(canvas: _Canvas, shown: Explanation, most: float) -> None:
    canvas.y += 12
    x = float(_MARGIN)
    for likely in (0.0, 0.25, 0.5, 0.75, 1.0):
        canvas.rect(x, canvas.y, 14, 10, _tile(likely), f' stroke="{_LINE}"')
        x += 14
    canvas.text(x + 5, canvas.y + 9, "probability to pair, 0 to 1", "q")
    x += 160
    if shown.first.seed or shown.second.seed:
        canvas.rect(x, canvas.y, 12, 10, "#fff", f' rx="3" stroke="{_SEED}" stroke-width="2"')
        canvas.text(x + 18, canvas.y + 9, "seed, 2-8", "q")
        x += 84
    if most:
        for fill, what in ((_FALLS, "hiding it lowers"), (_RISES, "or raises the score")):
            canvas.rect(x, canvas.y, 14, 10, fill)
            canvas.text(x + 19, canvas.y + 9, what, "q")
            x += 108
    canvas.y += 12


def _shade(importance: float, most: float) -> tuple[str, str] | None:
    """Colour and attributes of a mark for *importance*, the strongest of which is *most*; None if it is not seen."""
    strength = round(abs(importance) / most, 2) if most else 0.0
    if strength < 0.02:
        return None
    return (_FALLS if importance > 0 else _RISES), f' fill-opacity="{strength:g}"'


def _tile(likely: float) -> str:
    """The colour for a probability, from white to blue."""
    return "#" + "".join(f"{round(255 + (part - 255) * round(likely, 2)):02x}" for part in _PAIRED)


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:39]}…"


def _safe(text: str) -> str:
    """*text* as XML can hold it."""
    return escape("".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text))
