"""Calibration is fitted on valid rows, repairs distorted scores, and never sees test."""

import numpy as np
import pandas as pd
import pytest

from cupid_tools.evaluation.calibration import Calibration, fit_calibration
from cupid_tools.evaluation.evaluate import evaluate
from cupid_tools.evaluation.experiment import ALL, prepare
from cupid_tools.evaluation.figures import draw_all
from cupid_tools.evaluation.settings import Options, Settings
from cupid_tools.io.pairs import PairTable
from cupid_tools.vocab import Rna


def drawn(count, seed, distort=lambda p: p):
    """Labels of known probabilities, and the scores that *distort* makes of these."""
    rng = np.random.default_rng(seed)
    probability = 1 / (1 + np.exp(-rng.normal(-1, 1.5, count)))
    return (rng.random(count) < probability).astype(np.int8), distort(probability), probability


def overconfident(probability):
    return 1 / (1 + np.exp(-(3 * np.log(probability / (1 - probability)) + 2)))


@pytest.mark.parametrize("distort", [overconfident, lambda p: 10 * np.log(p / (1 - p)) + 4])
def test_distorted_scores_become_the_probabilities_that_they_were(distort):
    labels, scores, _ = drawn(20_000, 1, distort)
    _, fresh, expected = drawn(2_000, 2, distort)
    found = fit_calibration(labels, scores).probabilities(fresh)
    np.testing.assert_allclose(found, expected, atol=0.05)
    assert (np.diff(found[np.argsort(fresh)]) >= 0).all()


def test_calibrated_scores_stay_as_they_are():
    labels, scores, _ = drawn(50_000, 3)
    found = fit_calibration(labels, scores)
    assert found.slope == pytest.approx(1, abs=0.05)
    assert found.intercept == pytest.approx(0, abs=0.05)


def test_equal_scores_become_the_share_of_positives_and_one_class_fits_nothing():
    labels = np.array([1, 0, 0, 0] * 50, dtype=np.int8)
    found = fit_calibration(labels, np.full(200, 0.9))
    assert found.probabilities(np.array([0.9])) == pytest.approx([0.25], abs=0.01)
    assert fit_calibration(labels[labels == 0], np.linspace(0, 1, 150)) is None


def test_certain_scores_have_log_odds():
    found = Calibration(1.0, 0.0, log_odds=True).probabilities(np.array([0.0, 1.0]))
    assert found == pytest.approx([0, 1], abs=1e-5)


def evaluated(splits, distort, *, flip_test=False):
    rng = np.random.default_rng(4)
    rnas = {f"r{i:02}": Rna(f"r{i:02}", "".join(rng.choice(list("ACGU"), 40)), "miRNA") for i in range(60)}
    a, b = np.triu_indices(60, 1)
    labels, scores, _ = drawn(len(a), 5, distort)
    split = np.array(splits, dtype=object)[rng.integers(0, len(splits), len(a))]
    labels = np.where((split == "test") & flip_test, 1 - labels, labels)
    frame = pd.DataFrame(
        {
            "id_a": [f"r{i:02}" for i in a],
            "id_b": [f"r{i:02}" for i in b],
            "label": labels.astype(np.int8),
            "split": split,
            "score": [f"{score:.6g}" for score in scores],
            "call": np.where(scores >= 0.5, "1", "0"),
        },
        index=np.arange(2, len(a) + 2),
        dtype=object,
    ).astype({"label": np.int8})
    table = PairTable(frame, "scores.tsv")
    return evaluate(prepare("trial", table, rnas, "rnas.fa", Options(seed=1)), Settings(1, ("degree-sum",), 2))


def test_a_report_tells_both_before_and_after():
    evaluation = evaluated(("train", "valid", "test"), overconfident)
    values = evaluation.headlines[ALL].model.values
    assert values["ece"] > 0.1 > 2 * values["ece_calibrated"]
    assert values["brier_calibrated"] < values["brier"]
    assert np.isnan(evaluation.find(split="valid").values["ece_calibrated"])  # it was fitted there
    degree = evaluation.headlines[ALL].baselines["degree-sum"].values
    assert np.isnan(degree["ece"])  # no probability
    assert degree["ece_calibrated"] < 0.1
    (figure,) = [drawn for drawn in draw_all("x", evaluation, None) if drawn.name == "reliability"]
    assert "calibrated on valid" in figure.svg
    assert "scores as they are" in figure.svg


def test_test_labels_change_no_calibration():
    one, other = (evaluated(("train", "valid", "test"), overconfident, flip_test=flip) for flip in (False, True))
    assert one.calibrations["model"] == other.calibrations["model"]
    assert one.headlines[ALL].model.values["auroc"] > 0.6 > 0.4 > other.headlines[ALL].model.values["auroc"]


def test_without_valid_rows_nothing_is_calibrated():
    evaluation = evaluated(("train", "test"), overconfident)
    assert evaluation.calibrations == {}
    assert np.isnan(evaluation.headlines[ALL].model.values["brier_calibrated"])
    assert "reliability" in {drawn.name for drawn in draw_all("x", evaluation, None)}


def test_scores_that_are_no_probabilities_are_drawn_calibrated_alone():
    evaluation = evaluated(("train", "valid", "test"), lambda p: np.log(p / (1 - p)))
    assert np.isnan(evaluation.headlines[ALL].model.values["ece"])
    assert evaluation.headlines[ALL].model.values["ece_calibrated"] < 0.05
    (figure,) = [drawn for drawn in draw_all("x", evaluation, None) if drawn.name == "reliability"]
    assert "scores as they are" not in figure.svg
