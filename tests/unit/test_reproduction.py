"""What a protocol makes of pairs: leaks where the papers have them, and none on strict C3; and what is scored."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from cupid_tools.energy.engines.seed import Seed
from cupid_tools.energy.engines.settings import EngineSettings
from cupid_tools.errors import InputError
from cupid_tools.evaluation.settings import Listed
from cupid_tools.io.fasta import read_fasta
from cupid_tools.io.pairs import read_pairs
from cupid_tools.models.device import choose_device
from cupid_tools.recipes.protocol import PAIRS, read_protocol
from cupid_tools.reproduction.datasets import published_dataset, select_positives, strict_dataset
from cupid_tools.reproduction.scores import Computing, energy_scores
from cupid_tools.sampling.relatives import related_groups
from tests.conftest import DATA

PROTOCOL = read_protocol("mirinter-trans", per_positive=2)


@pytest.fixture(scope="module")
def study():
    return select_positives(read_pairs(DATA / "pairs.tsv"), read_fasta(DATA / "rnas.fa"), "rnas.fa", 1022)


@pytest.fixture
def published(study, tmp_path):
    def make(protocol=PROTOCOL, augment=True, seed=1):
        return published_dataset(study, protocol, augment=augment, seed=seed, folder=tmp_path)

    return make


@pytest.fixture
def strict(study, tmp_path):
    def make(protocol=PROTOCOL, augment=True, seed=1, groups=None):
        return strict_dataset(study, protocol, augment=augment, seed=seed, folder=tmp_path, groups=groups)

    return make


def originals(dataset, split, label=1):
    """The unordered pairs of *split* without the marks of reversed RNAs, one a row."""
    frame = dataset.table.frame
    frame = frame[(frame["split"] == split) & (frame["label"] == label)]
    return [
        frozenset(name.removesuffix("~flip") for name in pair)
        for pair in zip(frame["id_a"], frame["id_b"], strict=True)
    ]


def test_copies_of_a_pair_fall_into_train_and_valid_as_published(published):
    dataset = published()
    train, valid, test = (set(originals(dataset, split)) for split in ("train", "valid", "test"))
    assert len(train & valid) > 0.9 * len(valid)
    assert not test & (train | valid)


def test_copies_stay_together_where_a_recipe_says_so(published):
    fair = PROTOCOL._replace(division=replace(PROTOCOL.division, valid_of=PAIRS))
    train, valid, test = (set(originals(published(fair), split)) for split in ("train", "valid", "test"))
    assert train
    assert len(train) + len(valid) + len(test) == len(train | valid | test)


def test_every_pair_is_there_four_times_or_once(study, published):
    for augment, times in ((True, 4), (False, 1)):
        dataset = published(augment=augment)
        rows = [pair for split in ("train", "valid", "test") for pair in originals(dataset, split)]
        assert len(rows) == times * len(study.table)
        assert len(set(rows)) == len(study.table)


def test_the_shares_are_those_of_the_protocol(study, published):
    dataset = published()
    rows = len(dataset.table)
    share = {split: (dataset.table.column("split") == split).sum() / rows for split in ("train", "valid", "test")}
    assert share == pytest.approx({"train": 0.72, "valid": 0.18, "test": 0.1}, abs=0.005)
    for split in ("train", "valid", "test"):
        chosen = dataset.table.column("split") == split
        assert dataset.table.column("label")[chosen].mean() == pytest.approx(1 / 3, abs=0.002)


def test_no_relative_of_a_test_rna_is_in_train_or_valid(strict):
    dataset = strict()
    rnas = list(dataset.rnas.values())
    groups = dict(zip((rna.id for rna in rnas), related_groups(rnas), strict=True))
    frame = dataset.table.frame

    def held(split):
        rows = frame[frame["split"] == split]
        return {groups[name] for name in {*rows["id_a"], *rows["id_b"]}}

    assert not held("test") & (held("train") | held("valid"))


def test_strict_c3_copies_train_alone(strict):
    dataset = strict()
    assert not dataset.table.augmented()[dataset.table.column("split") != "train"].any()
    assert dataset.table.augmented().any()
    assert not strict(augment=False).table.augmented().any()


def test_strict_c3_has_as_many_negatives_as_are_free(strict, published):
    """The few RNAs of test and valid leave 2 for each positive where the published split, with all RNAs, has 16."""
    asked = read_protocol("mirinter-trans", per_positive=16)
    dataset = strict(asked)
    assert dataset.per_positive == 2
    for split in ("train", "valid", "test"):
        assert len(originals(dataset, split, 0)) == 2 * len(originals(dataset, split))
    assert published(asked, augment=False).per_positive == 16


def test_the_published_split_says_when_negatives_do_not_suffice(published):
    with pytest.raises(InputError, match=r"pairs.tsv \(published\): .* pairs \(--per-positive \d+ at most"):
        published(read_protocol("mirinter-trans", per_positive=200))


def test_listed_relatives_are_kept_apart(study, strict):
    groups = {name: name[-3:] for name in study.rnas}
    dataset = strict(groups=Listed(groups, "groups.tsv"))
    frame = dataset.table.frame
    held = [
        {groups[name.removesuffix("~flip")] for name in {*rows["id_a"], *rows["id_b"]}}
        for rows in (frame[frame["split"] == "test"], frame[frame["split"] != "test"])
    ]
    assert not held[0] & held[1]


@pytest.mark.parametrize("which", ["published", "strict"])
def test_equal_arguments_give_equal_rows_and_other_seeds_others(request, which):
    make = request.getfixturevalue(which)
    assert make().digest() == make().digest() != make(seed=3).digest()


def test_energies_are_scores_of_the_evaluated_rows(study, strict, tmp_path):
    dataset = strict(augment=False)
    computing = Computing(choose_device("cpu"), 1, None, 1)
    found = energy_scores(dataset, "seed", "rnas.fa", computing, tmp_path, lambda total: nullcontext(print))
    assert found.model is found.curves is None
    train = dataset.table.column("split") == "train"
    assert not found.scores[train].any()
    engine = Seed(EngineSettings())
    for row in np.flatnonzero(~train)[::25]:
        a, b = (dataset.rnas[dataset.table.column(side)[row]].sequence for side in ("id_a", "id_b"))
        (duplex,) = engine.duplexes(b, [a])
        assert found.scores[row] == pytest.approx(0 if duplex is None else -duplex.energy)
