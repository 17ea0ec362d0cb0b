"""IntaRNA through intarna-compare: what the real program was recorded to say, row by row; programs that misbehave."""

from __future__ import annotations

import itertools
import json
import os
import random
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cupid_tools.energy.engines import intarna
from cupid_tools.energy.engines.intarna import IntaRna
from cupid_tools.energy.engines.settings import EngineSettings
from cupid_tools.errors import UsageError
from tests.recorded_intarna import FLAGS, VALUES

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "test-data" / "intarna_recorded"
INPUTS = RECORDED / "inputs"
STAND_IN = ROOT / "tests" / "recorded_intarna.py"
OTHER_SIDE = str.maketrans("()", ")(")

SETTINGS = {
    "01_default_all_vs_all": [],
    "36_noSeed": ["--engine-args=--noSeed"],
    "37_seedBP5": ["--engine-args=--seedBP 5"],
    "40_personality_1": ["--engine-args=--personality=IntaRNA1"],
    "40_personality_2": ["--engine-args=--personality=IntaRNA2"],
    "40_personality_3": ["--engine-args=--personality=IntaRNA3"],
    "40_personality_duplex": ["--engine-args=--personality=IntaRNAduplex"],
    "40_personality_ens": ["--engine-args=--personality=IntaRNAens"],
    "40_personality_exact": ["--preset", "exact"],
    "40_personality_helix": ["--engine-args=--Personality=IntaRNAhelix"],
    "40_personality_sTar": ["--preset", "srna"],
    "40_personality_seed": ["--engine-args=--personality=IntaRNAseed"],
    "42_mode_M": ["--engine-args=-m M"],
    "43_mode_M_model_S": ["--engine-args=--mode=M --model S"],
    "44_mode_S": ["--engine-args=--MODE=S"],
    "49_logfile_devnull": ["--engine-args=--noSeed=true"],
}
"""Recorded runs of four miRNAs with two lncRNAs -> the options of intarna-compare that ask for the same."""


class Calls:
    """What the stand-in was asked."""

    def __init__(self, path):
        self._path = path

    def all(self):
        return [json.loads(line) for line in self._path.read_text().splitlines()] if self._path.exists() else []

    def of_pairs(self):
        """Calls for energies that somebody waits for: no trial of arguments, no accessibility by itself."""
        return [call for call in self.all() if call["argv"] and not tries(call) and not writes_accessibility(call)]


def tries(call):
    return set("".join(call["targets"].values())) == {"A"}


def writes_accessibility(call):
    return any("tAcc:" in word for word in call["argv"])


def put_on_path(monkeypatch, folder, script):
    """Make *script* the program IntaRNA; programs of the system stay there."""
    folder.mkdir(exist_ok=True)
    program = folder / "IntaRNA"
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return program


@pytest.fixture
def intarna_calls(tmp_path, monkeypatch):
    """The stand-in as IntaRNA; what it is asked."""
    put_on_path(monkeypatch, tmp_path / "bin", f'#!/bin/sh\nexec {sys.executable} -S -I {STAND_IN} "$@"\n')
    monkeypatch.setenv("RECORDED_CALLS", str(tmp_path / "calls"))
    return Calls(tmp_path / "calls")


@pytest.fixture
def compare(tool, tmp_path):
    """Run intarna-compare on ids of recorded inputs: ``compare(pairs, *inputs, options=...)`` -> rows as dicts."""

    def run(pairs, *inputs, options=()):
        fasta = tmp_path / "rnas.fa"
        fasta.write_text("".join((INPUTS / name).read_text() for name in inputs))
        outcome = tool("intarna_compare", "-f", fasta, "--engine", "intarna", *options, stdin=table_of(pairs))
        assert outcome.code == 0, outcome
        rows = rows_of(outcome.stdout)
        assert [(row["id_a"], row["id_b"]) for row in rows] == list(pairs)
        return rows

    return run


def table_of(pairs):
    return "id_a\tid_b\n" + "".join(f"{a}\t{b}\n" for a, b in pairs)


def rows_of(text):
    header, *lines = text.splitlines()
    return [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]


def ids_of(*inputs):
    lines = "".join((INPUTS / name).read_text() for name in inputs).splitlines()
    return [line[1:].split()[0] for line in lines if line.startswith(">")]


def recorded_rows(case):
    """(target, query) -> column -> cell of one recorded run."""
    lines = (RECORDED / "outputs" / f"{case}.out").read_text().splitlines()
    header, *rows = [line.split(";") for line in lines if not line.startswith("#")]
    cells = [dict(zip(header, row, strict=True)) for row in rows]
    return {(row["id1"], row["id2"]): row for row in cells}


def expected(row, recorded):
    """Energy, state, positions and duplex of a row of ours, from the recorded one, whichever RNA stands first."""
    if cells := recorded.get((row["id_a"], row["id_b"])):
        target, query, duplex = ("a", "b", cells["hybridDP"])
    elif cells := recorded.get((row["id_b"], row["id_a"])):
        left, _, right = cells["hybridDP"].translate(OTHER_SIDE).partition("&")
        target, query, duplex = ("b", "a", f"{right}&{left}")
    else:
        places = dict.fromkeys(("start_a", "end_a", "start_b", "end_b", "duplex"), "NA")
        return {"energy": "0.00", "energy_state": "no-interaction", **places}
    places = {f"start_{target}": cells["start1"], f"end_{target}": cells["end1"]}
    places |= {f"start_{query}": cells["start2"], f"end_{query}": cells["end2"]}
    return {"energy": f"{float(cells['E']):.2f}", "energy_state": "ok", "duplex": duplex, **places}


def check(rows, case, tolerance=0.0):
    recorded = recorded_rows(case)
    for row in rows:
        wanted = expected(row, recorded)
        told = {column: row[column] for column in wanted}
        assert abs(float(told.pop("energy")) - float(wanted.pop("energy"))) <= tolerance, row
        assert told == wanted


def all_pairs(*, targets="lnc2.fa", queries="mirna4.fa"):
    return [(query, target) for target in ids_of(targets) for query in ids_of(queries)]


def in_any_order(pairs):
    """The same pairs in another order, each second one turned round."""
    mixed = random.Random(5).sample(pairs, len(pairs))
    return [pair[::-1] if place % 2 else pair for place, pair in enumerate(mixed)]


# What was recorded


@pytest.mark.parametrize("case", SETTINGS)
def test_every_recorded_setting_gives_the_recorded_rows(intarna_calls, compare, case):
    pairs = in_any_order(all_pairs())
    check(compare(pairs, "mirna4.fa", "lnc2.fa", options=SETTINGS[case]), case)
    assert len(intarna_calls.of_pairs()) == 2  # one for each target


def test_the_recorded_rows_hold_what_the_tests_compare():
    """So that the test above cannot pass on empty runs: seven of eight pairs by default, other energies otherwise."""
    energies = {case: sorted(row["E"] for row in recorded_rows(case).values()) for case in SETTINGS}
    assert len(energies["01_default_all_vs_all"]) == 7
    assert len(energies["40_personality_sTar"]) == 4
    assert all(len(found) >= 4 for found in energies.values())
    assert len({tuple(found) for found in energies.values()}) >= 10


@pytest.mark.parametrize("jobs", [1, 3])
def test_order_of_pairs_and_of_rnas_changes_nothing_but_the_order(intarna_calls, compare, jobs):
    pairs = all_pairs()
    plain = compare(pairs, "mirna4.fa", "lnc2.fa", options=["--jobs", jobs])
    mixed = compare(in_any_order(pairs), "lnc2.fa", "mirna4.fa", options=["--jobs", jobs])
    by_pair = {frozenset((row["id_a"], row["id_b"])): row for row in plain}
    for row in mixed:
        before = by_pair[frozenset((row["id_a"], row["id_b"]))]
        assert row["energy"] == before["energy"]
        sides = "ab" if row["id_a"] == before["id_a"] else "ba"
        assert [row[f"start_{side}"] for side in sides] == [before["start_a"], before["start_b"]]


def test_a_pair_without_a_row_has_energy_0_and_says_so(intarna_calls, compare):
    pairs = [("polyA", "polyA_target"), ("polyA", "ENST00000457901.1"), ("hsa-miR-6734-3p", "ENST00000457901.1")]
    rows = compare([*pairs, ("hsa-miR-6734-3p", "polyA_target")], "mirna_none.fa", "lnc_none.fa")
    check(rows, "06_no_interaction_mixed")
    assert [row["energy_state"] for row in rows] == ["no-interaction", "no-interaction", "ok", "no-interaction"]
    assert rows[0]["energy"] == "0.00"


def test_letters_for_several_nucleotides_are_n_which_never_pairs(intarna_calls, compare):
    rows = compare(in_any_order(all_pairs(queries="mirna_iupac.fa")), "mirna_iupac.fa", "lnc2.fa")
    check(rows, "11_iupac")
    queries = [query for call in intarna_calls.of_pairs() for query in call["queries"].values()]
    assert all(set(query) <= set("ACGUN") for query in queries)


def test_lower_case_and_t_are_u(intarna_calls, compare):
    check(compare(all_pairs(), "mirna4_dna.fa", "lnc2_dna_lower.fa"), "10_dna_lower_target")


def test_ids_never_reach_the_program(intarna_calls, tool, tmp_path):
    """``;`` would become ``_`` there, ids are cut at blanks, and equal ones cannot be told apart."""
    names = {name: f"{name};x,t" for name in ids_of("mirna4.fa", "lnc2.fa")}
    text = (INPUTS / "mirna4.fa").read_text() + (INPUTS / "lnc2.fa").read_text()
    for name, odd in names.items():
        text = text.replace(f">{name}\n", f">{odd} described in words\n")
    (tmp_path / "odd.fa").write_text(text)
    pairs = [(names[a], names[b]) for a, b in all_pairs()]
    outcome = tool("intarna_compare", "-f", tmp_path / "odd.fa", "--engine", "intarna", stdin=table_of(pairs))
    rows = rows_of(outcome.stdout)
    assert [(row["id_a"], row["id_b"]) for row in rows] == pairs
    back = {odd: name for name, odd in names.items()}
    check([row | {"id_a": back[row["id_a"]], "id_b": back[row["id_b"]]} for row in rows], "01_default_all_vs_all")
    for call in intarna_calls.all():
        assert list(call["targets"]) == ["t"]
        assert list(call["queries"]) == [f"q{place}" for place in range(len(call["queries"]))]


def test_equal_pairs_and_equal_sequences_are_asked_once(intarna_calls, tool, tmp_path):
    fasta = tmp_path / "twins.fa"
    mirna, lnc = (INPUTS / "mirna4.fa").read_text(), (INPUTS / "lnc2.fa").read_text()
    fasta.write_text(mirna + lnc + mirna.replace(">", ">twin-"))
    first, target = "hsa-miR-27b-5p", "ENST00000519023.1"
    pairs = [(first, target), (target, first), (f"twin-{first}", target), (first, target)]
    outcome = tool("intarna_compare", "-f", fasta, "--engine", "intarna", stdin=table_of(pairs))
    rows = rows_of(outcome.stdout)
    assert [row["energy"] for row in rows] == ["-13.28"] * 4
    (call,) = intarna_calls.of_pairs()
    assert len(call["queries"]) == 1
    assert "4 pairs, 1 of them distinct" in outcome.stderr


def test_an_rna_without_room_for_a_seed_is_too_short_and_not_sent(intarna_calls, compare):
    """The real program would end with exit status 1 on the whole call."""
    target = "ENST00000519023.1"
    pairs = [("len5", target), ("hsa-miR-27b-5p", target), (target, "len5")]
    rows = compare(pairs, "mirna_short.fa", "mirna4.fa", "lnc2.fa")
    assert [(row["energy_state"], row["energy"]) for row in rows] == [
        ("too-short", "0.00"),
        ("ok", "-13.28"),
        ("too-short", "0.00"),
    ]
    assert [list(call["queries"].values()) for call in intarna_calls.of_pairs()] == [["AGAGCUUAGCUGAUUGGUGAAC"]]


def test_without_a_seed_none_is_too_short(intarna_calls, compare):
    pairs = all_pairs(queries="mirna_short.fa")
    check(compare(pairs, "mirna_short.fa", "lnc2.fa", options=["--engine-args=--noSeed"]), "56_short_noSeed")


def test_a_seed_range_counts_for_each_query_by_itself(intarna_calls, compare):
    """In one call IntaRNA would count it by the first query for all: it was recorded right for one length alone."""
    pairs = [("hsa-miR-27b-5p", target) for target in ids_of("lnc2.fa")]
    check(compare(pairs, "mirna4.fa", "lnc2.fa", options=["--engine-args=--seedQRange 2-8"]), "48_seedQRange_multi")


@pytest.mark.skipif(shutil.which("IntaRNA") is None, reason="IntaRNA is not on PATH")
@pytest.mark.parametrize("case", SETTINGS)
def test_the_real_program_says_what_was_recorded(compare, case):
    check(compare(in_any_order(all_pairs()), "mirna4.fa", "lnc2.fa", options=SETTINGS[case]), case, tolerance=0.011)


@pytest.mark.skipif(shutil.which("IntaRNA") is None, reason="IntaRNA is not on PATH")
def test_the_real_program_with_kept_accessibilities(compare, tmp_path):
    for _ in range(2):
        rows = compare(all_pairs(), "mirna4.fa", "lnc2.fa", options=["--cache", tmp_path / "cache"])
        recorded = recorded_rows("01_default_all_vs_all")
        for row in rows:
            assert abs(float(row["energy"]) - float(expected(row, recorded)["energy"])) <= 0.05


# The stand-in is as strict as the real program was


@pytest.mark.parametrize(
    "case",
    [
        "18_empty_fasta",
        "19_header_only",
        "20_no_header",
        "21_missing_file",
        "23_short_queries",
        "24_unknown_option",
        "50_error_with_out_file",
    ],
)
def test_the_stand_in_refuses_as_recorded(tmp_path, case):
    shutil.copytree(INPUTS, tmp_path, dirs_exist_ok=True)
    cells = {line.split("\t")[0]: line.split("\t") for line in (RECORDED / "cases.tsv").read_text().splitlines()}[case]
    command = [sys.executable, "-S", "-I", STAND_IN, *shlex.split(cells[3])[1:]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (int(cells[1]), "")
    assert done.stdout == (RECORDED / "outputs" / f"{case}.out").read_text()
    if "--out" in command:
        assert (tmp_path / ".csv").read_text() == ""


def test_the_stand_in_makes_nothing_up(intarna_calls, tool, tmp_path):
    fasta = tmp_path / "rnas.fa"
    fasta.write_text((INPUTS / "lnc2.fa").read_text() + ">new\nACGUACGUACGUACGUACGU\n")
    pairs = table_of([("new", "ENST00000457901.1")])
    outcome = tool("intarna_compare", "-f", fasta, "--engine", "intarna", stdin=pairs)
    assert (outcome.code, outcome.stdout) == (1, "")
    assert "exit status 99: # ERROR : NOT RECORDED" in outcome.stderr


# Options


def given(*arguments, preset=None):
    return EngineSettings(preset=preset, args=arguments)


HARMLESS = """
    qAcc tAcc qAccW tAccW qAccL tAccL qIntLenMax tIntLenMax qIntLoopMax tIntLoopMax qRegionLenMax tRegionLenMax qPfScale
    tPfScale acc accW accL intLenMax intLoopMax helixMinBP helixMaxBP helixMaxIL helixMinPu helixMaxE helixFullE noSeed
    seedBP seedMaxUP seedQMaxUP seedTMaxUP seedMaxE seedMaxEhybrid seedMinPu seedQRange seedNoGU seedNoGUend
    qShapeMethod tShapeMethod qShapeConversion tShapeConversion mode model energy energyVRNA energyAdd energyNoDangles
    accNoLP accNoGUend temperature windowWidth windowOverlap outOverlap outDeltaE outMaxE outMinPu outBestSeedOnly
    outNoLP outNoGUend verbose personality
"""
"""Options that change energies, or which interactions count, and not how they are read."""


def test_every_option_is_either_refused_or_known_to_be_harmless():
    known = {f"--{name}" for name in (VALUES + FLAGS).split()}
    refused = {option for option in intarna._FORBIDDEN if option.startswith("--")}
    assert refused == known - {f"--{name}" for name in HARMLESS.split()}
    assert {option for option in intarna._FORBIDDEN if option not in refused} == {"-q", "-t", "-n", "-h"}
    assert {option.lstrip("-") for option in intarna._FLAGS} - {"v"} == {
        name.lower() for name in FLAGS.split() if f"--{name}" not in refused
    }


@pytest.mark.parametrize("option", intarna._FORBIDDEN)
def test_options_that_would_break_parsing_are_refused(option):
    """In any way in which IntaRNA would take them; no program is needed to know."""
    ways = [[option], [option.upper()], [option, "5"], ["--noSeed", option, "5"], ["--seedMaxE", option, "5"]]
    ways += [[f"{option}=5"], [f"{option.lower()}=5"]] if option.startswith("--") else [[f"{option}5"], [f"{option}=5"]]
    for words in ways:
        with pytest.raises(UsageError, match=f"may not hold {option} of IntaRNA"):
            IntaRna(given(*words))


def test_what_parsing_needs_is_refused_by_the_tool(intarna_calls, expect_refusal, tmp_path):
    (tmp_path / "p.tsv").write_text(table_of([("a", "b")]))
    arguments = [
        "-f",
        INPUTS / "lnc2.fa",
        "--engine",
        "intarna",
        "--engine-args=--noSeed --OutSep=,",
        tmp_path / "p.tsv",
    ]
    expect_refusal(
        2, "--engine-args may not hold --outSep of IntaRNA (cupid-tools sets it)", "intarna_compare", *arguments
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (given("seedBP=5"), "'seedBP=5' belongs to no option"),
        (given("--noSeed", "false"), "'false' belongs to no option"),
        (given("--personality", "IntaRNA1"), r"write --personality=NAME"),
        (given("--PERSONALITY", "IntaRNA1"), r"write --personality=NAME"),
        (given("--personality=IntaRNA1", preset="srna"), "both choose a personality"),
    ],
)
def test_what_intarna_would_misread_is_refused(settings, words):
    with pytest.raises(UsageError, match=words):
        IntaRna(settings)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--nope", "unrecognised option '--nope' : run with '--help' for allowed arguments"),
        ("--seedB 5", "unrecognised option '--seedB'"),
        ("--seedBP 99", "seedBP = 99 : has to be in the range [2,20]"),
        ("--seedBP 5 --seedBP 6", "cannot be specified more than once"),
    ],
)
def test_what_intarna_refuses_is_told_in_its_words_before_the_work(
    intarna_calls, expect_refusal, tmp_path, arguments, words
):
    (tmp_path / "p.tsv").write_text(table_of([("ENST00000457901.1", "ENST00000519023.1")]))
    options = ["-f", INPUTS / "lnc2.fa", "--engine", "intarna", f"--engine-args={arguments}", tmp_path / "p.tsv"]
    told = expect_refusal(2, words, "intarna_compare", *options)
    assert f"IntaRNA does not run with {arguments}: " in told
    assert intarna_calls.of_pairs() == []


@pytest.mark.parametrize(
    ("settings", "wanted", "shortest"),
    [
        (given(), [], 7),
        (given(preset="mirna"), ["--seedBP=6", "--seedQRange=2-8"], 8),
        (given("--SeedBP", "7", preset="mirna"), ["--seedQRange=2-8", "--SeedBP", "7"], 8),
        (given("--seedQRange=1-6", preset="mirna"), ["--seedBP=6", "--seedQRange=1-6"], 6),
        (given("--noSeed", preset="mirna"), ["--seedBP=6", "--seedQRange=2-8", "--noSeed"], 1),
        (given("--noSeed=0", "--seedBP=4"), ["--noSeed=0", "--seedBP=4"], 4),
        (given("--personality=IntaRNA1"), ["--personality=IntaRNA1"], 6),
        (given(preset="srna"), ["--personality=IntaRNAsTar"], 7),
        (given(preset="exact"), ["--personality=IntaRNAexact"], 7),
        (
            given(preset="lncrna"),
            ["--intLenMax=60", "--intLoopMax=8", "--windowWidth=2000", "--windowOverlap=150"],
            7,
        ),
    ],
)
def test_presets_and_arguments_reach_the_program(intarna_calls, settings, wanted, shortest):
    """What the user gives replaces the preset's: IntaRNA takes no option twice."""
    engine = IntaRna(settings)
    assert engine.shortest == shortest
    assert engine.duplexes("A" * 40, ["A" * 22]) == [None]
    assert all(call["argv"][: len(wanted)] == wanted for call in intarna_calls.all())
    assert [word for word in intarna_calls.all()[-1]["argv"] if word.startswith("-")][len(wanted) :] != []


def test_queries_of_several_lengths_are_sent_apart_where_a_seed_range_is_given(intarna_calls):
    engine = IntaRna(given(preset="mirna"))
    assert engine.duplexes("A" * 40, ["A" * 22, "A" * 20, "A" * 22]) == [None] * 3
    assert [len(call["queries"]) for call in intarna_calls.all()] == [1, 1, 2]


def test_energy_parameters_of_another_content_are_other_settings(intarna_calls, tmp_path):
    parameters = tmp_path / "rna.par"
    parameters.write_text("one")
    first = IntaRna(given("--energyVRNA", str(parameters))).fingerprint
    assert IntaRna(given("--energyVRNA", str(parameters))).fingerprint == first
    parameters.write_text("two")
    assert IntaRna(given("--energyVRNA", str(parameters))).fingerprint != first


# Versions


def version_script(text):
    return f"#!/bin/sh\nprintf '{text}'\n"


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        ("IntaRNA 2.3.1 \\n using Vienna RNA package 2.4.8 and boost 1.64.0\\n", "is version 2.3.1, and 3.3 is needed"),
        ("IntaRNA 3.2.2\\n", "is version 3.2.2, and 3.3 is needed"),
        ("something else\\n", "does not tell its version: something else"),
    ],
)
def test_another_version_is_missing(expect_refusal, monkeypatch, tmp_path, printed, words):
    put_on_path(monkeypatch, tmp_path / "bin", version_script(printed))
    (tmp_path / "p.tsv").write_text(table_of([("a", "b")]))
    options = ["-f", INPUTS / "lnc2.fa", "--engine", "intarna", tmp_path / "p.tsv"]
    assert "conda install" in expect_refusal(4, words, "intarna_compare", *options)


def test_no_program_is_missing_and_told_how_to_get(expect_refusal, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "p.tsv").write_text(table_of([("a", "b")]))
    options = ["-f", INPUTS / "lnc2.fa", "--engine", "intarna", tmp_path / "p.tsv"]
    told = expect_refusal(4, "the program IntaRNA is not on PATH", "intarna_compare", *options)
    assert "(conda install -c bioconda -c conda-forge intarna)" in told


def test_auto_takes_intarna_first_and_says_so(intarna_calls, tool):
    pairs = [("hsa-miR-6734-3p", "ENST00000457901.1")]
    rnas = (INPUTS / "mirna4.fa").read_text() + (INPUTS / "lnc2.fa").read_text()
    fasta = Path(os.environ["RECORDED_CALLS"]).with_name("rnas.fa")
    fasta.write_text(rnas)
    outcome = tool("intarna_compare", "-f", fasta, stdin=table_of(pairs))
    assert "engine: intarna (IntaRNA 3.4.1)" in outcome.stderr
    (row,) = rows_of(outcome.stdout)
    assert (row["energy"], row["engine"]) == ("-10.55", "IntaRNA 3.4.1")


# Kept accessibilities


def test_accessibilities_are_computed_once_for_all_runs(intarna_calls, compare, tmp_path):
    options = ["--cache", tmp_path / "cache"]
    cold = compare(all_pairs(), "mirna4.fa", "lnc2.fa", options=options)
    check(cold, "01_default_all_vs_all")
    asked = [call["targets"]["t"][:9] for call in intarna_calls.all() if writes_accessibility(call)]
    assert sorted(asked) == ["AAAAAAAAA", "CAGCACAGC", "CUAGACAGA"]  # first of all whether IntaRNA works
    assert all("--tAcc=E" in call["argv"] for call in intarna_calls.of_pairs())
    assert compare(all_pairs(), "mirna4.fa", "lnc2.fa", options=options) == cold
    assert len([call for call in intarna_calls.all() if writes_accessibility(call)]) == 3
    assert len(intarna_calls.of_pairs()) == 4


def test_accessibilities_of_other_settings_are_others(intarna_calls, compare, tmp_path):
    options = ["--cache", tmp_path / "cache"]
    compare(all_pairs(), "mirna4.fa", "lnc2.fa", options=options)
    other = compare(all_pairs(), "mirna4.fa", "lnc2.fa", options=[*options, "--engine-args=--seedBP 5"])
    check(other, "37_seedBP5")
    assert len([call for call in intarna_calls.all() if writes_accessibility(call)]) == 6


@pytest.mark.parametrize("argument", ["--personality=IntaRNAduplex", "--tAcc=N", "--ACC=N"])
def test_nothing_is_kept_where_there_are_no_accessibilities(intarna_calls, tmp_path, argument):
    engine = IntaRna(EngineSettings(args=(argument,), cache=str(tmp_path / "cache")))
    assert engine.duplexes("A" * 30, ["A" * 22]) == [None]
    assert not engine.keeps
    assert not any("--tAcc=E" in call["argv"] or writes_accessibility(call) for call in intarna_calls.all())


# Programs that misbehave

FAKE = """#!{python} -SI
import os, resource, signal, sys, time
if "--version" in sys.argv:
    sys.exit("IntaRNA 3.4.1")
words = dict(word.partition("=")[::2] for word in sys.argv[1:])
asked = open(sys.argv[sys.argv.index("-q") + 1]).read().replace(">", "").split()
names = dict(zip(asked[1::2], asked[::2]))
lines = [words["--outCsvCols"].replace(",", ";")]
target = open(sys.argv[sys.argv.index("-t") + 1]).read().split()[1]
for sequence, name in names.items():
    place = min(target.find(letter) for letter in dict(A="U", C="G", G="CU", U="AG")[sequence[0]]) + 1
    if place:
        lines.append(f"t;{{name}};{{place}};{{place}};1;1;(&);-{{len(sequence)}}.5")
text = "\\n".join(lines) + "\\n"
if "{bad}" in names or not "{bad}":
    name = names.get("{bad}")
    {trick}
with open(words["--out"], "w") as handle:
    handle.write(text)
"""
"""A program that pairs the first letter of every query, for as many kcal/mol as it has nucleotides, and a half; and
that plays a trick where one of its queries is the bad one."""
BAD = "GGGGGCCCCCGGGGG"
TRICKS = {
    "crashes": ("os.kill(os.getpid(), signal.SIGSEGV)", "was ended by SIGSEGV; it crashed"),
    "memory": ("os.kill(os.getpid(), signal.SIGKILL)", "was ended by SIGKILL"),
    "exception": ('print("# ERROR : Exception raised : bad"); sys.exit(255)', "status 255: # ERROR : Exception raised"),
    "silent": ("sys.exit(3)", "ended with exit status 3: it printed nothing"),
    "no file": ("sys.exit(0)", "wrote no duplexes.csv"),
    "empty file": ('text = ""', "wrote no duplexes.csv"),
    "half a line": ("text = text[:-3]", "wrote half a line"),
    "half a row": ('text = text[:-9] + "\\n"', "wrote a line that cannot be read: t;q"),
    "another version": ('text = text.replace("hybridDP", "bpList")', "wrote a table of other columns: id1;id2;start1"),
    "no header": ('text = text.partition("\\n")[2]', "wrote a table of other columns: t;q"),
    "other query": ('text += "t;q4999;1;1;1;1;(&);-2\\n"', "answered for the query q4999, which it was not given"),
    "other name": ('text += "t;4;1;1;1;1;(&);-2\\n"', "wrote a line that cannot be read: t;4;1;1"),
    "other target": ('text = text.replace("t;", "u;")', "wrote a line that cannot be read: u;q"),
    "two rows": ('text += f"t;{name};1;1;1;1;(&);-2\\n"', "wrote two rows for one pair: t;q"),
    "no number": ('text = text.replace(".5", ".x")', "wrote a line that cannot be read: t;q"),
    "nan": ('text = text.replace("-15.5", "nan")', "wrote a line that cannot be read: t;q"),
    "infinite": ('text = text.replace("-15.5", "-inf")', "wrote a line that cannot be read: t;q"),
    "no duplex": ('text = text.replace("(&)", "(&")', "printed a duplex that does not pair"),
    "other end": ('text = text.replace("1;1;(", "1;2;(")', "wrote a line that cannot be read: t;q"),
    "file too large": (
        "signal.signal(signal.SIGXFSZ, signal.SIG_DFL); resource.setrlimit(resource.RLIMIT_FSIZE, (9, 9))",
        "wrote more than a file may hold",
    ),
}


@pytest.fixture
def misbehaving(monkeypatch, tmp_path):
    """A program that plays a trick on calls that hold the *bad* query, or on all if there is none."""

    def put(trick, bad=BAD):
        script = FAKE.format(python=sys.executable, bad=bad, trick=trick)
        put_on_path(monkeypatch, tmp_path / "bin", script)

    return put


def many(tmp_path, count):
    """One target with *count* queries, one of them the bad one: the files, and length of query by its id."""
    words = itertools.product("ACGU", repeat=6)
    sequences = {f"q{place}": "".join(next(words)) + "ACGU" * 3 + "A" * (place % 90) for place in range(count - 1)}
    sequences = dict([*list(sequences.items())[: count // 3], ("the-bad", BAD), *list(sequences.items())[count // 3 :]])
    fasta, pairs = tmp_path / "many.fa", tmp_path / "many.tsv"
    fasta.write_text("".join(f">{name}\n{rna}\n" for name, rna in sequences.items()) + f">target\n{'ACGU' * 50}\n")
    pairs.write_text(table_of([(name, "target") for name in sequences]))
    return ["-f", fasta, "--engine", "intarna", pairs], {name: len(rna) for name, rna in sequences.items()}


def check_that_only_the_bad_failed(outcome, report, lengths, words):
    assert outcome.code == 0, outcome
    rows = {row["id_a"]: row for row in rows_of(outcome.stdout)}
    assert list(rows) == list(lengths)
    bad = rows.pop("the-bad")
    assert (bad["energy"], bad["energy_state"], bad["duplex"]) == ("NA", "failed", "NA")
    assert {name: row["energy"] for name, row in rows.items()} == {
        name: f"-{lengths[name]}.50" for name in lengths if name != "the-bad"
    }
    line = 2 + list(lengths).index("the-bad")
    (failed,) = json.loads(report.read_text())["failed"]
    assert (failed["line"], failed["id_a"], failed["id_b"]) == (line, "the-bad", "target")
    assert words in failed["reason"]
    (told,) = [line for line in outcome.stderr.splitlines() if "no energy" in line]
    assert f"line {line}: no energy of the-bad and target: " in told
    assert words in told


@pytest.mark.parametrize("trick", TRICKS)
def test_the_one_bad_query_is_named_and_the_others_are_kept(tool, misbehaving, tmp_path, trick):
    misbehaving(TRICKS[trick][0])
    arguments, lengths = many(tmp_path, 10)
    outcome = tool("intarna_compare", *arguments, "--report", tmp_path / "report.json")
    check_that_only_the_bad_failed(outcome, tmp_path / "report.json", lengths, TRICKS[trick][1])


def test_one_bad_query_among_a_thousand(tool, misbehaving, tmp_path):
    misbehaving(TRICKS["crashes"][0])
    arguments, lengths = many(tmp_path, 1200)
    outcome = tool("intarna_compare", *arguments, "--report", tmp_path / "report.json")
    check_that_only_the_bad_failed(outcome, tmp_path / "report.json", lengths, TRICKS["crashes"][1])


def test_a_program_that_hangs_costs_the_bad_query_alone(tool, misbehaving, tmp_path):
    """It is ended with whatever it started."""
    misbehaving("os.system('sleep 300')")
    arguments, lengths = many(tmp_path, 4)
    outcome = tool("intarna_compare", *arguments, "--timeout", "1", "--report", tmp_path / "report.json")
    check_that_only_the_bad_failed(outcome, tmp_path / "report.json", lengths, "did not end within 1 s")


def test_chatter_is_no_data(tool, misbehaving, tmp_path):
    """Lines on both streams, and between those of the table; rows in another order."""
    trick = "print('# INFO : hm'); print('t;q0;oops', file=sys.stderr); "
    trick += "text = '\\n'.join(['# WARNING : x', lines[0], '# INFO : y', *lines[:0:-1], ''])"
    misbehaving(trick)
    arguments, lengths = many(tmp_path, 40)
    outcome = tool("intarna_compare", *arguments)
    assert outcome.code == 0, outcome
    assert {row["id_a"]: row["energy"] for row in rows_of(outcome.stdout)} == {
        name: f"-{length}.50" for name, length in lengths.items()
    }


def check_ended(outcome, output, words):
    """One sentence, and yesterday's output."""
    assert outcome.code == 1, outcome
    assert outcome.stdout == ""
    (told,) = [line for line in outcome.stderr.splitlines() if "ERROR" in line]
    assert told.startswith("intarna-compare: ERROR: ")
    assert words in told
    assert output.read_text() == "yesterday\n"


@pytest.fixture
def yesterday(tmp_path):
    output = tmp_path / "out.tsv"
    output.write_text("yesterday\n")
    return output


@pytest.mark.parametrize("count", [2, 40])
def test_a_program_that_always_fails_ends_the_run(tool, misbehaving, yesterday, tmp_path, count):
    misbehaving('print("# ERROR : not today"); sys.exit(1)', bad="")
    arguments, _ = many(tmp_path, count)
    outcome = tool("intarna_compare", *arguments, "-o", yesterday)
    words = "IntaRNA 3.4.1 does not work: IntaRNA ended with exit status 1: # ERROR : not today"
    check_ended(outcome, yesterday, words)


def test_a_full_disk_ends_the_run(tool, misbehaving, yesterday, monkeypatch, tmp_path):
    """IntaRNA does not notice; pairs would lack their rows, as if there were no interaction."""
    misbehaving('text = lines[0] + "\\n"', bad="")
    arguments, _ = many(tmp_path, 4)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=0))
    check_ended(tool("intarna_compare", *arguments, "-o", yesterday), yesterday, "no space left on device")


def test_a_file_that_is_no_program_is_missing(expect_refusal, monkeypatch, tmp_path):
    put_on_path(monkeypatch, tmp_path / "bin", "\x7fELF, but of no machine")
    (tmp_path / "p.tsv").write_text(table_of([("a", "b")]))
    options = ["-f", INPUTS / "lnc2.fa", "--engine", "intarna", tmp_path / "p.tsv"]
    expect_refusal(4, "does not tell its version: [Errno 8] Exec format error", "intarna_compare", *options)
