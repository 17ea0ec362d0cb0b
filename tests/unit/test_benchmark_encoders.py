"""What judges encoders: nothing that is tested was learned from, and the numbers are what they say."""

import argparse
import gzip
import importlib
import itertools
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from cupid_tools.errors import MissingError
from cupid_tools.io.fasta import load_rnas, read_fasta
from cupid_tools.models.encoders.pooling import Scale
from cupid_tools.models.pretraining.masked import Masked
from cupid_tools.models.pretraining.network import NetworkSettings
from cupid_tools.models.pretraining.product import kept_tensors, read_pretrained
from cupid_tools.models.weights.library import Weights, fingerprint, write

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
data, encoders, estimates, pairs, perplexity, retrieval, types, vectors = (
    importlib.import_module(name)
    for name in (
        "encoder_data",
        "encoders",
        "encoders_estimates",
        "encoders_pairs",
        "encoders_perplexity",
        "encoders_retrieval",
        "encoders_types",
        "encoders_vectors",
    )
)

HELD_OUT = ("families", "perplexity", "types_nrc_test", "types_mncr_test")


def letters(rng, length):
    return "".join(rng.choice(list("ACGU"), length))


def related(rng, sequence):
    """A relative: the same but for its last third."""
    return sequence[: len(sequence) * 2 // 3] + letters(rng, len(sequence) - len(sequence) * 2 // 3)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A corpus with families, and two sets of types with relatives in it, copies and contradictions."""
    folder = tmp_path_factory.mktemp("shared")
    rng = np.random.default_rng(1)
    corpus, tables = [], {"nrc_13class": [], "mncr_rnacentral_6class": []}
    for number in range(20):
        first = letters(rng, 60)
        corpus += [(f"rfam14.2|RF{number:05}:x{copy}", "sRNA", related(rng, first)) for copy in range(6)]
    corpus += [(f"mirbase22|mir-{number}", "miRNA", letters(rng, 22)) for number in range(100)]
    corpus += [(f"mncr_rnacentral|u{number}", "rRNA", letters(rng, 80)) for number in range(10)]
    corpus += [(f"cantata|l{number}", "lncRNA", letters(rng, 90)) for number in range(30)]
    for number in range(40):
        sequence = letters(rng, 70)
        corpus.append((f"rfam14.8|RF99999:t{number}", "tRNA", related(rng, sequence)))
        for rows in tables.values():
            rows += [("tRNA" if number % 2 else "IRES", related(rng, sequence)) for _ in range(2)]
    for rows in tables.values():
        rows += [*rows[:10], ("tRNA", "A" * 50), ("IRES", "A" * 50)]
    (folder / "corpus").mkdir()
    (folder / "types").mkdir()
    with gzip.open(folder / "corpus" / "ncrna.fasta.gz", "wt") as handle:
        handle.writelines(f">{name} type={kind}\n{sequence}\n" for name, kind, sequence in corpus)
    for name, rows in tables.items():
        with gzip.open(folder / "types" / f"{name}.tsv.gz", "wt") as handle:
            handle.write("id\ttype\tsource_split\tsequence\n")
            handle.writelines(f"same\t{kind}\tx\t{sequence}\n" for kind, sequence in rows)
    return folder


@pytest.fixture(scope="module")
def made(shared, tmp_path_factory):
    """The files made of it."""
    folder = tmp_path_factory.mktemp("made")
    data.main(argparse.Namespace(data=shared, output=folder))
    return folder


def words(rna):
    return {rna.sequence[start : start + 15] for start in range(len(rna.sequence) - 14)}


@pytest.mark.parametrize("name", HELD_OUT)
def test_nothing_to_learn_from_is_related_to_what_is_held_out(made, name):
    learned = [words(rna) for rna in read_fasta(made / "pretrain.fa")]
    held_out = [words(rna) for rna in read_fasta(made / f"{name}.fa")]
    assert held_out
    assert all(len(a & b) < 0.25 * min(len(a), len(b)) for a, b in itertools.product(learned, held_out))


@pytest.mark.parametrize("name", ["nrc", "mncr"])
def test_sets_of_types_are_parted_by_clusters_with_a_fifth_of_each_type_tested(made, name):
    train, test = (load_rnas(made / f"types_{name}_{part}.fa") for part in ("train", "test"))
    clusters = [{rna.note for rna in part.values()} for part in (train, test)]
    assert not clusters[0] & clusters[1]
    for kind in ("tRNA", "IRES"):
        assert sum(rna.type == kind for rna in test.values()) == 8
        assert sum(rna.type == kind for rna in train.values()) == 32
    sequences = [rna.sequence for part in (train, test) for rna in part.values()]
    assert len(set(sequences)) == len(sequences)
    assert "A" * 50 not in sequences


def test_families_are_whole_and_of_five_at_least(made, shared):
    held_out = [rna.note for rna in read_fasta(made / "families.fa")]
    families = {note.split()[0].removeprefix("family=") for note in held_out}
    assert len(families) == 3  # 15 % of 21
    members = [rna.id for rna in read_fasta(shared / "corpus" / "ncrna.fasta.gz") if rna.id[9:16] in families]
    assert len(held_out) == len(members)


def test_only_free_sources_are_learned_from_and_vague_types_are_none(made):
    learned = list(read_fasta(made / "pretrain.fa"))
    assert {rna.id.partition("|")[0] for rna in learned} == {"rfam14.2", "rfam14.8", "mirbase22", "mncr_rnacentral"}
    assert {rna.type for rna in learned if rna.id.startswith("mncr")} == {"unknown"}
    assert {rna.type for rna in learned if rna.id.startswith("mirbase")} == {"miRNA"}


def test_equal_data_give_equal_files(made, shared, tmp_path, capsys):
    data.main(argparse.Namespace(data=shared, output=tmp_path))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in made.iterdir()
    }


def test_a_large_cluster_is_never_held_out_nor_a_family_that_reaches_into_it():
    clusters = np.repeat([0, 1], [10, 90])
    assert data.largest_clusters(clusters).tolist() == [0, 1]
    families = np.array(["RF1"] * 6 + ["RF2"] * 6 + ["RF3"] * 4 + [""] * 9)
    barred = np.zeros(25, dtype=bool)
    assert data.drawable_families(families, barred) == ["RF1", "RF2"]
    barred[5] = barred[20] = True
    assert data.drawable_families(families, barred) == ["RF2"]


@pytest.mark.parametrize("seed", range(5))
def test_drawn_clusters_fill_the_share_of_each_kind_and_never_pass_it(seed):
    rng = np.random.default_rng(seed)
    clusters = rng.integers(0, 150, 400)
    clusters[:100] = 999  # a quarter of all
    kinds = rng.choice(["a", "b"], 400)
    drawn = np.isin(clusters, data.draw_within(clusters, kinds, 0.2, rng))
    assert not drawn[:100].any()
    for kind in "ab":
        assert 0.18 < np.mean(drawn[kinds == kind]) <= 0.2


def test_weighted_f1_is_that_of_scikit_learn():
    rng = np.random.default_rng(2)
    truth, told = rng.integers(0, 4, 60), rng.integers(0, 5, 60)
    weights = rng.integers(0, 3, (20, 60)).astype(np.float32)
    weights[0] *= truth != 2  # a class that does not occur in a replicate
    macro, micro = estimates.f1_scores(truth, told, weights)
    for row, one, other in zip(weights, macro, micro, strict=True):
        occurring = np.unique(truth[row > 0])
        about = {"labels": occurring, "sample_weight": row, "zero_division": 0}
        assert one == pytest.approx(f1_score(truth, told, average="macro", **about))
        assert other == pytest.approx(np.average(truth == told, weights=row))


def test_a_cluster_is_drawn_whole_and_the_same_for_all():
    units = np.array([7, 3, 7, 9])
    weights = estimates.row_weights(units, "name")
    assert (weights[0] == 1).all()
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[1:, :2].sum(axis=1) + weights[1:, 3] == 3).all()
    assert len(np.unique(weights[1:, 0])) > 1
    np.testing.assert_array_equal(weights, estimates.row_weights(units, "name"))


def test_standardised_channels_and_constant_ones():
    train = np.array([[1, 5, 2], [3, 5, 2]], dtype=np.float32)
    found = types.standardised(np.array([[5, 9, 2]], dtype=np.float32), train)
    assert found.tolist() == [[3, 0, 0]]


def test_the_penalty_is_chosen_on_whole_clusters():
    clusters = np.repeat(np.arange(40), 3)
    away = types.held_out(clusters, 0.25, np.random.default_rng(3))
    assert away.sum() == 30
    assert not set(clusters[away]) & set(clusters[~away])


def test_types_that_vectors_tell_are_told():
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 3, 200)
    points = (rng.normal(size=(200, 5)) + 6 * np.eye(5)[labels]).astype(np.float32)
    found = types.told(points[:150], labels[:150], np.arange(150), points[150:])
    assert np.mean(found == labels[150:]) > 0.95


def test_retrieval_finds_neither_the_rna_itself_nor_who_is_barred():
    points = np.array([[1, 0], [0.9, 0.1], [-1, 0.1], [-1, 0], [0.8, -0.2]], dtype=np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    families = np.array([0, 0, 1, 0, 2])
    found = retrieval.retrieve(points, families, np.arange(5))
    assert found.asked.tolist() == [0, 1, 3]  # the others are alone in their families
    assert found.nearest.tolist() == [1, 1, 0]
    assert found.precision == pytest.approx([(1 + 2 / 4) / 2, (1 + 2 / 4) / 2, (1 / 3 + 2 / 4) / 2])
    found = retrieval.retrieve(points, families, np.array([0, 0, 1, 2, 3]))
    assert found.asked.tolist() == [0, 1, 3]
    assert found.nearest.tolist() == [0, 0, 0]
    assert found.precision[:2] == pytest.approx([1 / 3, 1 / 3])


def test_every_family_counts_once():
    names, means = retrieval.of_families(np.array([1.0, 0, 1, 1]), np.array(["b", "a", "b", "a"]))
    assert (names.tolist(), means.tolist()) == (["a", "b"], [0.5, 1.0])


def test_a_pair_has_one_vector_in_either_order():
    points = np.random.default_rng(5).normal(size=(6, 4)).astype(np.float32)
    one, other = np.array([0, 1, 2]), np.array([3, 4, 5])
    labels = np.ones(3, dtype=np.int8)
    first = pairs.pair_vectors(points, pairs.LabelledPairs(one, other, labels))
    assert first.shape == (3, 8)
    np.testing.assert_array_equal(first, pairs.pair_vectors(points, pairs.LabelledPairs(other, one, labels)))


def test_hidden_nucleotides_are_unambiguous_and_stretches_do_not_overlap(monkeypatch):
    monkeypatch.setattr(perplexity, "STRETCH", 30)
    sequences = ["ACGUN" * 20, "NNNN", "GGACU"]
    hidden = perplexity.hide(sequences, np.array([4, 5, 6]), 0.5)
    assert hidden.sequences == [sequences[0][i : i + 30] for i in (0, 30, 60, 90)] + sequences[1:]
    assert hidden.clusters.tolist() == [4, 4, 4, 4, 5, 6]
    text = "".join(hidden.sequences)
    assert [text[place] for place in hidden.places] == ["ACGU"[answer] for answer in hidden.answers]
    stretch = np.repeat(np.arange(6), [len(part) for part in hidden.sequences])
    assert hidden.owners.tolist() == stretch[hidden.places].tolist()
    assert 20 < len(hidden.places) < 60


def behind(hidden):
    """The same RNAs with other nucleotides where they are hidden."""
    text = np.array(list("".join(hidden.sequences)))
    text[hidden.places] = [("ACGU" * 2)[answer + 1] for answer in hidden.answers]
    parts = np.split(text, np.cumsum([len(sequence) for sequence in hidden.sequences])[:-1])
    return hidden._replace(sequences=["".join(part) for part in parts])


@pytest.fixture
def hidden():
    rng = np.random.default_rng(6)
    return perplexity.hide([letters(rng, length) for length in (1, 40, 3, 40, 25)] + ["ANGUR" * 3], np.arange(6), 0.3)


def test_words_are_counted_with_what_is_known_on_both_sides(hidden):
    rng = np.random.default_rng(7)
    corpus = [letters(rng, 80) + "N" + letters(rng, 30) for _ in range(10)]
    found = perplexity.Words(corpus, 2).probabilities(hidden)
    assert found.sum(axis=1) == pytest.approx(np.ones(len(found)))
    shown = list("".join(hidden.sequences))
    for place in hidden.places:
        shown[place] = "."
    starts = np.cumsum([0] + [len(sequence) for sequence in hidden.sequences])
    for row, place, owner in zip(found, hidden.places, hidden.owners, strict=True):
        expected = np.full(4, 1.0)
        for reach in range(3):
            around = {
                step: shown[place + step]
                for step in range(-reach, reach + 1)
                if step and starts[owner] <= place + step < starts[owner + 1] and shown[place + step] in "ACGU"
            }
            if reach and not {-reach, reach} & around.keys():
                continue
            counts = np.zeros(4)
            for sequence, middle in ((s, m) for s in corpus for m in range(reach, len(s) - reach)):
                whole = sequence[middle - reach : middle + reach + 1]
                if "N" not in whole and all(sequence[middle + step] == letter for step, letter in around.items()):
                    counts["ACGU".index(sequence[middle])] += 1
            prior = perplexity._PRIOR if reach else 0
            expected = (counts + prior * expected) / (counts.sum() + prior)
        assert row == pytest.approx(expected)


@pytest.mark.parametrize("tell", ["words", "own composition", "network"])
def test_what_is_hidden_tells_nothing(tell, hidden, own):
    counted = perplexity.Words(["ACGUUGCAGUC" * 9], 3)
    model = read_pretrained(own).model
    ask = {
        "words": counted.probabilities,
        "own composition": lambda asked: perplexity.own_composition(asked, counted.composition(asked)),
        "network": lambda asked: perplexity.network_probabilities(model, asked),
    }[tell]
    found = ask(hidden)
    assert np.ptp(found, axis=0).min() > 0
    np.testing.assert_array_equal(found, ask(behind(hidden)))


def test_perplexity_of_guessing_and_of_knowing(hidden):
    guess = perplexity.perplexity(np.full((len(hidden.places), 4), 0.25), hidden)
    assert guess.point == pytest.approx(4)
    assert guess.replicates == pytest.approx(np.full(estimates.REPLICATES, 4))
    know = perplexity.perplexity(np.eye(4)[hidden.answers] * 0.997 + 0.00075, hidden)
    assert know.point == pytest.approx(1 / 0.99775)


@pytest.fixture
def own(tmp_path):
    """A file as cupid-pretrain leaves it."""
    torch.manual_seed(8)
    network = NetworkSettings("masked", "random", 16, 2, 2, 2, 0.0)  # width, layers, heads, inside, dropout
    model = Masked(network, 0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    none = Scale(np.zeros(network.states, dtype=np.float32), np.ones(network.states, dtype=np.float32))
    weights = Weights(
        kept_tensors(model, none), {"network": asdict(network), "types": [], "training": {"max_length": 300}}, None
    )
    path = tmp_path / "own.safetensors"
    write(path, "own", weights, fingerprint=fingerprint("own", weights), source_sha256="0" * 64, licence="none")
    return path


def test_batches_of_a_network_give_each_place_its_own_answer(own, hidden, monkeypatch):
    model = read_pretrained(own).model
    together = perplexity.network_probabilities(model, hidden)
    assert together.sum(axis=1) == pytest.approx(np.ones(len(together)))
    monkeypatch.setattr(perplexity, "_BATCH_TOKENS", 1)
    np.testing.assert_allclose(perplexity.network_probabilities(model, hidden), together, atol=1e-5)
    ends = np.cumsum([len(sequence) for sequence in hidden.sequences])
    for number, sequence in enumerate(hidden.sequences):
        mine = hidden.owners == number
        if mine.any():
            zeros = np.zeros(mine.sum(), dtype=np.int64)
            places = hidden.places[mine] - (ends[number] - len(sequence))
            alone = perplexity.Hidden([sequence], np.zeros(1), places, hidden.answers[mine], zeros)
            np.testing.assert_allclose(perplexity.network_probabilities(model, alone), together[mine], atol=1e-5)


def test_random_weights_are_another_encoder_of_the_same_form_every_time_the_same(own, made, tmp_path):
    drawn = vectors.own_file(f"own:{own}:random", made, tmp_path)
    first = drawn.read_bytes()
    assert vectors.own_file(f"own:{own}:random", made, tmp_path).read_bytes() == first
    sequences = [rna.sequence[:300] for rna in read_fasta(made / "pretrain.fa")]
    learned, random = (vectors.Embedder(f"own:{path}", made, tmp_path).embed(sequences) for path in (own, drawn))
    assert learned.shape == random.shape == (len(sequences), 16)
    assert np.abs(learned - random).max() > 0.1
    np.testing.assert_allclose([random.mean(0), random.std(0)], [[0] * 16, [1] * 16], atol=0.05)


def test_each_distinct_sequence_is_embedded_once(monkeypatch, tmp_path):
    embedder = vectors.Embedder("kmer", tmp_path, tmp_path)
    calls = []
    embed = embedder._encoder.embed
    monkeypatch.setattr(embedder._encoder, "embed", lambda sequences: calls.extend(sequences) or embed(sequences))
    first = embedder.embed(["ACGU", "GG", "ACGU"])
    second = embedder.embed(["AAA", "GG"])
    assert calls == ["ACGU", "GG", "AAA"]
    np.testing.assert_array_equal(first, embed(["ACGU", "GG", "ACGU"]))
    np.testing.assert_array_equal(second, embed(["AAA", "GG"]))


def test_an_encoder_that_is_not_here_has_a_row_that_says_so(made, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(vectors, "MINI", tmp_path / "nowhere")
    with pytest.raises(MissingError):
        vectors.Embedder("mini", tmp_path, tmp_path)
    monkeypatch.setattr(perplexity, "SIDE", 2)
    encoders.main(
        argparse.Namespace(
            data=made,
            encoders=["mini", "kmer", "mini:random"],
            tables=["types", "retrieval", "perplexity"],
            limit=None,
            output=str(tmp_path / "found.json"),
        )
    )
    shown = capsys.readouterr().out
    assert shown.count("| mini | its weights are not here |") == 3
    assert shown.count("| mini:random | its weights are not here |") == 3
    assert "| nrc, 2 types | kmer |" in shown
    assert (tmp_path / "found.json").read_text().count('"kmer"') == 4  # families here have no members but relatives


def test_tables_name_no_folder():
    assert vectors.label_of("own:/home/me/small.safetensors:random") == "own:small.safetensors:random"
    assert [vectors.label_of(name) for name in ("kmer", "mini:random")] == ["kmer", "mini:random"]


def test_differences_are_paired():
    low, high = (
        estimates.Row("place", name, {"AUROC": estimates.Estimate(value, np.linspace(0, 0.4, 50) + value)})
        for name, value in (("kmer", 0.3), ("mini", 0.5))
    )
    table = "\n".join(encoders.markdown("pairs", [low, high]))
    assert "+.200 [+.200, +.200]" in table
    assert [row["metrics"]["AUROC"].get("compared_with") for row in encoders.as_json("pairs", [low, high])] == [
        None,
        "kmer",
    ]
