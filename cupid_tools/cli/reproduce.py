"""Repeat a published protocol, all variants of its table, on pairs of one's own, and tell what it is worth.

Pairs that interact are kept, split, copied and given negatives as RECIPE says; each variant is trained, scored and
judged. The table puts its figures beside those of the paper, and beside those of the same variant on strict C3, where
train holds no RNA of a test pair, nor a relative, with the best simple baseline there. The folder holds the table, a
page of figures for either split, the nets, and their training curves.

The papers' own data are not public in a readable form, so equal figures are not to be expected. A run that was killed
goes on where it stopped when the same command is given again.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from cupid_tools.cli import _options as options
from cupid_tools.cli._progress import progress_bar
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.energy.engines import ENGINES
from cupid_tools.energy.engines.settings import AUTO
from cupid_tools.errors import UsageError
from cupid_tools.evaluation.settings import Settings, read_listed
from cupid_tools.models import ORDERS, PUBLISHED
from cupid_tools.models.classifiers import VECTORS
from cupid_tools.models.encoders import ENCODERS
from cupid_tools.recipes import recipe_names

if TYPE_CHECKING:
    from cupid_tools.io.pairs import PairTable
    from cupid_tools.io.report import Report
    from cupid_tools.recipes.protocol import Protocol, Variant
    from cupid_tools.reproduction.datasets import Study
    from cupid_tools.reproduction.repeating import Request

_TOOL = "cupid-reproduce"

log = logging.getLogger("cupid_tools")


def get_parser() -> ToolParser:
    """The options of cupid-reproduce."""
    parser = ToolParser(_TOOL, __doc__)
    parser.add_argument(
        "recipe",
        metavar="RECIPE",
        help=f"published protocol: {', '.join(recipe_names())}, or the path of a TOML file like them",
    )
    parser.inputs.append("recipe")
    options.add_pairs(parser, "pairs; rows with label 1, or all rows where there is no label, are taken")
    options.add_fasta(parser)
    options.add_required_output(parser, "FOLDER", "folder of the result; replaced if it holds an earlier one alone")
    parser.folders.append("output")
    group = parser.add_argument_group("variants", "in place of what the recipe says")
    group.add_argument("--variants", metavar="NAMES", help="which to run, separated by commas (default: all)")
    group.add_argument("--encoder", type=options.encoder, metavar="NAME", help=ENCODERS.help())
    group.add_argument(
        "--engine", choices=(AUTO, *ENGINES), help=f"whose interaction energies stand in the table. {ENGINES.help()}"
    )
    group.add_argument("--per-positive", type=options.positive_int, metavar="N", help="negatives for each positive row")
    group.add_argument("--epochs", type=int, metavar="N", help="epochs at most")
    group.add_argument(
        "--order",
        choices=ORDERS,
        default=PUBLISHED,
        help="published: a pair is asked in the order of the table; free: in both (default: %(default)s)",
    )
    group = parser.add_argument_group("judging")
    group.add_argument("--groups", metavar="TSV", help="table of id and group: the relatives, instead of by sequence")
    parser.inputs.append("groups")
    group.add_argument(
        "--bootstrap",
        type=options.positive_int,
        default=Settings.bootstrap,
        metavar="N",
        help="replicates for intervals (default: %(default)s)",
    )
    options.add_seed(parser)
    options.add_weights_dir(parser, options.add_device(parser))
    options.add_common(parser)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Run the variants, write the folder at the end, and print the table."""
    from cupid_tools.evaluation.folder import check_replaceable
    from cupid_tools.io.pairs import read_pairs
    from cupid_tools.recipes.protocol import read_protocol

    check_replaceable(args.output, _TOOL)
    protocol = read_protocol(args.recipe, per_positive=args.per_positive, encoder=args.encoder)
    variants = _variants(args, protocol)
    table = read_pairs(args.pairs)  # before the FASTA, which an earlier tool of the pipe may still be writing
    sys.stdout.write(_repeat(args, protocol, variants, table, report))
    log.info("result: %s", args.output.rstrip("/"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run cupid-reproduce and return its exit code."""
    return run_tool(get_parser(), run, argv)


def _repeat(
    args: argparse.Namespace, protocol: Protocol, variants: tuple[Variant, ...], table: PairTable, report: Report
) -> str:
    """Write the folder, and return the table to be read."""
    from cupid_tools.evaluation.folder import write_folder
    from cupid_tools.evaluation.report import SUMMARY
    from cupid_tools.io.parts import parts_folder
    from cupid_tools.reproduction.repeating import check_tools, repeat
    from cupid_tools.reproduction.result import result_files

    request = _request(args, protocol, variants)
    check_tools(request)
    study = _study(args, table, protocol, report)
    with parts_folder(args.output) as folder:
        results = repeat(study, request, folder, partial(progress_bar, "pairs", quiet=args.quiet))
        files = result_files(study, request, results, _digests(args))
        write_folder(args.output, files, _TOOL)
    return str(files[SUMMARY])


def _request(args: argparse.Namespace, protocol: Protocol, variants: tuple[Variant, ...]) -> Request:
    from cupid_tools.models.choice import choose
    from cupid_tools.models.device import choose_device
    from cupid_tools.reproduction.repeating import Request
    from cupid_tools.reproduction.scores import Computing

    given = {"order": args.order} | ({} if args.epochs is None else {"epochs": args.epochs})
    return Request(
        protocol=protocol,
        variants=variants,
        choice=choose(None, args.recipe, VECTORS, given),
        computing=Computing(choose_device(args.device, args.threads), args.threads, args.weights_dir, args.seed),
        groups=read_listed(args.groups, "group"),
        bootstrap=args.bootstrap,
    )


def _variants(args: argparse.Namespace, protocol: Protocol) -> tuple[Variant, ...]:
    """Those that are wanted, in the order of the recipe, with the engine that is wanted."""
    known = {variant.name: variant for variant in protocol.variants}
    wanted = list(known) if args.variants is None else args.variants.split(",")
    for name in wanted:
        if name not in known:
            raise UsageError(f"{args.recipe} has no variant {name!r} (known: {', '.join(known)})")
    return tuple(
        variant._replace(engine=args.engine) if variant.engine and args.engine else variant
        for variant in protocol.variants
        if variant.name in wanted
    )


def _study(args: argparse.Namespace, table: PairTable, protocol: Protocol, report: Report) -> Study:
    from cupid_tools.io.fasta import read_fasta, read_types
    from cupid_tools.reproduction.datasets import select_positives

    rnas = read_fasta(args.fasta, format=args.format, types=read_types(args.types))
    study = select_positives(table, rnas, args.fasta, protocol.limits.max_length)
    log.info("kept %s of %s pairs, of %s RNAs", f"{len(study.table):,}", f"{len(table):,}", f"{len(study.rnas):,}")
    for reason, count in study.dropped.most_common():
        log.info("  dropped %s: %s", f"{count:,}", reason)
    report.count("pairs", read=len(table), written=len(study.table), dropped=study.dropped)
    return study


def _digests(args: argparse.Namespace) -> dict[str, str]:
    from cupid_tools.io.streams import input_digest

    own = args.recipe if args.recipe not in recipe_names() else None
    files = {"RNAs": args.fasta, "pairs": args.pairs, "types": args.types, "groups": args.groups, "recipe": own}
    digests = {name: input_digest(path) for name, path in files.items() if path is not None}
    return {name: digest for name, digest in digests.items() if digest is not None}
