"""The ways to start the pipeline, and what each profile makes of it."""

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.nextflow.training import ROOT

CLUSTER = {"process.resourceLimits": "[]", "executor.queueSize": "200"}
PROFILES = {
    "docker": {"docker.enabled": "true", "process.container": "'cupid-tools:0.1.0'"},
    "podman": {"podman.enabled": "true"},
    "singularity": {"singularity.enabled": "true", "singularity.autoMounts": "true"},
    "apptainer": {"apptainer.enabled": "true", "apptainer.autoMounts": "true"},
    "conda": {"conda.enabled": "true", "process.conda": f"'{ROOT}/nextflow/../containers/environment.yml'"},
    "gpu": {
        "process.'withLabel:process_gpu'.accelerator": "1",
        "process.'withLabel:process_gpu'.container": "'cupid-tools:0.1.0-gpu'",
    },
    "slurm": {"process.executor": "'slurm'"} | CLUSTER,
    "sge": {"process.executor": "'sge'", "process.penv": "'smp'"} | CLUSTER,
    "lsf": {"process.executor": "'lsf'"} | CLUSTER,
    "awsbatch": {"process.executor": "'awsbatch'"} | CLUSTER,
    "k8s": {"process.executor": "'k8s'"} | CLUSTER,
    "test,slurm,apptainer,gpu": {
        "process.executor": "'slurm'",
        "apptainer.enabled": "true",
        "process.'withLabel:process_gpu'.maxForks": "1",
        "params.input": f"'{ROOT}/nextflow/assets/test.csv'",
    }
    | CLUSTER,
}


@pytest.fixture(scope="module")
def settings(nextflow, tmp_path_factory):
    """Profile -> setting -> value, as Nextflow resolves them."""
    folder = tmp_path_factory.mktemp("settings")

    def resolve(profile):
        done = nextflow("config", ROOT / "nextflow", "-flat", "-profile", profile, cwd=folder)
        assert done.returncode == 0, done.stderr
        return dict(line.split(" = ", 1) for line in done.stdout.splitlines())

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(PROFILES, pool.map(resolve, PROFILES), strict=True))


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_resolves_to_what_it_is_for(settings, profile):
    assert PROFILES[profile].items() <= settings[profile].items()
    others = {"docker", "podman", "singularity", "apptainer", "conda"} - set(profile.split(","))
    assert not {f"{other}.enabled" for other in others} & settings[profile].keys()


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A bare Git repository with what of the pipeline is in ours: the tag 7.7.7 is not its last state."""
    folder = tmp_path_factory.mktemp("git")
    tree, bare = folder / "tree", folder / "cupid-tools.git"
    for name in ("nextflow", "test-data", "cupid_tools/models/builtin"):
        shutil.copytree(ROOT / name, tree / name)
    shutil.copy(ROOT / "nextflow.config", tree)

    def git(*words):
        subprocess.run(["git", "-C", tree, "-c", "user.name=t", "-c", "user.email=t@t", *words], check=True)

    git("init", "--quiet", "--initial-branch=main")
    git("add", "--all")
    git("commit", "--quiet", "--message=Release")
    git("tag", "7.7.7")
    (tree / "nextflow" / "main.nf").write_text("Later work\n")
    git("commit", "--quiet", "--all", "--message=Go on")
    git("clone", "--quiet", "--bare", ".", bare)
    return bare


def test_the_pipeline_starts_from_a_tag_in_git(nextflow, repository, tmp_path):
    env = {"NXF_ASSETS": str(tmp_path / "assets")}
    words = ["--workflow", "score", "--model", "builtin", "-profile", "test"]
    pulled = nextflow("pull", f"file://{repository}", "-r", "7.7.7", cwd=tmp_path, env=env)
    assert pulled.returncode == 0, pulled.stdout
    done = nextflow("run", "local/cupid-tools", "-r", "7.7.7", *words, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stdout
    assert "[7.7.7]" in done.stdout
    assert (tmp_path / "results" / "human" / "scores" / "scores.tsv").stat().st_size > 10_000
    assert "The run is complete." in (tmp_path / "results" / "README.md").read_text()


def test_the_pipeline_starts_from_the_root_of_a_clone(nextflow, tmp_path):
    done = nextflow("run", ROOT, "--workflow", "embed", "-profile", "test", "-stub-run", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "results" / "human" / "embeddings").is_dir()
    assert "The run is complete." in (tmp_path / "results" / "README.md").read_text()
