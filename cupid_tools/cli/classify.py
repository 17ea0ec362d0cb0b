"""Tell the types of RNAs, such as miRNA or tRNA: fit a classifier to RNAs whose types are known, and ask it.

A classifier reads either the sequences of RNAs (--fasta) or their vectors (--embeddings).
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cupid_tools import __version__
from cupid_tools.cli import _options as options
from cupid_tools.cli._progress import progress_bar
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.errors import UsageError
from cupid_tools.models.classifiers import SEQUENCES, VECTORS
from cupid_tools.models.types import DEFAULTS, TYPE_CLASSIFIERS, UNKNOWN_BELOW

if TYPE_CHECKING:
    from cupid_tools.evaluation.settings import Listed
    from cupid_tools.evaluation.type_metrics import TypeAnswers
    from cupid_tools.io.report import Report
    from cupid_tools.models.sources import RnaSource
    from cupid_tools.models.types.checkpoint import TypeModel
    from cupid_tools.models.types.data import TypedRna
    from cupid_tools.models.types.predicting import Asked, Measuring
    from cupid_tools.sampling.relatives import Groups
    from cupid_tools.vocab import Rna

_SETTINGS: dict[str, options.Setting] = {
    **{flag: (kind, metavar, f"of network: {text}") for flag, (kind, metavar, text) in options.NETWORK_SIZES.items()},
    "--max-length": (options.positive_int, "NT", "of network: nt that are read at once, of longer RNAs in windows"),
    "--learning-rate": (options.finite, "RATE", "of network: the highest rate; of boosting: share of a tree"),
    "--warmup-epochs": (int, "N", "of network: epochs in which the rate rises"),
    "--floor": (options.finite, "SHARE", "of network: where the decay of the rate ends, as a share of it"),
    "--epochs": (int, "N", "of network: passes over the RNAs, at most; of boosting: tens of trees of each type"),
    "--patience": (int, "N", "stop after so many epochs without a better one"),
    "--batch-size": (int, "N", "of network: RNAs of a step"),
    "--batch-tokens": (options.positive_int, "N", "of network: nucleotides that are computed at once"),
    "--weight-decay": (options.finite, "SHARE", "of network: how strongly matrices are drawn to 0"),
    "--clip": (options.finite, "LENGTH", "of network: longest gradient"),
    "--ridge": (options.finite, "PENALTY", "of logistic: how strongly weights are held back; left out: valid chooses"),
    "--leaves": (int, "N", "of boosting: leaves of a tree, at most"),
    "--leaf-rnas": (int, "N", "of boosting: RNAs in a leaf, at least"),
}
_DESCRIPTIONS = {
    "train": """Fit a classifier to RNAs whose types are known.

    A part of the RNAs of each type is held out, together with all relatives of these. It chooses what is kept of the
    training, and the temperature under which probabilities can be taken at their word.
    """,
    "predict": """Tell the type of each RNA, with the probability of every type.

    A model that reads vectors takes them from embedding stores (-e), or makes them from FASTA. An RNA longer than what
    the network reads at once is read in windows, whose nucleotides count once each.
    """,
}
_REPLICATES = 1000

log = logging.getLogger("cupid_tools")


def get_parser() -> ToolParser:
    """The options of cupid-classify."""
    parser = ToolParser("cupid-classify", __doc__)
    parser.add_argument("--version", action="version", version=__version__, help="print the version and exit")
    parser.add_commands(
        {
            "train": "fit a classifier to RNAs whose types are known",
            "predict": "tell the type of each RNA, with the probability of every type",
        }
    )
    for name, text in _DESCRIPTIONS.items():
        parser.commands[name].description = text
    _add_train(parser.commands["train"])
    _add_predict(parser.commands["predict"])
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Do what the subcommand says."""
    {"train": _train, "predict": _predict}[args.command](args, report)


def main(argv: Sequence[str] | None = None) -> int:
    """Run cupid-classify and return its exit code."""
    return run_tool(get_parser(), run, argv)


def _add_train(parser: ToolParser) -> None:
    options.add_fasta(parser, required=False, help="RNAs with type=NAME in their headers")
    options.add_embeddings(parser, required=False)
    options.add_required_output(parser, "SAFETENSORS", "the model")
    parser.add_argument("--curves", metavar="TSV", help="write loss and F1 of every stage of the training")
    parser.outputs.append("curves")
    parser.add_argument(
        "--valid-fraction",
        type=options.fraction,
        default=0.1,
        metavar="F",
        help="RNAs of each type that are held out, with their relatives, to choose what is kept and to calibrate "
        "(default: %(default)s)",
    )
    _add_groups(parser, parser, "the relatives, which are held out together")
    options.add_seed(parser)
    group = parser.add_argument_group("classifier")
    group.add_argument(
        "--method",
        choices=list(TYPE_CLASSIFIERS),
        help=f"{TYPE_CLASSIFIERS.help()} (default: {DEFAULTS[SEQUENCES]} for --fasta alone, {DEFAULTS[VECTORS]} for "
        "--embeddings)",
    )
    group.add_argument(
        "--start",
        metavar="ENCODER",
        help="let the network go on from an encoder: a file of cupid-pretrain, or mini, which comes with the package",
    )
    parser.inputs.append("start")
    group = parser.add_argument_group("settings", "in place of the classifier's own")
    for flag, (kind, metavar, text) in _SETTINGS.items():
        group.add_argument(flag, type=kind, metavar=metavar, help=text)
    options.add_device(parser)
    options.add_common(parser, drops=True)


def _add_predict(parser: ToolParser) -> None:
    parser.add_argument("-m", "--model", required=True, metavar="MODEL", help="model made by cupid-classify train")
    parser.inputs.append("model")
    options.add_fasta(parser, required=False, help="the RNAs")
    options.add_embeddings(parser, required=False)
    options.add_output(parser, "where to write the table of types")
    parser.add_argument(
        "--unknown-below",
        type=options.finite,
        default=UNKNOWN_BELOW,
        metavar="P",
        help="answer 'unknown' where no type is as probable; 0 always names a type (default: %(default)s)",
    )
    group = parser.add_argument_group("measuring", "where the input names the types of RNAs")
    group.add_argument("--metrics", metavar="TSV", help="write F1, calibration and what is unknown, with intervals")
    group.add_argument("--confusion", metavar="TSV", help="write how many RNAs of each type were called what")
    group.add_argument("--figure", metavar="SVG", help="draw the same")
    parser.outputs += ["metrics", "confusion", "figure"]
    group.add_argument(
        "--bootstrap",
        type=options.positive_int,
        default=_REPLICATES,
        metavar="N",
        help="replicates of the bootstrap for the intervals of --metrics (default: %(default)s)",
    )
    _add_groups(parser, group, "the relatives, which the bootstrap draws as one")
    options.add_seed(parser)
    options.add_weights_dir(parser, options.add_device(parser))
    options.add_common(parser)


def _add_groups(parser: ToolParser, group: argparse._ActionsContainer, what: str) -> None:
    group.add_argument("--groups", metavar="TSV", help=f"table of id and group: {what} (default: by sequence)")
    parser.inputs.append("groups")


def _train(args: argparse.Namespace, report: Report) -> None:
    """Train, and write the model even when training ends early with a good stage."""
    from cupid_tools.models.curves import write_curves
    from cupid_tools.models.device import choose_device
    from cupid_tools.models.sources import source_of
    from cupid_tools.models.types.checkpoint import save_types
    from cupid_tools.models.types.choice import choose
    from cupid_tools.models.types.data import choose_rnas
    from cupid_tools.models.types.learning import learn_types, type_data

    if not (args.embeddings or args.fasta):
        raise UsageError("a classifier reads sequences or vectors (give --fasta, or --embeddings)")
    if not (args.fasta or args.types):
        raise UsageError("which types do the RNAs have? (give --types, or --fasta with type= in the headers)")
    choice = choose(args.method, VECTORS if args.embeddings else SEQUENCES, _given(args), args.start)
    device = choose_device(args.device, args.threads)
    rnas = _rnas(args) if args.fasta else None
    source = source_of(args.embeddings, rnas or {}, args.fasta)
    typed = _typed(args, rnas, source)
    chosen = choose_rnas(typed, args.fasta or args.types)
    _tell_dropped(report, len(typed), chosen.dropped)
    relatives = _relatives(args, {rna.id: rna.digest for rna in chosen.rnas}, rnas)
    data = type_data(chosen.rnas, source, relatives, valid_fraction=args.valid_fraction, seed=args.seed)
    numbers = [f"{part.sum():,}" for part in (~data.valid, data.valid)]
    log.info("%d types; %s RNAs to learn from, %s held out", len(data.names), *numbers)
    learned = learn_types(choice, data, source, threshold=UNKNOWN_BELOW, device=device, seed=args.seed)
    if args.curves:
        write_curves(args.curves, learned.fit.curves)
    save_types(args.output, learned.info, learned.fit.tensors)
    _tell_fit(learned.info.metrics)
    trouble = learned.fit.trouble
    if trouble:
        raise type(trouble)(f"{trouble}; {args.output} holds stage {learned.fit.best.stage}, the best so far")
    report.details["model"] = vars(learned.info) | {"store": learned.info.store and vars(learned.info.store)}


def _given(args: argparse.Namespace) -> dict[str, Any]:
    """Setting -> value, of those that the user gives."""
    names = [flag.removeprefix("--").replace("-", "_") for flag in _SETTINGS]
    return {name: getattr(args, name) for name in names if getattr(args, name) is not None}


def _rnas(args: argparse.Namespace) -> dict[str, Rna]:
    from cupid_tools.io.fasta import load_rnas, read_types

    return load_rnas(args.fasta, format=args.format, types=read_types(args.types))


def _typed(args: argparse.Namespace, rnas: Mapping[str, Rna] | None, source: RnaSource) -> list[TypedRna]:
    """The RNAs of the FASTA or else of the store, with what is said of their types."""
    from cupid_tools.io.fasta import read_types
    from cupid_tools.models.types.data import TypedRna
    from cupid_tools.vocab import UNKNOWN_TYPE

    if rnas is not None:
        return [TypedRna(rna.id, rna.type, rna.digest, rna.line) for rna in rnas.values()]
    types, ids = read_types(args.types) or {}, source.ids()
    digests = zip(ids, source.digests(ids), strict=True)
    return [TypedRna(name, types.get(name, UNKNOWN_TYPE), digest) for name, digest in digests]


def _tell_dropped(report: Report, read: int, dropped: Sequence[tuple[str, str]]) -> None:
    for name, reason in dropped:
        report.drop("rna", name, "", reason)
    reasons = report.reasons("rna")
    report.count("rnas", read=read, written=read - len(dropped), dropped=reasons)
    if dropped:
        told = ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items()))
        log.info("left out %s of %s RNAs: %s", f"{len(dropped):,}", f"{read:,}", told)


def _tell_fit(metrics: Mapping[str, float | None]) -> None:
    log.info(
        "kept stage %d: F1 micro %.3f, macro %.3f on valid; calibration error %.3f, before the temperature %.3f",
        *(metrics[name] for name in ("stage", "f1_micro", "f1_macro", "ece", "ece_before")),
    )


def _relatives(
    args: argparse.Namespace, digests: Mapping[str, str], rnas: Mapping[str, Rna] | None
) -> Callable[[list[str]], Groups]:
    """Tells who of some RNAs, whose *digests* are known, is related."""
    from cupid_tools.evaluation.settings import read_listed
    from cupid_tools.models.types.data import groups_of

    listed = read_listed(args.groups, "group")
    if listed is None and rnas is None:
        log.warning("without sequences only equal RNAs count as relatives (give --fasta, or --groups)")

    def relatives(names: list[str]) -> Groups:
        sequences = None if rnas is None else [rnas[name].sequence for name in names]
        return groups_of(names, [digests[name] for name in names], sequences, listed)

    return relatives


def _predict(args: argparse.Namespace, report: Report) -> None:
    """Write the table as it comes, then what it is worth."""
    from cupid_tools.evaluation.settings import read_listed
    from cupid_tools.models.device import choose_device, memory_guard
    from cupid_tools.models.types.checkpoint import load_types
    from cupid_tools.models.types.predicting import Measuring

    if not (args.embeddings or args.fasta):
        raise UsageError("where are the RNAs? (give --fasta, or --embeddings)")
    if not 0 <= args.unknown_below <= 1:
        raise UsageError(f"--unknown-below is {args.unknown_below:g} (it must be between 0 and 1)")
    listed = read_listed(args.groups, "group")
    with memory_guard():
        model = load_types(args.model, choose_device(args.device, args.threads))
        measuring = Measuring(model.info.types) if args.metrics or args.confusion or args.figure else None
        written, unknown, answers = _write(args, model, _asked(args, model), measuring)
    log.info("told the types of %s RNAs; %s are unknown", f"{written:,}", f"{unknown:,}")
    report.count("rnas", read=written, written=written)
    report.details["unknown"] = unknown
    if measuring is not None and answers is not None:
        _measure(args, report, measuring, answers, listed)


def _asked(args: argparse.Namespace, model: TypeModel) -> Iterator[Asked]:
    """The RNAs as the model reads them."""
    from cupid_tools.io.fasta import read_fasta, read_types
    from cupid_tools.io.store import EmbeddingStore
    from cupid_tools.models.types.predicting import of_fasta, of_store, reader

    types = read_types(args.types)
    store = EmbeddingStore(args.embeddings) if args.embeddings else None
    if store is not None and not args.fasta:
        return of_store(store, types or {}, model, args.model)
    settings = {"device": args.device, "threads": args.threads, "weights_dir": args.weights_dir}
    read = reader(model, args.model, store, args.fasta, settings)
    return of_fasta(read_fasta(args.fasta, format=args.format, types=types), args.fasta, read)


def _write(
    args: argparse.Namespace, model: TypeModel, blocks: Iterator[Asked], measuring: Measuring | None
) -> tuple[int, int, TypeAnswers | None]:
    """Write the table; returns how many RNAs, how many of them unknown, and the answers where they are measured."""
    from cupid_tools.io.atomic import atomic_write
    from cupid_tools.models.types.predicting import header, lines

    written = unknown = 0
    with (
        progress_bar("RNAs", quiet=args.quiet or args.output == "-") as done,
        atomic_write(args.output) as handle,
    ):
        handle.write(header(model))
        for asked in blocks:
            probabilities = model.probabilities(asked.rnas)
            handle.writelines(lines(model, asked, probabilities, args.unknown_below))
            unknown += int((probabilities.max(axis=1) < args.unknown_below).sum())
            written += len(asked.ids)
            if measuring is not None:
                measuring.add(asked, probabilities)
            done(len(asked.ids))
        answers = None if measuring is None else measuring.answers(args.fasta or args.types or args.embeddings[0])
    return written, unknown, answers


def _measure(
    args: argparse.Namespace, report: Report, measuring: Measuring, answers: TypeAnswers, listed: Listed | None
) -> None:
    from cupid_tools.evaluation.type_metrics import ALL, confusion_table, measure_types
    from cupid_tools.evaluation.type_tables import draw_confusion, write_confusion, write_metrics
    from cupid_tools.io.atomic import atomic_write
    from cupid_tools.models.types.data import groups_of

    foreign = int((answers.truth >= answers.known).sum())
    if foreign:
        names = ", ".join(answers.names[answers.known :])
        log.warning(
            "%s RNAs are of types that %s does not know, and count as wrong: %s", f"{foreign:,}", args.model, names
        )
    if measuring.untyped:
        log.info("%s RNAs have no type, and are not measured", f"{measuring.untyped:,}")
    if args.metrics:
        groups = groups_of(measuring.ids, measuring.digests, measuring.sequences or None, listed)
        measured = list(measure_types(answers, args.unknown_below, groups, replicates=args.bootstrap, seed=args.seed))
        write_metrics(args.metrics, measured)
        overall = {row.metric: row.value for row in measured if row.type == ALL}
        log.info(
            "F1 micro %.3f, macro %.3f; calibration error %.3f; %.1f %% unknown, F1 micro %.3f among the others",
            overall["f1_micro"],
            overall["f1_macro"],
            overall["ece"],
            100 * overall["unknown"],
            overall["f1_micro_answered"],
        )
    table = confusion_table(answers, args.unknown_below)
    if args.confusion:
        write_confusion(args.confusion, table, answers.names)
    if args.figure:
        with atomic_write(args.figure) as handle:
            handle.write(draw_confusion(table, answers.names))
