"""Keep the RNAs and pairs that satisfy length, alphabet and type limits, and count the others by reason.

T becomes U and lower case upper case. Of pairs that occur repeatedly, in either order, the first is kept; pairs of an
RNA with itself or with an equal sequence, and pairs that carry both labels, are removed, and so are RNAs that no kept
pair names.
"""

from __future__ import annotations

import argparse
import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from cupid_tools.cli import _options as options
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.errors import InputError, UsageError
from cupid_tools.vocab import AMBIGUOUS_POLICIES

if TYPE_CHECKING:
    from cupid_tools.io.pairs import PairTable
    from cupid_tools.io.report import Report
    from cupid_tools.sampling.rna_filters import RnaFilter, RnaLimits
    from cupid_tools.vocab import Rna

log = logging.getLogger("cupid_tools")


def get_parser() -> ToolParser:
    """The options of cupid-filter."""
    parser = ToolParser("cupid-filter", __doc__)
    options.add_pairs(parser)
    options.add_output(parser, "where to write the pairs that are kept")
    options.add_fasta(parser)
    options.add_fasta_out(parser, required=False, help="write the RNAs that are kept")
    limits = parser.add_argument_group("limits")
    options.add_recipe(parser, limits, "whose longest RNA is kept")
    limits.add_argument(
        "--min-length", type=options.positive_int, default=1, metavar="NT", help="shortest kept (default: %(default)s)"
    )
    limits.add_argument(
        "--max-length", type=options.positive_int, metavar="NT", help="longest kept (default: as the recipe says)"
    )
    limits.add_argument(
        "--ambiguous",
        choices=AMBIGUOUS_POLICIES,
        default=AMBIGUOUS_POLICIES[0],
        help="RNAs with IUPAC letters other than A, C, G, U (default: %(default)s)",
    )
    limits.add_argument("--rna-types", metavar="TYPE,...", help="keep RNAs of these types only (default: all)")
    limits.add_argument(
        "--type-pairs",
        metavar="TYPE-TYPE,...",
        help="keep pairs of these types only, such as miRNA-lncRNA, in either order (default: all)",
    )
    limits.add_argument("--keep-unpaired", action="store_true", help="keep RNAs that no kept pair names")
    limits.add_argument(
        "--rnas-only", action="store_true", help="filter RNAs without any pair table; -o is then where the RNAs go"
    )
    options.add_common(parser, drops=True)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Filter, write, and print how much was kept."""
    limits = _limits(args)
    report.details["longest_kept_nt"] = limits.max_length
    if args.rnas_only:
        _filter_rnas(args, limits, report)
    else:
        _filter_pairs(args, limits, report)


def main(argv: Sequence[str] | None = None) -> int:
    """Run cupid-filter and return its exit code."""
    return run_tool(get_parser(), run, argv)


def _limits(args: argparse.Namespace) -> RnaLimits:
    from cupid_tools.recipes import recipe_section
    from cupid_tools.recipes.protocol import Limits
    from cupid_tools.sampling.rna_filters import RnaLimits

    max_length = recipe_section(args.recipe, "filter", Limits, {"max_length": args.max_length}).max_length
    if args.min_length > max_length:
        raise UsageError(f"--min-length {args.min_length} exceeds the longest RNA kept, {max_length} (--max-length)")
    if args.rnas_only and (args.pairs != "-" or args.fasta_out or args.type_pairs or args.keep_unpaired):
        problem = "--rnas-only reads no pair table and writes the RNAs to -o"
        raise UsageError(problem, hint="leave out PAIRS, --fasta-out, --type-pairs and --keep-unpaired")
    types = frozenset(_names(args.rna_types)) if args.rna_types else None
    return RnaLimits(args.min_length, max_length, args.ambiguous, types)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _filter_rnas(args: argparse.Namespace, limits: RnaLimits, report: Report) -> None:
    """Stream the RNAs alone."""
    from cupid_tools.io.atomic import atomic_write
    from cupid_tools.io.fasta import write_fasta
    from cupid_tools.sampling.rna_filters import RnaFilter

    sieve = RnaFilter(limits, args.fasta)
    types: Counter[str] = Counter()

    def kept() -> Iterator[Rna]:
        for rna in sieve.keep(_read(args)):
            types[rna.type] += 1
            yield rna

    with atomic_write(args.output) as handle:
        written = write_fasta(handle, kept())
        if not written:
            raise _nothing_left(args, "RNA", sieve.read, Counter(reason for _, reason in sieve.dropped), sieve.types)
    _report_rnas(report, sieve, written, types)


def _filter_pairs(args: argparse.Namespace, limits: RnaLimits, report: Report) -> None:
    from cupid_tools.io.atomic import atomic_write
    from cupid_tools.io.fasta import write_fasta
    from cupid_tools.io.pairs import ID_A, ID_B, read_pairs, write_pairs
    from cupid_tools.sampling import pair_filters, rna_filters

    table = read_pairs(args.pairs)
    named = {*table.frame[ID_A], *table.frame[ID_B]}
    sieve = rna_filters.RnaFilter(limits, args.fasta)
    # RNAs that no pair names are let go at once, so that memory holds only those that may be written
    rnas = {rna.id: rna for rna in sieve.keep(_read(args)) if args.keep_unpaired or rna.id in named}
    table.check_ids(sieve.ids, args.fasta)
    beyond_limits = {name: reason for name, reason in sieve.dropped if reason != rna_filters.REPEATED}
    kept = _keep_pairs(args, table, rnas, beyond_limits, report)
    if not len(kept):
        raise _nothing_left(args, "pair", len(table), report.reasons("pair"), sieve.types)
    if not args.keep_unpaired:
        paired = {*kept.frame[ID_A], *kept.frame[ID_B]}
        alone = (name for name in sieve.ids if name not in paired and name not in beyond_limits)
        sieve.dropped += [(name, rna_filters.UNPAIRED) for name in alone]
        rnas = {name: rna for name, rna in rnas.items() if name in paired}
    with ExitStack() as outputs:  # both or none: a full disk at the second leaves the first as it was
        if args.fasta_out:
            write_fasta(outputs.enter_context(atomic_write(args.fasta_out)), rnas.values())
        write_pairs(outputs.enter_context(atomic_write(args.output)), [kept.frame])
    _report_rnas(report, sieve, len(rnas), Counter(rna.type for rna in rnas.values()))
    report.count("pairs", read=len(table), written=len(kept), dropped=report.reasons("pair"))
    _tell("pairs", len(table), pair_filters.count_type_pairs(kept, rnas), report)


def _read(args: argparse.Namespace) -> Iterator[Rna]:
    from cupid_tools.io.fasta import read_fasta, read_types

    return read_fasta(args.fasta, format=args.format, types=read_types(args.types))


def _keep_pairs(
    args: argparse.Namespace, table: PairTable, rnas: Mapping[str, Rna], dropped: Mapping[str, str], report: Report
) -> PairTable:
    from cupid_tools.io.pairs import ID_A, ID_B
    from cupid_tools.sampling import pair_filters

    wanted = None
    if args.type_pairs:
        types = {rna.type for rna in rnas.values()}
        try:
            wanted = pair_filters.expand_type_pairs(_names(args.type_pairs), types)
        except KeyError as error:
            raise UsageError(f"--type-pairs {error.args[0]}: the RNAs have {', '.join(sorted(types))}") from None
    reasons = pair_filters.reasons_to_drop_pairs(table, rnas, dropped, wanted)
    lost = table.where(reasons != "")
    for a, b, reason in zip(lost.column(ID_A), lost.column(ID_B), reasons[reasons != ""], strict=True):
        report.drop("pair", a, b, reason)
    return table.where(reasons == "")


def _nothing_left(
    args: argparse.Namespace, kind: str, read: int, reasons: Counter[str], types: Collection[str]
) -> InputError:
    why = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    hint = f"the RNAs have {', '.join(sorted(types))}" if args.rna_types else "change the limits"
    return InputError(args.fasta if kind == "RNA" else args.pairs, f"no {kind} is left of {read:,}: {why}", hint=hint)


def _report_rnas(report: Report, sieve: RnaFilter, written: int, types: Counter[str]) -> None:
    for name, reason in sieve.dropped:
        report.drop("rna", name, "", reason)
    report.count("rnas", read=sieve.read, written=written, dropped=report.reasons("rna"))
    _tell("RNAs", sieve.read, types, report)


def _tell(kind: str, read: int, counts: Counter[str], report: Report) -> None:
    """Print the table that both papers print: how many were kept, by type."""
    report.details[f"{kind.lower()}_by_type"] = dict(counts.most_common())
    log.info("kept %s of %s %s", f"{counts.total():,}", f"{read:,}", kind)
    width = max(map(len, counts), default=0)
    for name, count in counts.most_common():
        log.info("  %-*s  %9s", width, name, f"{count:,}")
    for reason, count in report.reasons("rna" if kind == "RNAs" else "pair").most_common():
        log.info("  dropped %s: %s", f"{count:,}", reason)
