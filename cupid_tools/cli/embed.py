"""Turn RNAs into vectors with an encoder, and keep them in an embedding store.

Equal sequences are computed once. A run that was killed goes on where it stopped when the same command is given again.

A language model has a longest length. RNAs above it are refused unless --long says what to do: 'window' computes them
in overlapping windows and pools each nucleotide once, 'truncate' keeps the part that the model's authors kept. Its
weights come from cupid-weights; nothing is fetched here.

A cluster can share the RNAs: each job takes one of the --blocks, which have about as many nucleotides each, and --merge
joins the stores of all. Every job reads the whole FASTA, and refuses it for what is wrong anywhere in it.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cupid_tools.cli import _options as options
from cupid_tools.cli._progress import progress_bar
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.errors import UsageError
from cupid_tools.models.encoders import ENCODERS
from cupid_tools.models.encoders.settings import (
    AUTO,
    ERROR,
    IMPLEMENTATIONS,
    LONG_POLICIES,
    OVERLAP,
    POOLINGS,
    PRECISIONS,
    WINDOW,
    EncoderSettings,
)

if TYPE_CHECKING:
    from cupid_tools.io.report import Report
    from cupid_tools.io.store import StoreInfo
    from cupid_tools.models.encoders.base import Encoder
    from cupid_tools.vocab import Rna

_DEFAULT_ENCODER = "mini"
_OF_MODEL = ("pooling", "long", "overlap")
"""The settings that a model tells beside its encoder."""
_OTHERS = ("precision", "device", "threads", "implementation", "weights_dir", "batch_tokens")

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
        "--encoder", type=options.encoder, metavar="NAME", help=f"{ENCODERS.help()} (default: {_DEFAULT_ENCODER})"
    )
    group.add_argument(
        "-m",
        "--model",
        metavar="MODEL",
        help="make vectors as a model of cupid-train reads them, in place of --encoder, --pooling, --long and "
        "--overlap; --precision is the model's, too, unless it is given",
    )
    parser.inputs.append("model")
    group.add_argument(
        "--shard-size",
        type=options.positive_int,
        default=16384,
        metavar="N",
        help="distinct sequences that are computed together, and that a killed run loses at most; fewer where they are "
        "long (default: %(default)s)",
    )
    options.add_sharing(
        parser,
        "NPY",
        blocks="embed only the I-th of N blocks of RNAS",
        merge="join stores of one encoder into one, in place of embedding: in this order or, with RNAS named before "
        "it, those of all blocks of RNAS in any order",
    )
    _add_language_model(parser)
    options.add_device(parser, several=True)
    options.add_common(parser)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Embed all RNAs of the input, or join stores."""
    from cupid_tools.io.store import check_store_name

    check_store_name(args.output)
    if args.merge:
        _check_merge(args)
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
        help="how the states of an RNA's tokens become one vector; none gives every nucleotide that of its token "
        f"(default: {EncoderSettings.pooling})",
    )
    group.add_argument(
        "--long",
        choices=LONG_POLICIES,
        help="what to do with RNAs that are longer than the encoder takes (default: "
        f"{WINDOW} for encoders of cupid-pretrain, {ERROR} for others)",
    )
    group.add_argument(
        "--overlap",
        type=options.whole_number,
        metavar="N",
        help=f"tokens that neighbouring windows share, with --long window (default: {OVERLAP}, or "
        "half of what a smaller encoder takes)",
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


def _check_merge(args: argparse.Namespace) -> None:
    untouched = all(getattr(args, name) == getattr(EncoderSettings, name) for name in _OTHERS)
    if not untouched or args.model or args.blocks or any(value is not None for value in _kind(args).values()):
        raise UsageError("--merge joins stores as they are", hint="leave out what is for embedding")
    for path in args.merge:
        if not path.endswith(".npy"):
            raise UsageError(f"{path}: a store is named NAME.npy", hint="RNAS stand before --merge")


def _kind(args: argparse.Namespace) -> dict[str, object]:
    """What the user says of the vectors themselves, None where nothing: a model tells it, too."""
    return {name: getattr(args, name) for name in ("encoder", *_OF_MODEL)}


def _encoder(args: argparse.Namespace) -> Encoder:
    """The encoder, or one like a model's; *args* tell from here on which it is, without a path."""
    from cupid_tools.models.encoders import load_encoder

    others = {name: getattr(args, name) for name in _OTHERS}
    if args.model:
        given = [f"--{name}" for name, value in _kind(args).items() if value is not None]
        if given:
            raise UsageError(f"{given[0]} and --model both say what the vectors are", hint="give one of them")
        if args.precision == AUTO:
            del others["precision"]  # that of the model
        from cupid_tools.models.sources import encoder_of

        encoder = encoder_of(args.model, others)
    else:
        chosen = {name: getattr(args, name) for name in _OF_MODEL if getattr(args, name) is not None}
        encoder = load_encoder(args.encoder or _DEFAULT_ENCODER, EncoderSettings(**chosen, **others))
    _tell_kind(args, encoder.info)
    return encoder


def _tell_kind(args: argparse.Namespace, info: StoreInfo) -> None:
    """Let the report say what was left to a model, a store or a default."""
    made = EncoderSettings.of_store(info, device=args.device, threads=args.threads, weights_dir=None)
    args.encoder = info.encoder
    for name in _OF_MODEL:
        if getattr(args, name) is None:
            setattr(args, name, getattr(made, name))


def _rnas(args: argparse.Namespace) -> Iterator[Rna]:
    from cupid_tools.io.fasta import read_fasta, read_types
    from cupid_tools.io.rna_blocks import rnas_of_block

    types = read_types(args.types)
    if args.blocks:
        return rnas_of_block(args.rnas, args.blocks, format=args.format, types=types)
    return read_fasta(args.rnas, format=args.format, types=types)


def _embed(args: argparse.Namespace, report: Report) -> None:
    from cupid_tools.models.embedding import embed_to_store

    args.rnas = args.rnas or "-"
    encoder = _encoder(args)
    with progress_bar("sequences", quiet=args.quiet) as done:
        result = embed_to_store(
            args.output, _rnas(args), encoder, source=args.rnas, shard_size=args.shard_size, progress=done
        )
    log.info(
        "embedded %s RNAs, %s distinct sequences, %d channels", f"{result.rnas:,}", f"{result.sequences:,}", encoder.dim
    )
    if result.reused:
        log.info("took %s of the sequences from an interrupted run", f"{result.reused:,}")
    report.count("rnas", read=result.rnas, written=result.rnas)
    _report_store(report, result.rows, encoder.dim, encoder.info)


def _merge(args: argparse.Namespace, report: Report) -> None:
    from cupid_tools.io.store_merge import merge_stores, stores_in_order

    stores = stores_in_order(args.merge, _rnas(args), args.rnas) if args.rnas else args.merge
    result = merge_stores(args.output, stores)
    log.info("merged %d stores: %s RNAs, %s rows", len(args.merge), f"{result.rnas:,}", f"{result.rows:,}")
    report.count("rnas", read=result.rnas + result.repeated, written=result.rnas, dropped={"repeated": result.repeated})
    _tell_kind(args, result.info)
    _report_store(report, result.rows, result.dim, result.info)


def _report_store(report: Report, rows: int, channels: int, info: StoreInfo) -> None:
    report.details["store"] = {"rows": rows, "channels": channels, **vars(info)}
