"""A real Galaxy for tests: its forms, and one server for all."""

import tempfile
from pathlib import Path

import pytest

from tests.galaxy import server as galaxies
from tests.galaxy.forms import read_forms
from tests.programs import obtained

SLOW = 1200
"""Seconds that a test may take which uses Galaxy; the first also installs and starts it."""


def pytest_collection_modifyitems(items):
    """Give tests that use Galaxy more time than others, and run them last, so that it waits for nobody."""
    items.sort(key=lambda item: Path(__file__).parent in item.path.parents)
    for item in items:
        if {"galaxy", "forms"} & set(item.fixturenames):
            item.add_marker(pytest.mark.timeout(SLOW))


@pytest.fixture(scope="session")
def galaxy_programs():
    """The folder of the programs of Galaxy and planemo."""
    return obtained(galaxies.environment, "Galaxy")


@pytest.fixture(scope="session")
def forms(galaxy_programs):
    """The root element of every wrapper by its file's stem, macros expanded."""
    return read_forms(galaxy_programs)


@pytest.fixture(scope="session")
def galaxy(galaxy_programs):
    """A running Galaxy with the tools of galaxy_wrappers; see :class:`tests.galaxy.server.Server`."""
    with tempfile.TemporaryDirectory() as folder, galaxies.serving(Path(folder).resolve()) as server:
        yield server
