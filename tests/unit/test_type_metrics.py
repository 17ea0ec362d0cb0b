"""Metrics of types beside scikit-learn's, what unknown answers change, and intervals over groups."""

import math
import warnings

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, f1_score, log_loss, precision_score, recall_score

from cupid_tools.evaluation.type_metrics import (
    ALL,
    answers_of,
    confusion_table,
    f1_scores,
    join_answers,
    measure_types,
    type_replicates,
)
from cupid_tools.evaluation.type_tables import draw_confusion, write_confusion, write_metrics

KNOWN = ("a", "b", "c", "d")


@pytest.fixture
def chances():
    return np.random.default_rng(1).dirichlet(np.full(4, 0.4), size=300)


@pytest.fixture
def truth(chances):
    """Often the most probable type, and the type d never."""
    rng = np.random.default_rng(2)
    drawn = rng.integers(3, size=len(chances))
    return [
        KNOWN[min(best, 2) if rng.random() < 0.6 else other]
        for best, other in zip(chances.argmax(1), drawn, strict=True)
    ]


def values(answers, threshold=0.0):
    return {name: float(value) for name, value in point(answers, threshold).items()}


def point(answers, threshold):
    return type_replicates(answers, threshold, np.arange(len(answers)), replicates=0, seed=1)[0]


def test_they_are_those_of_scikit_learn(chances, truth):
    found = values(answers_of(truth, chances, KNOWN))
    called = [KNOWN[place] for place in chances.argmax(1)]
    assert found[ALL, "f1_micro"] == pytest.approx(f1_score(truth, called, average="micro"))
    assert found[ALL, "f1_macro"] == pytest.approx(f1_score(truth, called, average="macro", zero_division=0))
    assert found[ALL, "log_loss"] == pytest.approx(log_loss(truth, chances, labels=list(KNOWN)))
    brier = brier_score_loss(truth, chances, labels=list(KNOWN), scale_by_half=False)
    assert found[ALL, "brier"] == pytest.approx(brier)
    for kind in KNOWN[:3]:
        assert found[kind, "n"] == truth.count(kind)
        for name, score in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
            assert found[kind, name] == pytest.approx(score(truth, called, labels=[kind], average=None)[0])
    assert found["d", "f1"] == 0
    assert math.isnan(found["d", "recall"])
    places = np.array([KNOWN.index(kind) for kind in truth])
    assert f1_scores(places, chances.argmax(1)) == pytest.approx((found[ALL, "f1_micro"], found[ALL, "f1_macro"]))


def test_the_calibration_error_is_the_distance_of_confidence_and_share_of_right_answers():
    chances = np.array([[0.75, 0.25]] * 4 + [[0.05, 0.95]] * 2)
    found = values(answers_of(["a", "a", "b", "b", "b", "b"], chances, ("a", "b")))
    assert found[ALL, "ece"] == pytest.approx((4 * abs(0.75 - 0.5) + 2 * abs(0.95 - 1)) / 6)


def test_unknown_answers_change_what_is_answered_alone(chances, truth):
    answers = answers_of(truth, chances, KNOWN)
    given, kept = values(answers, 0.6), chances.max(1) >= 0.6
    assert given[ALL, "unknown"] == pytest.approx(1 - kept.mean())
    assert given[ALL, "f1_micro"] == values(answers)[ALL, "f1_micro"]
    rest = values(answers_of([kind for kind, keep in zip(truth, kept, strict=True) if keep], chances[kept], KNOWN))
    for name in ("f1_micro", "f1_macro"):
        assert given[ALL, f"{name}_answered"] == pytest.approx(rest[ALL, name])


def test_where_nothing_is_answered():
    found = values(answers_of(["a"], np.array([[0.5, 0.5]]), ("a", "b")), 0.9)
    assert found[ALL, "unknown"] == 1
    assert math.isnan(found[ALL, "f1_micro_answered"])


def test_types_that_the_model_does_not_know_count_as_wrong():
    answers = answers_of(["a", "z", "y", "a"], np.array([[0.9, 0.1]] * 4), ("a", "b"))
    assert answers.names == ("a", "b", "y", "z")
    found = values(answers)
    assert found[ALL, "f1_micro"] == 0.5
    assert found[ALL, "f1_macro"] == pytest.approx((2 * 2 / (2 + 4) + 0 + 0) / 3)  # b is neither there nor called
    assert found["z", "recall"] == 0
    assert found[ALL, "log_loss"] == pytest.approx(-math.log(0.9))  # of those that it knows
    assert found[ALL, "brier"] == pytest.approx((2 * 0.02 + 2 * (0.82 + 1)) / 4)


def test_parts_of_a_file_are_one(chances, truth):
    whole = answers_of([*truth[:-1], "z"], chances, KNOWN)
    parts = [answers_of(truth[:100], chances[:100], KNOWN), answers_of([*truth[100:-1], "z"], chances[100:], KNOWN)]
    assert values(join_answers(parts), 0.5) == pytest.approx(values(whole, 0.5), nan_ok=True)


def test_the_confusion_counts_every_rna_once(chances, truth):
    answers = answers_of([*truth[:-1], "z"], chances, KNOWN)
    table = confusion_table(answers, 0.5)
    assert table.shape == (5, 5)
    assert table.sum(axis=1).tolist() == [*(truth[:-1].count(kind) for kind in KNOWN), 1]
    assert table[:, -1].sum() == (chances.max(1) < 0.5).sum()
    assert np.trace(table) == ((answers.truth == answers.called) & (answers.confidence >= 0.5)).sum()


def test_intervals_hold_the_value_and_are_wider_where_relatives_answer_alike(chances, truth):
    answers = answers_of(truth, chances, KNOWN)
    rows = np.repeat(np.arange(300), 10)
    copies = answers_of([truth[row] for row in rows], chances[rows], KNOWN)

    def width(answers, groups):
        found = measure_types(answers, 0.5, groups, replicates=300, seed=1)
        row = next(row for row in found if (row.type, row.metric) == (ALL, "f1_macro"))
        assert row.interval.low < row.value < row.interval.high
        return row.interval.high - row.interval.low

    known, unknown = width(copies, rows), width(copies, np.arange(3000))
    assert known == pytest.approx(width(answers, np.arange(300)), rel=0.05)
    assert known > 2 * unknown


def test_equal_seeds_draw_equal_replicates(chances, truth):
    answers, groups = answers_of(truth, chances, KNOWN), np.arange(300) // 2
    one, same, other = (
        type_replicates(answers, 0.5, groups, replicates=70, seed=seed)[1][ALL, "brier"] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert len(one) == 70
    assert (one != other).all()


def test_files(chances, truth, tmp_path):
    answers = answers_of(truth, chances, KNOWN)
    write_metrics(tmp_path / "m.tsv", measure_types(answers, 0.5, np.arange(300), replicates=20, seed=1))
    header, *rows = [line.split("\t") for line in (tmp_path / "m.tsv").read_text().splitlines()]
    assert header == ["type", "metric", "value", "low", "high"]
    assert rows[0] == ["all", "n", "300", "NA", "NA"]
    assert ["d", "recall", "NA", "NA", "NA"] in rows
    table = confusion_table(answers, 0.5)
    write_confusion(tmp_path / "c.tsv", table, answers.names)
    lines = (tmp_path / "c.tsv").read_text().splitlines()
    assert lines[0] == "type\ta\tb\tc\td\tunknown"
    assert lines[1].split("\t") == ["a", *map(str, table[0].tolist())]


def test_the_figure_is_repeatable_and_leaves_out_types_without_rnas(chances, truth):
    answers = answers_of(truth, chances, KNOWN)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = draw_confusion(confusion_table(answers, 0.5), answers.names)
    assert drawn == draw_confusion(confusion_table(answers, 0.5), answers.names)
    assert drawn.count(">d<") == 1  # a column, and no row
    assert drawn.count(">a<") == 2
