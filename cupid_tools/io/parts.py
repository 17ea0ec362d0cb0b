"""Where finished parts of a long run are kept, so that a killed one goes on."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cupid_tools.errors import CupidError

log = logging.getLogger("cupid_tools")


@contextmanager
def parts_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A hidden folder beside the output *path*, locked against other processes; on failure it stays, unless empty.

    Raises:
        CupidError: another process is writing the same output.
    """
    output = Path(os.path.realpath(path))
    folder = output.with_name(f".{output.name}.parts")
    handle = _lock_folder(folder, output)
    try:
        yield folder
        shutil.rmtree(folder)
    finally:
        with suppress(OSError):  # not empty: there is something to resume from; or already gone: all is done
            folder.rmdir()
        os.close(handle)


def _lock_folder(folder: Path, output: Path) -> int:
    """Create and lock *folder*; the lock ends with the process, however that ends."""
    while True:
        folder.mkdir(exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
        try:
            _lock(handle, output)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), os.stat(folder)):
                    return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # its last owner removed it between our two calls


def _lock(handle: int, output: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CupidError(
            f"{output}: another process is writing it", hint="wait for it, or choose another name"
        ) from None
    except OSError as error:  # network file systems may have no locks
        reason = (error.strerror or str(error)).lower()
        log.warning("%s is not locked (%s): let no other process write it at the same time", output, reason)
