"""Scores of listed pairs, and the best targets of each query, in memory that does not grow with the pairs."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cupid_tools.errors import InputError
from cupid_tools.io.pairs import CALL, ID_A, ID_B, P_VALUE, Q_VALUE, RANK, SCORE, PairTable
from cupid_tools.io.store import ALL_FIT
from cupid_tools.models.checkpoint import Model
from cupid_tools.models.classifiers.base import Scorer
from cupid_tools.models.null import Null
from cupid_tools.models.sources import RnaSource, VectorSource

PAIR_ROWS = 16_384
"""Rows of a listed table that are scored together; bounds the vectors in memory at twice as many."""
_TILE = 512  # queries, and targets, that meet at once

log = logging.getLogger("cupid_tools")


def check_vectors(model: Model, model_path: str, source: VectorSource) -> None:
    """Raise InputError when the vectors of *source* were not made as the model's were; warn of another precision."""
    made = model.info.store
    assert made is not None
    source.info.require_pooled(source.path)
    differs = made.difference(source.info)
    if differs:
        raise InputError(source.path, f"does not fit {model_path}: {differs}", hint="embed the RNAs as for training")
    made.warn_of_precision(model_path, source.info, source.path)
    if made.long == ALL_FIT != source.info.long:
        log.warning("%s has seen no RNA above the encoder's context: such RNAs are new to it", model_path)


def scorer_of(model: Model, source: RnaSource, names: Sequence[str]) -> Scorer:
    """A scorer of pairs among the RNAs *names*, by their positions there."""
    rnas = source.read(names)
    if isinstance(rnas, np.ndarray) and rnas.shape[1] != model.info.dim:
        raise InputError(source.path, f"has {rnas.shape[1]} channels where the model takes {model.info.dim}")
    return model.classifier.scorer(rnas)


def score_listed(blocks: Iterable[PairTable], model: Model, source: RnaSource) -> Iterator[pd.DataFrame]:
    """Yield the frame of each block with the columns ``score`` and ``call`` added, or replaced with a warning.

    Raises:
        InputError: a pair names an RNA that *source* lacks.
    """
    known = frozenset(source.ids())
    for number, table in enumerate(blocks):
        if number == 0:
            table.warn_of_replaced([SCORE, CALL])
        table.check_ids(known, source.path, hint=source.remedy)
        names = sorted({*table.column(ID_A), *table.column(ID_B)})
        scores = scorer_of(model, source, names).scores(*table.codes(names))
        yield table.frame.assign(**_result_columns(scores, model))


@dataclass
class Tally:
    """Pairs that a ranking met.

    Attributes:
        pairs: queries times targets.
        same: left out because both RNAs have one sequence.
    """

    pairs: int = 0
    same: int = 0


def rank_targets(
    queries: Sequence[str],
    targets: Sequence[str],
    model: Model,
    source: RnaSource,
    *,
    top: int,
    tally: Tally,
    shuffled: Sequence[str] = (),
) -> Iterator[pd.DataFrame]:
    """Yield the *top* targets of each query, best first, equal scores by id; queries in their order.

    A tile of queries meets a tile of targets at a time, so memory holds *top* targets a query and never all pairs. An
    RNA is no target of itself, nor of another with the same sequence. *tally* is brought up to date on the way.

    With *shuffled*, RNAs that no query interacts with, each target gets the columns ``p_value`` and ``q_value``; see
    ``null.Null``.
    """
    targets = sorted(targets)
    for names in _tiles(queries):
        best = _Best(len(names), top)
        null = Null(_score_null(model, source, names, shuffled)) if shuffled else None
        for tile in _tiles(targets):
            scores = _score_tile(model, source, names, tile)
            tally.pairs += scores.size
            tally.same += int(np.isneginf(scores).sum())
            best.add(scores)
            if null is not None:
                null.add(scores)
        yield _ranking(names, targets, best, model, null)


def _ranking(
    names: Sequence[str], targets: Sequence[str], best: _Best, model: Model, null: Null | None
) -> pd.DataFrame:
    row, rank = np.nonzero(np.isfinite(best.scores))
    columns = {
        ID_A: np.array(names, dtype=object)[row],
        ID_B: np.array(targets, dtype=object)[best.places[row, rank]],
        **_result_columns(best.scores[row, rank], model),
        RANK: rank + 1,
    }
    if null is not None:
        for column, values in zip((P_VALUE, Q_VALUE), null.p_and_q(best.scores), strict=True):
            columns[column] = [f"{value:.6g}" for value in values[row, rank].tolist()]
    return pd.DataFrame(columns)


class _Best:
    """The best scores so far of each query, and whose they are.

    Attributes:
        scores: float64 [queries, top or fewer], best first.
        places: int64 of the same shape, positions of the targets.
    """

    def __init__(self, queries: int, top: int) -> None:
        self.scores: NDArray[np.float64] = np.empty((queries, 0))
        self.places: NDArray[np.int64] = np.empty((queries, 0), dtype=np.int64)
        self._top = top
        self._seen = 0

    def add(self, scores: NDArray[np.float64]) -> None:
        """Take the scores, float64 [queries, n], of the next n targets."""
        new = np.broadcast_to(np.arange(self._seen, self._seen + scores.shape[1]), scores.shape)
        self._seen += scores.shape[1]
        self.scores, self.places = np.hstack([self.scores, scores]), np.hstack([self.places, new])
        # Stable, and earlier targets stand first: equal scores keep the order of the targets.
        order = np.argsort(-self.scores, axis=1, kind="stable")[:, : self._top]
        self.scores = np.take_along_axis(self.scores, order, axis=1)
        self.places = np.take_along_axis(self.places, order, axis=1)


def _tiles(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + _TILE] for start in range(0, len(names), _TILE))


def _score_tile(model: Model, source: RnaSource, names: Sequence[str], tile: Sequence[str]) -> NDArray[np.float64]:
    """Scores, float64 [len(names), len(tile)], of all pairs; minus infinity where both have one sequence."""
    scores = _all_pairs(model, source, names, tile)
    same = np.array(source.digests(names))[:, None] == np.array(source.digests(tile))
    return np.where(same, -np.inf, scores)


def _score_null(model: Model, source: RnaSource, names: Sequence[str], shuffled: Sequence[str]) -> NDArray[np.float64]:
    """Scores, float64 [len(names), len(shuffled)]."""
    return np.hstack([_all_pairs(model, source, names, tile) for tile in _tiles(shuffled)])


def _all_pairs(model: Model, source: RnaSource, names: Sequence[str], tile: Sequence[str]) -> NDArray[np.float64]:
    scorer = scorer_of(model, source, [*names, *tile])
    first, second = np.divmod(np.arange(len(names) * len(tile)), len(tile))
    return scorer.scores(first, len(names) + second).reshape(len(names), len(tile))


def _result_columns(scores: NDArray[np.float64], model: Model) -> dict[str, list[str] | NDArray[np.int8]]:
    return {
        SCORE: [f"{score:.6g}" for score in scores.tolist()],
        CALL: (scores >= model.info.threshold).astype(np.int8),
    }
