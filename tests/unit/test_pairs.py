"""The pair table: read, checked, written."""

import io

import pandas as pd
import pytest

from cupid_tools.errors import InputError
from cupid_tools.io.pairs import iter_pairs, read_pairs, write_pairs


@pytest.fixture
def pairs(tmp_path):
    def write(content):
        path = tmp_path / "pairs.tsv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def text_of(frames):
    handle = io.StringIO()
    write_pairs(handle, frames)
    return handle.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        "id_a\tid_b\na\tb\n",
        "id_a\tid_b\tlabel\tsplit\torigin\na\tb\t1\ttrain\tobserved\nc\td\t0\ttest\tnegative:uniform\n",
        'note\tid_a\tscore\tid_b\n"quoted\ta\t007\tb\n\tc\tNA\td\nnan\te\t1e5\tf\n',
    ],
    ids=["least", "known-columns", "unknown-columns"],
)
def test_read_then_write_gives_the_same_bytes(pairs, content):
    assert text_of([read_pairs(pairs(content)).frame]) == content


@pytest.mark.parametrize("rows", [1, 2, 3, 7])
def test_blocks_hold_what_the_whole_holds(pairs, rows):
    path = pairs("id_a\tid_b\tlabel\n" + "".join(f"a{i}\tb{i % 3}\t{i % 2}\n" for i in range(7)))
    blocks = list(iter_pairs(path, block_rows=rows))
    assert [len(block) for block in blocks[:-1]] == [rows] * (len(blocks) - 1)
    whole = read_pairs(path)
    pd.testing.assert_frame_equal(pd.concat([block.frame for block in blocks]), whole.frame)
    assert text_of(block.frame for block in blocks) == path.read_text()


def test_the_header_may_follow_blank_lines(pairs):
    assert read_pairs(pairs("\n\nid_a\tid_b\na\tb\n")).frame.index.tolist() == [4]


def test_windows_line_ends_and_blank_lines(pairs):
    table = read_pairs(pairs("id_a\tid_b\r\n\r\na\tb\r\n\r\nc\td\r\n"))
    assert table.column("id_b").tolist() == ["b", "d"]
    assert table.frame.index.tolist() == [3, 5]  # lines, for messages


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "pairs.tsv: is empty"),
        ("\n", "pairs.tsv: is empty"),
        ("id_a\tid_b\n", "pairs.tsv: holds a header but no pairs"),
        ("a\tb\n", "pairs.tsv:1: column 'id_a' is missing"),
        (">a type=miRNA\nACGU\n", "pairs.tsv:1: is FASTA, not a table of pairs"),
        ("id_a,id_b\na,b\n", "pairs.tsv:1: column 'id_a' is missing (the header has: id_a,id_b; columns are separated"),
        ("id_a\tlabel\na\t1\n", "pairs.tsv:1: column 'id_b' is missing"),
        ("id_a\tid_b\tid_a\na\tb\tc\n", "pairs.tsv:1: column 'id_a' occurs twice"),
        ("id_a\tid_b\na\tb\na\n", "pairs.tsv:3: 1 cells where the header has 2"),
        ("id_a\tid_b\na\tb\tc\n", "pairs.tsv:2: 3 cells where the header has 2"),
        ("id_a\tid_b\na\t\n", "pairs.tsv:2: id_b is ''"),
        ("id_a\tid_b\na\tb\nmy rna\tb\n", "pairs.tsv:3: id_a is 'my rna'"),
        ("id_a\tid_b\tlabel\na\tb\tyes\n", "pairs.tsv:2: label is 'yes' (it must be 1 or 0)"),
        ("id_a\tid_b\tlabel\na\tb\t1\na\tc\t1.0\n", "pairs.tsv:3: label is '1.0'"),
        ("id_a\tid_b\tsplit\na\tb\tdev\n", "pairs.tsv:2: split is 'dev' (it must be train, valid or test)"),
        (b"id_a\tid_b\na\tb\xff\n", "pairs.tsv:2: not UTF-8 text"),
    ],
)
def test_refuses(pairs, content, message):
    with pytest.raises(InputError) as error:
        read_pairs(pairs(content))
    assert message in str(error.value)


def test_an_unknown_id_is_told_with_its_line(pairs):
    table = read_pairs(pairs("id_a\tid_b\na\tb\na\t{c}\n"))
    with pytest.raises(InputError, match=r"pairs.tsv:3: RNA '\{c\}' is not in rnas\{0\}.fa"):
        table.check_ids({"a", "b"}, "rnas{0}.fa")


def test_a_missing_column_names_the_remedy(pairs):
    with pytest.raises(InputError, match=r":1: column 'split' is missing \(run cupid-split first\)"):
        read_pairs(pairs("id_a\tid_b\na\tb\n"), require=["split"], hint="run cupid-split first")
