"""The index of RNAs numbers sequences and finds repeated ids as plain dictionaries do."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from cupid_tools.io.rna_index import RnaIndex

BLOCKS = st.lists(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 15)), min_size=1, max_size=9), max_size=12)


def digest(sequence):
    return hashlib.sha256(str(sequence).encode()).hexdigest()


@given(BLOCKS)
def test_it_agrees_with_dictionaries(blocks):
    index = RnaIndex()
    number_of, first_of = {}, {}
    for block in blocks:
        expected = [], [], [], []
        for place, (name, sequence) in enumerate(block):
            if sequence not in number_of:
                expected[1].append(place)
            if name in first_of:
                expected[2].append(place)
            expected[0].append(number_of.setdefault(sequence, len(number_of)))
            expected[3].append(first_of.setdefault(name, expected[0][-1]))
        found = index.enter([f"r{name}" for name, _ in block], [digest(sequence) for _, sequence in block])
        assert tuple(part.tolist() for part in found) == expected
        assert index.sequences == len(number_of)


def test_keys_that_end_in_zeros_are_told_apart():
    """numpy strips zeros from the end of bytes."""
    digests = ["ab" * length + "00" * (32 - length) for length in range(1, 17)]
    index = RnaIndex()
    assert index.enter([f"r{number}" for number in range(16)], digests).numbers.tolist() == list(range(16))
    assert index.enter(["x"], digests[:1]).numbers.tolist() == [0]
