"""Vectors that are made while pairs are scored."""

import numpy as np
import pytest

from cupid_tools.errors import InputError, OutOfMemoryError
from cupid_tools.models.encoders.base import BatchMemoryError
from cupid_tools.models.encoders.kmer import KmerEncoder
from cupid_tools.models.sources import EmbeddedRnas
from cupid_tools.vocab import Rna
from tests.states_encoder import States

RNAS = {rna.id: rna for rna in (Rna("a", "ACGU", line=1), Rna("b", "GG", line=3), Rna("twin", "ACGU", line=5))}


class Watched(KmerEncoder):
    """Remembers what it was asked for."""

    def __init__(self):
        self.calls = []

    def embed(self, sequences):
        self.calls.append(list(sequences))
        return super().embed(sequences)


def test_equal_sequences_are_computed_once():
    encoder = Watched()
    source = EmbeddedRnas(RNAS, encoder, "r.fa")
    first, second = source.read(["twin", "a"]), source.read(["a", "b"])
    assert encoder.calls == [["ACGU"], ["GG"]]
    np.testing.assert_array_equal([*first, second[1]], KmerEncoder().embed(["ACGU", "ACGU", "GG"]))


@pytest.mark.parametrize(("path", "place"), [("r.fa", "r.fa:3: "), ("-", "stdin:3: ")])
def test_an_rna_that_does_not_fit_into_memory_is_named(monkeypatch, path, place):
    def embed(sequences):
        raise BatchMemoryError(sequences.index("GG"))

    encoder = KmerEncoder()
    encoder.embed = embed
    with pytest.raises(OutOfMemoryError, match=f"^{place}RNA 'b' of 2 nt does not fit into memory, even alone"):
        EmbeddedRnas(RNAS, encoder, path).read(["a", "twin", "b"])


def test_vectors_of_nucleotides_are_refused():
    with pytest.raises(InputError, match=r"r\.fa: holds one vector per nucleotide"):
        EmbeddedRnas(RNAS, States(), "r.fa").read(["a"])
