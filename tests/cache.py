"""What is made once and serves later test sessions: programs, and the bases of images."""

import os
import tempfile
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "cupid-tools-tests")


def kept(name, make):
    """The folder *name* of the cache; ``make(folder)`` fills it where it is not there. It is whole or absent."""
    folder = CACHE / name
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as unfinished:
            make(Path(unfinished, "made"))
            try:
                Path(unfinished, "made").rename(folder)
            except OSError:  # another session was quicker
                if not folder.exists():
                    raise
    return folder
