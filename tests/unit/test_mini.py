"""The encoder that comes with the package: small, whole, described, and able to tell relatives."""

from pathlib import Path

import numpy as np
import pytest

from cupid_tools.io.fasta import read_fasta
from cupid_tools.models.encoders import load_encoder
from cupid_tools.models.encoders.own import MINI
from cupid_tools.models.encoders.settings import EncoderSettings
from cupid_tools.models.pretraining.product import NAME, read_pretrained
from cupid_tools.models.weights.library import read
from cupid_tools.recipes import PRETRAINING, load_recipe

RNAS = Path(__file__).parents[2] / "test-data" / "rnas.fa"
LARGEST_FILE = 10_000_000
LET_7 = ["UGAGGUAGUAGGUUGUAUAGUU", "UGAGGUAGUAGGUUGUGUGGUU", "UGAGGUAGUAGGUUGUAUGGUU", "AGAGGUAGUAGGUUGCAUAGUU"]
MIR_17 = ["CAAAGUGCUUACAGUGCAGGUAG", "UAAAGUGCUUAUAGUGCAGGUAG", "CAAAGUGCUGUUCGUGCAGGUAG", "UAAAGUGCUGACAGUGCAGAU"]


@pytest.fixture(scope="module")
def mini():
    return load_encoder("mini", EncoderSettings(precision="fp32", device="cpu"))


def test_it_is_small_and_was_made_by_its_recipe():
    assert MINI.stat().st_size < LARGEST_FILE
    weights, _ = read(MINI, NAME)
    config = weights.config
    recipe = load_recipe("mini", PRETRAINING)
    assert config["network"] == recipe["network"]
    assert {name: config["training"][name] for name in recipe["training"]} == recipe["training"]


def test_its_card_tells_what_it_is():
    card = MINI.with_suffix(".md").read_text(encoding="utf-8")
    assert read_pretrained(MINI).fingerprint in card
    for part in ("What it is", "Data", "Licence", "Training", "How far to trust it", "Do not use it"):
        assert f"**{part}" in card


def test_relatives_are_nearer_than_others(mini):
    vectors = mini.embed(LET_7 + MIR_17)
    apart = vectors - vectors.mean(0)
    unit = apart / np.linalg.norm(apart, axis=1, keepdims=True)
    cosines = unit @ unit.T - 2 * np.eye(len(unit))
    family = np.arange(len(unit)) // len(LET_7)
    assert family[cosines.argmax(1)].tolist() == family.tolist()
    alike = (family[:, None] == family) & (cosines > -1)
    assert cosines[alike].mean() > cosines[family[:, None] != family].mean() + 0.3


def test_channels_are_standardised(mini):
    """A net on vectors learns next to nothing from channels that are much smaller than 1, or far from 0."""
    vectors = mini.embed([rna.sequence for rna in read_fasta(RNAS)])
    assert np.abs(vectors.mean(0)).max() < 1
    assert 0.5 < np.median(vectors.std(0)) < 1.5


def test_any_length_is_read_and_none_changed_by_others(mini):
    rng = np.random.default_rng(1)
    rnas = ["".join(rng.choice(list("ACGU"), length)) for length in (1, 2, 22, 1022, 1023, 5000)]
    together = mini.embed(rnas)
    assert together.shape == (6, 320)
    assert np.isfinite(together).all()
    alone = np.concatenate([mini.embed([rna]) for rna in rnas])
    np.testing.assert_allclose(alone, together, rtol=0, atol=2e-6 * np.abs(together).max())
