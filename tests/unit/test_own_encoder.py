"""An encoder of cupid-pretrain in cupid-embed: the states of the network that was trained, for RNAs of any length."""

import numpy as np
import pytest
import torch

from cupid_tools.errors import CupidError, InputError, UsageError
from cupid_tools.models.encoders import load_encoder
from cupid_tools.models.encoders.settings import EncoderSettings
from cupid_tools.models.pretraining.alphabet import END, START, tokens_of
from cupid_tools.models.pretraining.product import read_pretrained
from tests.language_models import save_own

LONG = "GGGACUUCGGUCCAUGNACG" * 20


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.safetensors"
    save_own(path)
    return path


def encoder(path, **settings):
    return load_encoder(f"own:{path}", EncoderSettings(**({"precision": "fp32", "device": "cpu"} | settings)))


def by_hand(path, sequence):
    """The states of the nucleotides of an RNA, computed alone and standardised."""
    tokens = torch.tensor([START, *tokens_of([sequence]).tolist(), END])
    pretrained = read_pretrained(path)
    with torch.inference_mode():
        states = pretrained.model.encoder(tokens, [(1, len(tokens))])[1:-1].numpy()
    return (states - pretrained.scale.mean) / pretrained.scale.deviation


def test_vectors_are_the_mean_states_of_the_network(own):
    sequences = ["ACGUACGUGG", "UGAGGUAGUAGGUUGUAUAGUU"]
    wanted = [by_hand(own, sequence).mean(0) for sequence in sequences]
    np.testing.assert_allclose(encoder(own).embed(sequences), wanted, rtol=0, atol=2e-6)
    states = encoder(own, pooling="none").embed(sequences)
    np.testing.assert_allclose(states, np.concatenate([by_hand(own, one) for one in sequences]), rtol=0, atol=2e-6)


def test_long_rnas_are_computed_in_windows_unless_told_otherwise(own):
    found = encoder(own)
    assert found.info.long == "window:50"
    assert found.embed([LONG]).shape == (1, 16)
    np.testing.assert_allclose(encoder(own, long="truncate").embed([LONG]), encoder(own).embed([LONG[:100]]), atol=2e-6)
    with pytest.raises(CupidError, match="has 400 tokens, and encoder own takes 100"):
        encoder(own, long="error").embed([LONG])


def test_a_store_tells_all_that_makes_it_again(own):
    made = encoder(own, pooling="max", overlap=20).info
    again = EncoderSettings.of_store(made, device="cpu", threads=None, weights_dir=None)
    assert (again.pooling, again.long, again.overlap, again.precision) == ("max", "window", 20, "fp32")


def test_other_weights_have_another_fingerprint(own, tmp_path):
    save_own(tmp_path / "same.safetensors")
    assert encoder(tmp_path / "same.safetensors").info == encoder(own).info
    save_own(tmp_path / "other.safetensors", max_length=90)
    assert encoder(tmp_path / "other.safetensors").info.fingerprint != encoder(own).info.fingerprint


def test_weights_that_are_kept_are_close_to_those_that_were_trained(own):
    """Half precision costs at most one part in two thousand of a number."""
    kept = read_pretrained(own).model.state_dict()
    assert all((tensor == tensor.half().float()).all() for tensor in kept.values())


@pytest.mark.parametrize("content", [b"", b"rubbish", None])
def test_files_that_are_none(own, content):
    whole = own.read_bytes()
    own.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(InputError, match="is not a complete safetensors file"):
        encoder(own)


def test_settings_that_belong_to_others(own):
    with pytest.raises(UsageError, match="--implementation reference is for encoder rnafm"):
        encoder(own, implementation="reference")
    with pytest.raises(UsageError, match="--overlap is that of windows"):
        encoder(own, long="truncate", overlap=10)
    with pytest.raises(UsageError, match="windows of 100 tokens cannot overlap by 60"):
        encoder(own, overlap=60)


def test_every_device_has_a_network_of_its_own(own, monkeypatch):
    """Two devices that were one network would move each other's numbers about."""
    monkeypatch.setattr(
        "cupid_tools.models.encoders.language_model.choose_devices", lambda *_: [torch.device("cpu")] * 2
    )
    one, other = encoder(own)._copies
    for parameter, twin in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(parameter, twin)
        assert parameter.data_ptr() != twin.data_ptr()
