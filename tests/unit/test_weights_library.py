"""The folder of weights: what a file says, what its fingerprint covers, and where weights are looked for."""

import dataclasses
import os
import re

import pytest
import torch

from cupid_tools.errors import InputError, MissingError
from cupid_tools.models.weights import WEIGHTS, library
from cupid_tools.models.weights.catalogue import SOURCES
from cupid_tools.models.weights.library import Weights

FROZEN = "5c76c2ef7a8523d1eeec0946736147c9a3022b3457ac5b5fbc362cfd749ad994"
SYSTEM = ["/usr/local/share", "/usr/share"]
WEIGHTS_OF_TWO = Weights({"b": torch.arange(6.0).reshape(2, 3), "a": torch.ones(())}, {"layers": 2}, "{}")


def written(folder, weights=WEIGHTS_OF_TWO, name="rnafm", **facts):
    facts = {"fingerprint": library.fingerprint(name, weights), "source_sha256": "0" * 64, "licence": "MIT"} | facts
    path = folder / f"{name}.safetensors"
    library.write(path, name, weights, **facts)
    return path


def test_weights_come_back_as_they_were_written(tmp_path):
    written(tmp_path)
    weights, fingerprint = library.load("rnafm", str(tmp_path))
    assert fingerprint == library.fingerprint("rnafm", WEIGHTS_OF_TWO)
    assert (weights.config, weights.tokenizer) == ({"layers": 2}, "{}")
    assert weights.tensors.keys() == {"a", "b"}
    assert all(torch.equal(tensor, WEIGHTS_OF_TWO.tensors[name]) for name, tensor in weights.tensors.items())


def test_equal_weights_are_equal_bytes_whatever_their_order(tmp_path):
    turned = dataclasses.replace(WEIGHTS_OF_TWO, tensors=dict(reversed(WEIGHTS_OF_TWO.tensors.items())))
    first = written(tmp_path).read_bytes()
    assert written(tmp_path, turned).read_bytes() == first


def test_a_file_is_readable_by_those_whom_the_umask_allows(tmp_path):
    before = os.umask(0o022)
    try:
        assert written(tmp_path).stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    "changed",
    [
        {"config": {"layers": 3}},
        {"tokenizer": None},
        {"tensors": {"b": torch.arange(6.0).reshape(2, 3), "c": torch.ones(())}},
        {"tensors": {"b": torch.arange(6.0).reshape(3, 2), "a": torch.ones(())}},
        {"tensors": {"b": torch.arange(6).reshape(2, 3), "a": torch.ones(())}},
        {"tensors": {"b": torch.arange(6.0).reshape(2, 3), "a": torch.ones(()) + 1e-7}},
    ],
    ids=["config", "tokenizer", "name", "shape", "dtype", "value"],
)
def test_the_fingerprint_covers_everything(changed):
    other = dataclasses.replace(WEIGHTS_OF_TWO, **changed)
    assert library.fingerprint("rnafm", other) != library.fingerprint("rnafm", WEIGHTS_OF_TWO)
    assert library.fingerprint("generrna", WEIGHTS_OF_TWO) != library.fingerprint("rnafm", WEIGHTS_OF_TWO)


def test_the_fingerprint_is_the_same_in_every_version():
    """Stores and models name it: a change of how it is taken would make all of them foreign."""
    assert library.fingerprint("rnafm", WEIGHTS_OF_TWO) == FROZEN


def test_missing_weights_name_both_ways_to_bring_them(tmp_path):
    with pytest.raises(MissingError) as caught:
        library.load("rnafm", str(tmp_path))
    assert f"cupid-weights fetch rnafm --weights-dir {tmp_path}" in str(caught.value)
    assert f"cupid-weights import FILE --as rnafm --weights-dir {tmp_path}" in str(caught.value)


def test_a_file_under_another_name_is_refused(tmp_path):
    written(tmp_path).rename(tmp_path / "generrna.safetensors")
    with pytest.raises(InputError, match="holds the weights of rnafm, not of generrna"):
        library.load("generrna", str(tmp_path))


def test_a_file_of_another_program_is_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.ones(2)}, tmp_path / "rnafm.safetensors")
    with pytest.raises(InputError, match="holds no weights of cupid-tools"):
        library.load("rnafm", str(tmp_path))


def test_folders_follow_the_xdg_specification(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_DATA_HOME", "XDG_DATA_DIRS"):
        monkeypatch.delenv(name, raising=False)
    ends = ["cupid-tools/weights"] * 3
    found = [str(folder) for folder in library.folders(None)]
    assert found == [f"{base}/{end}" for base, end in zip([f"{tmp_path}/.local/share", *SYSTEM], ends, strict=True)]
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    monkeypatch.setenv("XDG_DATA_DIRS", "also/relative:/opt/share")
    found = [str(folder) for folder in library.folders(None)]
    assert found == [f"{tmp_path}/.local/share/cupid-tools/weights", "/opt/share/cupid-tools/weights"]
    assert [str(folder) for folder in library.folders("here")] == ["here"]


def test_the_users_weights_come_before_those_of_the_system(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "shared"))
    own, shared = library.folders(None)
    for folder in (own, shared):
        folder.mkdir(parents=True)
    written(shared)
    assert library.find("rnafm", None) == shared / "rnafm.safetensors"
    written(own)
    assert library.find("rnafm", None) == own / "rnafm.safetensors"


def test_every_model_has_a_source():
    assert set(SOURCES) == set(WEIGHTS)
    for source in SOURCES.values():
        for file in (source.checkpoint, *([source.tokenizer] if source.tokenizer else [])):
            assert file.url.startswith("https://")
            assert file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256)
