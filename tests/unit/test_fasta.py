"""Reading RNAs: what is accepted, and the sentence for what is not."""

import gzip
import io

import pytest
from Bio import SeqIO
from Bio.Seq import Seq
from Bio.SeqRecord import SeqRecord

from cupid_tools.errors import CupidError, InputError
from cupid_tools.io.fasta import load_rnas, read_fasta, read_types, write_fasta
from cupid_tools.vocab import Rna


@pytest.fixture
def fasta(tmp_path):
    def write(content):
        path = tmp_path / "rnas.fa"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (">a\nACGU\n", [("a", "ACGU", "unknown", "")]),
        (">a type=miRNA\nACGU\n", [("a", "ACGU", "miRNA", "")]),
        (">a gene=G1 type=miRNA organism=human\nACGU\n", [("a", "ACGU", "miRNA", "gene=G1 organism=human")]),
        (">a\nacgt\n", [("a", "ACGU", "unknown", "")]),
        (">a\r\nAC\r\nGU\r\n", [("a", "ACGU", "unknown", "")]),
        ("\n\n>a\n\nAC\n\nGU\n\n", [("a", "ACGU", "unknown", "")]),
        (">a\nAC\n>b\nGU", [("a", "AC", "unknown", ""), ("b", "GU", "unknown", "")]),
        (">a words after the id\nACGU\n", [("a", "ACGU", "unknown", "words after the id")]),
        (">a\nRYKMSWBDHVNry\n", [("a", "RYKMSWBDHVNRY", "unknown", "")]),
        (">a\nAC \n\tGU\n", [("a", "ACGU", "unknown", "")]),
        ("\ufeff>a\nACGU\n", [("a", "ACGU", "unknown", "")]),
    ],
    ids=[
        "plain",
        "type",
        "note",
        "dna-lower",
        "windows",
        "blank-lines",
        "no-last-newline",
        "words",
        "iupac",
        "blanks",
        "bom",
    ],
)
def test_reads(fasta, content, expected):
    assert [(r.id, r.sequence, r.type, r.note) for r in read_fasta(fasta(content))] == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "rnas.fa: holds no RNA"),
        ("\n\n", "rnas.fa: holds no RNA"),
        ("ACGU\n", "rnas.fa:1: expected '>' but found 'ACGU'"),
        (">a\nAC\n>\nGU\n", "rnas.fa:3: a header without an id"),
        (">a\n>b\nGU\n", "rnas.fa:1: RNA 'a' has no sequence"),
        (">a\nAC\n>b\n", "rnas.fa:3: RNA 'b' has no sequence"),
        (">a\nAC1U\n>b\nA\n", "rnas.fa:1: RNA 'a' holds '1', which is no RNA letter"),
        (">a\nAC\n>b\nA-C\n", "rnas.fa:3: RNA 'b' holds '-', which is no RNA letter"),
        (">a\nA C\n", "rnas.fa:1: RNA 'a' holds ' ', which is no RNA letter"),
        (">a\nMKLVX*\n", "rnas.fa:1: RNA 'a' holds 'L', which is no RNA letter"),
        (b">a\nAC\n>caf\xe9\nGU\n", "rnas.fa:3: not UTF-8 text"),
        (">a\nAC\u00e9\n", "rnas.fa:1: RNA 'a' holds '\u00e9', which is no RNA letter"),
        (gzip.compress(b">a\nACGU\n" * 999)[:-20], "rnas.fa: gzip data is damaged or ends early"),
    ],
)
def test_refuses(fasta, content, message):
    with pytest.raises(InputError) as error:
        list(read_fasta(fasta(content)))
    assert message in str(error.value)


def test_gzip_is_known_by_content(fasta):
    assert [rna.id for rna in read_fasta(fasta(gzip.compress(b">a\nACGU\n")))] == ["a"]


def test_missing_file(tmp_path):
    with pytest.raises(CupidError, match="no such file or directory"):
        list(read_fasta(tmp_path / "none.fa"))


@pytest.mark.parametrize(("second", "remedy"), [("ACGU", "cupid-filter removes it"), ("ACGA", "ids must be unique")])
def test_repeated_id(fasta, second, remedy):
    with pytest.raises(InputError, match=rf"rnas.fa:3: id 'a' occurs twice.*\({remedy}\)"):
        load_rnas(fasta(f">a\nACGU\n>a\n{second}\n"))


def test_write_then_read_gives_the_same(fasta):
    rnas = [Rna("a", "ACGU", "miRNA", "gene=G1", 1), Rna("b", "NNN", line=3)]
    text = io.StringIO()
    assert write_fasta(text, rnas) == 2
    assert list(read_fasta(fasta(text.getvalue()))) == rnas


@pytest.mark.parametrize("format", ["genbank", "embl", "stockholm", "tab"])
def test_formats_of_biopython(tmp_path, format):
    letters = {"stockholm": "AC-GTT", "tab": "ACGUU"}.get(format, "ACGTT")
    record = SeqRecord(Seq(letters), id="a1", name="a1", annotations={"molecule_type": "RNA"})
    path = tmp_path / "rnas.txt"
    with open(path, "w") as handle:
        SeqIO.write([record], handle, format)
    assert [(rna.id, rna.sequence) for rna in read_fasta(path, format=format)] == [("a1", "ACGUU")]


def test_a_wrong_format_is_told(fasta):
    with pytest.raises(InputError, match="stockholm"):
        list(read_fasta(fasta(">a\nACGU\n"), format="stockholm"))


def test_types_override_headers(fasta, tmp_path):
    table = tmp_path / "types.tsv"
    table.write_text("id\ttype\na\tsnoRNA\n")
    rnas = read_fasta(fasta(">a type=miRNA\nAC\n>b type=miRNA\nAC\n"), types=read_types(table))
    assert [rna.type for rna in rnas] == ["snoRNA", "miRNA"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\tmiRNA\n", ":1: the header must be"),
        ("id\ttype\n", "holds no rows"),
        ("id\ttype\na\tmy type\n", "the type of RNA 'a' is 'my type'"),
        ("id\ttype\na\n", ":2: expected id and type"),
        ("id\ttype\na\tx\na\ty\n", ":3: id 'a' has two values"),
    ],
)
def test_bad_type_tables(tmp_path, content, message):
    path = tmp_path / "types.tsv"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_types(path)
