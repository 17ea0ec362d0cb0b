"""Rankings that were made block by block, joined to the one that a single run would have written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from cupid_tools.errors import InputError
from cupid_tools.io.pairs import ID_A, RANK, iter_pairs
from cupid_tools.io.table_parts import check_same_columns, write_joined


class _Part(NamedTuple):
    """One block.

    Attributes:
        path: of its file.
        columns: of its cells.
        queries: in the order of its rows.
        rows: how many.
    """

    path: str
    columns: list[str]
    queries: list[str]
    rows: int


def merge_rankings(output: str, paths: Sequence[str], queries: Sequence[str], fasta: str) -> int:
    """Write the rankings of *paths* as one, and return the number of rows.

    Args:
        output: where to write.
        paths: what cupid-score wrote for each block of queries, in any order.
        queries: all query ids in their order, read from *fasta*.

    Raises:
        InputError: a part that is no ranking or has other columns, a query that is in two parts, in none, not in
            *queries*, or not in their order.
    """
    place = {name: index for index, name in enumerate(queries)}
    parts = [_read(path, place, fasta) for path in paths]
    parts.sort(key=lambda part: place[part.queries[0]])
    check_same_columns([(part.path, part.columns) for part in parts])
    _check_complete(parts, queries)
    write_joined(output, [part.path for part in parts])
    return sum(part.rows for part in parts)


def _read(path: str, place: Mapping[str, int], fasta: str) -> _Part:
    queries: list[str] = []
    columns: list[str] = []
    rows = 0
    for block in iter_pairs(path, require=[RANK], hint="expected what cupid-score writes for --queries"):
        columns = list(block.frame.columns)
        rows += len(block)
        found = block.column(ID_A)
        block.refuse(~block.frame[ID_A].isin(place.keys()).to_numpy(), f"query '{{id_a}}' is not in {fasta}")
        changes = found[1:] != found[:-1]
        started = [found[0], *found[1:][changes]]
        queries += started[1:] if queries and started[0] == queries[-1] else started
    for one, other in pairwise(queries):
        if place[one] >= place[other]:
            raise InputError(path, f"has query {other!r} after {one!r}", hint=f"the order of {fasta} is another")
    return _Part(path, columns, queries, rows)


def _check_complete(parts: Sequence[_Part], queries: Sequence[str]) -> None:
    where: dict[str, str] = {}
    for part in parts:
        for name in part.queries:
            if name in where:
                raise InputError(part.path, f"holds query {name!r}, as {where[name]} does", hint="give each block once")
            where[name] = part.path
    missing = next((name for name in queries if name not in where), None)
    if missing is not None:
        raise InputError(parts[-1].path, f"query {missing!r} is in no part", hint="give the files of all blocks")
