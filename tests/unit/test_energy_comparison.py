"""Model and energy on one table: whether the model knows more, by tables whose answer is known."""

import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu, wilcoxon
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from cupid_tools.errors import InputError
from cupid_tools.evaluation.comparison import signed_rank
from cupid_tools.evaluation.energy import BEYOND_ENERGY, BEYOND_MODEL, COMBINED, MODEL_OR_ENERGY
from cupid_tools.evaluation.evaluate import evaluate
from cupid_tools.evaluation.experiment import ALL, STRICT_C3, prepare
from cupid_tools.evaluation.metrics import SMALLEST_P, rank_sum
from cupid_tools.evaluation.report import build
from cupid_tools.evaluation.settings import Listed, Options, Settings
from cupid_tools.evaluation.tables import metrics_json, p_value, summary
from cupid_tools.evaluation.verdict import answers, warnings
from cupid_tools.io.pairs import PairTable
from cupid_tools.vocab import Rna

SETTINGS = Settings(seed=1, baselines=("degree-sum",), bootstrap=60)
TYPES = ("miRNA", "lncRNA", "mRNA")


def make_rnas(count):
    """*count* unrelated RNAs of each type, of equal length."""
    rng = np.random.default_rng(1)
    names = [(f"{kind}{index}", kind) for kind in TYPES for index in range(count)]
    return {name: Rna(name, "".join(rng.choice(list("ACGU"), 40)), kind) for name, kind in names}


RNAS = make_rnas(40)


def make_frame(*, score=0.0, energy=0.0, mirnas=28, seed=2):
    """Pairs of miRNAs with the others, a third positive; *score* and *energy* say how well each knows the label.

    Splits go by RNA where both RNAs agree, so that test pairs are of RNAs that train does not hold.
    """
    rng = np.random.default_rng(seed)
    every = itertools.product(range(mirnas), range(mirnas), TYPES[1:])
    pairs = [(a, b, kind) for a, b, kind in every if a % 4 == b % 4 or rng.random() < 0.1]
    place = np.array([min(a % 4, b % 4) for a, b, _ in pairs])
    label = (rng.random(len(pairs)) < 0.35).astype(np.int8)
    odds = 3 * score * (label - 0.5) + rng.normal(size=len(pairs))
    strength = np.maximum(0, 12 + 9 * energy * (label - 0.5) + 3 * rng.normal(size=len(pairs)))
    return pd.DataFrame(
        {
            "id_a": [f"miRNA{a}" for a, _, _ in pairs],
            "id_b": [f"{kind}{b}" for _, b, kind in pairs],
            "label": label,
            "split": np.array(["train", "valid", "test", "test"], dtype=object)[place],
            "score": [f"{value:.6g}" for value in 1 / (1 + np.exp(-odds))],
            "energy": [f"{-value:.2f}" for value in strength],
            "engine": "RNAhybrid 2.1.2",
        },
        index=np.arange(2, len(pairs) + 2),
        dtype=object,
    ).astype({"label": np.int8})


def prepared(frame, **options):
    return prepare("trial", PairTable(frame, "scores.tsv"), RNAS, "rnas.fa", Options(seed=1, **options))


def evaluated(frame, **settings):
    return evaluate(prepared(frame), Settings(**{**vars(SETTINGS), **settings}))


def written(evaluation):
    return build([evaluation], [], "Trial", Options(seed=1), SETTINGS, {})


@pytest.fixture(scope="module")
def both():
    """Score and energy know different things about the label."""
    return make_frame(score=0.6, energy=0.6)


@pytest.fixture(scope="module")
def evaluation(both):
    return evaluated(both)


@pytest.fixture(scope="module")
def files(evaluation):
    return written(evaluation)


def answers_of(comparison):
    return {contrast: contrast.answer(gap) for contrast, gap in comparison.gaps}


@pytest.mark.parametrize(
    ("score", "energy", "ranking", "beyond_energy", "beyond_model"),
    [
        (0, 0.6, MODEL_OR_ENERGY.worse, BEYOND_ENERGY.unclear, BEYOND_MODEL.better),
        (0.6, 0, MODEL_OR_ENERGY.better, BEYOND_ENERGY.better, BEYOND_MODEL.unclear),
        (0.6, 0.6, MODEL_OR_ENERGY.unclear, BEYOND_ENERGY.better, BEYOND_MODEL.better),
        (0, 0, MODEL_OR_ENERGY.unclear, BEYOND_ENERGY.unclear, BEYOND_MODEL.unclear),
    ],
)
def test_the_answers_are_those_that_were_planted(score, energy, ranking, beyond_energy, beyond_model):
    found = evaluated(make_frame(score=score, energy=energy), baselines=())
    expected = {MODEL_OR_ENERGY: ranking, BEYOND_ENERGY: beyond_energy, BEYOND_MODEL: beyond_model}
    assert answers_of(found.comparisons[0]) == expected
    assert answers(found)[0].startswith(f"On all test pairs {beyond_energy} (model+energy - energy: AUPRC ")


def test_a_score_that_misleads_beside_energy_is_told():
    frame = make_frame(score=1, energy=0.5)
    test = (frame["split"] == "test").to_numpy()
    upside_down = [f"{1 - float(score):.6g}" for score in frame["score"]]
    found = evaluated(frame.assign(score=np.where(test, upside_down, frame["score"])), baselines=())
    assert answers_of(found.comparisons[0])[BEYOND_ENERGY] == BEYOND_ENERGY.worse


def test_the_combination_is_a_logistic_regression_on_valid_rows(evaluation):
    rows = evaluation.rows
    valid = rows.of_split("valid")
    features = np.stack([np.log(rows.scores["model"] / (1 - rows.scores["model"])), rows.scores["energy"]], axis=1)
    scaled = (features - features[valid].mean(axis=0)) / features[valid].std(axis=0)
    fitted = LogisticRegression().fit(scaled[valid], rows.label[valid])
    np.testing.assert_allclose(rows.scores[COMBINED], fitted.predict_proba(scaled)[:, 1], rtol=1e-3)


def test_scores_that_are_no_probabilities_are_taken_as_they_are(both):
    scaled = both.assign(score=[f"{20 * float(score) - 10:.6g}" for score in both["score"]])
    found = evaluated(scaled, baselines=())
    assert answers_of(found.comparisons[0])[BEYOND_ENERGY] == BEYOND_ENERGY.better
    certain = both.assign(score=[f"{float(score):.0f}" for score in both["score"]])  # 0 and 1 have no log odds
    assert np.isfinite(evaluated(certain, baselines=()).rows.scores[COMBINED]).all()


def test_figures_are_those_of_scikit_learn_and_scipy(both, evaluation):
    test = both[both["split"] == "test"]
    label, model, energy = (test[name].astype(float).to_numpy() for name in ("label", "score", "energy"))
    whole = evaluation.comparisons[0]
    for method, scores in (("model", model), ("energy", -energy)):
        values = whole.methods[method].values
        assert values["auroc"] == pytest.approx(roc_auc_score(label, scores))
        assert values["auprc"] == pytest.approx(average_precision_score(label, scores))
        p = mannwhitneyu(scores[label == 1], scores[label == 0], method="asymptotic").pvalue
        assert values["rank_sum_p"] == pytest.approx(p)
    queries = [part for _, part in test.groupby("id_a") if part["label"].nunique() == 2]
    differences = [
        average_precision_score(part["label"], part["score"].astype(float))
        - average_precision_score(part["label"], -part["energy"].astype(float))
        for part in queries
    ]
    assert whole.by_query.queries == len(queries) > 5
    assert whole.by_query.median == pytest.approx(np.median(differences))
    assert whole.by_query.p == pytest.approx(wilcoxon(np.round(differences, 12), method="approx").pvalue)


def test_differences_are_taken_on_equal_replicates(evaluation):
    for comparison in evaluation.comparisons:
        for contrast, gap in comparison.gaps:
            one, other = (comparison.methods[name] for name in (contrast.one, contrast.other))
            assert gap.auprc == one.values["auprc"] - other.values["auprc"]
            differences = one.replicates.auprc - other.replicates.auprc
            assert gap.auprc_interval == pytest.approx(np.nanquantile(differences, [0.025, 0.975]))


def test_all_test_rows_strictly_unseen_rnas_and_type_pairs_are_compared(evaluation):
    found = [(comparison.where.type_pair, comparison.where.overlap) for comparison in evaluation.comparisons]
    assert found == [(ALL, ALL), (ALL, STRICT_C3), ("lncRNA-miRNA", ALL), ("miRNA-mRNA", ALL)]
    for comparison in evaluation.comparisons:
        assert list(comparison.methods) == ["model", "energy", COMBINED]
        for measured in comparison.methods.values():
            assert measured.interval("auroc").low < measured.values["auroc"] < measured.interval("auroc").high
    assert [line[:31] for line in answers(evaluation)] == [
        "On all test pairs the model kno",
        "On pairs of strictly unseen RNA",
    ]


def test_energy_is_a_baseline_and_the_combination_is_none(evaluation):
    for headline in evaluation.headlines.values():
        assert set(headline.baselines) == {"energy", "degree-sum"}
        assert headline.best == "energy"
    splits = {measured.where.split for measured in evaluation.measurements if measured.method == COMBINED}
    assert splits == {"test"}  # on valid it was fitted


def test_without_valid_rows_there_is_no_combination(both):
    frame = both[both["split"] != "valid"]
    frame = frame.assign(call=np.where(frame["score"].astype(float) >= 0.5, "1", "0"))
    found = evaluated(frame)
    assert COMBINED not in found.rows.scores
    assert list(answers_of(found.comparisons[0])) == [MODEL_OR_ENERGY]
    assert answers(found) == []
    assert "; without valid pairs of both classes there is no model+energy" in summary([found])


def test_unknown_energies_count_as_no_interaction_and_are_told(both):
    evaluated_rows = (both["split"] != "train").to_numpy()
    gone = np.arange(len(both)) % 3 == 0
    found = evaluated(both.assign(energy=both["energy"].where(~gone, "NA")))
    zero = evaluated(both.assign(energy=both["energy"].where(~gone, "-0.0")))
    assert str(found.comparisons) == str(zero.comparisons)
    count = int(np.sum(gone & evaluated_rows))
    told = f"{count} of {np.sum(evaluated_rows)} evaluated pairs have no energy: they count as 0, as no interaction."
    assert told in warnings(found)
    assert found.experiment.energies.unknown == count
    assert not any("energ" in text for text in warnings(zero))


def test_energies_of_train_rows_do_not_matter(both, evaluation):
    train = both["split"] == "train"
    found = evaluated(both.assign(energy=both["energy"].mask(train, "NA")))
    assert str(found.comparisons) == str(evaluation.comparisons)
    assert warnings(found) == warnings(evaluation)


def test_a_table_without_any_energy_is_not_compared(both):
    found = evaluated(both.assign(energy="NA"))
    assert list(found.rows.scores) == ["model", "degree-sum"]
    assert found.comparisons == []
    assert "No evaluated pair has an energy: the model is not compared with energy." in warnings(found)


@pytest.mark.parametrize("value", ["nan", "-inf", "inf", "", "0.1", "strong", "na"])
def test_bad_energies_are_refused_with_their_line(both, value):
    bad = both.assign(energy=np.where(np.arange(len(both)) == 4, value, both["energy"]))
    words = re.escape(f"scores.tsv:6: energy is '{value}' (it must be a number of kcal/mol, at most 0, or NA)")
    with pytest.raises(InputError, match=words):
        prepared(bad)


def test_genes_have_the_energy_of_their_strongest_pair(both):
    genes = Listed({name: re.sub(r"\d+$", lambda digits: str(int(digits[0]) % 4), name) for name in RNAS}, "genes.tsv")
    found = evaluate(prepared(both, genes=genes), Settings(seed=1, baselines=(), bootstrap=5, genes=True))
    test = both[both["split"] == "test"]
    strongest = test["energy"].astype(float).groupby([test["id_a"].map(genes.values), test["id_b"].map(genes.values)])
    merged = found.rows.scores["energy"][found.rows.of_split("test")]
    assert sorted(merged) == sorted(-strongest.min())


def test_rows_in_another_order_give_the_same_results(both):
    twice = both[both["split"] == "test"].iloc[::5]
    frame = pd.concat([both, twice.assign(energy="-3.3")])  # rows that differ in nothing else
    one, other = (evaluated(part) for part in (frame, frame.sample(frac=1, random_state=1)))
    assert metrics_json([one], [], {}) == metrics_json([other], [], {})
    assert [values.tolist() for values in one.rows.scores.values()] == [
        values.tolist() for values in other.rows.scores.values()
    ]


def test_tables_without_energies_know_nothing_of_them(both):
    made = written(evaluated(both.drop(columns=["energy", "engine"])))
    assert "energy.tsv" not in made
    assert not any("energy" in text for text in made.values())


def test_the_files_hold_the_same_numbers(evaluation, files):
    header, *lines = [line.split("\t") for line in files["energy.tsv"].splitlines()]
    (experiment,) = json.loads(files["metrics.json"])["experiments"]
    assert "energy.tsv" in json.loads(files["metrics.json"])["files"]
    told = experiment["energy"]
    assert (told["engines"], told["unknown"]) == (["RNAhybrid 2.1.2"], 0)
    numbers = [
        (found["type_pair"], found["overlap"], told) for found in told["comparisons"] for told in found["numbers"]
    ]
    assert len(numbers) == len(lines) == 4 * 13
    for (type_pair, overlap, number), line in zip(numbers, lines, strict=True):
        cells = dict(zip(header, line, strict=True))
        assert (cells["experiment"], cells["type_pair"], cells["overlap"]) == ("trial", type_pair, overlap)
        for name, value in number.items():
            expected = value if isinstance(value, str) else "NA" if value is None else f"{value:.6g}"
            assert cells[name] == expected
    measured = evaluation.find(COMBINED, overlap=STRICT_C3)
    assert ["trial", "all", STRICT_C3, COMBINED, "auprc", f"{measured.values['auprc']:.6g}"] in [
        line[:6] for line in lines
    ]


def test_the_page_answers_and_warns_of_p_values(files):
    page = files["report.html"]
    section = page[page.index("<h3>Model and energy</h3>") : page.index("<h3>What test and valid share")]
    assert "On all test pairs the model knows more than energy (model+energy - energy: AUPRC +0." in section
    assert "computed by RNAhybrid 2.1.2, 0 for no interaction; every evaluated pair has one." in section
    assert "It takes pairs for independent, which they are not" in section
    assert "their Spearman correlation is -0." in section
    assert section.count("<svg ") == 1
    assert "trial, test pairs, beside energy: energy AUROC 0." in files["summary.txt"]
    assert "]: the model knows more than energy; model+energy - model: AUPRC +0." in files["summary.txt"]


def test_the_page_of_a_poor_table_says_what_is_lacking(both):
    frame = both[both["split"] != "valid"].iloc[::2]
    energy = frame["energy"].where(np.arange(len(frame)) % 3 > 0, "NA")
    frame = frame.assign(engine="<script>alert(1)</script>", call="1", energy=energy)
    found = evaluated(frame, baselines=())
    page = written(found)["report.html"]
    assert "<script" not in page
    told = f"{found.experiment.energies.unknown} of {len(found.rows)} evaluated pairs have none, and count as 0."
    assert f"computed by &lt;script&gt;alert(1)&lt;/script&gt;, 0 for no interaction; {told}" in page
    assert "There is no model+energy, for want of valid rows" in page


def test_energies_of_several_engines_are_warned_of(both):
    found = evaluated(both.assign(engine=np.where(np.arange(len(both)) % 2, "one", "other")), baselines=())
    assert "Energies are of 2 engines, which differ in scale: compute all with one." in warnings(found)


def test_the_figure_of_many_rows_is_a_sample():
    frame = make_frame(score=0.5, energy=0.5)
    many = pd.concat([frame[frame["split"] == "test"]] * 10)
    many["score"] = [f"{value:.6g}" for value in np.random.default_rng(3).random(len(many))]
    found = evaluated(pd.concat([frame, many]).reset_index(drop=True), baselines=(), bootstrap=2)
    labels = found.rows.label[found.rows.of_split("test")]
    assert min(np.bincount(labels)) > 800
    made = written(found)
    assert made["figures/trial-energy.svg"].count("<use ") < 2 * 800 + 30
    assert len(made["figures/trial-energy.svg"]) < 300_000
    assert "Drawn are 800 of a class that has more" in made["report.html"]


def test_rank_sums_of_what_cannot_be_ranked():
    labels = np.repeat([1, 0], 5000).astype(np.int8)
    assert np.isnan(rank_sum(labels[:10], np.arange(10.0)))
    assert rank_sum(labels, np.zeros(10_000)) == 1
    assert rank_sum(labels, np.arange(10_000.0)) == SMALLEST_P
    assert p_value(rank_sum(labels, np.arange(10_000.0))) == "< 1e-300"


def test_signed_ranks_without_queries_or_differences():
    queries, labels = np.array([0, 0, 1, 1]), np.array([1, 0, 1, 0], dtype=np.int8)
    scores = np.array([0.4, 0.3, 0.1, 0.2])
    assert signed_rank(queries, labels, scores, scores * 2) == (2, 0, 1)
    none = signed_rank(queries, np.ones(4, dtype=np.int8), scores, scores)
    assert none.queries == 0
    assert np.isnan(none[1:]).all()
