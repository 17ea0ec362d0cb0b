"""What models are asked, what they see when they answer, and what they write."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cupid_tools.models.pretraining import ARCHITECTURES
from cupid_tools.models.pretraining.alphabet import END, FIRST_NUCLEOTIDE, MASK, START, VOCABULARY, N
from cupid_tools.models.pretraining.base import lengths_of, mean_states
from cupid_tools.models.pretraining.corpus import make_corpus
from cupid_tools.models.pretraining.judging import answer, edit_distance
from cupid_tools.models.pretraining.network import NetworkSettings
from cupid_tools.sampling.seeds import rng_for
from cupid_tools.vocab import Rna

SEQUENCES = ["ACGUNACGUA", "GGGCCUUAAA", "ACGU" * 10]


def made(model, types=3):
    torch.manual_seed(1)
    settings = NetworkSettings(
        architecture=model, nucleotides="random", width=16, layers=1, heads=2, feed_forward=2, dropout=0.0
    )
    return ARCHITECTURES.load(model)(settings, types).eval()


def packed(sequences=SEQUENCES):
    corpus = make_corpus([Rna(f"r{number}", sequence) for number, sequence in enumerate(sequences)])
    (found,) = corpus.batches(np.arange(len(sequences)), 100_000, 100_000, None)
    return found


@given(st.integers(0, 20), st.floats(0.05, 0.9))
def test_masked_asks_for_nucleotides_alone(seed, share):
    sequences = packed()
    question = made("masked").ask(sequences, share, rng_for(seed, "test"))
    assert (question.answers == sequences.tokens[question.places]).all()
    assert (question.answers >= FIRST_NUCLEOTIDE).all()
    others = np.setdiff1d(np.arange(len(sequences.tokens)), question.places)
    assert (question.shown[others] == sequences.tokens[others]).all()
    assert not np.isin(question.shown[question.places], [START, END, N]).any()


def test_masked_hides_most_of_what_it_asks_for():
    sequences = packed(["ACGU" * 5000])
    question = made("masked").ask(sequences, 0.15, rng_for(1, "test"))
    assert 0.14 < len(question.places) / 20_000 < 0.16
    shown = question.shown[question.places]
    assert 0.78 < (shown == MASK).mean() < 0.82
    assert 0.11 < (shown == question.answers).mean() < 0.14  # left as they are, or replaced by themselves


def test_an_autoencoder_is_asked_for_what_follows():
    sequences = packed(["ACN"])
    question = made("autoencoder").ask(sequences, 0.15, rng_for(1, "test"))
    a, c = FIRST_NUCLEOTIDE, FIRST_NUCLEOTIDE + 1
    assert question.shown.tolist() == [START, a, c, N, END]
    assert question.written.tolist() == [START, a, c, N]
    assert question.answers.tolist() == [a, c, END]
    assert question.places.tolist() == [0, 1, 3]


@pytest.mark.parametrize("model", list(ARCHITECTURES))
def test_an_answer_has_logits_for_each_question_and_rna(model):
    network, sequences = made(model), packed()
    question = network.ask(sequences, 0.3, rng_for(1, "test"))
    found = answer(network, question)
    assert found.letters.shape == (len(question.answers), VOCABULARY)
    assert found.types.shape == (len(SEQUENCES), 3)
    assert answer(made(model, types=0), question).types is None


def test_an_autoencoder_answers_from_what_is_written_and_not_from_what_follows():
    network = made("autoencoder")
    question = network.ask(packed(["ACGUACGU"]), 0.15, rng_for(1, "test"))
    later = question.written.copy()
    later[-1] = FIRST_NUCLEOTIDE
    first, second = answer(network, question).letters, answer(network, question._replace(written=later)).letters
    torch.testing.assert_close(first[:-1], second[:-1])
    assert not torch.allclose(first[-1], second[-1])


def test_masked_keeps_what_it_was_not_asked_for():
    sequences = packed()
    network = made("masked")
    question = network.ask(sequences, 0.3, rng_for(1, "test"))
    ends = np.cumsum(lengths_of(sequences.groups) + 2)
    written = network.rewrite(sequences, question)
    row = sequences.tokens.copy()
    for end, found in zip(ends, written, strict=True):
        row[end - 1 - len(found) : end - 1] = found
    changed = np.flatnonzero(row != sequences.tokens)
    assert len(changed)
    assert np.isin(changed, question.places).all()


def test_an_autoencoder_that_has_learned_writes_what_it_was_shown():
    """Also where RNAs are of several lengths; without END it would go on writing."""
    torch.manual_seed(1)
    settings = NetworkSettings("autoencoder", "random", width=32, layers=1, heads=2, feed_forward=2, dropout=0.0)
    network = ARCHITECTURES.load("autoencoder")(settings, 0)
    sequences = packed(["ACGUAC", "GGAUUC", "CCAUGGUUA"])
    question = network.ask(sequences, 0.15, rng_for(1, "test"))
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-2)
    for _ in range(150):
        loss = torch.nn.functional.cross_entropy(answer(network, question).letters, torch.from_numpy(question.answers))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.inference_mode():
        written = network.eval().rewrite(sequences, question)
    starts = np.cumsum(lengths_of(sequences.groups) + 2) - lengths_of(sequences.groups) - 1
    for start, row in zip(starts, written, strict=True):
        assert row.tolist() == sequences.tokens[start : start + len(row)].tolist()
    assert [len(row) for row in written] == [9, 6, 6]


def test_mean_states_leave_start_and_end_out():
    states = torch.arange(14.0)[:, None]
    found = mean_states(states, [(2, 4), (1, 6)])
    torch.testing.assert_close(found[:, 0], torch.tensor([1.5, 5.5, 10.5]))


@given(st.text("ACGU", max_size=12), st.text("ACGU", max_size=12))
def test_edit_distance(one, other):
    rows = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        last, rows = rows, [i]
        for j, against in enumerate(other, start=1):
            rows.append(min(last[j] + 1, rows[-1] + 1, last[j - 1] + (letter != against)))
    assert edit_distance(one, other) == rows[-1]
