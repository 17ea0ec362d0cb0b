"""What ``pip wheel .`` puts into the wheel."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = sorted(path.stem for path in (ROOT / "cupid_tools" / "cli").glob("*.py") if not path.stem.startswith("_"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, source]
    subprocess.run(command, check=True, capture_output=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_man_pages_are_in_the_wheel(wheel):
    pages = [name for name in wheel.namelist() if name.endswith(".1")]
    assert sorted(Path(name).name for name in pages) == [f"cupid-{tool}.1" for tool in TOOLS]
    assert all("/data/share/man/man1/" in name for name in pages)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_man_page_tells_every_option(wheel, tool):
    import importlib

    page = next(name for name in wheel.namelist() if name.endswith(f"/cupid-{tool}.1"))
    text = wheel.read(page).decode().replace("\\-", "-")
    for action in importlib.import_module(f"cupid_tools.cli.{tool}").get_parser()._actions:
        for option in action.option_strings:
            assert option in text


def test_the_package_is_whole(wheel):
    names = set(wheel.namelist())
    for path in (ROOT / "cupid_tools").rglob("*"):
        if path.suffix in {".py", ".toml"} or path.name == "py.typed":
            assert str(path.relative_to(ROOT)) in names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "test-data/"))]
