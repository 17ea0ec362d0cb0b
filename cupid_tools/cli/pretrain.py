"""Train an encoder of RNAs from a FASTA, for cupid-embed --encoder own:FILE.

The architecture 'masked' fills in nucleotides that were hidden; 'autoencoder' writes each RNA again from the states of
its nucleotides. With a --type-weight above 0 it also tells the types of RNAs, as type= in the headers gives them. A
part of the RNAs is held out, together with all relatives of these, and judged after every epoch (--curves).

A run that was killed goes on from its checkpoint when the same command is given again, and ends with the same bits.
RNAs are read as they stand, never as their reverse complement; ambiguous letters are read as N, and never asked for.

With --ablation every combination of the settings in the [variants] of the recipe is trained in place of one model, and
all are compared in a table and a figure.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from cupid_tools.cli import _options as options
from cupid_tools.cli._progress import progress_bar
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.errors import UsageError
from cupid_tools.models.encoders.settings import AUTO, BF16, FP32, PRECISIONS
from cupid_tools.models.pretraining import ARCHITECTURES, LONG_RNAS, NUCLEOTIDE_VECTORS
from cupid_tools.recipes import PRETRAINING, recipe_names

if TYPE_CHECKING:
    from pathlib import Path

    from cupid_tools.io.report import Report
    from cupid_tools.models.pretraining.data import TrainingRnas
    from cupid_tools.models.pretraining.training import Task

_DEFAULT_RECIPE = "rna-transformer"

_TRAINING: dict[str, options.Setting] = {
    "--max-length": (options.positive_int, "NT", "longest RNA"),
    "--valid-share": (options.finite, "SHARE", "of the RNAs that are held out, with their relatives"),
    "--type-weight": (options.finite, "SHARE", "of the RNA types in the loss; 0 leaves them out"),
    "--contrast-weight": (
        options.finite,
        "SHARE",
        "of the contrast between RNAs of one type and all others in the loss; 0 leaves it out",
    ),
    "--mask-share": (options.finite, "SHARE", "of the nucleotides that masked is asked for"),
    "--learning-rate": (options.finite, "RATE", "the highest rate"),
    "--warmup-share": (options.finite, "SHARE", "of the steps in which the rate rises"),
    "--floor": (options.finite, "SHARE", "where the cosine decay of the rate ends, as a share of it"),
    "--epochs": (int, "N", "passes over the RNAs"),
    "--batch-size": (int, "N", "RNAs of a step"),
    "--batch-tokens": (
        options.positive_int,
        "N",
        "nucleotides computed at once; the gradients of a step with more are added up",
    ),
    "--weight-decay": (options.finite, "SHARE", "how strongly matrices are drawn to 0"),
    "--clip": (options.finite, "LENGTH", "longest gradient"),
}

log = logging.getLogger("cupid_tools")


def get_parser() -> ToolParser:
    """The options of cupid-pretrain."""
    parser = ToolParser("cupid-pretrain", __doc__)
    parser.add_argument("rnas", nargs="?", metavar="RNAS", help="FASTA, plain or gzip (default: stdin)")
    parser.inputs.append("rnas")
    parser.add_argument("-o", "--output", metavar="SAFETENSORS", help="the encoder")
    parser.outputs.append("output")
    parser.add_argument("--ablation", metavar="FOLDER", help="train and compare all variants, in place of --output")
    parser.outputs.append("ablation")
    parser.folders.append("ablation")
    parser.add_argument("--curves", metavar="TSV", help="write loss, perplexity and errors of every epoch")
    parser.outputs.append("curves")
    options.add_fasta_format(parser, parser.add_argument_group("RNAs"))
    parser.add_argument(
        "--groups", metavar="TSV", help="table of id and group: the relatives, held out together (default: by sequence)"
    )
    parser.inputs.append("groups")
    parser.add_argument(
        "--sample", type=options.positive_int, metavar="N", help="take N of the RNAs, drawn by the seed (default: all)"
    )
    options.add_seed(parser)
    _add_model(parser)
    group = parser.add_argument_group("checkpoints")
    group.add_argument(
        "--checkpoint-steps",
        type=options.positive_int,
        default=200,
        metavar="N",
        help="steps between checkpoints, which are kept in a hidden folder beside the output (default: %(default)s)",
    )
    group.add_argument("--restart", action="store_true", help="begin anew where there is a checkpoint")
    options.add_device(parser, several=True).add_argument(
        "--precision",
        choices=PRECISIONS,
        default=AUTO,
        help="auto takes bf16 where the device is faster with it, and says so (default: %(default)s)",
    )
    options.add_common(parser, drops=True)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Train one model, or all variants of a recipe."""
    if bool(args.output) == bool(args.ablation):
        raise UsageError("an encoder or an ablation is made (give --output, or --ablation)")
    if args.ablation and args.curves:
        raise UsageError("--ablation writes the curves of all models (leave --curves out)")
    if args.ablation:
        _ablation(args, report)
    else:
        _one(args, report)


def main(argv: Sequence[str] | None = None) -> int:
    """Run cupid-pretrain and return its exit code."""
    return run_tool(get_parser(), run, argv)


def _add_model(parser: ToolParser) -> None:
    group = parser.add_argument_group("model")
    group.add_argument(
        "--recipe",
        default=_DEFAULT_RECIPE,
        metavar="NAME",
        help=f"all settings: {', '.join(recipe_names(PRETRAINING))}, or the path of a TOML file like them (default: "
        "%(default)s)",
    )
    parser.inputs.append("recipe")
    group = parser.add_argument_group("settings", "in place of those of the recipe")
    group.add_argument("--architecture", choices=list(ARCHITECTURES), help=ARCHITECTURES.help())
    group.add_argument(
        "--nucleotides",
        choices=NUCLEOTIDE_VECTORS,
        help="their vectors: all of it learned, or partly atoms and energies of the bases",
    )
    group.add_argument(
        "--too-long",
        choices=LONG_RNAS,
        help="RNAs above --max-length: left out, or another stretch of each in every epoch",
    )
    for flag, (kind, metavar, text) in (options.NETWORK_SIZES | _TRAINING).items():
        group.add_argument(flag, type=kind, metavar=metavar, help=text)


def _one(args: argparse.Namespace, report: Report) -> None:
    from cupid_tools.io.parts import parts_folder
    from cupid_tools.models.curves import write_curves
    from cupid_tools.models.pretraining.product import write_pretrained
    from cupid_tools.models.pretraining.training import Checkpoints, check_types, pretrain

    task, devices = _task(args)
    rnas = _rnas(args, task, report)
    check_types(rnas.corpus, task.settings, rnas.source)
    with parts_folder(args.output) as folder, progress_bar("steps", quiet=args.quiet) as done:
        _forget(args, folder)
        checkpoints = Checkpoints(folder / "checkpoint", args.checkpoint_steps)
        model, curves = pretrain(task, rnas.corpus, rnas.valid, devices, checkpoints=checkpoints, progress=done)
        if args.curves:
            write_curves(args.curves, curves)
        fingerprint = write_pretrained(args.output, task, model, rnas.corpus, rnas.valid, curves)
    log.info("wrote %s: fingerprint %s", args.output, fingerprint)
    report.details["encoder"] = {"fingerprint": fingerprint, "last_epoch": vars(curves[-1])}


def _ablation(args: argparse.Namespace, report: Report) -> None:
    from cupid_tools.evaluation.folder import check_replaceable, write_folder
    from cupid_tools.io.parts import parts_folder
    from cupid_tools.recipes import load_recipe
    from cupid_tools.reproduction.ablation import effects, read_factors, train_all
    from cupid_tools.reproduction.ablation_table import MODELS_TABLE, TOOL, ablation_files

    check_replaceable(args.ablation, TOOL)
    recipe = load_recipe(args.recipe, PRETRAINING)
    factors = read_factors(args.recipe, recipe.get("variants", {}))
    _refuse_varied(args, factors)
    task, devices = _task(args)
    rnas = _rnas(args, task, report)
    with parts_folder(args.ablation) as folder:
        _forget(args, folder)
        watch = partial(progress_bar, unit="steps", quiet=args.quiet)
        trained = list(train_all(task, factors, rnas, devices, folder, args.checkpoint_steps, watch))
        about = {"title": recipe["recipe"]["title"], "rnas": len(rnas.corpus), "held_out": len(rnas.valid)}
        files = ablation_files(factors, trained, list(effects(factors, trained)), about)
        write_folder(args.ablation, files, TOOL)
    sys.stdout.write(str(files[MODELS_TABLE]))
    log.info("result: %s", args.ablation.rstrip("/"))


def _refuse_varied(args: argparse.Namespace, factors: Iterable[str]) -> None:
    for factor in factors:
        if getattr(args, factor) is not None:
            flag = f"--{factor.replace('_', '-')}"
            raise UsageError(f"{flag} varies in {args.recipe}", hint="leave it out, or give a recipe of your own")


def _forget(args: argparse.Namespace, folder: Path) -> None:
    """With --restart remove what an earlier run has left."""
    if args.restart:
        for path in folder.iterdir():
            path.unlink()


def _task(args: argparse.Namespace) -> tuple[Task, list[Any]]:
    from dataclasses import fields

    from cupid_tools.models.device import choose_devices
    from cupid_tools.models.encoders.precision import choose_precision
    from cupid_tools.models.pretraining.network import NetworkSettings
    from cupid_tools.models.pretraining.settings import PretrainSettings
    from cupid_tools.models.pretraining.training import Task
    from cupid_tools.recipes import recipe_section

    def section(name: str, kind: type[Any]) -> Any:
        given = {field.name: getattr(args, field.name) for field in fields(kind)}
        return recipe_section(args.recipe, name, kind, given, family=PRETRAINING)

    network, settings = section("network", NetworkSettings), section("training", PretrainSettings)
    if args.precision not in (AUTO, FP32, BF16):
        raise UsageError(f"--precision {args.precision} is not for training (give {AUTO}, {FP32} or {BF16})")
    devices = choose_devices(args.device, args.threads)
    return Task(network, settings, choose_precision(args.precision, devices), args.seed), devices


def _rnas(args: argparse.Namespace, task: Task, report: Report) -> TrainingRnas:
    from cupid_tools.io.fasta import read_types
    from cupid_tools.models.pretraining.data import read_rnas

    source = args.rnas or "-"
    rnas = read_rnas(
        source,
        task.settings,
        format=args.format,
        types=read_types(args.types),
        groups=args.groups,
        sample=args.sample,
        seed=args.seed,
    )
    for rna, reason in rnas.left_out:
        report.drop("rna", rna, "", reason)
    read = len(rnas.corpus) + len(rnas.left_out)
    report.count("rnas", read=read, written=len(rnas.corpus), dropped=report.reasons("rna"))
    if rnas.left_out:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(report.reasons("rna").items()))
        log.info("left out %s of %s RNAs: %s", f"{len(rnas.left_out):,}", f"{read:,}", reasons)
    log.info("training on %s RNAs, %s held out", f"{len(rnas.corpus) - len(rnas.valid):,}", f"{len(rnas.valid):,}")
    return rnas
