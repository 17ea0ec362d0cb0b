"""A small set on which the workflow ``train`` runs in a minute, with work for two nodes at most steps."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from tests.nextflow.launcher import read_trace

ROOT = Path(__file__).parents[2]
MAIN = ROOT / "nextflow" / "main.nf"
DATA = ROOT / "test-data"
RNAS, PAIRS = DATA / "rnas.fa", DATA / "pairs.tsv"
FASTER = ("--classifiers", "seed-lr,mlp", "--epochs", "2", "--bootstrap", "10", "--per-positive", "2")
BLOCKS = ("--embed-block", "80.KB", "--score-block", "40.KB")
"""RNAs are embedded in two blocks, and pairs scored in two by either model."""

FIELDS = "trace.fields = 'name,status,exit,attempt,memory,time'\n"
"""Configuration: what traces tell of a task that is repeated."""
TIMEOUT = 400
"""Seconds that a run may take on a busy machine."""


def write_set(folder):
    """Write the set and its samplesheet, whose path is returned, into *folder*."""
    few = PAIRS.read_text(encoding="utf-8").splitlines(keepends=True)[:301]
    (folder / "pairs.tsv").write_text("".join(few), encoding="utf-8")
    (folder / "sheet.csv").write_text(f"name,fasta,pairs\nsmall,{RNAS},pairs.tsv\n", encoding="utf-8")
    return folder / "sheet.csv"


def contents(folder):
    """Path below *folder* -> bytes, of all files."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def published(cwd):
    """Path -> bytes of what a run in *cwd* published of the set; how many threads it had stands in reports only."""
    found = contents(Path(cwd, "results", "small"))
    return found | {
        name: re.sub(rb'"threads": \d+', b'"threads": N', text)
        for name, text in found.items()
        if name.startswith("reports/")
    }


def differing(one, other):
    """The files of two runs, each as :func:`published`, that are not the same bytes, or are in one only."""
    return {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)}


def trace(cwd):
    """The tasks of the last run in *cwd*."""
    return read_trace(max(Path(cwd, "results", "pipeline_info").glob("trace_*.txt")))


def statuses(cwd):
    """How many tasks of the last run in *cwd* ended how."""
    return Counter(row["status"] for row in trace(cwd))
