"""cupid-embed with language models: from a published file to a store, and every refusal on the way."""

import json
import resource

import numpy as np
import pytest
import torch

from cupid_tools.io.store import EmbeddingStore
from cupid_tools.models import embedding
from cupid_tools.models.encoders import precision
from cupid_tools.models.encoders.rnafm import RnaFm
from tests.chain import KMER
from tests.conftest import DATA

FASTA = """\
>mir type=miRNA
UAGCUUAUCAGACUGAUGUUGA
>long type=lncRNA
{long}
>twin
UAGCUUAUCAGACUGAUGUUGA
""".format(long="ACGGU" * 300)
SHORT = FASTA.replace("ACGGU" * 300, "ACGGU" * 30)
RNAFM = ["--encoder", "rnafm", "--device", "cpu", "--precision", "fp32"]
PAIRS = "id_a\tid_b\nmir\tlong\nlong\ttwin\n"


@pytest.fixture
def embed(tool, weights):
    def run(*args, stdin=SHORT):
        return tool("embed", "--weights-dir", weights, *args, stdin=stdin)

    return run


def matrix(path):
    store = EmbeddingStore([path])
    return store.read(store.ids())


@pytest.mark.parametrize(("encoder", "channels"), [("rnafm", 40), ("generrna", 24)])
def test_a_store_says_all_that_its_vectors_depend_on(embed, tmp_path, encoder, channels):
    outcome = embed("--encoder", encoder, "--device", "cpu", "--precision", "fp32", "-o", tmp_path / "x.npy")
    assert outcome.code == 0, outcome
    assert f"embedded 3 RNAs, 2 distinct sequences, {channels} channels" in outcome.stderr
    store = EmbeddingStore([tmp_path / "x.npy"])
    assert (store.info.encoder, store.info.pooling, store.info.long) == (encoder, "mean", "error")
    assert (store.info.precision, len(store.info.fingerprint)) == ("fp32", 64)
    assert store.read(["mir", "long", "twin"]).shape == (3, channels)
    np.testing.assert_array_equal(store.read(["mir"]), store.read(["twin"]))


def test_what_auto_chose_is_told_and_recorded(embed, tmp_path):
    outcome = embed("--encoder", "rnafm", "--device", "cpu", "-o", tmp_path / "x.npy")
    chosen = EmbeddingStore([tmp_path / "x.npy"]).info.precision
    assert f"precision: {chosen}" in outcome.stderr


def test_the_authors_package_gives_the_same_store(embed, tmp_path):
    for name in ("transformers", "reference"):
        assert embed(*RNAFM, "--implementation", name, "-o", tmp_path / f"{name}.npy").code == 0
    ours, theirs = (matrix(tmp_path / f"{name}.npy") for name in ("transformers", "reference"))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    assert (tmp_path / "transformers.tsv").read_bytes() == (tmp_path / "reference.tsv").read_bytes()


def test_the_authors_package_computes_in_float32_wherever_it_runs(embed, tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "fast_bf16", lambda cpuinfo: True)
    outcome = embed("--encoder", "rnafm", "--implementation", "reference", "--device", "cpu", "-o", tmp_path / "x.npy")
    assert outcome.code == 0, outcome
    assert EmbeddingStore([tmp_path / "x.npy"]).info.precision == "fp32"


def test_the_bytes_do_not_depend_on_the_shards_or_the_run(embed, tmp_path):
    for name, options in {"a": [], "b": [], "c": ["--shard-size", 1]}.items():
        (tmp_path / name).mkdir()
        assert embed(*RNAFM, *options, "-o", tmp_path / name / "x.npy").code == 0
    a, b, c = (matrix(tmp_path / name / "x.npy") for name in "abc")
    np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(a, c, rtol=0, atol=2e-6)


def test_shards_are_of_minutes_of_work(embed, tmp_path, monkeypatch):
    monkeypatch.setattr("cupid_tools.models.encoders.language_model._CPU_SHARD", 200)
    parts = []
    written = embedding._write_part
    monkeypatch.setattr(
        embedding, "_write_part", lambda path, vectors: (parts.append(len(vectors)), written(path, vectors))
    )
    rnas = "".join(f">r{number}\n{'ACGGU' * 10}{'U' * number}\n" for number in range(1, 8))
    assert embed(*RNAFM, "-o", tmp_path / "x.npy", stdin=rnas).code == 0
    assert parts == [3, 3, 1]


def test_long_rnas_are_computed_in_windows_when_asked_for(embed, tmp_path):
    for name, long in (("w", "window"), ("t", "truncate")):
        assert embed(*RNAFM, "--long", long, "-o", tmp_path / f"{name}.npy", stdin=FASTA).code == 0
    windows, cut = EmbeddingStore([tmp_path / "w.npy"]), EmbeddingStore([tmp_path / "t.npy"])
    assert (windows.info.long, cut.info.long) == ("window:128", "truncate")
    np.testing.assert_array_equal(windows.read(["mir"]), cut.read(["mir"]))
    assert np.abs(windows.read(["long"]) - cut.read(["long"])).max() > 1e-4


def test_a_long_rna_is_refused_by_default(expect_refusal, weights):
    words = "stdin:3: RNA 'long' has 1,500 tokens, and encoder rnafm takes 1,022 (--long window computes it in"
    error = expect_refusal(3, words, "embed", *RNAFM, "--weights-dir", weights, stdin=FASTA, suffix=".npy")
    assert "--long truncate" in error


def test_one_vector_for_each_nucleotide(embed, tmp_path):
    for encoder in ("rnafm", "generrna"):
        options = ["--encoder", encoder, "--device", "cpu", "--precision", "fp32", "--long", "window", "--overlap", 20]
        out = tmp_path / f"{encoder}.npy"
        assert embed(*options, "--pooling", "none", "-o", out, stdin=FASTA).code == 0
        assert embed(*options, "-o", tmp_path / "mean.npy", stdin=FASTA).code == 0
        store, means = EmbeddingStore([out]), EmbeddingStore([tmp_path / "mean.npy"])
        for name, length in (("mir", 22), ("long", 1500), ("twin", 22)):
            states = store.states(name)
            assert len(states) == length
            if encoder == "rnafm":
                np.testing.assert_allclose(states.mean(0), means.read([name])[0], rtol=0, atol=1e-5)


def test_a_store_of_many_shards_needs_few_open_files(embed, tmp_path):
    rnas = "".join(f">r{number}\n{'A' * number}\n" for number in range(1, 151))
    assert embed(*RNAFM, "--pooling", "none", "--shard-size", 1, "-o", tmp_path / "x.npy", stdin=rnas).code == 0
    assert len(list(tmp_path.glob("x.*.npy"))) == 150
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (120, before[1]))
    try:
        store = EmbeddingStore([tmp_path / "x.npy"])
        assert [len(store.states(f"r{number}")) for number in range(1, 151)] == list(range(1, 151))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_model_embeds_what_it_needs_from_sequences(embed, tool, weights, tmp_path):
    table = tmp_path / "train.tsv"
    rows = [("mir", "long", 1, "train"), ("twin", "long", 0, "train"), ("mir", "long", 1, "valid")]
    rows += [("twin", "mir", 0, "valid")]
    table.write_text("id_a\tid_b\tlabel\tsplit\n" + "".join("\t".join(map(str, row)) + "\n" for row in rows))
    fasta = tmp_path / "r.fa"
    fasta.write_text(FASTA.replace(">twin\nUAGC", ">twin\nGAGC"))
    options = [*RNAFM, "--long", "window", "--pooling", "mean+max"]
    assert embed(*options, "-o", tmp_path / "x.npy", fasta).code == 0
    model = tmp_path / "m.safetensors"
    trained = tool("train", "-e", tmp_path / "x.npy", "-o", model, "--epochs", 1, "--device", "cpu", table)
    assert trained.code == 0, trained
    stored = tool("score", "-m", model, "-e", tmp_path / "x.npy", stdin=PAIRS)
    fresh = tool("score", "-m", model, "-f", fasta, "--weights-dir", weights, "--device", "cpu", stdin=PAIRS)
    assert (stored.code, fresh.code) == (0, 0), fresh
    a, b = ([float(line.split("\t")[2]) for line in out.stdout.splitlines()[1:]] for out in (stored, fresh))
    assert a == pytest.approx(b, abs=1e-5)


def test_a_model_of_short_rnas_takes_windows_with_a_warning(embed, tool, tmp_path):
    table = tmp_path / "train.tsv"
    rows = [f"{pair}\t{split}\n" for split in ("train", "valid") for pair in ("mir\tlong\t1", "mir\ttwin\t0")]
    table.write_text("id_a\tid_b\tlabel\tsplit\n" + "".join(rows))
    assert embed(*RNAFM, "-o", tmp_path / "short.npy").code == 0
    assert embed(*RNAFM, "--long", "window", "-o", tmp_path / "long.npy", stdin=FASTA).code == 0
    model = tmp_path / "m.safetensors"
    options = ["--epochs", 1, "--device", "cpu", "-o", model]
    assert tool("train", "-e", tmp_path / "short.npy", *options, table).code == 0
    scored = tool("score", "-m", model, "-e", tmp_path / "long.npy", stdin=PAIRS)
    assert scored.code == 0, scored
    assert "m.safetensors has seen no RNA above the encoder's context" in scored.stderr


def test_weights_that_are_not_there(expect_refusal, tmp_path):
    words = "the weights of rnafm are not in"
    error = expect_refusal(4, words, "embed", *RNAFM, "--weights-dir", tmp_path / "none", stdin=SHORT, suffix=".npy")
    assert "cupid-weights fetch rnafm" in error
    assert "cupid-weights import FILE --as rnafm" in error


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("device", ["cuda", "cuda:1", "cuda:0,1"])
def test_a_gpu_that_is_not_there(expect_refusal, weights, device):
    options = ["--encoder", "rnafm", "--weights-dir", weights, "--device", device]
    expect_refusal(4, f"device {device} is not there (0 found)", "embed", *options, stdin=SHORT, suffix=".npy")


USAGE = [
    ([*KMER, "--pooling", "max"], "--pooling is for language models (leave it out with --encoder kmer)"),
    ([*KMER, "--long", "window"], "--long is for language models"),
    (["--encoder", "generrna", "--implementation", "reference"], "--implementation reference is for encoder rnafm"),
    (["--encoder", "generrna", "--pooling", "cls"], "--pooling cls takes the token before the RNA"),
    ([*RNAFM, "--pooling", "none", "--long", "truncate"], "--pooling none gives every nucleotide a vector"),
    ([*RNAFM, "--long", "window", "--overlap", 600], "windows of 1,022 tokens cannot overlap by 600 (at most 511)"),
    (
        ["--encoder", "rnafm", "--precision", "int8", "--implementation", "reference"],
        "--precision int8 is for --implementation transformers",
    ),
    (
        [*RNAFM, "--precision", "bf16", "--implementation", "reference"],
        "--precision bf16 is for --implementation transformers",
    ),
    ([*RNAFM, "--device", "abacus"], "unknown device 'abacus'"),
]


@pytest.mark.parametrize(("options", "words"), USAGE)
def test_settings_that_cannot_be(expect_refusal, weights, options, words):
    place = [] if "kmer" in options else ["--weights-dir", weights]
    expect_refusal(2, words, "embed", *options, *place, stdin=SHORT, suffix=".npy")


@pytest.mark.parametrize("name", ["nobodys", "hf", "hf:", "rnafm:x"])
def test_encoders_that_are_not_there(expect_refusal, name):
    expect_refusal(2, f"argument --encoder: {name!r}", "embed", "--encoder", name, stdin=SHORT, suffix=".npy")


def test_an_rna_that_does_not_fit_into_memory_is_named(expect_refusal, weights, monkeypatch):
    plain = RnaFm.forward

    def forward(self, tokens, groups):
        if len(tokens) > 60:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return plain(self, tokens, groups)

    monkeypatch.setattr(RnaFm, "forward", forward)
    words = "stdin:3: RNA 'long' of 150 nt does not fit into memory, even alone"
    expect_refusal(75, words, "embed", *RNAFM, "--weights-dir", weights, stdin=SHORT, suffix=".npy")


def test_the_report_tells_no_path(embed, tmp_path):
    assert embed(*RNAFM, "-o", tmp_path / "x.npy", "--report", tmp_path / "r.json").code == 0
    text = (tmp_path / "r.json").read_text()
    assert str(tmp_path) not in text
    assert json.loads(text)["store"]["encoder"] == "rnafm"


def test_real_rnas(embed, tmp_path):
    outcome = embed(*RNAFM, "--long", "window", "-o", tmp_path / "x.npy", DATA / "rnas.fa", stdin="")
    assert outcome.code == 0, outcome
    assert np.isfinite(matrix(tmp_path / "x.npy")).all()
