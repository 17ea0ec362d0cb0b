"""Turn RNAs into vectors with an encoder, and keep them in an embedding store.

Equal sequences are computed once. A run that was killed goes on where it stopped when it is started again.
"""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cupid_tools.cli import _options
from cupid_tools.cli._progress import progress_bar
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.errors import UsageError
from cupid_tools.models.encoders import ENCODERS

if TYPE_CHECKING:
    from cupid_tools.io.report import Report

log = logging.getLogger("cupid_tools")


def get_parser() -> ToolParser:
    """The command line of cupid-embed."""
    parser = ToolParser("cupid-embed", str(__doc__))
    parser.add_argument("rnas", nargs="?", default="-", metavar="RNAS", help="FASTA, plain or gzip (default: stdin)")
    parser.inputs.append("rnas")
    _options.add_required_output(parser, "NPY", "the store: NAME.npy, with NAME.tsv beside it")
    _options.add_fasta_format(parser, parser.add_argument_group("RNAs"))
    group = parser.add_argument_group("embedding")
    group.add_argument(
        "--encoder", choices=list(ENCODERS), default="kmer", help=f"{ENCODERS.help()} (default: %(default)s)"
    )
    group.add_argument(
        "--shard-size",
        type=_options.positive_int,
        default=16384,
        metavar="N",
        help="distinct sequences that are held in memory, and that a killed run loses at most (default: %(default)s)",
    )
    _options.add_common(parser)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Embed all RNAs of the input."""
    from cupid_tools.io.fasta import read_fasta, read_types
    from cupid_tools.models.embedding import embed_to_store

    _check_table(args)
    encoder = ENCODERS.load(args.encoder)()
    types = read_types(args.types) if args.types else None
    with progress_bar("sequences", quiet=args.quiet) as done:
        result = embed_to_store(
            args.output,
            read_fasta(args.rnas, format=args.format, types=types),
            encoder,
            source=args.rnas,
            shard_size=args.shard_size,
            progress=done,
        )
    log.info("embedded %d RNAs, %d distinct sequences, %d channels", result.rnas, result.rows, encoder.dim)
    if result.reused:
        log.info("took %d of the sequences from an interrupted run", result.reused)
    report.count("rnas", read=result.rnas, written=result.rnas)
    report.details["store"] = {"rows": result.rows, "channels": encoder.dim, **vars(encoder.info)}


def _check_table(args: argparse.Namespace) -> None:
    """Refuse an output whose second file, the TSV, would replace an input."""
    from cupid_tools.io.atomic import check_writable
    from cupid_tools.io.store import check_store_name, table_path

    check_store_name(args.output)
    table = table_path(args.output)
    if any(path and os.path.realpath(path) == os.path.realpath(table) for path in (args.rnas, args.types, args.report)):
        raise UsageError(f"{table} is named twice (the store writes it beside {args.output}; choose another name)")
    check_writable(table)


def main(argv: Sequence[str] | None = None) -> int:
    """Run cupid-embed and return its exit code."""
    return run_tool(get_parser(), run, argv)
