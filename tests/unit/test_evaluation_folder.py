"""A report appears whole, or the earlier one stays."""

import os

import pytest

from cupid_tools.errors import CupidError
from cupid_tools.evaluation.folder import check_replaceable, write_folder

FILES = {"metrics.json": '{"tool": "t"}', "figures/a.svg": "<svg/>"}


def contents(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def report(tmp_path):
    write_folder(tmp_path / "report", {**FILES, "stale.txt": "old"})
    return tmp_path / "report"


def test_a_folder_holds_what_was_asked_and_nothing_else(report, tmp_path):
    check_replaceable(report, "t")
    write_folder(report, FILES)
    assert contents(report) == FILES
    assert list(tmp_path.iterdir()) == [report]


def test_an_empty_folder_and_a_link_to_a_report_are_filled(report, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(report)
    for name in ("empty", "link"):
        check_replaceable(tmp_path / name, "t")
        write_folder(tmp_path / name, FILES)
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
        write_folder(report, FILES)
    assert contents(report) == before
    assert list(tmp_path.iterdir()) == [report]


def test_a_failure_while_writing_leaves_nothing(report, tmp_path):
    before = contents(report)
    with pytest.raises(TypeError):
        write_folder(report, {"metrics.json": "{}", "broken": None})
    assert contents(report) == before
    assert list(tmp_path.iterdir()) == [report]


@pytest.mark.parametrize("content", ['{"tool": "other"}', "[]", "no json"])
def test_what_another_tool_wrote_is_not_replaceable(tmp_path, content):
    (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(CupidError, match="did not write"):
        check_replaceable(tmp_path, "t")
