"""Metrics are those of scikit-learn, or of a loop that cannot be wrong."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu
from sklearn import metrics as reference

from cupid_tools.evaluation import metrics


@pytest.fixture(params=range(25))
def rows(request):
    """Labels of both classes and scores with many ties."""
    rng = np.random.default_rng(request.param)
    count = int(rng.integers(2, 80))
    labels = rng.integers(0, 2, count).astype(np.int8)
    labels[:2] = 0, 1
    return labels, rng.integers(0, 9, count) / 8


def test_ranking_metrics_are_those_of_scikit_learn(rows):
    assert metrics.auroc(*rows) == pytest.approx(reference.roc_auc_score(*rows))
    assert metrics.average_precision(*rows) == pytest.approx(reference.average_precision_score(*rows))
    assert metrics.brier(*rows) == pytest.approx(reference.brier_score_loss(*rows))


def test_rank_sums_are_those_of_scipy(rows):
    labels, scores = rows
    if np.ptp(scores) > 0:
        expected = mannwhitneyu(scores[labels == 1], scores[labels == 0], method="asymptotic").pvalue
        assert metrics.rank_sum(labels, scores) == pytest.approx(expected)


def test_call_metrics_are_those_of_scikit_learn(rows):
    labels, scores = rows
    called = scores >= 0.5
    found = metrics.call_metrics(labels, scores, 0.5)
    assert found["mcc"] == pytest.approx(reference.matthews_corrcoef(labels, called))
    assert found["f1"] == pytest.approx(reference.f1_score(labels, called))
    assert found["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(labels, called))
    assert found["recall"] == pytest.approx(reference.recall_score(labels, called))
    if called.any():
        assert found["precision"] == pytest.approx(reference.precision_score(labels, called))
    tp, fp, fn, tn = metrics.confusion(labels, scores, 0.5)
    assert [[tn, fp], [fn, tp]] == reference.confusion_matrix(labels, called).tolist()


def test_no_other_threshold_has_a_larger_mcc(rows):
    labels, scores = rows
    threshold, value = metrics.best_mcc_threshold(labels, scores)
    tried = [reference.matthews_corrcoef(labels, scores >= cut) for cut in scores]
    assert value == pytest.approx(max(tried))
    assert reference.matthews_corrcoef(labels, scores >= threshold) == pytest.approx(value)


def test_a_threshold_between_neighbouring_floats_still_separates_them():
    low = 0.5
    high = np.nextafter(low, 1)
    assert metrics.best_mcc_threshold([0, 1], [low, high]) == (high, 1.0)


def test_recall_at_fdr_is_that_of_the_best_cut(rows):
    labels, scores = rows
    found = [0.0]
    for cut in scores:
        called = scores >= cut
        if np.mean(labels[called] == 0) <= 0.25:
            found.append(np.sum(labels[called]) / np.sum(labels))
    assert metrics.recall_at_fdr(labels, scores, 0.25) == pytest.approx(max(found))


def test_average_precision_per_query_is_that_of_each_query_alone(rows):
    labels, scores = rows
    queries = np.random.default_rng(3).integers(0, 6, len(labels))
    expected = [
        reference.average_precision_score(labels[queries == query], scores[queries == query])
        for query in range(6)
        if 0 < np.sum(labels[queries == query]) < np.sum(queries == query)
    ]
    assert metrics.per_query_average_precision(queries, labels, scores) == pytest.approx(expected)


def test_calibration_error_is_the_mean_distance_over_bins(rows):
    labels, scores = rows
    place = np.minimum((scores * 10).astype(int), 9)
    parts = [
        np.sum(place == index) * abs(np.mean(scores[place == index]) - np.mean(labels[place == index]))
        for index in set(place.tolist())
    ]
    assert metrics.expected_calibration_error(labels, scores) == pytest.approx(sum(parts) / len(labels))


def test_scores_that_are_no_probabilities_have_no_calibration():
    assert np.isnan(metrics.expected_calibration_error([0, 1], [-3.0, 0.5]))
    assert np.isnan(metrics.brier([0, 1], [0.5, 7.0]))


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_defines_no_ranking_and_no_calls(label):
    found = metrics.measure([label] * 3, [0.1, 0.2, 0.3], 0.15, [0, 0, 1])
    assert (found["n"], found["positives"], found["prevalence"], found["queries"]) == (3, 3 * label, label, 0)
    for name in ("auroc", "auprc", "mcc", "f1", "precision", "recall", "recall_at_5_fdr", "query_auprc_median"):
        assert np.isnan(found[name]), name
    assert all(np.isnan(metrics.best_mcc_threshold([label] * 3, [0.1, 0.2, 0.3])))


def test_no_rows_define_nothing():
    found = metrics.measure([], [], 0.5, [])
    assert (found["n"], found["positives"]) == (0, 0)
    assert np.isnan(found["auroc"])
    assert np.isnan(found["brier"])


def test_without_a_threshold_ranking_is_defined_and_calls_are_not():
    found = metrics.measure([0, 1], [0.2, 0.9], np.nan, [0, 0])
    assert (found["auroc"], found["auprc_ratio"]) == (1, 2)
    assert np.isnan(found["mcc"])
