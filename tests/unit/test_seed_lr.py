"""Logistic regression on four inputs, and what it shares with boosting."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from cupid_tools.errors import UsageError
from cupid_tools.models.classifiers.by_features import copy_weights
from cupid_tools.models.classifiers.seed_lr import INPUTS, SeedLr, SeedLrConfig, SeedLrTraining, regress
from cupid_tools.models.dataset import LabelledPairs
from tests.planted import planted_data

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data():
    return planted_data()


@pytest.fixture(scope="module")
def fitted(data):
    classifier = SeedLr(SeedLrConfig(), 0)
    return classifier, classifier.fit(data, SeedLrTraining(), device=CPU, seed=1)


def test_it_finds_planted_sites_of_unseen_rnas(fitted):
    _, fit = fitted
    assert len(fit.curves) == 1
    assert fit.best.valid_auroc > 0.9
    assert np.isfinite(fit.best.threshold)


def test_what_it_learns_can_be_read(fitted):
    weight = dict(zip(INPUTS, fitted[1].tensors["weight"].tolist(), strict=True))
    assert weight["sites"] > max(abs(weight[name]) for name in INPUTS if name != "sites")


def test_equal_data_give_equal_bits(fitted, data):
    again = SeedLr(SeedLrConfig(), 0).fit(data, SeedLrTraining(), device=CPU, seed=2)
    assert all(torch.equal(again.tensors[name], tensor) for name, tensor in fitted[1].tensors.items())


@pytest.mark.parametrize("tensors", [{}, {"mean": torch.zeros(3)}, {"trees": torch.zeros(4)}])
def test_tensors_of_another_classifier_are_refused(tensors):
    with pytest.raises(ValueError, match="expected the tensors"):
        SeedLr(SeedLrConfig(), 0).load(tensors, CPU)


def test_a_ridge_must_be_above_zero():
    with pytest.raises(UsageError, match="ridge is 0"):
        SeedLrTraining(ridge=0)


def test_regression_is_that_of_scikit_learn():
    rng = np.random.default_rng(4)
    inputs = rng.normal(size=(500, 3))
    labels = (rng.random(500) < 1 / (1 + np.exp(-inputs @ [2, -1, 0] + 1))).astype(np.int8)
    weights = rng.random(500)
    weight, offset = regress(inputs, labels, weights, ridge=2.0)
    reference = LogisticRegression(C=0.5, tol=1e-10).fit(inputs, labels, sample_weight=weights)
    assert weight == pytest.approx(reference.coef_[0], abs=1e-4)
    assert offset == pytest.approx(reference.intercept_[0], abs=1e-4)


def test_separable_classes_do_not_send_it_to_infinity():
    labels = np.repeat([0, 1], 50).astype(np.int8)
    weight, offset = regress(labels[:, None] * 2.0 - 1, labels, np.ones(100), ridge=1e-3)
    assert 1 < weight[0] < 100
    assert offset == pytest.approx(0, abs=1e-3)


def test_copies_of_one_fact_weigh_one_together_for_each_label():
    groups = np.array([0, 0, 1, 2, 2, 3])
    first, second = np.array([0, 1, 0, 3, 0, 2]), np.array([2, 2, 5, 5, 3, 5])
    pairs = LabelledPairs(first, second, np.array([1, 1, 1, 0, 0, 0], dtype=np.int8))
    weights = copy_weights(pairs, groups)
    assert weights == pytest.approx([0.75, 0.75, 1.5, 1, 1, 1])
    turned = LabelledPairs(second, first, pairs.labels)
    assert copy_weights(turned, groups) == pytest.approx(weights)
