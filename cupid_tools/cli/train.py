"""Fit a classifier of RNA pairs to the train rows of a pair table.

The valid rows choose the epoch that is kept, in a blend the weight of each member, and the threshold of calls. Test
rows are not looked at. A classifier reads either the sequences of RNAs (--fasta) or their vectors (--embeddings).

Classifiers of sequences leave out rows that augmentation made: a reversed RNA pairs with other RNAs, and they forget
the order of a pair anyway.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cupid_tools.cli import _options as options
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.errors import UsageError
from cupid_tools.evaluation.settings import RELATIONS, RELATIVES
from cupid_tools.models import ORDERS, SELECTIONS
from cupid_tools.models.classifiers import CLASSIFIERS, DEFAULTS, SEQUENCES, VECTORS
from cupid_tools.recipes import DEFAULT_RECIPE, recipe_names

if TYPE_CHECKING:
    from cupid_tools.io.pairs import PairTable
    from cupid_tools.io.report import Report
    from cupid_tools.sampling.relatives import Groups
    from cupid_tools.vocab import Rna

_Numbers = dict[str, options.Setting]
"""Option -> its kind, metavar and help."""

_SETTINGS: _Numbers = {
    "--hidden-layers": (int, "N", "hidden layers"),
    "--hidden-size": (int, "N", "units of a hidden layer"),
    "--dropout": (options.finite, "P", "share of units left out while training"),
    "--learning-rate": (options.finite, "RATE", "how far a step goes; the highest rate where it rises and decays"),
    "--warmup-epochs": (int, "N", "epochs in which the rate rises"),
    "--floor": (options.finite, "SHARE", "where the cosine decay of the rate ends, as a share of it"),
    "--epochs": (int, "N", "epochs at most; of nets an epoch is one pass over the negatives"),
    "--patience": (int, "N", "stop after so many epochs without a better one"),
    "--batch-size": (int, "N", "pairs in a batch"),
    "--negative-share": (options.finite, "SHARE", "share of negatives in a batch"),
    "--weight-decay": (options.finite, "SHARE", "how strongly the weights of duplex are drawn to 0"),
    "--clip": (options.finite, "LENGTH", "longest gradient of duplex"),
    "--positions": (int, "NT", "nucleotides of a guide whose place counts in duplex"),
    "--context": (int, "NT", "nucleotides of the target around a start that duplex looks at"),
    "--leaves": (int, "N", "leaves of a tree of boosting, at most"),
    "--leaf-pairs": (int, "N", "pairs in a leaf of boosting, at least"),
    "--ridge": (options.finite, "PENALTY", "how strongly the weights of seed-lr and blend are held back"),
}
_CHOICES = {
    "--order": (
        ORDERS,
        "free: the score is the mean of those of (a, b) and (b, a); published: that of (a, b) alone",
    ),
    "--select": (SELECTIONS, "metric on valid that chooses the epoch"),
}

log = logging.getLogger("cupid_tools")


def get_parser() -> ToolParser:
    """The options of cupid-train."""
    parser = ToolParser("cupid-train", __doc__)
    options.add_pairs(parser, "pair table with the columns label and split")
    options.add_fasta(parser, required=False)
    options.add_embeddings(parser, required=False)
    options.add_required_output(parser, "SAFETENSORS", "the model")
    parser.add_argument("--curves", metavar="TSV", help="write loss and metrics of every epoch")
    parser.outputs.append("curves")
    parser.add_argument(
        "--groups",
        metavar="TSV",
        help="table of id and group: the relatives, whose labels count as one where sequences are read (default: by "
        "sequence)",
    )
    parser.inputs.append("groups")
    parser.add_argument(
        "--require-unseen",
        choices=RELATIONS,
        help="refuse a table where train or valid holds an RNA of a test pair (rnas; C3), or a relative of one "
        "(relatives; strict C3), and name the first",
    )
    options.add_seed(parser)
    group = parser.add_argument_group("classifier")
    group.add_argument(
        "--classifier",
        choices=list(CLASSIFIERS),
        help=f"{CLASSIFIERS.help()} (default: that of --recipe, or else {DEFAULTS[SEQUENCES]} for --fasta and "
        f"{DEFAULTS[VECTORS]} for --embeddings)",
    )
    group.add_argument(
        "--recipe",
        metavar="NAME",
        help=f"published protocol that gives the numbers of a net: {', '.join(recipe_names())}, or the path of a TOML "
        f"file like them (default: {DEFAULT_RECIPE} for nets; other classifiers have numbers of their own)",
    )
    parser.inputs.append("recipe")
    group = parser.add_argument_group("settings", "in place of the numbers of the recipe or of the classifier")
    for flag, (kind, metavar, text) in _SETTINGS.items():
        group.add_argument(flag, type=kind, metavar=metavar, help=text)
    for flag, (choices, text) in _CHOICES.items():
        group.add_argument(flag, choices=choices, help=text)
    options.add_device(parser)
    options.add_common(parser)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Train, and write the model even when training ends early with a good epoch."""
    from cupid_tools.io.fasta import load_rnas, read_types
    from cupid_tools.io.pairs import read_pairs
    from cupid_tools.models.checkpoint import save_model
    from cupid_tools.models.choice import choose
    from cupid_tools.models.curves import write_curves
    from cupid_tools.models.device import choose_device
    from cupid_tools.models.learning import learn
    from cupid_tools.models.sources import source_of

    _check_usage(args)
    choice = choose(args.classifier, args.recipe, VECTORS if args.embeddings else SEQUENCES, _given(args))
    device = choose_device(args.device, args.threads)
    table = read_pairs(args.pairs)
    rnas = load_rnas(args.fasta, format=args.format, types=read_types(args.types)) if args.fasta else None
    relatives = None if rnas is None else _relatives(args, rnas)
    if args.require_unseen and rnas is not None and relatives is not None:
        _refuse_leaks(args, table, rnas, relatives)
    source = source_of(args.embeddings, rnas or {}, args.fasta)
    learned = learn(
        choice, table, source, relatives=None if args.embeddings else relatives, device=device, seed=args.seed
    )
    if args.curves:
        write_curves(args.curves, learned.fit.curves)
    save_model(args.output, learned.info, learned.fit.tensors)
    best, trouble = learned.fit.best, learned.fit.trouble
    log.info("kept epoch %d: MCC %.3f at threshold %.6g on valid", best.epoch, best.valid_mcc, best.threshold)
    if trouble:
        raise type(trouble)(f"{trouble}; {args.output} holds epoch {best.epoch}, the best so far")
    dropped = {"test-row": len(table) - learned.used - learned.augmented, "augmented-row": learned.augmented}
    report.count("pairs", read=len(table), written=learned.used, dropped=dropped)
    report.details["model"] = vars(learned.info) | {"store": learned.info.store and vars(learned.info.store)}


def main(argv: Sequence[str] | None = None) -> int:
    """Run cupid-train and return its exit code."""
    return run_tool(get_parser(), run, argv)


def _given(args: argparse.Namespace) -> dict[str, Any]:
    """Setting -> value, of those that the user gives."""
    names = [flag.removeprefix("--").replace("-", "_") for flag in (*_SETTINGS, *_CHOICES)]
    return {name: getattr(args, name) for name in names if getattr(args, name) is not None}


def _check_usage(args: argparse.Namespace) -> None:
    if not (args.embeddings or args.fasta):
        raise UsageError("a classifier reads sequences or vectors (give --fasta, or --embeddings)")
    for flag, value in (("--groups", args.groups), ("--require-unseen", args.require_unseen)):
        if value and not args.fasta:
            raise UsageError(f"{flag} is about sequences (give --fasta)")
    if args.pairs == args.fasta == "-":
        raise UsageError("stdin can be read only once (give a file for all but one input)")


def _relatives(args: argparse.Namespace, rnas: Mapping[str, Rna]) -> Callable[[list[str]], Groups]:
    """Tells who of some RNAs is related."""
    from cupid_tools.sampling.relatives import listed_groups, read_groups, related_groups

    table = read_groups(args.groups) if args.groups else None

    def relatives(names: list[str]) -> Groups:
        named = [rnas[name] for name in names]
        return related_groups(named) if table is None else listed_groups(named, table, args.groups)

    return relatives


def _refuse_leaks(
    args: argparse.Namespace,
    table: PairTable,
    rnas: Mapping[str, Rna],
    relatives: Callable[[list[str]], Groups],
) -> None:
    from cupid_tools.io.pairs import ID_A, ID_B, SPLIT
    from cupid_tools.sampling.relatives import sequence_groups
    from cupid_tools.sampling.splits.check import refuse_leaks

    table.require(SPLIT, hint="cupid-split writes it")
    table.check_ids(rnas.keys(), args.fasta)
    names = sorted({*table.column(ID_A), *table.column(ID_B)})
    named = [rnas[name] for name in names]
    groups = relatives(names) if args.require_unseen == RELATIVES else sequence_groups(named)
    refuse_leaks(table, named, *table.codes(names), groups)
