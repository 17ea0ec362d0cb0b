"""ViennaRNA's energies: those of its own functions, whatever its processes do."""

import json
import re
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from math import inf, log

import numpy as np
import pytest

from cupid_tools.energy.engines import ENGINES
from cupid_tools.energy.engines.base import ClosedError, EngineError
from cupid_tools.energy.engines.settings import EngineSettings
from cupid_tools.energy.engines.vienna_worker import unpairing
from cupid_tools.errors import MissingError, UsageError
from cupid_tools.io.fasta import read_fasta

PAIRS = {"AU", "UA", "GC", "CG", "GU", "UG"}
WORKER = [sys.executable, "-m", "cupid_tools.energy.engines.vienna_worker", ""]


@pytest.fixture(scope="module")
def rna():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SWIG's types have no module
        import RNA
    return RNA


@pytest.fixture
def start():
    """Start engines, which end with the test."""
    engines = []

    def run(**settings):
        engines.append(ENGINES.load("viennarna")(EngineSettings(**settings)))
        return engines[-1]

    yield run
    for engine in engines:
        engine.close()


@pytest.fixture
def stand_in(tmp_path, monkeypatch, start):
    """Start an engine whose ViennaRNA is a module of these lines."""

    def run(*lines, **settings):
        folder = tmp_path / "stand-in"
        folder.mkdir()
        (folder / "RNA.py").write_text("\n".join(("import os, sys, time, signal", *lines)))
        monkeypatch.setenv("PYTHONPATH", str(folder))
        return start(**settings)

    return run


@pytest.fixture(scope="module")
def sequences(request):
    path = request.config.rootpath / "test-data" / "rnas.fa"
    return [record.sequence for record in read_fasta(path)]


@pytest.fixture(scope="module")
def real(sequences):
    """Part of a lncRNA, longer than a window of accessibilities, and some miRNAs."""
    return next(s for s in sequences if len(s) > 300)[:240], [s for s in sequences if len(s) < 25][:6]


def by_hand(rna, target, query):
    """The lowest sum over all suboptimal duplexes, each number looked up in what the library returns."""

    def cost(free, first, last):
        if first == 1 and last == len(free) - 1:
            last -= 1  # ViennaRNA leaves out the whole RNA; its last nucleotide has nothing left to pair with
        p = free[last][last - first + 1] if last - first < 40 else 0
        return -1.98717e-3 * 310.15 * log(min(p, 1)) if p > 0 else inf

    free_target, free_query = (rna.pfl_fold_up(sequence, 40, 150, 100) for sequence in (target, query))
    best = 0.0
    for hit in rna.duplex_subopt(query, target, 1000, 0):
        left, right = hit.structure.split("&")
        i = [hit.i - len(left) + 1 + at.start() for at in re.finditer(r"\(", left)]
        j = [hit.j + at.start() for at in re.finditer(r"\)", right)][::-1]
        pairs = set(zip(i, j, strict=True))
        assert all(query[one - 1] + target[other - 1] in PAIRS for one, other in pairs)
        if any(all((one + step, other - step) in pairs for step in range(6)) for one, other in pairs):
            energy = hit.energy + cost(free_target, j[-1], j[0]) + cost(free_query, i[0], i[-1])
            best = min(best, energy)
    return best


def energies(found):
    return [0.0 if duplex is None else duplex.energy for duplex in found]


def check_pairs(duplex, target, query):
    left, right = duplex.structure.split("&")
    assert len(left) == duplex.target_end - duplex.target_start + 1
    assert len(right) == duplex.query_end - duplex.query_start + 1
    i = [duplex.target_start + at for at, letter in enumerate(left) if letter == "("]
    j = [duplex.query_start + at for at, letter in enumerate(right) if letter == ")"][::-1]
    assert all(target[one - 1] + query[other - 1] in PAIRS for one, other in zip(i, j, strict=True))


def test_energies_are_those_of_the_library_called_by_hand(rna, start, real):
    target, queries = real
    found = start().duplexes(target, queries)
    assert energies(found) == pytest.approx([by_hand(rna, target, query) for query in queries], abs=1e-9)
    assert sum(duplex is not None for duplex in found) >= 4
    for duplex, query in zip(found, queries, strict=True):
        if duplex is not None:
            check_pairs(duplex, target, query)


@pytest.mark.parametrize("length", [6, 7, 12, 39, 40, 41, 99, 151])
def test_short_targets_are_looked_up_rightly(rna, start, length):
    rng = np.random.default_rng(length)
    target = "".join(rng.choice(list("ACGU"), length - 6)) + "GGCACC"
    queries = ["GGUGCC", "AAGGUGCCAA", "GGUGCCN", "".join(rng.choice(list("ACGU"), 40))]
    assert energies(start().duplexes(target, queries)) == pytest.approx(
        [by_hand(rna, target, query) for query in queries], abs=1e-9
    )


@pytest.mark.parametrize("sequence", ["GGGAAACUCCC", "GGCACUUCGGUGCCA", "ACGGGCUUAGCCGUUA", "GCGCAAAAGCGCN"])
def test_unpairing_is_that_of_all_structures(rna, sequence):
    """From each structure by itself, with its energy."""
    size, kt = len(sequence), 1.98717e-3 * 310.15
    structures = rna.fold_compound(sequence).subopt(10000)
    weights = np.exp([-structure.energy / kt for structure in structures])
    unpaired = np.array([[letter == "." for letter in structure.structure] for structure in structures])
    cost = unpairing(rna, sequence)
    for end in range(1, size + 1):
        for length in range(1, end + 1):
            free = unpaired[:, end - length : end].all(axis=1)
            assert cost[end, length] == pytest.approx(-kt * np.log(weights[free].sum() / weights.sum()), abs=0.01)
        assert np.isinf(cost[end, end + 1 :]).all()


def test_what_cannot_pair_has_no_duplex(start):
    engine = start()
    assert engine.duplexes("A" * 50, ["A" * 20, "N" * 20, "GGGGGG"]) == [None, None, None]
    assert engine.duplexes("N" * 50, ["ACGUACGU"]) == [None]
    assert engine.duplexes("GGGGG" + "A" * 40, ["CCCCC"]) == [None]  # five pairs do not make a stack
    assert engine.duplexes("GGGGGG" + "A" * 40, ["CCCCCC"]) != [None]


def test_a_long_query_is_searched_all_along(start):
    """Far from its start, and without the limits of a segment being passed."""
    site = "GGCACUACGGUCA"
    partner = "UGACCGUAGUGCC"
    target = "A" * 30 + site + "A" * 30
    befores = (0, 25, 39, 61, 100)
    queries = ["A" * before + partner + "A" * 17 for before in befores]
    for before, duplex in zip(befores, start().duplexes(target, queries), strict=True):
        assert (duplex.target_start, duplex.query_start) == (31, before + 1)
        assert duplex.structure == "(" * 13 + "&" + ")" * 13


def test_warm_and_cold_caches_and_none_give_the_same(start, real, tmp_path):
    target, queries = real
    cache = tmp_path / "deep" / "cache"
    expected = start().duplexes(target, queries)
    assert start(cache=str(cache)).duplexes(target, queries) == expected
    (kept,) = (path for path in cache.rglob("*") if path.is_file())  # of the target alone
    content = kept.read_bytes()
    written = kept.stat().st_mtime_ns
    assert start(cache=str(cache)).duplexes(target, queries) == expected
    assert kept.stat().st_mtime_ns == written
    for damaged in (content[:-1], b""):
        kept.write_bytes(damaged)
        assert start(cache=str(cache)).duplexes(target, queries) == expected
        assert kept.read_bytes() == content


def test_kept_accessibilities_are_used(start, real, tmp_path):
    target, queries = real
    start(cache=str(tmp_path)).duplexes(target, queries)
    (kept,) = (path for path in tmp_path.rglob("*") if path.is_file())
    with kept.open("r+b") as handle:
        np.save(handle, np.full_like(np.load(kept), np.inf))
    assert start(cache=str(tmp_path)).duplexes(target, queries) == [None] * len(queries)


def test_threads_give_what_one_gives(start, real):
    target, queries = real
    engine = start()
    targets = [target, target[:150], target[150:], target[::-1]]
    expected = [engine.duplexes(one, queries) for one in targets]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda one: engine.duplexes(one, queries), targets)) == expected


def test_version_is_told(rna, start):
    assert start().version == f"ViennaRNA {rna.__version__}"


@pytest.mark.parametrize("settings", [{"preset": "mirna"}, {"args": ("--noLP",)}])
def test_presets_and_arguments_are_refused(settings):
    with pytest.raises(UsageError, match=r"means nothing to the engine|takes no arguments"):
        ENGINES.load("viennarna")(EngineSettings(**settings))


def test_a_missing_package_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setattr("cupid_tools.energy.engines.viennarna.find_spec", lambda name: None)
    with pytest.raises(MissingError, match=re.escape('not installed (pip install "cupid-tools[energy]")')):
        ENGINES.load("viennarna")(EngineSettings())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("raise ImportError('libgsl.so')", "cannot be loaded: ViennaRNA: ImportError: libgsl.so"),
        ("os.kill(os.getpid(), signal.SIGILL)", "cannot be loaded: ViennaRNA was ended by SIGILL"),
        ("os._exit(3)", "cannot be loaded: ViennaRNA ended with exit status 3"),
        ("", "cannot be loaded: ViennaRNA: AttributeError"),
    ],
)
def test_a_broken_package_is_missing(stand_in, line, words):
    with pytest.raises(MissingError, match=words):
        stand_in(line)


FAKE = [
    "__version__ = '9.9'",
    "def pfl_fold_up(sequence, u, window, span):",
    "    return [(0.0,) + (1.0,) * u for _ in range(len(sequence) + 1)]",
    "class Hit:",
    "    i, j, energy, structure = 7, 1, -5.0, '((((((.&.))))))'",
    "def duplex_subopt(query, target, delta, w):",
    "    if query == 'AAAAAAA': os.kill(os.getpid(), signal.SIGSEGV)",
    "    if query == 'CCCCCCC': time.sleep(60)",
    "    if query == 'GGGGGGG': raise MemoryError('much too long')",
    "    os.write(1, b'a warning of the library\\n'); print('and of Python')",
    "    return (Hit(),)",
]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("AAAAAAA", "ViennaRNA was ended by SIGSEGV; it crashed"),
        ("CCCCCCC", "ViennaRNA did not end within 2 s"),
        ("GGGGGGG", "ViennaRNA: MemoryError: much too long"),
    ],
)
def test_a_failing_call_costs_that_call_alone(stand_in, query, words):
    """Also where the library prints something between the answers."""
    engine = stand_in(*FAKE, timeout=2.0)
    expected = [(-5.0, 2, 7, 1, 6, "((((((&))))))")] * 2
    assert engine.duplexes("UUUUUUU", ["UUUUUUU"] * 2) == expected
    with pytest.raises(EngineError, match=words):
        engine.duplexes("UUUUUUU", ["UUUUUUU", query])
    assert engine.duplexes("UUUUUUU", ["UUUUUUU"] * 2) == expected


def test_closing_interrupts_calls_and_leaves_no_process(stand_in, monkeypatch):
    started = []

    class Noted(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    engine = stand_in(*FAKE)
    engine.duplexes("UUUUUUU", ["UUUUUUU"])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(engine.duplexes, "UUUUUUU", ["CCCCCCC"])
        while not engine._busy:
            time.sleep(0.01)
        engine.close()
        with pytest.raises(ClosedError):
            waiting.result(timeout=30)
    with pytest.raises(ClosedError):
        engine.duplexes("UUUUUUU", ["UUUUUUU"])
    assert started
    assert all(process.returncode is not None for process in started)  # ended, and waited for


def test_a_process_ends_with_its_input():
    done = subprocess.run(WORKER, input="", capture_output=True, text=True, timeout=60, check=True)
    (line,) = done.stdout.splitlines()
    assert list(json.loads(line)) == ["version"]
