"""The loop: turns and devices come to the same, what was interrupted ends with the same bits, and losses fall."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from cupid_tools.errors import CupidError, InputError
from cupid_tools.models.pretraining import ARCHITECTURES
from cupid_tools.models.pretraining import training as training_module
from cupid_tools.models.pretraining.corpus import make_corpus
from cupid_tools.models.pretraining.judging import answer
from cupid_tools.models.pretraining.network import NetworkSettings
from cupid_tools.models.pretraining.settings import PretrainSettings
from cupid_tools.models.pretraining.training import (
    Checkpoints,
    InterruptedPretrainingError,
    Task,
    learning_rate,
    pretrain,
)
from cupid_tools.recipes import PRETRAINING, recipe_section
from cupid_tools.vocab import Rna

CPU = torch.device("cpu")
VALID = np.arange(6)


@pytest.fixture(scope="module")
def corpus():
    return make_rnas(tails=(4, 12))


def make_rnas(tails):
    """RNAs that begin with one word or another, which tells their type, before a tail of random nucleotides."""
    rng = np.random.default_rng(3)
    words = {"miRNA": "GGGGAUAU", "tRNA": "CCUUCCUU"}
    rnas = []
    for number in range(48):
        kind = ("miRNA", "tRNA")[number % 2]
        tail = "".join(rng.choice(list("ACGU"), rng.integers(*tails)))
        rnas.append(Rna(f"r{number}", words[kind] * 2 + tail, kind))
    return make_corpus(rnas)


def task(architecture="masked", dropout=0.0, **others):
    chosen = {"epochs": 2, "batch_size": 8, "type_weight": 0.1} | others
    settings = recipe_section("rna-transformer", "training", PretrainSettings, chosen, family=PRETRAINING)
    network = NetworkSettings(
        architecture, "random", width=16, layers=1, heads=2, feed_forward=2, dropout=dropout, stem=3, readout=8
    )
    return Task(network, settings, "fp32", 1)


def numbers(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


@pytest.mark.parametrize("model", list(ARCHITECTURES))
def test_loss_falls_and_types_are_learned(corpus, model):
    _, curves = pretrain(task(model, epochs=12, learning_rate=0.01), corpus, VALID, [CPU])
    assert [row.epoch for row in curves] == list(range(1, 13))
    assert curves[-1].train_loss < 0.7 * curves[0].train_loss
    assert curves[-1].valid_loss < 0.8 * curves[0].valid_loss
    assert curves[-1].perplexity < 3.6
    assert curves[-1].type_f1_micro == 1.0


def test_contrast_draws_a_type_together():
    corpus = make_rnas(tails=(60, 80))

    def apart(model):
        """How much nearer RNAs of one type are than those of two, as cosines."""
        (sequences,) = corpus.batches(VALID, 100, 10_000, None)
        question = model.ask(sequences, 0.001, np.random.default_rng(0))
        with torch.inference_mode():
            means = answer(model, question).means
        unit = torch.nn.functional.normalize(means - means.mean(0), dim=-1)
        alike = torch.from_numpy(sequences.types[:, None] == sequences.types)
        return float((unit @ unit.T)[alike].mean() - (unit @ unit.T)[~alike].mean())

    settings = {"epochs": 20, "learning_rate": 0.01, "type_weight": 0.0}
    drawn, curves = pretrain(task(**settings, contrast_weight=0.8), corpus, VALID, [CPU])
    left, _ = pretrain(task(**settings), corpus, VALID, [CPU])
    assert curves[-1].train_loss < curves[0].train_loss
    assert apart(drawn) > apart(left) + 0.2


@pytest.mark.parametrize("model", list(ARCHITECTURES))
def test_equal_tasks_give_equal_bits(corpus, model):
    one, other = (pretrain(task(model, dropout=0.2), corpus, VALID, [CPU]) for _ in range(2))
    assert_same(numbers(one[0]), numbers(other[0]))
    assert one[1] == other[1]
    seeded, _ = pretrain(replace(task(model, dropout=0.2), seed=2), corpus, VALID, [CPU])
    assert not torch.equal(seeded.letters.weight, one[0].letters.weight)


@pytest.mark.parametrize("model", list(ARCHITECTURES))
def test_a_step_in_several_turns_is_that_step(corpus, model):
    whole, _ = pretrain(task(model, epochs=1), corpus, VALID, [CPU])
    turns, _ = pretrain(task(model, epochs=1, batch_tokens=30), corpus, VALID, [CPU])
    for name, tensor in numbers(whole).items():
        torch.testing.assert_close(turns.state_dict()[name], tensor, rtol=0, atol=2e-5)


def test_several_devices_share_a_step(corpus):
    one, curves = pretrain(task(batch_tokens=30), corpus, VALID, [CPU])
    several, others = pretrain(task(batch_tokens=30), corpus, VALID, [CPU, CPU, CPU])
    for name, tensor in numbers(one).items():
        torch.testing.assert_close(several.state_dict()[name], tensor, rtol=0, atol=2e-5)
    assert [row.train_loss for row in others] == pytest.approx([row.train_loss for row in curves], abs=1e-5)


class Stop(BaseException):
    """Stands for kill -9: nothing can be written any more."""


@pytest.mark.parametrize("contrast", [0.0, 0.4])
@pytest.mark.parametrize("step", [1, 5, 6, 9])
@pytest.mark.parametrize("how", [KeyboardInterrupt, Stop])
def test_an_interrupted_run_ends_with_the_same_bits(corpus, tmp_path, step, how, contrast):
    asked = task(dropout=0.2, contrast_weight=contrast)
    wanted, curves = pretrain(asked, corpus, VALID, [CPU])
    checkpoints = Checkpoints(tmp_path / "checkpoint", 2)
    done = 0

    def progress(count):
        nonlocal done
        done += count
        if done == step:
            raise how

    with pytest.raises((InterruptedPretrainingError, Stop)):
        pretrain(asked, corpus, VALID, [CPU], checkpoints=checkpoints, progress=progress)
    assert checkpoints.path.exists() or (how is Stop and step == 1)
    model, rows = pretrain(asked, corpus, VALID, [CPU], checkpoints=checkpoints)
    assert_same(numbers(model), numbers(wanted))
    assert rows == curves


def test_an_interruption_inside_a_step_keeps_the_checkpoint_before_it(corpus, tmp_path, monkeypatch):
    wanted, _ = pretrain(task(), corpus, VALID, [CPU])
    checkpoints = Checkpoints(tmp_path / "checkpoint", 1)
    plain, calls = torch.optim.AdamW.step, []

    def step(self, *args):
        calls.append(1)
        plain(self, *args)
        if len(calls) == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", step)
        with pytest.raises(InterruptedPretrainingError, match="interrupted after step 3 of 12"):
            pretrain(task(), corpus, VALID, [CPU], checkpoints=checkpoints)
    model, _ = pretrain(task(), corpus, VALID, [CPU], checkpoints=checkpoints)
    assert_same(numbers(model), numbers(wanted))


def stopped(corpus, checkpoints):
    def progress(count):
        raise KeyboardInterrupt

    with pytest.raises(InterruptedPretrainingError):
        pretrain(task(), corpus, VALID, [CPU], checkpoints=checkpoints, progress=progress)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (task(learning_rate=0.5), "is of a run with learning_rate 0.001, and 0.5 is asked for"),
        (task("autoencoder"), "is of a run with architecture 'masked', and 'autoencoder' is asked for"),
        (replace(task(), seed=7), "is of a run with seed 1, and 7 is asked for"),
    ],
)
def test_a_checkpoint_of_another_task_is_refused(corpus, tmp_path, other, words):
    checkpoints = Checkpoints(tmp_path / "checkpoint", 1)
    stopped(corpus, checkpoints)
    with pytest.raises(InputError, match=words):
        pretrain(other, corpus, VALID, [CPU], checkpoints=checkpoints)


def test_a_checkpoint_of_other_rnas_is_refused(corpus, tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoint", 1)
    stopped(corpus, checkpoints)
    fewer = replace(corpus, types=np.zeros_like(corpus.types))
    with pytest.raises(InputError, match="is of a run with data"):
        pretrain(task(), fewer, VALID, [CPU], checkpoints=checkpoints)


@pytest.mark.parametrize("damage", [b"", b"rubbish", None])
def test_a_damaged_checkpoint_is_refused(corpus, tmp_path, damage):
    checkpoints = Checkpoints(tmp_path / "checkpoint", 1)
    stopped(corpus, checkpoints)
    whole = checkpoints.path.read_bytes()
    checkpoints.path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    with pytest.raises(InputError, match=r"is no checkpoint of cupid-pretrain .--restart begins anew."):
        pretrain(task(), corpus, VALID, [CPU], checkpoints=checkpoints)


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(corpus, tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path / "checkpoint", 1)
    plain, calls = os.fsync, []

    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) == 4:
            raise OSError(28, "No space left on device")
        plain(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr("cupid_tools.io.atomic.os.fsync", fsync)
        with pytest.raises(OSError, match="No space left"):
            pretrain(task(), corpus, VALID, [CPU], checkpoints=checkpoints)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]
    wanted, _ = pretrain(task(), corpus, VALID, [CPU])
    model, _ = pretrain(task(), corpus, VALID, [CPU], checkpoints=checkpoints)
    assert_same(numbers(model), numbers(wanted))


def test_a_loss_that_is_no_number_ends_the_run(corpus, monkeypatch):
    monkeypatch.setattr(training_module, "letter_loss", lambda found, question: found.letters.sum() * torch.nan)
    with pytest.raises(
        CupidError, match=r"the loss is no number in step 1 .lower --learning-rate, and give --restart."
    ):
        pretrain(task(), corpus, VALID, [CPU])


def test_the_rate_rises_and_falls():
    settings = task(learning_rate=1.0, warmup_share=0.1, floor=0.2).settings
    rates = [learning_rate(settings, step, 100) for step in range(100)]
    assert rates[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert rates[10] == 1.0
    assert (np.diff(rates[10:]) < 0).all()
    assert rates[55] == pytest.approx(0.6)
    assert rates[-1] == pytest.approx(0.2, abs=1e-3)
