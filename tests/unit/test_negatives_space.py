"""The machinery under the strategies."""

import numpy as np
import pytest

from cupid_tools.sampling.negatives import space
from cupid_tools.sampling.negatives.space import KeySet, Stratum, fulfil, proportional, spread


def stratum(size=40, positives=((0, 20), (0, 21), (1, 22)), per_positive=2, sequences=None):
    a, b = (np.array(side, dtype=np.int64) for side in zip(*positives, strict=True))
    made = Stratum(
        split="train",
        types=("miRNA", "lncRNA"),
        a=a,
        b=b,
        first=np.arange(size // 2),
        second=np.arange(size // 2, size),
        lengths=np.arange(size) + 10,
        sequences=np.arange(size) if sequences is None else sequences,
        per_positive=per_positive,
    )
    made.start(KeySet(np.unique(made.keys(a, b))))
    return made


def test_key_set_holds_what_was_added_and_not_removed():
    rng = np.random.default_rng(0)
    keys, expected = KeySet(), set()
    for _ in range(30):
        new = np.sort(rng.choice(1000, rng.integers(0, 40), replace=False))
        new = new[~keys.holds(new)]
        keys.add(new)
        expected |= set(new.tolist())
        gone = np.sort(rng.choice(1000, 5, replace=False))
        keys.remove(gone)
        expected -= set(gone.tolist())
        assert set(np.flatnonzero(keys.holds(np.arange(1000))).tolist()) == expected


def test_a_pair_is_granted_once_in_either_order_and_never_with_itself():
    space_ = stratum()
    granted = space_.grant(np.array([0, 0, 25, 3, 0]), np.array([20, 25, 0, 3, 26]))
    assert granted.tolist() == [False, True, False, False, True]
    assert not space_.grant(np.array([26]), np.array([0])).any()


def test_equal_sequences_are_one_partner():
    sequences = np.arange(40)
    sequences[25] = 20  # 25 is the positive partner 20 under another name
    sequences[27] = 26
    space_ = stratum(sequences=sequences)
    assert space_.grant(np.array([0, 0, 0]), np.array([25, 26, 27])).tolist() == [False, True, False]
    assert space_.room(np.array([0, 5]), space_.second).tolist() == [18 - 2 - 1, 18]


def test_room_is_what_can_be_drawn():
    space_ = stratum()
    anchors = np.array([0, 1, 2])
    room = space_.room(anchors, space_.second)
    fulfil(space_, anchors, np.full(3, 99), np.random.default_rng(1))
    a, _ = space_.drawn()
    assert np.bincount(a)[:3].tolist() == room.tolist() == [18, 19, 20]


@pytest.mark.parametrize("cells", [1, 1 << 24])
def test_lists_find_the_last_free_partners(monkeypatch, cells):
    monkeypatch.setattr(space, "_ROUNDS", 0)
    monkeypatch.setattr(space, "_CELLS", cells)
    space_ = stratum()
    fulfil(space_, np.array([0, 1]), np.array([18, 4]), np.random.default_rng(1))
    a, b = space_.drawn()
    assert np.bincount(a).tolist() == [18, 4]
    assert len(set(zip(a.tolist(), b.tolist(), strict=True))) == 22


def test_every_free_partner_is_equally_likely():
    counts = np.zeros(40)
    for seed in range(2000):
        space_ = stratum(positives=((0, 20),), per_positive=5)
        fulfil(space_, np.array([0]), np.array([5]), np.random.default_rng(seed))
        counts[space_.drawn()[1]] += 1
    assert counts[:21].sum() == 0
    expected = 2000 * 5 / 19
    assert np.abs(counts[21:] - expected).max() < 4.5 * np.sqrt(expected)


def test_spread_uses_all_room_before_it_gives_up():
    space_ = stratum(size=8, positives=((0, 4), (1, 5)), per_positive=4)
    spread(space_, np.array([0, 1]), np.array([1, 1]), np.random.default_rng(0))
    assert space_.missing == 2  # 2 anchors x 4 partners - 2 positives are 6
    assert len(space_.drawn()[0]) == 6


@pytest.mark.parametrize("total", [0, 1, 7, 30, 99])
def test_shares_are_proportional_up_to_the_room(total):
    weights, room = np.array([5, 3, 1, 1, 0]), np.array([2, 20, 20, 1, 9])
    shares = proportional(weights, room, total)
    assert shares.sum() == min(total, 43)
    assert (shares <= room).all()
    assert shares[4] == 0
    if total == 7:
        assert shares.tolist() == [2, 3, 1, 1, 0]
