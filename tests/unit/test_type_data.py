"""What of a file can be learned from, and what is held out."""

import numpy as np
import pytest

from cupid_tools.errors import InputError
from cupid_tools.evaluation.settings import Listed
from cupid_tools.models.types.data import NO_TYPE, REPEATED, TypedRna, choose_rnas, digests_of, groups_of
from cupid_tools.models.types.holdout import held_out
from tests.typed_rnas import typed_rnas


def rna(name, kind, digest):
    return TypedRna(name, kind, digest, 7)


def test_one_of_each_sequence_is_kept_whatever_the_order():
    given = [rna("b", "x", "2"), rna("c", "x", "1"), rna("a", "x", "2"), rna("d", "unknown", "3"), rna("e", "y", "4")]
    kept, dropped = choose_rnas(given, "f")
    assert [(one.id, one.digest) for one in kept] == [("c", "1"), ("a", "2"), ("e", "4")]
    assert sorted(dropped) == [("b", REPEATED), ("d", NO_TYPE)]
    assert choose_rnas(given[::-1], "f").rnas == kept


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([rna("a", "x", "1"), rna("b", "y", "1")], "f:7: RNAs 'a' and 'b' have one sequence and two types, x and y"),
        ([rna("a", "x", "1"), rna("b", "x", "2")], "f: has RNAs of one type only, x"),
        ([rna("a", "unknown", "1")], "f: names no RNA's type"),
        ([], "names no RNA's type"),
    ],
)
def test_what_cannot_be_learned_from(given, words):
    with pytest.raises(InputError, match=words):
        choose_rnas(given, "f")


def test_digests_follow_sequences_types_and_what_is_held_out():
    rnas, valid = [rna("a", "x", "1"), rna("b", "y", "2")], np.array([True, False])
    found = digests_of(rnas, valid)
    assert digests_of([one._replace(id="other") for one in rnas], valid) == found
    assert digests_of([rnas[0], rnas[1]._replace(type="z")], valid)["rnas"] != found["rnas"]
    other = digests_of(rnas, ~valid)
    assert (other["rnas"] != found["rnas"], other["train_rnas"] != found["train_rnas"]) == (True, True)


def test_relatives_are_listed_or_told_by_sequence():
    rnas = typed_rnas(4)
    longer = "A" + rnas[0].sequence + "C"
    ids, sequences = [*(one.id for one in rnas), "longer"], [*(one.sequence for one in rnas), longer]
    digests = [str(number) for number in range(len(ids))]
    found = groups_of(ids, digests, sequences, None)
    assert found[-1] == found[0]
    assert len(np.unique(found)) == len(rnas)
    assert len(np.unique(groups_of(ids, digests, None, None))) == len(ids)
    listed = Listed(dict.fromkeys(ids, "g") | {ids[3]: "h"}, "groups.tsv")
    assert np.bincount(groups_of(ids, digests, sequences, listed)).tolist() in ([12, 1], [1, 12])
    digests[3] = digests[4]  # equal sequences are together even so
    assert np.bincount(groups_of(ids, digests, sequences, listed)).tolist() == [13]


def test_an_rna_that_is_not_listed():
    with pytest.raises(InputError, match=r"groups.tsv: RNA 'b' has no group"):
        groups_of(["a", "b"], ["1", "2"], None, Listed({"a": "g"}, "groups.tsv"))


def draw(types, groups, fraction, seed=1):
    return held_out(np.array(types), np.array(groups), fraction, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(20))
def test_whole_groups_and_about_the_share_of_each_type(seed):
    rng = np.random.default_rng(seed)
    groups = rng.integers(400, size=3000)
    types = (groups % 7 + (rng.random(3000) < 0.03)) % 7  # a group has mostly one type
    types[groups == 5] = 7  # and one type is rare
    held = draw(types, groups, 0.1, seed)
    assert not np.intersect1d(groups[held], groups[~held]).size
    assert set(types[~held]) == set(types)
    for kind in range(7):
        assert 0.04 < held[types == kind].mean() < 0.16


def test_a_family_that_is_too_large_is_learned_from():
    types, groups = np.repeat([0, 1], 100), np.r_[np.zeros(60, int), np.arange(1, 141)]
    for seed in range(10):
        held = draw(types, groups, 0.1, seed)
        assert not held[:60].any()
        assert held[:100].sum() == held[100:].sum() == 10


def test_a_type_of_large_families_gives_its_smallest():
    types, groups = np.repeat([0, 1], [50, 50]), np.r_[np.repeat([0, 1, 2], [25, 5, 20]), np.arange(3, 53)]
    assert set(groups[draw(types, groups, 0.02)][:5].tolist()) == {1}


def test_the_last_rnas_of_a_type_are_learned_from():
    types, groups = np.array([0, 0, 0, 1, 0, 0]), np.array([0, 1, 2, 3, 4, 5])
    for seed in range(10):
        held = draw(types, groups, 0.5, seed)
        assert not held[3]
        assert held.sum() >= 2
    assert not draw([0, 1, 0, 1], [0, 0, 0, 0], 0.5).any()
