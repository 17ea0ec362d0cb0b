"""k-mer embedding of a FASTA by cupid-embed, against scikit-learn and Biopython making the same 340 channels.

    python benchmarks/kmer.py FASTA

The opponents get the first RNAs of the file only, and already in memory; ours is the whole tool on the whole file,
and then the encoder alone on the opponents' RNAs. All vectors are compared.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measure import BIN, run

from cupid_tools.io.fasta import read_fasta
from cupid_tools.models.encoders.kmer import KmerEncoder

SUBSET = 5_000
SIZES = (1, 2, 3, 4)
WORDS = ["".join(letters) for k in SIZES for letters in itertools.product("ACGU", repeat=k)]


def with_scikit_learn(sequences: list[str]) -> np.ndarray:
    """CountVectorizer on characters, then the square roots of shares."""
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(analyzer="char", ngram_range=(1, 4), vocabulary=WORDS, lowercase=False)
    return scaled(vectorizer.transform(sequences).toarray())


def with_counter(sequences: list[str]) -> np.ndarray:
    """A Counter for each k over a Biopython Seq's text."""
    from Bio.Seq import Seq

    place = {word: index for index, word in enumerate(WORDS)}
    counts = np.zeros((len(sequences), len(WORDS)))
    for row, sequence in enumerate(sequences):
        text = str(Seq(sequence))
        for k in SIZES:
            for word, count in Counter(text[i : i + k] for i in range(len(text) - k + 1)).items():
                if word in place:
                    counts[row, place[word]] = count
    return scaled(counts)


def scaled(counts: np.ndarray) -> np.ndarray:
    """The scale of KmerEncoder."""
    ends = np.cumsum([4**k for k in SIZES])[:-1]
    blocks = np.split(counts, ends, axis=1)
    return np.hstack([np.sqrt(b / np.maximum(b.sum(axis=1, keepdims=True), 1) * b.shape[1]) for b in blocks])


def timed(work: Callable[[list[str]], np.ndarray], sequences: list[str]) -> tuple[float, np.ndarray]:
    """Seconds and vectors."""
    start = time.perf_counter()
    vectors = work(sequences)
    return time.perf_counter() - start, vectors


def main(fasta: str) -> None:
    """Print the whole tool's cost, then rates and ratios, twice."""
    nt = sum(len(rna.sequence) for rna in read_fasta(fasta))
    subset = [rna.sequence for rna in itertools.islice(read_fasta(fasta), SUBSET)]
    part = sum(map(len, subset))
    for turn in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            cost = run([BIN / "cupid-embed", "--quiet", "-o", Path(folder, "x.npy"), fasta])
        print(
            f"{turn}  cupid-embed: {nt / cost.seconds / 1e6:.1f} Mnt/s, {cost.seconds:.1f} s, {cost.peak_mib:.0f} MiB"
        )
        base, ours = timed(KmerEncoder().embed, subset)
        print(f"{turn}  encoder alone: {part / base / 1e6:.1f} Mnt/s")
        for name, work in (("CountVectorizer", with_scikit_learn), ("Biopython + Counter", with_counter)):
            seconds, theirs = timed(work, subset)
            assert np.allclose(ours, theirs, atol=1e-5), name
            print(f"{turn}  {name}: {part / seconds / 1e6:.2f} Mnt/s, {seconds / base:.1f} times our time")


if __name__ == "__main__":
    main(sys.argv[1])
