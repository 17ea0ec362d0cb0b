"""A report appears whole, or the earlier one stays."""

import json
import os

import pytest

from cupid_tools.errors import CupidError
from cupid_tools.evaluation.folder import check_replaceable, write_folder


def files(*names):
    """A report of the tool t with these files."""
    content = dict.fromkeys(names, "old")
    return {**content, "metrics.json": json.dumps({"tool": "t", "files": ["metrics.json", *names]})}


FILES = files("figures/a.svg")


def contents(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def report(tmp_path):
    write_folder(tmp_path / "report", files("figures/a.svg", "stale.txt"), "t")
    return tmp_path / "report"


def test_a_folder_holds_what_was_asked_and_nothing_else(report, tmp_path):
    check_replaceable(report, "t")
    write_folder(report, FILES, "t")
    assert contents(report) == FILES
    assert list(tmp_path.iterdir()) == [report]


def test_an_empty_folder_and_a_link_to_a_report_are_filled(report, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(report)
    for name in ("empty", "link"):
        check_replaceable(tmp_path / name, "t")
        write_folder(tmp_path / name, FILES, "t")
        assert contents(tmp_path / name) == FILES
    assert (tmp_path / "link").is_symlink()
    assert contents(report) == FILES


@pytest.mark.parametrize("failing", [1, 2])
def test_after_any_failed_rename_the_old_report_stands(report, tmp_path, monkeypatch, failing):
    before = contents(report)
    rename, calls = os.rename, []

    def fail(*args):
        calls.append(args)
        if len(calls) == failing:
            raise OSError(5, "Input/output error")
        rename(*args)

    monkeypatch.setattr("os.rename", fail)
    with pytest.raises(OSError, match="Input/output"):
        write_folder(report, FILES, "t")
    assert contents(report) == before
    assert list(tmp_path.iterdir()) == [report]


@pytest.mark.parametrize("after", [1, 2])
def test_an_interrupt_just_after_a_rename_leaves_one_whole_report(report, tmp_path, monkeypatch, after):
    before = contents(report)
    rename, calls = os.rename, []

    def interrupted(*args):
        rename(*args)
        calls.append(args)
        if len(calls) == after:
            raise KeyboardInterrupt

    monkeypatch.setattr("os.rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_folder(report, FILES, "t")
    assert contents(report) == (before if after == 1 else FILES)
    assert list(tmp_path.iterdir()) == [report]


@pytest.mark.parametrize("name", ["good.tsv", "figures/mine.svg", "empty/", "figures/deep/mine.txt"])
def test_a_report_that_holds_what_the_tool_did_not_write_is_not_replaced(report, name):
    mine = report / name
    mine.parent.mkdir(exist_ok=True)
    mine.mkdir() if name.endswith("/") else mine.write_text("mine")
    before = contents(report)
    with pytest.raises(CupidError, match="which t did not write"):
        check_replaceable(report, "t")
    with pytest.raises(CupidError, match=r"move this away"):  # it may have come while the tool was at work
        write_folder(report, FILES, "t")
    assert contents(report) == before
    assert mine.exists()


def test_a_failure_while_writing_leaves_nothing(report, tmp_path):
    before = contents(report)
    with pytest.raises(TypeError):
        write_folder(report, {"metrics.json": "{}", "broken": None}, "t")
    assert contents(report) == before
    assert list(tmp_path.iterdir()) == [report]


@pytest.mark.parametrize("content", ['{"tool": "other", "files": ["metrics.json"]}', '{"tool": "t"}', "[]", "no json"])
def test_what_another_tool_wrote_is_not_replaceable(tmp_path, content):
    (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(CupidError, match="did not write"):
        check_replaceable(tmp_path, "t")
