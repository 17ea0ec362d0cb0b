"""Fit a classifier of RNA pairs to the train rows of a pair table.

The valid rows choose the epoch that is kept and the threshold of its calls; test rows are not looked at. Every number
comes from a recipe unless an option gives another.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cupid_tools.cli import _options as options
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.errors import InputError
from cupid_tools.models import ORDERS, SELECTIONS
from cupid_tools.models.classifiers import CLASSIFIERS
from cupid_tools.recipes import load_recipe, recipe_names, recipe_section

if TYPE_CHECKING:
    from cupid_tools.io.report import Report
    from cupid_tools.io.store import EmbeddingStore
    from cupid_tools.models.checkpoint import ModelInfo
    from cupid_tools.models.dataset import LabelledPairs, TrainingData
    from cupid_tools.models.training import Epoch, Fit, TrainSettings

_Numbers = dict[str, tuple[Callable[[str], Any], str, str]]
"""Option -> its kind, metavar and help."""

_NET: _Numbers = {
    "--hidden-layers": (int, "N", "hidden layers"),
    "--hidden-size": (int, "N", "units of a hidden layer"),
    "--dropout": (options.finite, "P", "share of units left out while training"),
}
_TRAINING: _Numbers = {
    "--learning-rate": (options.finite, "RATE", "highest rate of Adam"),
    "--warmup-epochs": (int, "N", "epochs in which the rate rises"),
    "--floor": (options.finite, "SHARE", "where the cosine decay of the rate ends, as a share of it"),
    "--epochs": (int, "N", "epochs at most; an epoch is one pass over the negatives"),
    "--patience": (int, "N", "stop after so many epochs without a better one"),
    "--batch-size": (int, "N", "pairs in a batch"),
    "--negative-share": (options.finite, "SHARE", "share of negatives in a batch"),
}

log = logging.getLogger("cupid_tools")


def get_parser() -> ToolParser:
    """The options of cupid-train."""
    parser = ToolParser("cupid-train", __doc__)
    options.add_pairs(parser, "pair table with the columns label and split")
    options.add_embeddings(parser)
    options.add_required_output(parser, "SAFETENSORS", "the model")
    parser.add_argument("--curves", metavar="TSV", help="write loss and metrics of every epoch")
    parser.outputs.append("curves")
    options.add_seed(parser)
    group = parser.add_argument_group("recipe", "numbers that are not given are those of the recipe")
    options.add_recipe(parser, group, "where the numbers come from")
    group.add_argument("--classifier", choices=list(CLASSIFIERS), help=CLASSIFIERS.help())
    for flag, (kind, metavar, text) in {**_NET, **_TRAINING}.items():
        group.add_argument(flag, type=kind, metavar=metavar, help=text)
    group.add_argument(
        "--order",
        choices=ORDERS,
        help="free: the score is the mean of those of (a, b) and (b, a); published: that of (a, b) alone",
    )
    group.add_argument("--select", choices=SELECTIONS, help="metric on valid that chooses the epoch")
    options.add_device(parser)
    options.add_common(parser)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Train, and write the model even when training ends early with a good epoch."""
    from cupid_tools.io.pairs import read_pairs
    from cupid_tools.io.store import EmbeddingStore
    from cupid_tools.models.checkpoint import build_classifier, save_model
    from cupid_tools.models.dataset import training_data
    from cupid_tools.models.device import choose_device, repeatable
    from cupid_tools.models.training import TrainSettings, fit

    name, config = _classifier(args)
    settings = recipe_section(args.recipe, "training", TrainSettings, _given(args, [*_TRAINING, "--order", "--select"]))
    device = choose_device(args.device, args.threads)
    table = read_pairs(args.pairs)
    store = EmbeddingStore(args.embeddings)
    data = training_data(table, store)
    with repeatable(device, args.seed, "train"):
        classifier = build_classifier(name, store.dim, config).to(device)
        result = fit(classifier, data, settings, device=device, seed=args.seed)
    info = _describe(args, name, config, settings, store, data, result)
    if args.curves:
        _write_curves(args.curves, result.curves)
    save_model(args.output, info, result.weights)
    best = result.best
    log.info("kept epoch %d: MCC %.3f at threshold %.6g on valid", best.epoch, best.valid_mcc, best.threshold)
    if result.trouble:
        raise type(result.trouble)(f"{result.trouble}; {args.output} holds epoch {best.epoch}, the best so far")
    used = len(data.train) + len(data.valid)
    report.count("pairs", read=len(table), written=used, dropped={"test-row": len(table) - used})
    report.details["model"] = vars(info) | {"store": vars(info.store)}


def main(argv: Sequence[str] | None = None) -> int:
    """Run cupid-train and return its exit code."""
    return run_tool(get_parser(), run, argv)


def _classifier(args: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    name = str(args.classifier or load_recipe(args.recipe).get("classifier", {}).get("name"))
    if name not in CLASSIFIERS:
        raise InputError(args.recipe, f"[classifier] names {name!r}", hint=f"known: {', '.join(CLASSIFIERS)}")
    config = recipe_section(args.recipe, "classifier", CLASSIFIERS.load(name).Config, _given(args, list(_NET)))
    return name, vars(config)


def _given(args: argparse.Namespace, flags: Sequence[str]) -> dict[str, Any]:
    names = [flag.removeprefix("--").replace("-", "_") for flag in flags]
    return {name: getattr(args, name) for name in names}


def _describe(
    args: argparse.Namespace,
    name: str,
    config: dict[str, Any],
    settings: TrainSettings,
    store: EmbeddingStore,
    data: TrainingData,
    result: Fit,
) -> ModelInfo:
    from cupid_tools.models.checkpoint import ModelInfo, versions

    return ModelInfo(
        classifier=name,
        config=config,
        dim=store.dim,
        order=settings.order,
        store=store.info,
        threshold=result.best.threshold,
        training={
            "recipe": args.recipe if args.recipe in recipe_names() else "own",
            "settings": vars(settings),
            "seed": args.seed,
            "digests": data.digests,
            "train": _counts(data.train),
            "valid": _counts(data.valid),
        },
        metrics=vars(result.best),
        versions=versions(),
    )


def _counts(pairs: LabelledPairs) -> dict[str, int]:
    return {"pairs": len(pairs), "positives": pairs.positives}


def _write_curves(path: str, curves: Sequence[Epoch]) -> None:
    from cupid_tools.io.atomic import atomic_write

    with atomic_write(path) as handle:
        handle.write("\t".join(type(curves[0]).columns()) + "\n")
        handle.writelines("\t".join(f"{value:.6g}" for value in vars(row).values()) + "\n" for row in curves)
