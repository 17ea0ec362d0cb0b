"""cupid-negatives as a user meets it."""

import io
import json

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from cupid_tools.sampling.negatives import STRATEGIES


@pytest.fixture
def few(data):
    """The first positives of the real set, with a column of their own."""
    header, *lines = (data / "pairs.tsv").read_text().splitlines()[:21]
    return "\n".join([f"{header}\tsource", *(f"{line}\tset{i % 2}" for i, line in enumerate(lines))]) + "\n"


@pytest.mark.parametrize("strategy", list(STRATEGIES))
def test_golden(tool, golden, data, few, tmp_path, strategy):
    report = tmp_path / "report.json"
    options = ["--strategy", strategy, "--per-positive", 2, "--report", report]
    outcome = tool("negatives", "-f", data / "rnas.fa", *options, stdin=few)
    assert outcome.code == 0
    golden(outcome.stdout, f"negatives/{strategy}.tsv")
    counts = json.loads(report.read_text())["counts"]["pairs"]
    assert (counts["read"], counts["added"], counts["written"]) == (20, 40, 60)


def test_rows_without_labels_are_positives_and_columns_keep_their_places(tool, data):
    pairs = "origin\tid_b\tid_a\nCLASH\thsa-miR-424-5p\tENST00000591956.1\nCLASH\thsa-miR-3118\tENST00000515419.5\n"
    outcome = tool("negatives", "-f", data / "rnas.fa", "--per-positive", 1, stdin=pairs)
    header, *rows = outcome.stdout.splitlines()
    assert header == "origin\tid_b\tid_a\tlabel"
    assert set(rows) == {
        "CLASH\thsa-miR-424-5p\tENST00000591956.1\t1",
        "CLASH\thsa-miR-3118\tENST00000515419.5\t1",
        "negative:type-matched\thsa-miR-3118\tENST00000591956.1\t0",
        "negative:type-matched\thsa-miR-424-5p\tENST00000515419.5\t0",
    }


def degree_auroc(text):
    frame = pd.read_csv(io.StringIO(text), sep="\t")
    positive = frame[frame["label"] == 1]
    degree = frame["id_a"].map(positive["id_a"].value_counts()) * frame["id_b"].map(positive["id_b"].value_counts())
    return roc_auc_score(frame["label"], degree)


def test_degree_tells_nothing_when_it_is_preserved(tool, data):
    def auroc(strategy):
        options = ["--strategy", strategy, "--per-positive", 1]
        return degree_auroc(tool("negatives", "-f", data / "rnas.fa", *options, data / "pairs.tsv").stdout)

    assert abs(auroc("degree-preserving") - 0.5) < 0.05
    assert auroc("uniform") > 0.75


@pytest.mark.parametrize(("strategy", "most"), [("length-matched", 0), ("type-matched", 40)])
def test_length_matched_negatives_are_alike_in_length(tool, tmp_path, strategy, most):
    """Ten miRNAs, each with one of 50 short RNAs; of 50 long ones each is named by a known negative."""
    rnas = [f">m{i} type=miRNA\nUGAGGUAG{'A' * i}\n" for i in range(10)]
    rnas += [f">l{i} type=lncRNA\n{'ACGU' * (10 if i < 50 else 99)}{'G' * (i % 50)}\n" for i in range(100)]
    fasta = tmp_path / "rnas.fa"
    fasta.write_text("".join(rnas))
    pairs = "id_a\tid_b\tlabel\n" + "".join(f"m{i % 10}\tl{i}\t{int(i < 10)}\n" for i in range(100))
    outcome = tool("negatives", "-f", fasta, "--strategy", strategy, "--per-positive", 8, stdin=pairs)
    made = [line.split("\t") for line in outcome.stdout.splitlines()[101:]]
    long = sum(int(row[1][1:]) >= 50 for row in made)
    assert len(made) == 80
    assert long == 0 if most == 0 else abs(long - most) < 20


def test_a_hub_gives_way_and_says_so(tool, data, tmp_path):
    report = tmp_path / "report.json"
    outcome = tool("negatives", "-f", data / "rnas.fa", "--per-positive", 10, "--report", report, data / "pairs.tsv")
    assert outcome.code == 0
    shifted = json.loads(report.read_text())["strata"][0]["with_another_rna"]["first"]
    assert shifted > 0
    assert f"WARNING: {shifted:,} negatives" in outcome.stderr


def test_too_few_free_pairs(expect_refusal, data):
    words = "pairs.tsv: miRNA x lncRNA needs 32,370 negatives for 1,079 positives, but only 22,461 pairs are free"
    error = expect_refusal(3, words, "negatives", "-f", data / "rnas.fa", "--per-positive", 30, data / "pairs.tsv")
    assert "--per-positive 20 fits" in error


def test_an_absurd_demand_is_refused_at_once(expect_refusal, data):
    words = "needs 107,899,998,921 negatives for 1,079 positives, but its RNAs make only 23,540 pairs"
    error = expect_refusal(
        3, words, "negatives", "-f", data / "rnas.fa", "--per-positive", 99_999_999, data / "pairs.tsv"
    )
    assert "--per-positive 21 at most" in error


def test_no_positives(expect_refusal, data):
    pairs = "id_a\tid_b\tlabel\nhsa-miR-424-5p\tENST00000591956.1\t0\n"
    expect_refusal(3, "stdin: holds no positive", "negatives", "-f", data / "rnas.fa", stdin=pairs)
