"""Full disks, closed pipes and signals, met by real processes."""

import fcntl
import os
import resource
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.chain import FOLDERS, RNAS_ALONE, executable

ALL = ["filter", "split", "augment", "negatives", "embed", "train", "score", "evaluate", "explain"]
ALL += ["intarna_compare", "reproduce", "pretrain", "classify"]
STREAMS = ["filter", "split", "augment", "negatives", "score", "intarna_compare"]
DEADLINE = 60


def start(tool, argv, **options):
    code = f"import sys; from cupid_tools.cli.{tool} import main; sys.exit(main())"
    return subprocess.Popen([sys.executable, "-c", code, *argv], stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.parametrize("name", STREAMS)
def test_a_full_disk_is_told(chain, tmp_path, name):
    argv = chain.argv(name, output=str(tmp_path / "out.tsv"))
    argv[argv.index("-o") + 1] = "-"
    with open("/dev/full", "w") as full:
        process = start(name, argv, stdout=full)
        error = process.communicate(timeout=DEADLINE)[1]
    assert process.returncode == 1
    assert f"{executable(name)}: ERROR: stdout: no space left on device\n" in error
    assert "Traceback" not in error
    assert "Exception" not in error


@pytest.mark.parametrize("argv", [["--help"], ["--version"]])
def test_a_full_disk_is_told_where_a_tool_speaks_of_itself(argv):
    with open("/dev/full", "w") as full:
        process = start("filter", argv, stdout=full)
        error = process.communicate(timeout=DEADLINE)[1]
    assert (process.returncode, error) == (1, "cupid-filter: ERROR: no space left on device\n")


def test_a_reader_who_has_seen_enough_of_the_help_ends_it_quietly():
    with start("filter", ["--help"], stdout=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.communicate(timeout=DEADLINE)[1] == ""
    assert process.returncode == 141


@pytest.mark.parametrize("name", STREAMS)
def test_a_closed_pipe_ends_quietly(chain, tmp_path, name):
    argv = chain.argv(name, output=str(tmp_path / "out.tsv"))
    argv[argv.index("-o") + 1] = "-"
    with start(name, [*argv, "--quiet"], stdout=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.communicate(timeout=DEADLINE)[1] == ""
    assert process.returncode == 141


@pytest.mark.parametrize("name", ALL)
def test_a_file_system_that_takes_no_more_leaves_yesterdays_output(chain, tmp_path, name):
    """A limit on the size of files stands in for the full disk: the error comes while the output is written."""
    output = Path(chain.target(name, tmp_path))
    if name in FOLDERS:
        output.mkdir()
    else:
        output.write_text("yesterday\n")
    argv = chain.argv(name, output=str(output))
    if name == "augment":
        argv[argv.index("--fasta-out") + 1] = "/dev/null"
    with start(name, argv, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))) as process:
        error = process.communicate(timeout=DEADLINE)[1]
    assert process.returncode == 1
    assert "file too large" in error
    assert "Traceback" not in error
    assert [path for path in tmp_path.rglob("*") if path != output and not path.name.endswith(".parts")] == []
    assert list(output.iterdir()) == [] if output.is_dir() else output.read_text() == "yesterday\n"


@pytest.mark.parametrize("option", ["--dropped", "--report", "--fasta-out"])
def test_a_full_disk_behind_a_second_output_is_told(chain, tmp_path, option):
    argv = [*chain.argv("filter", output=str(tmp_path / "out.tsv")), option, "/dev/full"]
    with start("filter", argv) as process:
        error = process.communicate(timeout=DEADLINE)[1]
    assert process.returncode == 1
    assert "cupid-filter: ERROR: /dev/full: no space left on device" in error


def unread(pipe):
    """Bytes that the reader has not taken yet."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("name", ALL)
def test_a_signal_in_the_middle_leaves_yesterdays_output(chain, tmp_path, name, sent):
    """The tool has read half of its input when the signal comes."""
    output = Path(chain.target(name, tmp_path))
    if name in FOLDERS:
        output.mkdir()
    else:
        output.write_text("yesterday\n")
    which = "fasta" if name in RNAS_ALONE else "pairs"
    argv = chain.argv(name, output=str(output), **{which: "-"})
    whole = Path(chain.argv(name, output="x")[-1]).read_bytes()
    with start(name, argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        os.write(process.stdin.fileno(), whole[: min(len(whole) // 2, 30_000)])
        limit = time.monotonic() + DEADLINE
        while unread(process.stdin.fileno()):
            assert time.monotonic() < limit, "the tool does not read"
            time.sleep(0.02)
        process.send_signal(sent)
        error = process.communicate(timeout=DEADLINE)[1]
    assert process.returncode == (-signal.SIGKILL if sent == signal.SIGKILL else 130)
    assert "Traceback" not in error
    if sent != signal.SIGKILL:
        assert f"{executable(name)}: ERROR: interrupted" in error
        assert [path for path in tmp_path.rglob("*") if path != output] == []
    if output.is_file():
        assert output.read_text() == "yesterday\n"
    else:
        assert list(output.iterdir()) == []
