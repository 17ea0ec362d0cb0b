"""Kill cupid-embed before every single thing that it does to files, and run it again; see ``test_embed_resume.py``.

    python -m tests.killing FOLDER ARGUMENT...

Run in a process of its own, which forks. ARGUMENTs are those of cupid-embed, whose output lies in FOLDER. One JSON line
is printed for each kill: what it left, and what the same command made of that.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from hashlib import sha256
from pathlib import Path

from cupid_tools.cli import embed
from cupid_tools.errors import CupidError
from cupid_tools.io.store import EmbeddingStore
from tests.states_encoder import use_states

EVENTS = ("open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree")


def kill_before(step, folder):
    """Let this process be killed before its *step*-th change of a file below *folder*."""
    count = 0

    def hook(event, args):
        nonlocal count
        reads = event == "open" and args[1] in ("r", "rb")
        if event in EVENTS and not reads and isinstance(args[0], (str, os.PathLike)):
            count += str(args[0]).startswith(folder)
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def run_forked(argv, step, folder):
    """How cupid-embed ends in a process of its own."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if step:
        kill_before(step, folder)
    os._exit(embed.main([*argv, "--quiet"]))


def digests(folder):
    """SHA-256 of every file in *folder*, by name."""
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in Path(folder).iterdir() if path.is_file()}


def readable(folder):
    """Whether there is a store that can be read to its last vector."""
    try:
        store = EmbeddingStore([f"{folder}/out.npy"])
    except CupidError:
        return False
    if store.info.pooling == "none":
        return all(len(store.states(name)) for name in store.ids())
    return len(store.read(store.ids())) == len(store)


def main(folder, argv):
    before = f"{folder}.before"
    shutil.copytree(folder, before)
    step, code = 0, -signal.SIGKILL
    while code == -signal.SIGKILL:
        step += 1
        code = run_forked(argv, step, folder)
        left = {"files": digests(folder), "readable": readable(folder)}
        again = run_forked(argv, None, folder)
        done = {
            "code": again,
            "files": digests(folder),
            "folders": [p.name for p in Path(folder).iterdir() if p.is_dir()],
        }
        sys.stdout.write(json.dumps({"code": code, "left": left, "done": done}) + "\n")
        sys.stdout.flush()  # or the next fork writes it too
        shutil.rmtree(folder)
        shutil.copytree(before, folder)


if __name__ == "__main__":
    if sys.argv[1] == "states":
        use_states()
        del sys.argv[1]
    main(sys.argv[1], sys.argv[2:])
