"""Fixtures that every kind of test shares: run a tool in this process, and compare bytes with golden files."""

from __future__ import annotations

import importlib
import io
import logging
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from tests.chain import executable, run_chain
from tests.containers import podman as podmans
from tests.programs import obtained, require

DATA = Path(__file__).parent.parent / "test-data"
EXPECTED = DATA / "expected"
FOLDER = ""
"""Suffix of an output that is a folder."""


# No deadlines, which a busy machine misses; and where a result must repeat, as in CI, the same examples each time.
settings.register_profile("free", deadline=None)
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable" if os.environ.get("CI") else "free")

# A shell that starts the tests in its background lets them, and all that they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Tools that tests start keep what they write in a buffer, as they do for users.
os.environ.pop("PYTHONUNBUFFERED", None)


SERVERS = tuple(f"tests/{place}" for place in ("containers/", "nextflow/", "galaxy/", "contract/test_wheel.py"))
"""What starts servers, or builds images: one process of several runs these, one after the other."""


class OneForServers(LoadScopeScheduling):
    """Of several processes of pytest one runs what starts servers; two that build an image need the disk twice."""

    def _split_scope(self, nodeid):
        return "servers" if nodeid.startswith(SERVERS) else nodeid


def pytest_xdist_make_scheduler(config, log):
    return OneForServers(config, log)


def pytest_collection_modifyitems(items):
    """Begin with what takes long."""
    items.sort(key=lambda item: not item.nodeid.startswith(SERVERS))


class Outcome(NamedTuple):
    code: int
    stdout: str
    stderr: str


def contents(folder):
    """Every file below *folder* with its bytes."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(autouse=True)
def log_as_it_comes():
    """What a tool that ran before has set for its process, in a test or for all tests, is forgotten."""
    log = logging.getLogger("cupid_tools")
    log.handlers.clear()
    log.setLevel(logging.NOTSET)
    log.propagate = True


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files; then read the diff")


@pytest.fixture(scope="session")
def podman():
    """Images and containers; see :class:`tests.containers.podman.Podman`."""
    require(podmans.missing(), "an image for podman")
    obtained(podmans.base, "an image for podman")
    with tempfile.TemporaryDirectory(prefix="podman-") as folder, podmans.Podman(Path(folder)) as made:
        yield made


@pytest.fixture
def data():
    """The folder of small real inputs."""
    return DATA


@pytest.fixture
def tool(capsys, monkeypatch):
    """Run a tool by its module in this process: ``tool("filter", "-f", path, stdin=text_or_bytes)``."""

    def run(name, *args, stdin=""):
        module = importlib.import_module(f"cupid_tools.cli.{name}")
        content = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        capsys.readouterr()
        code = module.main([str(arg) for arg in args])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def golden(request):
    """Compare a text or a file with ``test-data/expected/NAME``, byte for byte."""

    def compare(actual, name):
        content = actual.read_bytes() if isinstance(actual, Path) else actual.encode()
        expected = EXPECTED / name
        if request.config.getoption("--update-golden"):
            expected.parent.mkdir(parents=True, exist_ok=True)
            expected.write_bytes(content)
        assert content.decode() == expected.read_text(encoding="utf-8")

    return compare


@pytest.fixture
def expect_refusal(tool, tmp_path):
    """Assert that a tool refuses its input: exit code, one ERROR line that holds *words*, old output untouched."""

    def run(code, words, name, *args, stdin="", output="-o", suffix=".out"):
        folder = tmp_path / "outputs"
        folder.mkdir(exist_ok=True)
        target = folder / f"yesterday{suffix}"
        if suffix == FOLDER:
            target.mkdir(exist_ok=True)
        else:
            target.write_text("yesterday\n")
        before = contents(tmp_path)
        outcome = tool(name, *args, output, target, stdin=stdin)
        assert outcome.code == code, outcome
        errors = [line for line in outcome.stderr.splitlines() if "ERROR" in line]
        assert len(errors) == 1
        assert errors[0].startswith(f"{executable(name)}: ERROR: ")
        assert words in errors[0], errors[0]
        assert outcome.stdout == ""
        assert contents(tmp_path) == before
        return errors[0]

    return run


@pytest.fixture(scope="session")
def chain(tmp_path_factory):
    """The files of the whole chain, made once."""
    return run_chain(DATA, tmp_path_factory.mktemp("chain"))


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A folder with tiny language models, imported from files in the formats in which the real ones are published."""
    from cupid_tools.cli.weights import main
    from tests.language_models import generrna_tokenizer, save_generrna, save_rnafm

    folder = tmp_path_factory.mktemp("weights")
    save_rnafm(folder / "RNA-FM_pretrained.pth")
    save_generrna(folder / "model.pt", block_size=256)
    (folder / "tokenizer.json").write_text(generrna_tokenizer(), encoding="utf-8")
    tokenizer = ["--tokenizer", str(folder / "tokenizer.json")]
    for name, file, options in (("rnafm", "RNA-FM_pretrained.pth", []), ("generrna", "model.pt", tokenizer)):
        assert main(["import", str(folder / file), "--as", name, *options, "--weights-dir", str(folder / "kept")]) == 0
    return folder / "kept"
