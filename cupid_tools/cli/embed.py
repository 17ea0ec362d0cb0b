"""Turn RNAs into vectors with an encoder, and keep them in an embedding store.

Equal sequences are computed once. A run that was killed goes on where it stopped when the same command is given again.

A language model has a longest length. RNAs above it are refused unless --long says what to do: 'window' computes them
in overlapping windows and pools each nucleotide once, 'truncate' keeps the part that the model's authors kept. Its
weights come from cupid-weights; nothing is fetched here.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cupid_tools.cli import _options as options
from cupid_tools.cli._progress import progress_bar
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.errors import UsageError
from cupid_tools.models.encoders import ENCODERS
from cupid_tools.models.encoders.settings import (
    IMPLEMENTATIONS,
    LONG_POLICIES,
    POOLINGS,
    PRECISIONS,
    EncoderSettings,
)

if TYPE_CHECKING:
    from cupid_tools.io.report import Report

_DEFAULT_ENCODER = "kmer"

log = logging.getLogger("cupid_tools")


def get_parser() -> ToolParser:
    """The options of cupid-embed."""
    parser = ToolParser("cupid-embed", __doc__)
    parser.add_argument("rnas", nargs="?", metavar="RNAS", help="FASTA, plain or gzip (default: stdin)")
    parser.inputs.append("rnas")
    options.add_required_output(parser, "NPY", "the store: NAME.npy, with NAME.tsv beside it")
    options.add_fasta_format(parser, parser.add_argument_group("RNAs"))
    group = parser.add_argument_group("embedding")
    group.add_argument(
        "--encoder",
        type=options.encoder,
        default=_DEFAULT_ENCODER,
        metavar="NAME",
        help=f"{ENCODERS.help()} (default: %(default)s)",
    )
    group.add_argument(
        "--shard-size",
        type=options.positive_int,
        default=16384,
        metavar="N",
        help="distinct sequences that are computed together, and that a killed run loses at most; fewer where they are "
        "long (default: %(default)s)",
    )
    group.add_argument(
        "--merge",
        nargs="+",
        metavar="NPY",
        help="join stores of one encoder into one, in place of embedding RNAs",
    )
    parser.inputs.append("merge")
    _add_language_model(parser)
    options.add_device(parser, several=True)
    options.add_common(parser)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Embed all RNAs of the input, or join stores."""
    from cupid_tools.io.store import check_store_name

    check_store_name(args.output)
    if args.merge:
        if args.rnas:
            raise UsageError("--merge joins stores, and RNAS are embedded (give one of them)")
        if args.encoder != _DEFAULT_ENCODER or _settings(args) != EncoderSettings():
            raise UsageError("--merge joins stores as they are", hint="leave out what is for embedding")
        _merge(args, report)
    else:
        _embed(args, report)


def main(argv: Sequence[str] | None = None) -> int:
    """Run cupid-embed and return its exit code."""
    return run_tool(get_parser(), run, argv)


def _add_language_model(parser: ToolParser) -> None:
    group = parser.add_argument_group("language models")
    group.add_argument(
        "--pooling",
        choices=POOLINGS,
        default=EncoderSettings.pooling,
        help="how the states of an RNA's tokens become one vector; none gives every nucleotide that of its token "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--long",
        choices=LONG_POLICIES,
        default=EncoderSettings.long,
        help="what to do with RNAs that are longer than the encoder takes (default: %(default)s)",
    )
    group.add_argument(
        "--overlap",
        type=options.whole_number,
        default=EncoderSettings.overlap,
        metavar="N",
        help="tokens that neighbouring windows share, with --long window (default: %(default)s)",
    )
    group.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=EncoderSettings.precision,
        help="auto takes bf16 where the device is faster with it, and says so (default: %(default)s)",
    )
    group.add_argument(
        "--implementation",
        choices=IMPLEMENTATIONS,
        default=EncoderSettings.implementation,
        help="reference runs the code of RNA-FM's authors, several times as slow (default: %(default)s)",
    )
    group.add_argument(
        "--batch-tokens",
        type=options.positive_int,
        metavar="N",
        help="tokens that are computed at once (default: what suits the device)",
    )
    options.add_weights_dir(parser, group)


def _settings(args: argparse.Namespace) -> EncoderSettings:
    return EncoderSettings(
        pooling=args.pooling,
        long=args.long,
        overlap=args.overlap,
        precision=args.precision,
        device=args.device,
        threads=args.threads,
        implementation=args.implementation,
        weights_dir=args.weights_dir,
        batch_tokens=args.batch_tokens,
    )


def _embed(args: argparse.Namespace, report: Report) -> None:
    from cupid_tools.io.fasta import read_fasta, read_types
    from cupid_tools.models.embedding import embed_to_store
    from cupid_tools.models.encoders import load_encoder

    args.rnas = args.rnas or "-"
    encoder = load_encoder(args.encoder, _settings(args))
    args.encoder = encoder.info.encoder  # for the report, which tells no path
    with progress_bar("sequences", quiet=args.quiet) as done:
        result = embed_to_store(
            args.output,
            read_fasta(args.rnas, format=args.format, types=read_types(args.types)),
            encoder,
            source=args.rnas,
            shard_size=args.shard_size,
            progress=done,
        )
    log.info(
        "embedded %s RNAs, %s distinct sequences, %d channels", f"{result.rnas:,}", f"{result.sequences:,}", encoder.dim
    )
    if result.reused:
        log.info("took %s of the sequences from an interrupted run", f"{result.reused:,}")
    report.count("rnas", read=result.rnas, written=result.rnas)
    report.details["store"] = {"rows": result.rows, "channels": encoder.dim, **vars(encoder.info)}


def _merge(args: argparse.Namespace, report: Report) -> None:
    from cupid_tools.io.store_merge import merge_stores

    result = merge_stores(args.output, args.merge)
    log.info("merged %d stores: %s RNAs, %s rows", len(args.merge), f"{result.rnas:,}", f"{result.rows:,}")
    report.count("rnas", read=result.rnas + result.repeated, written=result.rnas, dropped={"repeated": result.repeated})
