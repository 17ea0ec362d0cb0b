"""Model and energy on the same pairs: which ranks better, and whether the model knows more than energy.

Both papers whose protocols are recipes compare with IntaRNA's energies, and test classes by Wilcoxon's rank sums. To
ask more, a logistic regression of the label on both, fitted on valid rows, is measured on test: where it beats energy
alone, the model knows something that energy does not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cupid_tools.evaluation.baselines.data import fit_logistic
from cupid_tools.evaluation.calibration import evidence
from cupid_tools.evaluation.comparison import Comparison, Contrast, classes, compare
from cupid_tools.evaluation.experiment import MODEL, Rows
from cupid_tools.evaluation.measurements import Measurement, Slice
from cupid_tools.io.pairs import ENERGY
from cupid_tools.vocab import VALID

COMBINED = "model+energy"
"""The method that knows both scores; no baseline, since a model need not beat what holds it."""
METHODS = (MODEL, ENERGY, COMBINED)

MODEL_OR_ENERGY = Contrast(
    MODEL,
    ENERGY,
    "the model ranks better than energy",
    "neither is shown to rank better",
    "energy ranks better than the model",
)
BEYOND_ENERGY = Contrast(
    COMBINED,
    ENERGY,
    "the model knows more than energy",
    "the model is not shown to know more than energy",
    "both together do worse than energy alone",
)
BEYOND_MODEL = Contrast(
    COMBINED,
    MODEL,
    "energy knows more than the model",
    "energy is not shown to know more than the model",
    "both together do worse than the model alone",
)
CONTRASTS = (MODEL_OR_ENERGY, BEYOND_ENERGY, BEYOND_MODEL)


def with_combined(rows: Rows) -> Rows:
    """Add ``COMBINED``, fitted on valid rows; as they are where these lack different energies, or both classes."""
    valid = rows.of_split(VALID)
    if ENERGY not in rows.scores or any(len(np.unique(v[valid])) < 2 for v in (rows.label, rows.scores[ENERGY])):
        return rows
    features = np.stack([evidence(rows.scores[MODEL]), rows.scores[ENERGY]], axis=1)
    predict = fit_logistic(features[valid], rows.label[valid])
    return replace(rows, scores={**rows.scores, COMBINED: predict(features)})


def beside_energy(
    rows: Rows, kinds: Sequence[str], measurements: Sequence[Measurement], level: float
) -> list[Comparison]:
    """Compare on all test rows, on those of strictly unseen RNAs where they are others, and by type pair.

    Args:
        rows: with the scores of all methods.
        kinds: type pairs, as ``Experiment.kinds``.
        measurements: of at least ``METHODS``.
        level: of intervals.

    Returns:
        Nothing where there are no energies.
    """
    if ENERGY not in rows.scores:
        return []
    found: dict[Slice, dict[str, Measurement]] = defaultdict(dict)
    for measured in measurements:
        if measured.method in METHODS:
            found[measured.where][measured.method] = measured
    return [compare(rows, where, chosen, found[where], CONTRASTS, level) for where, chosen in classes(rows, kinds)]
