"""Evaluate scores of RNA pairs: metrics with intervals, simple baselines on the same pairs, what test shares with
train, figures, and one HTML page.

The tables are those that cupid-score writes for a whole dataset, train, valid and test rows together: baselines see
train only, thresholds are chosen on valid only. Where intarna-compare has added energies, the report also tells whether
the model knows more than energy.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cupid_tools.cli import _options as options
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.errors import UsageError
from cupid_tools.evaluation.baselines import BASELINES
from cupid_tools.evaluation.settings import RELATIONS, Options, Settings, read_listed

if TYPE_CHECKING:
    from cupid_tools.evaluation.evaluate import Evaluation
    from cupid_tools.io.report import Report

log = logging.getLogger("cupid_tools")

_NONE = "none"
_REMEDY = "give the whole table that cupid-split and cupid-negatives made, with the scores of cupid-score"


def get_parser() -> ToolParser:
    """The options of cupid-evaluate."""
    parser = ToolParser("cupid-evaluate", __doc__)
    parser.add_argument(
        "scores",
        nargs="*",
        default=["-"],
        metavar="SCORES",
        help="pair tables with label, split and score; several are compared in one report, each named by its file "
        "(default: stdin)",
    )
    parser.inputs.append("scores")
    options.add_required_output(parser, "FOLDER", "folder of the report; replaced if it holds an earlier one alone")
    parser.folders.append("output")
    options.add_fasta(parser)
    group = parser.add_argument_group("evaluation")
    group.add_argument(
        "--baselines",
        type=options.some_of([*BASELINES, _NONE]),
        default=",".join(Settings.baselines),
        metavar="NAME,...",
        help=f"which to compare with, separated by commas, or none (default: all). {BASELINES.help()}",
    )
    group.add_argument(
        "--augmented",
        action="store_true",
        help="also evaluate, and fit baselines on, rows that augmentation made, as the published protocol does",
    )
    group.add_argument("--groups", metavar="TSV", help="table of id and group: the relatives, instead of by sequence")
    group.add_argument(
        "--genes",
        metavar="TSV",
        help="table of id and gene: evaluate pairs of genes; label and score are the maximum over their RNAs",
    )
    group.add_argument(
        "--require-unseen",
        choices=RELATIONS,
        help="refuse a table where train or valid holds an RNA of a test pair (rnas; C3), or a relative of one "
        "(relatives; strict C3), and name the first",
    )
    parser.inputs += ["groups", "genes", "curves"]
    group = parser.add_argument_group("intervals")
    group.add_argument(
        "--bootstrap",
        type=options.positive_int,
        default=Settings.bootstrap,
        metavar="N",
        help="replicates (default: %(default)s)",
    )
    group.add_argument(
        "--level", type=options.fraction, default=Settings.level, help="of the intervals (default: %(default)s)"
    )
    group.add_argument(
        "--resample",
        choices=RELATIONS,
        default=Options.resample,
        help="what is drawn: groups of relatives, since their labels are copies of each other, or single RNAs, with "
        "--genes single genes (default: %(default)s)",
    )
    options.add_seed(parser)
    group = parser.add_argument_group("page")
    group.add_argument("--title", default="Can these scores be trusted?", help="heading (default: %(default)s)")
    group.add_argument(
        "--curves",
        action="append",
        default=[],
        metavar="TSV",
        help="training curves that cupid-train wrote; give it once for each score table, in the same order",
    )
    group.add_argument("--explanations", metavar="FOLDER", help="drawings of the best pairs that cupid-explain made")
    parser.places.append("explanations")
    options.add_common(parser)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Evaluate every table, and write the folder at the end."""
    from cupid_tools.evaluation.evaluate import evaluate
    from cupid_tools.evaluation.experiment import prepare
    from cupid_tools.evaluation.explanations import read_explanations, refuse_unknown, with_rows
    from cupid_tools.evaluation.folder import check_replaceable, write_folder
    from cupid_tools.evaluation.report import PAGE, build, experiment_names, read_curves
    from cupid_tools.evaluation.side_by_side import side_by_side
    from cupid_tools.evaluation.verdict import tell
    from cupid_tools.io.fasta import load_rnas, read_types
    from cupid_tools.io.pairs import LABEL, SCORE, SPLIT, read_pairs

    check_replaceable(args.output, "cupid-evaluate")
    names = experiment_names(args.scores)
    if len(args.curves) > len(names):
        raise UsageError(f"{len(args.curves)} --curves for {len(names)} score tables (give at most one for each)")
    curves = [read_curves(path) for path in args.curves]
    settings, reading = _settings(args)
    rnas = load_rnas(args.fasta, format=args.format, types=read_types(args.types))
    explained = read_explanations(args.explanations) if args.explanations else []
    evaluations = []
    for name, path in zip(names, args.scores, strict=True):
        table = read_pairs(path, require=[LABEL, SPLIT, SCORE], hint=_REMEDY)
        log.info("%s: %s pairs; fitting baselines and resampling", name, f"{len(table):,}")
        explained = with_rows(explained, name, table)
        evaluations.append(evaluate(prepare(name, table, rnas, args.fasta, reading), settings))
    refuse_unknown(args.explanations, explained)
    compared = side_by_side(evaluations, settings)
    inputs = _digests(args, names)
    files = build(evaluations, curves, args.title, reading, settings, inputs, compared, explained)
    write_folder(args.output, files, "cupid-evaluate")
    _count(evaluations, report)
    tell(evaluations, compared)
    log.info("report: %s/%s", args.output.rstrip("/"), PAGE)


def main(argv: Sequence[str] | None = None) -> int:
    """Run cupid-evaluate and return its exit code."""
    return run_tool(get_parser(), run, argv)


def _settings(args: argparse.Namespace) -> tuple[Settings, Options]:
    """How metrics are taken, and how score tables are read."""
    settings = Settings(
        seed=args.seed,
        baselines=tuple(name for name in args.baselines if name != _NONE),
        bootstrap=args.bootstrap,
        level=args.level,
        genes=args.genes is not None,
    )
    reading = Options(
        seed=args.seed,
        groups=read_listed(args.groups, "group"),
        genes=read_listed(args.genes, "gene"),
        augmented=args.augmented,
        resample=args.resample,
        require_unseen=args.require_unseen,
    )
    return settings, reading


def _digests(args: argparse.Namespace, names: Sequence[str]) -> dict[str, str]:
    from cupid_tools.io.streams import input_digest

    files = {"RNAs": args.fasta, "types": args.types, "groups": args.groups, "genes": args.genes}
    files |= {f"scores of {name}": path for name, path in zip(names, args.scores, strict=True)}
    files |= {f"curves of {name}": path for name, path in zip(names, args.curves, strict=False)}
    digests = {name: input_digest(path) for name, path in files.items() if path is not None}
    return {name: digest for name, digest in digests.items() if digest is not None}


def _count(evaluations: Sequence[Evaluation], report: Report) -> None:
    """Count the rows of all tables for ``--report``."""
    whole = [len(evaluation.experiment.whole.label) for evaluation in evaluations]
    evaluated = [len(evaluation.experiment.pairs) for evaluation in evaluations]
    train = [len(evaluation.experiment.train.label) for evaluation in evaluations]
    augmented = sum(evaluation.experiment.augmented_rows for evaluation in evaluations)
    reasons = {"train-row": sum(train), "augmented-row": augmented}
    report.count("pairs", read=sum(whole), written=sum(evaluated), dropped=reasons)
