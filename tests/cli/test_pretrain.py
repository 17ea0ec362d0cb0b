"""cupid-pretrain: from a FASTA to an encoder that cupid-embed takes, through kills, and with all variants."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from cupid_tools.io.fasta import read_fasta
from tests.chain import TINY
from tests.conftest import DATA
from tests.language_models import save_own

RNAS = DATA / "rnas.fa"
SHORT = [*TINY, "--type-weight", "0"]
TYPED = ">a type=miRNA\nUGAGGUAGUAGGUUGUAUAGUU\n>b type=tRNA\nGCGGAUUUAGCUCAGUUGGGAGAGCGCCAGA\n"
TYPED += ">c type=miRNA\nUAGCUUAUCAGACUGAUGUUGA\n>d type=tRNA\nGGGCCCGUGGUCUAGUUGGUCAUGACGCCGC\n"


def rows(path):
    header, *lines = (line.split("\t") for line in path.read_text().splitlines())
    return [dict(zip(header, line, strict=True)) for line in lines]


def test_an_encoder_is_trained_and_embeds(tool, tmp_path):
    output, curves, report = tmp_path / "own.safetensors", tmp_path / "curves.tsv", tmp_path / "report.json"
    options = [*TINY[:-1], "8", "--learning-rate", "0.01"]
    done = tool("pretrain", *options, "-o", output, "--curves", curves, "--report", report, RNAS)
    assert done.code == 0, done.stderr
    assert "training on" in done.stderr
    found = rows(curves)
    assert [row["epoch"] for row in found] == [str(number) for number in range(1, 9)]
    assert float(found[-1]["train_loss"]) < float(found[0]["train_loss"])
    assert float(found[-1]["valid_loss"]) < float(found[0]["valid_loss"])
    assert float(found[-1]["type_f1_micro"]) > 0.8
    told = json.loads(report.read_text())
    longer = sum(len(rna.sequence) > 400 for rna in read_fasta(RNAS))
    assert told["counts"]["rnas"]["dropped"] == {"too-long": longer}
    store = tmp_path / "own.npy"
    embedded = tool("embed", "--encoder", f"own:{output}", "--long", "window", "--precision", "fp32", "-o", store, RNAS)
    assert embedded.code == 0, embedded.stderr
    vectors = np.load(store)
    assert vectors.shape[1] == 16
    assert np.unique(vectors.round(4), axis=0).shape == vectors.shape
    assert "# encoder=own" in store.with_suffix(".tsv").read_text()
    assert f"# fingerprint={told['encoder']['fingerprint']}" in store.with_suffix(".tsv").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("curves.tsv", "own.npy", "own.safetensors", "own.tsv", "report.json")
    ]


def test_a_run_that_was_killed_ends_with_the_same_bits(tool, tmp_path):
    options = [*TINY[:-1], "8", "--dropout", "0.1", "--threads", "1", "--checkpoint-steps", "1"]
    code = "import sys; from cupid_tools.cli.pretrain import main; sys.exit(main())"
    target = tmp_path / "killed.safetensors"
    parts = tmp_path / ".killed.safetensors.parts"
    process = subprocess.Popen([sys.executable, "-c", code, *options, "-o", target, RNAS], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not (parts / "checkpoint").exists() and time.monotonic() < end:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not target.exists()
    again = tool("pretrain", *options, "-o", target, RNAS)
    assert again.code == 0, again.stderr
    assert f"going on from {parts / 'checkpoint'}: " in again.stderr
    whole = tmp_path / "whole.safetensors"
    assert tool("pretrain", *options, "-o", whole, RNAS).code == 0
    assert target.read_bytes() == whole.read_bytes()
    assert not parts.exists()


def test_a_checkpoint_of_other_settings_is_refused_until_a_restart(tool, tmp_path, monkeypatch):
    from cupid_tools.models.pretraining import training

    plain = training.learning_rate

    def interrupt(settings, step, steps):
        if step == 2:
            raise KeyboardInterrupt
        return plain(settings, step, steps)

    output = tmp_path / "own.safetensors"
    options = [*SHORT, "--batch-size", "32"]
    with monkeypatch.context() as patch:
        patch.setattr(training, "learning_rate", interrupt)
        stopped = tool("pretrain", *options, "-o", output, RNAS)
    assert stopped.code == 130
    assert "cupid-pretrain: ERROR: interrupted after step 2 of 4 (the same command goes on from " in stopped.stderr
    other = tool("pretrain", *options, "--seed", "2", "-o", output, RNAS)
    assert other.code == 3
    assert "/.own.safetensors.parts/checkpoint: is of a run with data " in other.stderr or "with seed 1" in other.stderr
    assert "--restart begins anew" in other.stderr
    assert not output.exists()
    assert tool("pretrain", *options, "--seed", "2", "--restart", "-o", output, RNAS).code == 0
    assert output.exists()


def test_all_variants_are_compared(tool, tmp_path):
    recipe = tmp_path / "mine.toml"
    text = (DATA.parent / "cupid_tools" / "recipes" / "pretraining" / "rna-transformer.toml").read_text()
    head, _, _ = text.partition("[variants]")
    recipe.write_text(head + '[variants]\nnucleotides = ["random", "chemical"]\ntype_weight = [0.0, 0.1]\n')
    folder = tmp_path / "ablation"
    options = ["--ablation", folder, "--recipe", recipe, *TINY]
    done = tool("pretrain", *options, RNAS)
    assert done.code == 0, done.stderr
    table = rows(folder / "models.tsv")
    assert done.stdout == (folder / "models.tsv").read_text()
    assert [(row["nucleotides"], row["type_weight"]) for row in table] == [
        *(("random", "0.0"), ("random", "0.1"), ("chemical", "0.0"), ("chemical", "0.1"))
    ]
    assert [row["type_f1_macro"] == "NA" for row in table] == [True, False, True, False]
    effects = {(row["setting"], row["metric"]): row for row in rows(folder / "effects.tsv")}
    found = effects["nucleotides", "perplexity"]
    wanted = [float(table[2]["perplexity"]) - float(table[0]["perplexity"])]
    wanted += [float(table[3]["perplexity"]) - float(table[1]["perplexity"])]
    assert float(found["mean"]) == pytest.approx(np.mean(wanted), abs=1e-4)
    assert [float(found["least"]), float(found["largest"])] == pytest.approx(sorted(wanted), abs=1e-4)
    assert ("type_weight", "type_f1_macro") not in effects
    assert {path.name for path in (folder / "models").iterdir()} == {
        f"{nucleotides}-{weight}.safetensors" for nucleotides in ("random", "chemical") for weight in ("0.0", "0.1")
    }
    assert len(rows(folder / "curves.tsv")) == 4
    for figure in ("errors.svg", "types.svg"):
        assert (folder / figure).read_text().startswith("<svg")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert tool("pretrain", *options, RNAS).code == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_finished_variants_are_not_trained_again(tool, tmp_path, monkeypatch):
    from cupid_tools.reproduction import ablation

    plain, calls = ablation.pretrain, []

    def pretrain(*args, **options):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return plain(*args, **options)

    recipe = tmp_path / "mine.toml"
    text = (DATA.parent / "cupid_tools" / "recipes" / "pretraining" / "rna-transformer.toml").read_text()
    recipe.write_text(text.partition("[variants]")[0] + '[variants]\nnucleotides = ["random", "chemical"]\n')
    options = ["--ablation", tmp_path / "ablation", "--recipe", recipe, *SHORT]
    monkeypatch.setattr(ablation, "pretrain", pretrain)
    assert tool("pretrain", *options, RNAS).code == 130
    assert not (tmp_path / "ablation").exists()
    again = tool("pretrain", *options, RNAS)
    assert again.code == 0
    assert "1 of 2: random is there already" in again.stderr
    assert len(calls) == 3


REFUSED = {
    "all too long": (3, [*SHORT, "--max-length", "10"], TYPED, "stdin: every RNA is longer than 10 nt"),
    "one type": (3, [*TINY], TYPED.replace("tRNA", "miRNA"), "stdin: its RNAs have one type, and types count"),
    "no type": (3, [*TINY], TYPED.replace("type=", ""), "stdin: its RNAs have no type, and types count in the loss"),
    "proteins": (3, [*SHORT], ">a\nMKLVFF\n", "stdin:1: RNA 'a' holds 'L', which is no RNA letter"),
    "one id": (3, [*SHORT], ">a\nACGUACGU\n>a\nACGG\n", "stdin:3: id 'a' occurs twice with different sequences"),
    "relatives": (3, [*SHORT], ">a\nACGUACGU\n>b\nACGUACGU\n", "all its RNAs are relatives, so that none can be held"),
    "heads": (2, [*SHORT, "--heads", "3"], TYPED, "a width of 16 cannot be shared by 3 heads"),
    "share": (2, [*SHORT, "--valid-share", "1.5"], TYPED, "valid-share is 1.5 (it must be between 0 and 1)"),
    "weight": (2, [*TINY, "--type-weight", "1"], TYPED, "type-weight and contrast-weight together must be below 1"),
    "recipe": (2, [*SHORT, "--recipe", "mirinter-trans"], TYPED, "unknown recipe 'mirinter-trans' (known: mini, "),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_trained(expect_refusal, case):
    code, options, fasta, words = REFUSED[case]
    expect_refusal(code, words, "pretrain", *options, stdin=fasta, suffix=".safetensors")


def test_a_loss_that_is_no_number_is_told(tool, tmp_path):
    output = tmp_path / "own.safetensors"
    done = tool("pretrain", *SHORT[:-3], "9", "--type-weight", "0", "--learning-rate", "1e30", "-o", output, RNAS)
    assert done.code == 1
    assert "ERROR: the loss is no number in step " in done.stderr
    assert "(lower --learning-rate, and give --restart)" in done.stderr
    assert not output.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "an encoder or an ablation is made (give --output, or --ablation)"),
        (["-o", "x", "--ablation", "y"], "an encoder or an ablation is made"),
        (["--ablation", "y", "--curves", "z"], "--ablation writes the curves of all models (leave --curves out)"),
        (["--ablation", "y", "--width", "64"], "--width varies in rna-transformer (leave it out, or give a recipe of"),
        (
            ["--ablation", "y", "--recipe", "mini"],
            "mini: has no [variants] (list values of architecture, nucleotides, ",
        ),
    ],
)
def test_options_that_do_not_go_together(tool, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    done = tool("pretrain", *options, RNAS)
    assert done.code in (2, 3)
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("variants", "words"),
    [
        (
            "epochs = [1, 2]",
            "'epochs' in [variants] cannot vary (known: architecture, nucleotides, type_weight, width)",
        ),
        ("width = [64]", "'width' in [variants] needs two values (as in width = [64, 160])"),
        ("width = 64", "'width' in [variants] needs two values"),
    ],
)
def test_variants_that_cannot_be(tool, tmp_path, variants, words):
    recipe = tmp_path / "mine.toml"
    text = (DATA.parent / "cupid_tools" / "recipes" / "pretraining" / "rna-transformer.toml").read_text()
    recipe.write_text(text.partition("[variants]")[0] + f"[variants]\n{variants}\n")
    done = tool("pretrain", "--ablation", tmp_path / "out", "--recipe", recipe, RNAS)
    assert done.code == 3
    assert words in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"rubbish", "is not a complete safetensors file"),
        (None, "no such file (make it with cupid-pretrain)"),
    ],
)
def test_encoders_that_are_none(tool, tmp_path, content, words):
    path = tmp_path / "own.safetensors"
    if content is not None:
        path.write_bytes(content)
    done = tool("embed", "--encoder", f"own:{path}", "-o", tmp_path / "out.npy", RNAS)
    assert done.code in (1, 3)
    assert words in done.stderr


def test_a_model_of_pairs_is_no_encoder(tool, chain, tmp_path):
    path = chain.path("model.safetensors")
    done = tool("embed", "--encoder", f"own:{path}", "-o", tmp_path / "out.npy", RNAS)
    assert done.code == 3
    assert "is a model of pairs, not the weights of an encoder" in done.stderr


def test_a_model_of_own_vectors_asks_for_vectors(tool, chain, tmp_path):
    """Which file made them a model does not tell."""
    store, model = tmp_path / "own.npy", tmp_path / "model.safetensors"
    save_own(tmp_path / "own.safetensors")
    rnas, pairs = chain.path("all.fa"), chain.path("dataset.tsv")
    assert tool("embed", "--encoder", f"own:{tmp_path}/own.safetensors", "-o", store, rnas).code == 0
    assert tool("train", "-e", store, "--epochs", "1", "--hidden-size", "8", "-o", model, pairs).code == 0
    done = tool("score", "-m", model, "-f", rnas, pairs)
    assert done.code == 3
    assert "was made with encoder 'own'" in done.stderr
    assert "--embeddings" in done.stderr
    assert tool("score", "-m", model, "-e", store, pairs).code == 0
