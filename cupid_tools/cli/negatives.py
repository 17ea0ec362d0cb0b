"""Draw n negatives for each positive by a named strategy, within each split.

A negative is never a known pair of any split, in either order or by equal sequences, never a pair of equal sequences,
and never drawn twice. An RNA and its reversed copy, which cupid-augment makes, count as one here, and reversed RNAs
are paired with reversed ones only. The input rows come first, unchanged; then the negatives, with label 0 and their
origin.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cupid_tools.cli import _options as options
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.sampling.negatives import STRATEGIES, NegativeSettings

if TYPE_CHECKING:
    from cupid_tools.io.report import Report
    from cupid_tools.sampling.negatives.space import Stratum

log = logging.getLogger("cupid_tools")


def get_parser() -> ToolParser:
    """The options of cupid-negatives."""
    parser = ToolParser("cupid-negatives", __doc__)
    options.add_pairs(parser, "pairs; rows with label 1, or all rows where there is no label, are positives")
    options.add_fasta(parser)
    options.add_output(parser)
    group = parser.add_argument_group("negatives")
    group.add_argument(
        "--per-positive",
        type=options.positive_int,
        default=NegativeSettings.per_positive,
        metavar="N",
        help="negatives for each positive row (default: %(default)s)",
    )
    group.add_argument(
        "--strategy",
        choices=tuple(STRATEGIES),
        default=NegativeSettings.strategy,
        help=f"{STRATEGIES.help()} (default: %(default)s)",
    )
    options.add_seed(parser)
    options.add_common(parser)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Write the input rows and their negatives."""
    from cupid_tools.io.atomic import atomic_write
    from cupid_tools.io.fasta import load_rnas, read_types
    from cupid_tools.io.pairs import read_pairs, write_pairs
    from cupid_tools.sampling.coded import code_pairs
    from cupid_tools.sampling.negatives.draw import draw_negatives, shifts, with_labels, write_negatives

    settings = NegativeSettings(strategy=args.strategy, per_positive=args.per_positive, seed=args.seed)
    table = read_pairs(args.pairs)  # before the FASTA, which an earlier tool of the pipe may still be writing
    rnas = load_rnas(args.fasta, format=args.format, types=read_types(args.types))
    pairs = code_pairs(table, rnas, args.fasta)
    strata = draw_negatives(table, pairs, settings)
    labelled = with_labels(table)
    with atomic_write(args.output) as handle:
        written = write_pairs(handle, [labelled.frame])
        drawn = write_negatives(handle, labelled, pairs, strata, settings)
    report.count("pairs", read=len(table), added=drawn, written=written + drawn)
    shifted = shifts(strata, settings)
    report.details["strata"] = [_summary(*both) for both in zip(strata, shifted, strict=True)]
    _tell(strata, shifted, settings)


def main(argv: Sequence[str] | None = None) -> int:
    """Run cupid-negatives and return its exit code."""
    return run_tool(get_parser(), run, argv)


def _summary(stratum: Stratum, shifted: dict[str, int]) -> dict[str, Any]:
    return {
        "split": stratum.split or None,
        "types": list(stratum.types),
        "positives": len(stratum.a),
        "negatives": stratum.needed,
        "with_another_rna": shifted,
    }


def _tell(strata: list[Stratum], shifted: list[dict[str, int]], settings: NegativeSettings) -> None:
    needed = sum(stratum.needed for stratum in strata)
    positives = sum(len(stratum.a) for stratum in strata)
    log.info("drew %s negatives for %s positives (%s)", f"{needed:,}", f"{positives:,}", settings.strategy)
    for side in shifted[0]:
        number = sum(shift[side] for shift in shifted)
        if number:
            text = "%s negatives (%.1f %%) have another %s RNA than %s wants, for want of free partners"
            log.warning(text, f"{number:,}", 100 * number / needed, side, settings.strategy)
