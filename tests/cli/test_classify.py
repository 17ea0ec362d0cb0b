"""cupid-classify: types told from sequences and from vectors, in any order, with one sentence for what is wrong."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from cupid_tools.models.types import UNKNOWN_BELOW, training
from tests.typed_rnas import LETTERS, fasta_of, typed_rnas

NAMES = sorted(LETTERS)
SMALL = ["--width", 16, "--layers", 1, "--heads", 2, "--feed-forward", 2, "--epochs", 4, "--learning-rate", 0.01]
SMALL += ["--batch-size", 8, "--valid-fraction", 0.3, "--threads", 1, "--device", "cpu"]
ROOT = Path(__file__).parents[2]


def written(path, rnas):
    path.write_text(fasta_of(rnas))
    return path


def embedded(tool, fasta):
    store = fasta.with_suffix(".npy")
    assert tool("embed", "--encoder", "kmer", "-o", store, fasta).code == 0
    return store


@pytest.fixture
def fasta(tmp_path):
    return written(tmp_path / "rnas.fa", typed_rnas(20))


@pytest.fixture
def unseen(tmp_path):
    return written(tmp_path / "unseen.fa", typed_rnas(10, seed=2))


@pytest.fixture
def model(tool, fasta, tmp_path):
    """A model of vectors."""
    path = tmp_path / "model.safetensors"
    assert tool("classify", "train", "-f", fasta, "-e", embedded(tool, fasta), "-o", path, "--threads", 1).code == 0
    return path


@pytest.fixture
def network(tool, fasta, tmp_path):
    """A model of sequences."""
    path = tmp_path / "network.safetensors"
    assert tool("classify", "train", "-f", fasta, "-o", path, *SMALL).code == 0
    return path


def metadata(path):
    with safe_open(path, framework="np") as handle:
        return json.loads(handle.metadata()["cupid_tools"])


def rows(text):
    header, *lines = (line.split("\t") for line in text.splitlines())
    return [dict(zip(header, line, strict=True)) for line in lines]


def measured(path):
    return {(row["type"], row["metric"]): row for row in rows(path.read_text())}


def test_a_model_of_vectors_says_what_it_is(tool, model, fasta, tmp_path):
    found = metadata(model)
    assert (found["classifier"], found["dim"], found["types"]) == ("logistic", 340, NAMES)
    assert found["store"]["encoder"] == "kmer"
    trained = found["training"]
    assert [trained["train"][kind] + trained["valid"][kind] for kind in NAMES] == [20, 20, 20]
    assert set(trained["valid"].values()) == {2}
    assert {"ece", "ece_before", "f1_macro", "stage"} <= found["metrics"].keys()
    assert found["versions"]["torch"] == torch.__version__
    assert str(tmp_path) not in json.dumps(found)


@pytest.mark.parametrize("kind", ["model", "network"])
def test_types_of_unseen_rnas_with_the_probability_of_each(tool, kind, unseen, tmp_path, request):
    outcome = tool(
        "classify", "predict", "-m", request.getfixturevalue(kind), "-f", unseen, "--metrics", tmp_path / "m.tsv",
        "--confusion", tmp_path / "c.tsv", "--figure", tmp_path / "f.svg", "--bootstrap", 50,
    )  # fmt: skip
    assert outcome.code == 0
    found = rows(outcome.stdout)
    assert list(found[0]) == ["id", "type", "probability", *NAMES]
    assert [row["id"] for row in found] == [rna.id for rna in typed_rnas(10, seed=2)]
    for row in found:
        chances = [float(row[name]) for name in NAMES]
        assert sum(chances) == pytest.approx(1, abs=1e-5)
        assert float(row["probability"]) == max(chances)
        best = NAMES[int(np.argmax(chances))]
        assert row["type"] == (best if max(chances) >= UNKNOWN_BELOW else "unknown")
    metrics = measured(tmp_path / "m.tsv")
    right = np.mean([row["id"].startswith(NAMES[np.argmax([float(row[name]) for name in NAMES])]) for row in found])
    assert float(metrics["all", "f1_micro"]["value"]) == pytest.approx(right, abs=1e-5)
    assert right > 0.8
    assert float(metrics["all", "f1_micro"]["low"]) <= right <= float(metrics["all", "f1_micro"]["high"])
    confusion = rows((tmp_path / "c.tsv").read_text())
    assert [sum(int(row[name]) for name in (*NAMES, "unknown")) for row in confusion] == [10, 10, 10]
    assert (tmp_path / "f.svg").read_text().startswith("<svg")


@pytest.mark.parametrize("kind", ["model", "network"])
def test_an_answer_depends_on_its_rna_alone(tool, kind, unseen, tmp_path, request):
    path = request.getfixturevalue(kind)
    rnas = typed_rnas(10, seed=2)
    whole = sorted(tool("classify", "predict", "-m", path, "-f", unseen).stdout.splitlines()[1:])
    turned = written(tmp_path / "turned.fa", rnas[::-1])
    assert sorted(tool("classify", "predict", "-m", path, "-f", turned).stdout.splitlines()[1:]) == whole
    alone = written(tmp_path / "alone.fa", rnas[7:8])
    assert tool("classify", "predict", "-m", path, "-f", alone).stdout.splitlines()[1] in whole


def test_vectors_of_a_store_and_those_that_are_made_give_the_same_table(tool, model, unseen):
    store = embedded(tool, unseen)
    tables = [
        tool("classify", "predict", "-m", model, *source).stdout
        for source in (["-f", unseen], ["-e", store], ["-f", unseen, "-e", store])
    ]
    assert tables[0] == tables[1] == tables[2] != ""


def test_types_of_a_table(tool, model, fasta, unseen, tmp_path):
    """They stand for those of headers, in training and where answers are measured."""
    table = tmp_path / "types.tsv"
    table.write_text("id\ttype\n" + "".join(f"{rna.id}\t{rna.type}\n" for rna in typed_rnas(20)))
    again = tmp_path / "again.safetensors"
    outcome = tool("classify", "train", "-e", fasta.with_suffix(".npy"), "--types", table, "-o", again, "--threads", 1)
    assert outcome.code == 0
    assert "only equal RNAs count as relatives" in outcome.stderr
    assert again.read_bytes() == model.read_bytes()  # none of these RNAs has a relative
    table.write_text("id\ttype\n" + "".join(f"{rna.id}\tgc-rich\n" for rna in typed_rnas(10, seed=2)))
    for source in (["-f", unseen], ["-e", embedded(tool, unseen)]):
        metrics = tmp_path / "m.tsv"
        assert tool("classify", "predict", "-m", model, *source, "--types", table, "--metrics", metrics).code == 0
        assert measured(metrics)["gc-rich", "n"]["value"] == "30"


@pytest.mark.parametrize("method", ["network", "logistic", "boosting"])
def test_equal_data_give_equal_bytes_in_any_order(tool, fasta, tmp_path, method):
    turned = written(tmp_path / "turned.fa", typed_rnas(20)[::-1])
    contents = []
    for number, (source, seed) in enumerate([(fasta, 1), (turned, 1), (fasta, 2)]):
        path = tmp_path / f"{number}.safetensors"
        options = SMALL if method == "network" else ["-e", embedded(tool, source), "--threads", 1]
        argv = ("-f", source, "-o", path, "--method", method, "--seed", seed, *options)
        assert tool("classify", "train", *argv).code == 0
        contents.append(path.read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_what_is_left_out_is_counted_and_listed(tool, fasta, tmp_path):
    rnas = typed_rnas(20)
    copy, untyped = rnas[3]._replace(id="a-copy"), typed_rnas(1, seed=9)[0]
    text = fasta_of([*rnas, copy]) + f">untyped\n{untyped.sequence}\n"
    (tmp_path / "more.fa").write_text(text)
    store = embedded(tool, tmp_path / "more.fa")
    outcome = tool(
        "classify", "train", "-f", tmp_path / "more.fa", "-e", store, "-o", tmp_path / "m.safetensors",
        "--dropped", tmp_path / "dropped.tsv", "--report", tmp_path / "report.json",
        "--curves", tmp_path / "curves.tsv",
    )  # fmt: skip
    assert outcome.code == 0
    assert "left out 2 of 62 RNAs: 1 no-type, 1 repeated-sequence" in outcome.stderr
    assert sorted((tmp_path / "dropped.tsv").read_text().splitlines()[1:]) == [
        f"rna\t{rnas[3].id}\t\trepeated-sequence", "rna\tuntyped\t\tno-type"
    ]  # fmt: skip
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["counts"]["rnas"]["written"] == 60
    assert report["model"]["metrics"]["ece"] is not None
    stages = rows((tmp_path / "curves.tsv").read_text())
    best = min(stages, key=lambda row: float(row["valid_loss"]))
    assert int(best["stage"]) == report["model"]["metrics"]["stage"]


def test_relatives_are_held_out_together(tool, tmp_path):
    """One group a type but for few RNAs: only these can be held out."""
    rnas = typed_rnas(20)
    lines = [f"{rna.id}\t{rna.type if number < 45 else rna.id}\n" for number, rna in enumerate(rnas)]
    (tmp_path / "groups.tsv").write_text("id\tgroup\n" + "".join(lines))
    fasta = written(tmp_path / "rnas.fa", rnas)
    argv = ("-f", fasta, "-e", embedded(tool, fasta), "--groups", tmp_path / "groups.tsv", "--valid-fraction", 0.4)
    assert tool("classify", "train", *argv, "-o", tmp_path / "m.safetensors").code == 0
    assert set(metadata(tmp_path / "m.safetensors")["training"]["valid"].values()) == {5}


def test_a_type_of_few_relatives_is_told(tool, tmp_path):
    rare = [rna for rna in typed_rnas(20) if rna.type != "purines" or rna.id.endswith("-1-0")]
    fasta = written(tmp_path / "rnas.fa", rare)
    outcome = tool("classify", "train", "-f", fasta, "-e", embedded(tool, fasta), "-o", tmp_path / "m.safetensors")
    assert outcome.code == 0
    assert "WARNING: type purines has 1 groups of relatives only" in outcome.stderr
    assert metadata(tmp_path / "m.safetensors")["training"]["valid"]["purines"] == 0


def test_the_threshold_of_unknown(tool, model, unseen):
    kinds = {}
    for threshold in (0, 0.5, 1):
        outcome = tool("classify", "predict", "-m", model, "-f", unseen, "--unknown-below", threshold)
        kinds[threshold] = [row["type"] for row in rows(outcome.stdout)]
    assert "unknown" not in kinds[0]
    assert kinds[0].count("unknown") <= kinds[0.5].count("unknown") <= kinds[1].count("unknown")
    assert kinds[1].count("unknown") > 25


def test_types_that_the_model_does_not_know_are_told_and_wrong(tool, model, tmp_path):
    rnas = [rna._replace(type="moonRNA" if rna.type == "purines" else rna.type) for rna in typed_rnas(10, seed=2)]
    outcome = tool(
        "classify", "predict", "-m", model, "-f", written(tmp_path / "x.fa", rnas), "--metrics", tmp_path / "m.tsv",
        "--confusion", tmp_path / "c.tsv",
    )  # fmt: skip
    assert outcome.code == 0
    assert "10 RNAs are of types that" in outcome.stderr
    assert "count as wrong: moonRNA" in outcome.stderr
    metrics = measured(tmp_path / "m.tsv")
    assert metrics["moonRNA", "recall"]["value"] == "0"
    assert float(metrics["all", "f1_micro"]["value"]) < 0.67
    assert [row["type"] for row in rows((tmp_path / "c.tsv").read_text())] == [*NAMES, "moonRNA"]


def test_a_pipe_gives_the_table_too(tool, model, unseen):
    assert tool("classify", "predict", "-m", model, "-f", "-", stdin=unseen.read_bytes()) == tool(
        "classify", "predict", "-m", model, "-f", unseen
    )


def test_one_block_after_the_other_gives_the_same_bytes(tool, network, unseen, monkeypatch):
    whole = tool("classify", "predict", "-m", network, "-f", unseen).stdout
    monkeypatch.setattr("cupid_tools.io.rna_blocks._MOST_RNAS", 4)
    assert tool("classify", "predict", "-m", network, "-f", unseen).stdout == whole


def test_a_network_goes_on_from_an_encoder(tool, expect_refusal, fasta, unseen, tmp_path):
    """It has that one's sizes and numbers, and is another than one that starts from nothing."""
    encoder, path = tmp_path / "encoder.safetensors", tmp_path / "m.safetensors"
    sizes = ["--width", 24, "--layers", 1, "--heads", 2, "--epochs", 1, "--type-weight", 0, "--max-length", 50]
    pretrained = tool("pretrain", "--architecture", "masked", *sizes, "--too-long", "crop", "-o", encoder, fasta)
    assert pretrained.code == 0, pretrained.stderr
    training = [*SMALL[SMALL.index("--epochs") :], "--learning-rate", "1e-9"]
    assert tool("classify", "train", "-f", fasta, "--start", encoder, "-o", path, *training).code == 0
    found = metadata(path)
    assert [found["config"][name] for name in ("width", "layers", "heads", "max_length")] == [24, 1, 2, 50]
    with safe_open(path, framework="np") as one, safe_open(encoder, framework="np") as other:
        assert found["training"]["start"] == json.loads(other.metadata()["cupid_tools"])["fingerprint"]
        names = [name for name in one.keys() if name.startswith("encoder.")]  # noqa: SIM118 - it is no dict
        assert len(names) > 5
        for name in names:
            np.testing.assert_allclose(one.get_tensor(name), other.get_tensor(name), atol=1e-6)
    assert tool("classify", "predict", "-m", path, "-f", unseen).code == 0
    expect_refusal(3, "holds weights of an encoder", "classify", "predict", "-m", encoder, "-f", unseen)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (">a type=x\nACGU\n>b type=x\nGGCC\n", "rnas.fa: has RNAs of one type only, x"),
        (">a\nACGU\n>b\nGGCC\n", "rnas.fa: names no RNA's type"),
        (">a type=x\nACGU\n>b type=y\nACGU\n", "rnas.fa:3: RNAs 'a' and 'b' have one sequence and two types, x and y"),
        (">a type=x\nACGU\n>a type=y\nGGCC\n", "rnas.fa:3: id 'a' occurs twice"),
        (">a type=x\nMKVLA\n", "RNA 'a' holds 'L', which is no RNA letter"),
        (">a type=x\nACGU\n>b type=y\nGGCC\n", "relatives leave no RNA that could be held out"),
        ("", "holds no RNA"),
    ],
)
def test_what_cannot_be_learned_from(expect_refusal, tmp_path, text, words):
    fasta = tmp_path / "rnas.fa"
    fasta.write_text(text)
    expect_refusal(3, words, "classify", "train", "-f", fasta)


def test_an_rna_that_the_store_lacks(tool, expect_refusal, tmp_path):
    few = embedded(tool, written(tmp_path / "few.fa", typed_rnas(5)))
    more = written(tmp_path / "more.fa", typed_rnas(6))
    expect_refusal(3, "few.npy: holds no vector of RNA", "classify", "train", "-f", more, "-e", few)


def test_an_rna_that_was_embedded_with_another_sequence(tool, model, expect_refusal, tmp_path):
    store = embedded(tool, written(tmp_path / "one.fa", typed_rnas(5)))
    rnas = typed_rnas(5)
    other = written(tmp_path / "two.fa", [rnas[0]._replace(sequence="ACGU"), *rnas[1:]])
    words = "was embedded with another sequence"
    expect_refusal(3, words, "classify", "train", "-f", other, "-e", store)
    expect_refusal(3, words, "classify", "predict", "-m", model, "-f", other, "-e", store)


def test_models_of_others(expect_refusal, model, fasta, data):
    pairs = ROOT / "cupid_tools" / "models" / "builtin" / "mirna-lncrna.safetensors"
    expect_refusal(3, "is a model of pairs, not of types", "classify", "predict", "-m", pairs, "-f", fasta)
    expect_refusal(3, "is a model of RNA types, not of pairs", "score", "-m", model, "-f", fasta, data / "pairs.tsv")
    expect_refusal(1, "none.safetensors: no such file", "classify", "predict", "-m", "none.safetensors", "-f", fasta)


def test_vectors_of_another_encoder(tool, model, expect_refusal, fasta):
    table = fasta.with_suffix(".tsv")
    table.write_text(table.read_text().replace("1-4-mers-hellinger", "5-mers"))
    words = "does not fit"
    expect_refusal(3, words, "classify", "predict", "-m", model, "-e", fasta.with_suffix(".npy"))
    expect_refusal(3, words, "classify", "predict", "-m", model, "-f", fasta, "-e", fasta.with_suffix(".npy"))


def test_vectors_for_a_model_of_sequences(tool, network, expect_refusal, fasta):
    store = embedded(tool, fasta)
    expect_refusal(2, "reads sequences, not --embeddings", "classify", "predict", "-m", network, "-e", store)


def test_sequences_for_a_method_of_vectors(expect_refusal, fasta):
    words = "logistic reads vectors, not sequences (make them with 'cupid-embed -o store.npy FASTA'"
    expect_refusal(2, words, "classify", "train", "-f", fasta, "--method", "logistic")


def test_nothing_to_measure(expect_refusal, model, tmp_path):
    (tmp_path / "bare.fa").write_text(">a\nACGU\n")
    words = "bare.fa: names no RNA's type, so there is nothing to measure"
    options = ("-f", tmp_path / "bare.fa", "--metrics", tmp_path / "m.tsv")
    expect_refusal(3, words, "classify", "predict", "-m", model, *options)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["train"], "a classifier reads sequences or vectors"),
        (["train", "-e", "x.npy"], "which types do the RNAs have?"),
        (["train", "-f", "x.fa", "--ridge", "3"], "--ridge is no setting of network"),
        (["train", "-f", "x.fa", "--width", "10"], "a width of 10 cannot be shared"),
        (["train", "-e", "x.npy", "-f", "x.fa", "--start", "mini"], "logistic starts from nothing"),
        (["train", "-f", "x.fa", "--start", "mini", "--width", "8"], "--width is told by what --start names"),
        (["predict", "-m", "m"], "where are the RNAs?"),
        (["predict", "-m", "m", "-f", "x", "--unknown-below", "1.5"], "it must be between 0 and 1"),
    ],
)
def test_options_that_make_no_sense(expect_refusal, argv, words):
    expect_refusal(2, words, "classify", *argv)


def test_a_loss_that_is_no_number(expect_refusal, fasta):
    words = "the loss was no number in stage 1 (lower --learning-rate)"
    argv = [*SMALL, "--learning-rate", "1e30"]
    expect_refusal(1, words, "classify", "train", "-f", fasta, *argv)


@pytest.fixture
def interrupted(monkeypatch):
    """Let Ctrl-C come before an epoch of a network."""

    def at(epoch):
        work = training._Run.epoch

        def broken(self, number):
            if number == epoch:
                raise KeyboardInterrupt
            return work(self, number)

        monkeypatch.setattr(training._Run, "epoch", broken)

    return at


def test_ctrl_c_keeps_the_best_epoch(tool, fasta, unseen, tmp_path, interrupted):
    interrupted(3)
    path = tmp_path / "m.safetensors"
    outcome = tool("classify", "train", "-f", fasta, "-o", path, *SMALL)
    assert outcome.code == 130
    assert "interrupted in stage 3" in outcome.stderr
    assert "the best so far" in outcome.stderr
    assert tool("classify", "predict", "-m", path, "-f", unseen).code == 0


def test_ctrl_c_in_the_first_epoch_leaves_nothing(expect_refusal, fasta, interrupted):
    interrupted(1)
    expect_refusal(130, "interrupted", "classify", "train", "-f", fasta, *SMALL)


def test_a_killed_training_leaves_yesterdays_model(fasta, tmp_path):
    """SIGTERM, as schedulers send it, before the first epoch is done."""
    path = tmp_path / "m.safetensors"
    path.write_text("yesterday\n")
    large = ["--width", "256", "--epochs", "1000", "--warmup-epochs", "999", "--batch-size", "1", "--threads", "1"]
    code = "import sys; from cupid_tools.cli.classify import main; sys.exit(main())"
    argv = [sys.executable, "-c", code, "train", "-f", str(fasta), "-o", str(path), *large]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        for line in process.stderr:
            if "to learn from" in line:
                break
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait() == 130, rest
    assert sorted(tmp_path.glob(".*.part")) == []
    kept = path.read_bytes()
    assert kept == b"yesterday\n" or "the best so far" in rest
