"""A folder that appears complete or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cupid_tools.errors import CupidError
from cupid_tools.io.atomic import atomic_write, check_folder

MARKER = "metrics.json"
"""A folder without it was not written by us, and is never replaced."""


def check_replaceable(target: str | os.PathLike[str], tool: str) -> None:
    """Fail unless *target* is missing, empty, or an earlier report of *tool*, in a folder that can be written.

    Raises:
        CupidError: it is none of these.
    """
    path = Path(os.path.realpath(target))
    if path.exists() and not path.is_dir():
        raise CupidError(f"{target}: is a file", hint="name a folder for the report")
    if path.is_dir() and any(path.iterdir()) and not _is_report(path, tool):
        raise CupidError(f"{target}: is a folder that {tool} did not write", hint="name a new or empty one")
    check_folder(path.parent, shown=target)


def write_folder(target: str | os.PathLike[str], files: Mapping[str, str]) -> None:
    """Write *files*, relative name -> text, as the whole content of *target*, replacing what was there.

    They are written into a hidden neighbour, which takes the place of *target* at the end.
    """
    path = Path(os.path.realpath(target))
    with _neighbour(path, "part") as fresh:
        for name, text in files.items():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(fresh / name) as handle:
                handle.write(text)
        if not path.exists():
            os.rename(fresh, path)
            return
        with _neighbour(path, "old") as old:
            os.rename(path, old)  # over an empty folder
            try:
                os.rename(fresh, path)
            except BaseException:
                os.rename(old, path)
                raise


@contextmanager
def _neighbour(path: Path, suffix: str) -> Iterator[Path]:
    """An empty hidden folder beside *path*, which is gone at the end."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}.{suffix}")
    scratch.mkdir()
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _is_report(path: Path, tool: str) -> bool:
    try:
        with open(path / MARKER, encoding="utf-8") as handle:
            content = json.load(handle)
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("tool") == tool
