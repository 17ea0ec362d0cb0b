"""Whatever is written is read back the same, however it is laid out."""

import io
import string
import tempfile
from pathlib import Path

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from cupid_tools.io.fasta import load_rnas, read_fasta, write_fasta
from cupid_tools.io.pairs import read_pairs, write_pairs
from cupid_tools.kmers import kmer_codes, kmer_counts
from cupid_tools.vocab import NUCLEOTIDES, RNA_LETTERS, Pair, Rna, type_pair

ids = st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=12)
words = st.text(string.ascii_letters + string.digits + "_:.", min_size=1, max_size=8)
sequences = st.text(RNA_LETTERS, min_size=1, max_size=60)
rnas = st.builds(
    Rna, id=ids, sequence=sequences, type=words, note=st.lists(words, max_size=3).map(" ".join), line=st.just(0)
)


def written(text):
    folder = tempfile.mkdtemp()
    path = Path(folder, "x")
    path.write_bytes(text.encode())
    return path


@given(st.lists(rnas, min_size=1, max_size=8, unique_by=lambda rna: rna.id), st.data())
@settings(max_examples=60)
def test_fasta_layout_does_not_matter(records, data):
    text = io.StringIO()
    write_fasta(text, records)
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    width = data.draw(st.integers(1, 70))
    lines = []
    for line in text.getvalue().split("\n"):
        if line.startswith(">"):
            lines.append(line)
        else:
            spelled = data.draw(st.sampled_from([str, str.lower, lambda s: s.replace("U", "T")]))(line)
            lines += [spelled[i : i + width] for i in range(0, len(spelled), width)]
            lines += [""] * data.draw(st.integers(0, 2))
    plain = [rna._replace(line=0) for rna in read_fasta(written(text.getvalue()))]
    other = [rna._replace(line=0) for rna in read_fasta(written(end.join(lines) + end))]
    assert plain == other == records


@given(st.lists(rnas, min_size=1, max_size=8, unique_by=lambda rna: rna.id))
@settings(max_examples=30)
def test_lines_of_records_are_true(records):
    text = io.StringIO()
    write_fasta(text, records)
    lines = text.getvalue().split("\n")
    for rna in load_rnas(written(text.getvalue())).values():
        assert lines[rna.line - 1].split()[0] == f">{rna.id}"


cells = st.text(st.characters(exclude_characters="\t\n\r\x00", exclude_categories=["Cs", "Zl", "Zp", "Cc"]), max_size=8)


@given(
    st.lists(st.tuples(ids, ids, st.sampled_from("01"), cells), min_size=1, max_size=12),
    st.permutations(["id_a", "id_b", "label", "more"]),
)
@settings(max_examples=60)
def test_pair_tables_survive(rows, order):
    frame = pd.DataFrame(rows, columns=["id_a", "id_b", "label", "more"], dtype=object)[order]
    text = io.StringIO()
    write_pairs(text, [frame])
    again = io.StringIO()
    write_pairs(again, [read_pairs(written(text.getvalue())).frame])
    assert again.getvalue() == text.getvalue()


@given(ids, ids, words, words)
def test_order_of_a_pair_never_matters(a, b, type_a, type_b):
    assert Pair(a, b).key == Pair(b, a).key
    assert type_pair(type_a, type_b) == type_pair(type_b, type_a)


@given(st.lists(sequences, min_size=1, max_size=5), st.integers(1, 5))
def test_kmers_are_those_of_brute_force(found, k):
    expected = [
        (sum(NUCLEOTIDES.index(letter) * 4 ** (k - 1 - place) for place, letter in enumerate(word)), owner)
        for owner, sequence in enumerate(found)
        for word in (sequence[i : i + k] for i in range(len(sequence) - k + 1))
        if set(word) <= set(NUCLEOTIDES)
    ]
    codes, owners = kmer_codes(found, k)
    assert list(zip(codes.tolist(), owners.tolist(), strict=True)) == expected
    counts = kmer_counts(found, k)
    assert counts.shape == (len(found), 4**k)
    assert counts.sum() == len(expected)
