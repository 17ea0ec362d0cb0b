"""The most stable stack: against ViennaRNA's energies, and against looking at every stack there is."""

import warnings
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cupid_tools.energy.engines import ENGINES
from cupid_tools.energy.engines import seed as seed_module
from cupid_tools.energy.engines.base import Duplex
from cupid_tools.energy.engines.settings import EngineSettings
from cupid_tools.errors import UsageError

PAIRS = ("AU", "CG", "GC", "GU", "UA", "UG")
ENGINE = ENGINES.load("seed")(EngineSettings())


@pytest.fixture(scope="module")
def energy_of():
    """ViennaRNA's energy of the complete stack of two RNAs, without dangling ends."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SWIG's types have no module
        import RNA
    model = RNA.md()
    model.dangles = 0

    def energy(target, query):
        stack = RNA.fold_compound(f"{target}&{query}", model)
        return stack.eval_structure("(" * len(target) + ")" * len(query))

    return energy


def every_stack(target, query):
    """(energy, start in the target, end, start in the query) of all, in tenths of kcal/mol, one by one."""
    stacks = dict(zip(product(PAIRS, PAIRS), np.ravel(seed_module._STACKS).tolist(), strict=True))
    for start, last in product(range(len(target)), range(len(query))):
        energy, before = 41, None
        for count in range(min(len(target) - start, last + 1)):
            pair = target[start + count] + query[last - count]
            if pair not in PAIRS:
                break
            energy += stacks[before, pair] if before else 5 * (pair not in ("CG", "GC"))
            before = pair
            if count >= 5:
                closed = energy + 5 * (pair not in ("CG", "GC"))
                yield closed, start + 1, start + count + 1, last - count + 1


def brute_force(target, query):
    best = min(every_stack(target, query), default=(0,))
    if best[0] >= 0:
        return None
    energy, start, end, query_start = best
    pairs = end - start + 1
    return Duplex(energy / 10, start, end, query_start, query_start + pairs - 1, "(" * pairs + "&" + ")" * pairs)


@pytest.mark.parametrize(("outer", "inner"), list(product(PAIRS, PAIRS)), ids="-".join)
def test_each_stack_costs_what_viennarna_says(energy_of, outer, inner):
    target, query = (
        f"GCGC{outer[0]}{inner[0]}GCGC",
        f"GCGC{inner[1]}{outer[1]}GCGC",
    )
    (found,) = ENGINE.duplexes(target, [query])
    assert found.structure == "(" * 10 + "&" + ")" * 10
    assert found.energy == pytest.approx(energy_of(target, query), abs=1e-4)


@pytest.mark.parametrize(("first", "last"), list(product(PAIRS, PAIRS)), ids="-".join)
def test_each_end_costs_what_viennarna_says(energy_of, first, last):
    target, query = f"{first[0]}GGCCGG{last[0]}", f"{last[1]}CCGGCC{first[1]}"
    (found,) = ENGINE.duplexes(target, [query])
    part = target[found.target_start - 1 : found.target_end], query[found.query_start - 1 : found.query_end]
    assert found.energy == pytest.approx(energy_of(*part), abs=1e-4)
    assert found.energy <= energy_of(target, query) + 1e-4  # a weak end is left out where that is better


RNAS = st.text("ACGUN", min_size=6, max_size=18) | st.text("GU", min_size=6, max_size=18)


@given(RNAS, st.lists(RNAS, min_size=1, max_size=4))
def test_it_is_the_best_of_all_stacks(target, queries):
    assert ENGINE.duplexes(target, queries) == [brute_force(target, query) for query in queries]


@given(st.text("ACGU", min_size=6, max_size=14), st.text("ACGUN", max_size=5), st.text("ACGUN", max_size=5))
def test_a_planted_site_is_found(site, before, after):
    partner = site[::-1].translate(str.maketrans("ACGU", "UGCA"))
    expected = brute_force(before + site + after, partner)
    assert ENGINE.duplexes(before + site + after, [partner, "A", partner]) == [expected, None, expected]


@pytest.mark.parametrize("block", [1, 40, 1000])
def test_blocks_change_nothing(monkeypatch, block):
    rng = np.random.default_rng(5)
    target, *queries = ("".join(rng.choice(list("ACGU"), size)) for size in (300, *rng.integers(6, 60, 30)))
    expected = [brute_force(target, query) for query in queries]
    monkeypatch.setattr(seed_module, "_BLOCK", block)
    assert ENGINE.duplexes(target, queries) == expected
    assert None in expected
    assert len(set(expected)) > 20


def test_of_equal_stacks_it_is_the_leftmost():
    found = ENGINE.duplexes("GGGGGGAGGGGGG", ["CCCCCCACCCCCC"])
    assert found == [Duplex(-12.4, 1, 6, 1, 6, "((((((&))))))")]


def test_an_rna_with_itself_and_none():
    assert ENGINE.duplexes("GGGCGCCC", ["GGGCGCCC"]) == [brute_force("GGGCGCCC", "GGGCGCCC")]
    assert ENGINE.duplexes("GGGGGG", []) == []
    assert ENGINE.duplexes("GGGGGNGGGGG", ["CCCCCC", "NNNNNN", "AAAAAAAAAA"]) == [None] * 3


def test_long_rnas_do_not_overflow():
    """A stack of thousands of pairs, behind many that are no pairs."""
    target, query = "A" * 3000 + "GC" * 1500, "GC" * 1500 + "A" * 3000
    (found,) = ENGINE.duplexes(target, [query])
    assert (found.target_start, found.target_end, found.query_start) == (3001, 6000, 1)
    assert found.energy == pytest.approx(4.1 - 3.4 * 1500 - 2.4 * 1499)


@pytest.mark.parametrize("settings", [{"preset": "exact"}, {"args": ("-x",)}])
def test_presets_and_arguments_are_refused(settings):
    with pytest.raises(UsageError, match=r"means nothing to the engine|takes no arguments"):
        ENGINES.load("seed")(EngineSettings(**settings))
