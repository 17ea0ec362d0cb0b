"""The image does what the tools do outside, for anyone, where nothing but the work folder and /tmp can be written."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from cupid_tools import __version__
from tests.chain import Chain, executable
from tests.conftest import contents
from tests.containers.podman import BASE, CLOSED, ROOT, variant, without_python
from tests.containers.recipes import REQUIREMENTS, TOOLS, argument, pins

ALL = ["filter", "split", "augment", "negatives", "embed", "train", "score", "evaluate", "explain"]
ALL += ["intarna_compare", "reproduce", "pretrain", "classify"]
ONE_THREAD = ("--env", "OMP_NUM_THREADS=1")
BILL = "/opt/cupid-tools/share/doc/cupid-tools/sbom.cdx.json"
ANEW = "compiled anew"


@pytest.fixture
def outside():
    """Run a command that is installed on this machine, in one thread: ``outside("cupid-score", "--help")``."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # Loops that add in any order give other last bits on other processors; the image has those of none in particular.
    environment = os.environ | {"PATH": path, "OMP_NUM_THREADS": "1", "NUMBA_CPU_NAME": "generic", "COLUMNS": "100"}

    def run(*command):
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    return run


def tree(folder):
    """Path below *folder* -> bytes, of all files."""
    return without_python({str(path.relative_to(folder)): text for path, text in contents(folder).items()})


def test_the_demo_gives_the_same_bytes(inside, outside, work, data, tmp_path):
    mount = ["--volume", f"{data}:/test-data:ro"]
    with ThreadPoolExecutor() as pool:  # it takes minutes, so both at once
        here = pool.submit(outside, data / "demo.sh", tmp_path / "demo")
        done = inside("/test-data/demo.sh", "demo", options=[*ONE_THREAD, *mount], timeout=1200)
        here.result()
    assert done.returncode == 0, done.stderr
    assert ANEW not in done.stderr
    expected = tree(tmp_path / "demo")
    assert len(expected) > 50
    assert tree(work / "demo") == expected


@pytest.mark.parametrize("name", ALL)
def test_every_tool_gives_the_same_bytes(inside, files, work, tmp_path, outside, name):
    output = Path(files.target(name, "")).name
    there = Chain(work)
    (tmp_path / "outside").mkdir()
    outside(executable(name), *there.argv(name, output=str(tmp_path / "outside" / output)))
    done = inside(executable(name), *files.argv(name, output=f"inside/{output}"), options=ONE_THREAD)
    assert done.returncode == 0, done.stderr
    assert ANEW not in done.stderr
    expected = tree(tmp_path / "outside")
    assert expected
    assert tree(work / "inside") == expected


@pytest.mark.parametrize("model", ["builtin", "builtin:duplex"])
@pytest.mark.parametrize("pairs", [1, 3])
def test_nothing_is_compiled_to_score(inside, files, model, pairs):
    command = f"head -n {pairs + 1} pairs.tsv | cupid-score -m {model} -f rnas.fa | wc -l"
    done = inside("sh", "-c", command)
    assert done.stdout == f"{pairs + 1}\n", done.stderr
    assert ANEW not in done.stderr


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_is_there(podman, image, outside, name):
    assert podman("run", "--rm", *CLOSED, "--env", "COLUMNS=100", image, name, "--help") == outside(name, "--help")


def test_what_nextflow_calls_is_there(inside):
    done = inside("bash", "-c", "for program in ps awk grep sed tail date; do command -v $program || exit 1; done")
    assert done.returncode == 0, done.stdout


def test_no_cache_secret_or_build_tool_is_left(podman, image):
    programs = "pip pip3 gcc cc g++ make git curl wget conda"
    folders = "/root /home /tmp /var/tmp /var/cache /var/lib/apt/lists /etc/xdg /src /wheel /opt/build"
    secrets = " -o ".join(f"-name '{name}'" for name in ("pip.conf", ".netrc", ".pypirc", "*.key", "id_rsa*"))
    commands = (
        f"for program in {programs}; do command -v $program; done; find {folders} -type f; find / -xdev {secrets}"
    )
    found = set(podman("run", "--rm", image, "sh", "-c", f"({commands}) 2>/dev/null || true").splitlines())
    assert found <= {"/root/.bashrc", "/root/.profile"}


def test_labels(podman, image):
    (described,) = json.loads(podman("image", "inspect", image))
    labels = described["Labels"]
    for name in ("version", "title", "description", "licenses", "source", "revision", "documentation", "base.name"):
        assert labels[f"org.opencontainers.image.{name}"], name
    assert labels["org.opencontainers.image.version"] == labels["software.version"] == __version__
    assert labels["software"] == labels["container"] == "cupid-tools"
    assert labels["about.license"] == "SPDX:MIT"
    assert podman("run", "--rm", image, "cat", labels["about.license_file"]) == (ROOT / "LICENSE").read_text()
    assert labels["extra.sbom"] == BILL
    assert not described["Config"].get("Entrypoint")  # Nextflow and Galaxy name the program
    assert not described["Config"].get("User")


def installed(podman, image):
    """(name, version) of Debian's packages, and of those in the environment of Python."""
    code = "import importlib.metadata as m; print(*(f'{d.name} {d.version}' for d in m.distributions()), sep='\\n')"
    debian = podman("run", "--rm", image, "dpkg-query", "--show", "--showformat=${Package} ${Version}\n")
    python = podman("run", "--rm", image, "/opt/cupid-tools/bin/python3", "-c", code)
    return (
        {tuple(line.split()) for line in debian.splitlines()},
        {(re.sub("[-_.]+", "-", name).lower(), version) for name, version in map(str.split, python.splitlines())},
    )


def test_the_bill_of_materials_lists_what_is_installed(podman, image):
    text = podman("run", "--rm", image, "cat", BILL)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    listed = [(part["name"], part["version"]) for part in (bill["metadata"]["component"], *bill["components"])]
    debian, python = installed(podman, image)
    assert sorted(listed) == sorted([*debian, *python])


def test_what_is_installed_is_what_was_locked(podman, image):
    _, python = installed(podman, image)
    locked = pins(REQUIREMENTS["app"]) | pins(REQUIREMENTS[variant()]) | {("cupid-tools", __version__)}
    assert {(name, version.partition("+")[0]) for name, version in python} == locked


MICROMAMBA = """\
#!/bin/sh
# micromamba create --yes --prefix FOLDER ... intarna=VERSION
version=${9#intarna=}
mkdir -p "$4/bin" "$4/conda-meta"
printf '#!/bin/sh\\necho "IntaRNA %s"\\n' "$version" >"$4/bin/IntaRNA"
chmod +x "$4/bin/IntaRNA"
echo "{\\"name\\": \\"intarna\\", \\"version\\": \\"$version\\", \\"build\\": \\"0\\"}" >"$4/conda-meta/intarna.json"
"""
"""Stands in for what no package index here has: the real one installs IntaRNA from Bioconda."""


def test_the_full_image_brings_programs_for_energies(podman, image, data, tmp_path):
    (tmp_path / "micromamba").write_text(MICROMAMBA)
    (tmp_path / "micromamba").chmod(0o755)
    (tmp_path / "Dockerfile").write_text(f"FROM {BASE}\nCOPY micromamba /usr/bin/micromamba\n")
    podman("build", "--pull=never", "--tag", "localhost/micromamba", tmp_path)
    full = podman.build_stage("full", "--layers", CONDA="localhost/micromamba")
    run = ["run", "--rm", *CLOSED, "--volume", f"{data}:/work:ro", full]
    assert podman(*run, "IntaRNA", "--version") == f"IntaRNA {argument('INTARNA_VERSION')}\n"
    assert podman(*run, "sh", "-c", "command -v python3") == "/opt/cupid-tools/bin/python3\n"
    pairs = "head -n 21 pairs.tsv | intarna-compare --quiet --engine rnahybrid -f rnas.fa"
    states = [line.split("\t")[4] for line in podman(*run, "sh", "-c", pairs).splitlines()]
    assert states == ["energy_state", *["ok"] * 20]
    bill = json.loads(podman(*run, "cat", BILL))
    urls = {part["purl"].partition("?")[0] for part in bill["components"]}
    assert f"pkg:conda/intarna@{argument('INTARNA_VERSION')}" in urls
    assert any(url.startswith("pkg:deb/debian/rnahybrid@") for url in urls)


def test_a_second_build_holds_the_same_packages(podman, image):
    """From the first step again, which downloads all; what comes behind this stage downloads nothing."""
    first = installed(podman, podman.build_stage("environment", "--layers"))
    assert first[1] | {("cupid-tools", __version__)} == installed(podman, image)[1]
    again = podman.build_stage("environment", "--no-cache", name="localhost/again")
    assert installed(podman, again) == first
    podman("rmi", "--force", again)
