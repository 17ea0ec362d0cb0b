"""From RNAs to a table of types, some at a time; and what is kept of those whose type is known, to measure it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from cupid_tools.errors import InputError, UsageError
from cupid_tools.evaluation.metrics import Floats
from cupid_tools.evaluation.type_metrics import TypeAnswers, answers_of, join_answers
from cupid_tools.io.rna_blocks import entered
from cupid_tools.io.rna_index import RnaIndex
from cupid_tools.io.store import EmbeddingStore, StoreInfo, Vectors
from cupid_tools.models.dataset import Rnas
from cupid_tools.models.sources import embed_rnas, encoder_like
from cupid_tools.models.types.checkpoint import TypeModel
from cupid_tools.vocab import UNKNOWN_TYPE, Rna

_STORE_RNAS = 16_384
"""RNAs of a store that are read at once."""
_FIRST_COLUMNS = ("id", "type", "probability")


class Asked(NamedTuple):
    """Some RNAs in a row.

    Attributes:
        ids: n.
        types: what the input says they are; ``UNKNOWN_TYPE`` where it says nothing.
        digests: of their sequences.
        sequences: n; None where there are only vectors.
        rnas: n, as the model reads them.
    """

    ids: list[str]
    types: list[str]
    digests: list[str]
    sequences: list[str] | None
    rnas: Rnas


def of_fasta(rnas: Iterable[Rna], path: str, read: Callable[[list[Rna]], Rnas]) -> Iterator[Asked]:
    """Yield *rnas*, which were read from *path*, some at a time; *read* gives what the model reads of them.

    Raises:
        InputError: an id occurs twice, or *read* raises it.
    """
    for some, digests, _ in entered(rnas, RnaIndex(), path):
        sequences = [rna.sequence for rna in some]
        yield Asked([rna.id for rna in some], [rna.type for rna in some], digests, sequences, read(some))


def of_store(store: EmbeddingStore, types: Mapping[str, str], model: TypeModel, model_path: str) -> Iterator[Asked]:
    """Yield all RNAs of *store*, some at a time, with the *types* that a table gives them.

    Raises:
        UsageError, InputError: the model, read from *model_path*, does not read them.
    """
    _check_vectors(model, model_path, store.info, store.path)
    ids = store.ids()
    for start in range(0, len(ids), _STORE_RNAS):
        some = ids[start : start + _STORE_RNAS]
        kinds = [types.get(name, UNKNOWN_TYPE) for name in some]
        yield Asked(some, kinds, store.digests(some), None, store.read(some))


def reader(
    model: TypeModel, model_path: str, store: EmbeddingStore | None, path: str, settings: Mapping[str, Any]
) -> Callable[[list[Rna]], Rnas]:
    """What *model* reads of RNAs of a FASTA: their sequences, their vectors in *store*, or those that are made here.

    Args:
        model: read from *model_path*.
        store: None where there is none.
        path: of the FASTA, for messages.
        settings: of an encoder; see ``sources.encoder_like``.

    Raises:
        UsageError, InputError: the model reads something else.
        MissingError: the weights of its encoder are not here.
    """
    if store is not None:
        _check_vectors(model, model_path, store.info, store.path)
        return lambda rnas: _stored(store, rnas)
    if model.info.store is None:
        return lambda rnas: [rna.sequence for rna in rnas]
    encoder = encoder_like(model.info.store, model_path, hint="give its --embeddings", settings=settings)
    _check_vectors(model, model_path, encoder.info, path)
    return lambda rnas: embed_rnas(encoder, rnas, path)


def _stored(store: EmbeddingStore, rnas: list[Rna]) -> Vectors:
    store.check_sequences({rna.id: rna for rna in rnas})
    return store.read([rna.id for rna in rnas])


def _check_vectors(model: TypeModel, model_path: str, info: StoreInfo, path: str) -> None:
    """Refuse vectors that were not made as the model's were; warn of another precision."""
    made = model.info.store
    if made is None:
        raise UsageError(f"{model_path} reads sequences, not --embeddings (leave that out, and give --fasta)")
    info.require_pooled(path)
    differs = made.difference(info)
    if differs:
        raise InputError(path, f"does not fit {model_path}: {differs}", hint="embed the RNAs as for training")
    made.warn_of_precision(model_path, info, path)


def header(model: TypeModel) -> str:
    """The first line of the table."""
    return "\t".join((*_FIRST_COLUMNS, *model.info.types)) + "\n"


def lines(model: TypeModel, asked: Asked, probabilities: Floats, threshold: float) -> Iterator[str]:
    """The line of each RNA: the most probable type, or ``unknown`` where even that is below *threshold*."""
    best = np.argmax(probabilities, axis=1).tolist()
    for name, place, row in zip(asked.ids, best, probabilities.tolist(), strict=True):
        kind = model.info.types[place] if row[place] >= threshold else UNKNOWN_TYPE
        yield "\t".join([name, kind, *(f"{value:.6g}" for value in (row[place], *row))]) + "\n"


class Measuring:
    """What is kept of RNAs whose type is known: numbers, and the sequences that tell who is related.

    Attributes:
        ids, digests, sequences: of these RNAs; no sequences where there are only vectors.
        untyped: RNAs whose type is not known.
    """

    def __init__(self, known: Sequence[str]) -> None:
        """Measure answers among the *known* types."""
        self.ids: list[str] = []
        self.digests: list[str] = []
        self.sequences: list[str] = []
        self.untyped = 0
        self._known = known
        self._parts: list[TypeAnswers] = []

    def add(self, asked: Asked, probabilities: Floats) -> None:
        """Take the next answers."""
        places = [place for place, kind in enumerate(asked.types) if kind != UNKNOWN_TYPE]
        self.untyped += len(asked.ids) - len(places)
        if places:
            truth = [asked.types[place] for place in places]
            self._parts.append(answers_of(truth, probabilities[places], self._known))
        self.ids += [asked.ids[place] for place in places]
        self.digests += [asked.digests[place] for place in places]
        if asked.sequences is not None:
            self.sequences += [asked.sequences[place] for place in places]

    def answers(self, path: str) -> TypeAnswers:
        """All answers that can be judged.

        Raises:
            InputError: none can; *path* is where the RNAs come from.
        """
        if not self._parts:
            words = "names no RNA's type, so there is nothing to measure"
            raise InputError(path, words, hint="write type=NAME into the headers, or give --types")
        return join_answers(self._parts)
