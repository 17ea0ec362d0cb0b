"""The definition for Apptainer makes an image of the one for podman, whose tools a user without privileges runs."""

import os
import shutil

import pytest

from cupid_tools import __version__
from tests.containers import apptainer as apptainers
from tests.containers.podman import ROOT
from tests.containers.recipes import TOOLS
from tests.programs import obtained, require

NAME = "cupid-tools.sif"
CLOSED = ("--containall", "--no-home", "--bind", "/work")
"""Nothing of the machine is there but the folder /work."""


@pytest.fixture(scope="module")
def sif(podman, image, tmp_path_factory):
    """The folder with the image; its own %test has passed while it was built."""
    require(apptainers.missing(), "Apptainer")
    obtained(apptainers.tree, "Apptainer")
    work = tmp_path_factory.mktemp("apptainer")
    podman("save", "--format", "docker-archive", "--output", work / "image.tar", image)
    shutil.copy(ROOT / "containers" / "cupid-tools.def", work)
    for path in (work, *work.iterdir()):
        os.chown(path, apptainers.USER, apptainers.USER)
    arguments = ["--build-arg", "AGENT=docker-archive", "--build-arg", "IMAGE=image.tar"]
    quick = ["--mksquashfs-args", "-comp gzip -Xcompression-level 1"]
    done = apptainers.apptainer(
        "build", "--fakeroot", "--disable-cache", *quick, *arguments, NAME, "cupid-tools.def", work=work
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(f"{__version__}\n") == len(TOOLS)  # its %test
    (work / "image.tar").unlink()
    yield work
    shutil.rmtree(work)


def test_every_tool_runs_by_its_name_and_as_an_app(sif):
    told = apptainers.apptainer("run-help", NAME, work=sif).stdout
    for tool in TOOLS:
        by_name = apptainers.apptainer("run", *CLOSED, NAME, tool, "--version", work=sif)
        as_app = apptainers.apptainer("run", *CLOSED, "--app", tool, NAME, "--version", work=sif)
        assert (by_name.stdout, as_app.stdout) == (f"{__version__}\n",) * 2, by_name.stderr + as_app.stderr
        assert tool in told


def test_without_a_tool_it_says_what_to_do(sif):
    done = apptainers.apptainer("run", *CLOSED, NAME, work=sif)
    assert done.returncode == 2
    assert "name a tool" in done.stderr


def test_results_are_those_of_the_tools_outside(sif, chain, tool):
    """HOME is there, as Apptainer has it by default, and is not written."""
    for name in ("all.fa", "dataset.tsv"):
        shutil.copyfile(chain.path(name), sif / name)
    commands = "cupid-score -m builtin -f all.fa dataset.tsv | tee scores.tsv | "
    commands += "cupid-evaluate --bootstrap 5 -f all.fa -o report"
    done = apptainers.apptainer("exec", NAME, "bash", "-o", "pipefail", "-c", commands, work=sif)
    assert done.returncode == 0, done.stderr
    assert "compiled anew" not in done.stderr
    outside = tool("score", "-m", "builtin", "-f", chain.path("all.fa"), chain.path("dataset.tsv"))
    assert (sif / "scores.tsv").read_text() == outside.stdout
    assert (sif / "report" / "report.html").exists()
    assert {path.name for path in (apptainers.tree() / "home" / "user").iterdir()} <= {".apptainer"}


def test_the_image_cannot_be_written(sif):
    done = apptainers.apptainer("exec", *CLOSED, NAME, "touch", "/opt/cupid-tools/new", work=sif)
    assert "Read-only file system" in done.stderr


def test_labels_of_the_image_are_there(sif):
    told = apptainers.apptainer("inspect", "--labels", NAME, work=sif).stdout
    assert f"org.opencontainers.image.version: {__version__}" in told
    assert "about.license: SPDX:MIT" in told
