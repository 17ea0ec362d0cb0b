"""What every encoder promises, and that k-mer vectors are what their description says."""

import math
from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cupid_tools.models.encoders import ENCODERS, load_encoder
from cupid_tools.models.encoders import kmer as kmer_module
from cupid_tools.models.encoders.settings import EncoderSettings
from cupid_tools.vocab import RNA_LETTERS
from tests.language_models import save_huggingface, save_own

RNAS = ["ACGU" * 30, "A", "NNNN", "GGGACUUCGGUCC", "ACGUN" * 7, "U" * 201]


@pytest.fixture(params=list(ENCODERS))
def encoder(request, weights, tmp_path):
    name = request.param
    if name == "hf":
        save_huggingface(tmp_path / "model")
        name = f"hf:{tmp_path}/model"
    if name == "own":
        save_own(tmp_path / "own.safetensors")
        name = f"own:{tmp_path}/own.safetensors"
    plain = EncoderSettings() if name == "kmer" else EncoderSettings(precision="fp32", weights_dir=str(weights))
    return load_encoder(name, replace(plain, device="cpu"))


def test_shape_type_and_numbers(encoder):
    vectors = encoder.embed(RNAS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(RNAS), encoder.dim)
    assert np.isfinite(vectors).all()


def test_a_vector_does_not_depend_on_its_companions(encoder):
    together = encoder.embed(RNAS)
    tolerance = 0 if encoder.info.encoder == "kmer" else 2e-6 * np.abs(together).max()  # of float32
    np.testing.assert_allclose(encoder.embed(RNAS[::-1])[::-1], together, rtol=0, atol=tolerance)
    for sequence, vector in zip(RNAS, together, strict=True):
        np.testing.assert_allclose(encoder.embed([sequence])[0], vector, rtol=0, atol=tolerance)


def test_no_rnas_give_no_vectors(encoder):
    assert encoder.embed([]).shape == (0, encoder.dim)


def test_its_name_is_its_registry_name(encoder):
    assert encoder.info.encoder.partition(":")[0] in ENCODERS


def brute_force(sequence):
    channels = []
    for k in (1, 2, 3, 4):
        words = [sequence[start : start + k] for start in range(len(sequence) - k + 1)]
        counts = Counter(word for word in words if set(word) <= set("ACGU"))
        total = sum(counts.values())
        for letters in product("ACGU", repeat=k):
            share = counts["".join(letters)] / total if total else 0.0
            channels.append(math.sqrt(4**k * share))
    return channels


@given(st.lists(st.text(RNA_LETTERS[:6], min_size=1, max_size=60), min_size=1, max_size=6))
def test_kmer_vectors_equal_a_count_by_hand(sequences):
    vectors = kmer_module.KmerEncoder().embed(sequences)
    np.testing.assert_allclose(vectors, [brute_force(sequence) for sequence in sequences], rtol=1e-6)


def test_rnas_shorter_than_k_or_wholly_ambiguous_give_zeros():
    vectors = kmer_module.KmerEncoder().embed(["AC", "NNNNNN"])
    assert vectors[0, :4].tolist() == pytest.approx([math.sqrt(2), math.sqrt(2), 0, 0])
    assert vectors[0, 4:20].sum() == pytest.approx(4)
    assert not vectors[0, 20:].any()
    assert not vectors[1].any()


def test_a_uniform_composition_is_one_in_every_channel():
    sequence = "".join("".join(letters) + "N" for letters in product("ACGU", repeat=4))  # each 4-mer once, apart
    np.testing.assert_allclose(kmer_module.KmerEncoder().embed([sequence])[0], 1, rtol=1e-6)


def test_chunks_change_nothing(monkeypatch):
    whole = kmer_module.KmerEncoder().embed(RNAS)
    monkeypatch.setattr(kmer_module, "_CHUNK_NT", 100)
    np.testing.assert_array_equal(kmer_module.KmerEncoder().embed(RNAS), whole)
