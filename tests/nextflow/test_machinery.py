"""What the other tests of the pipeline rely on: Nextflow, SLURM and podman are real, and fail as real ones do."""

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.containers import podman as podmans
from tests.nextflow import launcher
from tests.nextflow import slurm as slurms
from tests.nextflow.launcher import read_trace, remembered
from tests.nextflow.slurm import NODES
from tests.programs import require

RETRIED = """
process TRIED {
    memory { 100.MB * task.attempt }
    errorStrategy { task.exitStatus in [75, 137, 143, Integer.MAX_VALUE] ? 'retry' : 'terminate' }
    maxRetries 2

    script:
    \"""
    echo 'the words of the tool' >&2
    test ${task.attempt} -gt 1 || exit ${params.code}
    test ${task.memory.toMega()} -eq 200
    \"""
}

workflow {
    TRIED()
}
"""

NAPS = """
process NAP {
    tag "${n}"
    memory 100.MB
    errorStrategy { task.exitStatus == Integer.MAX_VALUE ? 'retry' : 'terminate' }
    maxRetries 1

    input:
    val n

    output:
    path 'nap.txt'

    script:
    \"""
    test ${n} -eq 2 || while [ ! -e ${params.gate} ]; do sleep 0.1; done
    echo ${n} > nap.txt
    \"""
}

workflow {
    NAP(channel.of(1, 2))
}
"""

FILTERED = """
process FILTER {
    input:
    path pairs
    path fasta

    output:
    path 'kept.tsv'

    script:
    \"""
    cupid-filter --version > version.txt
    cupid-filter ${pairs} -f ${fasta} -o kept.tsv --fasta-out kept.fa
    ls /sys/class/net > networks.txt
    grep CapEff /proc/self/status > capabilities.txt
    \"""
}

workflow {
    FILTER(file(params.pairs), file(params.fasta))
}
"""


@pytest.fixture
def script(tmp_path):
    """Write a pipeline."""

    def write(text):
        path = tmp_path / "main.nf"
        path.write_text(text)
        return path

    return write


def statuses(trace):
    """How many tasks ended how."""
    return Counter(row["status"] for row in read_trace(trace))


def processes_of(folder):
    """Processes of this machine whose environment names *folder*."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            found += [path.name] if os.fsencode(folder) in (path / "environ").read_bytes() else []
        except OSError:  # ended meanwhile
            continue
    return found


def test_exit_75_is_retried_with_more_memory(nextflow, script, tmp_path):
    done = nextflow("run", script(RETRIED), "--code", 75, "-with-trace", "trace.txt", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert statuses(tmp_path / "trace.txt") == {"FAILED": 1, "COMPLETED": 1}


def test_exit_3_ends_the_run_with_the_words_of_the_tool(nextflow, script, tmp_path):
    done = nextflow("run", script(RETRIED), "--code", 3, "-with-trace", "trace.txt", cwd=tmp_path)
    assert done.returncode == 1
    assert "the words of the tool" in done.stdout
    assert [row["exit"] for row in read_trace(tmp_path / "trace.txt")] == ["3"]


def test_a_killed_nextflow_goes_on_with_what_is_not_finished(nextflow, script, tmp_path):
    gate = tmp_path / "gate"
    command = ["run", script(NAPS), "--gate", gate, "-with-trace", "trace.txt"]
    with nextflow.start(*command, cwd=tmp_path) as run:
        run.wait_for(lambda: remembered(tmp_path))
        run.kill()
    assert not processes_of(tmp_path / "work")
    gate.touch()
    (tmp_path / "trace.txt").unlink()
    done = nextflow(*command, "-resume", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert statuses(tmp_path / "trace.txt") == {"CACHED": 1, "COMPLETED": 1}


def test_a_lost_node_is_survived(nextflow, slurm, script, tmp_path):
    gate = tmp_path / "gate"
    command = ["run", script(NAPS), "--gate", gate, "-c", slurm.config, "-with-trace", "trace.txt"]
    with nextflow.start(*command, cwd=tmp_path, env=slurm.env) as run:
        run.wait_for(lambda: ("nf-NAP_(1)", "RUNNING") in [job[:2] for job in slurm.jobs()])
        (node,) = [job.node for job in slurm.jobs() if job.name == "nf-NAP_(1)"]
        slurm.stop_node(node)
        gate.touch()
        assert run.wait() == 0, run.text
    assert "terminated for an unknown reason" in run.text
    assert statuses(tmp_path / "trace.txt") == {"FAILED": 1, "COMPLETED": 2}
    states = [job.state for job in slurm.jobs() if job.name == "nf-NAP_(1)"]
    assert states == ["NODE_FAIL", "COMPLETED"]
    assert slurm.state(node) == "down*"
    slurm.start_node(node)
    assert sorted(slurm.ask("srun", "--nodes", "2", "printenv", "SLURMD_NODENAME").split()) == list(NODES)


def test_no_daemon_outlives_its_cluster(slurm):
    assert len(processes_of(slurm.folder)) >= 4
    slurm.__exit__()
    assert not processes_of(slurm.folder)


def test_tools_run_in_a_container_without_network_or_capabilities(
    nextflow, podman, closed, script, data, tool, tmp_path
):
    pairs, fasta = data / "pairs.tsv", data / "rnas.fa"
    command = ["run", script(FILTERED), "--pairs", pairs, "--fasta", fasta, "-c", closed]
    done = nextflow(*command, cwd=tmp_path, env=podman.env)
    assert done.returncode == 0, done.stdout
    (work,) = tmp_path.glob("work/*/*/")
    assert (work / "networks.txt").read_text().split() == ["lo"]
    assert (work / "capabilities.txt").read_text().split() == ["CapEff:", "0" * 16]
    assert (work / "version.txt").read_text() == tool("filter", "--version").stdout
    shell = tmp_path / "shell.tsv"
    assert tool("filter", pairs, "-f", fasta, "-o", shell).code == 0
    assert (work / "kept.tsv").read_bytes() == shell.read_bytes()


def test_what_is_missing_is_told_and_fails_only_in_ci(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="Nextflow needs java, mvn on this machine"):
        require(launcher.missing(), "Nextflow")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="munged, slurmctld"):
        require(slurms.missing(), "SLURM")
    with pytest.raises(pytest.fail.Exception, match="podman, runc, mmdebstrap"):
        require(podmans.missing(), "podman")
