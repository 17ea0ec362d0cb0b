"""The learned energy against an enumeration of all duplexes."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cupid_tools.interaction.duplex import energies as duplex
from cupid_tools.interaction.duplex.explain import best_duplex, duplex_of, pairing_probabilities
from cupid_tools.interaction.duplex.tables import LONGEST_LOOP, LONGEST_SHORT, Tables, encode
from cupid_tools.vocab import RNA_LETTERS

CODES = {letter: code for code, letter in enumerate("ACGU")}
PAIRING = {"AU", "UA", "CG", "GC", "GU", "UG"}
SHAPES = {
    "emission": (4, 4, 4),
    "stack": (4, 4, 4, 4),
    "loop": (4, 4, 4),
    "start": (4,),
    "end": (4,),
    "facing": (1,),
    "context": (5, 4),
}


def random_tables(seed, spread=1.0):
    rng = np.random.default_rng(seed)
    return Tables(**{name: rng.normal(0, spread, shape) for name, shape in SHAPES.items()})


def all_duplexes(guide, target):
    """Every list of pairs, as positions from 0 at the 5' ends."""
    cells = [(i, j) for i, j in product(range(len(guide)), range(len(target))) if guide[i] + target[j] in PAIRING]
    found = [[cell] for cell in cells]
    for path in found:  # grows meanwhile
        i, j = path[-1]
        found += [
            [*path, cell]
            for cell in cells
            if 0 < cell[0] - i <= LONGEST_LOOP + 1 and 0 < j - cell[1] <= LONGEST_LOOP + 1
        ]
    return found


def terms_of(path, guide, target, tables):
    """Each term of a duplex: the table's name, and the place in it."""
    slots = len(tables.start)
    short = len(guide) <= LONGEST_SHORT

    def slot(i):
        return min(i, slots - 1) if short else slots - 1

    def codes(i, j):
        return CODES[guide[i]], CODES[target[j]]

    (i, j), half = path[0], len(tables.context) // 2
    yield "start", (slot(i),)
    if short and i == 1 and target[j + 1 : j + 2] == "A":
        yield "facing", (0,)
    for place in range(len(tables.context)):
        there = j - (place - half)
        if 0 <= there < len(target) and target[there] in CODES:
            yield "context", (place, CODES[target[there]])
    for place, (i, j) in enumerate(path):
        yield "emission", (slot(i), *codes(i, j))
        if place:
            before = path[place - 1]
            a, b = i - before[0] - 1, before[1] - j - 1
            yield ("loop", (slot(i), a, b)) if a + b else ("stack", (*codes(*before), *codes(i, j)))
    yield "end", (slot(path[-1][0]),)


def enumerated(guide, target, tables):
    """Log sum, expected counts, pairing probabilities, and score and pairs of the heaviest duplex."""
    paths = all_duplexes(guide, target)
    terms = [list(terms_of(path, guide, target, tables)) for path in paths]
    weights = np.array([0.0, *(sum(getattr(tables, name)[place] for name, place in used) for used in terms)])
    energy = np.logaddexp.reduce(weights)
    shares = np.exp(weights - energy)[1:]
    counts = Tables(*(np.zeros_like(table) for table in tables))
    pairing = np.zeros((len(guide), len(target)))
    for share, path, used in zip(shares, paths, terms, strict=True):
        for name, place in used:
            getattr(counts, name)[place] += share
        for cell in path:
            pairing[cell] += share
    best = int(np.argmax(weights[1:])) if paths else None
    return energy, counts, pairing, None if best is None else (weights[1 + best], paths[best])


def one(tables, guide, target):
    rnas = encode([guide, target])
    energy, counts = duplex.gradients(tables, rnas, np.array([0]), np.array([1]))
    assert duplex.energies(tables, rnas, np.array([0]), np.array([1])) == energy
    return energy[0], Tables(*(table[0] for table in counts))


@settings(max_examples=60)
@given(
    guide=st.text("ACGUN", max_size=7),
    target=st.text("ACGUN", max_size=8),
    seed=st.integers(0, 1000),
    spread=st.sampled_from([0, 0.5, 2, 20]),
)
def test_sums_gradients_and_best_duplex_are_those_of_all_duplexes(guide, target, seed, spread):
    tables = random_tables(seed, spread)
    energy, counts, pairing, best = enumerated(guide, target, tables)
    found, gradient = one(tables, guide, target)
    assert found == pytest.approx(energy, rel=1e-12, abs=1e-12)
    for name in Tables._fields:
        np.testing.assert_allclose(getattr(gradient, name), getattr(counts, name), rtol=1e-9, atol=1e-11, err_msg=name)
    np.testing.assert_allclose(pairing_probabilities(tables, guide, target), pairing, rtol=1e-9, atol=1e-11)
    strongest = best_duplex(tables, guide, target)
    if best is None:
        assert strongest is None
        assert found == 0
    else:
        assert strongest.score == pytest.approx(best[0], rel=1e-12, abs=1e-12)
        path = [(i - 1, j - 1) for i, j in strongest.pairs]
        used = sum(getattr(tables, name)[place] for name, place in terms_of(path, guide, target, tables))
        assert used == pytest.approx(best[0], rel=1e-12, abs=1e-12)


def test_a_long_guide_has_one_slot_only():
    tables = random_tables(3)
    guide = "N" * (LONGEST_SHORT - 3) + "GCAU"
    energy, counts, _, _ = enumerated(guide, "AUGGC", tables)
    found, gradient = one(tables, guide, "AUGGC")
    assert found == pytest.approx(energy, rel=1e-12)
    assert gradient.start[-1] == pytest.approx(counts.start.sum())
    assert not gradient.start[:-1].any()
    assert one(tables, "GCAU", "AUGGC")[0] != pytest.approx(energy)


def log_space(tables, guide, target):
    """The recursion with logarithms, slow: for RNAs too long to enumerate."""
    slots, half, size = len(tables.start), len(tables.context) // 2, len(target)
    turned = target[::-1]
    context = [
        sum(tables.context[k, CODES[turned[j + k - half]]] for k in range(2 * half + 1) if 0 <= j + k - half < size)
        for j in range(size)
    ]
    reach, ends = {}, [0.0]
    for i, letter in enumerate(guide):
        slot = min(i, slots - 1) if len(guide) <= LONGEST_SHORT else slots - 1
        for j, other in enumerate(turned):
            if letter + other not in PAIRING:
                continue
            facing = tables.facing[0] if len(guide) <= LONGEST_SHORT and i == 1 and j and turned[j - 1] == "A" else 0
            parts = [tables.start[slot] + context[j] + facing]
            for a, b in product(range(4), repeat=2):
                before = reach.get((i - 1 - a, j - 1 - b))
                if before is not None:
                    codes = (CODES[guide[i - 1 - a]], CODES[turned[j - 1 - b]], CODES[letter], CODES[other])
                    parts.append(before + (tables.loop[slot, a, b] if a + b else tables.stack[codes]))
            reach[i, j] = np.logaddexp.reduce(parts) + tables.emission[slot, CODES[letter], CODES[other]]
            ends.append(reach[i, j] + tables.end[slot])
    return np.logaddexp.reduce(ends)


def random_rna(length, seed):
    return "".join(np.random.default_rng(seed).choice(list("ACGU"), length))


@pytest.mark.parametrize(("guide", "target", "spread", "shift"), [(22, 40, 50, 0), (60, 70, 10, 8), (60, 70, 1, -30)])
def test_extreme_weights_stay_in_range(guide, target, spread, shift):
    tables = random_tables(5, spread)
    tables = tables._replace(emission=tables.emission + shift)
    guide, target = random_rna(guide, 1), random_rna(target, 2)
    found, gradient = one(tables, guide, target)
    assert found == pytest.approx(log_space(tables, guide, target), rel=1e-10, abs=1e-12)
    assert gradient.start.sum() == pytest.approx(-math.expm1(-found), rel=1e-9)  # a duplex, unless it is the empty one
    probabilities = pairing_probabilities(tables, guide, target)
    assert probabilities.min() >= 0
    assert probabilities.sum(axis=0).max() <= 1 + 1e-9
    assert probabilities.sum() == pytest.approx(gradient.emission.sum(), rel=1e-9)


def test_a_target_of_30_kb_that_pairs_throughout():
    tables = random_tables(5)._replace(emission=np.full((4, 4, 4), 2.0), stack=np.full((4,) * 4, 2.0))
    guide = random_rna(500, 3)
    complement = guide[::-1].translate(str.maketrans("ACGU", "UGCA"))
    found, gradient = one(tables, guide, random_rna(29_500, 4) + complement)
    assert 4 * 500 - 10 < found < 5 * 500
    assert gradient.stack.sum() > 480


def test_gradients_are_those_of_finite_differences():
    tables = random_tables(8)
    guide, target = random_rna(24, 1), random_rna(90, 2)
    rnas, where = encode([guide, target]), (np.array([0]), np.array([1]))
    _, counts = duplex.gradients(tables, rnas, *where)
    rng = np.random.default_rng(0)
    for _ in range(5):
        way = Tables(*(rng.normal(size=table.shape) for table in tables))
        high, low = (
            duplex.energies(Tables(*(t + step * w for t, w in zip(tables, way, strict=True))), rnas, *where)[0]
            for step in (1e-5, -1e-5)
        )
        expected = sum((count[0] * w).sum() for count, w in zip(counts, way, strict=True))
        assert (high - low) / 2e-5 == pytest.approx(expected, rel=1e-6)


def test_ambiguous_letters_pair_with_nothing():
    tables = random_tables(1)
    for letter in set(RNA_LETTERS) - set("ACGU"):
        assert one(tables, f"G{letter}AC", f"GU{letter}C")[0] == one(tables, "GNAC", "GUNC")[0]


def test_an_energy_depends_on_its_pair_alone(monkeypatch):
    tables = random_tables(4)
    lengths = [22, 0, 1, 600, 90, 21, 600, 31]
    rnas = encode([random_rna(length, seed) for seed, length in enumerate(lengths)])
    guides, targets = (part.ravel() for part in np.mgrid[:8, :8])
    together = duplex.energies(tables, rnas, guides, targets)
    alone = [duplex.energies(tables, rnas, guides[k : k + 1], targets[k : k + 1])[0] for k in range(64)]
    assert together.tolist() == alone
    monkeypatch.setattr(duplex, "_BLOCK_CELLS", 1000)
    assert duplex.energies(tables, rnas, guides, targets, threads=4).tolist() == alone
    split, counts = duplex.gradients(tables, rnas, guides, targets, threads=4)
    assert split.tolist() == alone
    monkeypatch.undo()
    for cut, whole in zip(counts, duplex.gradients(tables, rnas, guides, targets)[1], strict=True):
        np.testing.assert_array_equal(cut, whole)


def test_no_pairs_at_all_are_fine():
    none = np.empty(0, dtype=np.int64)
    assert duplex.energies(random_tables(0), encode([]), none, none).shape == (0,)


def test_the_best_duplex_can_be_named_from_either_side():
    duplex = duplex_of(2.0, [(3, 12), (4, 10), (7, 9)])
    assert (duplex.first_start, duplex.first_end, duplex.second_start, duplex.second_end) == (3, 7, 9, 12)
    assert duplex.structure == "((..(&)).)"
    turned = duplex.turned()
    assert turned.structure == "((.(&))..)"
    assert turned.pairs == [(9, 7), (10, 4), (12, 3)]
    assert turned.turned() == duplex
