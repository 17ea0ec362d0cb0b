"""RNAs some at a time, each id once; and those of one of several blocks of a file."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from cupid_tools.io.blocks import Block, check_rereadable
from cupid_tools.io.fasta import FASTA, Types, read_fasta, repeated_id
from cupid_tools.io.rna_index import Entered, RnaIndex
from cupid_tools.vocab import Rna

_MOST_RNAS = 16_384
_MOST_NT = 1 << 24


class EnteredRnas(NamedTuple):
    """Some RNAs in a row.

    Attributes:
        rnas: these.
        digests: of their sequences.
        found: what the index knew of them.
    """

    rnas: list[Rna]
    digests: list[str]
    found: Entered


def entered(rnas: Iterable[Rna], index: RnaIndex, source: str | os.PathLike[str]) -> Iterator[EnteredRnas]:
    """Enter *rnas*, read from *source*, into *index*, and yield them some at a time.

    Raises:
        InputError: an id occurs twice.
    """
    for some in _batches(rnas):
        digests = [rna.digest for rna in some]
        found = index.enter([rna.id for rna in some], digests)
        for place in found.repeated[:1]:
            same = found.first_numbers[place] == found.numbers[place]
            raise repeated_id(source, some[place], some[place].sequence if same else "")
        yield EnteredRnas(some, digests, found)


def rnas_of_block(path: str, block: Block, *, format: str = FASTA, types: Types | None = None) -> Iterator[Rna]:
    """Yield the RNAs of one of several contiguous blocks, which have about as many nucleotides each.

    The whole file is read before, and is refused for what is wrong anywhere in it.

    Raises:
        InputError: as ``load_rnas``.
        UsageError: *path* cannot be read twice, or has fewer RNAs than there are blocks.
    """
    check_rereadable(path, "--blocks")
    lengths = array("q")
    for some in entered(read_fasta(path, format=format), RnaIndex(), path):
        lengths.extend(len(rna.sequence) for rna in some.rnas)
    span = block.span_of_sizes(lengths, "RNAs")
    yield from islice(read_fasta(path, format=format, types=types), span.start, span.stop)


def _batches(rnas: Iterable[Rna]) -> Iterator[list[Rna]]:
    batch: list[Rna] = []
    nt = 0
    for rna in rnas:
        batch.append(rna)
        nt += len(rna.sequence)
        if len(batch) == _MOST_RNAS or nt >= _MOST_NT:
            yield batch
            batch, nt = [], 0
    if batch:
        yield batch
