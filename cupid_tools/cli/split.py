"""Assign each pair to train, valid or test.

Pairs are split at random, as published, or so that test RNAs are unseen in training. RNAs of equal sequence count as
one RNA; with --strict so do relatives: miRNAs of one seed family, RNAs that share many k-mers, or the groups of a
table. The result is checked, and what the splits still share is told. Split first, then augment and draw negatives.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cupid_tools.cli import _options as options
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.errors import UsageError
from cupid_tools.sampling.splits import SPLITTERS, SplitSettings, default_fractions

if TYPE_CHECKING:
    from cupid_tools.io.pairs import PairTable
    from cupid_tools.io.report import Report
    from cupid_tools.sampling.coded import CodedPairs, Codes
    from cupid_tools.sampling.splits.partition import Parts

log = logging.getLogger("cupid_tools")


def get_parser() -> ToolParser:
    """The options of cupid-split."""
    parser = ToolParser("cupid-split", __doc__)
    options.add_pairs(parser)
    options.add_fasta(parser)
    options.add_output(parser, "where to write the pair table with its split column")
    group = parser.add_argument_group("splitting")
    group.add_argument(
        "--by",
        choices=tuple(SPLITTERS),
        default=SplitSettings.by,
        help=f"{SPLITTERS.help()} (default: %(default)s)",
    )
    group.add_argument("--strict", action="store_true", help="keep relatives together, not only equal sequences")
    group.add_argument("--groups", metavar="TSV", help="table of id and group that says who is related, for --strict")
    parser.inputs.append("groups")
    group.add_argument(
        "--test-fraction",
        type=options.fraction,
        metavar="F",
        help="part of the pairs (random), or of each type's RNAs weighted by their pairs, that is tested "
        f"(default: {_defaults('test')})",
    )
    group.add_argument(
        "--valid-fraction",
        type=options.fraction,
        metavar="F",
        help=f"the same for valid, as part of what is not tested (default: {_defaults('valid')})",
    )
    group.add_argument(
        "--published-valid",
        action="store_true",
        help="after cupid-augment, as both papers do: keep the test rows, and divide all others anew into train and "
        "valid, each row by itself; copies of one pair then fall on both sides, so that figures on valid flatter",
    )
    options.add_seed(parser)
    options.add_common(parser, drops=True)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Write the pairs with their splits."""
    _check_options(args)
    from cupid_tools.io.atomic import atomic_write
    from cupid_tools.io.fasta import load_rnas, read_types
    from cupid_tools.io.pairs import SPLIT, read_pairs, write_pairs
    from cupid_tools.sampling.coded import code_pairs
    from cupid_tools.sampling.splits.split import split_pairs, split_valid_again, with_splits

    settings = SplitSettings(
        by=args.by,
        strict=args.strict,
        test_fraction=args.test_fraction,
        valid_fraction=args.valid_fraction,
        seed=args.seed,
    )
    table = read_pairs(args.pairs)  # before the FASTA, which an earlier tool of the pipe may still be writing
    rnas = load_rnas(args.fasta, format=args.format, types=read_types(args.types))
    pairs = code_pairs(table, rnas, args.fasta)
    related, method = _relatives(pairs, args.groups)
    groups = related if args.strict else pairs.sequences
    if args.published_valid:
        parts = split_valid_again(table, pairs, settings)
        _warn_of_copies(pairs, parts)
    else:
        if table.has(SPLIT):
            log.warning("the split column of the input is replaced")
        parts = split_pairs(table, pairs, groups, settings)
    kept = with_splits(table, parts)
    with atomic_write(args.output) as handle:
        write_pairs(handle, [kept.frame])
    _report(report, table, parts, settings)
    kept_together = method if args.strict else "equal sequences"
    report.details["method"] = "each row by itself" if args.published_valid else kept_together
    _tell(report, pairs, parts, groups, related)


def main(argv: Sequence[str] | None = None) -> int:
    """Run cupid-split and return its exit code."""
    return run_tool(get_parser(), run, argv)


def _check_options(args: argparse.Namespace) -> None:
    if args.groups and not args.strict:
        raise UsageError("--groups says who is related for --strict (add --strict, or leave --groups out)")
    if args.published_valid and (args.strict or args.by != "random" or args.test_fraction):
        raise UsageError(
            "--published-valid keeps the test rows, and divides the others at random (leave --by, --strict and "
            "--test-fraction out)"
        )


def _warn_of_copies(pairs: CodedPairs, parts: Parts) -> None:
    """Tell how many valid rows are copies of train rows: in the other order, or of reversed RNAs."""
    import numpy as np

    from cupid_tools.sampling.relatives import reversible_groups
    from cupid_tools.sampling.splits.partition import TRAINED, VALIDATED

    keys = pairs.pair_keys(reversible_groups(pairs.rnas))
    copies = np.isin(keys[parts == VALIDATED], keys[parts == TRAINED])
    if copies.any():
        told = "%s of %s valid rows are copies of train rows: figures on valid flatter"
        log.warning(told, f"{int(copies.sum()):,}", f"{len(copies):,}")


def _defaults(part: str) -> str:
    return ", ".join(f"{getattr(default_fractions(name), part)} for {name}" for name in SPLITTERS)


def _relatives(pairs: CodedPairs, groups: str | None) -> tuple[Codes, str]:
    from cupid_tools.sampling.relatives import METHOD, listed_groups, read_groups, related_groups

    if groups:
        return listed_groups(pairs.rnas, read_groups(groups), groups), "the given table of groups"
    return related_groups(pairs.rnas), METHOD


def _report(report: Report, table: PairTable, parts: Parts, settings: SplitSettings) -> None:
    from cupid_tools.io.pairs import ID_A, ID_B
    from cupid_tools.sampling.splits.split import left_out_reason

    reason = left_out_reason(settings)
    out = table.where(parts < 0)
    for a, b in zip(out.column(ID_A), out.column(ID_B), strict=True):
        report.drop("pair", a, b, reason)
    dropped = {reason: len(out)} if len(out) else {}
    report.count("pairs", read=len(table), written=len(table) - len(out), dropped=dropped)
    if len(out):
        log.info("left out %s of %s pairs: %s", f"{len(out):,}", f"{len(table):,}", reason)


def _tell(report: Report, pairs: CodedPairs, parts: Parts, groups: Codes, related: Codes) -> None:
    import numpy as np

    from cupid_tools.sampling.splits.check import describe, describe_shared

    sizes = np.bincount(groups)
    report.details |= {
        "splits": describe(pairs, parts),
        "groups": {"number": len(sizes), "largest": int(sizes.max())},
        "shared_with_train": describe_shared(pairs, parts, related),
    }
    method = report.details["method"]
    log.info("kept together: %s; %s groups of %s RNAs", method, f"{len(sizes):,}", f"{len(groups):,}")
    for name, counts in report.details["splits"].items():
        log.info("%s: %s pairs, %s of them positive", name, f"{counts['rows']:,}", f"{counts['positives']:,}")
    for name, sides in report.details["shared_with_train"].items():
        for side, counts in sides.items():
            log.info("%s", _shared_line(name, side, counts))


def _shared_line(split: str, side: str, counts: Mapping[str, Any]) -> str:
    return (
        f"{split}, side {side}: of {counts['rnas']:,} RNAs train holds {counts['seen']:,}, "
        f"{counts['equal_sequence_seen']:,} by sequence, {counts['relative_seen']:,} by relatives"
    )
