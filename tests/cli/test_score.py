"""cupid-score: exact scores for listed pairs, the same ones in rankings, and no store that does not fit."""

import hashlib
import json
import math

import numpy as np
import pytest
import torch

from cupid_tools.io.store import StoreInfo
from cupid_tools.io.store_write import write_store
from cupid_tools.models import ranking
from cupid_tools.models.checkpoint import ModelInfo, build_classifier, save_model
from cupid_tools.models.encoders.base import SequenceError
from cupid_tools.models.encoders.kmer import KmerEncoder

CONFIG = {"hidden_layers": 1, "hidden_size": 2, "dropout": 0.2, "order": "free"}
RNAS = {"a": "AC", "b": "GGGG", "c": "UUUU", "twin": "GGGG"}
PAIRS = "note\tid_a\tid_b\tlabel\nx\ta\tb\t1\ny z\tb\ta\t0\n\tc\ttwin\t1\n"


def save(path, weights, *, store, config=CONFIG, threshold=0.5):
    dim = weights["hidden.0.weight"].shape[1] // 2
    info = ModelInfo("mlp", config, dim, store, threshold, training={}, metrics={}, versions={})
    save_model(path, info, weights)
    return path


@pytest.fixture
def weights():
    """Two channels an RNA, two hidden units: relu(a0 - b1), relu(a1 + b0 - 1), answered by h0 / 2 + h1 - 1."""
    return {
        "hidden.0.weight": torch.tensor([[1.0, 0, 0, -1], [0, 1, 1, 0]]),
        "hidden.0.bias": torch.tensor([0.0, -1.0]),
        "output.weight": torch.tensor([[0.5, 1.0]]),
        "output.bias": torch.tensor([-1.0]),
    }


VECTORS = {"a": (1.0, 2.0), "b": (3.0, 0.5), "c": (-1.0, 4.0)}
INFO = StoreInfo("kmer", "by-hand", "composition", "whole")


def by_hand(a, b):
    (a0, a1), (b0, b1) = VECTORS[a], VECTORS[b]
    logit = 0.5 * max(a0 - b1, 0) + max(a1 + b0 - 1, 0) - 1
    return 1 / (1 + math.exp(-logit))


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def make_store(path, vectors=VECTORS, info=INFO, digest="digest-{}"):
    names = list(vectors)
    rows = [(name, row, sha256(digest.format(name)), 4) for row, name in enumerate(names)]
    array = np.array([vectors[name] for name in names], dtype=np.float32)
    write_store(
        path, info, [*rows, ("twin", names.index("b"), sha256(digest.format("b")), 4)], [array], shape=array.shape
    )
    return path


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path / "all.npy")


@pytest.fixture
def model(tmp_path, weights):
    return save(tmp_path / "m.safetensors", weights, store=INFO)


def fasta(path, names=RNAS):
    path.write_text("".join(f">{name}\n{RNAS[name]}\n" for name in names))
    return path


def test_listed_pairs(tool, golden, model, store):
    outcome = tool("score", "-m", model, "-e", store, "-", stdin=PAIRS)
    assert outcome.code == 0
    assert "scored 3 pairs" in outcome.stderr
    golden(outcome.stdout, "score/listed.tsv")
    first = outcome.stdout.splitlines()[1].split("\t")
    assert float(first[-2]) == pytest.approx((by_hand("a", "b") + by_hand("b", "a")) / 2, rel=1e-5)


def test_the_published_order(tool, weights, store, tmp_path):
    model = save(tmp_path / "published.safetensors", weights, store=INFO, config=CONFIG | {"order": "published"})
    outcome = tool("score", "-m", model, "-e", store, stdin=PAIRS)
    scores = [float(line.split("\t")[-2]) for line in outcome.stdout.splitlines()[1:]]
    assert scores == pytest.approx([by_hand("a", "b"), by_hand("b", "a"), by_hand("c", "b")], rel=1e-5)


def test_a_call_starts_at_the_threshold(tool, weights, store, tmp_path):
    exact = (by_hand("a", "b") + by_hand("b", "a")) / 2
    for threshold, call in ((exact, "1"), (np.nextafter(exact, 1), "0")):
        model = save(tmp_path / "t.safetensors", weights, store=INFO, threshold=float(threshold))
        outcome = tool("score", "-m", model, "-e", store, stdin=PAIRS)
        assert outcome.stdout.splitlines()[1].split("\t")[-1] == call


@pytest.fixture
def real(tmp_path, data, tool):
    """The real RNAs with a net of random weights: model, store, FASTA."""
    generator = torch.Generator().manual_seed(1)
    config = {"hidden_layers": 3, "hidden_size": 50, "dropout": 0.2, "order": "free"}
    shapes = {name: tensor.shape for name, tensor in build_classifier("mlp", config, 340).state_dict().items()}
    weights = {
        name: torch.randn(shape, generator=generator) * 1.2 / shape[-1] ** 0.5 for name, shape in shapes.items()
    }  # scores that differ
    model = save(tmp_path / "real.safetensors", weights, store=KmerEncoder.info, config=config)
    tool("embed", "--encoder", "kmer", "-o", tmp_path / "real.npy", data / "rnas.fa")
    return model, tmp_path / "real.npy", data / "rnas.fa"


def rows_of(text):
    return [line.split("\t") for line in text.splitlines()[1:]]


def test_blocks_order_and_source_change_no_digit(tool, real, data, monkeypatch):
    model, store, rnas = real
    whole = tool("score", "-m", model, "-e", store, data / "pairs.tsv").stdout
    header, *lines = (data / "pairs.tsv").read_text().splitlines(keepends=True)
    order = np.random.default_rng(1).permutation(len(lines))
    shuffled = tool("score", "-m", model, "-e", store, stdin=header + "".join(lines[row] for row in order)).stdout
    assert sorted(shuffled.splitlines()) == sorted(whole.splitlines())
    monkeypatch.setattr(ranking, "PAIR_ROWS", 7)
    assert tool("score", "-m", model, "-f", rnas, "--threads", 1, data / "pairs.tsv").stdout == whole
    assert tool("score", "-m", model, "-e", store, "-f", rnas, data / "pairs.tsv").stdout == whole


def test_both_orders_get_one_score(tool, real, data):
    model, store, _ = real
    table = (data / "pairs.tsv").read_text()
    header, *lines = table.splitlines()
    swapped = "\n".join([header, *("\t".join([b, a, label]) for a, b, label in (x.split("\t") for x in lines))])
    scores = [[row[-2] for row in rows_of(tool("score", "-m", model, "-e", store, stdin=text).stdout)]
              for text in (table, swapped)]  # fmt: skip
    assert scores[0] == scores[1]
    assert len(set(scores[0])) > 100


@pytest.mark.parametrize("tile", [5, 512])
def test_a_ranking_equals_the_sorted_scores_of_all_pairs(tool, real, data, tmp_path, monkeypatch, tile):
    model, store, rnas = real
    records = rnas.read_text().split(">")[1:]
    (tmp_path / "q.fa").write_text("".join(">" + record for record in records[:12]))
    (tmp_path / "t.fa").write_text("".join(">" + record for record in records[8:60]))
    queries, targets = ([record.split()[0] for record in part] for part in (records[:12], records[8:60]))
    pairs = [(query, target) for query in queries for target in targets if query != target]
    listed = tool("score", "-m", model, "-e", store, stdin="id_a\tid_b\n" + "".join(f"{a}\t{b}\n" for a, b in pairs))
    by_query = {query: [] for query in queries}
    for a, b, score, call in rows_of(listed.stdout):
        by_query[a].append((a, b, score, call))
    expected = []
    for rows in by_query.values():
        best = sorted(rows, key=lambda row: (-float(row[2]), row[1]))[:7]
        expected += [[*row, str(rank)] for rank, row in enumerate(best, start=1)]
    monkeypatch.setattr(ranking, "_TILE", tile)
    options = ["--queries", tmp_path / "q.fa", "--targets", tmp_path / "t.fa", "--top-k", 7]
    outcome = tool("score", "-m", model, *options, "--report", tmp_path / "r.json")
    assert rows_of(outcome.stdout) == expected
    assert outcome.stdout.startswith("id_a\tid_b\tscore\tcall\trank\n")
    counts = json.loads((tmp_path / "r.json").read_text())["counts"]["pairs"]
    assert counts["read"] == 12 * 52
    assert counts["dropped"] == {"below-top": 12 * 52 - 4 - 84, "same-sequence": 4}
    assert tool("score", "-m", model, "-e", store, *options).stdout == outcome.stdout


def test_equal_scores_rank_by_id_and_equal_sequences_are_left_out(tool, weights, tmp_path):
    flat = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
    model = save(tmp_path / "flat.safetensors", flat, store=INFO)
    store = make_store(tmp_path / "s.npy", digest="same-{}")
    for name, digest in (("a", "AC"), ("b", "GGGG"), ("c", "UUUU")):
        from cupid_tools.vocab import Rna

        text = (tmp_path / "s.tsv").read_text().replace(sha256(f"same-{name}"), Rna(name, digest).digest)
        (tmp_path / "s.tsv").write_text(text)
    options = ["--queries", fasta(tmp_path / "q.fa", ["twin", "a"]), "--targets", fasta(tmp_path / "t.fa")]
    rows = rows_of(tool("score", "-m", model, "-e", store, *options).stdout)
    assert [(row[0], row[1], row[4]) for row in rows] == [
        ("twin", "a", "1"), ("twin", "c", "2"), ("a", "b", "1"), ("a", "c", "2"), ("a", "twin", "3")
    ]  # fmt: skip
    assert {row[2] for row in rows} == {"0.5"}


@pytest.fixture
def ranked(tool, real, data, tmp_path):
    """Rank 11 queries against 40 targets with further options; returns what was written."""
    model, _, rnas = real
    records = rnas.read_text().split(">")[1:]
    (tmp_path / "q.fa").write_text("".join(">" + record for record in records[:11]))
    (tmp_path / "t.fa").write_text("".join(">" + record for record in records[8:48]))
    options = ["-m", model, "--queries", tmp_path / "q.fa", "--targets", tmp_path / "t.fa", "--top-k", 5]

    def run(*further):
        outcome = tool("score", *options, *further)
        assert outcome.code == 0, outcome.stderr
        return outcome.stdout

    return run


def test_blocks_merge_into_the_bytes_of_one_run(tool, ranked, tmp_path):
    whole = ranked("--shuffles", 30)
    parts = [tmp_path / f"{number}.tsv" for number in (1, 2, 3)]
    for number, part in enumerate(parts, start=1):
        part.write_text(ranked("--shuffles", 30, "--blocks", f"{number}/3"))
    merged = tool("score", "--merge", parts[2], parts[0], parts[1], "--queries", tmp_path / "q.fa")
    assert (merged.code, merged.stdout) == (0, whole)


def test_parts_that_do_not_make_a_whole(tool, expect_refusal, ranked, tmp_path):
    one, two = tmp_path / "one.tsv", tmp_path / "two.tsv"
    one.write_text(ranked("--blocks", "1/2"))
    two.write_text(ranked("--blocks", "2/2"))
    other = tmp_path / "other.tsv"
    other.write_text(ranked("--blocks", "2/2", "--shuffles", 5))
    merge = ["score", "--queries", tmp_path / "q.fa", "--merge"]
    expect_refusal(3, "is in no part (give the files of all blocks)", *merge, one)
    expect_refusal(3, "as ", *merge, one, two, one)
    expect_refusal(3, "has other columns", *merge, one, other)
    header, *lines = two.read_text().splitlines(keepends=True)
    two.write_text(header + "".join(reversed(lines)))
    expect_refusal(3, "the order of", *merge, one, two)
    two.write_text("id_a\tid_b\na\tb\n")
    expect_refusal(3, "column 'rank' is missing", *merge, one, two)


def test_p_values_of_a_ranking(ranked):
    header, *lines = (line.split("\t") for line in ranked("--shuffles", 50).splitlines())
    assert header == ["id_a", "id_b", "score", "call", "rank", "p_value", "q_value"]
    assert [line[:5] for line in lines] == [line.split("\t") for line in ranked().splitlines()[1:]]
    p, q = np.array([line[5:] for line in lines], dtype=float).T
    assert (p >= 0.0196).all()
    assert (q >= p - 1e-6).all()
    assert (q <= 1).all()
    assert ranked("--shuffles", 50, "--seed", 2) != ranked("--shuffles", 50)


def test_bf16_changes_scores_little(tool, real, data):
    model, store, _ = real
    exact, rough = (
        np.array([row[-2] for row in rows_of(
            tool("score", "-m", model, "-e", store, "--device", "cpu", "--precision", name, data / "pairs.tsv").stdout
        )], dtype=float)
        for name in ("fp32", "bf16")
    )  # fmt: skip
    assert 0 < np.abs(exact - rough).max() < 0.05
    assert len(np.unique(rough)) > 0.9 * len(np.unique(exact))


@pytest.mark.parametrize("field", ["encoder", "fingerprint", "pooling", "long"])
def test_a_store_of_another_make(expect_refusal, model, tmp_path, field):
    store = make_store(tmp_path / "other.npy", info=StoreInfo(**vars(INFO) | {field: "other"}))
    expect_refusal(3, f"does not fit {model}: {field}", "score", "-m", model, "-e", store, stdin=PAIRS)


def test_a_store_of_another_precision_is_scored_with_one_warning(tool, model, store, tmp_path):
    other = make_store(tmp_path / "other.npy", info=StoreInfo(**vars(INFO) | {"precision": "bf16"}))
    outcome = tool("score", "-m", model, "-e", other, stdin=PAIRS)
    assert outcome.stdout == tool("score", "-m", model, "-e", store, stdin=PAIRS).stdout
    assert f"WARNING: {model} has vectors in fp32, {other} in bf16: scores of equal pairs" in outcome.stderr
    assert outcome.stderr.count("WARNING") == 1


def test_a_store_with_other_channels(expect_refusal, model, tmp_path):
    store = make_store(tmp_path / "other.npy", {name: (*vector, 0.0) for name, vector in VECTORS.items()})
    expect_refusal(3, "has 3 channels where the model takes 2", "score", "-m", model, "-e", store, stdin=PAIRS)


def test_a_store_of_other_sequences(expect_refusal, model, store, tmp_path):
    words = "was embedded with another sequence"
    expect_refusal(3, words, "score", "-m", model, "-e", store, "-f", fasta(tmp_path / "r.fa"), stdin=PAIRS)


def test_an_encoder_of_other_settings(expect_refusal, model, tmp_path):
    words = f"does not fit {model}: fingerprint"
    expect_refusal(3, words, "score", "-m", model, "-f", fasta(tmp_path / "r.fa"), stdin=PAIRS)


def test_an_encoder_that_is_not_known_here(expect_refusal, weights, tmp_path):
    model = save(tmp_path / "x.safetensors", weights, store=StoreInfo("oracle", "f", "p", "l"))
    words = "was made with encoder 'oracle' (give its --embeddings)"
    expect_refusal(3, words, "score", "-m", model, "-f", fasta(tmp_path / "r.fa"), stdin=PAIRS)


def test_ids_without_a_vector_or_sequence(expect_refusal, model, store, real, tmp_path):
    table = "id_a\tid_b\na\tb\na\tnobody\n"
    expect_refusal(
        3, f"stdin:3: RNA 'nobody' is not in {store} (run cupid-embed", "score", "-m", model, "-e", store, stdin=table
    )
    rnas = fasta(tmp_path / "r.fa")
    expect_refusal(3, f"stdin:3: RNA 'nobody' is not in {rnas}", "score", "-m", real[0], "-f", rnas, stdin=table)


def test_older_scores_are_replaced_with_one_warning(tool, model, store, monkeypatch):
    monkeypatch.setattr(ranking, "PAIR_ROWS", 1)
    fresh = tool("score", "-m", model, "-e", store, stdin=PAIRS)
    assert "WARNING" not in fresh.stderr
    old = "".join(line.rsplit("\t", 2)[0] + end for line, end in zip(
        fresh.stdout.splitlines(), ["\tscore\tcall\n", *["\tyesterday\t7\n"] * 3], strict=True))  # fmt: skip
    again = tool("score", "-m", model, "-e", store, stdin=old)
    assert again.stdout == fresh.stdout
    assert again.stderr.count("WARNING: replacing the score and call that the input has already") == 1


def test_an_rna_that_the_encoder_cannot_take(expect_refusal, real, tmp_path, monkeypatch):
    def refuse(self, sequences):
        raise SequenceError(1, "is odd", hint="mend it")

    monkeypatch.setattr(KmerEncoder, "embed", refuse)
    rnas = fasta(tmp_path / "r.fa")
    expect_refusal(3, f"{rnas}:3: RNA 'b' is odd (mend it)", "score", "-m", real[0], "-f", rnas, stdin=PAIRS)


def test_a_precision_is_not_passed_over(expect_refusal, tmp_path):
    classifier = build_classifier("duplex", {}, 0)
    path = tmp_path / "m.safetensors"
    save_model(path, ModelInfo("duplex", {}, 0, None, 0.5, {}, {}, {}), classifier.state_dict())
    words = f"--precision is for nets, and {path} is duplex (leave it out)"
    expect_refusal(2, words, "score", "-m", path, "-f", fasta(tmp_path / "r.fa"), "--precision", "bf16", stdin=PAIRS)


def test_one_id_for_two_sequences(expect_refusal, real, tmp_path):
    queries = fasta(tmp_path / "q.fa")
    targets = tmp_path / "t.fa"
    targets.write_text(">d\nACC\n>a\nUUU\n")
    words = f"{targets}:3: RNA 'a' has another sequence in {queries}"
    expect_refusal(3, words, "score", "-m", real[0], "--queries", queries, "--targets", targets)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--queries", "q.fa"], "belong together"),
        (["--queries", "q.fa", "--targets", "t.fa", "pairs.tsv"], "take the place of PAIRS"),
        (["--queries", "q.fa", "--targets", "t.fa", "-f", "x.fa"], "take the place of PAIRS"),
        (["--top-k", "3", "-f", "x.fa"], "--top-k is for rankings"),
        ([], "where are the RNAs?"),
        (["-f", "-"], "stdin can be read only once"),
    ],
)
def test_options_that_do_not_go_together(expect_refusal, options, words):
    expect_refusal(2, words, "score", "-m", "m.safetensors", *options)
