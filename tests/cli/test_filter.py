"""cupid-filter: what stays, what goes, and what is said of it."""

import json
import os
from threading import Thread

import pytest

RNAS = """\
>mi1 type=miRNA
ugaggtagtaggttgtatagtt
>mi2 type=miRNA
CUAUACAAUCUACUGUCUUUC
>mi2 type=miRNA
CUAUACAAUCUACUGUCUUUC
>mi3 type=miRNA
CUAUACAAUCUACUGUCUUUC
>lnc1 type=lncRNA gene=G1
GGGGCCCCAAAAUUUUGGGGCCCCAAAAUUUU
>lnc2 type=lncRNA
GGGGCCCCAAAANUUUGGGGCCCCAAAAUUUU
>sno1 type=snoRNA
GGGAACC
>alone type=miRNA
ACGUACGUACGU
"""
PAIRS = """\
id_a\tid_b\tlabel\tsource
mi1\tlnc1\t1\tx
lnc1\tmi1\t1\ty
mi1\tlnc2\t1\t
mi2\tlnc1\t1\t
lnc1\tmi2\t0\t
mi2\tmi3\t1\t
mi1\tmi1\t1\t
mi1\tsno1\t1\t
mi2\tsno1\t0\tz
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "rnas.fa").write_text(RNAS)
    (tmp_path / "pairs.tsv").write_text(PAIRS)
    return tmp_path


def run(tool, files, *args):
    outcome = tool(
        "filter", "-f", files / "rnas.fa", "--fasta-out", files / "kept.fa", "--dropped", files / "dropped.tsv",
        "--report", files / "report.json", files / "pairs.tsv", *args,
    )  # fmt: skip
    assert outcome.code == 0, outcome.stderr
    return outcome


def test_default(tool, files, golden):
    outcome = run(tool, files)
    golden(outcome.stdout, "filter/default.tsv")
    golden(outcome.stderr, "filter/default.log")
    golden(files / "kept.fa", "filter/default.fa")
    golden(files / "dropped.tsv", "filter/default.dropped.tsv")
    golden(files / "report.json", "filter/default.json")


@pytest.mark.parametrize(
    ("args", "rnas", "pairs"),
    [
        (["--min-length", "20"], {"mi1", "lnc1", "lnc2"}, {("mi1", "lnc1"), ("mi1", "lnc2")}),
        (["--max-length", "25"], {"mi1", "mi2", "sno1"}, {("mi1", "sno1"), ("mi2", "sno1")}),
        (["--ambiguous", "drop"], {"mi1", "mi2", "lnc1", "sno1"}, {("mi1", "lnc1"), ("mi1", "sno1"), ("mi2", "sno1")}),
        (["--rna-types", "miRNA,lncRNA"], {"mi1", "lnc1", "lnc2"}, {("mi1", "lnc1"), ("mi1", "lnc2")}),
        (["--type-pairs", "snoRNA-miRNA"], {"mi1", "mi2", "sno1"}, {("mi1", "sno1"), ("mi2", "sno1")}),
        (["--keep-unpaired", "--max-length", "21"], {"mi2", "mi3", "sno1", "alone"}, {("mi2", "sno1")}),
    ],
    ids=lambda value: "-".join(value).strip("-") if isinstance(value, list) else "",
)
def test_limits(tool, files, args, rnas, pairs):
    outcome = run(tool, files, *args)
    kept = {line.split()[0][1:] for line in (files / "kept.fa").read_text().splitlines() if line.startswith(">")}
    assert kept == rnas
    assert {tuple(line.split("\t")[:2]) for line in outcome.stdout.splitlines()[1:]} == pairs
    counts = json.loads((files / "report.json").read_text())["counts"]
    assert counts["rnas"]["written"] == len(rnas)
    for kind in counts.values():
        assert kind["read"] == kind["written"] + sum(kind["dropped"].values())
    assert len((files / "dropped.tsv").read_text().splitlines()) - 1 == sum(
        sum(kind["dropped"].values()) for kind in counts.values()
    )


def test_a_pipe_is_digested_as_it_is_read(tool, files):
    """A named pipe cannot be read again for its digest."""
    digests = []
    for name in ("rnas.fa", "pipe"):
        if name == "pipe":
            os.mkfifo(files / name)
            Thread(target=lambda: (files / "pipe").write_text(RNAS)).start()
        assert tool("filter", "-f", files / name, "--report", files / "r.json", files / "pairs.tsv").code == 0
        digests.append(json.loads((files / "r.json").read_text())["inputs"]["fasta"])
    assert digests[0] == digests[1]


def test_an_own_recipe_is_an_input_not_a_path_in_the_report(tool, files):
    (files / "own.toml").write_text("[filter]\nmax_length = 25\n")
    run(tool, files, "--recipe", files / "own.toml", "--type-pairs", "miRNA-snoRNA")
    text = (files / "report.json").read_text()
    assert str(files) not in text
    assert len(json.loads(text)["inputs"]["recipe"]) == 1
    assert json.loads(text)["longest_kept_nt"] == 25


def test_no_rna_left_is_an_error(expect_refusal, files):
    words = "no RNA is left of 8: 7 type-not-selected, 1 repeated-id (the RNAs have lncRNA, miRNA, snoRNA)"
    expect_refusal(3, words, "filter", "-f", files / "rnas.fa", "--rnas-only", "--rna-types", "mirna")


def test_pairs_come_from_stdin(tool, files):
    piped = tool("filter", "-f", files / "rnas.fa", "--quiet", stdin=PAIRS)
    assert piped.stdout == run(tool, files).stdout
    assert piped.stderr == ""


def test_filtering_twice_changes_nothing(tool, files):
    first = run(tool, files)
    again = tool("filter", "-f", files / "kept.fa", "--fasta-out", files / "again.fa", stdin=first.stdout)
    assert again.stdout == first.stdout
    assert (files / "again.fa").read_bytes() == (files / "kept.fa").read_bytes()


def test_rnas_only(tool, files):
    outcome = tool("filter", "-f", files / "rnas.fa", "--rnas-only", "--max-length", "25")
    assert outcome.code == 0
    assert [line for line in outcome.stdout.splitlines() if line.startswith(">")] == [
        ">mi1 type=miRNA", ">mi2 type=miRNA", ">mi3 type=miRNA", ">sno1 type=snoRNA", ">alone type=miRNA",
    ]  # fmt: skip
    assert "dropped 1: repeated-id" in outcome.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--min-length", "9", "--max-length", "3"], "--min-length 9 exceeds the longest RNA kept, 3"),
        (["--min-length", "0"], "0 is below 1"),
        (["--type-pairs", "miRNA-protein"], "--type-pairs miRNA-protein: the RNAs have lncRNA, miRNA, snoRNA"),
        (["--recipe", "no-such"], "no-such"),
        (["--rnas-only", "--fasta-out", "x"], "--rnas-only reads no pair table and writes the RNAs to -o"),
    ],
)
def test_usage(tool, files, args, message):
    outcome = tool("filter", "-f", files / "rnas.fa", *args, stdin=PAIRS)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert message in outcome.stderr


def test_ambiguous_error_names_the_record(expect_refusal, files):
    words = "rnas.fa:11: RNA 'lnc2' holds the ambiguous letter N (--ambiguous keep or drop accepts such RNAs)"
    expect_refusal(3, words, "filter", "-f", files / "rnas.fa", "--ambiguous", "error", files / "pairs.tsv")


def test_nothing_left_is_an_error(expect_refusal, files):
    expect_refusal(3, "no pair is left", "filter", "-f", files / "rnas.fa", "--max-length", "3", files / "pairs.tsv")
