"""Where a container lacks something, tools do without or say so in one sentence, and nothing is left half written."""

import os

import pytest

from tests.conftest import contents
from tests.containers.podman import CLOSED, USER

EVALUATE = (
    "cupid-score -m builtin --quiet -f all.fa dataset.tsv | cupid-evaluate --quiet --bootstrap 5 -f all.fa -o out"
)
"""Draws figures, runs compiled loops, and starts threads."""
LITTLE = ("--memory", "1g", "--memory-swap", "1g")


@pytest.mark.parametrize(
    ("lacking", "options"),
    [
        ("! id -un 2>/dev/null", ("--passwd=false",)),
        ("unset HOME", ()),
        ("test ! -e ~", ("--env", "HOME=/nowhere")),
        ("test ! -e /dev/shm", ("--ipc", "none")),
    ],
    ids=["a user's name", "HOME", "the folder HOME", "shared memory"],
)
def test_tools_do_without(inside, files, work, lacking, options):
    done = inside("bash", "-o", "pipefail", "-c", f"{lacking} && {EVALUATE}", options=options)
    assert (done.returncode, done.stderr) == (0, "")
    assert (work / "out" / "report.html").exists()


def test_nothing_is_written_to_home(inside, files, work, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, USER, USER)
    done = inside("bash", "-c", EVALUATE, options=["--env", "HOME=/home", "--volume", f"{home}:/home"])
    assert done.returncode == 0, done.stderr
    assert contents(home) == {}


def test_a_work_folder_that_is_full(podman, image, files, work):
    """What was there stays, and what does not fit is not left in part."""
    options = [
        "--volume",
        f"{work}:/work:ro",
        "--mount",
        "type=tmpfs,destination=/full,tmpfs-size=64k,tmpfs-mode=1777",
    ]
    command = "echo yesterday >/full/kept.tsv; cupid-filter --quiet -f rnas.fa -o /full/kept.tsv "
    command += "--fasta-out /full/kept.fa pairs.tsv; code=$?; cat /full/kept.tsv; ls -A /full; exit $code"
    done = podman.run("run", "--rm", *CLOSED, "--user", f"{USER}:{USER}", *options, image, "bash", "-c", command)
    assert (done.returncode, done.stdout) == (1, "yesterday\nkept.tsv\n")
    assert done.stderr.startswith("cupid-filter: ERROR: ")
    assert done.stderr.endswith("no space left on device\n")
    assert done.stderr.count("\n") == 1


def test_a_work_folder_that_cannot_be_written(podman, image, files, work):
    command = ["cupid-filter", "--quiet", "-f", "rnas.fa", "-o", "kept.tsv", "pairs.tsv"]
    words = "folder /work cannot be written: read-only file system (choose another, or change its permissions)"
    options = ["--user", f"{USER}:{USER}", "--volume", f"{work}:/work:ro"]
    done = podman.run("run", "--rm", *CLOSED, *options, image, *command)
    assert (done.returncode, done.stderr) == (1, f"cupid-filter: ERROR: kept.tsv: {words}\n")


def test_the_usual_work_needs_less_than_a_gigabyte(inside, files, work):
    done = inside("bash", "-o", "pipefail", "-c", EVALUATE, options=LITTLE)
    assert (done.returncode, done.stderr) == (0, "")


def test_weights_that_cannot_fit_are_refused_before_the_kernel_kills(inside, files, work):
    command = "mkdir weights && truncate -s 3G weights/rnafm.safetensors && "
    command += "cupid-embed --quiet --encoder rnafm --weights-dir weights -o out.npy rnas.fa"
    done = inside("bash", "-c", command, options=LITTLE)
    needs = "weights/rnafm.safetensors does not fit into memory: it takes 3.0 GiB, and 1.0 GiB are free"
    message = f"cupid-embed: ERROR: {needs} (run it where there is more memory)\n"
    assert (done.returncode, done.stderr) == (75, message)
    assert not (work / "out.npy").exists()


def test_where_there_is_no_gpu_it_is_said(inside, files, work):
    """The image for GPUs holds the same tools."""
    done = inside("cupid-score", "-m", "builtin", "--device", "cuda", "-f", "rnas.fa", "-o", "out.tsv", "pairs.tsv")
    message = "cupid-score: ERROR: device cuda is not there (0 found) (use --device cpu)\n"
    assert (done.returncode, done.stderr) == (4, message)
    assert not (work / "out.tsv").exists()
