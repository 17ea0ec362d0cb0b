"""Devices by name, and as many threads as the process may use."""

import os

import pytest
import torch

from cupid_tools.errors import MissingError, UsageError
from cupid_tools.models.device import choose_device, choose_devices
from cupid_tools.processors import available_memory, processors


@pytest.fixture
def gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


def names(devices):
    return [str(device) for device in devices]


def test_several_gpus_by_number(gpus):
    assert names(choose_devices("cuda:0,1")) == ["cuda:0", "cuda:1"]
    assert names(choose_devices("cuda")) == names(choose_devices("auto")) == ["cuda:0"]
    assert names(choose_devices("cpu")) == ["cpu"]


def test_a_gpu_too_many_is_missing(gpus):
    with pytest.raises(MissingError, match=r"device cuda:1,2 is not there \(2 found\)"):
        choose_devices("cuda:1,2")


def test_work_of_one_device_takes_no_two(gpus):
    assert str(choose_device("cuda:1")) == "cuda:1"
    with pytest.raises(UsageError, match="'cuda:0,1' names several devices"):
        choose_device("cuda:0,1")


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:x", "cuda:0,", "cuda:0,0", "cpu:1", "cuda:-1"])
def test_other_names_are_refused(gpus, name):
    with pytest.raises(UsageError):
        choose_devices(name)


@pytest.mark.parametrize(("text", "expected"), [("100000 100000", 1), ("50000 100000", 1), ("max 100000", None)])
def test_the_quota_of_a_container_limits_the_threads(tmp_path, text, expected):
    (tmp_path / "cpu.max").write_text(text + "\n")
    allowed = len(os.sched_getaffinity(0))
    assert processors(tmp_path / "cpu.max") == (expected or allowed)
    assert processors(tmp_path / "absent") == allowed


@pytest.mark.parametrize(("limit", "expected"), [("max\n", 2048 * 1024), ("4096\n", 4096), (None, 2048 * 1024)])
def test_memory_is_what_machine_and_container_leave(tmp_path, limit, expected):
    meminfo, container = tmp_path / "meminfo", tmp_path / "memory.max"
    meminfo.write_text("MemTotal:  9000 kB\nMemAvailable:    2048 kB\nHugePages_Total:       0\n")
    if limit:
        container.write_text(limit)
    assert available_memory(meminfo, container) == expected


def test_memory_is_not_bounded_where_nothing_tells(tmp_path):
    assert available_memory(tmp_path / "none", tmp_path / "none") == float("inf")
