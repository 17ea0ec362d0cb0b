"""--blocks and --merge of all tools that have them: what is refused, and where the message says it is."""

import gzip
import re

import numpy as np
import pytest

from cupid_tools.energy import running
from cupid_tools.io.store import EmbeddingStore
from cupid_tools.models.encoders.kmer import KmerEncoder
from tests.chain import KMER
from tests.conftest import contents

RNAS = ">m\nUGCAAAUCCAUGCAAAACUGA\n>l\nUUGGCCCCUUAAAAAAUUUGCA\n>k\nACGGAUUUGCACGUUUAGC\n"
LINES = ["id_a\tid_b", "m\tl", "", "l\tk", "k\tm", "m\tk", ""]
"""Rows in lines 2, 4, 5 and 6."""
SCORE = ["score", "-m", "builtin", "--device", "cpu"]


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "rnas.fa"
    path.write_text(RNAS)
    return path


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_bytes("\r\n".join(LINES).encode())
    return path


@pytest.fixture
def scored(tool, fasta, pairs, tmp_path):
    """The two parts of the table, scored."""
    parts = [tmp_path / "one.tsv", tmp_path / "two.tsv"]
    for number, part in enumerate(parts, start=1):
        assert tool(*SCORE, "-f", fasta, "--blocks", f"{number}/2", "-o", part, pairs).code == 0
    return parts


def energies(fasta, *options):
    return ["intarna_compare", "-f", fasta, "--engine", "seed", *options]


@pytest.mark.parametrize("name", ["score", "intarna_compare"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_messages_name_the_line_of_the_users_file(tool, fasta, pairs, pack, name):
    lines = [*LINES[:-2], "m\tnobody", ""]
    pairs.write_bytes(pack("\r\n".join(lines).encode()))
    argv = [*SCORE, "-f", fasta] if name == "score" else energies(fasta)
    assert tool(*argv, "--blocks", "1/2", pairs).code == 0
    outcome = tool(*argv, "--blocks", "2/2", pairs)
    assert outcome.code == 3
    assert f"{pairs}:6: RNA 'nobody' is not in {fasta}" in outcome.stderr


@pytest.mark.parametrize("name", ["score", "intarna_compare", "embed"])
def test_what_cannot_be_divided_is_refused(expect_refusal, fasta, pairs, name):
    argv, records, suffix = {
        "score": ([*SCORE, "-f", fasta], "4 rows (take at most 4)", ".tsv"),
        "intarna_compare": (energies(fasta), "4 rows (take at most 4)", ".tsv"),
        "embed": (["embed"], "3 RNAs (take at most 3)", ".npy"),
    }[name]
    source = fasta if name == "embed" else pairs
    expect_refusal(2, f"--blocks 2/5 divides {records}", *argv, "--blocks", "2/5", source, suffix=suffix)
    words = "--blocks reads stdin twice, which a pipe does not allow (name a file)"
    expect_refusal(2, words, *argv, "--blocks", "1/2", stdin=source.read_bytes(), suffix=suffix)
    for wrong in ("0/2", "3/2", "1/0", "2", "a/b"):
        words = f"{wrong!r} is no block (give it as 2/8, the second of eight)"
        expect_refusal(2, words, *argv, "--blocks", wrong, source)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda one, two: [one], r"pairs\.tsv:5: pair k, m is in no part \(give the files of all blocks"),
        (lambda one, two: [one, two, one], r"one\.tsv:2: pair m, l is in another part, too \(give each block once"),
        (lambda one, two: [one, edited(two, "k\tm", "k\tl")], r"two\.tsv:2: pair k, l is not in \S+pairs\.tsv"),
        (lambda one, two: [one, edited(two, "m\tk", "m\tl")], r"two\.tsv:3: id_b is 'l' where \S+pairs\.tsv:6 has 'k'"),
        (lambda one, two: [edited(one, "l\tk.*\n", ""), two], r"pairs\.tsv:4: pair l, k is in no part"),
        (
            lambda one, two: [one, edited(two, "(m\tk.*\n)", r"\1\1")],
            r"two\.tsv:4: pair m, k stands where \S+ has ended",
        ),
        (lambda one, two: [one, edited(two, "\tscore", "\tmark")], r"two\.tsv:1: column 'score' is missing \(expected"),
        (lambda one, two: [one, edited(two, "id_b", "x\tid_b")], r"two\.tsv:1: has not the columns of \S+: id_a, id_b"),
        (lambda one, two: [one, edited(two, "call", "call\trank")], r"two\.tsv:1: has not the columns of"),
        (lambda one, two: [one, edited(two, "\t[01]\n$", "\n")], r"two\.tsv:3: 3 cells where the header has 4"),
        (lambda one, two: [one, edited(two, "\n[^$]*", "\n")], r"two\.tsv: holds a header but no pairs"),
    ],
)
def test_parts_that_are_not_the_table_are_refused(tool, pairs, scored, tmp_path, spoil, words):
    before = contents(tmp_path)
    parts = spoil(*scored)
    before |= {part: part.read_bytes() for part in parts}
    outcome = tool("score", pairs, "-o", tmp_path / "out.tsv", "--merge", *parts)
    assert outcome.code == 3
    assert re.search(words, outcome.stderr), outcome.stderr
    assert contents(tmp_path) == before


def edited(part, old, new):
    text, count = re.subn(old, new, part.read_text())
    assert count == 1
    part.write_text(text)
    return part


def test_blocks_that_were_cut_elsewhere_join_as_well(tool, fasta, pairs, scored, tmp_path):
    whole = tool(*SCORE, "-f", fasta, pairs).stdout
    header, first, second = scored[0].read_text().splitlines(keepends=True)
    (tmp_path / "x.tsv").write_text(header + first)
    (tmp_path / "y.tsv").write_text(header + second)
    parts = [scored[1], tmp_path / "y.tsv", tmp_path / "x.tsv"]
    assert tool("score", pairs, "--merge", *parts).stdout == whole


def test_older_scores_are_replaced_in_parts_as_in_the_whole(tool, fasta, tmp_path):
    table = tmp_path / "scored.tsv"
    table.write_text("score\tid_a\tid_b\n0.5\tm\tl\n0.7\tl\tk\n")
    parts = [tmp_path / f"{number}.tsv" for number in (1, 2)]
    for number, part in enumerate(parts, start=1):
        assert tool(*SCORE, "-f", fasta, "--blocks", f"{number}/2", "-o", part, table).code == 0
    assert tool("score", table, "--merge", *parts[::-1]).stdout == tool(*SCORE, "-f", fasta, table).stdout


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["score", "--merge", "p.tsv"], "what is merged? (name PAIRS before --merge"),
        (["score", "t.tsv", "--queries", "q.fa", "--merge", "p.tsv"], "what is merged?"),
        (["score", "t.tsv", "--blocks", "1/2", "--merge", "p.tsv"], "--merge joins what was scored"),
        (["score", "t.tsv", "-m", "builtin", "--merge", "p.tsv"], "--merge joins what was scored"),
        (["score", "-", "--merge", "p.tsv"], "--merge reads stdin twice"),
        (["intarna_compare", "-f", "r.fa", "--merge", "p.tsv"], "what is merged? (name PAIRS before --merge)"),
        (
            ["intarna_compare", "-f", "r.fa", "--shuffles", "9", "t.tsv", "--merge", "p.tsv"],
            "--merge joins energies as",
        ),
        (
            ["intarna_compare", "-f", "r.fa", "--blocks", "1/2", "t.tsv", "--merge", "p.tsv"],
            "--merge joins energies as",
        ),
        (
            ["intarna_compare", "-f", "r.fa", "--blocks", "1/2", "--comparison", "folder", "t.tsv"],
            "--comparison judges a whole table, and --blocks makes a part (give it with --merge)",
        ),
        (["embed", "--blocks", "1/2", "--merge", "p.npy"], "--merge joins stores as they are (leave out what is for"),
        (["embed", "-m", "m.safetensors", "--merge", "p.npy"], "--merge joins stores as they are"),
        (["embed", "--encoder", "kmer", "--merge", "p.npy"], "--merge joins stores as they are"),
        (["embed", "--merge", "p.npy", "rnas.fa"], "rnas.fa: a store is named NAME.npy (RNAS stand before --merge)"),
        (
            ["embed", "-m", "builtin", "rnas.fa"],
            "builtin reads sequences and needs no vectors (name a model that reads",
        ),
        (["embed", "-m", "m.safetensors", "--pooling", "mean", "rnas.fa"], "--pooling and --model both say what the"),
        (["embed", "-m", "m.safetensors", "--encoder", "kmer", "rnas.fa"], "--encoder and --model both say"),
        (["embed", "-m", "m.safetensors", "--overlap", "128", "rnas.fa"], "--overlap and --model both say"),
    ],
)
def test_what_contradicts_itself_is_refused(expect_refusal, monkeypatch, tmp_path, argv, words):
    monkeypatch.chdir(tmp_path)
    output = ["-o", "out.npy"] if argv[0] == "embed" else ["-o", "out.tsv"]
    expect_refusal(2, words, argv[0], *output, *argv[1:], output="--report")


def test_a_block_refuses_what_is_wrong_anywhere_in_the_fasta(expect_refusal, fasta):
    fasta.write_text(RNAS + ">broken\nACG!\n")
    argv = ["embed", "--blocks", "1/2", fasta]
    expect_refusal(3, f"{fasta}:7: RNA 'broken' holds '!', which is no RNA letter", *argv, suffix=".npy")
    fasta.write_text(RNAS + ">m\nUGCAAAUCCAUGCAAAACUGA\n")
    expect_refusal(3, f"{fasta}:7: id 'm' occurs twice (cupid-filter removes it)", *argv, suffix=".npy")
    fasta.write_text(RNAS + ">m\nACGU\n")
    expect_refusal(3, f"{fasta}:7: id 'm' occurs twice with different sequences", *argv, suffix=".npy")


def test_blocks_of_rnas_have_about_as_many_nucleotides(tool, tmp_path):
    lengths = [2000, *[10] * 100, 900]
    (tmp_path / "rnas.fa").write_text("".join(f">r{n}\n{'ACGU' * (nt // 4)}AC\n" for n, nt in enumerate(lengths)))
    found = []
    for number in (1, 2):
        argv = ["embed", "--blocks", f"{number}/2", "-o", tmp_path / "part.npy", tmp_path / "rnas.fa"]
        assert tool(*argv).code == 0
        found.append(EmbeddingStore([tmp_path / "part.npy"]).ids())
    assert found == [["r0"], [f"r{n}" for n in range(1, 102)]]


@pytest.fixture
def stores(tool, fasta, tmp_path):
    """The stores of three blocks."""
    paths = [tmp_path / f"{number}.npy" for number in (1, 2, 3)]
    for number, path in enumerate(paths, start=1):
        assert tool("embed", "--blocks", f"{number}/3", "-o", path, fasta).code == 0
    return paths


def test_stores_that_are_not_the_fasta_are_refused(expect_refusal, fasta, stores):
    one, two, three = stores
    argv = ["embed", fasta, "--merge"]
    words = f"{fasta}:3: RNA 'l' is in no part (give the stores of all blocks"
    expect_refusal(3, words, *argv, three, one, suffix=".npy")
    words = f"1.tsv:8: RNA 'm' is in {one}, too (give each block once)"
    expect_refusal(3, words, *argv, one, two, three, one, suffix=".npy")
    fasta.write_text(RNAS.replace("UUGG", "UUGA"))
    words = f"2.tsv:8: RNA 'l' has another sequence in {fasta}:3 (embed it again)"
    expect_refusal(3, words, *argv, one, two, three, suffix=".npy")
    fasta.write_text(RNAS.partition(">k")[0])
    expect_refusal(3, f"3.tsv:8: RNA 'k' is not in {fasta}", *argv, three, two, one, suffix=".npy")


def test_a_store_with_rnas_in_another_order_is_refused(expect_refusal, tool, fasta, tmp_path):
    assert tool("embed", "-o", tmp_path / "all.npy", fasta).code == 0
    m, l, k = (f">{text}" for text in RNAS.split(">")[1:])  # noqa: E741
    fasta.write_text(m + k + l)
    words = f"all.tsv:9: has RNA 'l' where {fasta}:3 has 'k'"
    expect_refusal(3, words, "embed", fasta, "--merge", tmp_path / "all.npy", suffix=".npy")
    fasta.write_text(m + l)
    expect_refusal(3, "all.tsv:10: RNA 'k' is not in", "embed", fasta, "--merge", tmp_path / "all.npy", suffix=".npy")


def test_an_interrupted_block_goes_on(tool, fasta, tmp_path, monkeypatch):
    calls = []

    def fail_at_the_second(self, sequences):
        calls.append(sequences)
        if len(calls) == 2:
            raise MemoryError
        return np.zeros((len(sequences), self.dim), dtype=np.float32)

    monkeypatch.setattr(KmerEncoder, "embed", fail_at_the_second)
    argv = ["embed", *KMER, "--shard-size", 1, "--blocks", "2/2", "-o", tmp_path / "two.npy", fasta]
    fasta.write_text(RNAS + ">j\nGGGGGGGGAAAA\n")
    assert tool(*argv).code == 75
    assert "took 1 of the sequences from an interrupted run" in tool(*argv).stderr
    assert EmbeddingStore([tmp_path / "two.npy"]).ids() == ["k", "j"]


def test_interrupted_energies_of_a_block_go_on(tool, fasta, pairs, tmp_path, monkeypatch):
    argv = [*energies(fasta, "--jobs", 1, "--blocks", "1/2"), "-o", tmp_path / "one.tsv", pairs]
    settle, rounds = running._settle, []
    monkeypatch.setattr(running, "BATCH_QUERIES", 1)

    def interrupt(*args):
        rounds.append(settle(*args))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(running, "_settle", interrupt)
        assert tool(*argv).code == 130
    outcome = tool(*argv)
    assert "1 of 2 distinct pairs were computed before" in outcome.stderr
    assert (tmp_path / "one.tsv").read_text() == tool(*energies(fasta, "--blocks", "1/2"), pairs).stdout


def test_parts_of_several_engines_are_refused(tool, expect_refusal, fasta, pairs, tmp_path):
    parts = [tmp_path / f"{number}.tsv" for number in (1, 2)]
    for number, part in enumerate(parts, start=1):
        assert tool(*energies(fasta, "--shuffles", 5, "--blocks", f"{number}/2"), "-o", part, pairs).code == 0
    text = parts[1].read_text()
    merge = ["intarna_compare", "-f", fasta, pairs, "--merge", *parts]
    parts[1].write_text(text.replace("seed (Turner 2004)", "seed (Turner 1999)"))
    expect_refusal(3, "2.tsv:2: engine is 'seed (Turner 1999)', unlike in other parts (name one by --engine", *merge)
    parts[1].write_text(re.sub(r"\t[^\t]*(\t[^\t]*\n)$", r"\tlow\1", text))
    expect_refusal(3, "2.tsv:3: p_value is 'low' (it is a number or NA)", *merge)
    assert tool(*energies(fasta, "--blocks", "2/2"), "-o", parts[1], pairs).code == 0
    expect_refusal(3, f"2.tsv: has other columns than {parts[0]}", *merge)


def test_the_comparison_of_merged_energies_is_that_of_one_run(tool, chain, tmp_path):
    rnas, scores = chain.path("all.fa"), chain.path("scores.tsv")
    options = [*energies(rnas, "--shuffles", 3, "--splits", "valid,test"), "-o"]
    whole, joined = tmp_path / "whole", tmp_path / "joined"
    assert tool(*options, tmp_path / "whole.tsv", "--comparison", whole, scores).code == 0
    parts = [tmp_path / f"{number}.tsv" for number in (1, 2, 3)]
    for number, part in enumerate(parts, start=1):
        assert tool(*options, part, "--blocks", f"{number}/3", scores).code == 0
    merge = ["intarna_compare", "-f", rnas, scores, "-o", tmp_path / "joined.tsv", "--comparison", joined, "--merge"]
    outcome = tool(*merge, *parts[::-1])
    assert outcome.code == 0, outcome
    assert (tmp_path / "joined.tsv").read_bytes() == (tmp_path / "whole.tsv").read_bytes()
    assert {path.name: text for path, text in contents(joined).items()} == {
        path.name: text for path, text in contents(whole).items()
    }


def test_vectors_as_a_model_needs_them(tool, weights, chain, tmp_path):
    """Of a language model, with its pooling and policy; the report says which they were."""
    where = ["--weights-dir", weights, "--device", "cpu"]
    made = ["--encoder", "rnafm", "--pooling", "max", "--long", "truncate", "--precision", "fp32"]
    assert tool("embed", *where, *made, "-o", tmp_path / "whole.npy", chain.path("all.fa")).code == 0
    model = tmp_path / "model.safetensors"
    learn = ["train", "-e", tmp_path / "whole.npy", "--epochs", 1, "--hidden-size", 4, "--device", "cpu"]
    assert tool(*learn, "-o", model, chain.path("dataset.tsv")).code == 0
    for number in (1, 2):
        argv = ["-m", model, "--blocks", f"{number}/2", "--report", tmp_path / "report.json", chain.path("all.fa")]
        assert tool("embed", *where, "-o", tmp_path / f"{number}.npy", *argv).code == 0
    assert '"pooling": "max"' in (tmp_path / "report.json").read_text()
    parts = [tmp_path / "2.npy", tmp_path / "1.npy"]
    assert tool("embed", chain.path("all.fa"), "-o", tmp_path / "joined.npy", "--merge", *parts).code == 0
    assert (tmp_path / "joined.tsv").read_bytes() == (tmp_path / "whole.tsv").read_bytes()
    np.testing.assert_allclose(np.load(tmp_path / "joined.npy"), np.load(tmp_path / "whole.npy"), atol=1e-5)
    assert (
        tool("score", "-m", model, "-e", tmp_path / "joined.npy", "--device", "cpu", chain.path("dataset.tsv")).code
        == 0
    )


def test_other_weights_than_a_models_are_refused(tool, expect_refusal, fasta, tmp_path, chain, monkeypatch):
    model = chain.path("model.safetensors")
    assert tool("embed", "-m", model, "-o", tmp_path / "x.npy", fasta).code == 0
    assert tool("embed", *KMER, "-o", tmp_path / "y.npy", fasta).code == 0
    assert (tmp_path / "x.npy").read_bytes() == (tmp_path / "y.npy").read_bytes()
    monkeypatch.setattr(KmerEncoder, "info", KmerEncoder.info.__class__("kmer", "other", "composition", "whole"))
    words = "has seen other vectors than are made here: fingerprint 1-4-mers-hellinger and other"
    expect_refusal(3, words, "embed", "-m", model, fasta, suffix=".npy")
    expect_refusal(
        2, "--precision is for language models", "embed", "-m", model, "--precision", "bf16", fasta, suffix=".npy"
    )
