"""What users rely on, for every registered strategy."""

from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cupid_tools.errors import InputError
from cupid_tools.io.pairs import PairTable
from cupid_tools.sampling.augment import AugmentSettings, augment_pairs, flipped_rnas
from cupid_tools.sampling.coded import code_pairs
from cupid_tools.sampling.negatives import STRATEGIES, NegativeSettings
from cupid_tools.sampling.negatives.draw import draw_negatives
from cupid_tools.vocab import FLIP_SUFFIX, WAYS, Pair, Rna

QUICK = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
hows = st.sets(st.sampled_from(WAYS), min_size=1).map(lambda some: tuple(way for way in WAYS if way in some))


@st.composite
def studies(draw):
    """A small table: three types, equal sequences, both orders, hubs, known negatives, splits or none."""
    size = draw(st.integers(6, 24))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    sequences = ["".join(rng.choice(list("ACGU"), int(rng.integers(8, 30)))) for _ in range(size)]
    for _ in range(draw(st.integers(0, 2))):
        sequences[int(rng.integers(size))] = sequences[0]
    types = rng.choice(["miRNA", "lncRNA", "snoRNA"][: draw(st.integers(1, 3))], size)
    rnas = {f"r{i}": Rna(f"r{i}", s, str(t)) for i, (s, t) in enumerate(zip(sequences, types, strict=True))}
    names = list(rnas)
    weights = rng.pareto(1.0, size) + 0.3
    splits = draw(st.booleans())
    seen, rows = {}, []
    for _ in range(draw(st.integers(1, 25))):
        a, b = rng.choice(names, 2, replace=False, p=weights / weights.sum())
        label = seen.setdefault(Pair(a, b).key, int(rng.random() < 0.85))
        rows.append((a, b, label, str(rng.choice(["train", "valid", "test"]))))
    if not any(row[2] for row in rows):
        rows[0] = (*rows[0][:2], 1, rows[0][3])
        rows = rows[:1]
    frame = pd.DataFrame(rows, columns=["id_a", "id_b", "label", "split"], index=range(2, len(rows) + 2))
    return rnas, frame if splits else frame.drop(columns="split")


def drawn(rnas, frame, strategy, per_positive, seed=1):
    table = PairTable(frame, "pairs.tsv")
    pairs = code_pairs(table, rnas, "rnas.fa")
    settings = NegativeSettings(strategy=strategy, per_positive=per_positive, seed=seed)
    rows = []
    for stratum in draw_negatives(table, pairs, settings):
        for a, b in zip(*stratum.drawn(), strict=True):
            rows.append((pairs.rnas[a].id, pairs.rnas[b].id, stratum.split))
    return rows


def rows_of(frame):
    splits = frame["split"] if "split" in frame else [""] * len(frame)
    return list(zip(frame["id_a"], frame["id_b"], frame["label"], splits, strict=True))


@pytest.mark.parametrize("strategy", list(STRATEGIES))
@given(study=studies(), per_positive=st.integers(1, 4))
@QUICK
def test_negatives_keep_their_promises(strategy, study, per_positive):
    rnas, frame = study

    def key(a, b):
        return Pair(rnas[a].sequence, rnas[b].sequence).key

    try:
        rows = drawn(rnas, frame, strategy, per_positive)
    except InputError:
        return  # a space that is too small; test_all_free_pairs_can_be_had tells that the refusal is right
    known = {key(a, b) for a, b, _, _ in rows_of(frame)}
    keys = [key(a, b) for a, b, _ in rows]
    assert not known.intersection(keys)
    assert len(keys) == len(set(keys))
    assert all(one != other for one, other in keys)
    named = defaultdict(set)
    wanted = Counter()
    for a, b, label, split in rows_of(frame):
        named[split] |= {a, b}
        wanted[split, rnas[a].type, rnas[b].type] += label * per_positive
    assert all({a, b} <= named[split] for a, b, split in rows)
    assert Counter((split, rnas[a].type, rnas[b].type) for a, b, split in rows) == +wanted


@pytest.mark.parametrize("strategy", list(STRATEGIES))
@given(study=studies(), seed=st.integers(0, 99))
@settings(QUICK, max_examples=25)
def test_the_order_of_rows_and_rnas_changes_nothing(strategy, study, seed):
    rnas, frame = study
    try:
        rows = drawn(rnas, frame, strategy, 1, seed)
    except InputError:
        return
    turned = dict(reversed(rnas.items()))
    assert drawn(turned, frame.sample(frac=1, random_state=seed), strategy, 1, seed) == rows


@given(study=studies())
@QUICK
def test_a_refusal_names_a_number_that_fits(study):
    rnas, frame = study
    try:
        drawn(rnas, frame, "type-matched", 50)
    except InputError as error:
        text = str(error)
        if " fits" in text:
            fits = int(text.split("--per-positive ")[1].split()[0])
            assert drawn(rnas, frame, "type-matched", fits)


@pytest.mark.parametrize("strategy", list(STRATEGIES))
@given(study=studies(), how=hows, augmented=st.sampled_from([("train",), ("train", "valid", "test")]))
@QUICK
def test_a_flip_is_the_same_rna_but_in_its_direction(strategy, study, how, augmented):
    """Augmented as it is documented: no negative is a flip or half a flip of a pair, and none mixes directions."""
    rnas, frame = study
    assume("split" in frame)
    blocks = augment_pairs(PairTable(frame, "pairs.tsv"), AugmentSettings(how, augmented))
    whole = pd.concat(blocks)
    rnas = rnas | {rna.id: rna for rna in flipped_rnas(rnas, blocks)}
    try:
        rows = drawn(rnas, whole, strategy, 1)
    except InputError:
        return
    originals = {name: rnas[name.removesuffix(FLIP_SUFFIX)].sequence for name in rnas}
    known = {Pair(originals[a], originals[b]).key for a, b in zip(frame["id_a"], frame["id_b"], strict=True)}
    assert not known & {Pair(originals[a], originals[b]).key for a, b, _ in rows}
    assert all(originals[a] != originals[b] for a, b, _ in rows)
    assert all(a.endswith(FLIP_SUFFIX) == b.endswith(FLIP_SUFFIX) for a, b, _ in rows)
    keys = [Pair(rnas[a].sequence, rnas[b].sequence).key for a, b, _ in rows]
    assert len(keys) == len(set(keys))

    def directions(pairs):
        return Counter((split, rnas[a].type, rnas[b].type, a.endswith(FLIP_SUFFIX)) for a, b, split in pairs)

    positive = whole[whole["label"] == 1]
    assert directions(rows) == directions(positive[["id_a", "id_b", "split"]].itertuples(index=False))


def test_flips_of_positives_that_were_not_augmented_are_never_drawn():
    """Two miRNAs and two lncRNAs; the one pair that nobody tested is all there is to draw, in each direction."""
    rnas = {name: Rna(name, sequence, name[0]) for name, sequence in
            {"m0": "ACGUUU", "m1": "AACGUU", "l0": "GGCUUU", "l1": "GCCUUUA"}.items()}  # fmt: skip
    rows = [("m0", "l0", 1, "train"), ("m1", "l1", 1, "train"), ("m0", "l1", 1, "test")]
    frame = pd.DataFrame(rows, columns=["id_a", "id_b", "label", "split"], index=[2, 3, 4])
    blocks = augment_pairs(PairTable(frame, "pairs.tsv"), AugmentSettings(("flip",), ("train",)))
    rnas |= {rna.id: rna for rna in flipped_rnas(rnas, blocks)}
    whole = pd.concat(blocks)[lambda frame: frame["split"] == "train"]
    known = pd.concat([whole, frame[frame["split"] == "test"].assign(label=0)])
    with pytest.raises(InputError, match="needs 2 negatives for 2 positives, but only 1 pairs are free"):
        drawn(rnas, known, "type-matched", 1)


def test_all_free_pairs_can_be_had():
    """4 x 6 RNAs with 4 positives leave 20 pairs: exactly 5 a positive, for every strategy that may shift."""
    rnas = {f"m{i}": Rna(f"m{i}", "ACGU" * 3 + "A" * i, "miRNA") for i in range(4)}
    rnas |= {f"l{i}": Rna(f"l{i}", "GGCU" * 5 + "C" * i, "lncRNA") for i in range(6)}
    pairs = [("m0", "l0"), ("m1", "l1"), ("m2", "l2"), ("m3", "l3")]
    frame = pd.DataFrame([(*pair, 1) for pair in pairs], columns=["id_a", "id_b", "label"], index=range(2, 6))
    frame = pd.concat([frame, pd.DataFrame([("m0", "l4", 0), ("m0", "l5", 0)], columns=frame.columns, index=[6, 7])])
    for strategy in STRATEGIES:
        assert len(drawn(rnas, frame, strategy, 4)) == 16
    with pytest.raises(InputError, match=r"needs 20 negatives for 4 positives, but only 18 .*--per-positive 4 fits"):
        drawn(rnas, frame, "uniform", 5)
