"""How many processors, and how much memory, this process may use."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

from cupid_tools.errors import OutOfMemoryError

_ROOT = Path("/")


def processors(root: Path = _ROOT) -> int:
    """Processors that the process may use, as its affinity and the quotas of its containers and jobs say.

    Args:
        root: of the file system, of which ``proc`` and ``sys/fs/cgroup`` are read.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [_quota(folder) for folder in _control_groups(root, "cpu")]
    return max(1, min([allowed, *(round(quota) for quota in quotas if quota is not None)]))


def available_memory(root: Path = _ROOT) -> float:
    """Bytes that can be had without swapping, and that containers and jobs may hold; infinite where none tells."""
    found = math.inf
    try:
        lines = dict(line.split(":", 1) for line in (root / "proc/meminfo").read_text(encoding="ascii").splitlines())
        found = 1024.0 * int(lines["MemAvailable"].split()[0])
    except (OSError, ValueError, KeyError):  # another system
        pass
    for folder in _control_groups(root, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            limit = _words(folder / name)
            if limit and limit[0].isdigit():
                found = min(found, int(limit[0]))
    return found


def check_memory(needed: float, what: str) -> None:
    """Refuse what cannot succeed before the system kills the process without a word.

    Args:
        needed: bytes that it takes at least.
        what: begins the message, as in "weights.safetensors does not fit into memory".

    Raises:
        OutOfMemoryError: more than there is.
    """
    available = available_memory()
    if needed > available:
        sizes = f"it takes {needed / 2**30:,.1f} GiB, and {available / 2**30:,.1f} GiB are free"
        raise OutOfMemoryError(f"{what}: {sizes}", hint="run it where there is more memory")


def _control_groups(root: Path, controller: str) -> Iterator[Path]:
    """Folders of the control groups that the process is in, of either version, with those around them.

    A container sees its own group as the outermost, under whatever name the host gives it.
    """
    mount = root / "sys/fs/cgroup"
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, name = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = mount / controller if controllers else mount
        inner = top / name.lstrip("/")
        yield from [inner, *(folder for folder in inner.parents if folder.is_relative_to(top))]


def _quota(folder: Path) -> float | None:
    """How many processors a control group may use at once."""
    quota = _words(folder / "cpu.max") or _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
    if len(quota) != 2 or not quota[0].isdigit():  # none, "max", or -1
        return None
    return int(quota[0]) / int(quota[1])


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)).split()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):  # no control groups, or of the other version
        return []
