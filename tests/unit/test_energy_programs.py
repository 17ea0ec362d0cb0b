"""The engines that are programs of others: RNAhybrid, which is always there, and three of ViennaRNA, which may not be.

Those are replayed from recordings: a stand-in on PATH checks how it is called, and prints what the program printed. The
real ones are run wherever they are on PATH.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cupid_tools.energy.engines import ENGINES
from cupid_tools.energy.engines.base import EngineError, for_engines
from cupid_tools.energy.engines.settings import EngineSettings
from cupid_tools.errors import MissingError, UsageError

RECORDED = Path(__file__).parent.parent.parent / "test-data" / "intarna_recorded"
PROGRAMS = {"rnahybrid": "RNAhybrid", "rnaduplex": "RNAduplex", "rnaup": "RNAup", "rnaplex": "RNAplex"}
PAIRS = {"AU", "UA", "CG", "GC", "GU", "UG"}
CALLED = """
import json, pathlib, sys
calls = pathlib.Path(__file__ + ".json")
known = json.loads(calls.read_text()) if calls.exists() else []
stdin = sys.stdin.read()
files = {word: open(word).read() for word in sys.argv if word.endswith(".fa")}
calls.write_text(json.dumps([*known, {"arguments": sys.argv[1:], "stdin": stdin, "files": files}]))
"""
FOLD = (
    CALLED
    + """
import re
u = int(sys.argv[sys.argv.index("-u") + 1])
for name, sequence in re.findall(">(.*)\\n(.*)\\n", stdin):
    width = min(u, len(sequence))
    header = " #i$\\tl=" + "".join(f"{k}\\t" for k in range(1, width + 1))
    rows = [f"{i}\\t" + "0.5\\t" * width for i in range(1, len(sequence) + 1)]
    pathlib.Path(f"{name}_openen").write_text("\\n".join(["#opening energies", header, *rows, ""]))
"""
)
OPENED = """
folder = pathlib.Path(sys.argv[sys.argv.index("-a") + 1])
for file in folder.glob("*_openen"):
    assert file.read_text().split("\\n")[1].endswith("\\t20\\t"), file
"""


def fasta(name):
    records = (RECORDED / "inputs" / name).read_text().split(">")[1:]
    return {lines.split("\n", 1)[0]: "".join(lines.split("\n")[1:]) for lines in records}


TARGETS = fasta("lnc2.fa")
MIRNAS = fasta("mirna4.fa")
TARGET = TARGETS["ENST00000457901.1"]
QUERIES = list(MIRNAS.values())
NO_PAIR = "AAAAAAAAAAAAAAAAAAAAAA"


def recorded(name):
    """What a program printed, without the lines that tell of the call, under the ids that engines use."""
    text = re.sub(r"^# .*\n", "", (RECORDED / "others" / name).read_text(), flags=re.MULTILINE)
    for index, mirna in enumerate(MIRNAS):
        text = text.replace(mirna, f"q{index}")
    return text.replace("ENST00000457901.1", "t")


ANSWERS = {
    "rnahybrid": "".join(line for line in recorded("rnahybrid.txt").splitlines(True) if line.startswith("t:")),
    "rnaduplex": recorded("rnaduplex.txt").replace(">q", ">q0", 1).replace(">q\n", ">q1\n"),
    "rnaup": recorded("rnaup.txt"),
    "rnaplex": recorded("rnaplex_acc.txt").partition(">ENST")[0],
}
QUERIES_OF = {name: [QUERIES[0], NO_PAIR] if name == "rnaduplex" else QUERIES for name in PROGRAMS}


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """``stand_in("RNAup", code)`` puts a program on PATH that tells a version, or else runs *code*."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(name, code):
        told = f"{name} 2.7.2 [target sequence] [query sequence]"
        asked = f"import sys\nif sys.argv[1:] in (['--version'], ['-h']):\n    print({told!r})\n    sys.exit()\n"
        (folder / name).write_text(f"#!{sys.executable} -IS\n{asked}{code}")
        (folder / name).chmod(stat.S_IRWXU)
        return lambda: json.loads((folder / f"{name}.json").read_text())

    return put


@pytest.fixture
def answering(stand_in):
    """``answering("rnaup", text)`` makes the engine's program print *text*; returns the calls of what it called."""

    def put(name, text):
        folded = stand_in("RNAplfold", FOLD)
        code = CALLED + (OPENED if name == "rnaplex" else "")
        return stand_in(PROGRAMS[name], f"{code}\nprint({text!r}, end='')\n"), folded

    return put


def engine(name, **settings):
    return ENGINES.load(name)(EngineSettings(**settings))


def random_rna(draw, length, letters="ACGU"):
    return "".join(draw.choice(letters) for _ in range(length))


def base_pairs(duplex, target, query):
    """The pairs of letters that a duplex tells of."""
    first, second = duplex.structure.split("&")
    assert (len(first), len(second)) == (
        duplex.target_end - duplex.target_start + 1,
        duplex.query_end - duplex.query_start + 1,
    )
    assert first[0] + first[-1] + second[0] + second[-1] == "(())"
    left = [target[duplex.target_start - 1 + i] for i, mark in enumerate(first) if mark == "("]
    right = [query[duplex.query_start - 1 + i] for i, mark in enumerate(second) if mark == ")"]
    assert len(left) == len(right)
    return {a + b for a, b in zip(left, reversed(right), strict=True)}


# --- RNAhybrid itself


def by_hand(target, query):
    command = ["RNAhybrid", "-c", "-s", "3utr_human", target, query]
    fields = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split(":")
    return float(fields[4])


def test_rnahybrid_draws_what_it_drew():
    duplex = engine("rnahybrid").duplexes("AAAAGGGACCAAAA", ["GGAUCCC"])[0]
    assert duplex == (-12.6, 5, 10, 1, 7, "((((((&)).))))")


@pytest.mark.parametrize(
    ("record", "targets", "mirnas"),
    [
        ("rnahybrid.txt", "lnc2.fa", "mirna4.fa"),
        ("rnahybrid_iupac.txt", "lnc2.fa", "mirna_iupac.fa"),
        ("rnahybrid_none.txt", "lnc_none.fa", "mirna_none.fa"),
    ],
)
def test_rnahybrid_gives_the_recorded_energies(record, targets, mirnas):
    rows = [line.split(":") for line in (RECORDED / "others" / record).read_text().splitlines() if line[0] != "#"]
    expected = {(row[0], row[2]): (float(row[4]), int(row[6])) for row in rows}
    queries = {name: for_engines(sequence) for name, sequence in fasta(mirnas).items()}
    for name, target in fasta(targets).items():
        for query, duplex in zip(queries, engine("rnahybrid").duplexes(target, list(queries.values())), strict=True):
            energy, start = expected.pop((name, query))
            assert (duplex.energy if duplex else 0) == energy
            if duplex:
                assert duplex.target_start - start in (0, 1)  # the program counts from the unpaired neighbour
                assert base_pairs(duplex, target, queries[query]) <= PAIRS
    assert not expected


@pytest.mark.parametrize("letters", ["ACGU", "ACGUN"])
def test_rnahybrid_equals_itself_by_hand_at_all_lengths(letters):
    draw = random.Random(1)
    # lines of 1000 letters and more, of which the program loses some
    for length in (1, 7, 60, 1000, 2500):
        target = random_rna(draw, length, letters)
        queries = [random_rna(draw, length, letters) for length in (1, 2, 8, 22, 30)]
        for query, duplex in zip(queries, engine("rnahybrid").duplexes(target, queries), strict=True):
            if length <= 1000:  # by hand it takes no longer ones
                assert (duplex.energy if duplex else 0) == by_hand(target, query)
            if duplex:
                assert base_pairs(duplex, target, query) <= PAIRS


def test_rnahybrid_takes_very_long_rnas():
    draw = random.Random(2)
    target = random_rna(draw, 50_000)
    site = target[49_950:49_990]
    query = site[::-1].translate(str.maketrans("ACGU", "UGCA"))
    duplex = engine("rnahybrid").duplexes(target, [query])[0]
    assert duplex[1:] == (49_951, 49_990, 1, 40, "(" * 40 + "&" + ")" * 40)


def test_rnahybrid_finds_nothing_where_nothing_pairs():
    assert engine("rnahybrid").duplexes(TARGET, ["N" * 22]) == [None]
    assert engine("rnahybrid").duplexes("A" * 300, [NO_PAIR, QUERIES[1]])[0] is None


def test_the_preset_mirna_pairs_the_seed_of_each():
    seeded = engine("rnahybrid", preset="mirna").duplexes(TARGET, QUERIES)
    assert seeded[1] is None  # recorded: without the preset it has -22.1, but not with its seed
    for duplex, free in zip(seeded, engine("rnahybrid").duplexes(TARGET, QUERIES), strict=True):
        if duplex:
            marks = "." * (duplex.query_start - 1) + duplex.structure.split("&")[1]
            assert marks[1:7] == "))))))"
            assert duplex.energy >= free.energy


def test_engine_arguments_reach_the_program():
    plain, narrow = (engine("rnahybrid", args=args).duplexes(TARGET, QUERIES) for args in ((), ("-u", "1", "-v", "0")))
    assert all(one.energy <= other.energy for one, other in zip(plain, narrow, strict=True))
    assert all("..." not in duplex.structure for duplex in narrow)
    assert plain == engine("rnahybrid", args=("-d", "1.9,0.28")).duplexes(TARGET, QUERIES)


def test_calls_from_several_threads_give_what_one_gives():
    rnahybrid = engine("rnahybrid")
    with ThreadPoolExecutor(4) as pool:
        several = list(pool.map(lambda query: rnahybrid.duplexes(TARGET, [query])[0], QUERIES * 2))
    assert several == rnahybrid.duplexes(TARGET, QUERIES * 2)


# --- replays


def test_rnaduplex_is_asked_for_all_pairs_at_once(answering):
    called, _ = answering("rnaduplex", ANSWERS["rnaduplex"])
    found, none = engine("rnaduplex", args=("--temp", "37")).duplexes(TARGET, [QUERIES[0], NO_PAIR])
    assert called() == [
        {
            "arguments": ["-T", "37"],
            "stdin": f">t\n{TARGET}\n>q0\n{QUERIES[0]}\n>t\n{TARGET}\n>q1\n{NO_PAIR}\n",
            "files": {},
        }
    ]
    structure = "(((((((((...................(((((((&)))))))))))..)))))"
    assert found == (-14.9, 384, 418, 2, 19, structure)  # without the unpaired neighbours that are printed
    assert base_pairs(found, TARGET, QUERIES[0]) <= PAIRS
    assert none is None


def test_rnaup_is_given_the_target_first(answering):
    called, _ = answering("rnaup", ANSWERS["rnaup"])
    duplexes = engine("rnaup", args=("-w", "25")).duplexes(TARGET, QUERIES)
    assert called()[0]["arguments"] == ["-b", "-o", "--interaction_first", "-w", "25"]
    assert called()[0]["stdin"].startswith(f">t\n{TARGET}\n>q0\n{QUERIES[0]}\n>q1\n")
    assert [duplex.energy for duplex in duplexes] == [-6.72, -8.55, -8.41, -7.71]
    assert duplexes[0] == (-6.72, 1, 14, 4, 19, "((.((((((((.((&)).))))))..)).))")
    assert duplexes[1][1:5] == (175, 196, 3, 22)  # the unpaired neighbour that is printed left out
    for duplex, query in zip(duplexes, QUERIES, strict=True):
        assert base_pairs(duplex, TARGET, query) <= PAIRS


def test_rnaup_tells_of_none_with_noise(answering):
    answering("rnaup", recorded("rnaup_none.txt").replace(">q", ">q0"))
    assert engine("rnaup").duplexes("A" * 60, [NO_PAIR]) == [None]


def test_rnaup_draws_nothing_but_the_region_tells_the_outermost_pairs(answering):
    answering("rnaup", ">t\n>q0\n....&...   3,6   :   1,3   (-1.50 = -3.00 + 1.00 + 0.50)\nGAAC&GAC\n")
    assert engine("rnaup").duplexes("AAGAACAA", ["GACA"]) == [(-1.5, 3, 6, 1, 3, "(..(&).)")]


def test_rnaup_prints_the_longer_rna_first(answering):
    answering("rnaup", ">t\n>q0\n(((&.)))   9,11  :   1,4   (-2.00 = -3.00 + 1.00 + 0.00)\nGGC&AGCC\n")
    assert engine("rnaup").duplexes("AGCCA", ["AAAAAAAAGGCAAA"]) == [(-2.0, 2, 4, 9, 11, "(((&)))")]


def test_rnaplex_gets_accessibilities_of_both(answering):
    called, folded = answering("rnaplex", ANSWERS["rnaplex"])
    duplexes = engine("rnaplex").duplexes(TARGET, QUERIES)
    assert folded()[0]["arguments"] == ["-W", "150", "-L", "100", "-O", "-u", "20"]
    assert folded()[0]["stdin"].count(">") == 5
    words = called()[0]["arguments"]
    assert [words[0], words[1], words[2], words[4], words[6]] == ["-l", "20", "-t", "-q", "-a"]
    assert called()[0]["files"][words[3]] == f">t\n{TARGET}\n"
    assert called()[0]["files"][words[5]] == "".join(f">q{index}\n{query}\n" for index, query in enumerate(QUERIES))
    assert [duplex.energy for duplex in duplexes] == [-6.64, -10.16, -9.93, -7.74]
    assert duplexes[0] == (-6.64, 168, 184, 5, 20, "(((.((((.(((..(((&)))..))))))).)))")
    for duplex, query in zip(duplexes, QUERIES, strict=True):
        assert base_pairs(duplex, TARGET, query) <= PAIRS


def test_rnaplex_counts_a_query_from_its_start(answering):
    """Recorded: a duplex from the first nucleotide of a query of 14 that pair or lie between is said to end at 13."""
    rows = recorded("rnaplex_acc.txt").split(">ENST00000519023.1\n")[3]
    assert "349,362 :   1,13" in rows
    answering("rnaplex", ">t\n" + rows.replace("q2", "q0"))
    target = TARGETS["ENST00000519023.1"]
    assert engine("rnaplex").duplexes(target, [QUERIES[2]])[0][1:5] == (349, 362, 1, 14)


def test_rnaplex_prints_no_row_where_nothing_pairs(answering):
    answering("rnaplex", ">t\n>q0\n")
    assert engine("rnaplex").duplexes("A" * 30, [NO_PAIR]) == [None]
    with pytest.raises(EngineError, match="no row for a pair that can"):
        engine("rnaplex").duplexes("A" * 30, ["GGGGGUGGGG"])


def test_rnaplex_folds_a_target_once_ever(answering, tmp_path):
    _, folded = answering("rnaplex", ANSWERS["rnaplex"])
    cold = engine("rnaplex").duplexes(TARGET, QUERIES)
    settings = {"cache": str(tmp_path / "cache")}
    assert engine("rnaplex", **settings).duplexes(TARGET, QUERIES) == cold
    assert engine("rnaplex", **settings).duplexes(TARGET, QUERIES) == cold
    assert [call["stdin"].startswith(">t\n") for call in folded()] == [True, True, False]
    engine("rnaplex", args=("-W", "200"), **settings).duplexes(TARGET, QUERIES)
    assert folded()[3]["stdin"].startswith(">t\n")  # with other settings, another accessibility
    kept = [path for path in Path(settings["cache"]).rglob("*") if path.is_file()]
    assert len(kept) == 2
    for path in kept:
        path.write_text(path.read_text()[:1000])  # a disk that was full
    assert engine("rnaplex", **settings).duplexes(TARGET, QUERIES) == cold
    assert folded()[4]["stdin"].startswith(">t\n")


def test_rnaplex_tells_of_accessibilities_that_are_not_whole(stand_in, answering):
    answering("rnaplex", ANSWERS["rnaplex"])
    stand_in("RNAplfold", "sys.exit(0)")
    with pytest.raises(EngineError, match="RNAplfold did not write"):
        engine("rnaplex").duplexes(TARGET, QUERIES)


# --- what programs do wrong

VIENNA = [name for name in PROGRAMS if name != "rnahybrid"]
LAST_ROW = {"rnahybrid": 1, "rnaduplex": 1, "rnaup": 3, "rnaplex": 1}
"""Lines at the end that are the last result; RNAup's with its header."""


def lines_of(name):
    return ANSWERS[name].splitlines(keepends=True)


WRONG = {
    "nothing": lambda name: "",
    "half a line": lambda name: ANSWERS[name][:-12],
    "half of a run": lambda name: "".join(lines_of(name)[: -LAST_ROW[name]]),
    "a warning of no known kind": lambda name: "Segmentation is near\n".join(lines_of(name)),
    "an RNA that was not asked for": lambda name: ANSWERS[name].replace("q1", "q9"),
    "the same RNA twice": lambda name: ANSWERS[name].replace("q1", "q0"),
    "a row too many": lambda name: ANSWERS[name] + "".join(lines_of(name)[-LAST_ROW[name] :]),
    "positions of another place": lambda name: re.sub(
        r"(?<=:)32(?=:)|(?<= )\d+(?=,\d+ +:)", lambda found: str(int(found[0]) + 1), ANSWERS[name], count=1
    ),
    "an energy that is no number": lambda name: re.sub(r"-\d+\.\d+", "-nan", ANSWERS[name], count=1),
    "a structure that does not close": lambda name: re.sub(r"\((?=[^&(]*&)|G(?= +:)", ".", ANSWERS[name], count=1),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", PROGRAMS)
def test_wrong_output_is_never_a_result(answering, name, wrong):
    text = WRONG[wrong](name)
    assert text != ANSWERS[name]
    answering(name, text)
    with pytest.raises(EngineError, match=f"{PROGRAMS[name]}|printed a duplex that does not pair"):
        engine(name).duplexes(TARGET, QUERIES_OF[name])


@pytest.mark.parametrize(
    ("code", "timeout", "reason"),
    [
        ("import time\ntime.sleep(600)", 0.5, "did not end within 0.5 s"),
        ("import os\nos.kill(os.getpid(), 11)", 60, "SIGSEGV"),
        ("print('query too long: q0')\nsys.exit(2)", 60, "exit status 2: query too long: q0"),
    ],
    ids=["hangs", "crashes", "ends badly"],
)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_fails_is_named_with_its_reason(stand_in, name, code, timeout, reason):
    stand_in("RNAplfold", FOLD)
    stand_in(PROGRAMS[name], code)
    with pytest.raises(EngineError, match=rf"^RNA\w+ .*{reason}"):
        engine(name, timeout=timeout).duplexes(TARGET, QUERIES_OF[name])


@pytest.mark.parametrize("name", VIENNA)
def test_log_lines_between_results_do_no_harm(answering, name):
    answering(name, ANSWERS[name])
    expected = engine(name).duplexes(TARGET, QUERIES_OF[name])
    answering(name, "[WARNING] window size 150 larger than sequence length 22\n".join(["", *lines_of(name)]))
    assert engine(name).duplexes(TARGET, QUERIES_OF[name]) == expected


# --- programs, presets and arguments


@pytest.mark.parametrize(
    ("name", "program", "remedy"),
    [
        ("rnahybrid", "RNAhybrid", "apt install rnahybrid"),
        ("rnaduplex", "RNAduplex", "viennarna"),
        ("rnaup", "RNAup", "viennarna"),
        ("rnaplex", "RNAplex", "viennarna"),
    ],
)
def test_a_missing_program_is_named_with_its_remedy(monkeypatch, tmp_path, name, program, remedy):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingError, match=f"{program} .*{remedy}"):
        engine(name)


def test_rnaplex_needs_rnaplfold(stand_in):
    stand_in("RNAplex", "")
    with pytest.raises(MissingError, match="RNAplfold"):
        engine("rnaplex")


def test_versions_and_what_energies_depend_on(answering):
    for name in PROGRAMS:
        answering(name, "")
    assert engine("rnaup").version == "RNAup 2.7.2"
    assert engine("rnaplex").version == "RNAplex 2.7.2 with RNAplfold 2.7.2"
    assert engine("rnahybrid").version == "RNAhybrid (tells no version)"
    for name, args in (("rnahybrid", "-u1"), ("rnaduplex", "-T20"), ("rnaup", "--noLP"), ("rnaplex", "--span=80")):
        assert engine(name, args=(args,)).fingerprint != engine(name).fingerprint
    assert engine("rnaup", args=("--temp=20",)).fingerprint == engine("rnaup", args=("-T", "20")).fingerprint


def test_a_parameter_file_counts_by_what_it_holds(answering, tmp_path, monkeypatch):
    called, _ = answering("rnaduplex", ANSWERS["rnaduplex"])
    monkeypatch.chdir(tmp_path)
    prints = set()
    for content in ("one", "two"):
        Path("energies.par").write_text(content)
        rnaduplex = engine("rnaduplex", args=("-P", "energies.par"))
        prints.add(rnaduplex.fingerprint)
    rnaduplex.duplexes(TARGET, QUERIES_OF["rnaduplex"])
    assert called()[0]["arguments"] == ["-P", str(tmp_path / "energies.par")]
    assert len(prints) == 2


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("rnahybrid", "-b 3"),  # several rows a pair
        ("rnahybrid", "-p 0.1"),  # drops rows
        ("rnahybrid", "-e -20"),
        ("rnahybrid", "-g ps"),  # writes files
        ("rnahybrid", "-t other.fa"),
        ("rnahybrid", "-m 10"),
        ("rnahybrid", "-h"),
        ("rnahybrid", "GGGG"),  # a sequence
        ("rnahybrid", "-f 2"),  # which the program ignores
        ("rnahybrid", "-u many"),  # which it takes for 0
        ("rnahybrid", "-u"),
        ("rnahybrid", "-u 1 -u 2"),
        ("rnaduplex", "-e 5"),
        ("rnaduplex", "--deltaE=5"),
        ("rnaduplex", "--nsp=-GA"),
        ("rnaup", "--interaction_pairwise"),
        ("rnaup", "-d1"),  # which it does not do, and says so on stderr only
        ("rnaup", "-C"),
        ("rnaplex", "-e -10"),
        ("rnaplex", "-f 1"),
        ("rnaplex", "-l 0"),
        ("rnaplex", "-l 500"),
        ("rnaplex", "-l 020"),  # which it takes for 16
        ("rnaplex", "-W 50"),  # below the span
        ("rnaplex", "-T 20 --temp 30"),
    ],
)
def test_arguments_that_would_break_the_reading_are_refused(answering, name, args):
    answering(name, "")
    with pytest.raises(UsageError):
        engine(name, args=tuple(args.split()))


def test_a_preset_without_meaning_is_refused_with_those_that_have_one(answering):
    for name in PROGRAMS:
        answering(name, "")
    with pytest.raises(UsageError, match=r"--preset srna .* rnahybrid \(it knows: mirna\)"):
        engine("rnahybrid", preset="srna")
    for name in VIENNA:
        with pytest.raises(UsageError, match=r"it knows no preset"):
            engine(name, preset="mirna")


# --- the real programs of ViennaRNA, where they are


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.skipif(shutil.which(PROGRAMS[name]) is None, reason="not on PATH"))
        for name in VIENNA
    ],
)
def test_real_programs_hold_what_recordings_promise(name):
    real = engine(name)
    draw = random.Random(3)
    for letters in ("ACGU", "ACGUN", "AUG", "AC"):
        target = random_rna(draw, 60, letters)
        queries = [random_rna(draw, length, letters) for length in (4, 5, 8, 18, 22, 22, 80)]
        together = real.duplexes(target, queries)
        assert together == [real.duplexes(target, [query])[0] for query in queries]
        for query, duplex in zip(queries, together, strict=True):
            assert duplex is None or base_pairs(duplex, target, query) <= PAIRS
        assert letters != "AC" or together == [None] * len(queries)


@pytest.mark.skipif(shutil.which("RNAduplex") is None, reason="not on PATH")
def test_rnaduplex_gives_the_recorded_duplex():
    found, none = engine("rnaduplex").duplexes(TARGET, [QUERIES[0], NO_PAIR])
    assert found.energy == -14.9
    assert none is None


@pytest.mark.skipif(shutil.which("RNAplex") is None, reason="not on PATH")
def test_rnaplex_gives_the_recorded_energies():
    assert [duplex.energy for duplex in engine("rnaplex").duplexes(TARGET, QUERIES)] == [-6.64, -10.16, -9.93, -7.74]


@pytest.mark.skipif(shutil.which("RNAup") is None, reason="not on PATH")
def test_rnaup_gives_the_recorded_energies():
    assert [duplex.energy for duplex in engine("rnaup").duplexes(TARGET, QUERIES)] == [-6.72, -8.55, -8.41, -7.71]
