"""What every classifier in the registry promises; a new one is tested by its line there."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from cupid_tools.evaluation.metrics import average_precision
from cupid_tools.kmers import kmer_counts
from cupid_tools.models.checkpoint import ModelInfo, load_model, save_model
from cupid_tools.models.choice import choose
from cupid_tools.models.classifiers import CLASSIFIERS, VECTORS
from tests.planted import planted_data, random_rna

CPU = torch.device("cpu")
QUICK = {"epochs": 3, "leaf_pairs": 5, "batch_size": 64, "hidden_size": 16}


def fit(choice, data):
    """A new classifier, fitted."""
    dim = data.rnas.shape[1] if choice.kind.reads == VECTORS else 0
    return choice.kind(choice.config, dim).fit(data, choice.training, device=CPU, seed=1)


@pytest.fixture(scope="module", params=list(CLASSIFIERS))
def case(request, tmp_path_factory):
    """What is fitted, to which pairs, what came of it, and the same read from a model's file."""
    kind = CLASSIFIERS.load(request.param)
    settings = {field.name for part in (kind.Config, kind.Training) for field in fields(part)}
    choice = choose(request.param, None, kind.reads, {key: QUICK[key] for key in QUICK.keys() & settings})
    data = planted_data(guides=32, targets=24)
    rnas = [*data.rnas, random_rna(np.random.default_rng(5), 24)]  # two short ones: either may be the guide
    if kind.reads == VECTORS:
        rnas = kmer_counts(rnas, 3).astype(np.float32)
    data = replace(data, rnas=rnas, groups=np.arange(len(rnas)))
    found = fit(choice, data)
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    dim = rnas.shape[1] if kind.reads == VECTORS else 0
    save_model(path, ModelInfo(request.param, vars(choice.config), dim, None, 0.5, {}, {}, {}), found.tensors)
    return choice, data, found, load_model(path, CPU).classifier


def test_equal_arguments_give_equal_bits(case):
    choice, data, found, _ = case
    again = fit(choice, data)
    assert again.curves == found.curves
    assert again.tensors.keys() == found.tensors.keys()
    assert all(torch.equal(again.tensors[name], tensor) for name, tensor in found.tensors.items())


def test_a_file_holds_the_chosen_epoch_and_all_that_scoring_needs(case):
    _, data, found, loaded = case
    scores = loaded.scorer(data.rnas).scores(data.valid.first, data.valid.second)
    expected = pytest.approx(found.best.valid_average_precision, abs=1e-12)
    assert average_precision(data.valid.labels, scores) == expected


def test_scores_are_probabilities_that_do_not_depend_on_order_or_company(case):
    _, data, _, loaded = case
    first, second = np.random.default_rng(2).integers(len(data.rnas), size=(2, 500))
    scorer = loaded.scorer(data.rnas)
    scores = scorer.scores(first, second)
    assert (scores.dtype, scores.shape) == (np.float64, (500,))
    assert ((scores > 0) & (scores < 1)).all()
    assert np.array_equal(scorer.scores(second, first), scores)
    assert np.array_equal(loaded.scorer(data.rnas).scores(first[300:310], second[300:310]), scores[300:310])


def test_no_pairs_have_no_scores(case):
    nothing = np.zeros(0, dtype=np.int64)
    assert case[3].scorer(case[1].rnas).scores(nothing, nothing).shape == (0,)


def test_tensors_of_another_classifier_are_refused(case):
    choice, *_ = case
    classifier = choice.kind(choice.config, 64 if choice.kind.reads == VECTORS else 0)
    for wrong in ({}, {"another": torch.zeros(3)}):
        with pytest.raises(ValueError, match=r"."):
            classifier.load(wrong, CPU)


def test_tensors_of_whole_numbers_are_refused(case):
    choice, _, found, _ = case
    classifier = choice.kind(choice.config, 64 if choice.kind.reads == VECTORS else 0)
    for name in [name for name, tensor in found.tensors.items() if tensor.is_floating_point()]:
        with pytest.raises((ValueError, TypeError)):
            classifier.load(found.tensors | {name: found.tensors[name].to(torch.int8)}, CPU)
