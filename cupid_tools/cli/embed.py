"""Turn RNAs into vectors with an encoder, and keep them in an embedding store.

Equal sequences are computed once. A run that was killed goes on where it stopped when it is started again.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cupid_tools.cli import _options as options
from cupid_tools.cli._progress import progress_bar
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.models.encoders import ENCODERS

if TYPE_CHECKING:
    from cupid_tools.io.report import Report

log = logging.getLogger("cupid_tools")


def get_parser() -> ToolParser:
    """The options of cupid-embed."""
    parser = ToolParser("cupid-embed", __doc__)
    parser.add_argument("rnas", nargs="?", default="-", metavar="RNAS", help="FASTA, plain or gzip (default: stdin)")
    parser.inputs.append("rnas")
    options.add_required_output(parser, "NPY", "the store: NAME.npy, with NAME.tsv beside it")
    options.add_fasta_format(parser, parser.add_argument_group("RNAs"))
    group = parser.add_argument_group("embedding")
    group.add_argument(
        "--encoder", choices=list(ENCODERS), default="kmer", help=f"{ENCODERS.help()} (default: %(default)s)"
    )
    group.add_argument(
        "--shard-size",
        type=options.positive_int,
        default=16384,
        metavar="N",
        help="distinct sequences that are held in memory, and that a killed run loses at most (default: %(default)s)",
    )
    options.add_common(parser)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Embed all RNAs of the input."""
    from cupid_tools.io.fasta import read_fasta, read_types
    from cupid_tools.io.store import check_store_name
    from cupid_tools.models.embedding import embed_to_store

    check_store_name(args.output)
    encoder = ENCODERS.load(args.encoder)()
    types = read_types(args.types)
    with progress_bar("sequences", quiet=args.quiet) as done:
        result = embed_to_store(
            args.output,
            read_fasta(args.rnas, format=args.format, types=types),
            encoder,
            source=args.rnas,
            shard_size=args.shard_size,
            progress=done,
        )
    log.info(
        "embedded %s RNAs, %s distinct sequences, %d channels", f"{result.rnas:,}", f"{result.rows:,}", encoder.dim
    )
    if result.reused:
        log.info("took %s of the sequences from an interrupted run", f"{result.reused:,}")
    report.count("rnas", read=result.rnas, written=result.rnas)
    report.details["store"] = {"rows": result.rows, "channels": encoder.dim, **vars(encoder.info)}


def main(argv: Sequence[str] | None = None) -> int:
    """Run cupid-embed and return its exit code."""
    return run_tool(get_parser(), run, argv)
