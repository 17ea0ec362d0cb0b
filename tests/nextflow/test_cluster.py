"""The pipeline on a real SLURM of two nodes: whatever is lost on the way, the results are those of this machine."""

import pytest

from tests.nextflow.launcher import remembered
from tests.nextflow.slurm import NODES
from tests.nextflow.training import TIMEOUT, differing, published, statuses, trace

TASKS = 16


@pytest.fixture
def command(train, slurm):
    return [*train, "-profile", "test,slurm", "-c", slurm.config]


def job_name(task):
    """How SLURM calls the job of a task: TRAIN:LEARN:CUPID_TRAIN (small mlp)."""
    return "nf-" + task.replace(":", "_").replace(" ", "_")


def test_two_nodes_publish_what_one_machine_does(nextflow, slurm, command, trained_here, tmp_path):
    done = nextflow(*command, cwd=tmp_path, env=slurm.env, timeout=TIMEOUT)
    assert done.returncode == 0, done.stdout
    assert statuses(tmp_path) == {"COMPLETED": TASKS}
    assert {job.node for job in slurm.jobs()} == set(NODES)
    assert differing(published(tmp_path), trained_here) == set()


def test_a_node_lost_while_it_trains_costs_one_task(nextflow, slurm, command, trained_here, tmp_path):
    def training():
        return [job for job in slurm.jobs() if "CUPID_TRAIN" in job.name and job.state == "RUNNING"]

    with nextflow.start(*command, cwd=tmp_path, env=slurm.env) as run:
        run.wait_for(training, TIMEOUT)
        (lost, *_) = training()
        slurm.stop_node(lost.node)
        assert run.wait(TIMEOUT) == 0, run.text
    assert statuses(tmp_path) == {"FAILED": 1, "COMPLETED": TASKS}
    assert [row["status"] for row in trace(tmp_path) if job_name(row["name"]) == lost.name] == ["FAILED", "COMPLETED"]
    assert [job.state for job in slurm.jobs() if job.name == lost.name] == ["NODE_FAIL", "COMPLETED"]
    assert differing(published(tmp_path), trained_here) == set()


def test_a_killed_run_is_resumed_without_repeating_a_finished_task(nextflow, slurm, command, trained_here, tmp_path):
    with nextflow.start(*command, cwd=tmp_path, env=slurm.env) as run:
        run.wait_for(lambda: remembered(tmp_path) > TASKS // 2, TIMEOUT)
        run.kill()
    assert "not complete" in (tmp_path / "results" / "README.md").read_text()
    finished, submitted = remembered(tmp_path), len(slurm.jobs())
    done = nextflow(*command, "-resume", cwd=tmp_path, env=slurm.env, timeout=TIMEOUT)
    assert done.returncode == 0, done.stdout
    assert statuses(tmp_path) == {"CACHED": finished, "COMPLETED": TASKS - finished}
    assert len(slurm.jobs()) == submitted + TASKS - finished
    assert "The run is complete." in (tmp_path / "results" / "README.md").read_text()
    assert differing(published(tmp_path), trained_here) == set()
