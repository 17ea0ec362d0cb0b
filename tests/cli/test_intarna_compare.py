"""intarna-compare: one row for one row, whatever happens in between."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cupid_tools.energy.table import COLUMNS
from tests.programs import needs

HEAD = "id_a\tid_b\n"
DEADLINE = 60


@pytest.fixture
def listed(data, tmp_path):
    """The first pairs of the real set, as a file."""

    def write(count, name="pairs.tsv"):
        path = tmp_path / name
        path.write_text("".join((data / "pairs.tsv").read_text().splitlines(keepends=True)[: count + 1]))
        return path

    return write


def rows_of(text):
    header, *lines = text.splitlines()
    return [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]


def logged_program(folder, name, *, slow=0.0):
    """A program that notes each of its calls in ``calls`` and is else the real one, as a PATH."""
    real = shutil.which(name)
    script = folder / name
    script.write_text(f'#!/bin/sh\necho "$*" >> {folder}/calls\nsleep {slow}\nexec {real} "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_golden(tool, data, listed, tmp_path, golden):
    out, report = tmp_path / "out.tsv", tmp_path / "report.json"
    options = ["--engine", "seed", "--shuffles", 30, "-o", out, "--report", report]
    outcome = tool("intarna_compare", "-f", data / "rnas.fa", *options, listed(40))
    assert outcome.code == 0, outcome
    golden(out, "energies/seed.tsv")
    golden(report, "energies/seed.json")
    golden(outcome.stderr, "energies/seed.log")


def test_rows_keep_their_order_and_their_columns(tool, data, tmp_path):
    pairs = tmp_path / "pairs.tsv"
    lines = (data / "pairs.tsv").read_text().splitlines()[1:9]
    ids = [line.split("\t")[:2] for line in lines]
    ids += [ids[3], ids[0][::-1]]
    pairs.write_text("note\tid_b\tid_a\n" + "".join(f"n{i}\t{b}\t{a}\n" for i, (a, b) in enumerate(ids)))
    outcome = tool("intarna_compare", "-f", data / "rnas.fa", "--engine", "seed", pairs)
    assert outcome.stdout.splitlines()[0].split("\t") == ["note", "id_b", "id_a", *COLUMNS]
    rows = rows_of(outcome.stdout)
    assert [(row["id_a"], row["id_b"]) for row in rows] == [tuple(pair) for pair in ids]
    assert [row["note"] for row in rows] == [f"n{i}" for i in range(10)]
    first, last = rows[0], rows[-1]
    assert first["energy"] == last["energy"]
    assert (first["start_a"], first["end_a"]) == (last["start_b"], last["end_b"])
    left, right = first["duplex"].split("&")
    assert last["duplex"] == f"{right.replace(')', '(')}&{left.replace('(', ')')}"
    assert rows[3] | {"note": ""} == rows[8] | {"note": ""}
    assert "10 pairs, 8 of them distinct, by seed" in outcome.stderr


@needs("RNAhybrid")
def test_positions_and_duplex_are_those_of_the_sequences(tool, data, listed):
    """Each base pair of each duplex is one, at the positions told."""
    sequences = dict(line.lstrip(">").split("\n") for line in fasta_records((data / "rnas.fa").read_text()))
    outcome = tool("intarna_compare", "-f", data / "rnas.fa", "--engine", "rnahybrid", listed(60))
    for row in rows_of(outcome.stdout):
        left, right = row["duplex"].split("&")
        a = sequences[row["id_a"]][int(row["start_a"]) - 1 : int(row["end_a"])]
        b = sequences[row["id_b"]][int(row["start_b"]) - 1 : int(row["end_b"])]
        assert (len(a), len(b)) == (len(left), len(right))
        opened = [letter for letter, mark in zip(a, left, strict=True) if mark == "("]
        closed = [letter for letter, mark in zip(b, right, strict=True) if mark == ")"]
        assert {x + y for x, y in zip(opened, reversed(closed), strict=True)} <= {"AU", "UA", "GC", "CG", "GU", "UG"}


def fasta_records(text):
    """Id and sequence of each record, as two lines."""
    for record in text.split(">")[1:]:
        head, _, sequence = record.partition("\n")
        yield f"{head.split()[0]}\n{sequence.replace(chr(10), '')}"


@pytest.mark.parametrize("engine", ["seed", pytest.param("rnahybrid", marks=needs("RNAhybrid"))])
def test_neither_order_nor_jobs_change_a_row(tool, data, listed, tmp_path, engine):
    path = listed(15)
    header, *lines = path.read_text().splitlines(keepends=True)
    shuffled = tmp_path / "shuffled.tsv"
    shuffled.write_text(header + "".join(lines[::-1]))

    def run(pairs, *options):
        outcome = tool("intarna_compare", "-f", data / "rnas.fa", "--engine", engine, *options, pairs)
        assert outcome.code == 0, outcome
        return outcome.stdout.splitlines()

    expected = run(path, "--jobs", 1, "--shuffles", 10)
    assert run(path, "--jobs", 3, "--shuffles", 10) == expected
    assert run(shuffled, "--shuffles", 10) == [expected[0], *expected[:0:-1]]


def test_only_some_splits(tool, data, chain):
    outcome = tool(
        "intarna_compare",
        "-f",
        chain.path("all.fa"),
        "--engine",
        "seed",
        "--splits",
        "valid,test",
        chain.path("dataset.tsv"),
    )
    assert outcome.code == 0, outcome
    rows = rows_of(outcome.stdout)
    for row in rows:
        wanted = row["split"] != "train"
        assert (row["energy_state"] != "not-asked") == wanted
        assert (row["energy"] != "NA") == wanted
    assert {row["split"] for row in rows} == {"train", "valid", "test"}


@needs("RNAhybrid")
def test_a_killed_run_goes_on(data, listed, tmp_path):
    """Killed by the system in the middle, the same command computes only what is missing, and gives the same bytes."""
    programs = tmp_path / "programs"
    programs.mkdir()
    path = logged_program(programs, "RNAhybrid", slow=0.02)
    calls, pairs = programs / "calls", listed(40)
    out = tmp_path / "out.tsv"
    code = "import sys; from cupid_tools.cli.intarna_compare import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "-f", data / "rnas.fa", "--engine", "rnahybrid", "--jobs", "1", pairs]
    env = {**os.environ, "PATH": path}

    def count():
        return len(calls.read_text().splitlines()) if calls.exists() else 0

    subprocess.run([*command, "-o", tmp_path / "whole.tsv"], env=env, check=True, capture_output=True)
    whole = count()
    with subprocess.Popen([*command, "-o", out], env=env, stderr=subprocess.DEVNULL) as process:
        limit = time.monotonic() + DEADLINE
        while count() < whole + whole // 2:
            assert time.monotonic() < limit
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert not out.exists()
    before = count()
    done = subprocess.run([*command, "-o", out], env=env, check=True, capture_output=True, text=True)
    assert "distinct pairs were computed before" in done.stderr
    assert count() - before < whole * 0.75
    assert out.read_bytes() == (tmp_path / "whole.tsv").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.tsv", "pairs.tsv", "programs", "whole.tsv"]


def test_results_of_other_settings_are_neither_taken_nor_lost(tool, data, listed, tmp_path, monkeypatch):
    """A run that is interrupted leaves the results of an earlier one, with another engine or other pairs, alone."""
    from cupid_tools.energy import running

    out, kept = tmp_path / "out.tsv", tmp_path / ".out.tsv.parts"
    kept.mkdir()
    other = kept / "results-0.tsv"
    other.write_text("ok\t\t-99\t1\t2\t3\t4\t((&))\t\n")
    arguments = ["-f", data / "rnas.fa", "--engine", "seed", "--jobs", 1, "-o", out, listed(5)]

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(running, "p_values", interrupt)
        assert tool("intarna_compare", *arguments, "--shuffles", 100).code == 130
    assert [path.name for path in kept.iterdir()] == [other.name]
    outcome = tool("intarna_compare", *arguments)
    assert outcome.code == 0, outcome
    assert "before" not in outcome.stderr
    assert "-99" not in out.read_text()
    assert not kept.exists()


@needs("RNAhybrid")
def test_older_columns_are_replaced_with_a_warning(tool, data, listed, tmp_path):
    first = tool("intarna_compare", "-f", data / "rnas.fa", "--engine", "rnahybrid", listed(5))
    again = tool("intarna_compare", "-f", data / "rnas.fa", "--engine", "seed", "-", stdin=first.stdout)
    assert again.code == 0, again
    assert "WARNING: replacing the energy and energy_state" in again.stderr
    assert {row["engine"].split()[0] for row in rows_of(again.stdout)} == {"seed"}
    assert again.stdout.splitlines()[0] == first.stdout.splitlines()[0]


def test_p_values_of_other_energies_do_not_stay(tool, data, listed):
    command = ["intarna_compare", "-f", data / "rnas.fa", "--engine", "seed"]
    first = tool(*command, "--shuffles", 10, listed(5))
    assert "WARNING: p-values of fewer than 100 shuffles are coarse" in first.stderr
    again = tool(*command, "-", stdin=first.stdout)
    assert "p_value" not in again.stdout
    assert "p_value and q_value that the input has already" in again.stderr


def test_blank_lines_of_a_large_table_change_no_line_number(tool, tmp_path):
    (tmp_path / "rnas.fa").write_text(">m\nGGGGCCAA\n>l\nUUGGCCCCUUAAAAAA\n")
    pairs = HEAD + "\n" + "m\tl\n" * 100_001
    outcome = tool("intarna_compare", "-f", tmp_path / "rnas.fa", "--engine", "seed", stdin=pairs)
    assert outcome.code == 0, outcome
    assert len(outcome.stdout.splitlines()) == 100_002
    outcome = tool("intarna_compare", "-f", tmp_path / "rnas.fa", "--engine", "seed", stdin=pairs + "m\tnone\n")
    assert outcome.code == 3
    assert "stdin:100004: RNA 'none' is not in" in outcome.stderr


@pytest.mark.parametrize("engine", ["seed", pytest.param("rnahybrid", marks=needs("RNAhybrid"))])
def test_a_cache_that_keeps_nothing_is_told(tool, data, listed, tmp_path, engine):
    options = ["--engine", engine, "--cache", tmp_path / "cache"]
    outcome = tool("intarna_compare", "-f", data / "rnas.fa", *options, listed(3))
    assert outcome.code == 0, outcome
    assert "WARNING: --cache keeps nothing: " in outcome.stderr
    assert not (tmp_path / "cache").exists()


def test_a_failure_before_the_work_leaves_no_process(tool, data, tmp_path):
    """ViennaRNA's process is started first of all."""
    outcome = tool("intarna_compare", "-f", data / "rnas.fa", "--engine", "viennarna", stdin=HEAD + "no\tsuch\n")
    assert outcome.code == 3  # a process that is left would be a warning, and warnings are errors


def test_the_report_knows_the_build_of_a_program(tool, data, listed, tmp_path):
    report = tmp_path / "report.json"
    tool("intarna_compare", "-f", data / "rnas.fa", "--engine", "seed", "--report", report, listed(3))
    assert json.loads(report.read_text())["engine"].keys() == {"version", "fingerprint"}


def test_energies_per_length_and_gc(tool, tmp_path):
    import math

    (tmp_path / "rnas.fa").write_text(">m\nGGGGCCAA\n>l\nUUGGCCCCUUAAAAAA\n>at\nAAAAAAAAAAUU\n>u\nUUUUUUUUUUUU\n")
    outcome = tool("intarna_compare", "-f", tmp_path / "rnas.fa", "--engine", "seed", stdin=HEAD + "m\tl\nat\tu\n")
    hot, cold = rows_of(outcome.stdout)
    energy = float(hot["energy"])
    assert float(hot["energy_per_length"]) == pytest.approx(energy / math.log(8 * 16), rel=1e-5)
    assert float(hot["energy_per_gc"]) == pytest.approx(energy / ((6 / 8 + 6 / 16) / 2), rel=1e-5)
    assert cold["energy_per_gc"] == "NA"


def test_states(tool, tmp_path):
    (tmp_path / "rnas.fa").write_text(">tiny\nACG\n>m\nGGGGCCAA\n>l\nUUGGCCCCUUAAAAAA\n>a\nAAAAAAAAAAAAAAAA\n")
    pairs = HEAD + "m\tl\nl\ttiny\na\tl\nm\ta\n"
    outcome = tool("intarna_compare", "-f", tmp_path / "rnas.fa", "--engine", "seed", "--shuffles", 5, stdin=pairs)
    rows = rows_of(outcome.stdout)
    assert [row["energy_state"] for row in rows] == ["ok", "too-short", "no-interaction", "no-interaction"]
    assert [row["energy"] for row in rows[1:]] == ["0.00"] * 3
    assert [row["duplex"] for row in rows[1:]] == ["NA"] * 3
    assert [row["p_value"] for row in rows[1:]] == ["1"] * 3


REFUSALS = {
    "--engine-args for auto": (["--engine-args=--seedBP 6"], 2, "belong to one engine"),
    "a preset for auto": (["--preset", "mirna"], 2, "belong to one engine"),
    "a preset that an engine has not": (["--engine", "seed", "--preset", "srna"], 2, "preset"),
    "arguments without a program": (["--engine", "seed", "--engine-args=-x"], 2, "argument"),
    "an open quote": (["--engine-args", "'"], 2, "cannot be split"),
    "an unknown engine": (["--engine", "blast"], 2, "invalid choice"),
    "a comparison without energies of valid": (
        ["--engine", "seed", "--splits", "test", "--comparison", "folder"],
        2,
        "--comparison needs the energies of valid and test",
    ),
    "a comparison without scores": (["--engine", "seed", "--comparison", "folder"], 3, "column 'label' is missing"),
    "splits without a column": (["--engine", "seed", "--splits", "test"], 3, "column 'split' is missing"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(tool, data, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    options, code, words = REFUSALS[case]
    outcome = tool(
        "intarna_compare", "-f", data / "rnas.fa", *options, stdin=HEAD + "hsa-miR-424-5p\tENST00000591956.1\n"
    )
    assert (outcome.code, outcome.stdout) == (code, "")
    assert words in outcome.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("engine", ["intarna", "rnaplex", "rnaup", "rnaduplex", "rnahybrid"])
def test_a_missing_program(expect_refusal, data, listed, monkeypatch, engine):
    monkeypatch.setenv("PATH", "/nowhere")
    line = expect_refusal(4, "is not on PATH", "intarna_compare", "-f", data / "rnas.fa", "--engine", engine, listed(3))
    assert "install" in line


def test_auto_says_which(tool, data, listed, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    outcome = tool("intarna_compare", "-f", data / "rnas.fa", listed(3))
    assert outcome.code == 0, outcome
    assert "intarna-compare: engine: viennarna (ViennaRNA " in outcome.stderr


def test_letters_that_stand_for_several_are_told(tool, tmp_path):
    (tmp_path / "rnas.fa").write_text(">m\nGGGRCCAA\n>l\nUUGGCCCCUUAAAAAA\n")
    outcome = tool("intarna_compare", "-f", tmp_path / "rnas.fa", "--engine", "seed", stdin=HEAD + "m\tl\n")
    assert "WARNING: 1 RNAs hold letters for more than one nucleotide" in outcome.stderr


def test_the_comparison_is_that_of_cupid_evaluate(tool, chain, tmp_path):
    """The folder holds what cupid-evaluate says of the table that was written."""
    energies, folder, other = tmp_path / "energies.tsv", tmp_path / "comparison", tmp_path / "evaluated"
    rnas = chain.path("all.fa")
    options = ["--engine", "seed", "--splits", "valid,test", "-o", energies, "--comparison", folder]
    outcome = tool("intarna_compare", "-f", rnas, *options, chain.path("scores.tsv"))
    assert outcome.code == 0, outcome
    assert "model+energy" in outcome.stderr
    assert "Energy is the only baseline here" in outcome.stderr
    page = (folder / "report.html").read_text()
    assert "Does the model know more than energy?" in page
    assert tool("evaluate", "-f", rnas, "--baselines", "none", "-o", other, energies).code == 0
    ours, theirs = (json.loads((where / "metrics.json").read_text())["experiments"][0] for where in (folder, other))
    assert ours.pop("name") != theirs.pop("name")
    assert ours == theirs
    assert tool("intarna_compare", "-f", rnas, *options, chain.path("scores.tsv")).code == 0  # replaces its own


def test_a_folder_of_somebody_else_is_told_before_the_work(tool, chain, tmp_path):
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "thesis.txt").write_text("precious\n")
    outcome = tool(
        "intarna_compare",
        "-f",
        chain.path("all.fa"),
        "--engine",
        "seed",
        "--comparison",
        folder,
        chain.path("scores.tsv"),
    )
    assert (outcome.code, outcome.stdout) == (1, "")
    assert "did not write" in outcome.stderr
    assert [path.name for path in Path(folder).iterdir()] == ["thesis.txt"]


def test_a_table_that_cannot_be_judged_is_told_before_the_work(tool, chain, tmp_path):
    header, *lines = Path(chain.path("scores.tsv")).read_text().splitlines(keepends=True)
    place = header.split("\t").index("split")
    pairs = header + "".join(line for line in lines if line.split("\t")[place] != "train")
    options = ["--engine", "seed", "--comparison", tmp_path / "folder"]
    outcome = tool("intarna_compare", "-f", chain.path("all.fa"), *options, stdin=pairs)
    assert (outcome.code, outcome.stdout) == (3, "")
    assert "stdin: holds no train rows" in outcome.stderr
    assert not (tmp_path / "folder").exists()
