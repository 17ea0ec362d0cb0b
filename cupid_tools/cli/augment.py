"""Add copies of pairs: in the other order (swap), with both RNAs reversed (flip), or both, which makes four of one.

Only train pairs are copied unless --splits says otherwise. The input rows come first, then the copies, one way after
the other; the column origin tells which. Reversed RNAs are added to the FASTA once, with ids that end in ~flip.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cupid_tools.cli import _options as options
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.vocab import SPLITS, TRAIN, WAYS

if TYPE_CHECKING:
    from cupid_tools.io.report import Report

log = logging.getLogger("cupid_tools")


def get_parser() -> ToolParser:
    """The options of cupid-augment."""
    parser = ToolParser("cupid-augment", __doc__)
    options.add_pairs(parser, "pairs with a split column")
    options.add_fasta(parser)
    options.add_output(parser)
    options.add_fasta_out(parser, required=True, help="where to write the RNAs together with the reversed ones")
    group = parser.add_argument_group("augmentation")
    group.add_argument(
        "--how",
        type=options.some_of(WAYS),
        default=WAYS,
        metavar="WAYS",
        help=f"some of {', '.join(WAYS)}; separated by commas (default: {','.join(WAYS)})",
    )
    group.add_argument(
        "--splits",
        type=options.splits,
        default=(TRAIN,),
        metavar="SPLITS",
        help=f"splits whose pairs are copied; {','.join(SPLITS)} is the published protocol (default: {TRAIN})",
    )
    options.add_common(parser)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Write the pairs with their copies, and the RNAs with the reversed ones."""
    from cupid_tools.io.atomic import atomic_write
    from cupid_tools.io.fasta import load_rnas, read_types, write_fasta
    from cupid_tools.io.pairs import SPLIT, read_pairs, write_pairs
    from cupid_tools.sampling.augment import AugmentSettings, augment_pairs, flipped_rnas, refuse_flipped_rnas

    settings = AugmentSettings(args.how, args.splits)
    table = read_pairs(args.pairs)  # before the FASTA, which an earlier tool of the pipe may still be writing
    rnas = load_rnas(args.fasta, format=args.format, types=read_types(args.types))
    refuse_flipped_rnas(rnas, args.fasta)
    blocks = augment_pairs(table, settings)
    table.check_ids(rnas, args.fasta)
    flipped = list(flipped_rnas(rnas, blocks))
    with atomic_write(args.fasta_out) as fasta, atomic_write(args.output) as handle:
        write_fasta(fasta, [*rnas.values(), *flipped])
        written = write_pairs(handle, blocks)
    added = written - len(table)
    report.count("pairs", read=len(table), added=added, written=written)
    report.count("rnas", read=len(rnas), added=len(flipped), written=len(rnas) + len(flipped))
    there = int(table.frame[SPLIT].isin(settings.splits).sum()) * len(settings.how) - added
    report.details["copies_already_there"] = there
    log.info("added %s copies to %s pairs, and %s reversed RNAs", f"{added:,}", f"{len(table):,}", f"{len(flipped):,}")
    if there:
        log.info("%s copies were there already", f"{there:,}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run cupid-augment and return its exit code."""
    return run_tool(get_parser(), run, argv)
