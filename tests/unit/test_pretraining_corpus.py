"""From RNAs to packed batches: each RNA once, whole or a stretch of it; and whole groups held out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cupid_tools.errors import InputError
from cupid_tools.models.pretraining.alphabet import END, START, letters_of
from cupid_tools.models.pretraining.corpus import NO_TYPE, held_out, make_corpus
from cupid_tools.models.pretraining.data import read_rnas
from cupid_tools.models.pretraining.settings import PretrainSettings
from cupid_tools.recipes import PRETRAINING, recipe_section
from cupid_tools.sampling.seeds import rng_for
from cupid_tools.vocab import Rna

RNAS = st.lists(st.text("ACGUN", min_size=1, max_size=30), min_size=1, max_size=12)


def settings(**others):
    return recipe_section("rna-transformer", "training", PretrainSettings, others, family=PRETRAINING)


def rna(number, sequence, kind="miRNA"):
    return Rna(f"r{number}", sequence, kind)


def unpacked(batches):
    """The letters of each RNA of batches, in their order."""
    found = []
    for batch in batches:
        start = 0
        for count, length in batch.groups:
            for _ in range(count):
                row = batch.tokens[start : start + length]
                assert (row[0], row[-1]) == (START, END)
                found.append(letters_of(row[1:-1]))
                start += length
        assert start == len(batch.tokens)
    return found


@given(RNAS, st.integers(1, 80))
def test_batches_hold_every_rna_once(sequences, budget):
    corpus = make_corpus([rna(number, sequence) for number, sequence in enumerate(sequences)])
    batches = corpus.batches(np.arange(len(sequences)), 100, budget, None)
    assert sorted(unpacked(batches)) == sorted(sequences)
    assert all(len(batch.tokens) <= budget or len(batch.types) == 1 for batch in batches)


@given(RNAS, st.integers(1, 10), st.integers(0, 5))
def test_of_a_long_rna_a_stretch_is_taken(sequences, longest, seed):
    corpus = make_corpus([rna(number, sequence) for number, sequence in enumerate(sequences)])
    for place, sequence in enumerate(sequences):
        (found,) = unpacked(corpus.batches(np.array([place]), longest, 100, rng_for(seed, "test")))
        assert found in sequence
        assert len(found) == min(longest, len(sequence))


def test_a_stretch_may_begin_anywhere():
    corpus = make_corpus([rna(0, "ACGUACGUGG")])
    rng = rng_for(1, "test")
    found = {unpacked(corpus.batches(np.array([0]), 9, 100, rng))[0] for _ in range(40)}
    assert found == {"ACGUACGUG", "CGUACGUGG"}


def test_types_are_numbered_in_alphabetic_order():
    corpus = make_corpus([rna(0, "ACG", "tRNA"), rna(1, "AC", "unknown"), rna(2, "A", "miRNA")])
    assert corpus.type_names == ("miRNA", "tRNA")
    assert corpus.types.tolist() == [1, NO_TYPE, 0]
    assert corpus.batches(np.array([0, 1, 2]), 9, 99, None)[0].types.tolist() == [1, NO_TYPE, 0]  # the longest first


@given(st.lists(st.integers(0, 6), min_size=2, max_size=60), st.floats(0.05, 0.6), st.integers(0, 9))
def test_groups_are_held_out_as_a_whole(groups, share, seed):
    numbers = np.unique(groups, return_inverse=True)[1]
    held = held_out(numbers, share, rng_for(seed, "test"))
    for group in set(numbers.tolist()):
        assert len(set(held[numbers == group].tolist())) == 1
    if len(set(numbers.tolist())) > 1:
        assert held.any()
        assert not held.all()
    smallest = np.bincount(numbers).min()
    assert held.sum() <= max(share * len(groups), smallest)


@pytest.fixture
def fasta(tmp_path):
    def write(text):
        path = tmp_path / "rnas.fa"
        path.write_text(text)
        return str(path)

    return write


def test_what_is_left_out_is_told(fasta):
    path = fasta(
        ">a\nACGUACGUACGUACGUACGU\n>long\n"
        + "ACGGU" * 50
        + "\n>b\nGGGGGGGACAUCGAUCGAUC\n>again\nACGUACGUACGUACGUACGU\n"
    )
    found = read_rnas(path, settings(), format="fasta", types=None, groups=None, sample=None, seed=1)
    assert found.left_out == [("long", "too-long"), ("again", "repeated-sequence")]
    assert len(found.corpus) == 2
    assert len(found.valid) == 1
    cropped = read_rnas(path, settings(too_long="crop"), format="fasta", types=None, groups=None, sample=2, seed=1)
    assert sorted(reason for _, reason in cropped.left_out) == ["not-drawn", "repeated-sequence"]


def test_relatives_are_held_out_together(fasta, tmp_path):
    lines = [f">r{number}\n{'ACGU' * 5}{'ACGU'[number % 4] * (number + 1)}\n" for number in range(12)]
    groups = tmp_path / "groups.tsv"
    groups.write_text("id\tgroup\n" + "".join(f"r{number}\tg{number // 4}\n" for number in range(12)))
    found = read_rnas(
        fasta("".join(lines)),
        settings(valid_share=0.4),
        format="fasta",
        types=None,
        groups=str(groups),
        sample=None,
        seed=1,
    )
    assert len(found.valid) == 4
    assert len({place // 4 for place in found.valid.tolist()}) == 1
    with pytest.raises(InputError, match="all its RNAs are relatives"):
        read_rnas(fasta("".join(lines)), settings(), format="fasta", types=None, groups=None, sample=None, seed=1)


def test_a_fasta_of_long_rnas_alone(fasta):
    with pytest.raises(
        InputError, match=r"every RNA is longer than 205 nt .raise --max-length, or give --too-long crop."
    ):
        read_rnas(fasta(">a\n" + "ACGU" * 60), settings(), format="fasta", types=None, groups=None, sample=None, seed=1)
