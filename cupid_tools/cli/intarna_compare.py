"""Compute interaction energies of the pairs of a table, by IntaRNA or another engine, and compare them with a model.

Every row keeps its place and gets its energy (kcal/mol; 0 where there is no favourable interaction), its state (ok,
no-interaction, too-short, failed, not-asked), where the RNAs pair, the duplex in dot-bracket, and the engine. A pair
that the engine fails on is named, and the others are kept. The query is the miRNA where one RNA alone is one, else the
shorter: the order of a pair does not matter.

Pairs of one target are computed together. With -o FILE a run that was killed goes on where it stopped when the same
command is given again.

A cluster can share the rows of PAIRS: each job takes one of the --blocks, and --merge joins what they wrote into the
very bytes that one job would have written. It takes q-values anew, which are of all rows, and writes the --comparison.
"""

from __future__ import annotations

import argparse
import logging
import shlex
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cupid_tools.cli import _options as options
from cupid_tools.cli._progress import progress_bar
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.energy.engines import ENGINES
from cupid_tools.energy.engines.settings import AUTO, PRESETS, EngineSettings
from cupid_tools.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from cupid_tools.energy.computing import KeptTable, PairEnergies, RunSettings
    from cupid_tools.energy.engines.base import Engine
    from cupid_tools.io.pairs import PairTable
    from cupid_tools.io.report import Report
    from cupid_tools.vocab import Rna

_EXPERIMENT = "scores"
_TITLE = "Does the model know more than energy?"
_ENOUGH_SHUFFLES = 100
_TOLD_FAILURES = 10
_COMPUTING = ("engine", "preset", "engine_args", "splits", "cache", "timeout", "jobs", "shuffles", "blocks")
"""What --merge does not take."""
_REMEDY = "--comparison judges a table with labels, splits and the scores of cupid-score"

log = logging.getLogger("cupid_tools")


def get_parser() -> ToolParser:
    """The options of intarna-compare."""
    parser = ToolParser("intarna-compare", __doc__)
    options.add_pairs(parser)
    options.add_fasta(parser)
    options.add_output(parser)
    group = parser.add_argument_group("energies")
    group.add_argument(
        "--engine",
        choices=(AUTO, *ENGINES),
        default=AUTO,
        help=f"{AUTO} takes the first that is there, and says which (default: %(default)s). {ENGINES.help()}",
    )
    group.add_argument(
        "--preset",
        choices=PRESETS,
        help="personality, for engines that have it: bacterial sRNAs, miRNAs (seed in nucleotides 2-8), long RNAs, or "
        "exact, without heuristics (default: the engine's own settings)",
    )
    group.add_argument(
        "--engine-args",
        type=_arguments,
        default=EngineSettings.args,
        metavar="ARGS",
        help="further arguments of the engine's program, as in --engine-args='--seedBP 6 --noSeed'; what would change "
        "its input or output is refused",
    )
    group.add_argument(
        "--splits",
        type=options.splits,
        metavar="SPLITS",
        help="compute only rows of these splits, separated by commas, and mark others not-asked (default: all rows)",
    )
    group.add_argument(
        "--cache",
        metavar="FOLDER",
        help="keep accessibilities there for later runs; IntaRNA rounds them, which changes its energies by up to 0.04 "
        "kcal/mol (default: they are not kept)",
    )
    parser.places.append("cache")
    group.add_argument(
        "--timeout",
        type=options.positive_int,
        default=int(EngineSettings.timeout),
        metavar="SECONDS",
        help="a call of the engine that takes longer counts as hung, and its pairs are tried in smaller calls "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--jobs",
        type=options.positive_int,
        metavar="N",
        help="calls of the engine that run at once, one thread each (default: all processors that the process may use)",
    )
    group = parser.add_argument_group("significance")
    group.add_argument(
        "--shuffles",
        type=options.whole_number,
        default=0,
        metavar="N",
        help="shuffles of every query that keep its dinucleotides; an extreme value distribution of their energies "
        "gives p-values and q-values (default: %(default)s)",
    )
    options.add_seed(parser)
    options.add_sharing(
        parser,
        "TSV",
        blocks="compute only the I-th of N blocks of the rows of PAIRS",
        merge="join what was written for all blocks of PAIRS, in any order; name PAIRS before it",
    )
    group = parser.add_argument_group("comparison")
    group.add_argument(
        "--comparison",
        metavar="FOLDER",
        help="write a report, as cupid-evaluate does, on the model's scores, the energies and both together; the pairs "
        "need label, split and score",
    )
    parser.outputs.append("comparison")
    parser.folders.append("comparison")
    options.add_common(parser)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Write the pairs with their energies, and the comparison where it is asked for."""
    _check_usage(args)
    with _folder(args.output) as folder:
        if args.merge:
            rnas, compared = _merge(args, folder, report)
        else:
            rnas, compared = _compute(args, folder, report)
    if args.comparison:
        _compare(args, compared, rnas)


def main(argv: Sequence[str] | None = None) -> int:
    """Run intarna-compare and return its exit code."""
    return run_tool(get_parser(), run, argv)


def _arguments(text: str) -> tuple[str, ...]:
    """The arguments in *text*, split as a shell does, for argparse."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} cannot be split into arguments: {str(error).lower()}") from None


def _check_usage(args: argparse.Namespace) -> None:
    if args.blocks and args.comparison:
        raise UsageError("--comparison judges a whole table, and --blocks makes a part", hint="give it with --merge")
    if args.merge:
        parser = get_parser()
        changed = [name for name in _COMPUTING if getattr(args, name) != parser.get_default(name)]
        if changed:
            raise UsageError("--merge joins energies as they are", hint="leave out what is for computing them")
        if args.pairs == "-":
            raise UsageError("what is merged? (name PAIRS before --merge)")


def _rnas(args: argparse.Namespace, pairs: KeptTable) -> Mapping[str, Rna]:
    """All RNAs, read after the pairs, since an earlier tool of the pipe may write them."""
    from cupid_tools.evaluation.rnas import with_flipped
    from cupid_tools.io.fasta import load_rnas, read_types

    rnas = with_flipped(pairs.ids, load_rnas(args.fasta, format=args.format, types=read_types(args.types)))
    if args.comparison:
        _check_comparable(args, pairs, rnas)
    return rnas


def _compute(args: argparse.Namespace, folder: Path, report: Report) -> tuple[Mapping[str, Rna], list[pd.DataFrame]]:
    from cupid_tools.energy.computing import KeptTable, pair_energies

    with closing(_engine(args)) as engine, KeptTable(_tables(args), folder / "pairs.tsv") as pairs:
        rnas = _rnas(args, pairs)
        _warn(args, engine, [rnas[name] for name in pairs.ids & rnas.keys()])
        watch = partial(progress_bar, "pairs", quiet=args.quiet)
        with pair_energies(pairs, rnas, args.fasta, engine, _settings(args), folder, watch) as energies:
            states, compared = _write(args, energies.frames)
    _tell(engine, energies, states, report)
    return rnas, compared


def _merge(args: argparse.Namespace, folder: Path, report: Report) -> tuple[Mapping[str, Rna], list[pd.DataFrame]]:
    from cupid_tools.energy.computing import KeptTable
    from cupid_tools.energy.merging import merged_energies
    from cupid_tools.energy.table import COLUMNS
    from cupid_tools.io.pairs import P_VALUE, Q_VALUE
    from cupid_tools.io.table_parts import ordered_parts

    hint = "expected what intarna-compare writes for it"
    parts = ordered_parts(args.merge, args.pairs, COLUMNS, optional=(P_VALUE, Q_VALUE), hint=hint)
    with KeptTable(_tables(args), folder / "pairs.tsv") as pairs:
        rnas = _rnas(args, pairs)
        states, compared = _write(args, merged_energies([part.path for part in parts], pairs, rnas, args.fasta))
    log.info("joined %d parts: %s", len(parts), _told(states))
    _count(states, report)
    return rnas, compared


def _engine(args: argparse.Namespace) -> Engine:
    from cupid_tools.energy.engines.choice import choose_engine

    return choose_engine(args.engine, EngineSettings(args.preset, args.engine_args, args.timeout, args.cache))


def _settings(args: argparse.Namespace) -> RunSettings:
    from cupid_tools.energy.computing import RunSettings
    from cupid_tools.energy.running import Significance
    from cupid_tools.processors import processors

    return RunSettings(Significance(args.shuffles, args.seed), args.splits, args.jobs or processors())


@contextmanager
def _folder(output: str) -> Iterator[Path]:
    """Where results are kept while they grow: beside a file, from where a later run takes them, or for this run."""
    from cupid_tools.io.atomic import is_stream
    from cupid_tools.io.parts import parts_folder

    if is_stream(output):
        with tempfile.TemporaryDirectory(prefix="intarna-compare-") as folder:
            yield Path(folder)
    else:
        with parts_folder(output) as kept:
            yield kept


def _tables(args: argparse.Namespace) -> Iterator[PairTable]:
    from cupid_tools.energy.computing import BLOCK_ROWS
    from cupid_tools.evaluation.folder import check_replaceable
    from cupid_tools.evaluation.tables import TOOL
    from cupid_tools.io.pairs import LABEL, SCORE, SPLIT, iter_pairs
    from cupid_tools.vocab import TEST, VALID

    required = [SPLIT] if args.splits else []
    if args.comparison:
        if args.splits and not {VALID, TEST} <= set(args.splits):
            raise UsageError("--comparison needs the energies of valid and test", hint=f"give --splits {VALID},{TEST}")
        check_replaceable(args.comparison, TOOL)
        required = [LABEL, SPLIT, SCORE]
    hint = _REMEDY if args.comparison else None
    return iter_pairs(args.pairs, require=required, hint=hint, block_rows=BLOCK_ROWS, block=args.blocks)


def _warn(args: argparse.Namespace, engine: Engine, rnas: Sequence[Rna]) -> None:
    """Say what will not be as it might be taken to be."""
    from cupid_tools.energy.engines.base import for_engines

    if args.cache and not engine.keeps:
        log.warning("--cache keeps nothing: %s computes no accessibilities that could be kept", engine.version)
    if 0 < args.shuffles < _ENOUGH_SHUFFLES:
        log.warning("p-values of fewer than %d shuffles are coarse, and their tail optimistic", _ENOUGH_SHUFFLES)
    count = sum("N" in for_engines(rna.sequence) for rna in rnas)
    if count:
        log.warning(
            "%s RNAs hold letters for more than one nucleotide: engines read N, which never pairs", f"{count:,}"
        )


def _check_comparable(args: argparse.Namespace, pairs: KeptTable, rnas: Mapping[str, Rna]) -> None:
    """Refuse now, and not after hours of energies, a table that cannot be judged."""
    from cupid_tools.evaluation.experiment import prepare
    from cupid_tools.evaluation.settings import Options
    from cupid_tools.io.pairs import ENERGY, joined

    table = joined(pairs)
    scored = replace(table, frame=table.frame.drop(columns=ENERGY, errors="ignore"))  # older energies are replaced
    prepare(_EXPERIMENT, scored, rnas, args.fasta, Options(args.seed))


def _write(args: argparse.Namespace, frames: Iterable[pd.DataFrame]) -> tuple[Counter[str], list[pd.DataFrame]]:
    """Write the table; return how many rows have each state, and, for a comparison, the frames."""
    from cupid_tools.energy.table import STATE
    from cupid_tools.io.atomic import atomic_write
    from cupid_tools.io.pairs import write_pairs

    states: Counter[str] = Counter()
    kept = []

    def noted() -> Iterator[pd.DataFrame]:
        for frame in frames:
            states.update(frame[STATE])
            if args.comparison:
                kept.append(frame)
            yield frame

    with atomic_write(args.output) as handle:
        write_pairs(handle, noted())
    return states, kept


def _tell(engine: Engine, energies: PairEnergies, states: Counter[str], report: Report) -> None:
    rows, distinct = f"{states.total():,}", f"{energies.distinct:,}"
    log.info("%s pairs, %s of them distinct, by %s: %s", rows, distinct, engine.version, _told(states))
    for failure in energies.failures[:_TOLD_FAILURES]:
        log.warning("line %d: no energy of %s and %s: %s", *failure)
    if len(energies.failures) > _TOLD_FAILURES:
        log.warning("no energy of %s pairs in all; --report lists them", f"{len(energies.failures):,}")
    report.details["engine"] = {"version": engine.version, "fingerprint": engine.fingerprint}
    _count(states, report)
    report.details["failed"] = [failure._asdict() for failure in energies.failures]


def _told(states: Counter[str]) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in sorted(states.items()))


def _count(states: Counter[str], report: Report) -> None:
    report.count("pairs", read=states.total(), written=states.total())
    report.details["states"] = dict(sorted(states.items()))


def _compare(args: argparse.Namespace, frames: Sequence[pd.DataFrame], rnas: Mapping[str, Rna]) -> None:
    """Judge model, energies and both together as cupid-evaluate does, without other baselines."""
    import pandas as pd

    from cupid_tools.evaluation.evaluate import evaluate
    from cupid_tools.evaluation.experiment import prepare
    from cupid_tools.evaluation.folder import write_folder
    from cupid_tools.evaluation.report import PAGE, build
    from cupid_tools.evaluation.settings import Options, Settings
    from cupid_tools.evaluation.tables import TOOL
    from cupid_tools.evaluation.verdict import tell
    from cupid_tools.io.pairs import PairTable
    from cupid_tools.io.streams import input_digest

    reading, settings = Options(args.seed), Settings(args.seed, baselines=())
    table = PairTable(pd.concat(frames), args.pairs)
    evaluation = evaluate(prepare(_EXPERIMENT, table, rnas, args.fasta, reading), settings)
    digests = {"RNAs": input_digest(args.fasta), "pairs": input_digest(args.pairs)}
    inputs = {name: digest for name, digest in digests.items() if digest is not None}
    write_folder(args.comparison, build([evaluation], [], _TITLE, reading, settings, inputs), TOOL)
    tell([evaluation])
    log.info("report: %s/%s", args.comparison.rstrip("/"), PAGE)
