"""Each baseline against its definition written as a loop; all of them forget the order of pairs and rows."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from cupid_tools.evaluation.baselines import BASELINES, controls, data, identity
from cupid_tools.evaluation.baselines.data import Pairs, Sides, Training, fit_logistic
from cupid_tools.evaluation.metrics import auroc
from cupid_tools.evaluation.rnas import RnaTable
from cupid_tools.sampling.relatives import related_groups
from cupid_tools.vocab import Rna

TYPES = ["miRNA"] * 8 + ["lncRNA"] * 8 + ["snoRNA"] * 3


@pytest.fixture(scope="module")
def rnas():
    rng = np.random.default_rng(1)
    sequences = ["".join(rng.choice(list("ACGU"), 22 if kind == "miRNA" else 300)) for kind in TYPES]
    sequences[1] = sequences[0][:9] + sequences[1][9:]  # a seed family
    sequences[9] = sequences[8][:200] + sequences[9][200:]  # isoforms
    named = [Rna(f"r{index:02}", *both) for index, both in enumerate(zip(sequences, TYPES, strict=True))]
    return RnaTable(named, related_groups(named))


@pytest.fixture(scope="module")
def train(rnas):
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, len(TYPES), (2, 150))
    kept = a != b
    labels = (rng.random(150) < np.where(a < 8, 0.5, 0.2)).astype(np.int8)
    return Training(Pairs(a[kept], b[kept]), labels[kept], 1)


@pytest.fixture(scope="module")
def pairs():
    a, b = (part.ravel() for part in np.meshgrid(np.arange(len(TYPES)), np.arange(len(TYPES))))
    return Pairs(a[a != b], b[a != b])


def score(name, train, pairs, rnas):
    return BASELINES.load(name)(train, pairs, rnas)


def positives(train):
    return [(a, b) for a, b, y in zip(train.pairs.a, train.pairs.b, train.label, strict=True) if y]


@pytest.mark.parametrize("name", list(BASELINES))
def test_every_baseline_forgets_the_order_of_a_pair(name, train, pairs, rnas):
    found = score(name, train, pairs, rnas)
    assert found.shape == (len(pairs),)
    assert found.dtype == np.float64
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found, score(name, train, Pairs(pairs.b, pairs.a), rnas))


@pytest.mark.parametrize("name", list(BASELINES))
def test_every_baseline_scores_each_pair_for_itself(name, train, pairs, rnas, monkeypatch):
    whole = score(name, train, pairs, rnas)
    monkeypatch.setattr(data, "BLOCK_ROWS", 7)
    some = np.arange(3, len(pairs), 5)
    np.testing.assert_allclose(score(name, train, pairs.where(some), rnas), whole[some], rtol=1e-6)


@pytest.mark.parametrize("name", list(BASELINES))
def test_no_baseline_fails_without_pairs_of_a_type_in_train(name, pairs, rnas):
    train = Training(Pairs(np.array([0, 1]), np.array([8, 9])), np.array([1, 0], dtype=np.int8), 1)
    assert np.isfinite(score(name, train, pairs, rnas)).all()


def test_prevalence_is_the_share_of_positives(train, pairs, rnas):
    assert set(score("prevalence", train, pairs, rnas)) == {np.mean(train.label)}


def test_type_pair_is_the_smoothed_share_of_positives_of_both_types(train, pairs, rnas):
    found = dict(zip(zip(pairs.a, pairs.b, strict=True), score("type-pair", train, pairs, rnas), strict=True))
    labels = [
        label
        for a, b, label in zip(train.pairs.a, train.pairs.b, train.label, strict=True)
        if {TYPES[a], TYPES[b]} == {"miRNA", "lncRNA"}
    ]
    assert found[0, 8] == found[9, 1] == pytest.approx((sum(labels) + 1) / (len(labels) + 2))


def test_degrees_count_train_positives_on_either_side(train, pairs, rnas):
    degree = [sum(index in pair for pair in positives(train)) for index in range(len(TYPES))]
    expected = {
        "degree-sum": [degree[a] + degree[b] for a, b in zip(pairs.a, pairs.b, strict=True)],
        "degree-product": [(degree[a] + 1) * (degree[b] + 1) for a, b in zip(pairs.a, pairs.b, strict=True)],
    }
    for name, values in expected.items():
        assert score(name, train, pairs, rnas).tolist() == values
    rows = [
        sum(index in pair for pair in zip(train.pairs.a, train.pairs.b, strict=True)) for index in range(len(TYPES))
    ]
    odds = [np.log((up + 1) / (every - up + 1)) for up, every in zip(degree, rows, strict=True)]
    ratio = [odds[a] + odds[b] for a, b in zip(pairs.a, pairs.b, strict=True)]
    assert score("degree-ratio", train, pairs, rnas) == pytest.approx(ratio)


def test_the_first_rna_is_of_the_type_that_more_often_comes_first(rnas):
    train = Training(Pairs(np.array([8, 9, 1]), np.array([0, 1, 9])), np.array([1, 1, 1], dtype=np.int8), 1)
    first, second = Sides(train, rnas).of(Pairs(np.array([2, 10]), np.array([10, 2])))
    assert (first.tolist(), second.tolist()) == ([10, 10], [2, 2])
    degree = score("degree-a", train, Pairs(np.array([2, 9, 1]), np.array([9, 2, 0])), rnas)
    assert degree.tolist() == [2, 2, 1.5]  # of two miRNAs neither is the first: the mean
    assert score("degree-b", train, Pairs(np.array([8, 1]), np.array([1, 8])), rnas).tolist() == [2, 2]


def test_one_side_fits_as_on_all_pairs(rnas):
    rng = np.random.default_rng(5)
    train = Training(Pairs(rng.integers(0, 8, 60), rng.integers(8, 16, 60)), rng.integers(0, 2, 60).astype(np.int8), 1)
    profile = rnas.profile(3).astype(np.float64)
    counts = np.bincount(train.pairs.a, minlength=8) > 0
    distinct = np.stack([np.bincount(train.pairs.a[train.label == y], minlength=8) for y in (1, 0)])
    where = np.nonzero(distinct)[1]
    mean, spread = profile[where].mean(axis=0), profile[where].std(axis=0)
    spread[spread < 1e-9] = 1
    model = LogisticRegression(solver="newton-cholesky").fit((profile[train.pairs.a] - mean) / spread, train.label)
    expected = model.predict_proba((profile[:8] - mean) / spread)[:, 1]
    found = score("a-only", train, Pairs(np.arange(8), np.full(8, 12)), rnas)
    assert counts.any()
    assert found == pytest.approx(expected, abs=1e-4)


SEED_TARGETS = {
    # site of the miRNA UGAGGUAGUAGG, whose nt 2-8 is GAGGUAG: CUACCUC, and A facing nt 1
    "8mer": ("GGCUACCUCAGG", 4),
    "7mer-m8": ("GGCUACCUCGGG", 3),
    "7mer-A1": ("GGGUACCUCAGG", 2),
    "6mer": ("GGGUACCUCGGG", 1),
    "none": ("GGGUACCACAGG", 0),
    "8mer at the very end": ("GGGGGCUACCUCA", 4),
    "masked": ("GGCUACNUCAGG", 0),
}


@pytest.mark.parametrize("case", SEED_TARGETS)
@pytest.mark.parametrize("kind", ["miRNA", "unknown"])
def test_seed_sites_are_those_of_targetscan(case, kind):
    target, expected = SEED_TARGETS[case]
    query = Rna("m", "UGAGGUAGUAGG", kind)
    table = RnaTable([query, Rna("t", target * (1 if kind == "miRNA" else 2), "lncRNA")], np.arange(2))
    found = score("seed-match", None, Pairs(np.array([0, 1]), np.array([1, 0])), table)
    assert found.tolist() == [expected] * 2


def test_an_rna_too_short_for_a_seed_has_no_site():
    table = RnaTable([Rna("a", "UGAGGUA"), Rna("b", "CUACCUCACUACCUCA")], np.arange(2))
    assert score("seed-match", None, Pairs(np.array([0]), np.array([1])), table).tolist() == [0]


def test_two_mirnas_take_the_better_way_round():
    table = RnaTable([Rna("a", "UGAGGUAGUAGGAAAA", "miRNA"), Rna("b", "GGCUACCUCAGG", "miRNA")], np.arange(2))
    assert score("seed-match", None, Pairs(np.array([0, 1]), np.array([1, 0])), table).tolist() == [4, 4]


def test_relatives_look_up_train_positives_of_both_groups(train, pairs, rnas):
    groups = rnas.groups
    assert groups[0] == groups[1] != groups[2]
    assert groups[8] == groups[9] != groups[10]
    known = {frozenset((groups[a], groups[b])) for a, b in positives(train)}
    expected = [float(frozenset((groups[a], groups[b])) in known) for a, b in zip(pairs.a, pairs.b, strict=True)]
    found = score("relatives", train, pairs, rnas)
    assert found.tolist() == expected
    assert set(expected) == {0.0, 1.0}


def test_nearest_neighbour_is_the_weighted_vote_of_five_by_five(train, pairs, rnas):
    profile = rnas.profile(4).astype(np.float64)
    trained = sorted({*train.pairs.a.tolist(), *train.pairs.b.tolist()})
    known = {frozenset(pair) for pair in positives(train)}

    def neighbours(index):
        same = [other for other in trained if TYPES[other] == TYPES[index]]
        return sorted(same, key=lambda other: -profile[index] @ profile[other])[:5]

    expected = []
    for a, b in zip(pairs.a, pairs.b, strict=True):
        votes = [
            ((profile[a] @ profile[x]) * (profile[b] @ profile[y]), frozenset((x, y)) in known)
            for x in neighbours(a)
            for y in neighbours(b)
        ]
        expected.append(sum(weight * vote for weight, vote in votes) / sum(weight for weight, _ in votes))
    assert score("nearest-neighbour", train, pairs, rnas) == pytest.approx(expected, abs=5e-4)


def test_one_hot_is_a_logistic_regression_on_who_is_in_a_pair(train, pairs, rnas):
    def features(some):
        return np.eye(len(TYPES))[some.a] + np.eye(len(TYPES))[some.b]

    model = LogisticRegression().fit(features(train.pairs), train.label)
    expected = model.predict_proba(features(pairs))[:, 1]
    assert score("one-hot", train, pairs, rnas) == pytest.approx(expected, abs=1e-3)


def test_one_hot_and_svd_say_the_same_of_all_pairs_of_unknown_rnas(rnas):
    train = Training(Pairs(np.array([0, 1, 2]), np.array([8, 9, 10])), np.array([1, 0, 1], dtype=np.int8), 1)
    new = Pairs(np.array([3, 4, 5]), np.array([11, 12, 13]))
    assert len(set(score("one-hot", train, new, rnas))) == 1
    assert score("svd", train, new, rnas).tolist() == [0, 0, 0]


def test_svd_is_the_best_approximation_of_the_train_matrix(train, pairs, rnas, monkeypatch):
    matrix = np.zeros((len(TYPES), len(TYPES)))
    for a, b in positives(train):
        matrix[a, b] = matrix[b, a] = 1
    u, values, vt = np.linalg.svd(matrix)
    monkeypatch.setattr(identity, "RANKS", (6,))
    expected = (u[:, :6] * values[:6]) @ vt[:6]
    assert score("svd", train, pairs, rnas) == pytest.approx(expected[pairs.a, pairs.b], abs=1e-6)


def test_svd_takes_the_rank_that_ranks_train_rows_it_has_not_seen():
    rng = np.random.default_rng(3)
    a, b = (part.ravel() for part in np.meshgrid(np.arange(60), np.arange(60, 120)))
    table = RnaTable([Rna(f"{index:03}", "ACGU") for index in range(120)], np.arange(120))
    blocks = Training(Pairs(a, b), (a // 8 == (b - 60) // 8).astype(np.int8), 1)
    popular = Training(Pairs(a, b), (rng.random(len(a)) < np.linspace(0, 0.9, 60)[a]).astype(np.int8), 1)
    assert identity._best_rank(popular, 120) == 2  # one number an RNA says it all
    assert identity._best_rank(blocks, 120) > 8
    assert score("svd", popular, Pairs(a, b), table)[a > 50].mean() > 0.5


def test_the_random_encoder_is_a_convolution():
    sequences = ["ACGUACGGUU", "UUNACGUAAA", "ACG"]
    found = controls.random_convolution(sequences, 1)
    filters = controls.rng_for(1, "evaluation.random-encoder").normal(size=(controls.WIDTH, 4, controls.CHANNELS))
    for vector, sequence in zip(found, sequences, strict=True):
        windows = [sequence[start : start + controls.WIDTH] for start in range(len(sequence) - controls.WIDTH + 1)]
        answers = [
            np.maximum(sum(filters[place, "ACGU".index(letter)] for place, letter in enumerate(window)), 0)
            for window in windows
            if "N" not in window
        ]
        expected = np.mean(answers, axis=0) if answers else np.zeros(controls.CHANNELS)
        np.testing.assert_allclose(vector, expected, rtol=1e-4, atol=1e-6)
    assert not np.array_equal(found, controls.random_convolution(sequences, 2))


def test_shuffled_labels_know_nothing():
    rng = np.random.default_rng(6)
    rnas = RnaTable(
        [Rna(f"r{index:03}", "".join(rng.choice(list("ACGU"), 60))) for index in range(200)], np.arange(200)
    )
    a, b = rng.integers(0, 200, (2, 3000))
    label = (rnas.gc[a] + rnas.gc[b] > 1).astype(np.int8)
    train, test = np.arange(3000) < 2000, np.arange(3000) >= 2000
    pairs = Pairs(a, b)
    areas = {name: [] for name in ("kmer-logistic", "shuffled-labels")}
    for seed in range(4):
        for name, found in areas.items():
            scores = score(name, Training(pairs.where(train), label[train], seed), pairs.where(test), rnas)
            found.append(auroc(label[test], scores))
    assert np.mean(areas["kmer-logistic"]) > 0.9
    assert np.mean(areas["shuffled-labels"]) == pytest.approx(0.5, abs=0.1)
    assert len(set(areas["shuffled-labels"])) == 4


def test_large_tables_are_sampled_by_class_and_seed(monkeypatch):
    labels = (np.arange(1000) % 10 == 0).astype(np.int8)
    train = Training(Pairs(np.arange(1000), np.arange(1000)), labels, 1)
    assert train.sample() is train
    monkeypatch.setattr(data, "FIT_ROWS", 100)
    sample = train.sample()
    assert (len(sample.label), sample.label.sum()) == (100, 10)
    assert len(set(sample.pairs.a.tolist())) == 100
    assert (train.label[sample.pairs.a] == sample.label).all()
    assert sample.pairs.a.tolist() == train.sample().pairs.a.tolist()
    other = Training(train.pairs, labels, 2).sample()
    assert sample.pairs.a.tolist() != other.pairs.a.tolist()


def test_a_constant_feature_does_no_harm():
    features = np.stack([np.ones(20), np.arange(20.0)], axis=1)
    found = fit_logistic(features, (np.arange(20) > 9).astype(np.int8))(features)
    assert (np.diff(found) > 0).all()
