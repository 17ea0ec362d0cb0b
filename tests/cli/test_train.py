"""cupid-train: equal files from equal data, nothing from the test rows, and a good model whatever ends it."""

import hashlib
import json
import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from cupid_tools.cli.train import get_parser
from cupid_tools.io.store import StoreInfo
from cupid_tools.io.store_write import write_store
from cupid_tools.models import training
from cupid_tools.models.classifiers import CLASSIFIERS, DEFAULTS, SEQUENCES, VECTORS

SMALL = ["--hidden-layers", 2, "--hidden-size", 16, "--epochs", 4, "--batch-size", 64, "--threads", 1]
INFO = StoreInfo("kmer", "f", "p", "l")


def make_store(path, names, vectors):
    rows = [(name, row, hashlib.sha256(name.encode()).hexdigest(), 9) for row, name in enumerate(names)]
    write_store(path, INFO, rows, [vectors], shape=vectors.shape)


@pytest.fixture
def names():
    return [f"r{number:03}" for number in range(120)]


@pytest.fixture
def vectors(names):
    return np.random.default_rng(1).normal(size=(len(names), 6)).astype(np.float32)


@pytest.fixture
def store(tmp_path, names, vectors):
    make_store(tmp_path / "all.npy", names, vectors)
    return tmp_path / "all.npy"


@pytest.fixture
def rows(names, vectors):
    """1,200 pairs, none twice; they interact when both vectors lie on one side."""
    every = np.argwhere(np.triu(np.ones((len(names), len(names))), 1))
    first, second = np.random.default_rng(2).permutation(every)[:1200].T
    labels = (vectors[first, 0] * vectors[second, 0] > 0).astype(int)
    splits = np.repeat(["train", "valid", "test"], [800, 200, 200])
    return [
        f"{names[a]}\t{names[b]}\t{label}\t{split}\n"
        for a, b, label, split in zip(first, second, labels, splits, strict=True)
    ]


@pytest.fixture
def table(tmp_path, rows):
    return write(tmp_path / "pairs.tsv", rows)


def write(path, rows):
    path.write_text("id_a\tid_b\tlabel\tsplit\n" + "".join(rows))
    return path


def metadata(path):
    with safe_open(path, framework="np") as handle:
        return json.loads(handle.metadata()["cupid_tools"])


def train(tool, table, store, output, *options):
    return tool("train", "-e", store, "-o", output, *SMALL, *options, table)


def test_the_model_says_what_it_is(tool, table, store, tmp_path):
    outcome = train(tool, table, store, tmp_path / "m.safetensors", "--device", "cpu")
    assert (outcome.code, outcome.stdout) == (0, "")
    model = metadata(tmp_path / "m.safetensors")
    assert model["classifier"] == "mlp"
    assert model["config"] == {"hidden_layers": 2, "hidden_size": 16, "dropout": 0.2, "order": "free"}
    assert (model["dim"], model["store"]) == (6, vars(INFO))
    assert model["threshold"] == model["metrics"]["threshold"]
    trained = model["training"]
    assert (trained["recipe"], trained["seed"]) == ("mirinter-trans", 1)
    assert (trained["train"]["pairs"], trained["valid"]["pairs"]) == (800, 200)
    assert trained["settings"]["learning_rate"] == 5e-4
    assert model["versions"]["torch"] == torch.__version__
    assert str(tmp_path) not in json.dumps(model)
    assert f"kept epoch {model['metrics']['epoch']}" in outcome.stderr


def test_curves(tool, table, store, tmp_path):
    train(tool, table, store, tmp_path / "m.safetensors", "--curves", tmp_path / "curves.tsv", "--learning-rate", 0.01)
    header, *lines = (tmp_path / "curves.tsv").read_text().splitlines()
    assert header.split("\t") == [
        "epoch", "learning_rate", "train_loss", "valid_loss", "valid_auroc", "valid_average_precision", "valid_mcc",
        "threshold",
    ]  # fmt: skip
    values = np.array([line.split("\t") for line in lines], dtype=float)
    assert values[:, 0].tolist() == [1, 2, 3, 4]
    assert values[:, 1].tolist() == pytest.approx([0.0025, 0.005, 0.0075, 0.01])
    assert metadata(tmp_path / "m.safetensors")["metrics"]["epoch"] == values[values[:, 6].argmax(), 0]


def test_equal_data_give_equal_bytes_in_any_order_of_rows_and_rnas(tool, rows, names, vectors, store, table, tmp_path):
    shuffled = write(tmp_path / "shuffled.tsv", np.random.default_rng(3).permutation(rows))
    order = np.random.default_rng(4).permutation(len(names))
    make_store(tmp_path / "other.npy", [names[place] for place in order], vectors[order])
    paths = [tmp_path / f"{number}.safetensors" for number in range(4)]
    train(tool, table, store, paths[0])
    train(tool, table, store, paths[1])
    train(tool, shuffled, tmp_path / "other.npy", paths[2])
    train(tool, table, store, paths[3], "--seed", 2)
    contents = [path.read_bytes() for path in paths]
    assert contents[0] == contents[1] == contents[2]
    assert contents[3] != contents[0]


def test_test_rows_change_nothing(tool, rows, store, tmp_path):
    flip = {"0": "1", "1": "0"}
    turned = [
        f"{a}\t{b}\t{flip[label]}\t{split}" if split == "test\n" else f"{a}\t{b}\t{label}\t{split}"
        for a, b, label, split in (row.split("\t") for row in rows)
    ]
    without = [row for row in rows if "test" not in row]
    unknown = [*without, "nobody\tr001\t1\ttest\n"]
    contents = []
    for number, table in enumerate([rows, turned, without, unknown]):
        path = tmp_path / f"{number}.safetensors"
        assert train(tool, write(tmp_path / "t.tsv", table), store, path).code == 0
        contents.append(path.read_bytes())
    assert len(set(contents)) == 1


def test_the_digests_follow_the_data(tool, rows, store, tmp_path):
    digests = []
    for number, table in enumerate([rows, [rows[0].replace("train", "valid"), *rows[1:]]]):
        path = tmp_path / f"{number}.safetensors"
        train(tool, write(tmp_path / "t.tsv", table), store, path, "--epochs", 1)
        digests.append(metadata(path)["training"]["digests"]["pairs"])
    assert digests[0] != digests[1]


def test_two_stores_are_one(tool, names, vectors, table, store, tmp_path):
    make_store(tmp_path / "a.npy", names[:50], vectors[:50])
    make_store(tmp_path / "b.npy", names[50:], vectors[50:])
    train(tool, table, store, tmp_path / "one.safetensors")
    train(tool, table, tmp_path / "a.npy", tmp_path / "two.safetensors", "-e", tmp_path / "b.npy")
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()


def test_the_published_order_is_on_record(tool, table, store, tmp_path):
    train(tool, table, store, tmp_path / "m.safetensors", "--order", "published", "--select", "auroc")
    model = metadata(tmp_path / "m.safetensors")
    assert model["config"]["order"] == "published"
    assert model["training"]["settings"]["select"] == "auroc"


def test_a_recipe_of_ones_own(tool, table, store, tmp_path):
    from cupid_tools import recipes

    text = (recipes._FOLDER / "ncrna-cupid.toml").read_text().replace("dropout = 0.2", "dropout = 0.1")
    (tmp_path / "own.toml").write_text(text)
    assert train(tool, table, store, tmp_path / "m.safetensors", "--recipe", tmp_path / "own.toml").code == 0
    model = metadata(tmp_path / "m.safetensors")
    assert model["config"]["dropout"] == 0.1
    assert model["training"]["recipe"] == "own"


def test_the_report_counts_what_was_left_out(tool, table, store, tmp_path):
    train(tool, table, store, tmp_path / "m.safetensors", "--report", tmp_path / "r.json")
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["counts"]["pairs"] == {"read": 1200, "added": 0, "written": 1000, "dropped": {"test-row": 200}}
    assert report["model"]["metrics"]["threshold"] == metadata(tmp_path / "m.safetensors")["threshold"]


def without(rows, label, split):
    return [row for row in rows if row.split("\t")[2:] != [label, f"{split}\n"]]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda rows: [row for row in rows if "valid" not in row], "has no valid rows"),
        (lambda rows: [row for row in rows if "train" not in row], "has no train rows"),
        (lambda rows: without(rows, "1", "valid"), "split valid has no positives"),
        (lambda rows: without(rows, "0", "train"), "split train has no negatives (draw some with cupid-negatives)"),
        (lambda rows: [*rows, "nobody\tr001\t1\ttrain\n"], "t.tsv:1202: "),
        (lambda rows: [*rows, "r001\tr001\t1\ttrain\n"], "t.tsv:1202: pairs r001 with itself"),
    ],
)
def test_tables_that_cannot_be_learnt_from(expect_refusal, rows, store, tmp_path, spoil, words):
    expect_refusal(3, words, "train", "-e", store, write(tmp_path / "t.tsv", spoil(rows)), suffix=".safetensors")


def test_every_number_of_every_classifier_is_an_option():
    kinds = [CLASSIFIERS.load(name) for name in CLASSIFIERS]
    wanted = {field.name for kind in kinds for part in (kind.Config, kind.Training) for field in fields(part)}
    parser = get_parser()
    (group,) = (group for group in parser._action_groups if group.title == "settings")
    assert {action.dest for action in group._group_actions} == wanted


@pytest.mark.parametrize("name", [name for name in CLASSIFIERS if CLASSIFIERS.load(name).reads == SEQUENCES])
def test_classifiers_of_sequences_learn_from_fasta(tool, chain, tmp_path, name):
    def learn(output, *further):
        argv = ["--classifier", name, "-f", chain.path("all.fa"), "-o", output, *further, chain.path("dataset.tsv")]
        outcome = tool("train", *argv)
        assert outcome.code == 0, outcome.stderr
        return outcome

    outcome = learn(tmp_path / "one.safetensors", "--report", tmp_path / "r.json")
    assert f"rows that augmentation made: {name} reads sequences" in outcome.stderr
    model = metadata(tmp_path / "one.safetensors")
    assert (model["classifier"], model["dim"], model["store"]) == (name, 0, None)
    assert model["training"]["recipe"] is None
    counts = json.loads((tmp_path / "r.json").read_text())["counts"]["pairs"]
    assert counts["dropped"]["augmented-row"] > 0
    assert counts["written"] == model["training"]["train"]["pairs"] + model["training"]["valid"]["pairs"]
    learn(tmp_path / "two.safetensors", "--threads", "1")
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()
    scores = [
        tool("score", "-m", tmp_path / "one.safetensors", "-f", chain.path("kept.fa"), stdin=text).stdout
        for text in both_orders(chain)
    ]
    assert [row.split("\t")[-2:] for row in scores[0].splitlines()] == [
        row.split("\t")[-2:] for row in scores[1].splitlines()
    ]


def both_orders(chain):
    """The first pairs of the chain as a table, and with the RNAs of each changed over."""
    lines = Path(chain.path("kept.tsv")).read_text().splitlines()
    a, b = (lines[0].split("\t").index(column) for column in ("id_a", "id_b"))
    pairs = [(line.split("\t")[a], line.split("\t")[b]) for line in lines[1:60]]
    for first, second in ((0, 1), (1, 0)):
        yield "id_a\tid_b\n" + "".join(f"{pair[first]}\t{pair[second]}\n" for pair in pairs)


def test_the_default_reads_what_is_given(tool, chain, table, store, tmp_path):
    argv = ["-f", chain.path("all.fa"), "-o", tmp_path / "m.safetensors", chain.path("dataset.tsv")]
    assert tool("train", *argv).code == 0
    assert metadata(tmp_path / "m.safetensors")["classifier"] == DEFAULTS[SEQUENCES]
    assert train(tool, table, store, tmp_path / "n.safetensors").code == 0
    assert metadata(tmp_path / "n.safetensors")["classifier"] == DEFAULTS[VECTORS]


def test_settings_of_another_classifier(expect_refusal, table, store, chain):
    words = "--leaves is no setting of mlp (leave it out, or choose another --classifier)"
    expect_refusal(2, words, "train", "-e", store, "--leaves", 4, table, suffix=".safetensors")
    words = "mlp reads vectors, not sequences (give the --embeddings of cupid-embed)"
    expect_refusal(2, words, "train", "--classifier", "mlp", "-f", chain.path("all.fa"), table, suffix=".safetensors")
    words = "duplex reads sequences, not vectors (give --fasta without --embeddings)"
    expect_refusal(2, words, "train", "--classifier", "duplex", "-e", store, table, suffix=".safetensors")


def test_a_leak_is_refused_by_name(expect_refusal, chain):
    argv = ["train", "-f", chain.path("all.fa"), "--require-unseen", "rnas", chain.path("dataset.tsv")]
    expect_refusal(3, "is not unseen: train holds it too", *argv, suffix=".safetensors")


def test_options_out_of_range(expect_refusal, table, store):
    expect_refusal(2, "dropout is 1", "train", "-e", store, "--dropout", 1, table, suffix=".safetensors")
    expect_refusal(2, "unknown device 'tpu'", "train", "-e", store, "--device", "tpu", table, suffix=".safetensors")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there(expect_refusal, table, store):
    words = "device cuda is not there (0 found) (use --device cpu)"
    expect_refusal(4, words, "train", "-e", store, "--device", "cuda", table, suffix=".safetensors")


def test_a_loss_that_is_no_number_from_the_start(expect_refusal, table, store):
    options = [*SMALL, "--learning-rate", "1e30", "--warmup-epochs", 0]
    expect_refusal(1, "no number in epoch 1", "train", "-e", store, *options, table, suffix=".safetensors")


def test_a_loss_that_is_no_number_later_keeps_the_model(tool, table, store, tmp_path, monkeypatch):
    learn = training._Run._learn
    monkeypatch.setattr(training._Run, "_learn", lambda run, epoch: learn(run, epoch) if epoch < 3 else np.nan)
    curves = tmp_path / "curves.tsv"
    outcome = train(tool, table, store, tmp_path / "m.safetensors", "--curves", curves)
    best = metadata(tmp_path / "m.safetensors")["metrics"]["epoch"]
    assert outcome.code == 1
    assert (
        f"no number in epoch 3 (lower --learning-rate); {tmp_path}/m.safetensors holds epoch {best}" in outcome.stderr
    )
    assert len(curves.read_text().splitlines()) == 3


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_the_best_epoch(tool, table, store, tmp_path, sent):
    code = "import sys; from cupid_tools.cli.train import main; sys.exit(main())"
    output = tmp_path / "m.safetensors"
    options = [*SMALL, "--epochs", 100_000, "--patience", 100_000, "-e", store, "-o", output, table]
    argv = [sys.executable, "-c", code, *map(str, options)]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if "epoch 3 of" in line:
                break
        process.send_signal(sent)
        rest = process.stderr.read()
        assert process.wait(30) == 130
    best = metadata(output)["metrics"]["epoch"]
    assert "cupid-train: ERROR: interrupted in epoch" in rest
    assert f"{output} holds epoch {best}, the best so far" in rest
    assert tool("score", "-m", output, "-e", store, table).code == 0


def test_curves_that_cannot_be_written_leave_the_old_model(tool, table, store, tmp_path):
    (tmp_path / "m.safetensors").write_text("yesterday")
    outcome = train(tool, table, store, tmp_path / "m.safetensors", "--curves", "/dev/full")
    assert (outcome.code, (tmp_path / "m.safetensors").read_text()) == (1, "yesterday")
    assert "/dev/full: no space left on device" in outcome.stderr


def test_a_pair_in_train_and_valid_is_warned_of(tool, rows, store, tmp_path):
    a, b, label, _ = next(row for row in rows if row.endswith("train\n")).split("\t")
    table = write(tmp_path / "t.tsv", [*rows, f"{b}\t{a}\t{label}\tvalid\n"])
    assert "WARNING: 1 pairs are in train and in valid" in train(tool, table, store, tmp_path / "m.safetensors").stderr


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--negative-share", "nan", "nan is not finite"),
        ("--dropout", "much", "'much' is no number"),
        ("--threads", "100000", "100000 threads are more than the"),
    ],
)
def test_values_that_are_no_numbers_or_too_many(tool, table, store, tmp_path, option, value, words):
    outcome = train(tool, table, store, tmp_path / "m.safetensors", option, value)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert words in outcome.stderr
