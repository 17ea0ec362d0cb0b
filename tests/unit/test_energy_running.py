"""Many pairs through an engine that may fail: grouped, in order, resumed, with the one to blame found."""

import signal
import threading
import time

import numpy as np
import pandas as pd
import pytest

from cupid_tools.energy import running
from cupid_tools.energy.engines.base import ClosedError, Duplex, EngineError
from cupid_tools.energy.journal import FAILED, NO_INTERACTION, OK, TOO_SHORT, Journal, Result
from cupid_tools.energy.running import Significance, run_tasks
from cupid_tools.energy.table import turned
from cupid_tools.energy.tasks import NOT_ASKED, collect_tasks
from cupid_tools.errors import CupidError, InputError
from cupid_tools.io.pairs import PairTable
from cupid_tools.vocab import Rna

PLAIN = Significance(0, 1)


class FakeEngine:
    """Energy is minus the number of G in the query; none is no interaction. Notes every call that asks for a G."""

    version, fingerprint, shortest, keeps = "Fake 1", "", 3, False

    def __init__(self, bad=(), wait=0.0):
        self.bad, self.wait = set(bad), wait
        self.calls = []
        self.closed = threading.Event()

    def duplexes(self, target, queries):
        if set(target + queries[0]) != {"A"}:  # whether it works at all
            self.calls.append((target, list(queries)))
            if self.closed.wait(self.wait):
                raise ClosedError
        if self.bad.intersection([target, *queries]) or "all" in self.bad:
            raise EngineError("cannot take it")
        return [Duplex(-q.count("G"), 1, 1, 1, 1, "(&)") if "G" in q else None for q in queries]

    def close(self):
        self.closed.set()


def rnas_of(**sequences):
    return {
        name: Rna(name, sequence, "miRNA" if name.startswith("m") else "lncRNA") for name, sequence in sequences.items()
    }


def table_of(*pairs, **columns):
    frame = pd.DataFrame(list(pairs), columns=["id_a", "id_b"], dtype=object).assign(**columns)
    return PairTable(frame.set_axis(np.arange(2, 2 + len(frame))), "pairs.tsv")


RNAS = rnas_of(m1="GGGAA", m2="GACUU", m3="AAAAA", m4="GCGCG", l1="ACGU" * 5, l2="UUGC" * 6, short="GG")


def solve(tmp_path, engine, pairs, rnas=RNAS, significance=PLAIN, jobs=2, name="results"):
    tasks = collect_tasks([table_of(*pairs)], rnas, "rnas.fa", None)
    with Journal(tmp_path / name) as journal:
        run_tasks(tasks, engine, journal, significance, jobs=jobs)
        return [journal[task] for task in tasks.of_row]


def test_one_call_for_each_target(tmp_path):
    engine = FakeEngine()
    pairs = [("m1", "l1"), ("l2", "m1"), ("m2", "l1"), ("m1", "l1"), ("l1", "m3"), ("m4", "l2")]
    results = solve(tmp_path, engine, pairs)
    assert [result.state for result in results] == [OK, OK, OK, OK, NO_INTERACTION, OK]
    assert [result.duplex and result.duplex.energy for result in results] == [-3, -3, -1, -3, None, -3]
    called = {target: sorted(queries) for target, queries in engine.calls}
    assert called == {
        RNAS["l1"].sequence: sorted(RNAS[name].sequence for name in ("m1", "m2", "m3")),
        RNAS["l2"].sequence: sorted(RNAS[name].sequence for name in ("m1", "m4")),
    }
    assert len(engine.calls) == 2


def test_the_query_is_the_mirna_or_the_shorter():
    rnas = {
        "mirna": Rna("mirna", "ACGUACGUAC", "miRNA"),
        "piece": Rna("piece", "ACGUA", "lncRNA"),
        "long": Rna("long", "ACGUACGUACGU", "lncRNA"),
        "twin": Rna("twin", "UCGUACGUACGU", "lncRNA"),
    }

    def query_of(a, b):
        tasks = collect_tasks([table_of((a, b))], rnas, "rnas.fa", None)
        assert tasks.swapped[0] == (tasks.sequences[tasks.query[0]] == rnas[a].sequence)
        return tasks.sequences[tasks.query[0]]

    for a, b, query in [("mirna", "piece", "mirna"), ("piece", "long", "piece"), ("long", "twin", "long")]:
        assert query_of(a, b) == query_of(b, a) == rnas[query].sequence


def test_letters_that_stand_for_several_are_n_and_equal_sequences_one_task():
    rnas = rnas_of(m1="ACGUR", m2="ACGUY", l1="ACGUACGUAA", l2="ACGUACGUAA")
    tasks = collect_tasks([table_of(("m1", "l1"), ("m2", "l2"))], rnas, "rnas.fa", None)
    assert len(tasks) == 1
    assert tasks.of_row.tolist() == [0, 0]
    assert "ACGUN" in tasks.sequences


def test_rows_of_other_splits_are_not_asked():
    table = table_of(("m1", "l1"), ("m2", "l1"), ("m3", "l1"), split=["train", "test", "valid"])
    tasks = collect_tasks([table], RNAS, "rnas.fa", ["valid", "test"])
    assert len(tasks) == 2
    assert tasks.of_row[0] == NOT_ASKED
    assert sorted(tasks.of_row[1:]) == [0, 1]


def test_an_unknown_rna_is_named_with_its_line():
    with pytest.raises(InputError, match=r"pairs.tsv:3: RNA 'none' is not in rnas.fa"):
        collect_tasks([table_of(("m1", "l1"), ("none", "l1"))], RNAS, "rnas.fa", None)


def test_what_the_engine_cannot_take_is_not_sent(tmp_path):
    engine = FakeEngine()
    results = solve(tmp_path, engine, [("short", "l1"), ("m1", "short"), ("m1", "l1")])
    assert [result.state for result in results] == [TOO_SHORT, TOO_SHORT, OK]
    assert [target for target, _ in engine.calls] == [RNAS["l1"].sequence]


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize("place", [0, 123, 299])
def test_one_bad_pair_is_found_and_the_others_kept(tmp_path, jobs, place):
    rng = np.random.default_rng(1)
    queries = sorted({"".join(rng.choice(list("ACGU"), 20)) for _ in range(300)})
    rnas = rnas_of(**{f"m{i}": query for i, query in enumerate(queries)}, l1="ACGU" * 10, l2="GGCA" * 10)
    engine = FakeEngine(bad=[queries[place]])
    pairs = [(f"m{i}", target) for target in ("l1", "l2") for i in range(300)]
    results = solve(tmp_path, engine, pairs, rnas, jobs=jobs)
    failed = [pair for pair, result in zip(pairs, results, strict=True) if result.state == FAILED]
    assert failed == [(f"m{place}", "l1"), (f"m{place}", "l2")]
    assert results[place].reason == "cannot take it"
    for (query, _), result in zip(pairs, results, strict=True):
        if result.state == OK:
            assert result.duplex.energy == -rnas[query].sequence.count("G")
    assert len(engine.calls) < 60  # halving, not one by one


@pytest.mark.parametrize("jobs", [1, 4])
def test_a_bad_target_is_not_tried_with_every_query(tmp_path, jobs):
    rnas = rnas_of(**{f"m{i}": "ACGUG" + "A" * i for i in range(40)}, **{f"l{i}": "ACGU" * (20 + i) for i in range(9)})
    engine = FakeEngine(bad=[rnas["l0"].sequence])
    pairs = [(f"m{i}", f"l{j}") for j in range(9) for i in range(40)]
    results = solve(tmp_path, engine, pairs, rnas, jobs=jobs)
    assert [result.state for result in results] == [FAILED] * 40 + [OK] * 320
    assert sum(target == rnas["l0"].sequence for target, _ in engine.calls) == 2


def test_an_engine_that_does_not_work_ends_the_run_at_once(tmp_path):
    rnas = rnas_of(**{f"m{i}": "ACGUG" + "A" * i for i in range(40)}, l1="ACGU" * 12)
    engine = FakeEngine(bad=["all"])
    with pytest.raises(CupidError, match="Fake 1 does not work: cannot take it"):
        solve(tmp_path, engine, [(f"m{i}", "l1") for i in range(40)], rnas)
    assert engine.closed.is_set()
    assert not engine.calls


def test_where_all_fails_the_run_fails_and_the_next_one_tries_again(tmp_path):
    pairs = [("m1", "l1"), ("m2", "l2")]
    for _ in range(2):
        engine = FakeEngine(bad=[RNAS["m1"].sequence, RNAS["m2"].sequence])
        with pytest.raises(CupidError, match="Fake 1 fails on every pair: cannot take it"):
            solve(tmp_path, engine, pairs)
        assert engine.calls
        assert list(tmp_path.iterdir()) == []
    assert [result.state for result in solve(tmp_path, FakeEngine(), pairs)] == [OK, OK]


def test_batches_have_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "BATCH_QUERIES", 7)
    rnas = rnas_of(**{f"m{i}": "ACG" + "A" * i for i in range(20)}, l1="ACGU" * 12)
    pairs = [(f"m{i}", "l1") for i in range(20)]
    engine = FakeEngine()
    solve(tmp_path, engine, pairs, rnas, jobs=1)
    assert sorted(len(queries) for _, queries in engine.calls) == [6, 7, 7]
    monkeypatch.setattr(running, "BATCH_CELLS", 48 * 30)
    engine = FakeEngine()
    results = solve(tmp_path, engine, pairs, rnas, name="again")
    assert max(sum(map(len, queries)) for _, queries in engine.calls) <= 60
    assert sum(len(queries) for _, queries in engine.calls) == 20 == len(results)


def test_one_target_is_divided_among_jobs(tmp_path):
    rnas = rnas_of(**{f"m{i}": "ACG" + "A" * i for i in range(20)}, l1="ACGU" * 12)
    engine = FakeEngine()
    solve(tmp_path, engine, [(f"m{i}", "l1") for i in range(20)], rnas, jobs=4)
    assert [len(queries) for _, queries in engine.calls] == [5] * 4


def test_energies_have_two_digits_and_what_is_0_then_is_no_interaction(tmp_path):
    class Fine(FakeEngine):
        def duplexes(self, target, queries):
            return [Duplex(-0.004 if "GGG" in query else -1.2345, 1, 1, 1, 1, "(&)") for query in queries]

    results = solve(tmp_path, Fine(), [("m1", "l1"), ("m2", "l1")])
    assert results == [Result(NO_INTERACTION), Result(OK, Duplex(-1.23, 1, 1, 1, 1, "(&)"))]


def test_shuffles_are_queries_of_the_same_call_and_depend_on_the_seed_alone(tmp_path):
    rnas = rnas_of(m1="GACGUAGGCUAGGACUA", m2="AAAAAAAAAA", l1="ACGU" * 9, l2="GGCA" * 10)
    pairs = [("m1", "l1"), ("m2", "l1"), ("m1", "l2")]

    def run(seed, jobs, name):
        engine = FakeEngine()
        return solve(tmp_path, engine, pairs, rnas, Significance(30, seed), jobs, name), engine.calls

    results, calls = run(1, 1, "one")
    assert sorted(len(queries) for _, queries in calls) == [31, 62]
    assert all(sorted(shuffle) == sorted(rnas["m1"].sequence) for shuffle in calls[-1][1])
    assert results[1] == Result(NO_INTERACTION, None, 1.0)
    assert all(0 < result.p_value <= 1 for result in results)
    assert run(1, 3, "two")[0] == results
    assert run(2, 1, "three")[1] != calls


def test_an_interruption_ends_what_runs(tmp_path):
    engine = FakeEngine(wait=60)
    tasks = collect_tasks([table_of(("m1", "l1"), ("m1", "l2"))], RNAS, "rnas.fa", None)

    def interrupt():
        while not engine.calls:
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    start = time.monotonic()
    with Journal(tmp_path / "results") as journal, pytest.raises(KeyboardInterrupt):
        run_tasks(tasks, engine, journal, PLAIN, jobs=1)
    assert time.monotonic() - start < 30
    assert engine.closed.is_set()


RESULTS = [
    Result(OK, Duplex(-4.03, 322, 336, 5, 16, "((((((((...((((&))))))))))))"), 0.0125),
    Result(NO_INTERACTION, None, 1.0),
    Result(TOO_SHORT),
    Result(FAILED, reason="it said:\ta\nstrange thing"),
    Result(OK, Duplex(-0.1 - 0.2, 1, 2, 3, 4, "((&))"), 1e-300),
]


def plain(result):
    return result._replace(reason=" ".join(result.reason.split()))


def test_a_journal_gives_back_what_it_was_given(tmp_path):
    with Journal(tmp_path / "journal") as journal:
        journal.append(RESULTS[:2])
        journal.append(RESULTS[2:])
        assert [journal[task] for task in range(len(journal))] == list(map(plain, RESULTS))
    with Journal(tmp_path / "journal") as journal:
        assert [journal[task] for task in range(len(journal))] == list(map(plain, RESULTS))


def test_a_journal_is_right_wherever_it_was_cut(tmp_path):
    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.append(RESULTS)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with Journal(path) as journal:
            found = [journal[task] for task in range(len(journal))]
            assert not found or found[-1].state != FAILED
            assert found == list(map(plain, RESULTS[: len(found)]))
            journal.append(RESULTS[len(found) :])
        assert path.read_bytes() == whole


def test_a_duplex_turned_twice_is_itself():
    duplex = Duplex(-4.2, 5, 8, 1, 4, "((.(&).))")
    assert turned(duplex) == Duplex(-4.2, 1, 4, 5, 8, "(.((&)).)")
    assert turned(turned(duplex)) == duplex
