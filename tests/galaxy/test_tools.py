"""Every wrapper passes Galaxy's linter, and its own tests on a real Galaxy."""

import json

import pytest

from cupid_tools import __version__
from tests.galaxy.server import IDS, KEY, ROOT, TOOLS, WRAPPERS

OURS = """
import sys, threading
from galaxy.tool_util.verify.interactor import GalaxyInteractorApi
from galaxy.tool_util.verify.script import arg_parser, run_tests

# Tests that run at a time share an interactor, which forgets the files of one where another hands in its own.
own = threading.local()
GalaxyInteractorApi.uploads = property(
    lambda interactor: getattr(own, "uploads", {}), lambda interactor, uploads: setattr(own, "uploads", uploads)
)
run_tests(arg_parser().parse_args(sys.argv[1:]), test_filters=[lambda test: not test.tool_id.startswith("cupid_")])
"""
"""galaxy-tool-test, which else tests one tool or all."""


@pytest.fixture(scope="module")
def tested(galaxy, tmp_path_factory):
    """What the tests of all wrappers gave, by tool; two run at a time."""
    results = tmp_path_factory.mktemp("galaxy") / "results.json"
    connection = ["--galaxy-url", galaxy.url, "--admin-key", KEY, "--key", galaxy.key, "--force_path_paste"]
    options = ["--with-reference-data", "--test-data", WRAPPERS / "test-data", "--parallel-tests", "2"]
    done = galaxy.run("python", "-c", OURS, *connection, *options, "--output-json", results)
    assert results.exists(), done.stdout + done.stderr
    by_tool = {name: [] for name in IDS}
    for test in json.loads(results.read_text(encoding="utf-8"))["tests"]:
        by_tool[test["data"]["tool_id"]].append(test["data"])
    return by_tool


@pytest.mark.parametrize("name", IDS)
def test_a_wrapper_passes_its_tests(tested, forms, name):
    form = next(form for form in forms.values() if form.get("id") == name)
    assert len(tested[name]) == len(list(form.iter("test")))
    failed = [
        f"test {data['test_index']}: {data['status']}: {data.get('execution_problem') or data.get('output_problems')}\n"
        f"{(data.get('job') or {}).get('stderr', '')}"
        for data in tested[name]
        if data["status"] != "success"
    ]
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("name", IDS)
def test_a_wrapper_finds_the_tools_of_this_version(galaxy, name):
    (found,) = [each for each in galaxy.get(f"tools/{name}/requirements") if each["name"] == "cupid-tools"]
    assert (found["exact"], found["version"]) == (True, __version__)


def test_the_linter_is_content(galaxy):
    done = galaxy.run("planemo", "lint", "--skip", "BioToolsValid", "--report_level", "warn", *TOOLS, cwd=ROOT)
    assert (done.returncode, [line for line in done.stdout.splitlines() if "Linting tool" not in line]) == (0, [])
