"""Blocks of a file are all of it, each record once, whatever the file looks like."""

import gzip
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cupid_tools.errors import InputError, UsageError
from cupid_tools.io import blocks
from cupid_tools.io.blocks import Block, table_lines
from cupid_tools.io.pairs import iter_rows
from cupid_tools.io.table_parts import ordered_parts, write_joined

names = st.sampled_from("xyz")
"""So few that rows, and whole blocks, are equal."""


def written(content):
    path = Path(tempfile.mkdtemp(), "table")
    path.write_bytes(content)
    return path


@st.composite
def tables(draw):
    """The lines of a table with blank ones among them, and the same as a file: plain or gzip, Unix or Windows."""
    rows = draw(st.lists(st.tuples(names, names, st.sampled_from("01")), min_size=1, max_size=24))
    lines = []
    for row in [("id_a", "id_b", "label"), *rows]:
        lines += [""] * draw(st.sampled_from([0, 0, 0, 1, 3]))
        lines.append("\t".join(row))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    content = (end.join(lines) + end * draw(st.integers(0, 2))).encode()
    return lines, written(gzip.compress(content) if draw(st.booleans()) else content)


@given(tables(), st.data(), st.sampled_from([8, 40, 1000]))
@settings(max_examples=150)
def test_blocks_of_a_table_are_the_table(table, data, chunk):
    lines, path = table
    expected = [(number, line) for number, line in enumerate(lines, start=1) if line]
    count = data.draw(st.integers(1, len(expected) - 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_CHUNK_BYTES", chunk)
        found = [list(table_lines(path, Block(number, count))) for number in range(1, count + 1)]
    assert list(table_lines(path)) == expected
    assert all(block[0] == expected[0] for block in found)
    assert [line for block in found for line in block[1:]] == expected[1:]
    sizes = [len(block) - 1 for block in found]
    assert max(sizes) - min(sizes) <= 1


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.data())
@settings(max_examples=200)
def test_blocks_by_size_are_contiguous_and_not_empty(sizes, data):
    count = data.draw(st.integers(1, len(sizes)))
    spans = [Block(number, count).span_of_sizes(sizes) for number in range(1, count + 1)]
    assert [place for span in spans for place in span] == list(range(len(sizes)))
    assert all(spans)
    if count == 2 and len(sizes) > 2:
        halves = [sum(sizes[place] for place in span) for span in spans]
        assert abs(halves[0] - halves[1]) <= 2 * max(sizes)


def scored(path, block, known):
    """What a tool would write for a block: a new column, whose value depends on the row."""
    rows = [line for _, line in table_lines(path, block)]
    return f"{rows[0]}\tnew\n" + "".join(f"{row}\t{known[row]}\n" for row in rows[1:])


@given(tables(), st.data())
@settings(max_examples=150)
def test_parts_in_any_order_join_into_the_whole(table, data):
    lines, path = table
    known = {line: str(number) for number, line in enumerate(sorted(set(lines)))}
    rows = len([line for line in lines if line]) - 1
    count = data.draw(st.integers(1, rows))
    parts = [
        str(written(scored(path, Block(number, count), known).encode()))
        for number in data.draw(st.permutations(range(1, count + 1)))
    ]
    found = ordered_parts(parts, str(path), ["new"], hint="")
    whole = path.with_name("whole")
    write_joined(str(whole), [part.path for part in found])
    assert whole.read_text() == scored(path, None, known)
    assert sum(part.rows for part in found) == rows


@given(tables(), st.data())
@settings(max_examples=150)
def test_parts_that_are_not_the_whole_are_refused(table, data):
    """A row that is lost, repeated, foreign or changed in some part, and a part that is missing or twice."""
    lines, path = table
    rows = len([line for line in lines if line]) - 1
    count = data.draw(st.integers(1, rows))
    parts = [scored(path, Block(number, count), dict.fromkeys(lines, "0")) for number in range(1, count + 1)]
    which = data.draw(st.integers(0, count - 1))
    header, *own = parts[which].splitlines(keepends=True)
    place = data.draw(st.integers(0, len(own) - 1))
    spoiled = {
        "lost": [*own[:place], *own[place + 1 :]],
        "repeated": [*own[: place + 1], *own[place:]],
        "foreign": [*own[:place], "w\tw\t1\t0\n", *own[place:]],
        "changed": [*own[:place], "w" + own[place], *own[place + 1 :]],
    }
    how = data.draw(st.sampled_from([*spoiled, "missing", "twice"]))
    if how in spoiled:
        parts[which] = header + "".join(spoiled[how])
    elif how == "missing" and count > 1:
        del parts[which]
    else:
        parts.append(parts[which])
    files = [str(written(part.encode())) for part in data.draw(st.permutations(parts))]
    with pytest.raises(InputError) as refusal:
        ordered_parts(files, str(path), ["new"], hint="")
    assert any(str(refusal.value).startswith(f"{file}:") for file in [*files, str(path)])


def test_more_blocks_than_rows_and_what_cannot_be_read_twice(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("id_a\tid_b\na\tb\nc\td\n")
    with pytest.raises(UsageError, match=r"--blocks 3/3 divides 2 rows \(take at most 2\)"):
        list(table_lines(path, Block(3, 3)))
    with pytest.raises(UsageError, match=r"--blocks reads stdin twice, which a pipe does not allow \(name a file\)"):
        list(table_lines("-", Block(1, 1)))


def test_rows_of_some_columns(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("id_a\tx\tid_b\n\na\t1\tb\n")
    assert list(iter_rows(path, ["id_b", "x"])) == [(3, "b\t1")]
    assert list(iter_rows(path, ["id_a", "x"])) == [(3, "a\t1")]
    assert list(iter_rows(path, ["id_a", "x", "id_b"])) == [(3, "a\t1\tb")]
