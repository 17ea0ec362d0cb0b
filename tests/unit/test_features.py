"""Features of pairs: against their definitions, spelt out slowly on small RNAs."""

from itertools import pairwise

import numpy as np
import pytest

from cupid_tools.interaction.alignment import LONGEST_GAP
from cupid_tools.interaction.features import FEATURES, RISING, PairFeatures
from tests.planted import random_rna, site_of

WOBBLES = {("G", "U"), ("U", "G")}
COMPLEMENT = dict(zip("ACGU", "UGCA", strict=True))


def features(guide, target):
    """The features of one pair by name."""
    values = PairFeatures([guide, target]).of(np.array([0]), np.array([1]))[0]
    return dict(zip(FEATURES, values.tolist(), strict=True))


def reverse_complement(rna):
    return "".join(COMPLEMENT[letter] for letter in reversed(rna))


def is_pair(x, y):
    return COMPLEMENT.get(x) == y


@pytest.fixture
def few_letters():
    """Guides and targets of two complementary letters and sometimes another, so that sites of all kinds occur."""
    rng = np.random.default_rng(5)
    draw = lambda size: "".join(rng.choice(list("AUGC"), size, p=[0.4, 0.4, 0.15, 0.05]))  # noqa: E731
    return [(draw(22), draw(200)) for _ in range(30)]


def sites_by_words(guide, target):
    """Sites of the five kinds of TargetScan, found by their words."""
    padded = "-" * 8 + target + "-" * 8
    long, short, offset = (reverse_complement(guide[start:end]) for start, end in ((1, 8), (1, 7), (2, 8)))
    kinds = dict.fromkeys(("8mer", "7mer_m8", "7mer_a1", "6mer", "offset_6mer"), 0)
    for end in range(8, len(padded)):  # the place that faces nucleotide 1
        faces_a = padded[end] == "A"
        if padded[end - 7 : end] == long:
            kinds["8mer" if faces_a else "7mer_m8"] += 1
        elif padded[end - 6 : end] == short:
            kinds["7mer_a1" if faces_a else "6mer"] += 1
        elif padded[end - 7 : end - 1] == offset:
            kinds["offset_6mer"] += 1
    return kinds


def test_sites_are_those_found_by_words(few_letters):
    seen = set()
    for guide, target in few_letters:
        expected = sites_by_words(guide, target)
        found = features(guide, target)
        assert {kind: found[f"sites_{kind}"] for kind in expected} == expected
        seen |= {kind for kind, number in expected.items() if number}
    assert len(seen) == 5  # the test has looked at every kind


@pytest.mark.parametrize(
    ("site", "kind"),
    [("CUACCUCG", "7mer_m8"), ("CUACUUCG", "7mer_wobble"), ("GUACUUCG", "6mer_wobble"), ("CUAGCUCG", "7mer_mismatch")],
)
def test_weak_sites_of_let7(site, kind):
    found = features("UGAGGUAGUAGGUUGUAUAGUU", "GGGG" + site + "GGGG")
    assert {name for name in FEATURES if name.startswith("sites_") and found[name]} == {f"sites_{kind}"}
    assert found["site_weight"] > 0


def test_the_best_site_is_described_where_it_lies():
    guide = "UGAGGUAGUAGGUUGUAUAGUU"
    found = features(guide, "C" * 40 + "AUAUAU" + site_of(guide) + "A" + "UAUAUA" + "C" * 100)
    assert found["best_site"] == 8
    assert found["seed_pairs"] == 7
    assert found["site_place"] == pytest.approx(53 / 160)
    assert found["site_margin"] == 53
    assert found["other_sites_weight"] == 0
    near, all_around = sum(1 / away for away in range(1, 7)), sum(1 / away for away in range(1, 31))
    assert found["site_au"] == pytest.approx(near / all_around)


def test_pairing_behind_the_seed_is_found_straight_on_and_shifted():
    guide = "UGAGGUAGUAGGUUGUAUAGUU"
    supplement = reverse_complement(guide[12:16])
    straight = features(guide, "G" * 20 + supplement + "GGGG" + site_of(guide) + "GG")
    shifted = features(guide, "G" * 20 + supplement + "GGGGGG" + site_of(guide) + "GG")
    assert straight["supplementary"] == shifted["supplementary"] == 4
    assert features(guide, reverse_complement(guide))["site_pairs_behind"] == len(guide) - 8


def score(x, y, row):
    if is_pair(x, y):
        return (15 if x in "GC" else 9) * row
    return (1 if (x, y) in WOBBLES else -12) * row


def best_alignment(guide, target):
    """The score of the best local alignment, cell by cell."""
    target = target[::-1]
    cells = {}
    for i, x in enumerate(guide):
        for j, y in enumerate(target):
            before = [0, cells.get((i - 1, j - 1), 0)]
            for gap in range(1, LONGEST_GAP + 1):
                cost = -30 - 8 * (gap - 1)
                before += [cells.get(at, 0) + cost for at in ((i - 1, j - 1 - gap), (i - 1 - gap, j - 1))]
            cells[i, j] = score(x, y, 1) + max(before)
    return max(0, *cells.values()) / 10


def longest_run(guide, target, pairs):
    return max(
        (
            length
            for i in range(len(guide))
            for j in range(len(target))
            for length in range(1, min(len(guide) - i, j + 1) + 1)
            if all(pairs(guide[i + k], target[j - k]) for k in range(length))
        ),
        default=0,
    )


def test_alignment_and_helices_are_the_best_there_are():
    rng = np.random.default_rng(3)
    for _ in range(20):
        guide, target = random_rna(rng, 20), random_rna(rng, 40)
        target = target[:10] + reverse_complement(guide[2:9]) + "AC" + reverse_complement(guide[11:16]) + target[30:]
        found = features(guide, target)
        assert found["alignment"] == pytest.approx(best_alignment(guide, target))
        assert found["helix"] == longest_run(guide, target, is_pair)
        assert found["wobble_helix"] == longest_run(guide, target, lambda x, y: is_pair(x, y) or (x, y) in WOBBLES)


def test_a_perfect_target_has_the_largest_window():
    guide = "UGAGGUAGUAGGUUGUAUAGUU"
    found = features(guide, "A" * 30 + reverse_complement(guide) + "A" * 30)
    full = (15 * sum(letter in "GC" for letter in guide) + 9 * sum(letter in "AU" for letter in guide)) / 10
    assert found["window"] == found["alignment"] == pytest.approx(full)
    assert found["seed_window"] > found["window"]


def test_chances_are_those_of_the_targets_own_markov_chain():
    guide, target = "UGAGGUAGUAGGUUGUAUAGUU", "ACGGAUUACAGGCAUCUACCUAUUGCA"
    share = {x: (target.count(x) + 1) / (len(target) + 4) for x in "ACGU"}
    steps = {x: [b for a, b in pairwise(target) if a == x] for x in "ACGU"}
    word = site_of(guide)
    expected = np.log(share[word[0]]) + sum(
        np.log((steps[a].count(b) + 4 * share[b]) / (len(steps[a]) + 4)) for a, b in pairwise(word)
    )
    found = features(guide, target)
    assert found["chance_7mer_m8"] == pytest.approx(expected)
    assert found["expected_7mer_m8"] == pytest.approx(expected + np.log(len(target) - 6))
    assert found["chance_8mer"] < found["chance_7mer_m8"] < found["chance_6mer"] < 0


def test_a_row_depends_on_its_pair_alone():
    rng = np.random.default_rng(1)
    rnas = [random_rna(rng, length) for length in rng.integers(15, 900, 60)]
    guides, targets = rng.integers(60, size=(2, 400))
    together = PairFeatures(rnas).of(guides, targets)  # several blocks
    order = rng.permutation(400)
    assert np.array_equal(PairFeatures(rnas, threads=3).of(guides[order], targets[order]), together[order])
    alone = PairFeatures([rnas[guides[7]], rnas[targets[7]]]).of(np.array([0]), np.array([1]))
    assert np.array_equal(alone[0], together[7])


@pytest.mark.parametrize(
    ("guide", "target"),
    [("A", "U"), ("ACGUACG", "CGUACGU"), ("N" * 22, "N" * 50), ("ACGUACGU", "A"), ("A" * 50, "U" * 9)],
)
def test_short_and_ambiguous_rnas_have_numbers_too(guide, target):
    assert np.isfinite(list(features(guide, target).values())).all()


def test_ambiguous_letters_pair_with_nothing():
    found = features("N" * 22, "ACGU" * 20)
    assert (found["seed_pairs"], found["helix"], found["alignment"], found["site_weight"]) == (0, 0, 0, 0)


def test_no_pairs_have_no_rows():
    nothing = np.zeros(0, dtype=np.int64)
    assert PairFeatures(["ACGU"]).of(nothing, nothing).shape == (0, len(FEATURES))


def test_names_are_unique():
    assert len(set(FEATURES)) == len(FEATURES)
    assert set(FEATURES) > RISING
