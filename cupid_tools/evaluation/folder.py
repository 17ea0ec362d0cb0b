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
"""The usual marker: a JSON that tells ``tool``, which wrote the folder, and ``files``, all that it wrote.

A folder without one is never replaced.
"""


def check_replaceable(target: str | os.PathLike[str], tool: str, *, marker: str = MARKER) -> None:
    """Fail unless *target* is missing, empty, or an earlier report of *tool* and nothing else, where we can write.

    Raises:
        CupidError: it is none of these.
    """
    path = Path(os.path.realpath(target))
    if path.exists() and not path.is_dir():
        raise CupidError(f"{target}: is a file", hint="name a folder for the report")
    _check_content(target, path, tool, marker)
    check_folder(path.parent, shown=target)


def write_folder(
    target: str | os.PathLike[str], files: Mapping[str, str | bytes], tool: str, *, marker: str = MARKER
) -> None:
    """Write *files*, relative name -> content, as the whole content of *target*, replacing an earlier report of *tool*.

    They are written into a hidden neighbour, which takes the place of *target* at the end. One of *files* is
    *marker*.

    Raises:
        CupidError: meanwhile *target* holds files that *tool* did not write.
    """
    path = Path(os.path.realpath(target))
    with _neighbour(path) as fresh:
        for name, content in files.items():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(fresh / name, "wb" if isinstance(content, bytes) else "w") as handle:
                handle.write(content)
        if path.exists():
            _check_content(target, path, tool, marker)
            _replace(path, fresh)
        else:
            os.rename(fresh, path)


def _replace(path: Path, fresh: Path) -> None:
    """Put *fresh* where *path* is; whenever this ends, and however, one of the two stands at *path*."""
    old = _hidden(path, "old")
    try:
        os.rename(path, old)
        os.rename(fresh, path)
    finally:
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.rename(old, path)


@contextmanager
def _neighbour(path: Path) -> Iterator[Path]:
    """An empty hidden folder beside *path*, which is gone at the end."""
    scratch = _hidden(path, "part")
    scratch.mkdir()
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _hidden(path: Path, suffix: str) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{suffix}")


def _check_content(target: str | os.PathLike[str], path: Path, tool: str, marker: str) -> None:
    found = sorted(part.relative_to(path) for part in path.rglob("*"))
    if not found:
        return
    ours = _written(path, tool, marker)
    if not ours:
        raise CupidError(f"{target}: is a folder that {tool} did not write", hint="name a new or empty one")
    known = ours.union(*(name.parents for name in ours))
    foreign = next((name for name in found if name not in known), None)
    if foreign is not None:
        hint = "the folder of an earlier report is replaced as a whole; move this away, or name a new folder"
        raise CupidError(f"{target}: holds {foreign}, which {tool} did not write", hint=hint)


def _written(path: Path, tool: str, marker: str) -> set[Path]:
    """The files that *tool* wrote into the folder *path*, as their list says; none where it is no report."""
    try:
        content = json.loads((path / marker).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    if not isinstance(content, dict) or content.get("tool") != tool:
        return set()
    return {Path(name) for name in content.get("files", ())}
