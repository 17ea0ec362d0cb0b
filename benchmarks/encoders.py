"""What an embedding is worth.

    python benchmarks/encoders.py --data FOLDER --interactions DATA [--encoders ...] [--tables ...] [-o JSON]

FOLDER is what ``encoder_data.py`` wrote, DATA a folder of sets as for ``learning.py``. Encoders are those of
``cupid-embed``; ``mini:random`` and ``own:FILE:random`` are the same networks with weights drawn anew. RNAs above the
context are computed in windows. One whose weights are not here has a row that says so.

types       RNA types from vectors by a logistic regression (channels standardised, penalty chosen on a quarter of the
            train clusters): clusters of relatives are in train or in test
pairs       strict C2 and C3, ten negatives a positive (those of train degree-preserving), by the symmetric net and by a
            logistic regression on |a-b| and ab: mean of the splits --seeds
retrieval   Rfam families held out of pretraining: whether the RNA with the nearest vector (cosine) is of the same
            family, and mean average precision over all candidates. Vectors are taken less their mean, or standardised
            too. Once with all other RNAs as candidates, once without relatives (a quarter of the 15-mers shared,
            directly or through others). Each family counts once
perplexity  exp of the mean cross-entropy of hidden nucleotides, 15 %, in clusters held out of pretraining: lower is
            better. Beside it composition, of all RNAs and of the RNA itself, and words counted in pretrain.fa that see
            both sides

Behind each number stand its 95 % interval and the paired difference to ``kmer``, in perplexity to the counted words.
The bootstrap draws clusters of relatives, families in retrieval. Speed is the matter of ``embed.py``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import encoders_pairs
import encoders_perplexity
import encoders_retrieval
import encoders_types
from encoders_estimates import NOWHERE, Row, cell
from encoders_vectors import KMER, MINI_NAME, RANDOM, Embedder, label_of

from cupid_tools.errors import MissingError
from cupid_tools.io.atomic import atomic_write

PERPLEXITY = "perplexity"
TABLES = ("types", "pairs", "retrieval", PERPLEXITY)


def of_vectors(table: str, label: str, embedder: Embedder, args: argparse.Namespace) -> Iterator[Row]:
    """The rows of one encoder in one table."""
    if table == "types":
        return encoders_types.rows(args.data, label, embedder, args.limit)
    if table == "retrieval":
        return encoders_retrieval.rows(args.data, label, embedder, args.limit)
    return encoders_pairs.rows(args.interactions, label, embedder, args.limit, args.seeds, args.epochs)


def compared(args: argparse.Namespace, scratch: Path) -> Iterator[tuple[str, Row]]:
    """All rows, each with the name of its table."""
    for name in args.encoders:
        tables = [table for table in args.tables if table != PERPLEXITY]
        label = label_of(name)
        try:
            embedder = Embedder(name, args.data, scratch)
        except MissingError:
            yield from ((table, Row(NOWHERE, label, {})) for table in tables)
            continue
        for table in tables:
            print(f"{table}: {label}", file=sys.stderr)
            yield from ((table, row) for row in of_vectors(table, label, embedder, args))
    if PERPLEXITY in args.tables:
        yield from (
            (PERPLEXITY, row) for row in encoders_perplexity.rows(args.data, args.encoders, scratch, args.limit)
        )


def base_of(table: str, place: str, rows: list[Row]) -> Row | None:
    """The row that the others in its place are compared with."""
    base = encoders_perplexity.WORDS if table == PERPLEXITY else KMER
    return next((row for row in rows if (row.place, row.encoder) == (place, base) and row.metrics), None)


def markdown(table: str, rows: list[Row]) -> Iterator[str]:
    """The lines of a table, place by place."""
    metrics = next((list(row.metrics) for row in rows if row.metrics), [])
    columns = [column for metric in metrics for column in (metric, "difference")]
    yield "| " + " | ".join([table, "encoder", *columns]) + " |"
    yield "|---" * (2 + len(columns)) + "|"
    for place in dict.fromkeys(row.place for row in rows):
        base = base_of(table, place, rows)
        for row in (row for row in rows if row.place == place):
            cells = [] if row.metrics else ["its weights are not here"] + [""] * (len(columns) - 1)
            for metric, found in row.metrics.items():
                apart = base is not None and base is not row
                cells += [cell(found), cell(found.minus(base.metrics[metric]), signed=True) if apart else ""]
            yield "| " + " | ".join([row.place, row.encoder, *cells]) + " |"


def as_json(table: str, rows: list[Row]) -> Iterator[dict[str, Any]]:
    """What the table shows, with all digits."""
    for row in rows:
        base = base_of(table, row.place, rows)
        metrics = {}
        for metric, found in row.metrics.items():
            metrics[metric] = {"value": found.point, "interval": list(found.interval)}
            if base is not None and base is not row:
                apart = found.minus(base.metrics[metric])
                metrics[metric] |= {
                    "compared_with": base.encoder,
                    "difference": apart.point,
                    "difference_interval": list(apart.interval),
                }
        yield {"table": table, "place": row.place, "encoder": row.encoder, "metrics": metrics}


def main(args: argparse.Namespace) -> None:
    """Print the tables as Markdown, and write them as JSON whenever an encoder is done with one."""
    found: dict[str, list[Row]] = {table: [] for table in args.tables}
    with tempfile.TemporaryDirectory() as scratch:
        for table, row in compared(args, Path(scratch)):
            found[table].append(row)
            if args.output:
                content = [one for name, rows in found.items() for one in as_json(name, rows)]
                with atomic_write(args.output) as handle:
                    json.dump(content, handle, indent=1)
    for table, rows in found.items():
        print(*markdown(table, rows), "", sep="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--interactions", type=Path, metavar="DATA", help="needed for pairs")
    parser.add_argument("--encoders", nargs="+", default=[KMER, MINI_NAME, MINI_NAME + RANDOM], metavar="NAME")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5], help="of the splits of pairs")
    parser.add_argument("--epochs", type=int, default=8, help="of the net on pairs, at most (default: %(default)s)")
    parser.add_argument("--limit", type=int, metavar="N", help="RNAs of a file, or pairs of a set, to try it out")
    parser.add_argument("-o", "--output", metavar="JSON")
    given = parser.parse_args()
    if "pairs" in given.tables and given.interactions is None:
        parser.error("pairs needs --interactions")
    warnings.simplefilter("ignore")
    main(given)
