"""The file of a type model: complete, repeatable, and refused when it is another's."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from cupid_tools.errors import CupidError, InputError
from cupid_tools.io.store import StoreInfo
from cupid_tools.models.checkpoint import load_model
from cupid_tools.models.types.checkpoint import TypeModelInfo, load_types, save_types

CPU = torch.device("cpu")
INFO = TypeModelInfo(
    classifier="logistic", config={}, dim=2, store=StoreInfo("kmer", "f", "p", "l"), types=["a", "b", "c"],
    temperature=2.0, training={"seed": 1}, metrics={"ece": 0.1}, versions={},
)  # fmt: skip


@pytest.fixture
def weights():
    return {
        "mean": torch.tensor([0.0, 1.0], dtype=torch.float64),
        "spread": torch.tensor([1.0, 2.0], dtype=torch.float64),
        "weight": torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], dtype=torch.float64),
        "offset": torch.tensor([0.0, 0.0, 0.5], dtype=torch.float64),
    }


@pytest.fixture
def path(tmp_path, weights):
    save_types(tmp_path / "m.safetensors", INFO, weights)
    return tmp_path / "m.safetensors"


def test_round_trip(path):
    model = load_types(path, CPU)
    assert model.info == INFO
    logits = np.array([3.0, (5 - 1) / 2, 0.5])
    expected = np.exp(logits / 2) / np.exp(logits / 2).sum()
    np.testing.assert_allclose(model.probabilities(np.array([[3, 5]], dtype=np.float32))[0], expected)


def test_equal_models_are_equal_bytes(path, weights):
    again = path.with_name("again.safetensors")
    save_types(again, INFO, dict(reversed(weights.items())))
    assert again.read_bytes() == path.read_bytes()


def test_a_missing_file():
    with pytest.raises(CupidError, match="no such file") as caught:
        load_types("none.safetensors", CPU)
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("keep", [0, 7, 100, -1])
def test_a_file_cut_short(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="is not a complete safetensors file"):
        load_types(path, CPU)


def test_a_pair_model_reader_says_what_it_is(path):
    with pytest.raises(InputError, match="is a model of RNA types, not of pairs"):
        load_model(path, CPU)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "0"}, "another version"),
        ({"classifier": "forest"}, "another version"),
        ({"store": {"encoder": "kmer"}}, "damaged metadata"),
        ({"surprise": 1}, "damaged metadata"),
        ({"types": ["a", "b"]}, "do not fit"),
        ({"dim": 4}, "do not fit"),
        ({"config": {"width": 3}}, "do not fit"),
        ({"temperature": 0.0}, "do not fit"),
    ],
)
def test_metadata_that_does_not_fit(path, weights, changes, words):
    content = {"format": "1", **vars(INFO), "store": vars(INFO.store)} | changes
    save_file(weights, path, metadata={"cupid_tools": json.dumps(content)})
    with pytest.raises(InputError, match=words):
        load_types(path, CPU)


def test_other_files(path, weights):
    save_file(weights, path)
    with pytest.raises(InputError, match="is not a model of cupid-tools"):
        load_types(path, CPU)
    save_file(weights, path, metadata={"cupid_tools": json.dumps({"tokenizer": None})})
    with pytest.raises(InputError, match="holds weights of an encoder"):
        load_types(path, CPU)
    save_file(weights, path, metadata={"cupid_tools": "{"})
    with pytest.raises(InputError, match="damaged metadata"):
        load_types(path, CPU)


def test_weights_that_are_no_numbers(path, weights):
    save_types(path, INFO, weights | {"offset": torch.full((3,), torch.nan, dtype=torch.float64)})
    with pytest.raises(InputError, match="holds NaN"):
        load_types(path, CPU)


def test_no_nan_gets_into_the_metadata(tmp_path, weights):
    with pytest.raises(ValueError, match="JSON"):
        save_types(tmp_path / "m.safetensors", replace(INFO, temperature=float("nan")), weights)
    assert list(tmp_path.iterdir()) == []
