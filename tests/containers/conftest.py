"""The image of the tools, and means to use it as a user or an administrator does."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.chain import Chain
from tests.containers.podman import CLOSED, SLOW, USER


def pytest_collection_modifyitems(items):
    """Give tests that use the image more time than others."""
    for item in items:
        if "image" in item.fixturenames:
            item.add_marker(pytest.mark.timeout(2 * SLOW))


@pytest.fixture(scope="session")
def image(podman):
    """The name of the image that ships."""
    return podman.build("app")


@pytest.fixture
def work(tmp_path):
    """A folder that the user of the container can write."""
    folder = tmp_path / "work"
    folder.mkdir()
    os.chown(folder, USER, USER)
    return folder


@pytest.fixture
def inside(podman, image, work):
    """Run a command in a container that can write /tmp and *work* only: ``inside("cupid-score", "--help")``.

    Further arguments of podman are given as ``options=``; it gives a CompletedProcess with stdout and stderr as text.
    """

    def run(*command, options=(), **others):
        who_and_where = ["--user", f"{USER}:{USER}", "--volume", f"{work}:/work"]
        return podman.run("run", "--rm", *CLOSED, *who_and_where, *options, image, *command, **others)

    return run


@pytest.fixture
def files(chain, work):
    """The files of the chain of tools in *work*, as the container sees them, and an empty folder ``inside``."""
    shutil.copytree(chain.folder, work, dirs_exist_ok=True)
    (work / "inside").mkdir()
    for path in work.rglob("*"):
        os.chown(path, USER, USER)
    return Chain(Path())
