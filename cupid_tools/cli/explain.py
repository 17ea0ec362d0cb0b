"""Explain scores: which stretches of two RNAs pair, and which ones a model's answer rests on.

The pairs with the highest scores are explained, one drawing each. The model takes the scores anew: those that the table
may hold are not read.

Where the RNAs pair is told by the model's own energy where it has one (duplex, blend), else by the thermodynamic energy
that duplex starts from, of which the model knows nothing. What the score rests on is told, for all but duplex, by
hiding one stretch after the other and scoring again; a model of vectors does that with its encoder, so that a store of
vectors (-e) saves the first scores only.

The folder holds index.html, a page for readers; positions.tsv, both numbers for every nucleotide; duplexes.tsv; and the
drawings as SVG. cupid-evaluate --explanations takes the drawings into its report.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from cupid_tools import __version__
from cupid_tools.cli import _options as options
from cupid_tools.cli._progress import progress_bar
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.errors import UsageError

if TYPE_CHECKING:
    from cupid_tools.interaction.explanation import Explanation
    from cupid_tools.io.pairs import PairTable
    from cupid_tools.io.report import Report
    from cupid_tools.models.checkpoint import Model
    from cupid_tools.models.explaining import Meet
    from cupid_tools.models.sources import RnaSource
    from cupid_tools.vocab import Rna

_ALL = "all"
_DEFAULT_TOP = 10

log = logging.getLogger("cupid_tools")


def get_parser() -> ToolParser:
    """The options of cupid-explain."""
    parser = ToolParser("cupid-explain", __doc__)
    options.add_pairs(parser)
    options.add_model(parser)
    options.add_required_output(
        parser, "FOLDER", "folder of drawings and tables; replaced if it holds earlier ones alone"
    )
    parser.folders.append("output")
    parser.add_argument(
        "--top",
        type=_count,
        default=_DEFAULT_TOP,
        metavar="N",
        help="how many pairs, those with the highest scores, or all (default: %(default)s)",
    )
    parser.add_argument(
        "--title", default="Where do these RNAs pair?", help="heading of the page (default: %(default)s)"
    )
    options.add_fasta(parser)
    options.add_embeddings(parser, required=False)
    group = options.add_device(parser)
    options.add_weights_dir(parser, group)
    options.add_common(parser)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Score the pairs, explain the best ones, and write the folder at the end."""
    from cupid_tools.evaluation.explanations import INDEX, LISTED, TOOL, About, build
    from cupid_tools.evaluation.folder import check_replaceable, write_folder
    from cupid_tools.io.fasta import load_rnas, read_types
    from cupid_tools.models.checkpoint import load_model
    from cupid_tools.models.device import choose_device, memory_guard

    check_replaceable(args.output, TOOL, marker=LISTED)
    device = choose_device(args.device, args.threads)
    with memory_guard():
        model = load_model(args.model, device)
        rnas = load_rnas(args.fasta, format=args.format, types=read_types(args.types))
        found = _explain(args, model, rnas, report)
    about = About(args.title, model.info.classifier, model.info.threshold, {"cupid-tools": __version__}, _digests(args))
    write_folder(args.output, build(found, about), TOOL, marker=LISTED)
    log.info("page: %s/%s", args.output.rstrip("/"), INDEX)


def main(argv: Sequence[str] | None = None) -> int:
    """Run cupid-explain and return its exit code."""
    return run_tool(get_parser(), run, argv)


def _count(text: str) -> int | None:
    """A number of pairs, for argparse; None stands for all."""
    return None if text == _ALL else options.positive_int(text)


def _explain(args: argparse.Namespace, model: Model, rnas: dict[str, Rna], report: Report) -> list[Explanation]:
    from cupid_tools.io.pairs import iter_pairs
    from cupid_tools.models.explaining import best_pairs, explain_pairs
    from cupid_tools.models.ranking import PAIR_ROWS, score_listed

    meet = _meet(args, model)
    read: list[int] = []
    blocks = _checked(iter_pairs(args.pairs, block_rows=PAIR_ROWS), rnas, args.fasta, read)
    best = best_pairs(score_listed(blocks, model, _source(args, model, rnas, meet)), args.top)
    log.info("explaining %s of %s pairs", f"{len(best):,}", f"{sum(read):,}")
    found = []
    with progress_bar("pairs", quiet=args.quiet, total=len(best)) as done:
        for explanation in explain_pairs(best, model, rnas, meet):
            found.append(explanation)
            done(1)
    left_out = {"repeated" if args.top is None else "below-top": sum(read) - len(best)}
    report.count("pairs", read=sum(read), written=len(best), dropped=left_out)
    return found


def _checked(blocks: Iterable[PairTable], rnas: dict[str, Rna], path: str, read: list[int]) -> Iterator[PairTable]:
    """The *blocks* without scores of their own, once each RNA has a sequence; their sizes are added to *read*."""
    from dataclasses import replace

    from cupid_tools.io.pairs import CALL, SCORE

    for table in blocks:
        table.check_ids(rnas, path)
        read.append(len(table))
        yield replace(table, frame=table.frame.drop(columns=[SCORE, CALL], errors="ignore"))


def _meet(args: argparse.Namespace, model: Model) -> Meet:
    """How RNAs that no file holds become what the model reads."""
    from cupid_tools.models.ranking import check_vectors
    from cupid_tools.models.sources import EmbeddedRnas, RnaSequences, encoder_like

    if model.info.store is None:
        if args.embeddings:
            raise UsageError(f"{args.model} reads sequences, not --embeddings (leave that out)")
        return lambda rnas: RnaSequences(rnas, args.fasta)
    settings = {"device": args.device, "threads": args.threads, "weights_dir": args.weights_dir}
    hint = "RNAs with hidden stretches are in no store: explain a model whose encoder is here, or one of sequences"
    encoder = encoder_like(model.info.store, args.model, hint=hint, settings=settings)
    check_vectors(model, args.model, EmbeddedRnas({}, encoder, args.fasta))
    return lambda rnas: EmbeddedRnas(rnas, encoder, args.fasta)


def _source(args: argparse.Namespace, model: Model, rnas: dict[str, Rna], meet: Meet) -> RnaSource:
    """Where the first scores come from."""
    if not args.embeddings:
        return meet(rnas)
    from cupid_tools.io.store import EmbeddingStore
    from cupid_tools.models.ranking import check_vectors

    store = EmbeddingStore(args.embeddings)
    store.check_sequences(rnas)
    check_vectors(model, args.model, store)
    return store


def _digests(args: argparse.Namespace) -> dict[str, str]:
    from cupid_tools.io.streams import input_digest
    from cupid_tools.models.builtin import model_path

    files = {"model": model_path(args.model), "pairs": args.pairs, "RNAs": args.fasta, "types": args.types}
    digests = {name: input_digest(path) for name, path in files.items() if path is not None}
    return {name: digest for name, digest in digests.items() if digest is not None}
