"""How many processors this process may use."""

from __future__ import annotations

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
