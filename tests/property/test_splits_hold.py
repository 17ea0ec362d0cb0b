"""What users rely on, for every registered split; stated here by ids and sequences, apart from splits/check.py."""

from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cupid_tools.errors import InputError
from cupid_tools.io.pairs import PairTable
from cupid_tools.sampling.coded import code_pairs
from cupid_tools.sampling.relatives import join_groups, related_groups
from cupid_tools.sampling.splits import SPLITTERS, SplitSettings
from cupid_tools.sampling.splits.split import split_pairs
from cupid_tools.vocab import SPLITS, Pair, Rna

QUICK = settings(max_examples=60)


@st.composite
def studies(draw):
    """Bipartite or not, with equal sequences, seed families, both orders and some known negatives."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    size = draw(st.integers(20, 60))
    sequences = ["".join(rng.choice(list("ACGU"), 21)) for _ in range(size)]
    for _ in range(4):
        sequences[int(rng.integers(size))] = sequences[int(rng.integers(size))]
        one, other = rng.integers(size, size=2)
        sequences[one] = sequences[one][:1] + sequences[other][1:8] + sequences[one][8:]
    bipartite = draw(st.booleans())
    kinds = ["miRNA" if i < size // 3 else "lncRNA" for i in range(size)]
    rnas = {f"r{i:02d}": Rna(f"r{i:02d}", s, kind) for i, (s, kind) in enumerate(zip(sequences, kinds, strict=True))}
    names = list(rnas)
    labels, rows = {}, []
    for _ in range(draw(st.integers(60, 200))):
        if bipartite:
            a, b = rng.choice(names[: size // 3]), rng.choice(names[size // 3 :])
        else:
            a, b = rng.choice(names, 2, replace=False)
        rows.append((str(a), str(b), labels.setdefault(Pair(a, b).key, int(rng.random() < 0.8))))
    frame = pd.DataFrame(rows, columns=["id_a", "id_b", "label"], index=range(2, len(rows) + 2))
    return rnas, frame.drop_duplicates(["id_a", "id_b"])


def split(rnas, frame, by, strict, seed=1):
    """(id_a, id_b) -> split or None; and RNA id -> what must not be shared."""
    table = PairTable(frame, "pairs.tsv")
    pairs = code_pairs(table, rnas, "rnas.fa")
    groups = related_groups(pairs.rnas) if strict else pairs.sequences
    parts = split_pairs(table, pairs, groups, SplitSettings(by=by, strict=strict, seed=seed))
    ids = zip(frame["id_a"], frame["id_b"], strict=True)
    rows = {pair: SPLITS[part] if part >= 0 else None for pair, part in zip(ids, parts, strict=True)}
    return rows, {rna.id: group for rna, group in zip(pairs.rnas, groups.tolist(), strict=True)}


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("by", list(SPLITTERS))
@given(study=studies())
@QUICK
def test_splits_keep_their_promises(by, strict, study):
    rnas, frame = study
    try:
        rows, group = split(rnas, frame, by, strict)
    except InputError:
        return  # without positives; test_a_split_without_positives looks at the message
    sides = SPLITTERS.load(by).sides
    held = defaultdict(set)
    for pair, part in rows.items():
        held[part] |= {group[name] for name in pair}
    for pair, part in rows.items():
        for earlier in SPLITS[: SPLITS.index(part)] if part else ():
            for side in sides:
                assert group[pair[side]] not in held[earlier]
    if not sides:
        together = defaultdict(set)
        for (a, b), part in rows.items():
            together[Pair(group[a], group[b]).key].add(part)
        assert all(len(parts) == 1 for parts in together.values())


@pytest.mark.parametrize("by", list(SPLITTERS))
@given(study=studies(), seed=st.integers(0, 99))
@settings(QUICK, max_examples=20)
def test_the_order_of_rows_and_rnas_changes_nothing(by, study, seed):
    rnas, frame = study
    try:
        rows, _ = split(rnas, frame, by, False, seed)
    except InputError:
        return
    turned, _ = split(dict(reversed(rnas.items())), frame.sample(frac=1, random_state=seed), by, False, seed)
    assert turned == rows


@given(study=studies())
@QUICK
def test_only_straddling_pairs_are_left_out(study):
    rnas, frame = study
    try:
        rows, _ = split(rnas, frame, "unseen-both", False)
    except InputError:
        return
    held = defaultdict(set)
    for pair, part in rows.items():
        if part:
            held[part] |= {rnas[name].sequence for name in pair}
    for pair, part in rows.items():
        if part is None:
            one, other = (rnas[name].sequence for name in pair)
            assert not any({one, other} <= held[name] for name in SPLITS)


def test_a_random_split_has_the_published_sizes_in_each_stratum():
    rnas = {f"r{i}": Rna(f"r{i}", "ACGU" * 3 + "A" * i, ("miRNA", "lncRNA", "snoRNA")[i % 3]) for i in range(60)}
    pairs = [(f"r{i}", f"r{j}") for i in range(60) for j in range(i)]
    frame = pd.DataFrame(pairs, columns=["id_a", "id_b"], index=range(2, len(pairs) + 2))
    frame["label"] = [int((int(a[1:]) + int(b[1:])) % 5 > 0) for a, b in pairs]
    rows, _ = split(rnas, frame, "random", False)
    frame["split"] = [rows[pair] for pair in pairs]
    frame["kinds"] = ["-".join(sorted(rnas[name].type for name in pair)) for pair in pairs]
    for _, stratum in frame.groupby(["kinds", "label"]):
        tested = (stratum["split"] == "test").sum()
        assert abs(tested - len(stratum) * 0.1) < 1
        assert abs((stratum["split"] == "valid").sum() - (len(stratum) - tested) * 0.2) < 2
    assert abs((frame["split"] == "test").sum() - len(frame) * 0.1) <= 1


@given(study=studies())
@QUICK
def test_a_random_split_of_relatives_has_the_asked_sizes_up_to_one_unit(study):
    rnas, frame = study
    try:
        rows, group = split(rnas, frame, "random", True)
    except InputError:
        return
    largest = Counter(Pair(group[a], group[b]).key for a, b in rows).most_common(1)[0][1]
    sizes = Counter(rows.values())
    assert abs(sizes["test"] - len(rows) * 0.1) <= largest
    assert abs(sizes["valid"] - (len(rows) - sizes["test"]) * 0.2) <= largest


@pytest.mark.parametrize(("by", "side"), [("unseen-a", "id_a"), ("unseen-b", "id_b")])
def test_unseen_rnas_make_parts_of_the_asked_size(by, side):
    rng = np.random.default_rng(5)
    rnas = {f"m{i}": Rna(f"m{i}", "ACGU" * 3 + "A" * i, "miRNA") for i in range(100)}
    rnas |= {f"l{i}": Rna(f"l{i}", "GGCU" * 5 + "C" * i, "lncRNA") for i in range(100)}
    pairs = sorted({(f"m{i}", f"l{j}") for i, j in (rng.pareto(1.5, (3000, 2)) * 12 % 100).astype(int).tolist()})
    frame = pd.DataFrame(pairs, columns=["id_a", "id_b"], index=range(2, len(pairs) + 2))
    rows, _ = split(rnas, frame, by, False)
    sizes = pd.Series(list(rows.values())).value_counts(normalize=True)
    heaviest = frame[side].value_counts(normalize=True).max()
    assert abs(sizes["test"] - 0.2) <= heaviest / 2 + 0.01
    assert abs(sizes["valid"] - 0.16) <= heaviest / 2 + 0.02


def test_strict_groups_are_coarser_than_sequences():
    rnas = [Rna("a", "ACGUACGUAC", "miRNA"), Rna("b", "UCGUACGUGG", "miRNA"), Rna("c", "ACGUACGUAC", "lncRNA")]
    assert join_groups(related_groups(rnas)).tolist() == [0, 0, 0]
