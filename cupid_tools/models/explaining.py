"""Which stretches of two RNAs pair, and which ones a model's score rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit

from cupid_tools.interaction.explanation import MEMBER, MODEL, THERMODYNAMICS, Explanation, Numbers, Side
from cupid_tools.io.pairs import ID_A, ID_B, SCORE, PairTable
from cupid_tools.models.checkpoint import Model
from cupid_tools.models.classifiers.base import Classifier
from cupid_tools.models.classifiers.blend import Blend
from cupid_tools.models.classifiers.duplex import Duplex
from cupid_tools.models.ranking import scorer_of
from cupid_tools.models.sources import RnaSource
from cupid_tools.processors import check_memory
from cupid_tools.vocab import Rna

HIDDEN = "N"
"""The letter that stands where a nucleotide is hidden: any, and none in particular."""
WINDOWS = 96
"""At most so many stretches of an RNA are hidden, one after the other."""
_NARROWEST = 3  # nucleotides; one alone changes a score little
_CELL_BYTES = 32  # of memory that an energy takes to explain a nucleotide of one RNA against one of the other

Meet = Callable[[Mapping[str, Rna]], RnaSource]
"""Makes a source of RNAs that no file holds, in the way that the model reads RNAs."""


def best_pairs(scored: Iterable[pd.DataFrame], top: int | None) -> pd.DataFrame:
    """The *top* pairs with the highest scores, best first, equal scores by id; all pairs where *top* is None.

    A pair that stands in the table several times, in any order, is taken once, as it first stands there.

    Args:
        scored: a table in blocks, with the column ``score``; memory holds one of them and *top* rows.
        top: how many.
    """
    best = pd.DataFrame(columns=[ID_A, ID_B, SCORE])
    for block in scored:
        joined = pd.concat([best, block[[ID_A, ID_B, SCORE]]], ignore_index=True)
        key = PairTable(joined, "").keys()
        unique = joined.assign(key=key, value=joined[SCORE].astype(float))[~key.duplicated()]
        best = unique.sort_values(["value", "key"], ascending=[False, True])[[ID_A, ID_B, SCORE]][:top]
    return best


def explain_pairs(pairs: pd.DataFrame, model: Model, rnas: Mapping[str, Rna], meet: Meet) -> Iterator[Explanation]:
    """Yield the explanation of each of the *pairs*, which have the columns ``id_a``, ``id_b`` and ``score``.

    Where they pair is told by the energy that the model is, or holds, else by ``Duplex`` before any training. What the
    score rests on is told, unless the model is its energy, by ``importance_of``.

    An explanation does not depend on the order of a pair, beyond which RNA is named first, unless the model does.

    Raises:
        InputError: the model's encoder cannot take an RNA.
        OutOfMemoryError: there is no room for the pairing of two long RNAs; the error names them.
    """
    energy, source = _energy_of(model.classifier)
    for a, b, score in zip(pairs[ID_A], pairs[ID_B], pairs[SCORE], strict=True):
        first, second = rnas[a], rnas[b]
        _check_room(first, second)
        found = energy.explain(first.sequence, second.sequence)
        importance = (None, None) if source == MODEL else importance_of(model, first, second, meet)
        yield Explanation(
            first=Side(first, _at_most_1(found.pairing.sum(axis=1)), importance[0]),
            second=Side(second, _at_most_1(found.pairing.sum(axis=0)), importance[1]),
            score=score,
            duplex=found.duplex,
            source=source,
        )


def _check_room(first: Rna, second: Rna) -> None:
    needed = _CELL_BYTES * len(first.sequence) * len(second.sequence)
    check_memory(needed, f"{first.id} and {second.id} are too long to tell where they pair")


def _energy_of(classifier: Classifier) -> tuple[Duplex, str]:
    """An energy, and which of ``SOURCES`` it is."""
    if isinstance(classifier, Blend):
        return cast(Duplex, classifier.member("duplex")), MEMBER
    return (classifier, MODEL) if isinstance(classifier, Duplex) else (Duplex(Duplex.Config(), 0), THERMODYNAMICS)


def _at_most_1(probabilities: Numbers) -> Numbers:
    return np.minimum(probabilities, 1.0)  # sums, which rounding may lift above it


def importance_of(model: Model, first: Rna, second: Rna, meet: Meet) -> tuple[Numbers, Numbers]:
    """How much the score's log odds owe to each nucleotide, by occlusion: float64 [nt] of either RNA.

    Stretches (see ``windows``) are hidden one after the other, in one RNA at a time, after Zeiler and Fergus (ECCV
    2014, doi:10.1007/978-3-319-10590-1_53, section 4.2). Each nucleotide is in several, and its importance is the
    smallest of their effects, as a neighbour of what matters is also in a stretch that does no harm. It is positive
    where the log odds fall by it whenever the nucleotide is hidden, negative where they rise, and 0 where they do
    either.
    """
    places = {"a": first, "b": second}
    hidden = {f"{side}:{start}": _hide(rna, start, end) for side, rna in places.items() for start, end in windows(rna)}
    variants = places | hidden
    # Sorted by content: vectors that are made together may differ in their last digits from those made apart.
    names = sorted(variants, key=lambda name: (variants[name].id, variants[name].sequence))
    at = {name: place for place, name in enumerate(names)}
    asked = [("a", "b"), *((name, "b") if name[0] == "a" else ("a", name) for name in hidden)]
    one, other = (np.array([at[pair[side]] for pair in asked], dtype=np.int64) for side in (0, 1))
    odds = _log_odds(scorer_of(model, meet(variants), names).scores(one, other))
    falls = dict(zip(hidden, (odds[0] - odds[1:]).tolist(), strict=True))
    found = [
        _smallest(len(rna.sequence), {window: falls[f"{side}:{window[0]}"] for window in windows(rna)})
        for side, rna in places.items()
    ]
    return found[0], found[1]


def windows(rna: Rna) -> list[tuple[int, int]]:
    """Stretches [start, end) that are hidden, all of one width, each nucleotide in about two or more of them.

    >>> windows(Rna("x", "ACGUA"))
    [(0, 3), (1, 4), (2, 5)]
    >>> windows(Rna("x", "ACGUA" * 2000))[:2]
    [(0, 210), (105, 315)]
    """
    length = len(rna.sequence)
    step = -(-length // WINDOWS)
    width = min(length, max(_NARROWEST, 2 * step))
    starts = [*range(0, length - width, step), length - width]
    return [(start, start + width) for start in starts]


def _hide(rna: Rna, start: int, end: int) -> Rna:
    return rna._replace(sequence=rna.sequence[:start] + HIDDEN * (end - start) + rna.sequence[end:])


def _smallest(length: int, falls: Mapping[tuple[int, int], float]) -> Numbers:
    """The fall nearest to 0 among those of the windows of each nucleotide."""
    least, most = np.full(length, np.inf), np.full(length, -np.inf)
    for (start, end), fall in falls.items():
        least[start:end] = np.minimum(least[start:end], fall)
        most[start:end] = np.maximum(most[start:end], fall)
    smallest: Numbers = np.maximum(least, 0) + np.minimum(most, 0)
    return smallest


def _log_odds(scores: NDArray[np.float64]) -> Numbers:
    """Log odds, kept within +-36, from where on double precision has no more scores."""
    limit = np.finfo(np.float64).eps
    odds: Numbers = logit(np.clip(scores, limit, 1 - limit))
    return odds
