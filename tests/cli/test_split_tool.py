"""cupid-split as a user meets it."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from cupid_tools.errors import InputError
from cupid_tools.io.fasta import load_rnas
from cupid_tools.io.pairs import PairTable
from cupid_tools.sampling.coded import code_pairs
from cupid_tools.sampling.relatives import related_groups
from cupid_tools.sampling.splits import SPLITTERS
from cupid_tools.sampling.splits.check import check_promise, refuse_leaks
from cupid_tools.sampling.splits.partition import TESTED, TRAINED
from cupid_tools.vocab import Rna

SMALL = 120


@pytest.fixture
def pairs(data, tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("".join((data / "pairs.tsv").read_text().splitlines(keepends=True)[: SMALL + 1]))
    return path


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("random", []),
        ("random-strict", ["--strict"]),
        ("unseen-b", ["--by", "unseen-b"]),
        ("unseen-both-strict", ["--by", "unseen-both", "--strict", "--valid-fraction", "0.3"]),
    ],
)
def test_golden(tool, golden, data, pairs, tmp_path, name, options):
    paths = {option: tmp_path / f"out.{option}" for option in ("dropped", "report")}
    files = [text for option, path in paths.items() for text in (f"--{option}", path)]
    outcome = tool("split", "-f", data / "rnas.fa", *options, *files, stdin=pairs.read_text())
    assert outcome.code == 0
    golden(outcome.stdout, f"split/{name}.tsv")
    golden(outcome.stderr, f"split/{name}.log")
    report = json.loads(paths["report"].read_text())
    written = len(outcome.stdout.splitlines()) - 1
    assert report["counts"]["pairs"]["read"] == SMALL == written + len(paths["dropped"].read_text().splitlines()) - 1
    assert sum(counts["rows"] for counts in report["splits"].values()) == written
    if name == "unseen-both-strict":
        golden(paths["dropped"], f"split/{name}.dropped.tsv")
        shared = report["shared_with_train"]["test"]
        assert all(side["rnas"] > 0 == side["relative_seen"] for side in shared.values())


def test_a_seed_decides(tool, data):
    def run(seed):
        return tool("split", "-f", data / "rnas.fa", "--seed", seed, data / "pairs.tsv").stdout

    assert run(3) == run(3) != run(4)


def test_a_split_that_is_there_is_replaced_with_a_warning(tool, data, pairs):
    first = tool("split", "-f", data / "rnas.fa", pairs).stdout
    again = tool("split", "-f", data / "rnas.fa", stdin=first)
    assert (again.stdout, again.code) == (first, 0)
    assert "WARNING: the split column of the input is replaced" in again.stderr


def test_the_users_groups_are_kept_whole(tool, data, tmp_path):
    table = tmp_path / "groups.tsv"
    rnas = load_rnas(data / "rnas.fa")
    of = {name: f"g{index % 40}" for index, name in enumerate(sorted(rnas))}
    table.write_text("id\tgroup\n" + "".join(f"{name}\t{group}\n" for name, group in of.items()))
    options = ["--by", "unseen-a", "--strict", "--groups", table]
    outcome = tool("split", "-f", data / "rnas.fa", *options, data / "pairs.tsv")
    assert outcome.code == 0
    rows = [line.split("\t") for line in outcome.stdout.splitlines()[1:]]
    tested = {of[a] for a, _, _, split in rows if split == "test"}
    assert tested
    assert not tested & {of[name] for a, b, _, split in rows if split != "test" for name in (a, b)}


def test_groups_that_lack_an_rna(expect_refusal, data, tmp_path):
    table = tmp_path / "groups.tsv"
    table.write_text("id\tgroup\nhsa-miR-424-5p\tx\n")
    options = ["--by", "unseen-a", "--strict", "--groups", table]
    expect_refusal(3, f"{table}: RNA 'ENST", "split", "-f", data / "rnas.fa", *options, data / "pairs.tsv")


@pytest.mark.parametrize("options", [["--groups", "groups.tsv"], ["--by", "unseen-a", "--groups", "g.tsv"]])
def test_options_that_do_not_go_together(expect_refusal, data, options):
    expect_refusal(2, "--strict", "split", "-f", data / "rnas.fa", *options, data / "pairs.tsv")


def test_a_split_that_gets_no_positive(expect_refusal, data, pairs):
    lines = pairs.read_text().splitlines(keepends=True)
    error = expect_refusal(
        3, "stdin: split 'valid' would hold no positive", "split", "-f", data / "rnas.fa", stdin="".join(lines[:4])
    )
    assert "positives: train" in error
    assert "--test-fraction" in error


def test_a_broken_promise_is_noticed(data):
    from cupid_tools.io.pairs import read_pairs

    pairs = code_pairs(read_pairs(data / "pairs.tsv"), load_rnas(data / "rnas.fa"), "rnas.fa")
    parts = pairs.a * 0 + TRAINED
    parts[0] = TESTED
    check_promise(pairs, pairs.sequences, parts, sides=())
    for side in (0, 1):
        with pytest.raises(AssertionError, match="test and train share"):
            check_promise(pairs, pairs.sequences, parts, sides=(side,))
    keys = pairs.pair_keys(related_groups(pairs.rnas))
    _, first, rows = np.unique(keys, return_index=True, return_counts=True)
    parts = pairs.a * 0 + TRAINED
    parts[first[rows > 1][0]] = TESTED
    with pytest.raises(AssertionError, match="test and train share"):
        check_promise(pairs, related_groups(pairs.rnas), parts, sides=())


@pytest.mark.parametrize(
    ("how", "words"),
    [("flip", "~flip' ends in ~flip, so it was augmented already"), ("swap", "its origin is augmented:swap")],
)
@pytest.mark.parametrize("by", list(SPLITTERS))
def test_copies_must_not_part_from_their_pair(tool, expect_refusal, data, pairs, tmp_path, how, words, by):
    split = tool("split", "-f", data / "rnas.fa", pairs).stdout
    options = ["--how", how, "--fasta-out", tmp_path / "all.fa"]
    augmented = tool("augment", "-f", data / "rnas.fa", *options, stdin=split).stdout
    error = expect_refusal(3, words, "split", "-f", tmp_path / "all.fa", "--by", by, stdin=augmented)
    assert error.startswith("cupid-split: ERROR: stdin:122: ")
    assert error.endswith("(split first, then augment)")


@pytest.fixture
def augmented(tool, data, pairs, tmp_path):
    """A table whose every split was augmented, and its FASTA."""
    split = tool("split", "-f", data / "rnas.fa", pairs).stdout
    options = ["--splits", "train,valid,test", "--fasta-out", tmp_path / "all.fa"]
    return tool("augment", "-f", data / "rnas.fa", *options, stdin=split).stdout, tmp_path / "all.fa"


def test_the_published_valid_rows_are_chosen_among_copies(tool, augmented, tmp_path):
    table, fasta = augmented
    outcome = tool("split", "-f", fasta, "--published-valid", "--report", tmp_path / "run.json", stdin=table)
    assert outcome.code == 0
    before, after = ([line.split("\t") for line in text.splitlines()[1:]] for text in (table, outcome.stdout))
    assert [row[:3] for row in before] == [row[:3] for row in after]
    place = table.splitlines()[0].split("\t").index("split")
    tested = [row[place] == "test" for row in before]
    assert tested == [row[place] == "test" for row in after]
    valid = sum(row[place] == "valid" for row in after)
    assert valid == pytest.approx(0.2 * (len(after) - sum(tested)), abs=1)
    assert re.search(
        r"WARNING: \d+ of \d+ valid rows are copies of train rows: figures on valid flatter", outcome.stderr
    )
    assert "column of the input is replaced" not in outcome.stderr
    assert json.loads((tmp_path / "run.json").read_text())["method"] == "each row by itself"
    rows = table.splitlines(keepends=True)
    again = tool("split", "-f", fasta, "--published-valid", stdin="".join([rows[0], *reversed(rows[1:])])).stdout
    assert sorted(again.splitlines()) == sorted(outcome.stdout.splitlines())
    other = tool("split", "-f", fasta, "--published-valid", "--seed", "2", stdin=table).stdout
    assert other != outcome.stdout


@pytest.mark.parametrize("options", [["--by", "unseen-a"], ["--strict"], ["--test-fraction", "0.3"]])
def test_published_valid_rows_are_chosen_at_random_alone(expect_refusal, augmented, options):
    table, fasta = augmented
    words = "--published-valid keeps the test rows"
    expect_refusal(2, words, "split", "-f", fasta, "--published-valid", *options, stdin=table)


def test_published_valid_rows_need_a_split(expect_refusal, data, pairs):
    words = f"{pairs}:1: column 'split' is missing (run cupid-split first"
    expect_refusal(3, words, "split", "-f", data / "rnas.fa", "--published-valid", pairs)


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ("a1", "test RNA 'a1' is not unseen: train holds it too"),
        ("twin", "test RNA 'a1' is not unseen: train holds its sequence as 'twin'"),
        ("cousin", "test RNA 'a1' is not unseen: train holds its relative as 'cousin'"),
    ],
)
def test_the_first_test_rna_that_train_knows_is_named(known, words):
    rnas = {name: Rna(name, sequence) for name, sequence in (("a1", "ACGU"), ("twin", "ACGU"), ("cousin", "ACGG"))}
    others = {"b1": "CCCC", "b2": "GGGG", "b3": "UUUU", "b4": "CGCG"}
    rnas |= {name: Rna(name, sequence) for name, sequence in others.items()}
    rows = [("b1", "b2", "test"), ("b2", "a1", "test"), (known, "b3", "train"), ("b3", "b4", "valid")]
    frame = pd.DataFrame(rows, columns=["id_a", "id_b", "split"], index=[2, 3, 4, 5], dtype=object)
    pairs = code_pairs(table := PairTable(frame, "pairs.tsv"), rnas, "rnas.fa")
    groups = np.array([0 if rna.sequence.startswith("ACG") else index + 1 for index, rna in enumerate(pairs.rnas)])
    with pytest.raises(
        InputError, match=rf"^pairs.tsv:3: {words} \(split with cupid-split --by unseen-both, and --str"
    ):
        refuse_leaks(table, pairs.rnas, pairs.a, pairs.b, groups)
    rest = table.column("split") != "train"
    refuse_leaks(table.where(rest), pairs.rnas, pairs.a[rest], pairs.b[rest], groups)
    chosen = table.assign(split=np.where(rest, table.column("split"), "valid"))
    with pytest.raises(InputError, match=words.replace("train", "valid")):
        refuse_leaks(chosen, pairs.rnas, pairs.a, pairs.b, groups)
