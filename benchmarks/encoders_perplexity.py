"""How well hidden nucleotides are told from those around them, by networks and by counted words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from encoders_estimates import NOWHERE, Codes, Estimate, Row, row_weights
from encoders_types import some
from encoders_vectors import label_of, own_file

from cupid_tools.errors import MissingError
from cupid_tools.evaluation.metrics import Floats
from cupid_tools.io.fasta import read_fasta
from cupid_tools.kmers import kmer_codes
from cupid_tools.models.encoders.windows import batch_end, equal_runs
from cupid_tools.models.pretraining.alphabet import END, FIRST_NUCLEOTIDE, MASK, START, VOCABULARY, tokens_of
from cupid_tools.models.pretraining.corpus import ENDS
from cupid_tools.models.pretraining.masked import Masked
from cupid_tools.models.pretraining.product import read_pretrained
from cupid_tools.sampling.seeds import rng_for

STRETCH = 1022
"""nt; longer RNAs are cut into pieces of this length, which no method sees beyond."""
HIDDEN_SHARE = 0.15
SIDE = 5
"""Nucleotides on each side that the counted words reach."""
COMPOSITION, OWN_COMPOSITION = "composition", "composition of the RNA"
WORDS = f"words of {SIDE} on each side"
_PRIOR = 100.0
"""What the next shorter word counts for, in words seen; and composition for that of the RNA itself, in nt."""
_UNKNOWN = 4
_CHUNK_NT = 1 << 20
_BATCH_TOKENS = 16384


class Hidden(NamedTuple):
    """Stretches of RNAs, one after the other, and what is hidden of them.

    Attributes:
        sequences: n.
        clusters: int64 [n].
        places: int64 [A], the hidden nucleotides among all nt.
        answers: int64 [A], 0 to 3 for A, C, G, U.
        owners: int64 [A], the stretch of each.
    """

    sequences: list[str]
    clusters: Codes
    places: Codes
    answers: Codes
    owners: Codes


def hide(sequences: Sequence[str], clusters: Codes, share: float = HIDDEN_SHARE) -> Hidden:
    """Hide this *share* of the unambiguous nucleotides, at random, the same ones every time."""
    pieces = [
        (sequence[start : start + STRETCH], cluster)
        for sequence, cluster in zip(sequences, clusters, strict=True)
        for start in range(0, len(sequence), STRETCH)
    ]
    texts = [piece for piece, _ in pieces]
    letters = digits(texts)
    known = np.flatnonzero(letters != _UNKNOWN)
    rng = rng_for(0, "benchmarks.encoders", "hidden")
    places = known[rng.random(len(known)) < share]
    owners = np.repeat(np.arange(len(texts)), [len(text) for text in texts])[places]
    return Hidden(texts, np.array([cluster for _, cluster in pieces]), places, letters[places], owners)


def digits(sequences: Sequence[str]) -> Codes:
    """0 to 3 for A, C, G, U and 4 for other letters: int64 [nt of all]."""
    tokens = tokens_of(sequences).astype(np.int64)
    return np.where(tokens >= FIRST_NUCLEOTIDE, tokens - FIRST_NUCLEOTIDE, _UNKNOWN)


class Words:
    """The middle nucleotide of a word, given what is known of some nucleotides on each side.

    Counts of words of 1, 3, ... nt; neighbours that are hidden, ambiguous or beyond an end are summed over. What
    a shorter word says counts as ``_PRIOR`` more words of the next longer one.
    """

    def __init__(self, sequences: Sequence[str], side: int) -> None:
        """Count the words of *sequences* that reach up to *side* nucleotides to each side."""
        self._counts = [np.zeros(4 ** (2 * reach + 1), dtype=np.int32) for reach in range(side + 1)]
        chunk: list[str] = []
        length = 0
        for sequence in sequences:
            chunk.append(sequence)
            length += len(sequence)
            if length > _CHUNK_NT:
                self._add(chunk)
                chunk, length = [], 0
        self._add(chunk)

    def _add(self, sequences: list[str]) -> None:
        for reach, counts in enumerate(self._counts):
            counts += np.bincount(kmer_codes(sequences, 2 * reach + 1)[0], minlength=len(counts)).astype(np.int32)

    def composition(self, hidden: Hidden) -> Floats:
        """The same for each hidden place: float64 [A, 4]."""
        return np.tile(self._counts[0] / self._counts[0].sum(), (len(hidden.places), 1))

    def probabilities(self, hidden: Hidden) -> Floats:
        """Of the four nucleotides at each hidden place: float64 [A, 4]."""
        side = len(self._counts) - 1
        around = _around(hidden, side)
        found = self.composition(hidden)
        for reach in range(1, side + 1):
            near = around[:, side - reach : side + reach]
            known = near != _UNKNOWN
            table = self._counts[reach].reshape((4,) * (2 * reach + 1))
            pattern = known @ (1 << np.arange(2 * reach))
            for number in np.unique(pattern[known[:, [0, -1]].any(axis=1)]):  # others tell nothing new
                rows = np.flatnonzero(pattern == number)
                seen = known[rows[0]]
                unseen = np.flatnonzero(~np.insert(seen, reach, True))
                words = np.moveaxis(table.sum(axis=tuple(unseen)), int(seen[:reach].sum()), -1)
                counts = words[tuple(near[rows][:, seen].T)]
                found[rows] = (counts + _PRIOR * found[rows]) / (counts.sum(axis=1, keepdims=True) + _PRIOR)
        return found


def own_composition(hidden: Hidden, composition: Floats) -> Floats:
    """What is not hidden of the same stretch, with ``_PRIOR`` nt of *composition*, float64 [A, 4]: the same shape."""
    letters = digits(hidden.sequences)
    letters[hidden.places] = _UNKNOWN
    owners = np.repeat(np.arange(len(hidden.sequences)), [len(sequence) for sequence in hidden.sequences])
    counts = np.bincount(owners * (_UNKNOWN + 1) + letters, minlength=len(hidden.sequences) * (_UNKNOWN + 1))
    known = counts.reshape(-1, _UNKNOWN + 1)[:, :_UNKNOWN][hidden.owners]
    return (known + _PRIOR * composition) / (known.sum(axis=1, keepdims=True) + _PRIOR)


def _around(hidden: Hidden, side: int) -> Codes:
    """The *side* nucleotides before and behind each hidden place, what is not known as 4: int64 [A, 2 side]."""
    letters = digits(hidden.sequences)
    letters[hidden.places] = _UNKNOWN
    gap = np.full(side, _UNKNOWN)
    lengths = [len(sequence) for sequence in hidden.sequences]
    spaced = np.concatenate([gap, *(np.append(part, gap) for part in np.split(letters, np.cumsum(lengths)[:-1]))])
    steps = np.concatenate([np.arange(-side, 0), np.arange(1, side + 1)])
    centres = hidden.places + side * (hidden.owners + 1)
    return spaced[centres[:, None] + steps]


def network_probabilities(model: Masked, hidden: Hidden) -> Floats:
    """What *model* says of the four nucleotides at each hidden place: float64 [A, 4]."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = model.to(device)
    shown = tokens_of(hidden.sequences).astype(np.int64)
    shown[hidden.places] = MASK
    lengths = np.array([len(sequence) for sequence in hidden.sequences])
    parts = np.split(shown, np.cumsum(lengths)[:-1])
    inside = hidden.places - (np.cumsum(lengths) - lengths)[hidden.owners]
    firsts = np.searchsorted(hidden.owners, np.arange(len(lengths) + 1))
    found = np.empty((len(hidden.places), 4))
    order = np.argsort(-lengths, kind="stable")
    sizes = (lengths[order] + ENDS).tolist()
    start = 0
    while start < len(order):
        end = batch_end(sizes, start, _BATCH_TOKENS)
        batch = order[start:end]
        row = np.concatenate([np.concatenate([[START], parts[place], [END]]) for place in batch])
        begins = np.cumsum(sizes[start:end]) - sizes[start:end]
        asked = [slice(firsts[place], firsts[place + 1]) for place in batch]
        places = np.concatenate([begin + 1 + inside[rows] for begin, rows in zip(begins, asked, strict=True)])
        with torch.inference_mode():
            answer = model(
                torch.from_numpy(row).to(device),
                equal_runs(sizes[start:end]),
                torch.from_numpy(places).to(device),
                None,
            )
            letters = answer.letters[:, FIRST_NUCLEOTIDE:VOCABULARY].double().softmax(-1).cpu().numpy()
        found[np.concatenate([np.arange(rows.start, rows.stop) for rows in asked])] = letters
        start = end
    return found


def perplexity(probabilities: Floats, hidden: Hidden) -> Estimate:
    """Exp of the mean cross-entropy, under a bootstrap of clusters."""
    surprise = -np.log(probabilities[np.arange(len(hidden.answers)), hidden.answers])
    clusters, codes = np.unique(hidden.clusters[hidden.owners], return_inverse=True)
    weights = row_weights(np.arange(len(clusters)), "perplexity")
    sums, asked = np.bincount(codes, weights=surprise), np.bincount(codes)
    values = np.exp((weights @ sums) / (weights @ asked))
    return Estimate(float(values[0]), values[1:])


def rows(data: Path, names: Sequence[str], scratch: Path, limit: int | None) -> Iterator[Row]:
    """One row for each way of telling: counted words, and those encoders that tell nucleotides."""
    rnas = some(list(read_fasta(data / "perplexity.fa")), limit)
    hidden = hide([rna.sequence for rna in rnas], np.array([int(rna.note.rpartition("=")[2]) for rna in rnas]))
    place = f"{len(hidden.places):,} nucleotides of {len(rnas):,} RNAs"
    words = Words([rna.sequence for rna in read_fasta(data / "pretrain.fa")], SIDE)
    composition = words.composition(hidden)
    counted = {
        WORDS: words.probabilities(hidden),
        COMPOSITION: composition,
        OWN_COMPOSITION: own_composition(hidden, composition),
    }
    for name, probabilities in counted.items():
        yield Row(place, name, {"perplexity": perplexity(probabilities, hidden)})
    for name in names:
        try:
            path = own_file(name, data, scratch)
        except MissingError:
            yield Row(NOWHERE, label_of(name), {})
            continue
        model = path and read_pretrained(path).model
        if isinstance(model, Masked):
            yield Row(place, label_of(name), {"perplexity": perplexity(network_probabilities(model, hidden), hidden)})
