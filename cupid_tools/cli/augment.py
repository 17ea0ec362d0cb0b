"""Add copies of pairs: in the other order (swap), with both RNAs reversed (flip), or both, which makes four of one.

Only train pairs are copied unless --splits says otherwise. The input rows come first, then the copies, one way after
the other; the column origin tells which. Reversed RNAs are added to the FASTA once, with ids that end in ~flip.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cupid_tools.cli._options import add_common, add_fasta, add_fasta_out, add_output, add_pairs
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.vocab import SPLITS, TRAIN

if TYPE_CHECKING:
    from cupid_tools.io.report import Report

log = logging.getLogger("cupid_tools")

_WAYS = ("swap", "flip", "both")


def get_parser() -> ToolParser:
    """The options of cupid-augment."""
    parser = ToolParser("cupid-augment", __doc__)
    add_pairs(parser, "pairs with a split column")
    add_fasta(parser)
    add_output(parser)
    add_fasta_out(parser, required=True, help="where to write the RNAs together with the reversed ones")
    group = parser.add_argument_group("augmentation")
    group.add_argument(
        "--how",
        type=_some_of(_WAYS),
        default=_WAYS,
        metavar="WAYS",
        help="some of swap, flip, both; separated by commas (default: swap,flip,both)",
    )
    group.add_argument(
        "--splits",
        type=_some_of(SPLITS),
        default=(TRAIN,),
        metavar="SPLITS",
        help=f"splits whose pairs are copied; {','.join(SPLITS)} is the published protocol (default: {TRAIN})",
    )
    add_common(parser)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Write the pairs with their copies, and the RNAs with the reversed ones."""
    from cupid_tools.io.atomic import atomic_write
    from cupid_tools.io.fasta import load_rnas, read_types, write_fasta
    from cupid_tools.io.pairs import read_pairs, write_pairs
    from cupid_tools.sampling.augment import AugmentSettings, augment_pairs, flipped_rnas, refuse_flipped_rnas

    settings = AugmentSettings(args.how, args.splits)
    table = read_pairs(args.pairs)  # before the FASTA, which an earlier tool of the pipe may still be writing
    rnas = load_rnas(args.fasta, format=args.format, types=read_types(args.types) if args.types else None)
    refuse_flipped_rnas(rnas, args.fasta)
    blocks = augment_pairs(table, settings)
    table.check_ids(rnas, args.fasta)
    flipped = list(flipped_rnas(rnas, blocks))
    with atomic_write(args.fasta_out) as fasta, atomic_write(args.output) as handle:
        write_fasta(fasta, [*rnas.values(), *flipped])
        written = write_pairs(handle, blocks)
    report.count("pairs", read=len(table), added=written - len(table), written=written)
    report.count("rnas", read=len(rnas), added=len(flipped), written=len(rnas) + len(flipped))
    possible = int(table.frame["split"].isin(settings.splits).sum()) * len(settings.how)
    report.details["copies_already_there"] = possible - (written - len(table))
    log.info("added %d copies to %d pairs, and %d reversed RNAs", written - len(table), len(table), len(flipped))
    if possible > written - len(table):
        log.info("%d copies were there already", possible - (written - len(table)))


def _some_of(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """A parser of comma-separated names, in the order of *known*, for argparse."""

    def parse(text: str) -> tuple[str, ...]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return tuple(name for name in known if name in names)

    return parse


def main(argv: Sequence[str] | None = None) -> int:
    """Run cupid-augment."""
    return run_tool(get_parser(), run, argv)
