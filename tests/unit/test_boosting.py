"""Boosted trees on features of pairs."""

import math
import sys

import numpy as np
import pytest
import torch

from cupid_tools.errors import UsageError
from cupid_tools.evaluation.metrics import average_precision
from cupid_tools.interaction.features import FEATURES, RISING
from cupid_tools.models.classifiers.boosting import Boosting, BoostingConfig, BoostingTraining
from cupid_tools.models.classifiers.trees import Trees, joined, parse
from tests.planted import planted_data

CPU = torch.device("cpu")
SHORT = BoostingTraining(epochs=4, leaf_pairs=20)


@pytest.fixture(scope="module")
def data():
    return planted_data()


@pytest.fixture(scope="module")
def fitted(data):
    classifier = Boosting(BoostingConfig(), 0)
    return classifier, classifier.fit(data, SHORT, device=CPU, seed=1)


def scores_of(classifier, data):
    return classifier.scorer(data.rnas).scores(data.valid.first, data.valid.second)


def test_it_finds_planted_sites_of_unseen_rnas(fitted):
    _, fit = fitted
    assert fit.best.valid_auroc > 0.9
    assert fit.best.valid_average_precision == max(row.valid_average_precision for row in fit.curves)
    losses = [row.train_loss for row in fit.curves]
    assert losses == sorted(losses, reverse=True)


def test_curves_tell_the_scores_that_the_kept_trees_give(fitted, data):
    classifier, fit = fitted
    assert average_precision(data.valid.labels, scores_of(classifier, data)) == fit.best.valid_average_precision


def test_threads_and_seed_change_no_bit(fitted, data):
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        again = Boosting(BoostingConfig(), 0).fit(data, SHORT, device=CPU, seed=7)
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(again.tensors[name], tensor) for name, tensor in fitted[1].tensors.items())
    assert again.curves == fitted[1].curves


def trees_of(fit):
    return Trees(*(fit.tensors[name].numpy() for name in Trees._fields))


def test_better_pairing_never_lowers_a_score(fitted):
    trees = trees_of(fitted[1])
    rng = np.random.default_rng(3)
    features = rng.normal(size=(2000, len(FEATURES))) * 5
    better = features + rng.random(features.shape) * 5 * [name in RISING for name in FEATURES]
    assert (trees.answers(better) >= trees.answers(features)).all()
    assert (trees.answers(better) > trees.answers(features)).any()


@pytest.mark.parametrize("leaf_pairs", [1, 300])  # trees of twelve leaves, and of one
def test_answers_are_those_of_lightgbm(leaf_pairs):
    from lightgbm import Booster, Dataset

    rng = np.random.default_rng(4)
    features = rng.integers(-3, 4, size=(400, 5)) / 2
    labels = rng.random(400) < 1 / (1 + np.exp(-features[:, 0] * features[:, 1]))
    settings = {"objective": "binary", "min_data_in_leaf": leaf_pairs, "num_leaves": 12, "verbosity": -1}
    booster = Booster(settings, Dataset(features, labels.astype(int)))
    for _ in range(30):
        booster.update()
    trees = parse(booster.model_to_string(num_iteration=-1))
    thresholds = rng.choice(np.append(trees.threshold, 0.0), size=(5000, 5))  # each stands at one exactly
    rows = np.concatenate([features, thresholds, np.nextafter(thresholds, 9)])
    rows[np.abs(rows) < 1e-30] = 0  # as LightGBM reads them, which splits beside 0 at 1e-35
    np.testing.assert_allclose(trees.answers(rows), booster.predict(rows, raw_score=True), rtol=0, atol=1e-12)
    parts = [parse(booster.model_to_string(start_iteration=k, num_iteration=10)) for k in range(0, len(trees.root), 10)]
    for one, other in zip(joined(parts), trees, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(trees.answers(rows, threads=2), trees.answers(rows))


def test_scoring_needs_no_lightgbm(fitted, data, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    loaded = Boosting(BoostingConfig(), 0)
    loaded.load(fitted[1].tensors, CPU)
    assert scores_of(loaded, data).tolist() == scores_of(fitted[0], data).tolist()


def test_more_epochs_than_patience_allows_are_not_grown(data):
    fit = Boosting(BoostingConfig(), 0).fit(
        data, BoostingTraining(epochs=30, patience=1, leaf_pairs=20), device=CPU, seed=1
    )
    assert len(fit.curves) == fit.best.epoch + 1


def test_tensors_of_another_classifier_or_of_other_features_are_refused(fitted):
    tensors = fitted[1].tensors
    for wrong, words in (
        ({"weight": torch.zeros(3)}, "expected trees"),
        (tensors | {"feature_names": tensors["feature_names"].flip(0)}, "other features"),
        (tensors | {"feature_names": tensors["feature_names"][:0]}, "other features"),
    ):
        with pytest.raises(ValueError, match=words):
            Boosting(BoostingConfig(), 0).load(wrong, CPU)


DAMAGE = {
    "root": ("lead nowhere", lambda root: root + 10_000),
    "feature": ("other features", lambda feature: feature + len(FEATURES)),
    "threshold": ("NaN", lambda threshold: threshold * math.nan),
    "left": ("lead nowhere", lambda left: left * 0),  # round and round
    "right": ("lead nowhere", lambda right: right - 10_000),
    "answer": ("NaN", lambda answer: answer / 0),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_trees_are_refused(name, fitted):
    tensors = fitted[1].tensors
    words, damage = DAMAGE[name]
    with pytest.raises(ValueError, match=words):
        Boosting(BoostingConfig(), 0).load(tensors | {name: damage(tensors[name])}, CPU)
    for another in (tensors[name].float(), tensors[name].reshape(1, -1), tensors[name][0], tensors[name][:0]):
        with pytest.raises(ValueError, match=r"another form|no trees|differ in length|lead nowhere"):
            Boosting(BoostingConfig(), 0).load(tensors | {name: another}, CPU)


def test_a_node_that_leads_to_itself_or_back_is_refused(fitted):
    tensors = fitted[1].tensors
    places = torch.arange(len(tensors["left"]))
    for back in (0, 1):
        with pytest.raises(ValueError, match="lead nowhere"):
            Boosting(BoostingConfig(), 0).load(tensors | {"right": (places - back).clamp_min(0)}, CPU)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"leaves": 1}, "leaves is 1"),
        ({"leaf_pairs": 0}, "leaf pairs is 0"),
        ({"learning_rate": math.nan}, "learning rate is nan"),
        ({"learning_rate": 1.5}, "learning rate is 1.5 .of boosting it must be at most 1"),
        ({"epochs": 0}, "epochs and patience"),
        ({"select": "loss"}, "select is 'loss'"),
    ],
)
def test_settings_out_of_range_are_refused(setting, words):
    with pytest.raises(UsageError, match=words):
        BoostingTraining(**setting)
