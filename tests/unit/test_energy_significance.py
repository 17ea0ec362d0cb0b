"""Shuffles keep what they must and are uniform; p-values are uniform where nothing is to be found."""

from collections import Counter
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare, false_discovery_control, genextreme, kstest

from cupid_tools.energy.significance import BOUND_HOLDS, FEWEST_FITTED, Gev, fit_gev, p_values, q_values, tail
from cupid_tools.sampling import shuffles as shuffles_module
from cupid_tools.sampling.shuffles import dinucleotide_shuffles


def rng(seed=0):
    return np.random.default_rng(seed)


def dinucleotides(sequence):
    return Counter(pairwise(sequence))


@given(st.text("ACGUN", min_size=1, max_size=40), st.integers(0, 2**32))
def test_shuffles_have_the_same_dinucleotides_and_ends(sequence, seed):
    drawn = dinucleotide_shuffles(sequence, 5, rng(seed))
    assert len(drawn) == 5
    for shuffled in drawn:
        assert dinucleotides(shuffled) == dinucleotides(sequence)
        assert (shuffled[0], shuffled[-1], len(shuffled)) == (sequence[0], sequence[-1], len(sequence))


def walks(start, edges):
    """Every sequence from *start* on that uses each of the dinucleotides as often as counted."""
    if not edges.total():
        yield start
    for edge in [edge for edge, count in edges.items() if count and edge[0] == start[-1]]:
        yield from walks(start + edge[1], edges - Counter([edge]))


@pytest.mark.parametrize("sequence", ["ACGUACAGGA", "GGGAGAGCGA", "CAAAAGACAGC", "ANCANGCANGAC"])
def test_all_sequences_are_equally_likely(sequence):
    possible = sorted(set(walks(sequence[0], dinucleotides(sequence))))
    assert len(possible) > 4
    drawn = Counter(dinucleotide_shuffles(sequence, 400 * len(possible), rng(3)))
    assert set(drawn) == set(possible)
    assert chisquare([drawn[order] for order in possible]).pvalue > 0.01


def fits(order, sequence):
    same_ends = order[0] == sequence[0] and order[-1] == sequence[-1]
    return same_ends and dinucleotides(order) == dinucleotides(sequence)


def test_shuffles_depend_on_the_generator_alone():
    sequence = "".join(rng().choice(list("ACGU"), 300))
    assert dinucleotide_shuffles(sequence, 9, rng(1)) == dinucleotide_shuffles(sequence, 9, rng(1))
    assert dinucleotide_shuffles(sequence, 9, rng(1)) != dinucleotide_shuffles(sequence, 9, rng(2))
    assert len(set(dinucleotide_shuffles(sequence, 9, rng(1)))) == 9


def test_blocks_bound_the_memory_and_lose_nothing(monkeypatch):
    monkeypatch.setattr(shuffles_module, "_BLOCK", 40)
    sequence = "ACGUACAGGACUGAUGCAUG"
    drawn = dinucleotide_shuffles(sequence, 31, rng())
    assert len(drawn) == 31
    assert len(set(drawn)) > 25
    assert all(fits(order, sequence) for order in drawn)


def test_a_repeat_with_one_way_out_is_shuffled():
    """Hardly any of the edges of A leads on: drawn blindly, a walk would end early."""
    sequence = "GA" + "A" * 3000 + "CAG"
    places = {shuffled.index("C") for shuffled in dinucleotide_shuffles(sequence, 50, rng())}
    assert len(places) > 40


@pytest.mark.parametrize("sequence", ["A", "AC", "ACG", "AAAAAA", "ACGU", "ACACAC"])
def test_what_has_one_order_stays(sequence):
    assert dinucleotide_shuffles(sequence, 3, rng()) == [sequence] * 3
    assert dinucleotide_shuffles(sequence, 0, rng()) == []


@pytest.mark.parametrize("shape", [-0.3, -0.1, 0.0, 0.2])
def test_the_fit_finds_the_distribution(shape):
    drawn = genextreme.rvs(shape, loc=12, scale=2.5, size=(40, 5000), random_state=rng(1))
    fitted = fit_gev(drawn)
    assert fitted.shape.mean() == pytest.approx(shape, abs=0.01)
    assert fitted.location.mean() == pytest.approx(12, rel=0.01)
    assert fitted.scale.mean() == pytest.approx(2.5, rel=0.01)


def test_a_bounded_tail_goes_on_as_an_exponential_of_its_own_slope():
    shape, scale = 0.3, 2.5
    bounded = genextreme(shape, loc=12, scale=scale)
    edge = bounded.isf(BOUND_HOLDS)
    values = np.array([5.0, 12.0, edge - 0.1, edge, edge + 1, bounded.support()[1], 40.0])
    fitted = Gev(*(np.full(len(values), number) for number in (shape, 12.0, scale)))
    slope = bounded.pdf(edge) / BOUND_HOLDS
    expected = np.where(values <= edge, bounded.sf(values), BOUND_HOLDS * np.exp(-slope * (values - edge)))
    assert tail(fitted, values) == pytest.approx(expected)
    assert tail(fitted, values)[-1] > 0


def test_rows_are_fitted_by_themselves_whatever_they_lack():
    drawn = genextreme.rvs(-0.1, loc=12, scale=2.5, size=(1, 300), random_state=rng(1))
    alone = fit_gev(drawn)
    padded = np.concatenate([drawn, np.zeros((1, 200))], axis=1)
    together = fit_gev(rng(2).permuted(np.concatenate([padded, padded * 2]), axis=1))
    assert together.location == pytest.approx([alone.location[0], 2 * alone.location[0]])
    assert together.scale == pytest.approx([alone.scale[0], 2 * alone.scale[0]])
    assert together.shape == pytest.approx([alone.shape[0]] * 2)


@pytest.mark.parametrize(("shape", "count"), list(product((-0.1, 0.0, 0.2), (100, 1000))))
def test_p_of_chance_is_uniform(shape, count):
    energies = -genextreme.rvs(shape, loc=12, scale=2.5, size=(1500, count + 1), random_state=rng(count))
    p = p_values(energies[:, 0], energies[:, 1:])
    assert kstest(p, "uniform").statistic < 0.05  # 1 in 1000 of uniform samples of this size is further off
    assert (p < 0.01).mean() < 0.02


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_p_of_chance_is_right_where_few_interact(share):
    """Also where they are too few to fit anything."""
    random = rng(4)
    energies = -genextreme.rvs(-0.05, loc=12, scale=2.5, size=(3000, 201), random_state=random)
    energies[random.random(energies.shape) > share] = 0
    p = p_values(energies[:, 0], energies[:, 1:])
    assert ((energies[:, 0] == 0) == (p == 1)).all()
    for level in (0.01, 0.03, 0.2, 0.4):
        expected = min(level, share)
        assert (p <= level).mean() == pytest.approx(expected, abs=3.5 * np.sqrt(expected / 3000) + 0.003)


@given(st.integers(0, 120), st.integers(0, 2**32))
def test_p_falls_with_the_energy_and_is_never_0(interacting, seed):
    shuffled = np.zeros(120)
    shuffled[:interacting] = -rng(seed).gumbel(10, 2, interacting).clip(0.1)
    observed = np.array([0, -1e-9, -0.1, -5, -10, -20, -40, -400, -1e6])
    p = p_values(observed, np.tile(shuffled, (len(observed), 1)))
    assert p[0] == 1
    assert (np.diff(p) <= 0).all()
    assert (p > 0).all()
    assert (p <= 1).all()


def test_few_or_equal_energies_are_counted():
    few, equal = np.zeros(99), np.full(99, -5.0)
    few[: FEWEST_FITTED - 1] = -np.arange(1, FEWEST_FITTED)
    p = p_values(np.array([-10.0, -100.0, -5.0, -6.0]), np.stack([few, few, equal, equal]))
    assert p == pytest.approx([(1 + FEWEST_FITTED - 10) / 100, 0.01, 1, 0.01])


def test_q_values_leave_out_what_has_no_p():
    p = np.array([0.01, np.nan, 0.04, 0.5, np.nan, 0.02])
    known = ~np.isnan(p)
    q = q_values(p)
    assert np.isnan(q[~known]).all()
    assert q[known] == pytest.approx(false_discovery_control(p[known]))
    assert q[known] == pytest.approx([0.04, 0.16 / 3, 0.5, 0.04])
    assert np.isnan(q_values(np.full(2, np.nan))).all()
    assert q_values(np.empty(0)).shape == (0,)
