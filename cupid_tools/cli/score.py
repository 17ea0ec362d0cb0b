"""Score pairs of RNAs with a model: those of a table, or the best targets of every query.

A score is a probability; call is 1 from the model's threshold on. Both columns are added to those of the table, or
replace older ones with a warning.

A model reads either the sequences of RNAs, from FASTA (-f), or their vectors, which come from embedding stores (-e) or
are made from FASTA as the model needs them. A store is refused where its encoder, the fingerprint of that encoder's
weights or settings, its pooling or its policy for long RNAs is not the model's, and, where FASTA is given too, where a
vector was made from another sequence.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from cupid_tools.cli import _options as options
from cupid_tools.cli._progress import progress_bar
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.errors import InputError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from cupid_tools.io.report import Report
    from cupid_tools.io.store import StoreInfo
    from cupid_tools.models.checkpoint import Model
    from cupid_tools.models.sources import RnaSource, VectorSource
    from cupid_tools.vocab import Rna

_DEFAULT_TOP = 20

log = logging.getLogger("cupid_tools")


def get_parser() -> ToolParser:
    """The options of cupid-score."""
    parser = ToolParser("cupid-score", __doc__)
    parser.add_argument(
        "pairs", nargs="?", metavar="PAIRS", help="pair table (default: stdin, unless --queries is given)"
    )
    parser.add_argument("-m", "--model", required=True, metavar="SAFETENSORS", help="model made by cupid-train")
    parser.inputs += ["pairs", "model"]
    options.add_output(parser, "where to write the scores")
    options.add_embeddings(parser, required=False)
    options.add_fasta(parser, required=False)
    group = parser.add_argument_group("all queries against all targets, in place of a pair table")
    group.add_argument("--queries", metavar="FASTA", help="RNAs, each of which gets a ranking")
    group.add_argument("--targets", metavar="FASTA", help="RNAs that are ranked")
    group.add_argument(
        "--top-k",
        type=options.positive_int,
        metavar="K",
        help=f"targets that are written for each query (default: {_DEFAULT_TOP})",
    )
    parser.inputs += ["queries", "targets"]
    options.add_weights_dir(parser, options.add_device(parser))
    options.add_common(parser)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Score the pairs of a table, or rank targets."""
    from cupid_tools.models.checkpoint import load_model
    from cupid_tools.models.device import choose_device, memory_guard

    _check_usage(args)
    device = choose_device(args.device, args.threads)
    with memory_guard():
        model = load_model(args.model, device)
        if args.queries:
            _rank(args, model, report)
        else:
            _score(args, model, report)


def main(argv: Sequence[str] | None = None) -> int:
    """Run cupid-score and return its exit code."""
    return run_tool(get_parser(), run, argv)


def _check_usage(args: argparse.Namespace) -> None:
    if args.queries or args.targets:
        if not (args.queries and args.targets):
            raise UsageError("--queries and --targets belong together (give both)")
        if args.pairs or args.fasta:
            raise UsageError("--queries and --targets take the place of PAIRS and --fasta (leave those out)")
        return
    if args.top_k:
        raise UsageError("--top-k ranks --targets (give --queries and --targets)")
    if not (args.embeddings or args.fasta):
        raise UsageError("where are the RNAs? (give --fasta, or --embeddings)")
    args.pairs = args.pairs or "-"
    if args.pairs == args.fasta == "-":
        raise UsageError("stdin can be read only once (give a file for all but one input)")


def _score(args: argparse.Namespace, model: Model, report: Report) -> None:
    from cupid_tools.io.pairs import iter_pairs
    from cupid_tools.models.ranking import PAIR_ROWS, score_listed

    source = _source(args, model, _read(args, args.fasta) if args.fasta else None, args.fasta)
    blocks = iter_pairs(args.pairs, block_rows=PAIR_ROWS)
    written = _write(args, score_listed(blocks, model, source))
    log.info("scored %s pairs", f"{written:,}")
    report.count("pairs", read=written, written=written)


def _rank(args: argparse.Namespace, model: Model, report: Report) -> None:
    from cupid_tools.models.ranking import Tally, rank_targets

    queries, targets = _read(args, args.queries), _read(args, args.targets)
    for name in queries.keys() & targets.keys():
        if queries[name].sequence != targets[name].sequence:
            raise InputError(
                args.targets, f"RNA {name!r} has another sequence in {args.queries}", line=targets[name].line or None
            )
    source = _source(args, model, queries | targets, f"{args.queries} and {args.targets}")
    tally = Tally()
    frames = rank_targets(list(queries), list(targets), model, source, top=args.top_k or _DEFAULT_TOP, tally=tally)
    written = _write(args, frames)
    log.info(
        "wrote %s of %s pairs; %s of one RNA or sequence were left out",
        f"{written:,}",
        f"{tally.pairs:,}",
        f"{tally.same:,}",
    )
    dropped = {"same-sequence": tally.same, "below-top": tally.pairs - tally.same - written}
    report.count("pairs", read=tally.pairs, written=written, dropped=dropped)


def _read(args: argparse.Namespace, path: str) -> dict[str, Rna]:
    from cupid_tools.io.fasta import load_rnas, read_types

    return load_rnas(path, format=args.format, types=read_types(args.types))


def _source(args: argparse.Namespace, model: Model, rnas: dict[str, Rna] | None, path: str) -> RnaSource:
    """The RNAs as the model reads them."""
    from cupid_tools.models.ranking import check_vectors
    from cupid_tools.models.sources import RnaSequences

    if model.info.store is None:
        if rnas is None:
            raise UsageError(f"{args.model} reads sequences (give --fasta)")
        if args.embeddings:
            raise UsageError(f"{args.model} reads sequences, not --embeddings (leave that out)")
        return RnaSequences(rnas, path)
    source = _vectors(args, model.info.store, rnas, path)
    check_vectors(model, args.model, source)
    return source


def _vectors(args: argparse.Namespace, made: StoreInfo, rnas: dict[str, Rna] | None, path: str) -> VectorSource:
    """The stores, checked against the sequences where these are known; or an encoder like the model's."""
    from cupid_tools.io.store import EmbeddingStore
    from cupid_tools.models.encoders import ENCODERS, load_encoder
    from cupid_tools.models.encoders.settings import EncoderSettings
    from cupid_tools.models.sources import EmbeddedRnas

    if args.embeddings:
        store = EmbeddingStore(args.embeddings)
        store.check_sequences(rnas or {})
        return store
    if made.encoder not in ENCODERS:
        raise InputError(args.model, f"was made with encoder {made.encoder!r}", hint="give its --embeddings")
    settings = EncoderSettings.of_store(made, device=args.device, threads=args.threads, weights_dir=args.weights_dir)
    return EmbeddedRnas(rnas or {}, load_encoder(made.encoder, settings), path)


def _write(args: argparse.Namespace, frames: Iterable[pd.DataFrame]) -> int:
    from cupid_tools.io.atomic import atomic_write
    from cupid_tools.io.pairs import write_pairs

    with (
        progress_bar("pairs", quiet=args.quiet or args.output == "-") as done,
        atomic_write(args.output) as handle,
    ):
        return write_pairs(handle, _watched(frames, done))


def _watched(frames: Iterable[pd.DataFrame], done: Callable[[int], object]) -> Iterator[pd.DataFrame]:
    for frame in frames:
        yield frame
        done(len(frame))
