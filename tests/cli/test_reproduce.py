"""Repeating a protocol: the table beside the paper's, what is kept of a killed run, and what is assert_refused."""

import hashlib
import importlib
import json
from importlib.resources import files
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from cupid_tools.recipes.protocol import read_protocol
from cupid_tools.reproduction import result, scores
from tests.conftest import DATA, FOLDER, contents

QUICK = ("--encoder", "kmer", "--epochs", "2", "--per-positive", "2", "--bootstrap", "10", "--seed", "3")
RECIPES = files("cupid_tools.recipes")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Every third lncRNA is called a snoRNA, so that there are two of the paper's three type pairs."""
    types = tmp_path_factory.mktemp("study") / "types.tsv"
    lines = (DATA / "rnas.fa").read_text().splitlines()
    long = [line[1:].split()[0] for line in lines if "type=lncRNA" in line]
    types.write_text("id\ttype\n" + "".join(f"{name}\tsnoRNA\n" for name in long[::3]))
    return ["-f", str(DATA / "rnas.fa"), "--types", str(types), str(DATA / "pairs.tsv")]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """miRInter-Trans with a small net."""
    path = tmp_path_factory.mktemp("recipe") / "small.toml"
    path.write_text((RECIPES / "mirinter-trans.toml").read_text().replace("hidden_size = 1024", "hidden_size = 16"))
    return str(path)


def argv(recipe, study, folder, *options, variants="AVG,MAX,IntaRNA"):
    return [recipe, *QUICK, "--engine", "seed", "--variants", variants, *options, "-o", str(folder), *study]


@pytest.fixture(scope="module")
def finished(recipe, study, tmp_path_factory):
    """The folder of a whole run."""
    folder = tmp_path_factory.mktemp("finished") / "out"
    code = importlib.import_module("cupid_tools.cli.reproduce").main([*argv(recipe, study, folder), "--quiet"])
    assert code == 0
    return folder


def rows_of(folder):
    header, *lines = [line.split("\t") for line in (folder / "table.tsv").read_text().splitlines()]
    return [dict(zip_longest(header, line)) for line in lines]


def test_every_line_of_the_paper_is_there_with_its_figures(finished):
    rows = rows_of(finished)
    for variant in read_protocol("mirinter-trans").variants:
        if variant.name == "concat":
            continue
        mine = {row["type_pair"]: row for row in rows if row["variant"] == variant.name}
        assert list(mine) == ["lncRNA-miRNA", "miRNA-miRNA", "miRNA-snoRNA", "all"]
        for types, (auroc, auprc) in variant.published.items():
            assert (float(mine[types]["paper_auroc"]), float(mine[types]["paper_auprc"])) == (auroc, auprc)
        assert mine["all"]["paper_auroc"] == "NA"
    assert {row["variant"] for row in rows} == {"AVG", "MAX", "IntaRNA"}


def test_both_splits_are_measured_where_there_are_such_pairs(finished):
    for row in rows_of(finished):
        for design in ("published", "strict-C3"):
            auroc, positives = row[f"{design}_auroc"], float(row[f"{design}_positives"])
            assert (auroc == "NA") == (row["type_pair"] == "miRNA-miRNA") == (positives == 0)
            assert auroc == "NA" or 0 < float(auroc) < 1
            assert (row[f"{design}_gap_low"] == "NA") == (row["type_pair"] != "all")
            if auroc != "NA":
                gap = float(row[f"{design}_auprc"]) - float(row[f"{design}_baseline_auprc"])
                assert float(row[f"{design}_gap"]) == pytest.approx(gap, abs=1e-5)


def test_the_published_test_set_is_copied_four_times_and_the_strict_one_is_not(finished):
    pairs = {row["variant"]: row for row in rows_of(finished) if row["type_pair"] == "all"}
    assert float(pairs["AVG"]["published_positives"]) == 4 * float(pairs["IntaRNA"]["published_positives"])
    assert pairs["AVG"]["strict-C3_positives"] == pairs["IntaRNA"]["strict-C3_positives"]


def test_the_folder_holds_pages_nets_and_curves(finished):
    there = {str(path.relative_to(finished)) for path in finished.rglob("*") if path.is_file()}
    assert set(json.loads((finished / "metrics.json").read_text())["files"]) == there
    for design in ("published", "strict-C3"):
        assert f"{design}/report.html" in there
        for figure in ("precision-recall", "roc", "confusion", "loss", "heat-map"):
            assert f"{design}/figures/AVG-{figure}.svg" in there
        assert len((finished / "curves" / f"AVG-{design}.tsv").read_text().splitlines()) == 3
        with safe_open(finished / "models" / f"AVG-{design}.safetensors", "numpy") as model:
            assert model.get_tensor("hidden.0.weight").shape == (16, 2 * 340)
        assert f"models/MAX-{design}.safetensors" not in there  # it is that of AVG


def test_the_text_says_what_its_figures_are(finished):
    told = (finished / "summary.txt").read_text()
    assert told.startswith("miRInter-Trans: miRNA interactions from RNA-FM embeddings\n")
    for words in (
        "own data, which are not public in a readable form",
        "MAX is AVG here: the encoder has no states to pool",
        "Not as published: encoder kmer, not rnafm.",
        "Not as published: 2 negatives for each positive, not 20.",
        "Not as published: energies of seed, not intarna.",
        "Not as published: epochs 2, not 50.",
    ):
        assert words in told
    table = [line.split() for line in told.splitlines()]
    assert ["AVG", "miRNA-miRNA", "0.809", "0.227", *"-------"] in table
    auroc = {row["variant"]: row for row in rows_of(finished) if row["type_pair"] == "all"}["AVG"]["strict-C3_auroc"]
    line = next(line for line in table if line[:2] == ["AVG", "all"])
    assert line[2:4] == ["-", "-"]
    assert line[6] == f"{float(auroc):.3f}"


def test_a_killed_run_goes_on_and_gives_the_same_bytes(tool, recipe, study, finished, tmp_path, monkeypatch):
    folder = tmp_path / "out"
    with monkeypatch.context() as patch:

        def interrupt(*_args, **_options):
            raise KeyboardInterrupt

        patch.setattr(result, "side_by_side", interrupt)  # after all scores, before anything is written
        assert tool("reproduce", *argv(recipe, study, folder)).code == 130
    assert not folder.exists()
    with monkeypatch.context() as patch:
        patch.setattr(scores, "learn", None)  # nothing is trained a second time
        patch.setattr(scores, "embed_to_store", None)
        outcome = tool("reproduce", *argv(recipe, study, folder))
    assert outcome.code == 0, outcome.stderr
    assert outcome.stderr.count("taken from an interrupted run") == 2
    assert outcome.stdout == (finished / "summary.txt").read_text() == (folder / "summary.txt").read_text()
    relative = {path.relative_to(folder): content for path, content in contents(folder).items()}
    assert relative == {path.relative_to(finished): content for path, content in contents(finished).items()}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_order_of_the_pairs_does_not_matter(tool, recipe, study, finished, tmp_path):
    header, *lines = (DATA / "pairs.tsv").read_text().splitlines()
    mixed = tmp_path / "mixed.tsv"
    mixed.write_text("\n".join([header, *np.random.default_rng(1).permutation(lines)]) + "\n")
    outcome = tool("reproduce", *argv(recipe, [*study[:-1], mixed], tmp_path / "out", variants="IntaRNA"))
    assert outcome.code == 0, outcome.stderr
    assert [row for row in rows_of(finished) if row["variant"] == "IntaRNA"] == rows_of(tmp_path / "out")


def test_a_folder_of_something_else_is_left_alone(tool, recipe, study, tmp_path):
    (tmp_path / "mine.txt").write_text("precious\n")
    outcome = tool("reproduce", *argv(recipe, study, tmp_path))
    assert outcome.code == 1
    assert "is a folder that cupid-reproduce did not write" in outcome.stderr
    assert contents(tmp_path) == {tmp_path / "mine.txt": b"precious\n"}


@pytest.fixture
def assert_refused(expect_refusal, study):
    def run(code, words, *options, recipe="mirinter-trans", pairs=None):
        expect_refusal(code, words, "reproduce", recipe, *options, *study[:-1], pairs or study[-1], suffix=FOLDER)

    return run


def test_an_unknown_variant(assert_refused):
    assert_refused(
        2, "mirinter-trans has no variant 'AVGG' (known: AVG, concat, MAX, IntaRNA)", "--variants", "AVG,AVGG"
    )


def test_an_unknown_recipe(assert_refused):
    assert_refused(2, "unknown recipe 'ncrna' (known: mirinter-trans, ncrna-cupid;", recipe="ncrna")


def test_missing_weights_are_told_before_the_work(assert_refused, tmp_path):
    words = "AVG: the weights of rnafm are not in "
    assert_refused(4, words, "--variants", "AVG", "--weights-dir", str(tmp_path / "none"))


def test_a_missing_engine_is_told_before_the_work(assert_refused, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert_refused(4, "or give another --engine, or --variants without IntaRNA)", "--encoder", "kmer")


def test_a_recipe_that_lacks_what_is_read(assert_refused, tmp_path):
    whole = (RECIPES / "ncrna-cupid.toml").read_text()
    own = tmp_path / "own.toml"
    own.write_text(whole.replace("[negatives]", "[recipe.negatives]"))
    assert_refused(3, "'negatives' in [recipe] is unknown", recipe=str(own))
    own.write_text(whole.partition("[variants.AVG]")[0])
    assert_refused(3, "has no [variants]", recipe=str(own))


def test_a_recipe_of_ones_own_is_named_by_its_content(finished, recipe):
    told = (finished / "metrics.json").read_text()
    assert json.loads(told)["inputs"]["recipe"] == hashlib.sha256(Path(recipe).read_bytes()).hexdigest()
    assert recipe not in told


def test_relatives_that_leave_nothing_for_strict_c3(assert_refused, tmp_path):
    """Where all miRNAs are one group, none of them can be unseen."""
    names = [line[1:].split()[0] for line in (DATA / "rnas.fa").read_text().splitlines() if line[0] == ">"]
    groups = tmp_path / "groups.tsv"
    groups.write_text("id\tgroup\n" + "".join(f"{name}\t{name[:7]}\n" for name in names))
    words = "pairs.tsv (strict-C3): split 'valid' would hold no positive"
    assert_refused(3, words, *QUICK, "--engine", "seed", "--groups", str(groups))


def test_pairs_that_do_not_interact_are_left_aside_and_counted(tool, study, tmp_path):
    pairs, report = tmp_path / "pairs.tsv", tmp_path / "report.json"
    lines = (DATA / "pairs.tsv").read_text().splitlines()
    pairs.write_text("\n".join([*lines[:-100], *(line[:-1] + "0" for line in lines[-100:])]) + "\n")
    options = ("--variants", "IntaRNA", "--engine", "seed", "--report", report, "-o", tmp_path / "out")
    outcome = tool("reproduce", "ncrna-cupid", *QUICK, *options, *study[:-1], pairs)
    assert outcome.code == 0, outcome.stderr
    counts = json.loads(report.read_text())["counts"]["pairs"]
    assert counts["dropped"] == {"label-0": 100}
    assert counts["written"] + sum(counts["dropped"].values()) == len(lines) - 1
    assert [row["type_pair"] for row in rows_of(tmp_path / "out")] == ["all", "lncRNA-miRNA", "miRNA-snoRNA"]
