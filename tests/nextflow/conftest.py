"""A real Nextflow and a real SLURM of two nodes for tests; what each can do stands in its module."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.containers import podman as podmans
from tests.nextflow import launcher, training
from tests.nextflow import slurm as slurms
from tests.programs import obtained, require

SLOW = 600
"""Seconds that a test may take which starts Nextflow; the first also builds what the fixtures below need."""


def pytest_collection_modifyitems(items):
    """Give tests that start Nextflow more time than others."""
    for item in items:
        if "nextflow" in item.fixturenames:
            building = podmans.SLOW if "podman" in item.fixturenames else 0
            item.add_marker(pytest.mark.timeout(SLOW + building))


@pytest.fixture(scope="session", autouse=True)
def tools():
    """What is started by any test of this folder finds the tools, whether or not their environment is active."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", launcher.path_with_tools())
        yield


@pytest.fixture(scope="session")
def nextflow(tmp_path_factory):
    """Run Nextflow: ``nextflow("run", script, cwd=tmp_path)``; see :class:`tests.nextflow.launcher.Nextflow`."""
    require(launcher.missing(), "Nextflow")
    return launcher.Nextflow(tmp_path_factory.mktemp("nextflow-home"), obtained(launcher.program, "Nextflow"))


@pytest.fixture
def slurm():
    """Two idle nodes, started for this test (2 s); see :class:`tests.nextflow.slurm.Cluster`."""
    own = [f"no other SLURM ({slurms.configured()})"] if slurms.configured() else []
    require(slurms.missing() + own, "a SLURM of two nodes")
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder, slurms.Cluster(Path(folder)) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def closed(podman):
    """Settings of Nextflow: tasks run in the image, and can write nothing but /tmp and their work folder."""
    return podman.config(podman.build("app"))


@pytest.fixture(scope="session")
def train(tmp_path_factory):
    """The command that trains and judges two models on a small set; a test adds its profile."""
    sheet = training.write_set(tmp_path_factory.mktemp("set"))
    return ["run", training.MAIN, "--input", sheet, *training.FASTER, *training.BLOCKS]


@pytest.fixture(scope="session")
def trained_here(nextflow, train, tmp_path_factory):
    """What that command publishes where all tasks run on this machine: path -> bytes."""
    folder = tmp_path_factory.mktemp("trained-here")
    done = nextflow(*train, "-profile", "test", cwd=folder, timeout=training.TIMEOUT)
    assert done.returncode == 0, done.stdout
    return training.published(folder)
