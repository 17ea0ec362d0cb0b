"""Augmentation makes each pair once, and forgets nothing."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from cupid_tools.io.pairs import PairTable
from cupid_tools.sampling.augment import AugmentSettings, augment_pairs, flipped_rnas
from cupid_tools.vocab import FLIP_SUFFIX, SPLITS, WAYS, Rna


@st.composite
def tables(draw):
    names = [f"r{i}" for i in range(6)]
    rows = draw(st.lists(st.tuples(*[st.sampled_from(names)] * 2, st.sampled_from(["train", "test"])), min_size=1))
    frame = pd.DataFrame(rows, columns=["id_a", "id_b", "split"], index=range(2, len(rows) + 2), dtype=object)
    return PairTable(frame.assign(extra=[str(i) for i in range(len(rows))]), "pairs.tsv")


hows = st.sets(st.sampled_from(WAYS), min_size=1).map(lambda some: tuple(way for way in WAYS if way in some))


@given(table=tables(), how=hows, splits=st.sampled_from([("train",), ("train", "valid", "test")]))
def test_every_copy_is_there_once(table, how, splits):
    blocks = augment_pairs(table, AugmentSettings(how, splits))
    original, made = blocks[0], pd.concat([blocks[0].iloc[:0], *blocks[1:]])
    assert original[list(table.frame.columns)].equals(table.frame)
    seen = set(zip(table.frame["id_a"], table.frame["id_b"], strict=True))
    copies = list(zip(made["id_a"], made["id_b"], strict=True))
    assert len(set(copies)) == len(copies)
    assert not seen.intersection(copies)
    expected = set()
    for a, b, split in zip(*(table.frame[name] for name in ("id_a", "id_b", "split")), strict=True):
        if split in splits:
            flipped = (a + FLIP_SUFFIX, b + FLIP_SUFFIX)
            expected |= {{"swap": (b, a), "flip": flipped, "both": flipped[::-1]}[way] for way in how}
    assert set(copies) == expected - seen
    assert set(made["split"]) <= set(splits)


@given(table=tables())
def test_distinct_pairs_become_four_and_flips_undo_themselves(table):
    frame = table.frame[(table.frame["id_a"] < table.frame["id_b"]).to_numpy()].drop_duplicates(["id_a", "id_b"])
    blocks = augment_pairs(PairTable(frame, "pairs.tsv"), AugmentSettings(WAYS, SPLITS))
    assert sum(map(len, blocks)) == 4 * len(frame)
    rng = np.random.default_rng(0)
    rnas = {f"r{i}": Rna(f"r{i}", "".join(rng.choice(list("ACGU"), 9)), "miRNA", "note=1") for i in range(6)}
    flipped = {rna.id: rna for rna in flipped_rnas(rnas, blocks)}
    assert set(flipped) == {name + FLIP_SUFFIX for name in {*frame["id_a"], *frame["id_b"]}}
    for name, rna in flipped.items():
        parent = rnas[name.removesuffix(FLIP_SUFFIX)]
        assert (rna.sequence[::-1], rna.type, rna.note) == (parent.sequence, "miRNA", f"note=1 flip_of={parent.id}")
