"""Exit codes and messages: what every tool owes its user, tried on a tool of one line."""

import errno
import json
import logging
import os
import subprocess
import sys

import pytest

from cupid_tools.cli import _options as options
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.errors import CupidError, InputError, MissingError, OutOfMemoryError, UsageError


def parser():
    made = ToolParser("cupid-try", "Try.")
    options.add_pairs(made)
    options.add_output(made)
    options.add_common(made, drops=True)
    return made


def attempt(failure, *argv):
    def run(args, report):
        if failure is not None:
            raise failure

    return run_tool(parser(), run, list(argv))


@pytest.mark.parametrize(
    ("failure", "code", "message"),
    [
        (CupidError("a thing broke", hint="mend it"), 1, "a thing broke (mend it)"),
        (OSError(errno.ENOSPC, "No space left on device", "out.tsv"), 1, "out.tsv: no space left on device"),
        (UsageError("--a and --b"), 2, "--a and --b"),
        (InputError("p.tsv", "label is 'yes'", line=3, hint="1 or 0"), 3, "p.tsv:3: label is 'yes' (1 or 0)"),
        (InputError("-", "is empty"), 3, "stdin: is empty"),
        (MissingError("no GPU"), 4, "no GPU"),
        (OutOfMemoryError("no memory"), 75, "no memory"),
        (MemoryError(), 75, "out of memory (run it where there is more)"),
        (KeyboardInterrupt(), 130, "interrupted; no output is half written"),
    ],
)
def test_a_failure_is_one_sentence_and_a_code(capsys, failure, code, message):
    assert attempt(failure) == code
    assert capsys.readouterr().err == f"cupid-try: ERROR: {message}\n"


def test_our_own_bug_says_so_without_a_traceback(capsys):
    assert attempt(ZeroDivisionError("division by zero")) == 1
    error = capsys.readouterr().err
    assert error.startswith("cupid-try: ERROR: ZeroDivisionError: division by zero (this is a bug in cupid-tools")
    assert "Traceback" not in error


def test_the_traceback_is_there_when_asked_for(capsys):
    assert attempt(ZeroDivisionError("division by zero"), "--log-level", "debug") == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--no-such"], "unrecognized arguments: --no-such"),
        (["--quie"], "unrecognized arguments: --quie"),  # abbreviations break when options are added
        (["--log-level", "loud"], "invalid choice"),
    ],
)
def test_usage_errors(capsys, argv, message):
    assert attempt(None, *argv) == 2
    assert "cupid-try: ERROR: " in (error := capsys.readouterr().err)
    assert message in error


def test_an_output_may_not_be_an_input(capsys, tmp_path):
    path = tmp_path / "p.tsv"
    path.write_text("old")
    (tmp_path / "link").symlink_to(path)
    assert attempt(None, str(path), "-o", str(tmp_path / "link")) == 2
    assert "is named twice" in capsys.readouterr().err
    assert path.read_text() == "old"


def test_an_input_may_not_lie_in_a_folder_that_is_written(capsys, tmp_path):
    made = parser()
    made.folders.append("output")
    (tmp_path / "p.tsv").write_text("precious")
    assert run_tool(made, lambda args, report: None, [str(tmp_path / "p.tsv"), "-o", str(tmp_path)]) == 2
    assert "lies in the folder" in capsys.readouterr().err


def test_a_folder_cannot_be_stdout(capsys):
    made = parser()
    made.folders.append("output")
    assert run_tool(made, lambda args, report: None, ["-o", "-"]) == 2
    assert "a folder cannot be written to stdout (name the folder)" in capsys.readouterr().err


def test_two_outputs_may_not_be_one_file(capsys, tmp_path):
    assert attempt(None, "-o", str(tmp_path / "x"), "--dropped", str(tmp_path / "x")) == 2
    assert attempt(None, "--dropped", "-") == 2
    assert "stdout can be written only once" in capsys.readouterr().err


def test_an_unwritable_output_is_told_before_the_work(capsys, tmp_path):
    assert attempt(AssertionError("worked"), "-o", str(tmp_path / "none" / "x")) == 1
    assert "does not exist (create it first)" in capsys.readouterr().err


def test_report_holds_settings_and_digests_but_no_path(tmp_path):
    (tmp_path / "p.tsv").write_text("abc")

    def run(args, report):
        report.count("pairs", read=3, written=2, dropped={"why": 1, "never": 0})
        report.drop("pair", "a", "b", "why")

    paths = [str(tmp_path / name) for name in ("p.tsv", "r.json", "d.tsv")]
    assert run_tool(parser(), run, [paths[0], "--report", paths[1], "--dropped", paths[2]]) == 0
    text = (tmp_path / "r.json").read_text()
    report = json.loads(text)
    assert report["counts"] == {"pairs": {"read": 3, "added": 0, "written": 2, "dropped": {"why": 1}}}
    assert report["inputs"]["pairs"] == ["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"]
    assert str(tmp_path) not in text
    assert (tmp_path / "d.tsv").read_text() == "kind\tid\tpartner\treason\npair\ta\tb\twhy\n"


def test_counts_must_add_up():
    def run(args, report):
        report.count("pairs", read=3, written=1)

    assert run_tool(parser(), run, ["--quiet"]) == 1


def test_quiet_prints_errors_only(capsys):
    def run(args, report):
        logging.getLogger("cupid_tools.try").warning("careful")
        raise CupidError("broken")

    assert run_tool(parser(), run, ["--quiet"]) == 1
    assert capsys.readouterr().err == "cupid-try: ERROR: broken\n"


def test_the_report_folder_is_the_only_thing_written(tmp_path):
    assert attempt(CupidError("stop"), "-o", str(tmp_path / "x"), "--report", str(tmp_path / "r")) == 1
    assert os.listdir(tmp_path) == []


def test_an_empty_value_is_refused(capsys):
    """An unset variable of a script must not change what is done."""
    assert attempt(None, "-o", "") == 2
    assert "--output is empty (give a value, or leave it out)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "failure",
    [ImportError("libtorch_cpu.so: failed to map segment from shared object"), OSError("Cannot allocate memory")],
)
def test_a_library_that_finds_no_memory_is_worth_a_retry(capsys, failure):
    assert attempt(failure) == 75
    assert "out of memory" in capsys.readouterr().err


@pytest.mark.parametrize(("stream", "redirect"), [("stdout", ">&-"), ("stdin", "<&-")])
def test_a_closed_stream_is_told(data, stream, redirect):
    code = "import sys; from cupid_tools.cli.filter import main; sys.exit(main())"
    pairs = "" if stream == "stdin" else data / "pairs.tsv"
    command = f"{sys.executable} -c '{code}' -f {data / 'rnas.fa'} {pairs} {redirect}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.returncode == 1
    assert f"cupid-filter: ERROR: {stream} is closed" in done.stderr
