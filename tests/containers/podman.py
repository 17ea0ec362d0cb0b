"""A podman with storage of its own, and the images that containers/Dockerfile makes in it.

The base that the Dockerfile asks for is made here, of Debian's packages, in place of the one that its default names by
digest. What is built stays in a cache folder: a second session builds what has changed.

    with tempfile.TemporaryDirectory() as folder, Podman(Path(folder)) as podman:
        podman("run", "--rm", *podman.closed, podman.build("app"), "cupid-score", "--help")
"""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
from functools import cache
from pathlib import Path

from cupid_tools import __version__
from tests.cache import CACHE, kept

PROGRAMS = ("podman", "runc", "mmdebstrap")
ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "containers" / "Dockerfile"
RELEASE = "bookworm"
BASE = f"docker.io/library/debian:{RELEASE}-slim"
CLOSED = (
    "--network",
    "none",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
    "--read-only",
    "--tmpfs",
    "/tmp",
)
"""Nothing but /tmp can be written, beside what is mounted."""
USER = 1234
"""A user and a group whom the image does not know."""
SLOW = 1200
"""Seconds that a test may take which builds an image, on a busy machine."""

CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
tmp_dir = "/run/cupid-tools-tests/tmp"
[network]
network_backend = "netavark"
"""
STORAGE_CONF = f"""\
[storage]
driver = "overlay"
graphroot = "{CACHE}/podman"
runroot = "/run/cupid-tools-tests/run"
"""
NEXTFLOW_CONFIG = """\
podman.enabled = true
podman.runOptions = '{options}'
process.container = '{image}'
"""


def missing():
    """What a :class:`Podman` needs and this machine lacks."""
    return [name for name in PROGRAMS if shutil.which(name) is None] + ["root"] * (os.geteuid() != 0)


def bootstrap(folder):
    """Write a small Debian as ``base.tar`` into *folder*."""
    folder.mkdir()
    options = ["--quiet", "--variant=minbase", "--include=ca-certificates"]
    subprocess.run(["mmdebstrap", *options, RELEASE, folder / "base.tar"], check=True, stdin=subprocess.DEVNULL)


def base():
    """The small Debian as a tar archive, made once (30 s)."""
    return kept(f"debian-{RELEASE}", bootstrap) / "base.tar"


def without_python(files):
    """Path -> bytes with the version of Python left out, which reports tell: the image has that of its Debian."""
    told = re.compile(rb'(Python(?:": "|</th><td class="text"><code>))[0-9.]+')
    return {path: told.sub(rb"\1", text) for path, text in files.items()}


def wheels():
    """The folder of wheels that pip here looks into, if there is one."""
    folder = Path(os.environ.get("PIP_FIND_LINKS") or "/nowhere")
    return folder if folder.is_dir() and any(folder.iterdir()) else None


def variant():
    """``cpu`` where pip here knows a torch without CUDA, as the index of a public build has it; else ``gpu``."""
    return "cpu" if wheels() and any("+cpu" in path.name for path in wheels().glob("torch-*")) else "gpu"


class Podman:
    """A context manager; *folder* holds its settings."""

    def __init__(self, folder):
        self.folder = folder
        self.env = {
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        }
        """What podman, and a Nextflow that starts it, needs in its environment."""

    def __enter__(self):
        for name, text in (("containers", CONTAINERS_CONF), ("storage", STORAGE_CONF)):
            (self.folder / f"{name}.conf").write_text(text, encoding="utf-8")
        if self.run("image", "exists", BASE).returncode:
            self("import", "--quiet", "--change", 'CMD ["bash"]', base(), BASE)
        return self

    def __exit__(self, *exception):
        self("rm", "--all", "--force", "--time", "0")

    def __call__(self, *command, timeout=1800):
        """Run podman: ``podman("run", "--rm", image, "ps")``; what it writes on stdout."""
        done = self.run(*command, timeout=timeout)
        if done.returncode:
            raise RuntimeError(
                f"podman {command[0]} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
            )
        return done.stdout

    def run(self, *command, timeout=600):
        """Run podman to any end: a CompletedProcess with stdout and stderr as text."""
        return subprocess.run(
            ["podman", *map(str, command)],
            env=os.environ | self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )

    @cache  # noqa: B019 - one object a session
    def build(self, target):
        """The name of the image of a stage of containers/Dockerfile, built where it has changed (5 min at first)."""
        for stage in ("builder", target):  # what has a name is kept for the next session
            name = self.build_stage(stage, "--layers")
        self("image", "prune", "--force")
        return name

    def build_stage(self, stage, *options, name=f"localhost/cupid-tools:{__version__}", **others):
        """Build one stage with *options* of podman build and *others* as build arguments; the name of the image."""
        settings = {"BASE": BASE, "VARIANT": variant(), "TORCH_INDEX": "", **others}
        options += tuple(f"--build-arg={setting}={value}" for setting, value in settings.items())
        options += (f"--volume={self._settings_of_pip()}:/etc/xdg/pip:ro",)
        options += (f"--volume={wheels()}:{wheels()}:ro",) * bool(wheels())
        context = ["--target", stage, "--tag", f"{name}-{stage}", "--file", DOCKERFILE, ROOT]
        self("build", "--pull=never", "--network=host", *options, *context)
        return f"{name}-{stage}"

    def config(self, image):
        """Settings of Nextflow, to run its tasks in *image*: ``nextflow run main.nf -c CONFIG``."""
        path = self.folder / "podman.config"
        options = CLOSED[: CLOSED.index("--tmpfs")]  # podman gives one anyway; Nextflow may mount /tmp of the machine
        path.write_text(NEXTFLOW_CONFIG.format(options=" ".join(options), image=image), encoding="utf-8")
        return path

    def _settings_of_pip(self):
        """A folder that tells pip in a build what pip here is told by its environment."""
        folder = CACHE / "pip"  # of one name always, which is part of what podman knows a layer by
        folder.mkdir(exist_ok=True, parents=True)
        shutil.copy(os.environ.get("PIP_CERT") or ssl.get_default_verify_paths().cafile, folder / "ca.pem")
        settings = {"cert": "/etc/xdg/pip/ca.pem", "find-links": wheels(), "index-url": os.environ.get("PIP_INDEX_URL")}
        lines = [f"{name} = {value}\n" for name, value in settings.items() if value]
        (folder / "pip.conf").write_text("".join(["[global]\n", *lines]), encoding="utf-8")
        return folder
