"""From scores to probabilities by what valid rows say, never test rows: Platt's scaling.

Platt 1999 (Advances in Large Margin Classifiers, 61): a logistic regression of the label on the score; here on its log
odds where scores read as probabilities, so that a calibrated score comes out as it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cupid_tools.evaluation.metrics import Floats, Labels, are_probabilities

_CLIP = 1e-6  # scores have six digits


class Calibration(NamedTuple):
    """P(positive) = 1 / (1 + exp(-(slope * x + intercept))), x being a score, or its *log_odds*.

    It holds for the share of positives among the rows that it was fitted on, and for no other.
    """

    slope: float
    intercept: float
    log_odds: bool

    def probabilities(self, scores: Floats) -> Floats:
        """What the scores [n] stand for, float64 [n]."""
        from scipy.special import expit

        return np.asarray(expit(self.slope * _evidence(scores, self.log_odds) + self.intercept), dtype=np.float64)


def fit_calibration(labels: Labels, scores: Floats) -> Calibration | None:
    """Fit on *labels* [n] and *scores* [n]; None unless both classes are there.

    Regularised a little, so that scores that part the classes do not become certainties.
    """
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(labels)) < 2:
        return None
    log_odds = are_probabilities(scores)
    x = _evidence(scores, log_odds)
    mean, spread = float(x.mean()), float(x.std()) or 1.0
    model = LogisticRegression(solver="newton-cholesky").fit(((x - mean) / spread)[:, None], labels)
    slope = float(model.coef_[0, 0]) / spread
    return Calibration(slope, float(model.intercept_[0]) - slope * mean, log_odds)


def evidence(scores: Floats) -> Floats:
    """Scores as a logistic regression wants them: log odds of what reads as a probability, all else as it is."""
    return _evidence(scores, are_probabilities(scores))


def _evidence(scores: Floats, log_odds: bool) -> Floats:
    if not log_odds:
        return scores
    clipped = np.clip(scores, _CLIP, 1 - _CLIP)
    return np.asarray(np.log(clipped / (1 - clipped)))
