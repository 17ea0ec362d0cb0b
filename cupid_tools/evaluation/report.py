"""The files of a report: the page, its figures, and the numbers for programs."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from cupid_tools import __version__
from cupid_tools.errors import InputError, UsageError
from cupid_tools.evaluation.evaluate import Evaluation
from cupid_tools.evaluation.explanations import Told
from cupid_tools.evaluation.figures import Curves, draw_all
from cupid_tools.evaluation.folder import MARKER
from cupid_tools.evaluation.html import About, page
from cupid_tools.evaluation.settings import RELATIVES, RNAS, Options, Settings
from cupid_tools.evaluation.side_by_side import SideBySide
from cupid_tools.evaluation.tables import (
    compared_tsv,
    energy_tsv,
    gaps_tsv,
    metrics_json,
    metrics_tsv,
    multiqc_tsv,
    summary,
)
from cupid_tools.evaluation.verdict import in_words
from cupid_tools.io.streams import STDIN, read_lines
from cupid_tools.sampling.relatives import METHOD

PAGE, SUMMARY, WORDS = "report.html", "summary.txt", "in-words.txt"
CURVE_COLUMNS = ("epoch", "train_loss", "valid_loss")
_LIBRARIES = ("numpy", "pandas", "scipy", "scikit-learn", "matplotlib")


def experiment_names(paths: Sequence[str]) -> list[str]:
    """Name each score table by its file, without suffixes, and by its folder too where files have one name.

    Raises:
        UsageError: two tables would have the same name.

    >>> experiment_names(["runs/random.tsv", "strict.tsv.gz", "-"])
    ['random', 'strict', 'scores']
    >>> experiment_names(["one/scores.tsv", "two/scores.tsv"])
    ['one-scores', 'two-scores']
    """
    names = [_stem(path) for path in paths]
    full = [
        f"{Path(path).absolute().parent.name}-{name}" if names.count(name) > 1 else name
        for path, name in zip(paths, names, strict=True)
    ]
    for name in full:
        if full.count(name) > 1:
            raise UsageError(f"two score tables are named {name!r}", hint="rename one: the report names them by file")
    return full


def _stem(path: str) -> str:
    if path == STDIN or not Path(path).suffix:  # stdin, or a descriptor such as /dev/fd/63
        return "scores"
    return Path(path).name.removesuffix(".gz").rsplit(".", 1)[0]


def read_curves(path: str) -> Curves:
    """Read the columns of a training curve that the report draws.

    Raises:
        InputError: a missing column, a row of another width, a value that is no number, or no row.
    """
    lines = [line.split("\t") for line in read_lines(path) if line]
    header = lines[0] if lines else []
    for column in CURVE_COLUMNS:
        if column not in header:
            raise InputError(path, f"column {column!r} is missing", line=1, hint="expected the --curves of cupid-train")
    if len(lines) == 1:
        raise InputError(path, "holds a header but no epochs")
    places = [header.index(column) for column in CURVE_COLUMNS]
    try:
        values = np.array([[float(line[place]) for place in places] for line in lines[1:]])
    except (ValueError, IndexError):
        raise InputError(
            path, "holds a row that is not of numbers", hint="expected the --curves of cupid-train"
        ) from None
    return dict(zip(CURVE_COLUMNS, values.T, strict=True))


def build(
    evaluations: Sequence[Evaluation],
    curves: Sequence[Curves],
    title: str,
    options: Options,
    settings: Settings,
    inputs: Mapping[str, str],
    compared: Sequence[SideBySide] = (),
    explained: Sequence[Told] = (),
) -> dict[str, str]:
    """Compose every file of the report: relative name -> text.

    Args:
        evaluations: the results of each experiment.
        curves: training curves of the first experiments.
        title: heading of the page.
        options, settings: how tables were read and measured.
        inputs: name -> SHA-256.
        compared: every two of the experiments on their shared pairs, where that was asked for.
        explained: what is known of the best pairs, nucleotide by nucleotide.
    """
    about = _about(title, options, settings, inputs)
    padded = [*curves, *[None] * (len(evaluations) - len(curves))]
    drawn = [draw_all(f"e{index}", *both) for index, both in enumerate(zip(evaluations, padded, strict=True))]
    files = {
        f"figures/{evaluation.experiment.name}-{figure.name}.svg": figure.svg
        for evaluation, figures in zip(evaluations, drawn, strict=True)
        for figure in figures
    }
    files |= {
        "metrics.tsv": metrics_tsv(evaluations),
        "gaps.tsv": gaps_tsv(evaluations),
        "cupid_mqc.tsv": multiqc_tsv(evaluations),
        SUMMARY: summary(evaluations, compared),
        WORDS: in_words(evaluations),
        PAGE: page(evaluations, compared, drawn, about, explained),
    }
    if any(evaluation.comparisons for evaluation in evaluations):
        files["energy.tsv"] = energy_tsv(evaluations)
    if compared:
        files["compared.tsv"] = compared_tsv(compared)
    told = {"versions": about.versions, "title": title, "settings": about.settings, "inputs": inputs}
    return {**files, MARKER: metrics_json(evaluations, compared, {**told, "files": sorted([*files, MARKER])})}


def _about(title: str, options: Options, settings: Settings, inputs: Mapping[str, str]) -> About:
    told: dict[str, Any] = {
        **asdict(settings),
        "baselines": ", ".join(settings.baselines) or "none",
        "augmented": options.augmented,
        "resample": options.resample,
        "require_unseen": options.require_unseen or "nothing",
    }
    members = "RNAs" if options.genes is None else "genes"
    drawn = {RELATIVES: f"groups of related {members}", RNAS: members}
    return About(
        title=title,
        relatives=METHOD if options.groups is None else "the groups that the user listed, and equal sequences",
        units=drawn[options.resample],
        bootstrap=settings.bootstrap,
        level=settings.level,
        genes=settings.genes,
        augmented=options.augmented,
        settings=told,
        inputs=inputs,
        versions={
            "cupid-tools": __version__,
            "Python": platform.python_version(),
            **{name: version(name) for name in _LIBRARIES},
        },
    )
