"""Accessibilities that are kept between runs, one file a sequence."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

from cupid_tools.io.atomic import atomic_write


class AccessibilityCache:
    """Files in a folder that several threads and processes may use at once."""

    def __init__(self, folder: str, engine: str, settings: str) -> None:
        """Use a sub-folder of *folder* for what depends on *engine*, its name and version, and on *settings*."""
        name = engine.lower().replace(" ", "-")
        self._folder = Path(folder, f"{name}-{hashlib.sha256(settings.encode()).hexdigest()[:16]}").absolute()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._writing = threading.Lock()

    def path(self, sequence: str) -> Path:
        """Where the accessibility of *sequence* is kept, if it is."""
        return self._folder / hashlib.sha256(sequence.encode("ascii")).hexdigest()

    def keep(self, sequence: str, content: bytes) -> None:
        """Write the accessibility of *sequence*; the file is whole or absent."""
        with self._writing, atomic_write(self.path(sequence), "wb") as handle:
            handle.write(content)
