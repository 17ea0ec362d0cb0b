"""Accessibilities that are kept between runs, one file a sequence."""

from __future__ import annotations

import hashlib
import logging
import threading
from pathlib import Path

from cupid_tools.io.atomic import atomic_write

log = logging.getLogger("cupid_tools")


class AccessibilityCache:
    """Files in a folder that several threads and processes may use at once.

    Attributes:
        problem: why something could not be kept, which stops no work; empty while all is well.
    """

    def __init__(self, folder: str, engine: str, settings: str) -> None:
        """Use a sub-folder of *folder* for what depends on *engine*, its name and version, and on *settings*."""
        name = engine.lower().replace(" ", "-")
        self._folder = Path(folder, f"{name}-{hashlib.sha256(settings.encode()).hexdigest()[:16]}").absolute()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._writing = threading.Lock()
        self.problem = ""

    def path(self, sequence: str) -> Path:
        """Where the accessibility of *sequence* is kept, if it is."""
        return self._folder / hashlib.sha256(sequence.encode("ascii")).hexdigest()

    def drop(self, sequence: str) -> None:
        """Forget the accessibility of *sequence*."""
        self.path(sequence).unlink(missing_ok=True)

    def keep(self, sequence: str, content: bytes) -> None:
        """Write the accessibility of *sequence*; the file is whole or absent."""
        try:
            with self._writing, atomic_write(self.path(sequence), "wb") as handle:
                handle.write(content)
        except OSError as error:
            if not self.problem:
                log.warning("accessibilities are not kept: %s: %s", self._folder, error.strerror or error)
            self.problem = f"{self._folder}: {error.strerror or error}"
