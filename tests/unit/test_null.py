"""p- and q-values of a ranking, against their definitions written as loops."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from cupid_tools.models.null import Null, shuffled_targets
from cupid_tools.vocab import Rna


def null_of(scores, null, tile):
    found = Null(null)
    for start in range(0, scores.shape[1], tile):
        found.add(scores[:, start : start + tile])
    return found


@pytest.mark.parametrize("tile", [1, 7, 60])
def test_p_and_q_are_those_of_the_definitions(tile):
    rng = np.random.default_rng(1)
    null = np.round(rng.normal(size=(5, 99)), 1)
    scores = np.round(rng.normal(0.8, 1, size=(5, 60)), 1)  # rounded, so that there are ties
    p, q = null_of(scores, null, tile).p_and_q(scores)
    for row in range(5):
        expected = [(1 + (null[row] >= score).sum()) / 100 for score in scores[row]]
        np.testing.assert_allclose(p[row], expected)
        np.testing.assert_allclose(q[row], false_discovery_control(expected))


def test_what_is_no_target_does_not_count():
    rng = np.random.default_rng(2)
    null, scores = rng.normal(size=(1, 50)), rng.normal(1, 1, size=(1, 20))
    with_self = np.append(scores, -np.inf)[None]
    q = null_of(with_self, null, 9).p_and_q(with_self)[1]
    np.testing.assert_array_equal(q[:, :-1], null_of(scores, null, 9).p_and_q(scores)[1])


def test_targets_of_chance_have_even_p_values_and_no_small_q():
    rng = np.random.default_rng(3)
    null, scores = rng.normal(size=(200, 200)), rng.normal(size=(200, 50))
    p, q = null_of(scores, null, 50).p_and_q(scores)
    assert p.mean() == pytest.approx(0.5, abs=0.02)
    assert (q.min(axis=1) <= 0.05).mean() < 0.08


def test_shuffles_are_even_over_targets_and_keep_their_letters():
    rng = np.random.default_rng(4)
    targets = {name: Rna(name, "".join(rng.choice(list("ACGU"), 40))) for name in ("c", "a", "b")}
    found = shuffled_targets(targets, 8, seed=1)
    names = [name.split()[0] for name in found]
    assert sorted(names.count(name) for name in targets) == [2, 3, 3]
    fewest = [min("abc", key=[x.split()[0] for x in shuffled_targets(targets, 8, s)].count) for s in range(20)]
    assert set(fewest) == {"a", "b", "c"}
    for name, rna in found.items():
        original = targets[name.split()[0]].sequence
        assert sorted(rna.sequence) == sorted(original)
        assert rna.sequence != original
    assert found == shuffled_targets(dict(reversed(targets.items())), 8, seed=1)
    assert found != shuffled_targets(targets, 8, seed=2)
