"""What ``pip wheel .`` puts into the wheel."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.chain import executable

ROOT = Path(__file__).parents[2]
TOOLS = sorted(path.stem for path in (ROOT / "cupid_tools" / "cli").glob("*.py") if not path.stem.startswith("_"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, source]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def content(wheel):
    with zipfile.ZipFile(wheel) as opened:
        yield opened


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder where the wheel is installed."""
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--ignore-installed"]
    subprocess.run([*command, "--prefix", folder, wheel], check=True, capture_output=True)
    return folder


def test_installing_it_gives_executables_and_man_pages(installed):
    for tool in TOOLS:
        assert (installed / "bin" / executable(tool)).stat().st_mode & 0o100
        assert (installed / "share" / "man" / "man1" / f"{executable(tool)}.1").is_file()


ALONE = """
import sys

def refuse(event, args):
    if event.startswith("socket."):
        raise OSError("there is no network")

sys.addaudithook(refuse)
import cupid_tools
assert cupid_tools.__file__.startswith(sys.argv.pop(1)), cupid_tools.__file__
from cupid_tools.cli.embed import main
sys.exit(main())
"""


def test_what_is_installed_embeds_without_a_network(installed, tmp_path):
    (packages,) = installed.glob("lib/python*/site-packages")
    (tmp_path / "rnas.fa").write_text(">a\nUGAGGUAGUAGGUUGUAUAGUU\n>b\nACGU\n", encoding="utf-8")
    command = [sys.executable, "-c", ALONE, packages, "-o", tmp_path / "out.npy", tmp_path / "rnas.fa"]
    environment = os.environ | {"PYTHONPATH": str(packages), "HOME": str(tmp_path / "home")}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert np.load(tmp_path / "out.npy").shape == (2, 320)


def test_man_pages_are_in_the_wheel(content):
    pages = [name for name in content.namelist() if name.endswith(".1")]
    assert sorted(Path(name).name for name in pages) == sorted(f"{executable(tool)}.1" for tool in TOOLS)
    assert all("/data/share/man/man1/" in name for name in pages)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_man_page_tells_every_option(content, tool):
    import importlib

    page = next(name for name in content.namelist() if name.endswith(f"/{executable(tool)}.1"))
    text = content.read(page).decode().replace("\\-", "-")
    parser = importlib.import_module(f"cupid_tools.cli.{tool}").get_parser()
    for command, shown in {"": parser, **parser.commands}.items():
        assert f"{executable(tool)} {command}".strip() in text
        for option in {option for action in shown._actions for option in action.option_strings} - {"-h", "--help"}:
            assert option in text


def test_the_package_is_whole(content):
    names = set(content.namelist())
    for path in (ROOT / "cupid_tools").rglob("*"):
        if path.suffix in {".py", ".toml", ".safetensors", ".md", ".sh"} or path.name == "py.typed":
            assert str(path.relative_to(ROOT)) in names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "test-data/"))]
