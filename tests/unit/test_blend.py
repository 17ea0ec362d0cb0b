"""Several classifiers of sequences as one."""

import numpy as np
import pytest
import torch

from cupid_tools.errors import UsageError
from cupid_tools.models.classifiers import CLASSIFIERS
from cupid_tools.models.classifiers.blend import MEMBERS, Blend, BlendConfig, BlendTraining, weigh
from cupid_tools.models.classifiers.duplex import DuplexTraining
from tests.planted import planted_data

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data():
    return planted_data()


@pytest.fixture(scope="module")
def fitted(data):
    short = staticmethod(lambda: DuplexTraining(epochs=1))  # seconds, not a minute
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CLASSIFIERS.load("duplex"), "Training", short)
        classifier = Blend(BlendConfig(), 0)
        fit = classifier.fit(data, BlendTraining(), device=CPU, seed=1)
    return classifier, fit


def test_it_finds_planted_sites_of_unseen_rnas(fitted):
    _, fit = fitted
    assert len(fit.curves) == 1
    assert fit.best.valid_auroc > 0.9
    assert (fit.tensors["weights"] >= 0).all()


def test_its_score_is_the_weighted_sum_of_its_members_logits(fitted, data):
    classifier, fit = fitted
    answers = fit.tensors["offset"].item()
    for weight, name in zip(fit.tensors["weights"].tolist(), MEMBERS, strict=True):
        kind = CLASSIFIERS.load(name)
        member = kind(kind.Config(), 0)
        own = {key.removeprefix(f"{name}."): value for key, value in fit.tensors.items() if key.startswith(f"{name}.")}
        member.load(own, CPU)
        chance = member.scorer(data.rnas).scores(data.valid.first, data.valid.second)
        answers = answers + weight * np.log(chance / (1 - chance))
    scores = classifier.scorer(data.rnas).scores(data.valid.first, data.valid.second)
    assert scores == pytest.approx(1 / (1 + np.exp(-answers)))


def test_tensors_of_another_classifier_are_refused(fitted):
    _, fit = fitted
    for wrong in ({}, {"trees": torch.zeros(3)}, fit.tensors | {"mlp.bias": torch.zeros(1)}):
        with pytest.raises(ValueError, match="expected weights, an offset and seed-lr, boosting, duplex"):
            Blend(BlendConfig(), 0).load(wrong, CPU)


def test_an_interrupt_in_a_member_interrupts_the_whole(data, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    classifier = Blend(BlendConfig(), 0)
    monkeypatch.setattr("cupid_tools.models.classifiers.boosting.judged", interrupted)
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(data, BlendTraining(), device=CPU, seed=1)


def test_who_knows_is_trusted_and_who_is_wrong_is_not():
    rng = np.random.default_rng(5)
    labels = rng.integers(2, size=2000).astype(np.int8)
    knows = (labels * 2 - 1) + rng.normal(size=2000)
    weights, offset = weigh(np.stack([knows, rng.normal(size=2000), -knows]), labels, ridge=1)
    assert weights[0] > 1.5
    assert weights[1] < 0.2
    assert weights[2] == 0
    assert offset == pytest.approx(0, abs=0.3)


def test_few_pairs_leave_all_members_about_equal_shares():
    weights, _ = weigh(np.array([[3.0, -3.0], [1.0, -1.0]]), np.array([1, 0], dtype=np.int8), ridge=100)
    assert weights == pytest.approx([0.5, 0.5], abs=0.02)


def test_a_ridge_must_be_above_zero():
    with pytest.raises(UsageError, match="ridge is -1"):
        BlendTraining(ridge=-1)
