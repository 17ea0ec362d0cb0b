"""RNAs in and out: FASTA, and the other formats that Biopython reads.

A FASTA header is ``>id key=value ...``; ``type=miRNA`` gives the type of the RNA. T is read as U and lower case as
upper case, so that DNA-style files need no conversion.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, cast

from cupid_tools.errors import InputError
from cupid_tools.io.streams import decode, open_input, read_lines
from cupid_tools.vocab import RNA_LETTERS, UNKNOWN_TYPE, Rna

FASTA = "fasta"
FORMATS = (FASTA, "genbank", "embl", "stockholm", "clustal", "fastq", "nexus", "phylip", "swiss", "tab")
"""FASTA is read by our own reader; the others by Biopython, which gives no line numbers."""

_TO_RNA = bytes.maketrans(b"acgturykmswbdhvnT", b"ACGUURYKMSWBDHVNU")
_LETTERS = RNA_LETTERS.encode("ascii")
_LINE_ENDS = b"\r\n"
_TYPE_FIELD = "type="
_CHUNK_BYTES = 1 << 20
_GAPS = str.maketrans("", "", "-.")

Types = Mapping[str, str]


def read_fasta(path: str | os.PathLike[str], *, format: str = FASTA, types: Types | None = None) -> Iterator[Rna]:
    """Yield the RNAs of a file in file order, one at a time; repeated ids are not looked for.

    Args:
        path: plain or gzip; ``-`` is stdin.
        format: one of ``FORMATS``. Gaps of alignment formats are taken out.
        types: RNA id -> type, which overrides the headers.

    Raises:
        InputError: the file is empty, or a record has no id, no sequence, or a letter outside ACGU(T) and IUPAC.
    """
    records = _read_fasta_bytes(path) if format == FASTA else _read_with_biopython(path, format)
    empty = True
    for rna in records:
        empty = False
        yield rna._replace(type=types[rna.id]) if types and rna.id in types else rna
    if empty:
        raise InputError(path, "holds no RNA", hint=f"expected {format} records")


def load_rnas(path: str | os.PathLike[str], *, format: str = FASTA, types: Types | None = None) -> dict[str, Rna]:
    """Read a whole file into a table id -> RNA, in file order.

    Raises:
        InputError: as ``read_fasta``, and when an id occurs twice.
    """
    rnas: dict[str, Rna] = {}
    for rna in read_fasta(path, format=format, types=types):
        if rna.id in rnas:
            raise repeated_id(path, rna, rnas[rna.id].sequence)
        rnas[rna.id] = rna
    return rnas


def repeated_id(path: str | os.PathLike[str], rna: Rna, earlier_sequence: str) -> InputError:
    """The error for an id that occurs twice; the remedy depends on whether the sequences agree."""
    if rna.sequence == earlier_sequence:
        return InputError(path, f"id {rna.id!r} occurs twice", line=rna.line or None, hint="cupid-filter removes it")
    return InputError(
        path, f"id {rna.id!r} occurs twice with different sequences", line=rna.line or None, hint="ids must be unique"
    )


def read_types(path: str | os.PathLike[str] | None) -> dict[str, str] | None:
    """Read a table of RNA types: two tab-separated columns with the header ``id``, ``type``; None where there is none.

    Raises:
        InputError: another header, a row without two cells, an empty cell, a type with white space, or an id with two
            types.
    """
    if path is None:
        return None
    types = read_mapping(path, "id", "type")
    for name, kind in types.items():
        if kind.split() != [kind]:
            raise InputError(path, f"the type of RNA {name!r} is {kind!r}", hint="a type holds no white space")
    return types


def read_mapping(path: str | os.PathLike[str], key_column: str, value_column: str) -> dict[str, str]:
    """Read a two-column table key -> value with a header; the key must be unique."""
    mapping: dict[str, str] = {}
    for number, line in enumerate(read_lines(path), start=1):
        cells = line.split("\t")
        if number == 1:
            if cells[:2] != [key_column, value_column]:
                raise InputError(path, f"the header must be {key_column!r}, {value_column!r} (tab-separated)", line=1)
        elif line:
            if len(cells) < 2 or not cells[0] or not cells[1]:
                raise InputError(path, f"expected {key_column} and {value_column} with a tab between", line=number)
            if mapping.setdefault(cells[0], cells[1]) != cells[1]:
                raise InputError(path, f"{key_column} {cells[0]!r} has two values", line=number)
    if not mapping:
        raise InputError(path, "holds no rows", hint=f"expected a table with columns {key_column}, {value_column}")
    return mapping


def write_fasta(handle: IO[str], rnas: Iterable[Rna]) -> int:
    """Write RNAs, each sequence on one line, and return how many."""
    count = 0
    for rna in rnas:
        kind = "" if rna.type == UNKNOWN_TYPE else f" {_TYPE_FIELD}{rna.type}"
        note = f" {rna.note}" if rna.note else ""
        handle.write(f">{rna.id}{kind}{note}\n{rna.sequence}\n")
        count += 1
    return count


def _read_fasta_bytes(path: str | os.PathLike[str]) -> Iterator[Rna]:
    with open_input(path) as handle:
        records = _split_records(handle)
        before, line = next(records)
        if before.strip():
            line += before[: -len(before.lstrip())].count(b"\n")
            shown = decode(before.lstrip(), path, line)[:20].splitlines()[0]
            raise InputError(path, f"expected '>' but found {shown!r}", line=line, hint="is this a FASTA file?")
        for record, line in records:
            yield _parse_record(record, path, line)


def _split_records(handle: io.BufferedIOBase) -> Iterator[tuple[bytes, int]]:
    """Yield what stands before the first record, then each record without its ``>``, with the line it starts in."""
    rest = b"\n"
    line = 0
    while chunk := handle.read(_CHUNK_BYTES):
        *records, rest = (rest + chunk).split(b"\n>")
        for record in records:
            yield record, line
            line += record.count(b"\n") + 1
    yield rest, line


def _parse_record(record: bytes, path: str | os.PathLike[str], line: int) -> Rna:
    header, _, body = record.partition(b"\n")
    name, *note = decode(header, path, line).split() or [""]
    if not name:
        raise InputError(path, "a header without an id", line=line, hint="write '>id', then the sequence")
    kind = UNKNOWN_TYPE
    for word in note:
        if word.startswith(_TYPE_FIELD) and word != _TYPE_FIELD:
            kind = word[len(_TYPE_FIELD) :]
            note.remove(word)
            break
    sequence = body.translate(_TO_RNA, _LINE_ENDS)
    if not sequence or sequence.translate(None, _LETTERS):
        # blanks at the ends of lines are no letters, but looking for them in every record would cost time
        sequence = b"".join(map(bytes.strip, body.split(b"\n"))).translate(_TO_RNA)
        _check_letters(sequence, name, path, line)
    return Rna(name, sequence.decode("ascii"), kind, " ".join(note), line)


def _check_letters(sequence: bytes, name: str, path: str | os.PathLike[str], line: int | None) -> None:
    if not sequence:
        raise InputError(path, f"RNA {name!r} has no sequence", line=line, hint="remove it or add its sequence")
    foreign = sequence.translate(None, _LETTERS)
    if foreign:
        letter = foreign.decode("utf-8", "replace")[0]
        raise InputError(
            path,
            f"RNA {name!r} holds {letter!r}, which is no RNA letter",
            line=line,
            hint=f"allowed are A C G U, T for U, and the IUPAC letters {' '.join(RNA_LETTERS[4:])}",
        )


def _read_with_biopython(path: str | os.PathLike[str], format: str) -> Iterator[Rna]:
    from Bio import SeqIO

    with open_input(path) as handle, io.TextIOWrapper(cast(io.BufferedReader, handle), encoding="utf-8") as text:
        try:
            for record in SeqIO.parse(text, format):  # type: ignore[no-untyped-call]
                sequence = str(record.seq).translate(_GAPS).encode("utf-8").translate(_TO_RNA)
                name = str(record.id)
                if not name or name.split() != [name]:
                    raise InputError(path, f"a {format} record has the id {name!r}", hint="ids hold no white space")
                _check_letters(sequence, name, path, None)
                yield Rna(name, sequence.decode("ascii"))
        except UnicodeDecodeError as error:
            raise InputError(path, "not UTF-8 text", hint="convert it, for example with iconv") from error
        except (ValueError, AssertionError, StopIteration) as error:  # Biopython's parsers raise these for bad files
            raise InputError(path, f"not readable as {format}: {error}", hint="check --format") from error
