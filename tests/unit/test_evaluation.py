"""Score tables with known answers: what test shares with train, genes, gaps and verdicts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cupid_tools.errors import InputError
from cupid_tools.evaluation.audit import nearest_containment, spearman
from cupid_tools.evaluation.baselines import CONTROLS
from cupid_tools.evaluation.evaluate import evaluate
from cupid_tools.evaluation.experiment import ALL, OVERLAPS, STRICT_C3, Rows, prepare, to_genes
from cupid_tools.evaluation.figures import draw_all
from cupid_tools.evaluation.rnas import RnaTable
from cupid_tools.evaluation.settings import Listed, Options, Settings
from cupid_tools.evaluation.side_by_side import side_by_side
from cupid_tools.evaluation.tables import summary
from cupid_tools.evaluation.verdict import BAD, GOOD, UNKNOWN, WEAK, in_words, judge, warnings
from cupid_tools.io.pairs import PairTable
from cupid_tools.sampling.relatives import related_groups
from cupid_tools.vocab import Rna

COLUMNS = ["id_a", "id_b", "label", "split", "origin", "score"]


def letters(rng, length):
    return "".join(rng.choice(list("ACGU"), length))


def random_rnas(rng, mirnas, lncrnas):
    """Unrelated RNAs m0, m1, ... and l0, l1, ..."""
    rnas = [Rna(f"m{index}", letters(rng, 22), "miRNA") for index in range(mirnas)]
    rnas += [Rna(f"l{index}", letters(rng, 120), "lncRNA") for index in range(lncrnas)]
    return {rna.id: rna for rna in rnas}


def table(rows):
    """A score table; row i is line i + 2. Scores are text, as in a file."""
    frame = pd.DataFrame(rows, columns=COLUMNS, index=np.arange(2, len(rows) + 2), dtype=object)
    frame = frame.assign(label=frame["label"].astype(np.int8), score=frame["score"].map(str))
    return PairTable(frame, "scores.tsv")


def prepared(rows, rnas, **options):
    return prepare("trial", table(rows), rnas, "rnas.fa", Options(seed=1, **options))


@pytest.fixture
def small():
    """Six test pairs with all kinds of overlap."""
    rng = np.random.default_rng(1)
    rnas = random_rnas(rng, 6, 6)
    rnas["m5"] = rnas["m5"]._replace(sequence=rnas["m0"].sequence[:9] + rnas["m5"].sequence[9:])  # relative of m0
    rnas["l5"] = rnas["l5"]._replace(sequence=rnas["l0"].sequence)  # l0 under another name
    rows = [
        ("m0", "l0", 1, "train", "observed", 0.9),
        ("m1", "l1", 0, "train", "negative:uniform", 0.2),
        ("m0", "l1", 1, "test", "observed", 0.8),  # C1
        ("m0", "l2", 0, "test", "negative:uniform", 0.3),  # C2-left
        ("m2", "l1", 0, "test", "negative:type-matched", 0.6),  # C2-right
        ("m2", "l2", 1, "test", "observed", 0.4),  # C3, also strictly
        ("m5", "l2", 0, "test", "observed", 0.1),  # C3, but m5 has a relative
        ("m5", "l5", 1, "valid", "observed", 0.7),  # C2-right: l5 is l0; strictly C1
        ("m3", "l3", 0, "valid", "negative:uniform", 0.15),  # C3
    ]
    return rows, rnas


def test_overlap_classes_are_those_of_ids_sequences_and_relatives(small):
    rows = prepared(*small).rows
    found = {}
    for place in range(len(rows)):
        names = [name for name in OVERLAPS if rows.overlap(name)[place]]
        found[rows.scores["model"][place]] = names
    assert found == {
        0.8: [ALL, "C1", "strict-C1"],
        0.3: [ALL, "C2-left", "strict-C2-left"],
        0.6: [ALL, "C2-right", "strict-C2-right"],
        0.4: [ALL, "C3", "strict-C3"],
        0.1: [ALL, "C3", "strict-C2-left"],
        0.15: [ALL, "C3", "strict-C3"],
        0.7: [ALL, "C2-right", "strict-C1"],
    }


def test_strategies_split_negatives_and_share_positives(small):
    rows, rnas = small
    evaluation = evaluate(prepared(rows, rnas), Settings(seed=1, baselines=(), bootstrap=5))
    counts = {
        strategy: (found.values["n"], found.values["positives"])
        for strategy in (ALL, "uniform", "type-matched", "observed")
        if (found := evaluation.find(strategy=strategy)) is not None
    }
    assert counts == {ALL: (5, 2), "uniform": (3, 2), "type-matched": (3, 2), "observed": (3, 2)}


def test_the_audit_counts_what_is_shared(small):
    rows, rnas = small
    rows = [*rows, ("l1", "m1", 0, "test", "observed", 0.45), ("l0", "m0", 1, "test", "observed", 0.2)]
    evaluation = evaluate(prepared([*rows, rows[-1]], rnas), Settings(seed=1, baselines=(), bootstrap=2))
    audit = evaluation.audit
    found = {(row.split, row.rna_type): row[2:6] for row in audit.sharing}
    assert found == {
        ("valid", "miRNA"): (2, 0, 0, 1),
        ("valid", "lncRNA"): (2, 0, 1, 1),
        ("test", "miRNA"): (4, 2, 2, 3),
        ("test", "lncRNA"): (3, 2, 2, 2),
    }
    assert audit.copies == [("valid", 2, 0, 0, 0, 0), ("test", 8, 0, 3, 0, 1)]
    assert warnings(evaluation)[:2] == [
        "3 of 8 test pairs are in train too: these figures flatter.",
        "1 test rows repeat a pair, which then counts more than once.",
    ]
    assert (audit.both_orders, audit.order_difference) == (2, pytest.approx(0.7))


def test_copies_with_both_rnas_reversed_that_part_from_their_pair_are_warned_of(small):
    rows, rnas = small
    copies = [
        ("m2~flip", "l2~flip", 1, "train", "augmented:flip", 0.4),  # of a test pair
        ("l5~flip", "m5~flip", 1, "train", "augmented:both", 0.2),  # of a valid pair
        ("l3~flip", "m3~flip", 0, "train", "negative:uniform", 0.2),  # of a valid pair, by chance
        ("m0~flip", "l0~flip", 1, "train", "augmented:flip", 0.9),  # of a train pair
        ("m1~flip", "l2~flip", 0, "train", "negative:uniform", 0.9),  # of no pair
    ]
    evaluation = evaluate(prepared([*rows, *copies], rnas), Settings(seed=1, baselines=(), bootstrap=2))
    assert [found.reversed_rnas for found in evaluation.audit.copies] == [1, 1]
    told = "1 test positives are in train with both RNAs reversed: split before augmenting, or these figures flatter."
    assert told in warnings(evaluation)


def test_nearest_containment_is_the_largest_share_of_shared_kmers():
    rng = np.random.default_rng(4)
    sequences = [letters(rng, 60) for _ in range(6)]
    sequences[3] = sequences[0][:30] + sequences[3]
    sequences[4] = "ACGU"
    rnas = RnaTable([Rna(str(index), sequence) for index, sequence in enumerate(sequences)], np.arange(6))

    def kmers(index):
        return {sequences[index][start : start + 15] for start in range(len(sequences[index]) - 14)}

    of, among = np.array([0, 3, 4, 5]), np.array([0, 1, 2])
    expected = [
        max(len(kmers(x) & kmers(y)) for y in among) / len(kmers(x)) if kmers(x) else np.nan for x in of.tolist()
    ]
    assert nearest_containment(rnas, of, among) == pytest.approx(expected, nan_ok=True)
    assert expected[1] > 0.1


def test_spearman_is_pandas_spearman():
    rng = np.random.default_rng(5)
    x, y = rng.integers(0, 5, (2, 40)).astype(float)
    assert spearman(x, y) == pytest.approx(pd.Series(x).rank().corr(pd.Series(y).rank()))
    assert np.isnan(spearman(x, np.ones(40)))
    assert np.isnan(spearman(x[:0], y[:0]))


def test_genes_take_the_maximum_of_their_isoforms():
    rng = np.random.default_rng(6)
    count = 200
    unit = rng.integers(0, 8, (2, count))
    split = rng.integers(1, 3, count)
    flags = rng.random((4, count)) < 0.4
    rows = Rows(
        split=split,
        label=(rng.random(count) < 0.2).astype(np.int8),
        kind=np.zeros(count, dtype=np.int64),
        strategy=np.zeros(count, dtype=np.int64),
        seen=flags[:2],
        related=flags[2:],
        who=unit,
        unit=unit // 2,
        scores={"model": rng.random(count), "other": rng.random(count)},
    )
    merged = to_genes(rows)
    expected = {}
    for place in range(count):
        key = (split[place], frozenset(unit[:, place].tolist()))
        expected.setdefault(key, []).append(place)
    assert len(merged) == len(expected)
    for place in range(len(merged)):
        first, *_ = members = expected[merged.split[place], frozenset(merged.who[:, place].tolist())]
        assert merged.who[:, place].tolist() == unit[:, first].tolist()
        assert merged.unit[:, place].tolist() == (unit[:, first] // 2).tolist()
        assert merged.query[place] == unit[0, first]
        assert merged.label[place] == rows.label[members].max()
        for method, scores in merged.scores.items():
            assert scores[place] == rows.scores[method][members].max()
        for side in (0, 1):
            gene = merged.who[side, place]
            known = [rows.seen[s, m] for m in members for s in (0, 1) if unit[s, m] == gene]
            if merged.who[0, place] != merged.who[1, place]:
                assert merged.seen[side, place] == any(known)


def test_genes_with_any_isoform_in_train_are_seen(small):
    rows, rnas = small
    genes = {name: name for name in rnas} | {"l2": "l1"}  # unlike l1, but of its gene
    found = prepared(rows, rnas, genes=Listed(genes, "genes.tsv"))
    classes = {}
    for place in range(len(found.rows)):
        names = tuple(found.names[who] for who in found.rows.who[:, place])
        classes[names] = [name for name in OVERLAPS if found.rows.overlap(name)[place]][1:]
    assert classes["m2", "l1"] == ["C2-right", "strict-C2-right"]  # m2-l1 and m2-l2 are one pair now
    assert classes["m5", "l1"] == ["C2-right", "strict-C1"]
    assert classes["m3", "l3"] == ["C3", "strict-C3"]


def test_the_bootstrap_draws_groups_of_related_genes_unless_told(small):
    rows, rnas = small
    genes = Listed({name: f"gene-{name}" for name in rnas}, "genes.tsv")
    kin = prepared(rows, rnas, genes=genes)
    alone = prepared(rows, rnas, genes=genes, resample="rnas")
    unit = {name: kin.rows.unit[kin.rows.who == kin.names.index(name)] for name in ("gene-m5", "gene-m0")}
    assert set(unit["gene-m5"]) == set(unit["gene-m0"])  # relatives: their labels are copies
    assert len(alone.strata) == len({*alone.names}) == len(kin.strata) + 2  # m5 of m0, and l5 of l0


def test_score_tables_of_the_same_pairs_are_compared_on_them():
    rng = np.random.default_rng(21)
    rows, rnas = study(rng, lambda degree, label: round(rng.normal() * 0.1 + 0.2 * label + 0.4, 4), strict=True)
    worse = [(*row[:5], round(float(rng.random()), 4)) for row in rows]
    backwards = [(b, a, *rest) for a, b, *rest in worse]  # a pair has no order
    settings = Settings(seed=1, baselines=(), bootstrap=100)
    one, other, same = (
        evaluate(prepare(name, table(part), rnas, "rnas.fa", Options(seed=1)), settings)
        for name, part in (("good", rows), ("bad", backwards), ("again", rows))
    )
    found = side_by_side([one, other, same], settings)
    assert [(both.one, both.other) for both in found] == [("good", "bad"), ("good", "again"), ("bad", "again")]
    count = sum(row[3] == "test" for row in rows)
    assert all((both.smaller, both.shared) == (count, count) for both in found)
    ((contrast, gap),) = found[0].comparisons[0].gaps
    assert contrast.answer(gap) == "good ranks better"
    model = one.headlines[ALL].model.values
    assert found[0].comparisons[0].methods["good"].values["auprc"] == model["auprc"]
    assert gap.auprc == pytest.approx(model["auprc"] - other.headlines[ALL].model.values["auprc"])
    assert gap.auprc_interval.low > 0
    assert found[0].comparisons[0].by_query.p < 0.05
    ((contrast, gap),) = found[1].comparisons[0].gaps
    assert (gap.auprc, gap.auprc_interval, contrast.answer(gap)) == (0, (0, 0), "neither is shown to rank better")
    assert "good and bad, test pairs of both (" in summary([], found)


def test_tables_of_other_pairs_or_labels_are_not_compared(small):
    rows, rnas = small
    settings = Settings(seed=1, baselines=(), bootstrap=5)
    test = [row for row in rows if row[3] == "test"]
    other = [row for row in rows if row not in test[:3]] + [(*row[:2], 1 - row[2], *row[3:]) for row in test[:3]]
    one, two = (evaluate(prepared(part, rnas), settings) for part in (rows, other))
    (found,) = side_by_side([one, two], settings)
    assert (found.shared, found.smaller, found.comparisons) == (2, 5, [])
    assert summary([], [found]) == ""


def test_pairs_are_strictly_unseen_where_neither_table_knows_them(small):
    rows, rnas = small
    settings = Settings(seed=1, baselines=(), bootstrap=5)
    more = [*rows, ("m2", "l4", 1, "train", "observed", 0.5)]
    (found,) = side_by_side([evaluate(prepared(part, rnas), settings) for part in (rows, more)], settings)
    assert [comparison.where.overlap for comparison in found.comparisons] == [ALL]  # m2-l2 was the only one


def test_without_replicates_tables_are_compared_without_intervals(small):
    rows, rnas = small
    settings = Settings(seed=1, baselines=(), bootstrap=0)
    (found,) = side_by_side([evaluate(prepared(rows, rnas), settings)] * 2, settings)
    (_, gap), *_ = found.comparisons[0].gaps
    assert gap.auprc == 0
    assert np.isnan(gap.auprc_interval).all()


def test_equal_scores_have_metrics_and_are_told(small):
    rows, rnas = small
    evaluation = evaluate(prepared([(*row[:5], 0.5) for row in rows], rnas), Settings(seed=1, bootstrap=20))
    values = evaluation.headlines[ALL].model.values
    assert (values["auroc"], values["auprc"], values["mcc"], values["rank_sum_p"]) == (0.5, 0.4, 0, 1)
    assert values["recall_at_5_fdr"] == 0
    told = "All test pairs have the same score, which ranks nothing: AUROC is 0.5 and AUPRC the share of positives."
    assert told in judge(evaluation).reasons
    assert {drawn.name for drawn in draw_all("x", evaluation, None)} >= {"roc", "histogram", "reliability"}


def test_rows_in_another_order_are_the_same_experiment(small):
    rows, rnas = small
    one, other = (evaluate(prepared(part, rnas), Settings(seed=1, bootstrap=20)) for part in (rows, rows[::-1]))
    assert summary([one]) == summary([other])
    for before, after in zip(one.measurements, other.measurements, strict=True):
        assert before[:2] == after[:2]
        assert str(before[2:4]) == str(after[2:4])


def test_augmented_rows_are_left_out_unless_asked_for(small):
    rows, rnas = small
    copies = [
        (f"{a}~flip", f"{b}~flip", label, split, "augmented:flip", score) for a, b, label, split, _, score in rows
    ]
    copies.append(("m3~flip", "l4~flip", 0, "test", "negative:uniform", 0.3))
    plain, without = prepared(rows, rnas), prepared([*rows, *copies], rnas)
    assert without.augmented_rows == len(copies)
    assert len(without.rows) == len(plain.rows)
    assert len(without.train.label) == len(plain.train.label)
    assert (without.rows.related == plain.rows.related).all()
    every = prepared([*rows, *copies], rnas, augmented=True)
    assert (len(every.rows), len(every.train.label)) == (len(plain.rows) * 2 + 1, 4)
    # a flipped RNA is another sequence, but of the same relatives
    assert every.rnas.groups.max() == plain.rnas.groups.max() + 1  # l4 alone is new
    reversed_rna = next(rna for rna in every.rnas.rnas if rna.id == "m0~flip")
    assert reversed_rna.sequence == rnas["m0"].sequence[::-1]


def test_listed_groups_replace_relatives(small):
    rows, rnas = small
    groups = Listed({name: "one" if name in ("l2", "l0") else name for name in rnas}, "groups.tsv")
    found = prepared(rows, rnas, groups=groups).rows
    strict = found.scores["model"][found.overlap("strict-C2-right")].tolist()
    assert sorted(strict) == [0.1, 0.4, 0.6, 0.7]


def test_thresholds_are_chosen_on_valid_or_taken_from_calls(small):
    rows, rnas = small
    evaluation = evaluate(prepared(rows, rnas), Settings(seed=1, baselines=("degree-sum",), bootstrap=2))
    assert evaluation.thresholds["model"] == pytest.approx(0.425)
    calls = table([row for row in rows if row[3] != "valid"])
    calls = calls.assign(call=np.where(calls.column("score") >= "0.6", "1", "0"))
    evaluation = evaluate(
        prepare("calls", calls, rnas, "rnas.fa", Options(seed=1)),
        Settings(seed=1, baselines=("degree-sum",), bootstrap=2),
    )
    assert evaluation.thresholds["model"] == 0.6
    assert np.isnan(evaluation.thresholds["degree-sum"])
    assert evaluation.headlines[ALL].chosen_on == "test"


def study(rng, score, *, strict, plant=None, mirnas=24):
    """A study of miRNAs x 40 lncRNAs, whose labels are popularity or planted; score(train degree, label) scores."""
    rnas = random_rnas(rng, mirnas, 40)
    popularity = rng.gamma(0.6, size=mirnas + 40)
    rnas = plant(rnas) if plant else rnas

    def label_of(a, b):
        if plant:
            return rnas[f"m{a}"].sequence[1:8] in rnas[f"l{b}"].note
        return popularity[a] * popularity[mirnas + b] > 0.25

    half = {side: rng.permutation(count) for side, count in (("m", mirnas), ("l", 40))}
    part = {
        side: dict(zip(order.tolist(), np.linspace(0, 2.99, len(order)).astype(int), strict=True))
        for side, order in half.items()
    }
    rows = []
    for a in range(mirnas):
        for b in range(40):
            where = (part["m"][a], part["l"][b]) if strict else (rng.integers(0, 3),) * 2
            if where[0] == where[1]:
                rows.append([a, b, int(label_of(a, b)), ("train", "valid", "test")[where[0]]])
    degree = np.zeros(mirnas + 40)
    for a, b, label, split in rows:
        if split == "train" and label:
            degree[a] += 1
            degree[mirnas + b] += 1
    return [
        (f"m{a}", f"l{b}", label, split, "observed", score(degree[a] + degree[mirnas + b], label))
        for a, b, label, split in rows
    ], rnas


def test_a_model_that_is_degree_has_no_gap_to_degree():
    rng = np.random.default_rng(11)
    rows, rnas = study(rng, lambda degree, label: degree / 100, strict=False)
    evaluation = evaluate(prepared(rows, rnas), Settings(seed=1, baselines=("degree-sum", "prevalence"), bootstrap=100))
    headline = evaluation.headlines[ALL]
    assert headline.best == "degree-sum"
    assert headline.chosen_on == "valid"
    assert headline.model.values["auroc"] > 0.7
    assert (headline.best_gap.auroc, headline.best_gap.auprc) == (0, 0)
    assert headline.best_gap.auprc_interval == (0, 0)
    assert evaluation.audit.score_degree == pytest.approx(1)
    assert judge(evaluation).grade == UNKNOWN  # no pair of new RNAs
    assert STRICT_C3 not in evaluation.headlines


def test_nothing_that_train_knows_helps_on_strict_c3():
    rng = np.random.default_rng(12)
    rows, rnas = study(rng, lambda degree, label: rng.random(), strict=True)
    names = ("relatives", "degree-sum", "degree-product", "degree-ratio", "degree-a", "degree-b")
    evaluation = evaluate(prepared(rows, rnas), Settings(seed=1, baselines=names, bootstrap=100))
    for baseline in evaluation.headlines[STRICT_C3].baselines.values():
        assert baseline.values["auroc"] == 0.5, baseline.method
    verdict = judge(evaluation)
    assert verdict.grade == BAD
    assert "cannot be told from guessing" in verdict.sentence


def plant_seeds(rnas):
    """Write the seeds of some miRNAs into the notes of the lncRNAs that they pair with; sequences know nothing."""
    rng = np.random.default_rng(13)
    seeds = [rna.sequence[1:8] for rna in rnas.values() if rna.type == "miRNA"]
    return {
        name: rna._replace(note=" ".join(rng.choice(seeds, 5))) if rna.type == "lncRNA" else rna
        for name, rna in rnas.items()
    }


def knowing(mirnas, names=("relatives", "degree-sum", "seed-match", "length-gc")):
    """The evaluation of a model that knows new RNAs."""
    rng = np.random.default_rng(14)

    def score(degree, label):
        return 0.5 + (label - 0.5) * 0.5 + rng.normal() * 0.1

    rows, rnas = study(rng, score, strict=True, plant=plant_seeds, mirnas=mirnas)
    return evaluate(prepared(rows, rnas), Settings(seed=1, baselines=names, bootstrap=100))


@pytest.fixture(scope="module")
def good():
    return knowing(36)


def changed(evaluation, **parts):
    """The evaluation with another headline on strictly unseen RNAs."""
    headline = evaluation.headlines[STRICT_C3]._replace(**parts)
    return replace(evaluation, headlines={**evaluation.headlines, STRICT_C3: headline})


def test_a_model_that_knows_new_rnas_is_told_so(good):
    headline = good.headlines[STRICT_C3]
    assert headline.best_gap.auprc_interval.low > 0.2
    verdict = judge(good)
    assert (verdict.grade, warnings(good)) == (GOOD, [])
    assert f"the model is better than the best simple baseline, {headline.best}: AUPRC +" in verdict.reasons[0]
    evaluation = replace(good, headlines={name: headline._replace(chosen_on="valid") for name in good.headlines})
    chosen = f"the model is better than the baseline chosen on valid, {headline.best}: AUPRC +"
    assert chosen in judge(evaluation).reasons[0]


def test_without_baselines_nothing_is_said_to_be_better_than_them():
    verdict = judge(knowing(36, names=()))
    assert verdict.grade == WEAK
    assert "above chance, but no simple baseline was compared" in verdict.sentence
    assert "better than" not in verdict.sentence


def test_a_baseline_that_was_not_chosen_but_beats_the_model_on_test_is_named(good):
    headline = good.headlines[STRICT_C3]
    other = next(gap.baseline for gap in headline.gaps if gap.baseline != headline.best)
    gaps = [gap._replace(auprc=-0.01) if gap.baseline == other else gap for gap in headline.gaps]
    # on this table all test pairs are of strictly unseen RNAs, so that the page tells the first headline
    evaluation = replace(good, headlines={name: headline._replace(gaps=gaps) for name in good.headlines})
    verdict = judge(evaluation)
    assert verdict.grade == WEAK
    assert f"above chance, but a simple baseline, {other}, is ahead of it" in verdict.sentence
    assert f"Another baseline is ahead of the model, {other}: AUPRC -0.010" in verdict.reasons[0]


def test_a_model_without_an_interval_is_not_called_at_chance(good):
    verdict = judge(changed(good, model=good.headlines[STRICT_C3].model._replace(intervals={})))
    assert verdict.grade == UNKNOWN
    assert "Too few pairs of new, unrelated RNAs to tell" in verdict.sentence


def test_few_units_of_a_type_are_warned_of_and_never_called_good():
    evaluation = knowing(24)  # of which 8 are in test
    verdict = judge(evaluation)
    assert verdict.grade == WEAK
    assert "too few kinds of RNA" in verdict.sentence
    assert warnings(evaluation) == verdict.reasons[-1:]
    assert (
        "pairs of strictly unseen RNAs intervals draw few units, 8 of miRNA: they are narrower" in verdict.reasons[-1]
    )


def test_units_are_those_of_the_rows_that_are_measured(small):
    rows, rnas = small
    headlines = evaluate(prepared(rows, rnas), Settings(seed=1, baselines=(), bootstrap=5)).headlines
    # m0 and m5 are relatives; l2 is in three of five rows
    assert headlines[ALL].units == [("lncRNA", 2, 0.6), ("miRNA", 2, 0.6)]
    assert headlines[STRICT_C3].units == [("lncRNA", 1, 1), ("miRNA", 1, 1)]


def test_genes_whose_positives_are_of_more_isoforms_are_told(small):
    """Labels are copied to all isoforms and negatives are drawn, so that the largest of random scores tells them."""
    rows, rnas = small
    genes = Listed({name: "gene" if name in ("l1", "l3", "l4") else name for name in rnas}, "genes.tsv")
    rows += [("m0", name, 1, "test", "observed", 0.5) for name in ("l3", "l4")]
    merged = Settings(seed=1, baselines=("prevalence",), bootstrap=5, genes=True)
    told = [text for text in warnings(evaluate(prepared(rows, rnas, genes=genes), merged)) if "pair of genes" in text]
    assert told[0].startswith("A positive pair of genes is the largest of 2.0 test rows, a negative one of 1.0")
    single = evaluate(prepared(rows, rnas), replace(merged, genes=False))
    assert not any("pair of genes" in text for text in warnings(single))


def test_flipped_rnas_are_of_the_genes_of_their_originals(small):
    rows, rnas = small
    copies = [(f"{a}~flip", f"{b}~flip", label, split, "augmented:flip", x) for a, b, label, split, _, x in rows]
    genes = Listed({name: f"gene-{name}" for name in rnas}, "genes.tsv")
    assert len(prepared([*rows, *copies], rnas, genes=genes).rows) == len(prepared(rows, rnas, genes=genes).rows)
    every = prepared([*rows, *copies], rnas, genes=genes, augmented=True)
    pairs = {frozenset(pair) for pair in every.rows.who.T.tolist()}
    assert len(pairs) * 2 == len(every.rows)


def test_a_model_that_only_repeats_a_baseline_is_not_called_good():
    rng = np.random.default_rng(15)
    rows, rnas = study(rng, lambda degree, label: 0.0, strict=True)
    lengths = {name: len(rna.sequence) for name, rna in rnas.items()}
    for place, (a, b, _, split, origin, _) in enumerate(rows):
        gc = sum(map(rnas[b].sequence.count, "GC")) / lengths[b]
        rows[place] = (a, b, int(gc + rng.normal() * 0.02 > 0.52), split, origin, gc)
    evaluation = evaluate(prepared(rows, rnas), Settings(seed=1, baselines=("length-gc", "relatives"), bootstrap=100))
    assert evaluation.headlines[STRICT_C3].best == "length-gc"
    assert judge(evaluation).grade == WEAK


def test_too_few_valid_positives_let_test_choose_the_baseline(small):
    rows, rnas = small
    headline = evaluate(prepared(rows, rnas), Settings(seed=1, bootstrap=5)).headlines[ALL]
    assert headline.chosen_on == "test"
    best = max(found.values["auprc"] for name, found in headline.baselines.items() if name not in CONTROLS)
    assert headline.baselines[headline.best].values["auprc"] == best


def test_a_control_is_never_the_best_baseline(small):
    rows, rnas = small
    names = tuple(CONTROLS)
    headline = evaluate(prepared(rows, rnas), Settings(seed=1, baselines=names, bootstrap=5)).headlines[ALL]
    assert (headline.best, headline.best_gap, headline.least_gap, headline.lost_gap) == (None, None, None, None)
    assert [gap.baseline for gap in headline.gaps] == list(names)


def test_more_rnas_than_can_be_numbered_are_refused(small, monkeypatch):
    monkeypatch.setattr("cupid_tools.evaluation.experiment.MAX_RNAS", 9)
    with pytest.raises(InputError, match=r"scores.tsv: names 10 RNAs, more than 9 \(divide the table\)"):
        prepared(*small)


def test_groups_of_relatives_are_those_of_the_splits(small):
    rows, rnas = small
    experiment = prepared(rows, rnas)
    named = [rna.id for rna in experiment.rnas.rnas]
    assert named == sorted(named)
    assert (experiment.rnas.groups == related_groups(experiment.rnas.rnas)).all()


def test_another_seed_moves_intervals_and_nothing_else(small):
    rows, rnas = small
    found = [evaluate(prepared(rows, rnas), Settings(seed=s, baselines=("relatives",), bootstrap=30)) for s in (1, 2)]
    values = [[str(measured.values) for measured in evaluation.measurements] for evaluation in found]
    replicates = [str([measured.replicates for measured in evaluation.measurements]) for evaluation in found]
    assert values[0] == values[1]
    assert replicates[0] != replicates[1]


def test_the_words_are_those_of_the_numbers(good):
    (headline, *_) = good.headlines.values()
    text = in_words([good])
    model = headline.model.values
    assert f"a pair that interacts ranks above a drawn one {100 * model['auroc']:.0f} times in 100" in text
    best = max(
        (name for name in headline.baselines if name not in CONTROLS),
        key=lambda name: headline.baselines[name].values["auroc"],
    )
    manages = 100 * headline.baselines[best].values["auroc"]
    assert f"The best simple rule there, {best}, manages {manages:.0f}: " in text
    assert judge(good).sentence in text
