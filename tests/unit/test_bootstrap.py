"""The bootstrap draws RNAs, and its weighted metrics are those of scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as reference

from cupid_tools.evaluation import bootstrap
from cupid_tools.evaluation.bootstrap import Resampled, interval, unit_weights
from cupid_tools.evaluation.metrics import auroc, average_precision

UNITS = 12


def table(seed, count=70, levels=6):
    """Units, labels and scores of some pairs."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(count) < 0.4).astype(np.int8)
    return rng.integers(0, UNITS, count), rng.integers(0, UNITS, count), labels, rng.integers(0, levels, count) / levels


@pytest.mark.parametrize("levels", [4, 1000])
@pytest.mark.parametrize("threshold", [-1.0, 0.5, 2.0])
def test_weighted_metrics_are_those_of_scikit_learn(levels, threshold):
    a, b, labels, scores = table(1, levels=levels)
    weights = unit_weights(np.zeros(UNITS, dtype=int), 30, np.random.default_rng(2))
    found = Resampled(weights, a, b, labels).replicates(scores, threshold)
    for index, drawn in enumerate(weights.astype(float)):
        weight = np.where(a == b, drawn[a], drawn[a] * drawn[b])
        kept = weight > 0
        about = {"y_true": labels[kept], "sample_weight": weight[kept]}
        assert found.auroc[index] == pytest.approx(reference.roc_auc_score(y_score=scores[kept], **about))
        assert found.auprc[index] == pytest.approx(reference.average_precision_score(y_score=scores[kept], **about))
        expected = reference.matthews_corrcoef(y_pred=scores[kept] >= threshold, **about)
        assert found.mcc[index] == pytest.approx(expected, abs=1e-9)


def test_units_drawn_once_each_give_the_metrics_themselves():
    a, b, labels, scores = table(3)
    found = Resampled(np.ones((2, UNITS), dtype=np.float32), a, b, labels).replicates(scores, np.nan)
    assert found.auroc == pytest.approx([auroc(labels, scores)] * 2)
    assert found.auprc == pytest.approx([average_precision(labels, scores)] * 2)
    assert np.isnan(found.mcc).all()


def test_a_pair_weighs_as_often_as_both_its_rnas_were_drawn():
    weights = np.array([[2, 3, 0, 1]], dtype=np.float32)
    labels = np.array([1, 0, 0], dtype=np.int8)
    resampled = Resampled(weights, np.array([0, 0, 0]), np.array([1, 2, 3]), labels)
    found = resampled.replicates(np.array([0.5, 0.9, 0.7]), np.nan)
    # the best negative was not drawn; the other weighs 2 against the 6 of the positive
    assert (found.auroc[0], found.auprc[0]) == (0, pytest.approx(6 / 8))


def test_a_pair_inside_a_unit_weighs_as_often_as_it_was_drawn():
    weights = np.array([[3, 2, 1]], dtype=np.float32)
    labels = np.array([1, 0, 1], dtype=np.int8)
    found = Resampled(weights, np.array([0, 1, 1]), np.array([0, 0, 2]), labels).replicates(
        np.array([0.9, 0.8, 0.7]), np.nan
    )
    assert found.auroc[0] == pytest.approx(3 / 5)  # 3 positives above and 2 below; squared it would be 9 / 11


def test_replicates_scatter_around_the_point_where_many_pairs_are_inside_units():
    rng = np.random.default_rng(5)
    inside = np.repeat(np.arange(40), 10)  # ranked perfectly, but for the pairs of two units the ranking is chance
    a, b = np.append(inside, rng.integers(0, 40, 400)), np.append(inside, rng.integers(0, 40, 400))
    labels = (np.arange(800) % 2).astype(np.int8)
    scores = np.where(np.arange(800) < 400, labels, rng.random(800))
    weights = unit_weights(np.zeros(40, dtype=int), 1000, rng)
    found = Resampled(weights, a, b, labels).replicates(scores, np.nan)
    assert found.auroc.mean() == pytest.approx(auroc(labels, scores), abs=0.01)
    assert found.auprc.mean() == pytest.approx(average_precision(labels, scores), abs=0.01)


def test_without_an_affinity_all_processors_are_used(monkeypatch):
    a, b, labels, scores = table(4)
    weights = unit_weights(np.zeros(UNITS, dtype=int), 5, np.random.default_rng(2))
    expected = Resampled(weights, a, b, labels).replicates(scores, 0.5)
    monkeypatch.delattr("os.sched_getaffinity", raising=False)  # as on macOS
    assert np.array_equal(Resampled(weights, a, b, labels).replicates(scores, 0.5), expected, equal_nan=True)


def test_every_stratum_keeps_its_size():
    strata = np.array([0, 1, 1, 0, 1, 1, 1])
    weights = unit_weights(strata, 50, np.random.default_rng(1))
    assert (weights[:, strata == 0].sum(axis=1) == 2).all()
    assert (weights[:, strata == 1].sum(axis=1) == 5).all()
    assert len({row.tobytes() for row in weights}) > 10


def test_blocks_change_nothing(monkeypatch):
    a, b, labels, scores = table(4)
    weights = unit_weights(np.zeros(UNITS, dtype=int), 40, np.random.default_rng(2))
    whole = Resampled(weights, a, b, labels).replicates(scores, 0.5)
    monkeypatch.setattr(bootstrap, "BLOCK_CELLS", 3 * len(labels))
    parts = Resampled(weights, a, b, labels).replicates(scores, 0.5)
    assert np.array_equal(whole, parts, equal_nan=True)


def test_a_replicate_without_a_class_is_not_defined():
    weights = np.array([[1, 0, 1, 1], [1, 1, 0, 0], [1, 1, 1, 1]], dtype=np.float32)
    resampled = Resampled(weights, np.array([0, 0]), np.array([1, 2]), np.array([1, 0], dtype=np.int8))
    found = resampled.replicates(np.array([0.9, 0.1]), 0.5)
    assert np.isnan(found.auroc).tolist() == np.isnan(found.auprc).tolist() == [True, True, False]


def test_the_interval_is_that_of_the_defined_values_or_none():
    values = np.append(np.arange(101.0), np.nan)
    assert interval(values, 0.9) == pytest.approx((5, 95))
    assert np.isnan(interval(np.array([1.0, np.nan, np.nan]), 0.9)).all()


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(8)
    covered = 0
    a, b = (grid.ravel() for grid in np.meshgrid(np.arange(20), np.arange(20, 40)))
    for _ in range(60):
        effect = rng.normal(size=40)  # scores and labels of an RNA's pairs hang together
        labels = (rng.random(400) < 1 / (1 + np.exp(-effect[a] - effect[b]))).astype(np.int8)
        scores = rng.normal(size=40)[a] + rng.normal(size=40)[b]  # knows nothing: the truth is 0.5
        weights = unit_weights(np.repeat([0, 1], 20), 200, rng)
        low, high = interval(Resampled(weights, a, b, labels).replicates(scores, np.nan).auroc, 0.9)
        covered += low <= 0.5 <= high
    assert covered >= 48  # pairs as units would cover about a third of the time
