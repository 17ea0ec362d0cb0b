"""Which failures of a task are repeated, with what, and what the user's screen shows of those that are not."""

import pytest

from tests.chain import KMER
from tests.nextflow.training import FIELDS, MAIN, PAIRS, RNAS, trace

FAILS_ONCE = """
process {
    withName: CUPID_EMBED {
        beforeScript = { task.attempt == 1 ? "exit ${[75, 137, 143][meta.block[0].toInteger() - 1]}" : '' }
    }
    withName: CUPID_EMBED_MERGE {
        beforeScript = { "test ${task.attempt} -gt 2 || exit 137" }
    }
}
"""
EMBED = ("--workflow", "embed", *KMER, "--fasta")


@pytest.fixture
def run(nextflow, tmp_path):
    """Run the pipeline with a configuration: its exit code, what the user's screen shows, and the tasks in order."""

    def run(*args, config=""):
        (tmp_path / "more.config").write_text(FIELDS + config)
        done = nextflow("run", MAIN, *args, "-c", tmp_path / "more.config", cwd=tmp_path)
        tasks = trace(tmp_path)
        return done.returncode, done.stdout + done.stderr, sorted(tasks, key=lambda row: (row["name"], row["attempt"]))

    return run


def test_want_of_memory_or_time_is_repeated_with_more_of_both(run):
    code, screen, tasks = run(*EMBED, RNAS, "--embed-block", "60.KB", config=FAILS_ONCE)
    assert code == 0, screen
    steps = {
        name: [(row["exit"], row["time"]) for row in tasks if f"CUPID_{name}" in row["name"]]
        for name in ("EMBED (data data 1/3)", "EMBED (data data 2/3)", "EMBED (data data 3/3)", "EMBED_MERGE")
    }
    assert list(steps.values()) == [
        [("75", "8h"), ("0", "16h")],
        [("137", "8h"), ("0", "16h")],
        [("143", "8h"), ("0", "16h")],
        [("137", "4h"), ("137", "8h"), ("0", "12h")],
    ]
    merges = [row["memory"] for row in tasks if "MERGE" in row["name"]]
    assert merges[0] == "4 GB"
    assert merges[0] != merges[1]
    assert sum(row["status"] == "COMPLETED" for row in tasks) == 4


def test_want_of_memory_that_stays_ends_the_run(run):
    code, screen, tasks = run(*EMBED, RNAS, config="process.beforeScript = 'exit 137'\n")
    assert code != 0
    assert [row["attempt"] for row in tasks] == ["1", "2", "3", "4"]
    assert "terminated with an error exit status (137)" in screen


@pytest.mark.parametrize(
    ("args", "exit_code", "words"),
    [
        ([*EMBED, PAIRS], "3", "cupid-embed: ERROR: rnas/pairs.tsv:1: "),
        (
            ["--workflow", "embed", "--encoder", "rnafm", "--weights-dir", ".", "--fasta", RNAS],
            "4",
            "cupid-embed: ERROR: the weights of rnafm are not in ",
        ),
    ],
    ids=["bad input", "no weights"],
)
def test_what_cannot_get_better_is_not_repeated(run, args, exit_code, words):
    code, screen, tasks = run(*args)
    assert code != 0
    assert [(row["exit"], row["attempt"]) for row in tasks] == [(exit_code, "1")]
    assert words in screen


def test_without_a_gpu_the_gpu_profile_refuses(run):
    scored = ["--workflow", "score", "--model", "builtin", "--fasta", RNAS, "--pairs", PAIRS]
    code, screen, tasks = run("-profile", "gpu", *scored, config="env.CUDA_VISIBLE_DEVICES = ''\n")
    assert code != 0
    assert [(row["exit"], row["attempt"]) for row in tasks] == [("4", "1")]
    assert "cupid-score: ERROR: device cuda is not there (0 found)" in screen
