"""cupid-explain: tables, drawings and a page for the best pairs, whichever kind of model scored them."""

import json

import pytest
import torch

from cupid_tools.io.store import StoreInfo
from cupid_tools.models.checkpoint import ModelInfo, save_model
from cupid_tools.models.classifiers.duplex import Duplex
from tests.conftest import FOLDER

PAIRS = "id_a\tid_b\nlet7\tlnc\nlet7\tpoor\nlnc\tpoor\nlnc\tlet7\n"
GUIDE = "UGAGGUAGUAGGUUGUAUAGUU"
RNAS = (
    f">let7 type=miRNA\n{GUIDE}\n>lnc type=lncRNA\n{'ACAACCA' * 12}ACUAUACAACCNACUACCUCA{'CAACAAA' * 12}\n>poor\n"
    f"{'A' * 40}\n"
)


@pytest.fixture
def duplex(tmp_path):
    """The energy before any training."""
    path = tmp_path / "duplex.safetensors"
    tensors = Duplex(Duplex.Config(), 0).state_dict()
    save_model(path, ModelInfo("duplex", {}, 0, None, 0.5, training={}, metrics={}, versions={}), tensors)
    return path


@pytest.fixture
def rnas(tmp_path):
    path = tmp_path / "rnas.fa"
    path.write_text(RNAS)
    return path


def table(path):
    header, *rows = (line.split("\t") for line in path.read_text().splitlines())
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_real_pairs(tool, golden, duplex, data, tmp_path):
    """One pair of a miRNA with a short lncRNA."""
    pairs = "id_a\tid_b\nhsa-miR-218-5p\tENST00000426942.5\n"
    outcome = tool("explain", "-m", duplex, "-f", data / "rnas.fa", "-o", tmp_path / "out", stdin=pairs)
    assert outcome.code == 0, outcome.stderr
    assert outcome.stdout == ""
    for name in ("positions.tsv", "duplexes.tsv", "drawings/0001-hsa-miR-218-5p-ENST00000426942.5.svg"):
        golden(tmp_path / "out" / name, f"explain/{name}")


def test_the_folder_of_a_duplex(tool, duplex, rnas, tmp_path):
    out = tmp_path / "out"
    options = ["-m", duplex, "-f", rnas, "-o", out, "--report", tmp_path / "report.json"]
    outcome = tool("explain", *options, stdin=PAIRS)
    assert outcome.code == 0, outcome.stderr
    assert f"page: {out}/index.html" in outcome.stderr
    found = table(out / "duplexes.tsv")
    assert (found[0]["id_a"], found[0]["id_b"]) == ("let7", "lnc")
    assert len(found) == 3  # the fourth is the first again
    assert found[0]["duplex"] == "(((((((((.((((((((((((&)))))))))))).)))))))))"
    assert (found[0]["start_a"], found[0]["end_b"]) == ("1", "105")
    assert found[0]["source"] == "model"
    poor = next(row for row in found if {row["id_a"], row["id_b"]} == {"lnc", "poor"})
    assert poor["duplex"] != "NA"
    positions = [row for row in table(out / "positions.tsv") if row["id_b"] == "lnc"]
    assert "".join(row["nucleotide"] for row in positions if row["side"] == "a") == GUIDE
    assert [row["position"] for row in positions if row["side"] == "b"] == [str(k) for k in range(1, 190)]
    assert {row["importance"] for row in positions} == {"NA"}
    hidden = next(row for row in positions if row["nucleotide"] == "N")
    assert hidden["pairing_probability"] == "0.0000"
    page = (out / "index.html").read_text()
    assert page.count("<svg") == 3
    assert "let7 1-22 pairs with lnc" in page
    listed = json.loads((out / "explanations.json").read_text())
    assert [pair["id_a"] for pair in listed["pairs"]] == [row["id_a"] for row in found]
    assert sorted(listed["files"]) == sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())
    counts = json.loads((tmp_path / "report.json").read_text())["counts"]["pairs"]
    assert counts == {"read": 4, "added": 0, "written": 3, "dropped": {"below-top": 1}}


def test_top_and_all(tool, duplex, rnas, tmp_path):
    counts = []
    for top in (1, 2, "all"):
        tool("explain", "-m", duplex, "-f", rnas, "-o", tmp_path / "out", "--top", top, stdin=PAIRS)
        counts.append(len(list((tmp_path / "out" / "drawings").iterdir())))
    assert counts == [1, 2, 3]


def test_both_orders_of_a_table_give_mirrored_tables_and_equal_drawings(tool, duplex, rnas, tmp_path):
    swapped = "id_a\tid_b\n" + "".join("\t".join(reversed(line.split("\t"))) + "\n" for line in PAIRS.splitlines()[1:4])
    for name, text in (("one", "".join(PAIRS.splitlines(keepends=True)[:4])), ("other", swapped)):
        tool("explain", "-m", duplex, "-f", rnas, "-o", tmp_path / name, stdin=text)
    mirror = {"a": "b", "b": "a"}
    keys = ("side", "position", "nucleotide", "pairing_probability", "importance")
    one, other = (
        sorted([(row["id"], *(row[key] for key in keys)) for row in table(tmp_path / name / "positions.tsv")])
        for name in ("one", "other")
    )
    assert sorted((name, mirror[side], *rest) for name, side, *rest in other) == one
    drawings = [sorted(p.read_bytes() for p in (tmp_path / name).rglob("*.svg")) for name in ("one", "other")]
    assert drawings[0] == drawings[1]


def test_a_model_of_vectors(tool, chain, tmp_path):
    for name, options in (("store", ["-e", chain.path("all.npy")]), ("encoder", [])):
        argv = ["-m", chain.path("model.safetensors"), "-f", chain.path("all.fa"), *options, "--top", 2]
        outcome = tool("explain", *argv, "-o", tmp_path / name, chain.path("scores.tsv"))
        assert outcome.code == 0, outcome.stderr
    one, other = (
        {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.[ts][sv][vg]")}
        for name in ("store", "encoder")
    )
    assert one == other
    rows = table(tmp_path / "store" / "positions.tsv")
    assert len({float(row["importance"]) for row in rows}) > 10
    assert {row["source"] for row in table(tmp_path / "store" / "duplexes.tsv")} == {"thermodynamics"}
    best = max(float(row["score"]) for row in table(tmp_path.__class__(chain.path("scores.tsv"))))
    assert float(table(tmp_path / "store" / "duplexes.tsv")[0]["score"]) == best


def test_ids_are_escaped(tool, duplex, tmp_path):
    (tmp_path / "odd.fa").write_text(RNAS.replace(">let7", ">../<b>&'\"é"))
    pairs = "id_a\tid_b\n../<b>&'\"é\tlnc\n"
    outcome = tool("explain", "-m", duplex, "-f", tmp_path / "odd.fa", "-o", tmp_path / "out", stdin=pairs)
    assert outcome.code == 0, outcome.stderr
    assert "<b>" not in (tmp_path / "out" / "index.html").read_text().replace("<b>the", "")
    assert [path.name for path in (tmp_path / "out" / "drawings").iterdir()] == ["0001-..__b_____-lnc.svg"]


def test_an_earlier_folder_is_replaced_and_another_is_not(tool, expect_refusal, duplex, rnas, tmp_path):
    argv = ["explain", "-m", duplex, "-f", rnas]
    first = tool(*argv, "-o", tmp_path / "out", stdin=PAIRS)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert first.code == tool(*argv, "-o", tmp_path / "out", stdin=PAIRS).code == 0
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    outcome = tool(*argv, "-o", tmp_path / "mine", stdin=PAIRS)
    assert outcome.code == 1
    assert "did not write" in outcome.stderr


def test_an_rna_without_a_sequence(expect_refusal, duplex, rnas):
    words = f"stdin:3: RNA 'nobody' is not in {rnas}"
    text = "id_a\tid_b\nlet7\tlnc\nlet7\tnobody\n"
    expect_refusal(3, words, "explain", "-m", duplex, "-f", rnas, stdin=text, suffix=FOLDER)


def test_a_store_is_not_for_a_model_of_sequences(expect_refusal, duplex, rnas, chain):
    words = "reads sequences, not --embeddings"
    argv = ["-m", duplex, "-f", rnas, "-e", chain.path("all.npy")]
    expect_refusal(2, words, "explain", *argv, stdin=PAIRS, suffix=FOLDER)


def test_vectors_that_only_a_store_has(expect_refusal, rnas, chain, tmp_path):
    """The model was trained on vectors of somebody's own, whose encoder we do not know."""
    weights = {
        "hidden.0.weight": torch.zeros(2, 4),
        "hidden.0.bias": torch.zeros(2),
        "output.weight": torch.zeros(1, 2),
        "output.bias": torch.zeros(1),
    }
    config = {"hidden_layers": 1, "hidden_size": 2, "dropout": 0.2, "order": "free"}
    info = ModelInfo("mlp", config, 2, StoreInfo("oracle", "f", "p", "whole"), 0.5, {}, {}, {})
    save_model(tmp_path / "m.safetensors", info, weights)
    words = "was made with encoder 'oracle' (RNAs with hidden stretches are in no store"
    argv = ["-m", tmp_path / "m.safetensors", "-f", rnas, "-e", chain.path("all.npy")]
    expect_refusal(3, words, "explain", *argv, stdin=PAIRS, suffix=FOLDER)


@pytest.mark.parametrize("top", ["0", "-1", "many"])
def test_a_number_of_pairs_that_is_none(tool, top):
    outcome = tool("explain", "-m", "x", "-f", "y", "-o", "z", "--top", top)
    assert outcome.code == 2


@pytest.fixture(scope="module")
def explained(chain, tmp_path_factory):
    """The folder of the two best pairs of the chain."""
    from cupid_tools.cli.explain import main

    folder = str(tmp_path_factory.mktemp("explained") / "out")
    assert main([*chain.argv("explain", output=folder), "--quiet"]) == 0
    return folder


def evaluate(tool, chain, output, explanations):
    argv = chain.argv("evaluate", output=str(output))
    return tool("evaluate", *argv, "--baselines", "none", "--explanations", explanations)


def test_a_report_takes_the_drawings_over(tool, chain, explained, tmp_path):
    outcome = evaluate(tool, chain, tmp_path / "report", explained)
    assert outcome.code == 0, outcome.stderr
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count('src="data:image/svg+xml;base64,') == 2
    assert '<a href="#explained">' in page
    best = table(tmp_path.__class__(explained) / "duplexes.tsv")[0]
    assert f"Explained with a score of {best['score']}. In scores: " in page


def test_explanations_of_other_pairs(tool, duplex, rnas, chain, tmp_path):
    tool("explain", "-m", duplex, "-f", rnas, "-o", tmp_path / "other", stdin=PAIRS)
    outcome = evaluate(tool, chain, tmp_path / "report", tmp_path / "other")
    assert outcome.code == 3
    assert f"{tmp_path}/other: explains let7, lnc, which is in no score table" in outcome.stderr


@pytest.mark.parametrize("listed", [None, "[]", "{}", '{"tool": "cupid-evaluate"}', '{"tool": "cupid-explain"}', "{"])
def test_a_folder_without_explanations(tool, chain, tmp_path, listed):
    if listed:
        (tmp_path / "explanations.json").write_text(listed)
    outcome = evaluate(tool, chain, tmp_path / "report", tmp_path)
    assert outcome.code == 3
    assert "(give a folder that cupid-explain wrote)" in outcome.stderr
