"""Scores: exact, symmetric, and a function of the pair alone."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cupid_tools.models import FREE, PUBLISHED
from cupid_tools.models.checkpoint import build_classifier
from cupid_tools.models.classifiers import CLASSIFIERS
from cupid_tools.models.ranking import _Best
from cupid_tools.models.scoring import PairScorer

D, N = 7, 300
CONFIG = {"mlp": {"hidden_layers": 3, "hidden_size": 40, "dropout": 0.5}}


@pytest.fixture(params=list(CLASSIFIERS))
def net(request):
    torch.manual_seed(3)
    return build_classifier(request.param, D, CONFIG[request.param])


@pytest.fixture
def vectors():
    return torch.randn(N, D, generator=torch.Generator().manual_seed(4))


@pytest.fixture
def pairs():
    return np.random.default_rng(5).integers(N, size=(2, 5000))


def test_scores_equal_the_net_on_both_vectors_side_by_side(net, vectors, pairs):
    first, second = pairs
    scores = PairScorer(net, PUBLISHED, vectors).scores(first, second)
    net.eval().double()
    with torch.no_grad():
        logits = net(torch.stack([vectors[first], vectors[second]], dim=1).double())
    np.testing.assert_allclose(scores, logits.sigmoid().numpy(), atol=1e-6)


def test_free_order_is_the_mean_of_both_orders(net, vectors, pairs):
    first, second = pairs
    published = PairScorer(net, PUBLISHED, vectors)
    mean = (published.scores(first, second) + published.scores(second, first)) / 2
    np.testing.assert_array_equal(PairScorer(net, FREE, vectors).scores(first, second), mean)


def test_free_order_is_symmetric_to_the_last_bit(net, vectors, pairs):
    scorer = PairScorer(net, FREE, vectors)
    np.testing.assert_array_equal(scorer.scores(*pairs), scorer.scores(*pairs[::-1]))


def test_the_published_order_is_not_symmetric(net, vectors, pairs):
    scorer = PairScorer(net, PUBLISHED, vectors)
    assert np.abs(scorer.scores(*pairs) - scorer.scores(*pairs[::-1])).max() > 1e-3


def test_a_score_depends_on_its_pair_alone(net, vectors, pairs):
    scorer = PairScorer(net, FREE, vectors)
    scores = scorer.scores(*pairs)
    order = np.random.default_rng(6).permutation(len(scores))
    np.testing.assert_array_equal(scorer.scores(*pairs[:, order]), scores[order])
    for part in (slice(0, 1), slice(17, 20), slice(4000, 5000)):
        np.testing.assert_array_equal(scorer.scores(*pairs[:, part]), scores[part])
    few = PairScorer(net, FREE, vectors[:50])
    inside = (pairs < 50).all(axis=0)
    np.testing.assert_array_equal(few.scores(*pairs[:, inside]), scores[inside])


def test_dropout_is_off(net, vectors, pairs):
    net.train()
    scorer = PairScorer(net, FREE, vectors)
    np.testing.assert_array_equal(scorer.scores(*pairs), scorer.scores(*pairs))


def test_no_pairs(net, vectors):
    none = np.empty(0, dtype=np.int64)
    assert PairScorer(net, FREE, vectors).scores(none, none).shape == (0,)


@given(
    st.lists(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=3, max_size=3), min_size=1, max_size=12),
    st.integers(1, 6),
    st.integers(1, 5),
)
def test_the_best_so_far_equal_a_full_sort(rows, top, tile):
    scores = np.array(rows).T  # [3 queries, targets]
    best = _Best(3, top)
    for start in range(0, scores.shape[1], tile):
        best.add(scores[:, start : start + tile])
    for query in range(3):
        expected = sorted(range(scores.shape[1]), key=lambda place: (-scores[query, place], place))[:top]
        assert best.places[query].tolist() == expected
        assert best.scores[query].tolist() == scores[query, expected].tolist()
