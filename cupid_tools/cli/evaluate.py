"""``cupid-evaluate``: how far scores can be trusted."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cupid_tools.cli._options import add_common, add_fasta, add_required_output, add_seed, fraction, positive_int
from cupid_tools.cli._runtime import ToolParser, log, run_tool
from cupid_tools.errors import UsageError
from cupid_tools.evaluation.baselines import BASELINES

if TYPE_CHECKING:
    from cupid_tools.evaluation.evaluate import Evaluation
    from cupid_tools.io.report import Report

_REMEDY = "give the whole table that cupid-split and cupid-negatives made, with the scores of cupid-score"


def get_parser() -> ToolParser:
    """Describe the options; needs the standard library only."""
    parser = ToolParser(
        "cupid-evaluate",
        "Evaluate scores of RNA pairs: metrics with intervals, simple baselines on the same pairs, what test shares "
        "with train, figures, and one HTML page. The tables are those that cupid-score writes for a whole dataset, "
        "train, valid and test rows together: baselines see train only, thresholds are chosen on valid only.",
    )
    parser.add_argument(
        "scores",
        nargs="*",
        default=["-"],
        metavar="SCORES",
        help="pair tables with label, split and score; several are compared in one report, each named by its file "
        "(default: stdin)",
    )
    parser.inputs.append("scores")
    add_required_output(parser, "FOLDER", "folder of the report; replaced if it holds an earlier one")
    parser.folders.append("output")
    add_fasta(parser)
    group = parser.add_argument_group("evaluation")
    group.add_argument(
        "--baselines",
        default=",".join(BASELINES),
        metavar="NAMES",
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
    parser.inputs += ["groups", "genes", "curves"]
    group = parser.add_argument_group("intervals")
    group.add_argument(
        "--bootstrap", type=positive_int, default=1000, metavar="N", help="replicates (default: %(default)s)"
    )
    group.add_argument("--level", type=fraction, default=0.95, help="of the intervals (default: %(default)s)")
    group.add_argument(
        "--resample",
        choices=("relatives", "rnas"),
        default="relatives",
        help="what is drawn: groups of relatives, since their labels are copies of each other, or single RNAs; with "
        "--genes always genes (default: %(default)s)",
    )
    add_seed(parser)
    group = parser.add_argument_group("page")
    group.add_argument("--title", default="Can these scores be trusted?", help="heading (default: %(default)s)")
    group.add_argument(
        "--curves",
        action="append",
        default=[],
        metavar="TSV",
        help="training curves that cupid-train wrote; give it once for each score table, in the same order",
    )
    add_common(parser)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Evaluate every table, and write the folder at the end."""
    from cupid_tools.evaluation.evaluate import Settings, evaluate
    from cupid_tools.evaluation.experiment import Options, prepare, read_listed
    from cupid_tools.evaluation.folder import check_replaceable, write_folder
    from cupid_tools.evaluation.report import SUMMARY, build, experiment_names, read_curves
    from cupid_tools.io.fasta import load_rnas, read_types
    from cupid_tools.io.pairs import read_pairs

    check_replaceable(args.output, "cupid-evaluate")
    names = experiment_names(args.scores)
    if len(args.curves) > len(names):
        raise UsageError(f"{len(args.curves)} --curves for {len(names)} score tables (give at most one for each)")
    curves = [read_curves(path) for path in args.curves]
    options = Options(
        read_listed(args.groups, "group"), read_listed(args.genes, "gene"), args.augmented, args.resample, args.seed
    )
    settings = Settings(_baselines(args.baselines), args.bootstrap, args.level, args.seed, args.genes is not None)
    rnas = load_rnas(args.fasta, format=args.format, types=read_types(args.types) if args.types else None)
    evaluations = []
    for name, path in zip(names, args.scores, strict=True):
        table = read_pairs(path, require=["label", "split", "score"], hint=_REMEDY)
        log.info("%s: %d pairs; fitting baselines and resampling", name, len(table))
        evaluations.append(evaluate(prepare(name, table, rnas, args.fasta, options), settings))
    files = build(evaluations, curves, args.title, options, settings, _digests(args, names))
    write_folder(args.output, files)
    _tell(evaluations, report)
    for line in files[SUMMARY].splitlines():
        log.info("%s", line)
    log.info("report: %s/report.html", args.output.rstrip("/"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool and return its exit code."""
    return run_tool(get_parser(), run, argv)


def _baselines(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name for name in text.split(",") if name != "none"))
    for name in names:
        BASELINES.summary(name)  # refuses unknown names before any work
    return names


def _digests(args: argparse.Namespace, names: Sequence[str]) -> dict[str, str]:
    from cupid_tools.io.streams import input_digest

    files = {"RNAs": args.fasta, "types": args.types, "groups": args.groups, "genes": args.genes}
    files |= {f"scores of {name}": path for name, path in zip(names, args.scores, strict=True)}
    files |= {f"curves of {name}": path for name, path in zip(names, args.curves, strict=False)}
    return {name: input_digest(path) for name, path in files.items() if path is not None}


def _tell(evaluations: Sequence[Evaluation], report: Report) -> None:
    """Count the rows of all tables for ``--report``."""
    whole = [len(evaluation.experiment.whole.label) for evaluation in evaluations]
    evaluated = [len(evaluation.experiment.pairs) for evaluation in evaluations]
    train = [len(evaluation.experiment.train.label) for evaluation in evaluations]
    augmented = sum(evaluation.experiment.augmented_rows for evaluation in evaluations)
    reasons = {"train": sum(train), "augmented": augmented}
    report.count("pairs", read=sum(whole), written=sum(evaluated), dropped=reasons)
