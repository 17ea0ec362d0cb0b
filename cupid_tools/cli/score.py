"""Score pairs of RNAs with a model: those of a table, or the best targets of every query.

A score is a probability; call is 1 from the model's threshold on. Both columns are added to those of the table, or
replace older ones with a warning.

A model reads either the sequences of RNAs, from FASTA (-f), or their vectors, which come from embedding stores (-e) or
are made from FASTA as the model needs them. A store is refused where its encoder, the fingerprint of that encoder's
weights or settings, its pooling or its policy for long RNAs is not the model's, and, where FASTA is given too, where a
vector was made from another sequence.

With --shuffles, each query is also scored with shuffled targets, which tells how often chance gives as high a score:
p_value is the share of them that reach the target's score, q_value the false discovery rate among all targets of the
query.

A cluster can share the rows of PAIRS, or the queries: each job takes one of the --blocks, and --merge joins what they
wrote into the very bytes that one job would have written.
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
from cupid_tools.models.encoders.settings import AUTO, INT8, PRECISIONS

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
    options.add_model(parser, required=False)
    parser.inputs.append("pairs")
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
    group.add_argument(
        "--shuffles",
        type=options.whole_number,
        default=0,
        metavar="N",
        help="shuffled targets that each query is scored with, for p- and q-values (default: %(default)s)",
    )
    parser.inputs += ["queries", "targets"]
    options.add_sharing(
        parser,
        "TSV",
        blocks="score only the I-th of N blocks of the rows of PAIRS, or of the --queries",
        merge="join what was written for all blocks of PAIRS, or of --queries, in any order, in place of scoring; name "
        "PAIRS before it",
    )
    options.add_seed(parser)
    group = options.add_device(parser)
    group.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=AUTO,
        help="of nets; auto takes bf16 where the device is faster with it, and says so (default: %(default)s)",
    )
    options.add_weights_dir(parser, group)
    options.add_common(parser)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Score the pairs of a table, rank targets, or join rankings."""
    _check_usage(args)
    if args.merge:
        _merge(args, report)
        return
    from cupid_tools.models.device import memory_guard

    with memory_guard():
        model = _model(args)
        if args.queries:
            _rank(args, model, report)
        else:
            _score(args, model, report)


def main(argv: Sequence[str] | None = None) -> int:
    """Run cupid-score and return its exit code."""
    return run_tool(get_parser(), run, argv)


def _check_usage(args: argparse.Namespace) -> None:
    if args.merge:
        _check_merge(args)
        return
    if not args.model:
        raise UsageError("which model? (give --model)")
    if args.queries or args.targets:
        if not (args.queries and args.targets):
            raise UsageError("--queries and --targets belong together (give both)")
        if args.pairs or args.fasta:
            raise UsageError("--queries and --targets take the place of PAIRS and --fasta (leave those out)")
        if args.shuffles and args.embeddings:
            raise UsageError("--shuffles scores shuffled RNAs, which no store holds (leave --embeddings out)")
        return
    for flag, value in zip(("--top-k", "--shuffles"), _ranks(args), strict=True):
        if value:
            raise UsageError(f"{flag} is for rankings (give --queries and --targets)")
    if not (args.embeddings or args.fasta):
        raise UsageError("where are the RNAs? (give --fasta, or --embeddings)")
    args.pairs = args.pairs or "-"
    if args.pairs == args.fasta == "-":
        raise UsageError("stdin can be read only once (give a file for all but one input)")


def _check_merge(args: argparse.Namespace) -> None:
    if any((args.model, args.fasta, args.embeddings, args.targets, args.blocks, *_ranks(args))):
        raise UsageError("--merge joins what was scored (give it with PAIRS, or --queries, and --output alone)")
    if bool(args.pairs) == bool(args.queries):
        raise UsageError("what is merged? (name PAIRS before --merge, or give --queries where rankings are merged)")


def _ranks(args: argparse.Namespace) -> tuple[object, ...]:
    return args.top_k, args.shuffles


def _model(args: argparse.Namespace) -> Model:
    from cupid_tools.models.checkpoint import load_model
    from cupid_tools.models.classifiers.net import Net
    from cupid_tools.models.device import choose_device
    from cupid_tools.models.encoders.precision import choose_precision

    if args.precision == INT8:
        raise UsageError("--precision int8 is for encoders (give another)")
    device = choose_device(args.device, args.threads)
    model = load_model(args.model, device)
    if isinstance(model.classifier, Net):
        model.classifier.precision = choose_precision(args.precision, [device])
    elif args.precision != AUTO:
        raise UsageError(f"--precision is for nets, and {args.model} is {model.info.classifier} (leave it out)")
    return model


def _score(args: argparse.Namespace, model: Model, report: Report) -> None:
    from cupid_tools.io.pairs import iter_pairs
    from cupid_tools.models.ranking import PAIR_ROWS, score_listed

    source = _source(args, model, _read(args, args.fasta) if args.fasta else None, args.fasta)
    blocks = iter_pairs(args.pairs, block_rows=PAIR_ROWS, block=args.blocks)
    written = _write(args, score_listed(blocks, model, source))
    log.info("scored %s pairs", f"{written:,}")
    report.count("pairs", read=written, written=written)


def _rank(args: argparse.Namespace, model: Model, report: Report) -> None:
    from cupid_tools.models.null import shuffled_targets
    from cupid_tools.models.ranking import Tally, rank_targets

    queries, targets = _read(args, args.queries), _read(args, args.targets)
    for name in queries.keys() & targets.keys():
        if queries[name].sequence != targets[name].sequence:
            raise InputError(
                args.targets, f"RNA {name!r} has another sequence in {args.queries}", line=targets[name].line or None
            )
    shuffled = shuffled_targets(targets, args.shuffles, args.seed) if args.shuffles else {}
    source = _source(args, model, queries | targets | shuffled, f"{args.queries} and {args.targets}")
    tally = Tally()
    mine = args.blocks.span(len(queries), "queries") if args.blocks else range(len(queries))
    frames = rank_targets(
        list(queries)[mine.start : mine.stop],
        list(targets),
        model,
        source,
        top=args.top_k or _DEFAULT_TOP,
        tally=tally,
        shuffled=list(shuffled),
    )
    written = _write(args, frames)
    log.info(
        "wrote %s of %s pairs; %s of one RNA or sequence were left out",
        f"{written:,}",
        f"{tally.pairs:,}",
        f"{tally.same:,}",
    )
    dropped = {"same-sequence": tally.same, "below-top": tally.pairs - tally.same - written}
    report.count("pairs", read=tally.pairs, written=written, dropped=dropped)


def _merge(args: argparse.Namespace, report: Report) -> None:
    from cupid_tools.io.pairs import CALL, SCORE
    from cupid_tools.io.rankings import merge_rankings
    from cupid_tools.io.table_parts import ordered_parts, write_joined

    if args.queries:
        written = merge_rankings(args.output, args.merge, list(_read(args, args.queries)), args.queries)
    else:
        parts = ordered_parts(args.merge, args.pairs, (SCORE, CALL), hint="expected what cupid-score writes for it")
        write_joined(args.output, [part.path for part in parts])
        written = sum(part.rows for part in parts)
    log.info("joined %d parts: %s pairs", len(args.merge), f"{written:,}")
    report.count("pairs", read=written, written=written)


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
    from cupid_tools.models.sources import EmbeddedRnas, encoder_like

    if args.embeddings:
        store = EmbeddingStore(args.embeddings)
        store.check_sequences(rnas or {})
        return store
    settings = {"device": args.device, "threads": args.threads, "weights_dir": args.weights_dir}
    encoder = encoder_like(made, args.model, hint="give its --embeddings", settings=settings)
    return EmbeddedRnas(rnas or {}, encoder, path)


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
