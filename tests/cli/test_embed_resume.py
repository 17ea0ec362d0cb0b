"""cupid-embed with one vector a nucleotide, stores that are merged, and runs that are killed anywhere."""

import errno
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cupid_tools.errors import InputError
from cupid_tools.io.store import EmbeddingStore
from cupid_tools.models import embedding
from cupid_tools.models.encoders import kmer
from cupid_tools.models.encoders.base import BatchMemoryError
from tests.chain import KMER
from tests.killing import digests
from tests.states_encoder import States

ROOT = Path(__file__).parents[2]
DEADLINE = 300


@pytest.fixture
def states(monkeypatch):
    """The encoder kmer gives one vector a nucleotide."""
    monkeypatch.setattr(kmer, "KmerEncoder", States)


def fasta(count, seed=1, prefix="r"):
    rng = random.Random(seed)
    rnas = ["".join(rng.choices("ACGU", k=rng.randint(1, 40))) for _ in range(count)]
    return "".join(f">{prefix}{number}\n{rna}\n" for number, rna in enumerate(rnas))


def sequences_of(text):
    words = text.split()
    return dict(zip([word[1:] for word in words[::2]], words[1::2], strict=True))


def one_hot(sequence):
    return [[float(letter == channel) for channel in "ACGU"] for letter in sequence]


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def files_below(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def embed(tool, path, text, *options):
    outcome = tool("embed", *KMER, "-o", path, *options, stdin=text)
    assert outcome.code == 0, outcome
    return outcome


def check_states(path, text):
    store = EmbeddingStore([path])
    for name, sequence in sequences_of(text).items():
        assert store.states(name).tolist() == one_hot(sequence)
    return store


def test_the_table_of_a_store_with_one_vector_a_nucleotide(tool, golden, states, tmp_path):
    text = ">a\nACGUA\n>b\nGG\n>twin\nACGUA\n>c\nUUU\n"
    embed(tool, tmp_path / "out.npy", text, "--shard-size", 2)
    golden(tmp_path / "out.tsv", "embed/nucleotides.tsv")
    assert sorted(files(tmp_path)) == ["out.0001.npy", "out.0002.npy", "out.tsv"]
    assert np.load(tmp_path / "out.0001.npy").tolist() == one_hot("ACGUAGG")
    assert np.load(tmp_path / "out.0002.npy").tolist() == one_hot("UUU")


def test_states_are_those_of_the_nucleotides(tool, states, tmp_path):
    text = fasta(50)
    embed(tool, tmp_path / "whole.npy", text)
    embed(tool, tmp_path / "sharded.npy", text, "--shard-size", 7)
    whole, sharded = (check_states(tmp_path / name, text) for name in ("whole.npy", "sharded.npy"))
    assert whole.digests(whole.ids()) == sharded.digests(sharded.ids())
    assert len(list(tmp_path.glob("sharded.*.npy"))) == 8


def test_a_shard_is_bounded_by_its_bytes(tool, states, tmp_path, monkeypatch):
    monkeypatch.setattr(embedding, "_SHARD_BYTES", 1000)  # 16 bytes of vectors and a letter: 58 nt
    text = fasta(30) + f">long\n{'ACGU' * 50}\n"
    embed(tool, tmp_path / "out.npy", text)
    check_states(tmp_path / "out.npy", text)
    *sizes, last = [len(np.load(path)) for path in sorted(tmp_path.glob("out.*.npy"))]
    assert last == 200  # an RNA by itself
    assert max(sizes) <= 58


def test_pooled_and_not_are_told_apart(tool, states, tmp_path):
    embed(tool, tmp_path / "out.npy", ">a\nACGU\n")
    with pytest.raises(InputError, match=r"out\.npy: holds one vector per nucleotide \(embed with --pooling mean\)"):
        EmbeddingStore([tmp_path / "out.npy"]).read(["a"])
    kmer.KmerEncoder = States.__base__
    embed(tool, tmp_path / "pooled.npy", ">a\nACGU\n")
    with pytest.raises(InputError, match=r"pooled\.npy: holds one vector per RNA \(embed with --pooling none\)"):
        EmbeddingStore([tmp_path / "pooled.npy"]).states("a")


@pytest.mark.parametrize("name", ["train", "score"])
def test_tools_that_need_one_vector_an_rna_say_so(tool, states, chain, data, tmp_path, name):
    embed(tool, tmp_path / "out.npy", (data / "rnas.fa").read_text())
    argv = chain.argv(name, output=str(tmp_path / "result"), store=str(tmp_path / "out.npy"))
    outcome = tool(name, *argv)
    assert outcome.code == 3
    assert "out.npy: holds one vector per nucleotide (embed with --pooling mean)" in outcome.stderr
    assert not (tmp_path / "result").exists()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "out.0002.npy").unlink(), "out.npy: out.0002.npy is missing beside it"),
        (lambda folder: os.truncate(folder / "out.0002.npy", 140), "out.0002.npy: is not a complete NPY file"),
        (lambda folder: (folder / "out.0001.npy").replace(folder / "out.0002.npy"), "out.0001.npy is missing"),
        (lambda folder: np.save(folder / "out.0003.npy", np.zeros((1, 4), "f4")), r"out.tsv:\d+: names a row that the"),
        (lambda folder: np.save(folder / "out.0003.npy", np.zeros((99, 5), "f4")), "has shards of different channels"),
    ],
)
def test_damaged_shards_are_refused(tool, states, tmp_path, spoil, words):
    embed(tool, tmp_path / "out.npy", fasta(30), "--shard-size", 10)
    spoil(tmp_path)
    with pytest.raises(InputError, match=words):
        EmbeddingStore([tmp_path / "out.npy"])


def test_states_that_are_no_numbers_are_refused(tool, states, tmp_path):
    embed(tool, tmp_path / "out.npy", ">a\nAC\n>b\nGG\n")
    vectors = np.load(tmp_path / "out.0001.npy")
    vectors[3, 1] = np.nan
    np.save(tmp_path / "out.0001.npy", vectors)
    store = EmbeddingStore([tmp_path / "out.npy"])
    assert store.states("a").tolist() == one_hot("AC")
    with pytest.raises(InputError, match="the vector of RNA 'b' holds NaN or infinity"):
        store.states("b")


def test_a_smaller_store_leaves_no_shards_of_the_older_one(tool, states, tmp_path):
    embed(tool, tmp_path / "out.npy", fasta(30), "--shard-size", 5)
    embed(tool, tmp_path / "out.npy", fasta(30), "--shard-size", 20)
    assert sorted(files(tmp_path)) == ["out.0001.npy", "out.0002.npy", "out.tsv"]
    kmer.KmerEncoder = States.__base__
    embed(tool, tmp_path / "out.npy", fasta(30))
    assert sorted(files(tmp_path)) == ["out.npy", "out.tsv"]
    kmer.KmerEncoder = States
    embed(tool, tmp_path / "out.npy", fasta(30))
    assert sorted(files(tmp_path)) == ["out.0001.npy", "out.tsv"]


def test_files_of_other_stores_are_not_taken_for_shards(tool, states, tmp_path):
    """Parts of one big job are likely to be named so."""
    np.save(tmp_path / "out.0001.npy", np.zeros(3))
    before = files(tmp_path)
    outcome = tool("embed", *KMER, "-o", tmp_path / "out.npy", stdin=fasta(3))
    assert outcome.code == 2
    assert f"{tmp_path}/out.0001.npy exists, and is not of a store {tmp_path}/out.npy (choose" in outcome.stderr
    assert files(tmp_path) == before
    kmer.KmerEncoder = States.__base__
    embed(tool, tmp_path / "out.npy", fasta(3))
    assert files(tmp_path).items() >= before.items()


def test_an_rna_that_does_not_fit_into_memory(tool, tmp_path, monkeypatch):
    def embed_all_but_long(self, sequences):
        for place, sequence in enumerate(sequences):
            if len(sequence) > 40:
                raise BatchMemoryError(place)
        return np.zeros((len(sequences), self.dim), dtype=np.float32)

    monkeypatch.setattr(kmer.KmerEncoder, "embed", embed_all_but_long)
    text = fasta(20) + f">long\n{'A' * 1234}\n" + fasta(5, seed=2, prefix="s")
    outcome = tool("embed", *KMER, "-o", tmp_path / "out.npy", "--shard-size", 7, stdin=text)
    assert outcome.code == 75
    assert "stdin:41: RNA 'long' of 1,234 nt does not fit into memory, even alone (the same command" in outcome.stderr
    assert len(list(tmp_path.glob(".out.npy.parts/*.npy"))) == 2
    assert [path.name for path in tmp_path.iterdir()] == [".out.npy.parts"]


@pytest.mark.parametrize("change", ["precision", "numerics"])
def test_shards_of_other_arithmetic_are_not_resumed(tool, tmp_path, monkeypatch, change):
    text = fasta(30)

    def fail(sequences):
        raise MemoryError

    encoder = kmer.KmerEncoder()
    monkeypatch.setattr(kmer, "KmerEncoder", lambda: encoder)
    plain = encoder.embed
    calls = iter([plain, plain, fail])
    encoder.embed = lambda sequences: next(calls)(sequences)
    argv = ("embed", *KMER, "-o", tmp_path / "out.npy", "--shard-size", 10)
    assert tool(*argv, stdin=text).code == 75
    encoder.embed = plain
    if change == "precision":
        encoder.info = replace(encoder.info, precision="bf16")
    else:
        encoder.numerics = "batches of 4096 tokens"
    assert "interrupted run" not in tool(*argv, stdin=text).stderr
    assert len(EmbeddingStore([tmp_path / "out.npy"])) == 30


def test_a_full_disk_in_the_middle_of_a_shard_keeps_the_finished_ones(tmp_path):
    """A limit on the size of a file stands for the disk: 10 RNAs make 14 kB of vectors, and 40 make 55 kB."""
    text = fasta(90)
    code = "import sys; from cupid_tools.cli.embed import main; sys.exit(main())"
    argv = [sys.executable, "-c", code, *KMER, "-o", tmp_path / "out.npy"]

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    argv += ["--shard-size", "20"]
    done = subprocess.run(argv, input=text, capture_output=True, text=True, preexec_fn=limit, timeout=DEADLINE)
    assert done.returncode == 1
    assert re.search(r"ERROR: \S*out\.npy: file too large\n", done.stderr)
    assert [path.name for path in tmp_path.iterdir()] == [".out.npy.parts"]
    again = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=DEADLINE)
    assert again.returncode == 0
    assert re.search(r"took \d\d of the sequences from an interrupted run", again.stderr)


def test_merged_pooled_stores_have_the_bytes_of_one_run(tool, tmp_path):
    texts = [fasta(20), fasta(15, seed=2, prefix="s") + fasta(20, prefix="twin"), fasta(3, seed=3, prefix="t")]
    for number, text in enumerate(texts):
        embed(tool, tmp_path / f"{number}.npy", text)
    parts = [tmp_path / f"{number}.npy" for number in range(3)]
    report = tmp_path / "report.json"
    outcome = tool("embed", "-o", tmp_path / "merged.npy", "--report", report, "--merge", *parts)
    assert outcome.code == 0, outcome
    embed(tool, tmp_path / "whole.npy", "".join(texts))
    for suffix in (".npy", ".tsv"):
        assert (tmp_path / f"merged{suffix}").read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()
    assert json.loads(report.read_text())["counts"]["rnas"]["written"] == 58
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_an_rna_of_several_stores_is_taken_once(tool, tmp_path):
    embed(tool, tmp_path / "a.npy", ">x\nACGU\n>y\nGG\n")
    embed(tool, tmp_path / "b.npy", ">z\nUU\n>x\nACGU\n")
    report = tmp_path / "report.json"
    argv = ("-o", tmp_path / "ab.npy", "--report", report, "--merge", tmp_path / "a.npy", tmp_path / "b.npy")
    assert tool("embed", *argv).code == 0
    embed(tool, tmp_path / "whole.npy", ">x\nACGU\n>y\nGG\n>z\nUU\n")
    assert (tmp_path / "ab.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()
    assert (tmp_path / "ab.tsv").read_bytes() == (tmp_path / "whole.tsv").read_bytes()
    counts = json.loads(report.read_text())["counts"]["rnas"]
    assert (counts["read"], counts["written"], sum(counts["dropped"].values())) == (4, 3, 1)


def test_merged_stores_of_nucleotides_link_their_shards(tool, states, tmp_path):
    first, second = fasta(20), ">twin\n" + fasta(3).split()[3] + "\n" + fasta(9, seed=2, prefix="s")
    embed(tool, tmp_path / "a.npy", first, "--shard-size", 8)
    embed(tool, tmp_path / "b.npy", second)
    assert tool("embed", "-o", tmp_path / "ab.npy", "--merge", tmp_path / "a.npy", tmp_path / "b.npy").code == 0
    check_states(tmp_path / "ab.npy", first + second)
    names = ["a.0001.npy", "a.0002.npy", "a.0003.npy", "b.0001.npy"]
    for number, name in enumerate(names, start=1):
        assert (tmp_path / f"ab.{number:04}.npy").samefile(tmp_path / name)
    embed(tool, tmp_path / "a.npy", fasta(5, seed=5))  # the links are to the old vectors, which live on
    check_states(tmp_path / "ab.npy", first + second)


def test_a_file_system_without_links_gets_copies(tool, states, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    embed(tool, tmp_path / "linked.npy", fasta(20), "--shard-size", 8)
    monkeypatch.setattr("os.link", refuse)
    embed(tool, tmp_path / "copied.npy", fasta(20), "--shard-size", 8)
    for number in (1, 2, 3):
        assert (tmp_path / f"linked.000{number}.npy").read_bytes() == (
            tmp_path / f"copied.000{number}.npy"
        ).read_bytes()
    check_states(tmp_path / "copied.npy", fasta(20))


def test_a_disk_that_is_full_of_copies_leaves_the_old_store(tool, states, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    copies = iter([shutil.copyfileobj])

    def copy(*args):
        for first in copies:
            return first(*args)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    embed(tool, tmp_path / "out.npy", fasta(10), "--shard-size", 4)
    before = files(tmp_path)
    monkeypatch.setattr("os.link", refuse)
    monkeypatch.setattr("shutil.copyfileobj", copy)
    outcome = tool("embed", *KMER, "-o", tmp_path / "out.npy", "--shard-size", 8, stdin=fasta(20))
    assert outcome.code == 1
    assert "no space left on device" in outcome.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    check_states(tmp_path / "out.npy", fasta(10))


def test_stores_that_do_not_belong_together_are_not_merged(expect_refusal, tool, tmp_path, monkeypatch):
    paths = [tmp_path / name for name in ("a.npy", "b.npy")]
    embed(tool, paths[0], ">x\nACGU\n>y\nGG\n")
    embed(tool, paths[1], ">z\nACGU\n>y\nAA\n")
    words = f"b.tsv:9: RNA 'y' has another sequence in {paths[0]}"
    expect_refusal(3, words, "embed", "--merge", *paths, suffix=".npy")
    monkeypatch.setattr(kmer.KmerEncoder, "info", replace(kmer.KmerEncoder.info, precision="bf16"))
    embed(tool, paths[1], ">z\nACGU\n")
    words = f"b.npy: does not belong with {paths[0]}: precision fp32 and bf16"
    expect_refusal(3, words, "embed", "--merge", *paths, suffix=".npy")
    paths[1].with_suffix(".tsv").unlink()
    expect_refusal(3, "b.npy: b.tsv is missing beside it", "embed", "--merge", *paths, suffix=".npy")


@pytest.mark.parametrize("options", [["--encoder", "rnafm"], ["--pooling", "max"], ["--precision", "bf16"]])
def test_what_is_for_embedding_is_refused_where_stores_are_merged(expect_refusal, tool, tmp_path, options):
    embed(tool, tmp_path / "a.npy", ">x\nACGU\n")
    words = "--merge joins stores as they are (leave out what is for embedding)"
    expect_refusal(2, words, "embed", *options, "--merge", tmp_path / "a.npy", suffix=".npy")


def test_a_shard_may_not_be_replaced_while_it_is_read(tool, states, tmp_path):
    embed(tool, tmp_path / "out.npy", fasta(5))
    outcome = tool("embed", "-o", tmp_path / "out.0001.npy", "--merge", tmp_path / "out.npy")
    assert outcome.code == 2
    assert "out.0001.npy is named twice" in outcome.stderr


@pytest.mark.parametrize("old", ["nothing", "pooled", "states"])
@pytest.mark.parametrize("new", ["pooled", "states", "merged"])
def test_killed_before_any_step_the_same_command_ends_with_the_same_bytes(tool, tmp_path, monkeypatch, old, new):
    """Until the new store stands there is the old one, or none that can be read; never old ids on new vectors."""
    source = tmp_path / "rnas.fa"
    source.write_text(fasta(8))
    folder = tmp_path / "stores"
    folder.mkdir()
    if old != "nothing":
        monkeypatch.setattr(kmer, "KmerEncoder", States if old == "states" else States.__base__)
        embed(tool, folder / "out.npy", fasta(6, seed=3), "--shard-size", 2)
    argv = [*KMER, "-o", str(folder / "out.npy"), "--shard-size", "4", str(source)]
    if new == "merged":
        monkeypatch.setattr(kmer, "KmerEncoder", States)
        embed(tool, tmp_path / "a.npy", fasta(6, seed=1, prefix="a"), "--shard-size", 3)
        embed(tool, tmp_path / "b.npy", fasta(6, seed=2, prefix="b"))
        argv = ["-o", str(folder / "out.npy"), "--merge", str(tmp_path / "a.npy"), str(tmp_path / "b.npy")]
    how = ["states"] if new == "states" else []
    command = [sys.executable, "-m", "tests.killing", *how, str(folder), *argv]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=DEADLINE)
    assert (done.returncode, done.stderr) == (0, "")
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    assert runs[-1]["code"] == 0
    assert len(runs) > 10
    whole = runs[-1]["done"]["files"]
    before = digests(f"{folder}.before")
    for run in runs:
        assert run["done"]["code"] == 0
        assert run["done"]["folders"] == []
        visible = {name: digest for name, digest in run["done"]["files"].items() if not name.endswith(".part")}
        assert visible == whole
        if run["left"]["readable"]:
            left = run["left"]["files"]
            assert left.items() >= (whole if left["out.tsv"] == whole["out.tsv"] else before).items()


@pytest.mark.parametrize("encoder", ["pooled", "states"])
def test_killed_at_random_moments_until_it_ends(tool, tmp_path, monkeypatch, encoder):
    source = tmp_path / "rnas.fa"
    source.write_text(fasta(150))
    code = (
        "import sys; from tests.states_encoder import *; States.seconds = 0.02; use_states() if sys.argv.pop(1) =="
        " 'states' else None; from cupid_tools.cli.embed import main; sys.exit(main())"
    )
    folder = tmp_path / "stores"
    folder.mkdir()
    argv = [sys.executable, "-c", code, encoder, *KMER, "-o", str(folder / "out.npy"), "--shard-size", "5", str(source)]
    rng = random.Random(1)
    kills = 0
    while True:
        with subprocess.Popen(argv, stderr=subprocess.PIPE, cwd=ROOT) as process:
            time.sleep(rng.uniform(0, 0.3 + 0.1 * kills))
            process.kill()
            process.communicate(timeout=DEADLINE)
        if process.returncode == 0:
            break
        kills += 1
        assert kills < 100
    monkeypatch.setattr(kmer, "KmerEncoder", States if encoder == "states" else States.__base__)
    whole = tmp_path / "whole"
    whole.mkdir()
    embed(tool, whole / "out.npy", source.read_text(), "--shard-size", 5)
    assert {name: data for name, data in files_below(folder).items() if not name.endswith(".part")} == files(whole)
