"""cupid-embed: what the store holds, and that a killed run goes on where it stopped."""

import errno
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from cupid_tools.io.store import EmbeddingStore
from cupid_tools.models.encoders.base import SequenceError
from cupid_tools.models.encoders.kmer import KmerEncoder
from tests.chain import KMER

FASTA = """\
>mir type=miRNA
ugcaaauccaTGCAAAACUGA
>long type=lncRNA some note
ACGUNACGUACGUUAGC
GGGAUC
>twin
UGCAAAUCCAUGCAAAACUGA
>tiny
AC
"""
DEADLINE = 30


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def files_below(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def many(count):
    """*count* distinct RNAs, as FASTA."""
    letters = np.random.default_rng(1).choice(list("ACGU"), size=(count, 30))
    return "".join(f">r{row}\n{''.join(rna)}\n" for row, rna in enumerate(letters)).encode()


def test_the_table_of_the_store(tool, golden, tmp_path):
    outcome = tool("embed", *KMER, "-o", tmp_path / "out.npy", "-", stdin=FASTA)
    assert (outcome.code, outcome.stdout) == (0, "")
    assert "embedded 4 RNAs, 3 distinct sequences, 340 channels" in outcome.stderr
    golden(tmp_path / "out.tsv", "embed/out.tsv")
    assert sorted(files(tmp_path)) == ["out.npy", "out.tsv"]


def test_without_a_word_mini_reads_them(tool, tmp_path):
    outcome = tool("embed", "-o", tmp_path / "out.npy", stdin=FASTA)
    assert "embedded 4 RNAs, 3 distinct sequences, 320 channels" in outcome.stderr
    table = (tmp_path / "out.tsv").read_text().splitlines()
    assert table[1] == "# encoder=mini"
    assert {"# pooling=mean", "# long=window:128"} <= set(table)
    told = ("--encoder", "mini", "--long", "window", "--pooling", "mean")
    tool("embed", *told, "-o", tmp_path / "told.npy", stdin=FASTA)
    assert (tmp_path / "told.npy").read_bytes() == (tmp_path / "out.npy").read_bytes()
    assert (tmp_path / "told.tsv").read_bytes() == (tmp_path / "out.tsv").read_bytes()


def test_the_vectors_of_the_store(tool, tmp_path):
    tool("embed", *KMER, "-o", tmp_path / "out.npy", stdin=FASTA)
    store = EmbeddingStore([tmp_path / "out.npy"])
    mir, long = "UGCAAAUCCAUGCAAAACUGA", "ACGUNACGUACGUUAGCGGGAUC"
    np.testing.assert_array_equal(
        store.read(["twin", "long", "mir", "tiny"]), KmerEncoder().embed([mir, long, mir, "AC"])
    )
    assert np.load(tmp_path / "out.npy").shape == (3, 340)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_shard_size_changes_no_byte(tool, tmp_path, size):
    whole, sharded = tmp_path / "whole", tmp_path / "sharded"
    for folder, options in ((whole, []), (sharded, ["--shard-size", size])):
        folder.mkdir()
        assert tool("embed", *KMER, *options, "-o", folder / "out.npy", stdin=FASTA).code == 0
    assert files(whole) == files(sharded)


def test_real_rnas(tool, data, tmp_path):
    outcome = tool("embed", *KMER, "-o", tmp_path / "out.npy", "--report", tmp_path / "report.json", data / "rnas.fa")
    assert outcome.code == 0
    assert "embedded 327 RNAs" in outcome.stderr
    assert '"read": 327' in (tmp_path / "report.json").read_text()
    assert len(EmbeddingStore([tmp_path / "out.npy"])) == 327


def test_only_npy_names_a_store(expect_refusal):
    expect_refusal(2, "a store is named NAME.npy", "embed", stdin=FASTA, suffix=".h5")


def test_the_table_may_not_replace_an_input(tool, tmp_path):
    source = tmp_path / "rnas.tsv"
    source.write_text(FASTA)
    outcome = tool("embed", *KMER, "-o", tmp_path / "rnas.npy", source)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert "is named twice" in outcome.stderr
    assert files(tmp_path) == {"rnas.tsv": FASTA.encode()}


def test_a_repeated_id(expect_refusal):
    expect_refusal(3, "stdin:3: id 'a' occurs twice", "embed", stdin=">a\nAC\n>a\nAC\n", suffix=".npy")


def start(output, *options):
    code = "import sys; from cupid_tools.cli.embed import main; sys.exit(main())"
    argv = [sys.executable, "-c", code, *KMER, "-o", str(output), *options]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(condition):
    limit = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


@pytest.fixture
def halfway(tmp_path):
    """A process that has finished 3 shards of 15,000 RNAs and waits for the rest of its stdin, after 2 MiB of it."""
    folder = tmp_path / "killed"
    folder.mkdir()
    with start(folder / "out.npy", "--shard-size", "15000") as process:
        process.stdin.write(many(60_000))
        process.stdin.flush()
        wait_for(lambda: len(list(folder.glob(".out.npy.parts/*.npy"))) >= 3)
        yield process, folder
        process.kill()


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(tool, tmp_path, halfway):
    process, folder = halfway
    process.send_signal(signal.SIGKILL)
    process.wait(DEADLINE)
    assert [path.name for path in folder.iterdir()] == [".out.npy.parts"]
    outcome = tool("embed", *KMER, "--shard-size", 15000, "-o", folder / "out.npy", stdin=many(70_000))
    assert outcome.code == 0
    assert "took 45,000 of the sequences from an interrupted run" in outcome.stderr
    whole = tmp_path / "whole"
    whole.mkdir()
    assert "interrupted" not in tool("embed", *KMER, "-o", whole / "out.npy", stdin=many(70_000)).stderr
    assert files(folder) == files(whole)


def test_other_sequences_take_nothing_from_a_killed_run(tool, halfway):
    process, folder = halfway
    process.kill()
    process.wait(DEADLINE)
    other = many(70_000).replace(b">r0\n", b">r0\nA")
    outcome = tool("embed", *KMER, "--shard-size", 15000, "-o", folder / "out.npy", stdin=other)
    assert "took 30,000 of the sequences" in outcome.stderr  # the first shard differs, the next two do not
    assert sorted(files(folder)) == ["out.npy", "out.tsv"]
    rna = other.split(b"\n")[1].decode()
    np.testing.assert_array_equal(EmbeddingStore([folder / "out.npy"]).read(["r0"]), KmerEncoder().embed([rna]))


def test_two_runs_do_not_write_one_store(tool, halfway):
    process, folder = halfway
    outcome = tool("embed", *KMER, "-o", folder / "out.npy", stdin=FASTA)
    assert outcome.code == 1
    assert "another process is writing it (wait for it, or choose another name)" in outcome.stderr
    process.stdin.close()
    assert process.wait(DEADLINE) == 0
    assert len(EmbeddingStore([folder / "out.npy"])) == 60_000


@pytest.mark.parametrize("options", [[], ["--shard-size", "20"]], ids=["a shard", "the store"])
def test_a_full_disk_is_told_as_the_system_tells_it(tmp_path, options):
    """A limit on the size of a file stands for the disk: 60 RNAs make 82 kB of vectors, and 20 make 27 kB."""
    (tmp_path / "rnas.fa").write_bytes(many(60))
    folder = tmp_path / "store"
    folder.mkdir()
    for name in ("out.npy", "out.tsv"):
        (folder / name).write_text("# format=yesterday\n")
    code = (
        "import resource, sys; from cupid_tools.cli.embed import main;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)); sys.exit(main())"
    )
    argv = [sys.executable, "-c", code, *KMER, "-o", folder / "out.npy", *options, tmp_path / "rnas.fa"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=DEADLINE)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"cupid-embed: ERROR: (\S+: )?file too large\n", done.stderr)
    finished = {name: content for name, content in files_below(folder).items() if "parts/" not in name}
    assert finished == dict.fromkeys(("out.npy", "out.tsv"), b"# format=yesterday\n")
    assert len(list(folder.glob(".out.npy.parts/*"))) == (3 if options else 0)


def test_a_file_system_without_locks_is_told(tool, tmp_path, monkeypatch):
    def refuse(handle, how):
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr("fcntl.flock", refuse)
    outcome = tool("embed", *KMER, "-o", tmp_path / "out.npy", stdin=FASTA)
    assert outcome.code == 0
    assert f"WARNING: {tmp_path}/out.npy is not locked (operation not supported): let no other" in outcome.stderr
    assert len(EmbeddingStore([tmp_path / "out.npy"])) == 4


def test_an_rna_that_the_encoder_cannot_take(expect_refusal, monkeypatch):
    def refuse(self, sequences):
        raise SequenceError(1, "is odd", hint="mend it")

    monkeypatch.setattr(KmerEncoder, "embed", refuse)
    expect_refusal(3, "stdin:3: RNA 'long' is odd (mend it)", "embed", *KMER, stdin=FASTA, suffix=".npy")


def test_an_interrupted_run_keeps_its_finished_shards(halfway):
    process, folder = halfway
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE) == 130
    assert len(list((folder / ".out.npy.parts").iterdir())) == 3
