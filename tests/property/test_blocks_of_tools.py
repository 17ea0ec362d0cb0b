"""What a tool makes in blocks and joins, in any order, has the bytes of what it makes at once."""

import gzip
import itertools
import json
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cupid_tools.cli import embed, intarna_compare, score
from tests.conftest import DATA

PAIRS = 12
BUILTIN = ("-m", "builtin", "--device", "cpu")
NET = "model.safetensors"
seeds = st.integers(0, 10**6)


def records():
    """The first RNAs of the real set, as (id, record)."""
    return [(text.split()[0], f">{text}") for text in (DATA / "rnas.fa").read_text().split(">")[1:41]]


@pytest.fixture(scope="module")
def files():
    """A FASTA with equal sequences, and pairs among its RNAs, some twice, with blank lines, in gzip."""
    folder = Path(tempfile.mkdtemp())
    found = records()
    twin = found[0][1].replace(found[0][0], "twin", 1)
    other = found[-1][1].replace(found[-1][0], "other-twin", 1)
    text = "".join([*(record for _, record in found), other, twin])
    (folder / "rnas.fa").write_text(text)
    ids = [name for name, _ in found] + ["twin", "other-twin"]
    rng = random.Random(1)
    rows = [rng.sample(ids, 2) for _ in range(PAIRS - 3)]
    rows += [[ids[0], ids[5]], ["twin", ids[5]], rows[0]]
    lines = ["note\tid_a\tid_b", *(f"n\t{a}\t{b}" for a, b in rows)]
    lines[3:3] = ["", ""]
    (folder / "pairs.tsv.gz").write_bytes(gzip.compress("\r\n".join(lines).encode()))
    (folder / "queries.fa").write_text("".join(record for _, record in found[:7]))
    return folder


def check(main, argv, merge, count, seed, *, suffix=".tsv", results=(".tsv",)):
    """Run *main* at once, and in *count* blocks that are joined in an order of *seed*; compare the *results*."""
    folder = Path(tempfile.mkdtemp())

    def run(name, *args):
        assert main([*map(str, args), "--quiet", "-o", str(folder / f"{name}{suffix}")]) == 0
        return folder / f"{name}{suffix}"

    run("whole", *argv)
    parts = [run(f"part{number}", *argv, "--blocks", f"{number}/{count}") for number in range(1, count + 1)]
    random.Random(seed).shuffle(parts)
    run("joined", *merge, "--merge", *parts)
    for result in results:
        assert (folder / f"joined{result}").read_bytes() == (folder / f"whole{result}").read_bytes()
    return folder


@given(st.integers(1, PAIRS), seeds, st.sampled_from(["builtin", NET]))
@settings(max_examples=16)
def test_scores(files, chain, count, seed, model):
    pairs = files / "pairs.tsv.gz"
    argv = ["-m", chain.path(NET) if model == NET else model, "--device", "cpu", "-f", files / "rnas.fa", pairs]
    check(score.main, argv, [pairs], count, seed)


@given(st.integers(1, 7), seeds, st.sampled_from([[], ["--shuffles", "10"]]))
@settings(max_examples=8)
def test_rankings(files, count, seed, shuffles):
    queries = ["--queries", files / "queries.fa"]
    argv = [*BUILTIN, *queries, "--targets", files / "rnas.fa", "--top-k", "3", *shuffles]
    check(score.main, argv, queries, count, seed)


@given(st.integers(1, 42), seeds)
@settings(max_examples=12)
def test_vectors(files, count, seed):
    fasta = files / "rnas.fa"
    check(embed.main, [fasta], [fasta], count, seed, suffix=".npy", results=(".npy", ".tsv"))


@given(st.integers(1, PAIRS), seeds, st.sampled_from([[], ["--shuffles", "20"]]))
@settings(max_examples=12)
def test_energies(files, count, seed, shuffles):
    pairs, fasta = files / "pairs.tsv.gz", ["-f", files / "rnas.fa"]
    check(intarna_compare.main, [*fasta, "--engine", "seed", *shuffles, pairs], [*fasta, pairs], count, seed)


def test_q_values_are_not_those_of_the_parts(files):
    """Else the test of energies would tell nothing."""
    pairs, fasta = files / "pairs.tsv.gz", ["-f", files / "rnas.fa"]
    folder = check(intarna_compare.main, [*fasta, "--engine", "seed", "--shuffles", "20", pairs], [*fasta, pairs], 3, 1)
    parts = [(folder / f"part{number}.tsv").read_text().splitlines()[1:] for number in (1, 2, 3)]
    assert list(itertools.chain(*parts)) != (folder / "whole.tsv").read_text().splitlines()[1:]


def test_the_report_of_joined_vectors_is_that_of_one_run_but_for_its_inputs(files):
    folder, fasta = Path(tempfile.mkdtemp()), str(files / "rnas.fa")
    whole, one, two, joined = (str(folder / f"{name}.npy") for name in ("whole", "one", "two", "joined"))
    reports = [str(folder / name) for name in ("whole.json", "joined.json")]
    assert embed.main(["-o", whole, "--report", reports[0], "--quiet", fasta]) == 0
    for block, part in (("1/2", one), ("2/2", two)):
        assert embed.main(["-o", part, "--blocks", block, "--quiet", fasta]) == 0
    assert embed.main([fasta, "-o", joined, "--report", reports[1], "--quiet", "--merge", two, one]) == 0
    told = [json.loads(Path(report).read_text()) for report in reports]
    assert len({json.dumps(report | {"inputs": None}) for report in told}) == 1
