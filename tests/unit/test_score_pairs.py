"""Scores: exact, symmetric, and a function of the pair alone."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cupid_tools.models import FREE, PUBLISHED
from cupid_tools.models.checkpoint import build_classifier
from cupid_tools.models.ranking import _Best

D, N = 7, 300
CONFIG = {"hidden_layers": 3, "hidden_size": 40, "dropout": 0.5}
OWN = {"mlp": {"order": FREE}}
NETS = ["mlp", "mlp-symmetric"]


def net(name, **changes):
    """A net with random weights, the same at each call."""
    net = build_classifier(name, CONFIG | OWN.get(name, {}) | changes, D)
    net.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weights in net.parameters():
            weights.copy_(torch.randn(weights.shape, generator=generator) / weights.shape[-1] ** 0.5)
    return net


@pytest.fixture
def vectors():
    return np.random.default_rng(4).normal(size=(N, D)).astype(np.float32)


@pytest.fixture
def pairs():
    return np.random.default_rng(5).integers(N, size=(2, 5000))


@pytest.mark.parametrize(("name", "changes"), [("mlp", {"order": PUBLISHED}), ("mlp-symmetric", {})])
def test_scores_equal_the_net_on_both_vectors_side_by_side(name, changes, vectors, pairs):
    scores = net(name, **changes).scorer(vectors).scores(*pairs)
    exact = net(name, **changes).eval().double()
    with torch.no_grad():
        logits = exact(torch.as_tensor(vectors[pairs.T]).double())
    np.testing.assert_allclose(scores, logits.sigmoid().numpy(), atol=1e-6)


def test_the_published_net_is_linear_layers_with_relu(vectors, pairs):
    published = net("mlp", order=PUBLISHED).eval()
    state = torch.as_tensor(vectors[pairs.T]).flatten(1)
    with torch.no_grad():
        for layer in published.hidden:
            state = layer(state).relu()
        expected = published.output(state).squeeze(1)
        torch.testing.assert_close(published(torch.as_tensor(vectors[pairs.T])), expected)


def test_free_order_is_the_mean_of_both_orders(vectors, pairs):
    published = net("mlp", order=PUBLISHED).scorer(vectors)
    mean = (published.scores(*pairs) + published.scores(*pairs[::-1])) / 2
    np.testing.assert_array_equal(net("mlp").scorer(vectors).scores(*pairs), mean)


@pytest.mark.parametrize("name", NETS)
def test_scores_are_symmetric_to_the_last_bit(name, vectors, pairs):
    scorer = net(name).scorer(vectors)
    np.testing.assert_array_equal(scorer.scores(*pairs), scorer.scores(*pairs[::-1]))


def test_the_published_order_is_not_symmetric(vectors, pairs):
    scorer = net("mlp", order=PUBLISHED).scorer(vectors)
    assert np.abs(scorer.scores(*pairs) - scorer.scores(*pairs[::-1])).max() > 1e-3


@pytest.mark.parametrize("name", NETS)
def test_a_score_depends_on_its_pair_alone(name, vectors, pairs):
    scorer = net(name).scorer(vectors)
    scores = scorer.scores(*pairs)
    order = np.random.default_rng(6).permutation(len(scores))
    np.testing.assert_array_equal(scorer.scores(*pairs[:, order]), scores[order])
    for part in (slice(0, 1), slice(17, 20), slice(4000, 5000)):
        np.testing.assert_array_equal(scorer.scores(*pairs[:, part]), scores[part])
    few = net(name).scorer(vectors[:50])
    inside = (pairs < 50).all(axis=0)
    np.testing.assert_array_equal(few.scores(*pairs[:, inside]), scores[inside])


@pytest.mark.parametrize("name", NETS)
def test_dropout_is_off(name, vectors, pairs):
    trained = net(name).train()
    scorer = trained.scorer(vectors)
    np.testing.assert_array_equal(scorer.scores(*pairs), scorer.scores(*pairs))


@pytest.mark.parametrize("name", NETS)
def test_no_pairs(name, vectors):
    none = np.empty(0, dtype=np.int64)
    assert net(name).scorer(vectors).scores(none, none).shape == (0,)


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
