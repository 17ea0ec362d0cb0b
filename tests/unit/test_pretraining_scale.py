"""What channels are over the RNAs that an encoder has learned from, and what that makes of vectors."""

import numpy as np
import pytest
import torch

from cupid_tools.errors import InputError
from cupid_tools.models.encoders.pooling import Scale
from cupid_tools.models.pretraining.alphabet import END, START, tokens_of
from cupid_tools.models.pretraining.corpus import make_corpus
from cupid_tools.models.pretraining.network import Network, NetworkSettings
from cupid_tools.models.pretraining.product import NAME, read_pretrained
from cupid_tools.models.pretraining.scale import measure_scale
from cupid_tools.models.weights.library import fingerprint, read, write
from cupid_tools.vocab import Rna
from tests.language_models import save_own

WIDTH = 16


@pytest.fixture(scope="module")
def sequences():
    rng = np.random.default_rng(3)
    return ["".join(rng.choice(list("ACGUN"), length, p=[0.3, 0.2, 0.2, 0.2, 0.1])) for length in range(1, 61)]


@pytest.fixture(scope="module")
def corpus(sequences):
    return make_corpus([Rna(str(number), sequence) for number, sequence in enumerate(sequences)])


@pytest.fixture
def encoder():
    torch.manual_seed(2)
    network = Network(NetworkSettings("masked", "random", WIDTH, layers=1, heads=2, feed_forward=2, dropout=0.0))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return network.eval()


def by_hand(encoder, sequence):
    """The mean state of one RNA, computed alone."""
    tokens = torch.tensor([START, *tokens_of([sequence]).tolist(), END])
    with torch.inference_mode():
        return encoder(tokens, [(1, len(tokens))])[1:-1].mean(0).double().numpy()


def test_it_is_that_of_the_rnas_that_are_named(encoder, corpus, sequences):
    rows = np.arange(0, 60, 3)
    found = measure_scale(encoder, corpus, rows, max_length=60, seed=1)
    vectors = np.array([by_hand(encoder, sequences[row]) for row in rows])
    np.testing.assert_allclose(found.mean, vectors.mean(0), rtol=0, atol=1e-5)
    deviations = vectors.std(0)
    lively = deviations > np.median(deviations) / 10
    assert lively.sum() > WIDTH / 2
    np.testing.assert_allclose(found.deviation[lively], deviations[lively], rtol=0, atol=1e-5)
    assert found.mean.dtype == found.deviation.dtype == np.float32


def test_of_longer_rnas_a_stretch_is_read(encoder):
    corpus = make_corpus([Rna("long", "ACGU" * 10 + "A" * 5)])
    stretches = [("ACGU" * 10 + "A" * 5)[start : start + 20] for start in range(26)]
    found = measure_scale(encoder, corpus, np.array([0]), max_length=20, seed=1).mean
    assert min(np.abs(found - by_hand(encoder, stretch)).max() for stretch in stretches) < 1e-5


@pytest.mark.parametrize("rnas", [["ACGU"], ["ACGU", "ACGU"]])
def test_one_rna_alone_keeps_its_units(encoder, rnas):
    corpus = make_corpus([Rna(str(number), sequence) for number, sequence in enumerate(rnas)])
    found = measure_scale(encoder, corpus, np.arange(len(rnas)), max_length=60, seed=1)
    np.testing.assert_array_equal(found.deviation, np.ones(WIDTH))


def test_a_channel_that_hardly_varies_is_not_blown_up(encoder, corpus):
    with torch.no_grad():
        encoder.norm.weight[3] = 1e-6
    found = measure_scale(encoder, corpus, np.arange(60), max_length=60, seed=1).deviation
    assert found[3] == found.min() == pytest.approx(np.median(found) / 10, rel=1e-6)


@pytest.mark.parametrize("parts", [1, 2])
def test_vectors_of_several_parts_are_standardised_part_by_part(parts):
    scale = Scale(np.array([1, 10], dtype=np.float32), np.array([2, 5], dtype=np.float32))
    vectors = np.tile(np.array([[3, 0], [1, 20]], dtype=np.float32), parts)
    scale.standardise(vectors)
    np.testing.assert_array_equal(vectors, np.tile([[1, -2], [0, 2]], parts))


def test_no_vectors_are_none():
    Scale(np.zeros(2, dtype=np.float32), np.ones(2, dtype=np.float32)).standardise(np.empty((0, 2), dtype=np.float32))


def test_a_file_with_a_deviation_of_0_is_refused(tmp_path):
    path = tmp_path / "own.safetensors"
    save_own(path)
    weights, facts = read(path, NAME)
    weights.tensors["scale.deviation"][0] = 0
    told = {name: facts[name] for name in ("source_sha256", "licence")}
    write(path, NAME, weights, fingerprint=fingerprint(NAME, weights), **told)
    with pytest.raises(InputError, match="tells of channels that do not vary"):
        read_pretrained(path)
