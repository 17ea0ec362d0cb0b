"""Made worlds whose answer is known, through the tools' own splits, negatives and evaluation, with models that learn.

Where only popularity, or only kinship, carries signal, simple rules see it on random splits and nothing is left on
strictly unseen RNAs: the gap between model and best baseline is 0 within its interval. Where RNAs pair by a motif that
no baseline reads, a model that reads it is ahead there, too.
"""

from typing import NamedTuple

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from cupid_tools.cli import negatives as negatives_tool
from cupid_tools.cli import split as split_tool
from cupid_tools.evaluation.evaluate import evaluate
from cupid_tools.evaluation.experiment import ALL, STRICT_C3, prepare
from cupid_tools.evaluation.settings import Options, Settings
from cupid_tools.evaluation.verdict import GOOD, judge
from cupid_tools.io.fasta import load_rnas
from cupid_tools.io.pairs import ID_A, ID_B, LABEL, read_pairs, split_rows
from cupid_tools.kmers import kmer_codes, kmer_counts

COMPLEMENT = str.maketrans("ACGU", "UGCA")
SEEDS = (1, 2, 3, 4)
RANDOM = ["--by", "random"]
UNSEEN = ["--by", "unseen-both"]
STRICT = [*UNSEEN, "--strict"]


class World(NamedTuple):
    """miRNAs and lncRNAs by id, and which of them pair."""

    sequences: dict[str, str]
    positives: list[tuple[str, str]]


def letters(rng, length):
    return "".join(rng.choice(list("ACGU"), length))


def unrelated(rng, guides, targets):
    names = {f"m{index}": letters(rng, 22) for index in range(guides)}
    return names | {f"l{index}": letters(rng, 200) for index in range(targets)}


def popularity_world(seed):
    """RNAs pair as often as they are popular, whatever their sequences."""
    rng = np.random.default_rng(seed)
    guides, targets = 80, 300
    weight = np.outer(rng.lognormal(size=guides), rng.lognormal(size=targets)).ravel()
    chosen = rng.choice(guides * targets, 2400, replace=False, p=weight / weight.sum())
    return World(unrelated(rng, guides, targets), [(f"m{place // targets}", f"l{place % targets}") for place in chosen])


def kinship_world(seed):
    """Families of miRNAs pair with genes at random, and all members with all isoforms."""
    rng = np.random.default_rng(seed)
    families, members, genes, isoforms = 60, 3, 90, 3
    seeds, starts = ([letters(rng, length) for _ in range(count)] for length, count in ((7, families), (140, genes)))
    guides = {
        f"m{f}-{i}": letters(rng, 1) + seeds[f] + letters(rng, 14) for f in range(families) for i in range(members)
    }
    targets = {f"l{g}-{i}": starts[g] + letters(rng, 60) for g in range(genes) for i in range(isoforms)}
    facts = np.argwhere(rng.random((families, genes)) < 0.05)
    copies = [(f"m{f}-{i}", f"l{g}-{j}") for f, g in facts for i in range(members) for j in range(isoforms)]
    return World(guides | targets, [pair for pair in copies if rng.random() < 0.9])


def motif_world(seed):
    """A lncRNA holds the complement of nucleotides 10 to 19 of the miRNAs that it pairs with: no seed site."""
    rng = np.random.default_rng(seed)
    sequences = unrelated(rng, 80, 300)
    positives = []
    for name in (name for name in sequences if name.startswith("l")):
        partners = [f"m{index}" for index in rng.choice(80, 8, replace=False)]
        sites = [sequences[guide][9:19][::-1].translate(COMPLEMENT) + letters(rng, 15) for guide in partners]
        sequences[name] = "".join(sites)
        positives += [(guide, name) for guide in partners]
    return World(sequences, positives)


def memory(table, rnas, train):
    """A model that remembers: the labels of the train pairs whose 4-mers are most alike."""
    profiles = {name: np.sqrt(kmer_counts([rna.sequence], 4)[0] / len(rna.sequence)) for name, rna in rnas.items()}
    features = np.concatenate([[profiles[name] for name in table.column(side)] for side in (ID_A, ID_B)], axis=1)
    model = KNeighborsClassifier(15, weights="distance", algorithm="brute")
    scores = np.zeros(len(table))
    scores[~train] = model.fit(features[train], table.column(LABEL)[train]).predict_proba(features[~train])[:, 1]
    return scores


def reader(table, rnas, train):
    """A model that reads: how many words of one RNA the other one can pair with, by logistic regression."""

    def words(sequence, k):
        return set(kmer_codes([sequence], k)[0].tolist())

    found = {name: [words(rna.sequence, k) for k in (6, 8)] for name, rna in rnas.items()}
    paired = {name: [words(rna.sequence[::-1].translate(COMPLEMENT), k) for k in (6, 8)] for name, rna in rnas.items()}
    ids = zip(table.column(ID_A), table.column(ID_B), strict=True)
    features = np.array([[len(x & y) for x, y in zip(found[a], paired[b], strict=True)] for a, b in ids])
    model = LogisticRegression().fit(features[train], table.column(LABEL)[train])
    return model.predict_proba(features)[:, 1]


def judged(folder, world, split, model, seed=1, baselines=Settings.baselines):
    """Split the world's pairs, draw negatives, fit *model* to train and evaluate its scores of everything."""
    fasta, table, dataset = (str(folder / name) for name in ("rnas.fa", "pairs.tsv", "dataset.tsv"))
    kinds = {"m": "miRNA", "l": "lncRNA"}
    text = (f">{name} type={kinds[name[0]]}\n{sequence}\n" for name, sequence in world.sequences.items())
    (folder / "rnas.fa").write_text("".join(text))
    (folder / "pairs.tsv").write_text("id_a\tid_b\n" + "".join(f"{a}\t{b}\n" for a, b in world.positives))
    common = ["-f", fasta, "--seed", str(seed), "--quiet"]
    assert split_tool.main([*common, *split, "-o", f"{dataset}.split", table]) == 0
    options = ["--strategy", "uniform", "--per-positive", "2"]
    assert negatives_tool.main([*common, *options, "-o", dataset, f"{dataset}.split"]) == 0
    pairs, rnas = read_pairs(dataset), load_rnas(fasta)
    scores = model(pairs, rnas, split_rows(pairs, "train"))
    pairs = pairs.assign(score=np.array([f"{score:.6g}" for score in scores], dtype=object))
    settings = Settings(seed=seed, bootstrap=200, baselines=baselines)
    return evaluate(prepare("world", pairs, rnas, fasta, Options(seed=seed)), settings)


def auroc(evaluation, method, overlap=ALL):
    return evaluation.headlines[overlap].baselines[method].values["auroc"]


@pytest.mark.parametrize("world", [popularity_world, kinship_world])
@pytest.mark.parametrize("model", [memory, reader])
def test_what_is_no_interaction_leaves_no_gap_on_strictly_unseen_rnas(tmp_path, world, model):
    found = [judged(tmp_path, world(seed), STRICT, model, seed).headlines[STRICT_C3] for seed in SEEDS]
    gaps = [headline.best_gap for headline in found]
    holds = [gap.auprc_interval.low <= 0 <= gap.auprc_interval.high for gap in gaps]
    assert sum(holds) >= len(SEEDS) - 1, gaps  # of intervals of 95 % one may miss
    assert np.mean([headline.model.values["auroc"] for headline in found]) == pytest.approx(0.5, abs=0.1)
    for name in ("one-hot", "svd", "degree-sum", "degree-product", "degree-ratio", "relatives"):
        assert [headline.baselines[name].values["auroc"] for headline in found] == [0.5] * len(SEEDS), name


def test_popularity_is_seen_on_random_pairs_by_model_and_baselines_alike(tmp_path):
    evaluation = judged(tmp_path, popularity_world(1), RANDOM, memory)
    for name in ("one-hot", "svd", "degree-sum", "degree-product"):
        assert auroc(evaluation, name) > 0.65, name
    headline = evaluation.headlines[ALL]
    assert headline.model.interval("auroc").low > 0.5  # of a model that learnt nothing of interaction
    assert headline.best_gap.auprc_interval.low <= 0  # and is told to be no better than rules
    assert auroc(evaluation, "relatives") == pytest.approx(0.5, abs=0.05)
    assert auroc(evaluation, "shuffled-labels") == pytest.approx(0.5, abs=0.05)


def test_kinship_is_seen_where_relatives_may_be_in_train(tmp_path):
    evaluation = judged(tmp_path, kinship_world(1), UNSEEN, memory)
    headline = evaluation.headlines[ALL]
    assert headline.best == "relatives"
    assert auroc(evaluation, "relatives") > 0.75
    assert headline.baselines["relatives"].values["auprc"] > 2 * headline.model.values["prevalence"]
    assert auroc(evaluation, "one-hot") == 0.5  # these RNAs are new by name
    assert headline.best_gap.auprc_interval.low <= 0


def test_a_planted_motif_is_found_on_strictly_unseen_rnas(tmp_path):
    evaluation = judged(tmp_path, motif_world(1), STRICT, reader)
    headline = evaluation.headlines[STRICT_C3]
    assert headline.model.values["auroc"] > 0.9
    assert headline.best_gap.auprc_interval.low > 0.3
    assert judge(evaluation).grade == GOOD
    remembered = judged(tmp_path, motif_world(1), STRICT, memory).headlines[STRICT_C3]
    assert remembered.best_gap.auprc_interval.low <= 0
