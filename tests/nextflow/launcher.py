"""Nextflow, real: the one on PATH, else built from Maven Central into a cache folder (20 s, once).

    python -m tests.nextflow.launcher run nextflow/main.nf -profile test

runs it without pytest, which is what a developer or a benchmark wants. Only the standard library is needed.
"""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cache import kept

POM = Path(__file__).with_name("pom.xml")
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
OPENED = ("java.lang", "java.io", "java.nio", "java.net", "java.util", "java.util.concurrent", "java.util.regex")
OPENS = " ".join(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in (*OPENED, "sun.nio.ch", "sun.nio.fs"))
SCRIPT = f"""#!/bin/sh
# There are no plugins in these jars, and none is looked for. The settings of Java halve the time of short runs.
export NXF_OFFLINE=true NXF_PLUGINS_DEFAULT=false
exec java -Xmx1g -XX:+UseSerialGC -XX:TieredStopAtLevel=1 {OPENS} \\
    -cp "$(dirname "$0")/jars/*" nextflow.cli.Launcher "$@"
"""


def build(folder):
    """Write the jars of Nextflow, and the program ``nextflow`` that runs them, into *folder*."""
    (folder / "jars").mkdir(parents=True)
    copy = ["mvn", "--quiet", "--batch-mode", "--file", POM, COPY, f"-DoutputDirectory={folder / 'jars'}"]
    subprocess.run(copy, check=True, stdin=subprocess.DEVNULL)
    (folder / "nextflow").write_text(SCRIPT, encoding="utf-8")
    (folder / "nextflow").chmod(0o755)


def path_with_tools():
    """PATH with the tools that are installed beside this Python, for the tasks of a pipeline."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def missing():
    """What :func:`program` needs and this machine lacks."""
    return [] if shutil.which("nextflow") else [name for name in ("java", "mvn") if shutil.which(name) is None]


def program():
    """The path of a ``nextflow`` that runs."""
    recipe = hashlib.sha256(POM.read_bytes() + SCRIPT.encode()).hexdigest()[:8]
    return shutil.which("nextflow") or str(kept(f"nextflow-{recipe}", build) / "nextflow")


@dataclass
class Run:
    """A Nextflow in the background, with all that it starts on this machine."""

    process: subprocess.Popen
    log: Path
    """What it says, stdout and stderr together."""

    @property
    def text(self):
        return self.log.read_text(encoding="utf-8")

    def kill(self):
        """Kill -9 of Nextflow and of the tasks that it runs itself, as when the machine that it runs on loses power."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def wait(self, timeout=100):
        """Its exit code."""
        return self.process.wait(timeout)

    def wait_for(self, condition, timeout=100):
        """Wait until ``condition()`` is true while Nextflow runs."""
        end = time.monotonic() + timeout
        while not condition():
            if self.process.poll() is not None or time.monotonic() > end:
                raise TimeoutError(f"waited in vain for {condition}; Nextflow says:\n{self.text}")
            time.sleep(0.1)


@dataclass
class Nextflow:
    """Run Nextflow: ``nextflow("run", script, cwd=folder)``; its log and work folder lie in *cwd*."""

    home: Path
    """NXF_HOME: settings and histories of the user are neither read nor written."""
    path: str = field(default_factory=program)

    def __call__(self, *args, cwd, env=None, timeout=110):
        """Run to the end; a CompletedProcess with stdout and stderr as text."""
        return subprocess.run(**self._process(args, cwd, env), capture_output=True, text=True, timeout=timeout)

    @contextmanager
    def start(self, *args, cwd, env=None):
        """Run in the background: a :class:`Run`, which is killed at the end of the block where it has not ended."""
        log = Path(cwd, "nextflow.out")
        with log.open("w") as out:
            process = subprocess.Popen(
                **self._process(args, cwd, env), stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
        run = Run(process, log)
        try:
            yield run
        finally:
            if process.poll() is None:
                run.kill()

    def _process(self, args, cwd, env):
        quiet = {"NXF_HOME": str(self.home), "NXF_ANSI_LOG": "false", "NXF_DISABLE_CHECK_LATEST": "true"}
        command = [self.path, *map(str, args)]
        return {
            "args": command,
            "cwd": cwd,
            "stdin": subprocess.DEVNULL,
            "env": os.environ | quiet | {"NXF_OFFLINE": "true"} | (env or {}),
        }


def read_trace(path):
    """The rows of a trace.txt (``-with-trace trace.txt``), each a dict: ``row["name"]``, ``row["status"]``, ..."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def remembered(cwd):
    """How many finished tasks a Nextflow in *cwd* will find again with -resume; it notes each soon after its end."""
    return sum(log.read_bytes().count(b"COMPLETE") for log in Path(cwd).glob(".nextflow/cache/*/db/*.log"))


if __name__ == "__main__":
    if missing():
        sys.exit(f"launcher.py: install {' and '.join(missing())}, or put nextflow on PATH")
    os.environ["PATH"] = path_with_tools()
    os.execv(program(), ["nextflow", *sys.argv[1:]])
