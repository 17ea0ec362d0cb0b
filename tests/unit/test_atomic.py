"""Outputs are complete or absent, whatever happens."""

import gzip
import os

import pytest

from cupid_tools.errors import CupidError
from cupid_tools.io.atomic import atomic_write, check_writable


def test_success_replaces_the_target(tmp_path):
    target = tmp_path / "out.tsv"
    target.write_text("old")
    with atomic_write(target) as handle:
        handle.write("new\n")
        assert target.read_text() == "old"
    assert target.read_text() == "new\n"
    assert os.listdir(tmp_path) == ["out.tsv"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_failure_leaves_the_target_and_nothing_else(tmp_path, failure):
    target = tmp_path / "out.tsv"
    target.write_text("old")

    def fail():
        with atomic_write(target) as handle:
            handle.write("half")
            raise failure

    with pytest.raises(failure):
        fail()
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.tsv"]


def test_a_link_is_followed(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    link.symlink_to(real)
    with atomic_write(link) as handle:
        handle.write("new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_gz_names_are_compressed_without_a_date(tmp_path, monkeypatch):
    contents = []
    for name, second in (("a.gz", 1), ("b.gz", 2)):
        monkeypatch.setattr("time.time", lambda second=second: second)
        with atomic_write(tmp_path / name) as handle:
            handle.write("same\n")
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    assert gzip.decompress(contents[0]) == b"same\n"


def test_a_device_is_written_not_replaced(tmp_path):
    with atomic_write("/dev/null") as handle:
        handle.write("x")
    assert not os.path.isfile("/dev/null")


def test_umask_decides_the_mode(tmp_path):
    old = os.umask(0o027)
    try:
        with atomic_write(tmp_path / "out") as handle:
            handle.write("x")
    finally:
        os.umask(old)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o640


def test_check_writable(tmp_path):
    check_writable(tmp_path / "new.tsv")
    with pytest.raises(CupidError, match="does not exist"):
        check_writable(tmp_path / "none" / "new.tsv")
    with pytest.raises(CupidError, match="is a folder"):
        check_writable(tmp_path)
    with pytest.raises(CupidError, match="cannot be written"):
        check_writable("/proc/new.tsv")


def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path):
    target = tmp_path / "private"
    target.write_text("old")
    target.chmod(0o600)
    with atomic_write(target) as handle:
        handle.write("new")
    assert target.stat().st_mode & 0o777 == 0o600


def test_descriptors_are_appended_to(tmp_path):
    """``>> out.tsv`` with /dev/stdout must not lose what the file holds, nor replace it."""
    path = tmp_path / "out"
    path.write_text("before\n")
    with open(path, "a") as opened, atomic_write(f"/dev/fd/{opened.fileno()}") as handle:
        handle.write("after\n")
    assert path.read_text() == "before\nafter\n"


def test_process_substitution_is_written(tmp_path):
    reader, writer = os.pipe()
    check_writable(f"/dev/fd/{writer}")
    with atomic_write(f"/dev/fd/{writer}") as handle:
        handle.write("piped")
    os.close(writer)
    with open(reader) as handle:
        assert handle.read() == "piped"


def test_a_full_disk_names_its_file():
    def fill():
        with atomic_write("/dev/full") as handle:
            handle.write("x")

    with pytest.raises(OSError, match="No space left") as error:
        fill()
    assert error.value.filename == "/dev/full"
