"""Devices by name, and as many threads as the process may use."""

import os

import pytest
import torch

from cupid_tools.errors import MissingError, OutOfMemoryError, UsageError
from cupid_tools.models.device import choose_device, choose_devices
from cupid_tools.processors import available_memory, check_memory, processors


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


GROUPS = {
    "2": "0::/job/step\n",
    "1": "9:name=systemd:/\n4:cpu,cpuacct:/job/step\n3:memory:/job/step\n",
}
"""What /proc/self/cgroup says, by the version of control groups."""


@pytest.fixture
def system(tmp_path):
    """Write files of a system below *tmp_path*: ``system({"proc/meminfo": text})``."""

    def write(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("version", "files", "expected"),
    [
        ("2", {"job/cpu.max": "100000 100000\n"}, 1),
        ("2", {"job/step/cpu.max": "50000 100000\n"}, 1),
        ("2", {"cpu.max": "100000 100000\n"}, 1),  # in a container, which is its own outermost group
        ("2", {"job/cpu.max": "max 100000\n"}, None),
        ("1", {"cpu/job/cpu.cfs_quota_us": "50000\n", "cpu/job/cpu.cfs_period_us": "100000\n"}, 1),
        ("1", {"cpu/job/cpu.cfs_quota_us": "-1\n", "cpu/job/cpu.cfs_period_us": "100000\n"}, None),
        ("1", {}, None),
    ],
)
def test_the_quota_of_a_container_or_job_limits_the_threads(system, version, files, expected):
    root = system({"proc/self/cgroup": GROUPS[version]} | {f"sys/fs/cgroup/{name}": files[name] for name in files})
    assert processors(root) == (expected or len(os.sched_getaffinity(0)))


@pytest.mark.parametrize(
    ("version", "files", "expected"),
    [
        ("2", {"job/step/memory.max": "max\n"}, 2048 * 1024),
        ("2", {"job/step/memory.max": "max\n", "job/memory.max": "4096\n"}, 4096),
        ("2", {"memory.max": "4096\n"}, 4096),
        ("1", {"memory/job/memory.limit_in_bytes": "4096\n"}, 4096),
        ("1", {"memory/memory.limit_in_bytes": "9223372036854771712\n"}, 2048 * 1024),
        ("1", {}, 2048 * 1024),
    ],
)
def test_memory_is_what_machine_container_and_job_leave(system, version, files, expected):
    told = {"proc/meminfo": "MemTotal:  9000 kB\nMemAvailable:    2048 kB\nHugePages_Total:       0\n"}
    told |= {"proc/self/cgroup": GROUPS[version]} | {f"sys/fs/cgroup/{name}": files[name] for name in files}
    assert available_memory(system(told)) == expected


def test_memory_and_processors_are_not_bounded_where_nothing_tells(tmp_path):
    assert available_memory(tmp_path) == float("inf")
    assert processors(tmp_path) == len(os.sched_getaffinity(0))


def test_what_cannot_fit_into_memory_is_refused_beforehand(monkeypatch):
    monkeypatch.setattr("cupid_tools.processors.available_memory", lambda: 2**30)
    check_memory(2**30, "it")
    with pytest.raises(OutOfMemoryError, match=r"^it does not fit: it takes 3\.0 GiB, and 1\.0 GiB are free"):
        check_memory(3 * 2**30, "it does not fit")
