"""Boosted trees on features of pairs."""

import math

import numpy as np
import pytest
import torch

from cupid_tools.errors import UsageError
from cupid_tools.evaluation.metrics import average_precision
from cupid_tools.interaction.features import FEATURES, RISING
from cupid_tools.models.classifiers.boosting import Boosting, BoostingConfig, BoostingTraining
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
    assert torch.equal(again.tensors["trees"], fitted[1].tensors["trees"])
    assert again.curves == fitted[1].curves


def test_better_pairing_never_lowers_a_score(fitted):
    from lightgbm import Booster

    booster = Booster(model_str=bytes(fitted[1].tensors["trees"].numpy()).decode())
    rng = np.random.default_rng(3)
    features = rng.normal(size=(2000, len(FEATURES))) * 5
    better = features + rng.random(features.shape) * 5 * [name in RISING for name in FEATURES]
    assert (booster.predict(better) >= booster.predict(features)).all()
    assert (booster.predict(better) > booster.predict(features)).any()


def test_more_epochs_than_patience_allows_are_not_grown(data):
    fit = Boosting(BoostingConfig(), 0).fit(
        data, BoostingTraining(epochs=30, patience=1, leaf_pairs=20), device=CPU, seed=1
    )
    assert len(fit.curves) == fit.best.epoch + 1


def test_tensors_of_another_classifier_are_refused(fitted):
    empty = Boosting(BoostingConfig(), 0)
    with pytest.raises(ValueError, match="expected the tensor 'trees'"):
        empty.load({"weight": torch.zeros(3)}, CPU)
    text = bytes(fitted[1].tensors["trees"].numpy())
    for wrong in (b"", text.replace(FEATURES[0].encode(), b"another")):
        with pytest.raises(ValueError, match="other features"):
            empty.load({"trees": torch.tensor(list(wrong), dtype=torch.uint8)}, CPU)


@pytest.mark.parametrize("damage", [lambda text: text[:-40], lambda text: text.replace(b"threshold=", b"threshold=1")])
def test_trees_that_are_cut_or_changed_are_refused_before_lightgbm_ends_the_process(fitted, damage):
    text = damage(bytes(fitted[1].tensors["trees"].numpy()))
    with pytest.raises(ValueError, match="cut or changed"):
        Boosting(BoostingConfig(), 0).load({"trees": torch.tensor(list(text), dtype=torch.uint8)}, CPU)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"leaves": 1}, "leaves is 1"),
        ({"leaf_pairs": 0}, "leaf pairs is 0"),
        ({"learning_rate": math.nan}, "learning rate is nan"),
        ({"epochs": 0}, "epochs and patience"),
        ({"select": "loss"}, "select is 'loss'"),
    ],
)
def test_settings_out_of_range_are_refused(setting, words):
    with pytest.raises(UsageError, match=words):
        BoostingTraining(**setting)
