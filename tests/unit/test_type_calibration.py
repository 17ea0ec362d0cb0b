"""One temperature, and what it makes of logits."""

import numpy as np
import pytest

from cupid_tools.evaluation.type_calibration import fit_temperature, log_loss, probabilities
from cupid_tools.evaluation.type_metrics import ALL, answers_of, type_replicates

NAMES = ("a", "b", "c")


def drawn(count=4000, seed=1):
    """Logits, and types drawn by the probabilities that they stand for."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(count, 3)) * 2
    chances = probabilities(logits, 1.0)
    return (rng.random((count, 1)) > chances.cumsum(axis=1)).sum(axis=1), logits


def test_the_temperature_that_logits_were_heated_by_is_found():
    types, logits = drawn()
    assert fit_temperature(types, logits) == pytest.approx(1, rel=0.05)
    assert fit_temperature(types, logits * 3) == pytest.approx(3, rel=0.05)


def test_no_other_temperature_has_less_loss():
    types, logits = drawn(300)
    best = fit_temperature(types, logits * 5)
    losses = [log_loss(types, logits * 5, temperature) for temperature in (best / 1.1, best, best * 1.1)]
    assert losses[1] == min(losses)


def test_overconfident_answers_become_honest():
    types, logits = drawn()
    temperature = fit_temperature(types[:2000], logits[:2000] * 4)
    truth = [NAMES[place] for place in types[2000:]]

    def ece(temperature):
        answers = answers_of(truth, probabilities(logits[2000:] * 4, temperature), NAMES)
        return type_replicates(answers, 0.5, np.arange(2000), replicates=0, seed=1)[0][ALL, "ece"]

    assert ece(temperature) < 0.03 < ece(1.0)


def test_types_that_are_parted_do_not_become_certain():
    logits = np.eye(3)[np.arange(30) % 3] * 2
    temperature = fit_temperature(np.arange(30) % 3, logits)
    assert 0.02 < temperature < 1
    assert probabilities(logits, temperature).max() < 1


def test_large_logits_do_not_overflow():
    found = probabilities(np.array([[1e5, 0.0, -1e5]]), 0.5)
    assert found.tolist() == [[1.0, 0.0, 0.0]]
    assert log_loss(np.array([1]), np.array([[1e5, 0.0, -1e5]])) == pytest.approx(1e5)
