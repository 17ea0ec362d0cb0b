"""How many processors, and how much memory, this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path


def processors(quota_file: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Processors that the process may use, as its affinity and the quota of its container say."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = quota_file.read_text(encoding="ascii").split()
    except (OSError, ValueError):  # no container, or one of another kind
        return allowed
    return allowed if quota == "max" else max(1, min(allowed, round(int(quota) / int(period))))


def available_memory(
    meminfo: Path = Path("/proc/meminfo"), limit_file: Path = Path("/sys/fs/cgroup/memory.max")
) -> float:
    """Bytes that can be had without swapping, and no more than a container may hold; infinite where none tells."""
    found = math.inf
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text(encoding="ascii").splitlines())
        found = 1024.0 * int(lines["MemAvailable"].split()[0])
    except (OSError, ValueError, KeyError):  # another system
        pass
    try:
        return min(found, int(limit_file.read_text(encoding="ascii")))
    except (OSError, ValueError):  # no container, one of another kind, or one without a limit
        return found
