"""The pipeline in containers that have no network, no capability and nothing to write but their work folder."""

from tests.containers.podman import without_python
from tests.nextflow.training import FIELDS, MAIN, RNAS, TIMEOUT, differing, published, trace


def test_containers_publish_what_one_machine_does(nextflow, podman, closed, train, trained_here, tmp_path):
    done = nextflow(*train, "-profile", "test,podman", "-c", closed, cwd=tmp_path, env=podman.env, timeout=TIMEOUT)
    assert done.returncode == 0, done.stdout
    assert differing(without_python(published(tmp_path)), without_python(trained_here)) == set()


def test_a_task_killed_for_want_of_memory_comes_back_with_more(nextflow, podman, closed, tmp_path):
    """The kernel itself kills what takes more than the container may have."""
    small = tmp_path / "small.config"
    small.write_text(
        f"process {{ withName: CUPID_EMBED {{ memory = {{ task.attempt > 1 ? 2.GB : 20.MB }} }} }}\n{FIELDS}"
    )
    command = ["run", MAIN, "--workflow", "embed", "--fasta", RNAS, "-profile", "podman"]
    done = nextflow(*command, "-c", closed, "-c", small, cwd=tmp_path, env=podman.env, timeout=TIMEOUT)
    assert done.returncode == 0, done.stdout
    tries = [(row["exit"], row["memory"]) for row in trace(tmp_path) if "MERGE" not in row["name"]]
    assert tries == [("137", "20 MB"), ("0", "2 GB")]
