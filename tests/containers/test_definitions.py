"""What images, Conda and the workflows are made from agrees with setup.cfg, and with what its linters want."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cupid_tools import __version__
from tests.containers.recipes import CONTAINERS, DOCKERFILE, REQUIREMENTS, ROOT, TOOLS, argument, pins, setup

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DEFINITION = (CONTAINERS / "cupid-tools.def").read_text(encoding="utf-8")
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}


def checked(program, *args):
    """Run a linter, which must be content."""
    done = subprocess.run([Path(sys.executable).parent / program, *args], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def recipe():
    """The Bioconda recipe, its Jinja filled in."""
    text = (CONTAINERS / "bioconda" / "meta.yaml").read_text(encoding="utf-8")
    variables = dict(re.findall(r'^{% set (\w+) = "(.*)" %}$', text, re.MULTILINE))
    text = re.sub(r"^{%.*%}$", "", text, flags=re.MULTILINE)
    text = re.sub(r"{{ pin_subpackage\(.*?\) }}", "pinned", text)
    return yaml.safe_load(re.sub(r"{{ (\w+) }}", lambda match: variables.get(match[1], match[1]), text))


def test_the_linter_of_dockerfiles_is_content():
    checked("hadolint", "containers/Dockerfile")


def test_workflows_are_valid_and_their_auditor_is_content():
    assert len(WORKFLOWS) == 2
    checked("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)
    checked("zizmor", "--offline", *WORKFLOWS)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_of_others_are_fixed_by_commit(path):
    used = re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8"))
    assert used
    assert all(re.search("@[0-9a-f]{40}$", action) for action in used)


def test_the_matrix_has_the_versions_of_python_that_setup_cfg_names():
    named = [line.rpartition(" ")[2] for line in setup("metadata", "classifiers") if "Python :: 3." in line]
    jobs = yaml.safe_load(WORKFLOWS[1].read_text(encoding="utf-8"))["jobs"]
    assert jobs["python"]["strategy"]["matrix"]["python"] == named
    assert jobs["debian"]["container"]["image"] == argument("BASE")


def test_bases_are_fixed_by_digest():
    for name in ("BASE", "CONDA"):
        assert re.fullmatch(r"docker\.io/\S+:\S+@sha256:[0-9a-f]{64}", argument(name))


def test_shell_scripts_parse():
    for path in CONTAINERS.glob("*.sh"):
        subprocess.run(["bash", "-n", path], check=True)


def test_all_have_the_version_of_the_package():
    assert argument("VERSION") == __version__
    assert f"cupid-tools {__version__}:" in DEFINITION
    assert yaml.safe_load((CONTAINERS / "environment.yml").read_text())["name"] == f"cupid-tools-{__version__}"
    assert recipe()["package"] == {"name": "cupid-tools", "version": __version__}


def test_images_hold_what_was_tested():
    tested = pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    for name in ("app", "gpu", "cpu"):
        assert pins(REQUIREMENTS[name]) <= tested, name


@pytest.mark.parametrize("name", ["app", "gpu", "build"])
def test_requirements_are_locked_by_hashes(name):
    entries = re.split(r"\n(?=\S)", REQUIREMENTS[name].strip())
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)


def test_both_variants_hold_what_setup_cfg_asks_for():
    wanted = {re.match("[A-Za-z0-9-]+", line)[0] for line in setup("options", "install_requires")}
    app, gpu, cpu = (dict(pins(REQUIREMENTS[name])) for name in ("app", "gpu", "cpu"))
    assert wanted <= (app | cpu).keys()
    assert cpu == {"torch": gpu["torch"]}
    assert not app.keys() & gpu.keys()


def test_conda_has_the_same_versions():
    environment = yaml.safe_load((CONTAINERS / "environment.yml").read_text(encoding="utf-8"))
    assert f"intarna={argument('INTARNA_VERSION')}" in environment["dependencies"]
    described = recipe()
    assert described["build"]["entry_points"] == setup("options.entry_points", "console_scripts")
    assert described["test"]["commands"] == [f"{tool} --version" for tool in TOOLS]
    wanted = [re.match("([a-z-]+)(.*)", line).groups() for line in setup("options", "install_requires")]
    wanted = [f"{CONDA_NAMES.get(name, name)} {versions}" for name, versions in wanted]
    python = f"python {setup('options', 'python_requires')[0]}"
    assert described["requirements"]["run"] == [python, *wanted]
    assert described["about"]["summary"] == setup("metadata", "description")[0]
    assert described["about"]["license"] == setup("metadata", "license")[0]


def test_apptainer_has_an_app_for_each_tool():
    assert re.findall(r'^%apprun (\S+)\n    exec (\S+) "\$@"$', DEFINITION, re.MULTILINE) == [(t, t) for t in TOOLS]
    told, tested = DEFINITION.partition("%runscript")[::2]
    assert all(re.search(rf"\b{tool}\b", told) and re.search(rf"\b{tool}\b", tested) for tool in TOOLS)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not on PATH")
def test_make_builds_all_variants():
    command = ["make", "--dry-run", "images", "CONTAINERS=builder"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"--tag (\S+)", told) == [f"cupid-tools:{__version__}{kind}" for kind in ("", "-gpu", "-full")]
    assert set(re.findall(r"--target (\S+)", told)) <= set(re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE))
