"""The model file: complete, repeatable, and refused when it is not ours."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from cupid_tools.errors import CupidError, InputError
from cupid_tools.io.store import StoreInfo
from cupid_tools.models.checkpoint import ModelInfo, build_classifier, load_model, save_model

CPU = torch.device("cpu")
CONFIG = {"hidden_layers": 2, "hidden_size": 5, "dropout": 0.2, "order": "free"}
INFO = ModelInfo(
    classifier="mlp", config=CONFIG, dim=3, store=StoreInfo("kmer", "f", "p", "l"), threshold=0.1 + 0.2,
    training={"seed": 1}, metrics={"valid_mcc": 0.5}, versions={},
)  # fmt: skip


@pytest.fixture
def weights():
    generator = torch.Generator().manual_seed(0)
    shapes = {name: tensor.shape for name, tensor in build_classifier("mlp", CONFIG, 3).state_dict().items()}
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


@pytest.fixture
def path(tmp_path, weights):
    save_model(tmp_path / "m.safetensors", INFO, weights)
    return tmp_path / "m.safetensors"


def test_round_trip(path, weights):
    model = load_model(path, CPU)
    assert model.info == INFO
    assert not model.classifier.training
    loaded = model.classifier.state_dict()
    assert loaded.keys() == weights.keys()
    assert all(torch.equal(loaded[name], weights[name]) for name in weights)


def test_equal_models_are_equal_bytes(path, weights):
    again = path.with_name("again.safetensors")
    save_model(again, INFO, dict(reversed(weights.items())))
    assert again.read_bytes() == path.read_bytes()


def test_other_programs_can_read_it(path):
    with safe_open(path, framework="np") as handle:
        content = json.loads(handle.metadata()["cupid_tools"])
    assert content["format"] == "2"
    assert content["store"]["encoder"] == "kmer"
    assert set(load_file(path)) == {
        "hidden.0.weight", "hidden.0.bias", "hidden.1.weight", "hidden.1.bias", "output.weight", "output.bias"
    }  # fmt: skip


def test_a_missing_file():
    with pytest.raises(CupidError, match="no such file") as caught:
        load_model("none.safetensors", CPU)
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("keep", [0, 7, 100, -1])
def test_a_file_cut_short(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="is not a complete safetensors file"):
        load_model(path, CPU)


def test_a_pickle_is_not_opened(tmp_path):
    path = tmp_path / "m.safetensors"
    torch.save({"a": torch.ones(1)}, path)
    with pytest.raises(InputError, match="is not a complete safetensors file"):
        load_model(path, CPU)


def foreign(weights, path, **changes):
    content = {"format": "2", **vars(INFO), "store": vars(INFO.store)} | changes
    save_file(weights, path, metadata={"cupid_tools": json.dumps(content)})


def test_another_programs_file(tmp_path, weights):
    save_file(weights, tmp_path / "m.safetensors")
    with pytest.raises(InputError, match="is not a model of cupid-tools"):
        load_model(tmp_path / "m.safetensors", CPU)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "1"}, "another version"),
        ({"config": CONFIG | {"order": "sideways"}}, "do not fit"),
        ({"classifier": "forest"}, "another version"),
        ({"store": {"encoder": "kmer"}}, "damaged metadata"),
        ({"surprise": 1}, "damaged metadata"),
        ({"dim": 4}, "do not fit"),
        ({"config": CONFIG | {"hidden_layers": 3}}, "do not fit"),
        ({"config": CONFIG | {"hidden_size": 0}}, "do not fit"),
        ({"config": {}}, "do not fit"),
    ],
)
def test_metadata_that_does_not_fit(tmp_path, weights, changes, words):
    path = tmp_path / "m.safetensors"
    foreign(weights, path, **changes)
    with pytest.raises(InputError, match=words):
        load_model(path, CPU)


def test_not_json(tmp_path, weights):
    save_file(weights, tmp_path / "m.safetensors", metadata={"cupid_tools": "{"})
    with pytest.raises(InputError, match="damaged metadata"):
        load_model(tmp_path / "m.safetensors", CPU)


def test_weights_that_are_no_numbers(tmp_path, weights):
    weights["output.bias"] = torch.tensor([float("nan")])
    save_model(tmp_path / "m.safetensors", INFO, weights)
    with pytest.raises(InputError, match="holds NaN"):
        load_model(tmp_path / "m.safetensors", CPU)


def test_no_nan_gets_into_the_metadata(tmp_path, weights):
    with pytest.raises(ValueError, match="JSON"):
        save_model(tmp_path / "m.safetensors", replace(INFO, threshold=float("nan")), weights)
    assert list(tmp_path.iterdir()) == []
