"""RNAs of one type are drawn together: whom each meets, and what the loss says of them."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cupid_tools.models.pretraining.contrast import Partners, contrast_loss, paired
from cupid_tools.models.pretraining.corpus import NO_TYPE, make_corpus
from cupid_tools.vocab import UNKNOWN_TYPE, Rna

TYPES = ["tRNA", UNKNOWN_TYPE, "miRNA", "tRNA", "miRNA", "tRNA", UNKNOWN_TYPE, "miRNA"]


@pytest.fixture
def corpus():
    return make_corpus([Rna(f"r{place}", "ACGU" * (place + 1), kind) for place, kind in enumerate(TYPES)])


def test_each_meets_one_of_its_type_or_itself(corpus):
    rows = np.array([0, 1, 2, 3, 6, 7])
    partners = Partners(corpus, rows)
    met = {row: set() for row in rows.tolist()}
    for seed in range(60):
        found = partners.with_partners(rows, np.random.default_rng(seed))
        assert found[: len(rows)].tolist() == rows.tolist()
        for row, other in zip(rows.tolist(), found[len(rows) :].tolist(), strict=True):
            met[row].add(other)
    assert met == {0: {0, 3}, 3: {0, 3}, 2: {2, 7}, 7: {2, 7}, 1: {1}, 6: {6}}


def test_all_of_unknown_type_meet_themselves():
    corpus = make_corpus([Rna("a", "ACGU", UNKNOWN_TYPE), Rna("b", "GGGG", UNKNOWN_TYPE)])
    rows = np.array([0, 1])
    assert Partners(corpus, rows).with_partners(rows, np.random.default_rng(0)).tolist() == [0, 1, 0, 1]


def test_an_unknown_type_is_like_nothing_but_itself(corpus):
    (sequences,) = corpus.batches(np.array([0, 1, 1, 3, 6]), 100, 10_000, None)
    kinds = dict(zip(sequences.rows.tolist(), sequences.kinds.tolist(), strict=True))
    assert kinds[0] == kinds[3] >= 0
    assert len({kinds[0], kinds[1], kinds[6]}) == 3
    assert (sequences.types == NO_TYPE).sum() == 3
    assert paired(sequences.kinds) == 4


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=9), st.integers(0, 99))
def test_the_loss_is_that_of_the_paper(kinds, seed):
    means = np.random.default_rng(seed).normal(size=(len(kinds), 6))
    unit = means - means.mean(0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    likeness = unit @ unit.T / 0.1
    wanted = 0.0
    for one, kind in enumerate(kinds):
        others = [other for other in range(len(kinds)) if other != one]
        alike = [other for other in others if kinds[other] == kind]
        total = math.log(sum(math.exp(likeness[one, other]) for other in others))
        wanted += sum(total - likeness[one, other] for other in alike) / max(1, len(alike))
    found = contrast_loss(torch.tensor(means, dtype=torch.float32), np.array(kinds))
    assert float(found) == pytest.approx(wanted, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("rnas", [1, 2, 3])
def test_nobody_alike_is_no_loss_and_no_gradient(rnas):
    means = torch.randn(rnas, 4, requires_grad=True)
    loss = contrast_loss(means, np.arange(rnas))
    loss.backward()
    assert loss.item() == 0.0
    assert torch.equal(means.grad, torch.zeros(rnas, 4))
