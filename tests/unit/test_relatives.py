"""Groups of relatives, against the definition spelt out."""

import itertools

import numpy as np
import pytest

from cupid_tools.errors import InputError
from cupid_tools.io.fasta import load_rnas
from cupid_tools.sampling import relatives
from cupid_tools.sampling.relatives import join_groups, listed_groups, related_groups, sequence_groups
from cupid_tools.vocab import Rna


def partition(groups):
    members = {}
    for index, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(index)
    return sorted(members.values())


def related(one, two):
    """The definition, for two RNAs."""
    if one.sequence == two.sequence:
        return True
    seeds = [rna.sequence[1:8] for rna in (one, two) if rna.type == "miRNA" and len(rna.sequence) >= 8]
    if len(seeds) == 2 and seeds[0] == seeds[1]:
        return True
    sets = [
        {s[i : i + 15] for i in range(len(s) - 14) if set(s[i : i + 15]) <= set("ACGU")}
        for s in (one.sequence, two.sequence)
    ]
    smaller = min(map(len, sets))
    return smaller > 0 and len(sets[0] & sets[1]) >= 0.25 * smaller


def brute_force(rnas):
    groups = list(range(len(rnas)))
    for i, j in itertools.combinations(range(len(rnas)), 2):
        if related(rnas[i], rnas[j]):
            groups = [groups[i] if group == groups[j] else group for group in groups]
    return np.array(groups)


def mosaics(seed, size=60):
    """RNAs made of shared blocks, repeats and their own sequence, some equal, some too short for a k-mer."""
    rng = np.random.default_rng(seed)

    def letters(length):
        return "".join(rng.choice(list("ACGU"), length))

    blocks = [letters(int(n)) for n in rng.integers(15, 80, 12)]
    rnas = []
    for index in range(size):
        parts = [blocks[i] if rng.random() < 0.4 else letters(int(rng.integers(1, 90))) for i in rng.integers(0, 12, 4)]
        sequence = "".join(parts)[: int(rng.integers(6, 200))]
        if rng.random() < 0.1:
            sequence = sequence[:20] + "N" + sequence[20:]
        rnas.append(Rna(f"r{index}", sequence, "miRNA" if rng.random() < 0.3 else "lncRNA"))
    rnas += [
        Rna("copy", rnas[0].sequence, "snoRNA"),
        Rna("tiny1", "ACGUACG", "miRNA"),
        Rna("tiny2", "UCGUACG", "miRNA"),
    ]
    return rnas


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_those_of_the_definition(seed):
    rnas = mosaics(seed)
    assert partition(related_groups(rnas)) == partition(brute_force(rnas))


def test_blocks_do_not_change_the_groups(monkeypatch):
    rnas = mosaics(7)
    expected = related_groups(rnas)
    monkeypatch.setattr(relatives, "_BLOCK_PRODUCTS", 5)
    assert related_groups(rnas).tolist() == expected.tolist()


def test_the_threshold_is_a_quarter_of_the_smaller():
    rng = np.random.default_rng(1)
    long, short = ("".join(rng.choice(list("ACGU"), n)) for n in (300, 86))
    shared = short[: 14 + 18]  # 18 of the short one's 72 k-mers
    assert partition(related_groups([Rna("a", long + shared), Rna("b", short)])) == [[0, 1]]
    assert partition(related_groups([Rna("a", long + shared[:-1]), Rna("b", short)])) == [[0], [1]]


def test_a_seed_relates_mirnas_only():
    rnas = [Rna("m1", "AGGCAUUAGC", "miRNA"), Rna("m2", "UGGCAUUACCCC", "miRNA"), Rna("s", "UGGCAUUAGG", "siRNA")]
    assert partition(related_groups(rnas)) == [[0, 1], [2]]


def test_groups_do_not_depend_on_the_order_of_the_rnas():
    rnas = mosaics(3)
    by_id = {rna.id: group for rna, group in zip(rnas, related_groups(rnas), strict=True)}
    turned = {rna.id: group for rna, group in zip(rnas[::-1], related_groups(rnas[::-1]), strict=True)}
    names = list(by_id)
    assert partition(np.array([by_id[n] for n in names])) == partition(np.array([turned[n] for n in names]))


def test_real_relatives(data):
    groups = related_groups(list(load_rnas(data / "rnas.fa").values()))
    assert (len(np.unique(groups)), np.bincount(groups).max()) == (242, 7)


def test_groups_are_joined_through_others():
    assert join_groups(np.array([0, 1, 1, 2]), np.array([0, 0, 1, 2])).tolist() == [0, 0, 0, 1]


def test_a_table_of_groups_keeps_equal_sequences_together():
    rnas = [Rna("a", "ACGU"), Rna("b", "ACGU"), Rna("c", "GGGG"), Rna("d", "CCCC")]
    assert sequence_groups(rnas).tolist() == [0, 0, 1, 2]
    table = {"a": "x", "b": "y", "c": "y", "d": "z"}
    assert listed_groups(rnas, table, "g.tsv").tolist() == [0, 0, 0, 1]


def test_a_table_that_lacks_an_rna_is_refused():
    with pytest.raises(InputError, match=r"g\.tsv: RNA 'b' has no group"):
        listed_groups([Rna("a", "A"), Rna("b", "C")], {"a": "x"}, "g.tsv")
