"""The process in which ViennaRNA runs, so that a crash there is not ours: JSON lines in, JSON lines out.

``python -m cupid_tools.energy.engines.vienna_worker CACHE`` first says ``{"version": ...}``, and then answers each
``{"target": ..., "queries": [...]}`` with ``{"duplexes": [...]}`` or ``{"error": ...}``, until its input ends. It keeps
the accessibilities of targets in the folder CACHE, unless that is empty, and tells in ``problem`` where it cannot;
those of queries, which are short, or shuffled and many, it does not keep.

The energy is the lowest E + ED_target + ED_query (Mückstein et al. 2006, Bioinformatics 22:1177) among the suboptimal
duplexes of RNAduplex (Lorenz et al. 2011, Algorithms Mol Biol 6:26), where ED is what it costs to free a segment of
base pairs of its own, in local structures as of RNAplfold (Bernhart, Hofacker & Stadler 2006, Bioinformatics 22:614).

Letters: n nucleotides, U the longest segment.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache, partial
from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from cupid_tools.energy.engines.accessibility_cache import AccessibilityCache
from cupid_tools.energy.engines.base import Duplex, duplex_of

if TYPE_CHECKING:
    from cupid_tools.evaluation.metrics import Floats

LONGEST_SEGMENT = 40
WINDOW = 150
"""nt; the window of which RNAplfold averages."""
SPAN = 100
"""nt; base pairs of an RNA with itself reach no further."""
DELTA = 1000
"""0.01 kcal/mol; duplexes up to this above the most stable are weighed against their accessibility."""
STACK = 6
"""Base pairs; a duplex without as long an uninterrupted stack does not count."""
STEP = LONGEST_SEGMENT // 2
"""nt between the windows of a query that is longer than a segment: RNAduplex would pair all of it."""

_TURNED = str.maketrans("()", ")(")
_RT = 1.98717e-3 * 310.15  # kcal/mol, ViennaRNA's gas constant at its 37 degrees


def unpairing(rna: Any, sequence: str) -> Floats:
    """The energy that frees each segment of its own base pairs.

    Returns:
        float64 [n + 1, U + 1], kcal/mol, at least 0: [i, l] is that of the l nucleotides that end with the i-th,
        counted from 1; infinity where there is no such segment, or it is never free.
    """
    free = np.array(rna.pfl_fold_up(sequence, LONGEST_SEGMENT, WINDOW, SPAN), dtype=np.float64)
    ends, lengths = np.indices(free.shape)
    free[(lengths < 1) | (lengths > ends)] = 0
    size = len(sequence)
    if size <= LONGEST_SEGMENT:  # ViennaRNA leaves out the whole RNA, where the last nucleotide has no partner left
        free[size, size] = free[size - 1, size - 1]
    with np.errstate(divide="ignore"):
        return np.asarray(-_RT * np.log(np.clip(free, 0, 1)) + 0.0)


def cache_for(rna: Any, folder: str) -> AccessibilityCache | None:
    """Where accessibilities are kept in *folder*; None where its name is empty."""
    settings = f"u={LONGEST_SEGMENT} W={WINDOW} L={SPAN}"
    return AccessibilityCache(folder, f"ViennaRNA {rna.__version__}", settings) if folder else None


def kept_unpairing(rna: Any, cache: AccessibilityCache | None, sequence: str) -> Floats:
    """The same from *cache*, if there is one."""
    if cache is None:
        return unpairing(rna, sequence)
    with suppress(OSError, ValueError, EOFError):  # not there, or damaged: it is computed, and replaced
        kept: Floats = np.load(cache.path(sequence), allow_pickle=False)
        if kept.shape == (len(sequence) + 1, LONGEST_SEGMENT + 1) and kept.dtype == np.float64:
            return kept
    computed = unpairing(rna, sequence)
    content = io.BytesIO()
    np.save(content, computed)
    cache.keep(sequence, content.getvalue())
    return computed


def best_duplex(rna: Any, target: str, target_cost: Floats, query: str) -> Duplex | None:
    """The duplex of lowest energy that has a stack and segments within the limits; of equals the first found.

    Args:
        rna: the package of ViennaRNA.
        target: over ACGU and N.
        target_cost: [n + 1, U + 1], its ``unpairing``.
        query: likewise.
    """
    query_cost = unpairing(rna, query)
    best: Duplex | None = None
    for offset, hit in _suboptimal(rna, target, query):
        ceiling = best.energy if best else 0.0
        if hit.energy >= ceiling:
            continue  # accessibility only adds to it
        bare = _duplex(hit, offset)
        energy = bare.energy + _cost(target_cost, bare.target_start, bare.target_end)
        energy += _cost(query_cost, bare.query_start, bare.query_end)
        if energy < ceiling and has_stack(bare.structure):
            best = bare._replace(energy=energy)
    return best


def _suboptimal(rna: Any, target: str, query: str) -> Iterator[tuple[int, Any]]:
    """ViennaRNA's duplexes that may have a stack, for each window of the query, whose offset comes before each.

    Those of a window are sorted from the most stable on.
    """
    for offset in range(0, max(len(query) - LONGEST_SEGMENT + STEP, 1), STEP):
        found = rna.duplex_subopt(query[offset : offset + LONGEST_SEGMENT], target, DELTA, 0)
        stacked = [hit for hit in found if "(" * STACK in hit.structure and ")" * STACK in hit.structure]
        yield from ((offset, hit) for hit in sorted(stacked, key=attrgetter("energy")))


def _duplex(hit: Any, offset: int) -> Duplex:
    query_part, _, target_part = hit.structure.partition("&")
    start = offset + hit.i - len(query_part) + 1  # i is the last position of its part, j the first
    found = duplex_of(hit.energy, hit.j, target_part.translate(_TURNED), start, query_part.translate(_TURNED))
    assert found is not None  # its energy is below 0
    return found


def _cost(cost: Floats, start: int, end: int) -> float:
    length = end - start + 1
    return float(cost[end, length]) if length <= LONGEST_SEGMENT else np.inf


def has_stack(structure: str) -> bool:
    """Whether there are ``STACK`` base pairs without a gap in either RNA.

    >>> has_stack("((((((&))))))"), has_stack("(((.(((&))))))")
    (True, False)
    """
    target, _, query = structure.partition("&")
    opening = [position for position, letter in enumerate(target) if letter == "("]
    closing = [position for position, letter in enumerate(query) if letter == ")"][::-1]
    run = 1
    for before in range(len(opening) - 1):
        stacked = opening[before + 1] - opening[before] == 1 == closing[before] - closing[before + 1]
        run = run + 1 if stacked else 1
        if run == STACK:
            return True
    return False


def _answer(line: str, rna: Any, cost: Callable[[str], Floats]) -> dict[str, Any]:
    try:
        request = json.loads(line)
        target = request["target"]
        target_cost = cost(target)
        return {"duplexes": [best_duplex(rna, target, target_cost, query) for query in request["queries"]]}
    except Exception as error:  # it is told to whoever asked
        return {"error": f"{type(error).__name__}: {error}"}


def main(folder: str) -> None:
    """Answer until the input ends."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1) as answers:
        os.dup2(2, 1)  # whatever the library prints must not stand between the answers
        try:
            rna = import_module("RNA")
            cache = cache_for(rna, folder)
            print(json.dumps({"version": rna.__version__}), file=answers)
        except Exception as error:
            print(json.dumps({"error": f"{type(error).__name__}: {error}"}), file=answers)
            return
        # several calls in turn ask for the same target
        cost = lru_cache(maxsize=1)(partial(kept_unpairing, rna, cache))
        for line in sys.stdin:
            print(json.dumps(_answer(line, rna, cost) | {"problem": cache.problem if cache else ""}), file=answers)


if __name__ == "__main__":
    main(sys.argv[1])
