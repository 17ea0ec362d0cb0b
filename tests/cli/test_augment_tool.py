"""cupid-augment as a user meets it."""

import json

import pytest

RNAS = ">m1 type=miRNA family=7\nUGAGGUAG\n>l1 type=lncRNA\nAACCGGUU\n>l2 type=lncRNA\nGGGUUUAA\n"
PAIRS = (
    "id_a\tid_b\tlabel\tsource\tsplit\n"
    "m1\tl1\t1\tx\ttrain\n"
    "l2\tm1\t0\ty\ttrain\n"
    "m1\tl2\t0\tz\ttrain\n"
    "l1\tl2\t1\t\ttest\n"
)


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "rnas.fa"
    path.write_text(RNAS)
    return path


@pytest.mark.parametrize(
    ("name", "options", "copies", "skipped"),
    [
        ("all", [], 5, 4),
        ("swap", ["--how", "swap"], 1, 2),
        ("published", ["--splits", "train,valid,test"], 8, 4),
    ],
)
def test_golden(tool, golden, fasta, tmp_path, name, options, copies, skipped):
    paths = [tmp_path / "all.fa", tmp_path / "report.json"]
    outcome = tool("augment", "-f", fasta, "--fasta-out", paths[0], "--report", paths[1], *options, stdin=PAIRS)
    assert outcome.code == 0
    golden(outcome.stdout, f"augment/{name}.tsv")
    golden(paths[0], f"augment/{name}.fa")
    report = json.loads(paths[1].read_text())
    assert report["counts"]["pairs"]["added"] == copies
    assert report["copies_already_there"] == skipped


def test_an_origin_that_is_there_is_kept(tool, fasta, tmp_path):
    pairs = "id_a\tid_b\tsplit\torigin\nm1\tl1\ttrain\tCLASH\n"
    outcome = tool("augment", "-f", fasta, "--fasta-out", tmp_path / "all.fa", "--how", "flip,swap", stdin=pairs)
    origins = [line.split("\t")[3] for line in outcome.stdout.splitlines()[1:]]
    assert origins == ["CLASH", "augmented:swap", "augmented:flip"]


@pytest.mark.parametrize(
    ("code", "words", "fasta_text", "pairs"),
    [
        (3, "stdin:1: column 'split' is missing (run cupid-split first", RNAS, "id_a\tid_b\nm1\tl1\n"),
        (3, "stdin:2: RNA 'm9' is not in", RNAS, "id_a\tid_b\tsplit\nm9\tl1\ttrain\n"),
        (3, "rnas.fa:7: RNA 'm1~flip' ends in ~flip", RNAS + ">m1~flip\nGAUGGAGU\n", PAIRS),
        (3, "RNA 'm1~flip' ends in ~flip", RNAS, "id_a\tid_b\tsplit\nm1\tl1\ttrain\nm1~flip\tl1\ttrain\n"),
    ],
)
def test_refusals(expect_refusal, fasta, tmp_path, code, words, fasta_text, pairs):
    fasta.write_text(fasta_text)
    expect_refusal(code, words, "augment", "-f", fasta, "--fasta-out", tmp_path / "all.fa", stdin=pairs)


@pytest.mark.parametrize("options", [["--how", "mirror"], ["--splits", "train,dev"]])
def test_unknown_names(expect_refusal, fasta, tmp_path, options):
    expect_refusal(2, "is none of", "augment", "-f", fasta, "--fasta-out", tmp_path / "all.fa", *options, stdin=PAIRS)
