"""The folder of ``cupid-explain``: what it holds, and how a report takes the drawings from it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cupid_tools.errors import InputError
from cupid_tools.evaluation.style import CSS
from cupid_tools.evaluation.tables import tsv
from cupid_tools.interaction.drawing import draw
from cupid_tools.interaction.explanation import MEMBER, MODEL, THERMODYNAMICS, Explanation, in_words
from cupid_tools.io.pairs import ID_A, ID_B, LABEL, NOT_KNOWN, SCORE, SPLIT, PairTable
from cupid_tools.vocab import Pair

TOOL, INDEX, LISTED, DRAWINGS = "cupid-explain", "index.html", "explanations.json", "drawings"
SHOWN = 100
"""So many pairs, the first ones, are drawn on the page; all have their drawing in a file."""
REPORTED = 10
"""So many pairs, the first ones, a report takes over."""
_POSITIONS = (ID_A, ID_B, "id", "side", "position", "nucleotide", "pairing_probability", "importance")
_DUPLEXES = (ID_A, ID_B, SCORE, "start_a", "end_a", "start_b", "end_b", "duplex", "duplex_score", "source", "drawing")


class About(NamedTuple):
    """What the page tells beside pairs.

    Attributes:
        title: heading.
        classifier: that of the model.
        threshold: from which score on the model calls a pair interacting.
        versions, inputs: name -> version, and name -> SHA-256.
    """

    title: str
    classifier: str
    threshold: float
    versions: dict[str, str]
    inputs: dict[str, str]


def build(explanations: Sequence[Explanation], about: About) -> dict[str, str]:
    """Compose every file of the folder: relative name -> text."""
    drawings = {_file_name(number, found): draw(found) for number, found in enumerate(explanations, start=1)}
    words = [in_words(found) for found in explanations]
    files = {
        **drawings,
        "positions.tsv": tsv(_POSITIONS, (row for found in explanations for row in _position_rows(found))),
        "duplexes.tsv": tsv(_DUPLEXES, map(_duplex_row, explanations, drawings)),
        INDEX: _page(explanations, words, list(drawings.values()), about),
    }
    pairs = [
        {ID_A: found.first.rna.id, ID_B: found.second.rna.id, SCORE: found.score, "words": told, "drawing": name}
        for found, told, name in zip(explanations, words, drawings, strict=True)
    ]
    listed = {"tool": TOOL, **about._asdict(), "pairs": pairs, "files": sorted([*files, LISTED])}
    return files | {LISTED: json.dumps(listed, indent=2) + "\n"}


def _file_name(number: int, found: Explanation) -> str:
    """A name that every file system takes, whatever the ids hold."""
    names = (re.sub(r"[^A-Za-z0-9.-]", "_", side.rna.id)[:40] for side in (found.first, found.second))
    return f"{DRAWINGS}/{number:04d}-{'-'.join(names)}.svg"


def _position_rows(found: Explanation) -> Iterator[list[str]]:
    ids = [found.first.rna.id, found.second.rna.id]
    for which, side in zip("ab", (found.first, found.second), strict=True):
        known = [NOT_KNOWN] * len(side.pairing) if side.importance is None else map(_decimals, side.importance.tolist())
        cells = zip(side.rna.sequence, side.pairing.tolist(), known, strict=True)
        for position, (letter, pairing, importance) in enumerate(cells, start=1):
            yield [*ids, side.rna.id, which, str(position), letter, f"{pairing:.4f}", importance]


def _decimals(importance: float) -> str:
    return f"{round(importance, 5) + 0.0:.5f}"  # no minus before a zero


def _duplex_row(found: Explanation, drawing: str) -> list[str]:
    duplex = found.duplex
    cells = [NOT_KNOWN] * 6
    if duplex is not None:
        bounds = (duplex.first_start, duplex.first_end, duplex.second_start, duplex.second_end)
        cells = [*map(str, bounds), duplex.structure, f"{duplex.score:.4f}"]
    return [found.first.rna.id, found.second.rna.id, found.score, *cells, found.source, drawing]


_MORE_CSS = """\
.pairs section { margin: 0 0 34px; } .pairs h2 { margin: 30px 0 4px; font-size: 1.2rem; }
figure.duplex { overflow-x: auto; } figure.duplex svg, figure.duplex img { width: auto; max-width: none; }
"""

_READING = """\
<section id="reading"><h2>How to read the drawings</h2><ul>
<li>The longer RNA stands above, from 5' to 3'; the shorter one below, from 3' to 5'. A stroke is a Watson-Crick pair,
a dot is G with U; letters that step back from the middle are unpaired: bulges, loops, and what lies beside the duplex.
Numbers are positions, counted from 1 at the 5' end. The seed of a miRNA, nucleotides 2-8, is framed.</li>
<li>The darker a tile, the likelier its nucleotide pairs with the other RNA, at whichever site: all possible duplexes
are counted, the one drawn is the strongest. {energy}</li>
{importance}
<li>A frame in the bar of a long RNA shows which part is drawn.</li>
<li>How either RNA folds by itself, proteins, and where in the cell the RNAs are, are not looked at. A drawing shows
what the answer rests on; it is no evidence that the RNAs interact.</li>
</ul></section>"""
_ENERGIES = {
    MODEL: "The energy is the model's own: its score is a function of it, so that tiles tell what the model saw.",
    MEMBER: "The energy was learned, and is one of several parts of the model.",
    THERMODYNAMICS: "The energy is that of simple thermodynamics, and is not fitted to any data; <b>the model does not "
    "know it</b>. Where both point to one site, two ways of looking agree.",
}
_IMPORTANCE = """\
<li>Orange and violet marks are what the model itself rests on: a stretch was hidden (its letters replaced by N) and the
score taken again. Orange: without it the score falls; violet: it rises. In a long RNA stretches are long too, so that
marks may reach beyond what matters. Where two sites can stand in for each other, hiding one shows little.</li>"""


def _page(explanations: Sequence[Explanation], words: Sequence[str], drawings: Sequence[str], about: About) -> str:
    shown = list(zip(explanations, words, drawings, strict=True))[:SHOWN]
    source = explanations[0].source
    reading = _READING.format(energy=_ENERGIES[source], importance="" if source == MODEL else _IMPORTANCE)
    more = f"; the first {SHOWN} are on this page" if len(explanations) > SHOWN else ""
    title = escape(about.title)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{CSS}{_MORE_CSS}</style></head><body>"
        f'<header><h1>{title}</h1><p class="quiet">{len(explanations):,} pairs{more}, best score first; the model '
        f"({escape(about.classifier)}) calls pairs interacting from a score of {about.threshold:.3g} on. Numbers for "
        "each nucleotide are in positions.tsv, duplexes in duplexes.tsv.</p></header>"
        f'<main class="pairs">{_contents(explanations[:SHOWN])}{reading}'
        f"{''.join(_pair(number, *each) for number, each in enumerate(shown, start=1))}</main>"
        "<footer>Written by cupid-tools. This page needs no network and keeps no date: equal inputs and settings give "
        "equal pages.</footer></body></html>\n"
    )


def _contents(explanations: Sequence[Explanation]) -> str:
    head = "".join(
        f'<th scope="col"{" class=text" * (name != "score")}>{name}</th>'
        for name in ("pair", "first RNA", "second RNA", "score", "pairs there", "with")
    )
    body = "".join(_contents_row(number, found) for number, found in enumerate(explanations, start=1))
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _contents_row(number: int, found: Explanation) -> str:
    duplex = found.duplex
    places = ["nowhere", ""]
    if duplex is not None:
        places = [f"{duplex.first_start}-{duplex.first_end}", f"{duplex.second_start}-{duplex.second_end}"]
    cells = [f'<td class="text short">{escape(side.rna.id)}</td>' for side in (found.first, found.second)]
    cells += [f"<td>{escape(found.score)}</td>", *(f'<td class="text short">{place}</td>' for place in places)]
    return f'<tr><th scope="row"><a href="#p{number}">{number}</a></th>{"".join(cells)}</tr>'


def _pair(number: int, found: Explanation, words: str, drawing: str) -> str:
    ids = f"{escape(found.first.rna.id)} and {escape(found.second.rna.id)}"
    return (
        f'<section id="p{number}"><h2>{number}. {ids}</h2><p>Score {escape(found.score)}. {escape(words)}</p>'
        f'<figure class="duplex">{drawing}</figure></section>'
    )


class Told(NamedTuple):
    """What a report takes over of one explained pair.

    Attributes:
        id_a, id_b, score, words: as ``cupid-explain`` tells them.
        drawing: SVG.
        rows: what score tables say of the pair, in words.
    """

    id_a: str
    id_b: str
    score: str
    words: str
    drawing: str
    rows: tuple[str, ...] = ()


def read_explanations(folder: str) -> list[Told]:
    """Read what ``cupid-explain`` wrote into *folder*, in its order, at most ``REPORTED`` pairs.

    Raises:
        InputError: it is no such folder, or not complete.
    """
    hint = f"give a folder that {TOOL} wrote"
    try:
        listed = json.loads((Path(folder) / LISTED).read_text(encoding="utf-8"))
        if listed["tool"] == TOOL:
            return [_told(Path(folder), pair) for pair in listed["pairs"][:REPORTED]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(folder, "is no complete folder of explanations", hint=hint) from error
    raise InputError(folder, f"was not written by {TOOL}", hint=hint)


def _told(folder: Path, pair: dict[str, Any]) -> Told:
    drawing = (folder / DRAWINGS / Path(pair["drawing"]).name).read_text(encoding="utf-8")
    return Told(str(pair[ID_A]), str(pair[ID_B]), str(pair[SCORE]), str(pair["words"]), drawing)


def with_rows(explained: Sequence[Told], name: str, table: PairTable) -> list[Told]:
    """The pairs, each with what the score table *name* says of it."""
    wanted = ["\t".join(Pair(told.id_a, told.id_b).key) for told in explained]
    keys = table.keys()
    rows = {}
    for place in np.flatnonzero(keys.isin(wanted)).tolist():
        row = table.frame.iloc[place]
        rows[keys[place]] = f"{name}: {row[SPLIT]}, label {row[LABEL]}, score {row[SCORE]}"
    return [
        told._replace(rows=(*told.rows, rows[key])) if key in rows else told
        for told, key in zip(explained, wanted, strict=True)
    ]


def refuse_unknown(folder: str, explained: Sequence[Told]) -> None:
    """Raise InputError for the first of the pairs that is in no score table."""
    for told in explained:
        if not told.rows:
            problem = f"explains {told.id_a}, {told.id_b}, which is in no score table"
            raise InputError(folder, problem, hint="explain pairs of these tables")


def explained_section(explained: Sequence[Told]) -> str:
    """The part of a report that shows them; empty where there are none.

    Drawings are put in as images, in which nothing is executed, whatever the folder holds.
    """
    if not explained:
        return ""
    return (
        '<section id="explained"><h2>Where the best pairs bind</h2>'
        f'<p class="quiet">Drawn by {TOOL}, whose page says how to read it. A drawing shows what the answer rests on; '
        f"it is no evidence that the RNAs interact.</p>{''.join(map(_drawn, explained))}</section>"
    )


def _drawn(told: Told) -> str:
    ids = f"{escape(told.id_a)} and {escape(told.id_b)}"
    image = base64.b64encode(told.drawing.encode()).decode()
    return (
        f"<h3>{ids}</h3><p>{escape(told.words)}</p>"
        f'<p class="quiet">Explained with a score of {escape(told.score)}. In {escape("; in ".join(told.rows))}.</p>'
        f'<div class="scroll"><img alt="Duplex of {ids}" src="data:image/svg+xml;base64,{image}"></div>'
    )
