"""The published schedule and sampling, dropout, and what training keeps."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from cupid_tools.errors import CupidError, OutOfMemoryError, UsageError
from cupid_tools.models import SELECTIONS, fitting, training
from cupid_tools.models.checkpoint import build_classifier
from cupid_tools.models.classifiers.mlp import MlpConfig
from cupid_tools.models.dataset import LabelledPairs, TrainingData
from cupid_tools.models.device import memory_guard
from cupid_tools.models.dropout import dropout
from cupid_tools.models.fitting import InterruptedTrainingError
from cupid_tools.models.training import TrainSettings, batches, learning_rate
from cupid_tools.recipes import recipe_section

CPU = torch.device("cpu")
PUBLISHED = recipe_section("ncrna-cupid", "training", TrainSettings, {})
QUICK = replace(PUBLISHED, epochs=6, warmup_epochs=1, learning_rate=1e-2, batch_size=64)
CONFIG = {"hidden_layers": 2, "hidden_size": 32, "dropout": 0.1, "order": "free"}


@pytest.fixture(autouse=True)
def one_thread():
    """Nets this small gain nothing from two, and lose much where others use the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_rate_is_the_notebooks():
    rates = [learning_rate(PUBLISHED, epoch) / 5e-4 for epoch in range(1, 51)]
    assert rates[:5] == pytest.approx([0.25, 0.5, 0.75, 1, 1])
    for epoch in range(4, 50):
        cosine = 0.5 * (1 + math.cos(math.pi * (epoch - 4) / (50 - 4)))
        assert rates[epoch] == pytest.approx(cosine * (1 - 5e-5) + 5e-5)
    assert min(rates) >= 5e-5


def test_the_rate_without_warm_up_starts_at_its_height():
    assert learning_rate(replace(PUBLISHED, warmup_epochs=0), 1) == 5e-4


@pytest.mark.parametrize("negatives", [1, 357, 358, 359, 5000])
def test_an_epoch_is_one_pass_over_the_negatives(negatives):
    labels = np.array([0, 1] * min(negatives, 40) + [0] * max(0, negatives - 40), dtype=np.int8)
    drawn = list(batches(labels, PUBLISHED, np.random.default_rng(0)))
    rows = np.concatenate(drawn)
    taken = np.sort(rows[labels[rows] == 0])
    np.testing.assert_array_equal(taken, np.flatnonzero(labels == 0))
    for batch in drawn[:-1]:
        assert len(batch) == 512
        assert (labels[batch] == 0).sum() == 358
    share = (labels[drawn[-1]] == 0).mean()
    assert share == pytest.approx(0.7, abs=0.01) or len(drawn[-1]) == 2


def test_positives_are_drawn_with_replacement():
    labels = np.array([1, *[0] * 358], dtype=np.int8)
    (batch,) = batches(labels, PUBLISHED, np.random.default_rng(0))
    assert (batch == 0).sum() == 154


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5])
def test_dropout_keeps_the_mean_and_drops_the_share(share):
    torch.manual_seed(1)
    state = torch.ones(1000, 333, requires_grad=True)
    dropped = dropout(state, share, training=True)
    assert (dropped == 0).float().mean().item() == pytest.approx(share, abs=0.004)
    assert dropped.max().item() == pytest.approx(1 / (1 - share), rel=1e-4)
    dropped.sum().backward()
    assert torch.equal(state.grad, dropped)
    assert torch.equal(dropout(state, share, training=False), state)


def test_dropout_masks_of_neighbouring_channels_are_independent():
    torch.manual_seed(1)
    zero = (dropout(torch.ones(4000, 64), 0.5, training=True) == 0).double()
    correlation = torch.corrcoef(zero.T) - torch.eye(64)
    assert correlation.abs().max() < 0.1


def data():
    """400 RNAs of 6 channels; a pair interacts when both lie on one side in two directions."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(400, 6)).astype(np.float32)
    first, second = rng.integers(400, size=(2, 2500))
    labels = ((vectors[first, :2] * vectors[second, :2]) > 0).all(axis=1).astype(np.int8)
    cut = slice(0, 2000), slice(2000, 2500)
    train, valid = (LabelledPairs(first[part], second[part], labels[part]) for part in cut)
    return TrainingData(vectors, np.arange(400), train, valid, digests={})


def trained(data, settings, seed=1):
    return build_classifier("mlp", CONFIG, 6).fit(data, settings, device=CPU, seed=seed)


def test_it_learns():
    result = trained(data(), replace(QUICK, epochs=10))
    assert result.best.valid_auroc > 0.9
    assert result.curves[-1].train_loss < result.curves[0].train_loss / 1.5
    assert result.trouble is None


def test_the_best_epoch_is_kept_and_not_the_last():
    result = trained(data(), replace(QUICK, learning_rate=0.3, epochs=8))
    best = max(result.curves, key=lambda row: row.valid_mcc)
    assert result.best == best
    assert result.best.epoch < len(result.curves)


@pytest.mark.parametrize("select", SELECTIONS)
def test_the_metric_that_selects(select):
    result = trained(data(), replace(QUICK, select=select))
    values = [getattr(row, f"valid_{select}") for row in result.curves]
    assert result.best.epoch == values.index(max(values)) + 1


def test_patience(monkeypatch):
    mccs = iter([0.1, 0.3, 0.2, 0.25, 0.3, 0.9])
    monkeypatch.setattr(fitting, "best_mcc_threshold", lambda labels, scores: (0.5, next(mccs)))
    result = trained(data(), replace(QUICK, patience=3))
    assert (result.best.epoch, len(result.curves)) == (2, 5)


def test_equal_seeds_give_equal_bits_and_others_do_not():
    one, same, other = (trained(data(), replace(QUICK, epochs=2), seed) for seed in (1, 1, 2))
    assert one.curves == same.curves
    assert all(torch.equal(one.tensors[name], same.tensors[name]) for name in one.tensors)
    assert one.curves != other.curves


def test_the_process_is_left_as_it_was():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    trained(data(), replace(QUICK, epochs=1))
    assert torch.equal(torch.rand(1), expected)
    assert not torch.are_deterministic_algorithms_enabled()


def stop_in_epoch(monkeypatch, number, what):
    learn = training._Run._learn

    def stopping(self, epoch):
        if epoch < number:
            return learn(self, epoch)
        if isinstance(what, float):
            return what
        raise what

    monkeypatch.setattr(training._Run, "_learn", stopping)


def test_an_interrupt_keeps_the_best_epoch(monkeypatch):
    stop_in_epoch(monkeypatch, 3, KeyboardInterrupt())
    result = trained(data(), QUICK)
    assert isinstance(result.trouble, InterruptedTrainingError)
    assert "epoch 3" in str(result.trouble)
    assert len(result.curves) == 2
    monkeypatch.undo()
    whole = trained(data(), QUICK)
    assert result.best == max(whole.curves[:2], key=lambda row: row.valid_mcc)


def test_an_interrupt_before_the_first_epoch_is_passed_on(monkeypatch):
    stop_in_epoch(monkeypatch, 1, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        trained(data(), QUICK)


def test_a_loss_that_is_no_number_keeps_the_best_epoch(monkeypatch):
    stop_in_epoch(monkeypatch, 2, float("nan"))
    result = trained(data(), QUICK)
    assert result.best.epoch == 1
    assert "no number in epoch 2 (lower --learning-rate)" in str(result.trouble)


def test_a_loss_that_is_no_number_from_the_start():
    with pytest.raises(CupidError, match="no number in epoch 1"):
        trained(data(), replace(QUICK, learning_rate=1e30, warmup_epochs=0))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("select", "loss"), ("learning_rate", 0.0), ("learning_rate", math.nan), ("floor", -0.1),
        ("epochs", 0), ("patience", 0), ("batch_size", 1), ("negative_share", 1.0), ("negative_share", 0.001),
        ("warmup_epochs", -1),
    ],
)  # fmt: skip
def test_settings_out_of_range(field, value):
    with pytest.raises(UsageError):
        replace(PUBLISHED, **{field: value})


@pytest.mark.parametrize(
    "change", [{"hidden_layers": 0}, {"hidden_size": 0}, {"dropout": 1.0}, {"dropout": -0.1}, {"order": "sideways"}]
)
def test_a_net_out_of_range(change):
    with pytest.raises(UsageError):
        MlpConfig(**CONFIG | change)


def test_running_out_of_memory_is_told():
    with pytest.raises(OutOfMemoryError) as caught, memory_guard():
        torch.empty(1 << 50)
    assert caught.value.exit_code == 75
    with pytest.raises(RuntimeError, match="other"), memory_guard():
        raise RuntimeError("other")
