"""A real Galaxy with planemo: installed from PyPI into a cache folder (a minute, once), then served.

    python -m tests.galaxy.server FOLDER PORT

serves the tools of galaxy_wrappers without pytest, which is what a developer of a wrapper wants; FOLDER takes all that
Galaxy writes, and its log.
"""

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from cupid_tools import __version__
from tests.cache import kept

ROOT = Path(__file__).parents[2]
WRAPPERS = ROOT / "galaxy_wrappers"
TOOLS = sorted(path for path in WRAPPERS.glob("*.xml") if path.name != "macros.xml")
IDS = [f"cupid_{path.stem.removeprefix('cupid_')}" for path in TOOLS]
"""What Galaxy calls the tools, in the order of TOOLS."""
GALAXY = "26.1.2"
WANTED = [f"galaxy-web-apps=={GALAXY}", f"galaxy-web-client=={GALAXY}", "planemo==0.75.47"]
WANTED += ["total-perspective-vortex==3.3.0"]  # checks the example of resources
PAGES = ("cupid_evaluate", "cupid_explain", "cupid_intarna_compare", "cupid_reproduce")
"""Tools whose pages an administrator allows to be shown."""
USER = "biologist@example.org"
KEY = "key-of-the-administrator"


def environment():
    """The folder of programs of Galaxy and planemo."""
    recipe = hashlib.sha256(" ".join([sys.version, *WANTED]).encode()).hexdigest()[:8]
    return kept(f"galaxy-{recipe}", _install) / "env" / "bin"


def _install(folder):
    """Install what is WANTED, all else in the versions that Galaxy was released with."""
    tools = folder / "tools" / "bin"
    _run(sys.executable, "-m", "venv", folder / "tools")
    _run(tools / "python", "-m", "pip", "install", "--quiet", "uv==0.13.9")
    _run(tools / "python", "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, f"galaxy=={GALAXY}")
    (wheel,) = folder.glob("galaxy-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(metadata).decode().splitlines()
    pins = [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: ")]
    pins = [pin for pin in pins if "extra ==" not in pin and not pin.startswith("certifi")]  # certifi's was withdrawn
    (folder / "constraints.txt").write_text("\n".join(pins), encoding="utf-8")
    # kept() moves the folder
    _run(tools / "uv", "venv", "--quiet", "--relocatable", "--python", sys.executable, folder / "env")
    options = ["--quiet", "--system-certs", "--python", folder / "env" / "bin" / "python"]  # certificates as pip's
    _run(tools / "uv", "pip", "install", *options, "--constraint", folder / "constraints.txt", *WANTED)


def _run(*command):
    outside = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}  # those of cupid-tools
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, env=outside)


@dataclass
class Server:
    """A Galaxy that runs on this machine for one user, who may do all."""

    url: str
    programs: Path
    log: Path

    @cached_property
    def key(self):
        """The key of the user, who is an administrator too."""
        (user,) = self._ask("users", KEY)
        return self._ask(f"users/{user['id']}/api_key", KEY, {})

    def get(self, path):
        """What the API answers to a question."""
        return self._ask(path, self.key)

    def post(self, path, **payload):
        """What the API answers to an order."""
        return self._ask(path, self.key, payload)

    def upload(self, history, **files):
        """Put texts into a history: ``upload(history, pairs=("tabular", text))``; the ids of the datasets, in order."""
        items = [
            {"src": "pasted", "paste_content": text, "name": name, "ext": kind} for name, (kind, text) in files.items()
        ]
        target = {"destination": {"type": "hdas"}, "items": items}
        made = self.post("tools/fetch", history_id=history, targets=[target])["outputs"]
        return [self.finished(dataset["id"]) for dataset in made]

    def start(self, history, tool, **inputs):
        """Start a job, with parameters as Galaxy spells them; the ids of its datasets by the names of the outputs."""
        made = self.post("tools", history_id=history, tool_id=tool, inputs=inputs)
        return {output["output_name"]: output["id"] for output in made["outputs"]}

    def finished(self, dataset, seconds=300):
        """Wait until a dataset is there; its id."""
        end = time.monotonic() + seconds
        while (state := self.get(f"datasets/{dataset}")["state"]) != "ok":
            if state in ("error", "discarded", "failed_metadata") or time.monotonic() > end:
                raise RuntimeError(f"dataset {dataset} is {state}")
            time.sleep(0.2)
        return dataset

    def _ask(self, path, key, payload=None):
        headers = {"x-api-key": key, "content-type": "application/json"}
        content = None if payload is None else json.dumps(payload).encode()
        with urllib.request.urlopen(
            urllib.request.Request(f"{self.url}/api/{path}", content, headers), timeout=60
        ) as answer:
            return json.load(answer)

    def run(self, program, *args, **options):
        """Run a program of Galaxy's environment: see :func:`run`."""
        return run(self.programs, program, *args, **options)


def run(programs, program, *args, **options):
    """Run a program of Galaxy's environment, such as planemo, to its end; a CompletedProcess with text."""
    return subprocess.run(
        [programs / program, *args],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=_on_path(programs),
        **options,
    )


def _on_path(programs):
    """The environment of this process, with Galaxy's programs first on PATH."""
    return os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}


@contextlib.contextmanager
def serving(folder, port=None):
    """A :class:`Server` that writes into *folder*; it and all that it started end with the block."""
    programs = environment()
    port = port or _free_port()
    config = _configure(folder, port)
    log = folder / "galaxy.log"
    started = {"env": _on_path(programs) | {"GALAXY_CONFIG_FILE": str(config)}, "cwd": folder}
    web = [programs / "galaxy-web", "--config", config, "--bind", f"127.0.0.1:{port}"]
    # Metadata of results: a job of its own would import Galaxy anew each time.
    worker = [programs / "celery", "--app", "galaxy.celery", "worker", "--concurrency", "2", "--pool", "threads"]
    worker += ["--queues", "celery,galaxy.internal,galaxy.external"]
    processes = []
    server = Server(f"http://127.0.0.1:{port}", programs, log)
    with log.open("w") as out:
        try:
            for command in (web, worker):
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, **started
                )
                processes.append(process)
                _wait(server, process)  # the worker finds the database that the server has made
            yield server
        finally:
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
            for process in processes:
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


def _wait(server, process, seconds=300):
    """Wait until *server* answers, and make its user, who exists only after the first page."""
    end = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(f"{server.url}/login/start", timeout=30).read()
            server._ask("version", KEY)
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"Galaxy does not start:\n{server.log.read_text()[-4000:]}") from None
            time.sleep(0.5)


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _configure(folder, port):
    """Write the configuration of a Galaxy whose jobs find the tools of this Python; the path of its main file."""
    environment = folder / "deps" / "cupid-tools" / __version__
    environment.mkdir(parents=True)
    (environment / "bin").symlink_to(Path(sys.executable).parent)
    (folder / "resolvers.xml").write_text(
        f'<dependency_resolvers><galaxy_packages base_path="{folder / "deps"}"/></dependency_resolvers>'
    )
    tools = "".join(f'<tool file="{path}"/>' for path in TOOLS)
    (folder / "tools.xml").write_text(
        '<toolbox><section id="get" name="Get data"><tool file="data_source/upload.xml"/></section>'
        '<section id="text" name="Text"><tool file="filters/catWrapper.xml"/></section>'
        f'<section id="cupid" name="cupid-tools">{tools}</section></toolbox>'
    )
    (folder / "allowlist.txt").write_text("".join(f"{tool}\n" for tool in PAGES))
    settings = {
        "data_dir": str(folder / "data"),
        "database_connection": f"sqlite:///{folder}/galaxy.sqlite?isolation_level=IMMEDIATE",
        "galaxy_infrastructure_url": f"http://127.0.0.1:{port}",
        "single_user": USER,
        "admin_users": USER,
        "bootstrap_admin_api_key": KEY,
        "tool_config_file": str(folder / "tools.xml"),
        "tool_data_table_config_path": str(WRAPPERS / "tool_data_table_conf.xml.test"),
        "tour_config_dir": str(ROOT / "docs" / "galaxy" / "tours"),
        "sanitize_allowlist_file": str(folder / "allowlist.txt"),
        "dependency_resolvers_config_file": str(folder / "resolvers.xml"),
        "conda_auto_init": False,
        "involucro_auto_init": False,
        "check_upload_content": False,
        "allow_path_paste": True,
        "enable_celery_tasks": True,
        "metadata_strategy": "directory_celery",
        "celery_conf": {"result_backend": f"db+sqlite:///{folder}/results.sqlite"},
        "cleanup_job": "onsuccess",
        "job_config": {
            "runners": {"local": {"load": "galaxy.jobs.runners.local:LocalJobRunner", "workers": 2}},
            "execution": {"default": "local", "environments": {"local": {"runner": "local"}}},
        },
    }
    config = folder / "galaxy.yml"
    config.write_text(yaml.safe_dump({"galaxy": settings}), encoding="utf-8")
    return config


if __name__ == "__main__":
    where = Path(sys.argv[1]).resolve()
    where.mkdir(parents=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), serving(where, int(sys.argv[2])) as served:
        sys.stdout.write(f"{served.url}\n")
        sys.stdout.flush()
        signal.pause()
