"""The workflows are of the form that the community wants, and run on real RNAs."""

import json

import pytest

from tests.galaxy.server import ROOT, WRAPPERS

WORKFLOWS = sorted((WRAPPERS / "workflows").glob("*/*.gxwf.yml"))


def test_there_is_a_workflow_for_every_everyday_question():
    assert [path.parent.name for path in WORKFLOWS] == [
        "all-candidates",
        "beside-energies",
        "score-a-list",
        "train-and-judge",
    ]
    for path in WORKFLOWS:
        beside = {each.name for each in path.parent.iterdir()}
        assert {f"{path.stem}-tests.yml", ".dockstore.yml", "README.md", "CHANGELOG.md"} <= beside


def test_the_linter_of_workflows_is_content(galaxy):
    done = galaxy.run("planemo", "workflow_lint", "--fail_level", "warn", *WORKFLOWS, cwd=ROOT)
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def ran(galaxy, tmp_path_factory):
    """What the tests of all workflows gave, by the name of the workflow's file."""
    folder = tmp_path_factory.mktemp("workflows")
    where = ["--engine", "external_galaxy", "--galaxy_url", galaxy.url, "--no_shed_install"]
    keys = ["--galaxy_user_key", galaxy.key, "--galaxy_admin_key", galaxy.key]
    output = ["--test_output", folder / "tests.html", "--test_output_json", folder / "tests.json"]
    done = galaxy.run("planemo", "test", *where, *keys, *output, *WORKFLOWS, cwd=folder)
    assert (folder / "tests.json").exists(), done.stdout + done.stderr
    tests = json.loads((folder / "tests.json").read_text(encoding="utf-8"))["tests"]
    return {test["id"].rpartition("_")[0]: test["data"] for test in tests}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.parent.name)
def test_a_workflow_runs_and_gives_what_its_tests_say(ran, path):
    data = ran[path.name]
    assert data["status"] == "success", data.get("execution_problem") or data.get("output_problems")
