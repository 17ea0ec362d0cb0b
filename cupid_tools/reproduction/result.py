"""The files of a repetition: the table, a page for each design, and the nets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from cupid_tools.evaluation.folder import MARKER
from cupid_tools.evaluation.report import SUMMARY, build, read_curves
from cupid_tools.evaluation.side_by_side import side_by_side
from cupid_tools.models import PUBLISHED as PUBLISHED_ORDER
from cupid_tools.models.choice import choose
from cupid_tools.models.classifiers import VECTORS
from cupid_tools.recipes.protocol import read_protocol
from cupid_tools.reproduction.datasets import DESIGNS, PUBLISHED, STRICT, Study
from cupid_tools.reproduction.repeating import Judged, Request, Results
from cupid_tools.reproduction.table import Line, lines, table_json, table_text, table_tsv

TOOL = "cupid-reproduce"
TABLE = "table.tsv"
_TITLES = {
    PUBLISHED: "{title}: repeated on these pairs as published",
    STRICT: "{title}: the same variants on strictly unseen RNAs",
}
_ABOUT = """\
paper: what it reports of its own data, which are not public in a readable form.
its split: its protocol repeated on these {pairs:,} pairs. Other data give other figures: compare how variants differ.
strict C3: the same variants and pairs, but train holds no RNA of a test pair, nor a relative: their worth on new RNAs.
Guessing has AUROC 0.5 and an AUPRC of {published:.3f} (its split) or {strict:.3f} (strict C3).
"""


def result_files(study: Study, request: Request, results: Results, inputs: Mapping[str, str]) -> dict[str, str | bytes]:
    """Every file of the folder: relative name -> content.

    Args:
        study: the pairs.
        request: what was repeated.
        results: what came of it.
        inputs: name -> SHA-256.
    """
    table = _table(request, results)
    files: dict[str, str | bytes] = {TABLE: table_tsv(table), SUMMARY: _summary(study, request, results, table)}
    for design in DESIGNS:
        files |= _page(design, request, results.judged[design], inputs)
        files |= _nets(design, results.judged[design])
    told = {
        "tool": TOOL,
        "title": request.protocol.heading.title,
        "differs": list(deviations(request)),
        "inputs": inputs,
        "table": table_json(table),
        "files": sorted([*files, MARKER]),
    }
    return {**files, MARKER: json.dumps(told, indent=1, ensure_ascii=False) + "\n"}


def deviations(request: Request) -> Iterator[str]:
    """What is not as the paper has it."""
    recipe = request.choice.recipe
    assert recipe is not None
    published, asked = read_protocol(recipe), request.protocol
    encoder = asked.embedding.name.partition(":")[0]  # without the path of a model of one's own
    if encoder != published.embedding.name:
        yield f"encoder {encoder}, not {published.embedding.name}"
    if asked.negatives != published.negatives:
        yield f"{asked.negatives.per_positive} negatives for each positive, not {published.negatives.per_positive}"
    engines = {variant.name: variant.engine for variant in published.variants}
    for variant in request.variants:
        if variant.engine != engines[variant.name]:
            yield f"energies of {variant.engine}, not {engines[variant.name]}"
    numbers = vars(choose(None, recipe, VECTORS, {"order": PUBLISHED_ORDER}).training)
    for name, value in vars(request.choice.training).items():
        if value != numbers[name]:
            yield f"{name.replace('_', ' ')} {value}, not {numbers[name]}"
    if request.choice.config.order != PUBLISHED_ORDER:
        yield f"order {request.choice.config.order}, not {PUBLISHED_ORDER}"


def _table(request: Request, results: Results) -> list[Line]:
    return [
        line
        for variant in request.variants
        for line in lines(variant, {design: results.judged[design][variant.name].evaluation for design in DESIGNS})
    ]


def _summary(study: Study, request: Request, results: Results, table: list[Line]) -> str:
    chance = {design: _prevalence(next(iter(found.values()))) for design, found in results.judged.items()}
    about = _ABOUT.format(pairs=len(study.table), published=chance[PUBLISHED], strict=chance[STRICT])
    notes = [*_shared(results.judged[PUBLISHED]), *(f"Not as published: {text}." for text in deviations(request))]
    if results.per_positive < request.protocol.negatives.per_positive:
        notes.append(f"Strict C3 has {results.per_positive} negatives for each positive: no more pairs are free there.")
    told = "".join(f"{note}\n" for note in notes)
    return f"{request.protocol.heading.title}\n\n{about}{told}\n{table_text(table)}"


def _shared(results: Mapping[str, Judged]) -> Iterator[str]:
    """Tell which variants are one."""
    for name, found in results.items():
        first = found.evaluation.experiment.name
        if name != first:
            yield f"{name} is {first} here: the encoder has no states to pool, so it cannot pool them otherwise."


def _prevalence(found: Judged) -> float:
    measured = found.evaluation.find()
    assert measured is not None
    return measured.values["prevalence"]


def _page(
    design: str, request: Request, results: Mapping[str, Judged], inputs: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    distinct = {found.evaluation.experiment.name: found for found in results.values()}
    ordered = sorted(distinct.values(), key=lambda found: found.scored.curves is None)  # curves are those of the first
    evaluations = [found.evaluation for found in ordered]
    curves = [read_curves(str(found.scored.curves)) for found in ordered if found.scored.curves]
    title = _TITLES[design].format(title=request.protocol.heading.title)
    settings = request.settings
    compared = side_by_side(evaluations, settings)
    files = build(evaluations, curves, title, request.options(design), settings, inputs, compared)
    return ((f"{design}/{name}", content) for name, content in files.items())


def _nets(design: str, results: Mapping[str, Judged]) -> Iterator[tuple[str, bytes]]:
    for name, (scored, evaluation) in results.items():
        for kind, path in (("models", scored.model), ("curves", scored.curves)):
            if path is not None and name == evaluation.experiment.name:
                yield f"{kind}/{name}-{design}{path.suffix}", path.read_bytes()
