"""What users rely on, for every registered strategy."""

from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cupid_tools.errors import InputError
from cupid_tools.io.pairs import PairTable
from cupid_tools.sampling.coded import code_pairs
from cupid_tools.sampling.negatives import STRATEGIES, NegativeSettings
from cupid_tools.sampling.negatives.draw import draw_negatives
from cupid_tools.vocab import Pair, Rna

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


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
    rows = []
    for stratum in draw_negatives(table, pairs, NegativeSettings(strategy, per_positive, seed)):
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
        if "--per-positive" in text:
            fits = int(text.split("--per-positive ")[1].split()[0])
            assert drawn(rnas, frame, "type-matched", fits)


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
