"""What holds for metrics whatever the scores are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cupid_tools.evaluation.metrics import auroc, average_precision, best_mcc_threshold, per_query_average_precision

rows = st.lists(st.tuples(st.integers(0, 1), st.integers(-5, 5)), min_size=2, max_size=40).filter(
    lambda values: len({label for label, _ in values}) == 2
)


@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_is_forgotten(values, random):
    shuffled = list(values)
    random.shuffle(shuffled)
    for metric in (auroc, average_precision, best_mcc_threshold):
        assert metric(*zip(*values, strict=True)) == pytest.approx(metric(*zip(*shuffled, strict=True)))


@given(rows)
def test_only_the_ranking_counts(values):
    labels, scores = map(np.array, zip(*values, strict=True))
    assert auroc(labels, np.exp(scores)) == pytest.approx(auroc(labels, scores))
    assert average_precision(labels, scores**3) == pytest.approx(average_precision(labels, scores))


@given(rows)
def test_turning_the_ranking_round_turns_auroc_round(values):
    labels, scores = map(np.array, zip(*values, strict=True))
    assert auroc(labels, -scores) == pytest.approx(1 - auroc(labels, scores))


@given(rows)
def test_average_precision_lies_between_the_worst_ranking_and_one(values):
    labels, scores = map(np.array, zip(*values, strict=True))
    worst = average_precision(np.sort(labels), -np.arange(len(labels)))
    assert worst - 1e-9 <= average_precision(labels, scores) <= 1
    assert average_precision(labels, labels) == 1


@given(rows)
def test_one_query_is_the_whole(values):
    labels, scores = zip(*values, strict=True)
    found = per_query_average_precision(np.zeros(len(labels), dtype=int), labels, scores)
    assert found == pytest.approx([average_precision(labels, scores)])
