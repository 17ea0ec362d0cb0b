"""Time whole commands: wall seconds and peak memory as the operating system accounts for them."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

BIN = Path(sys.executable).parent
"""Where the executables of this environment lie."""


class Cost(NamedTuple):
    """What one run of a command took.

    Attributes:
        seconds: wall time, start to exit.
        peak_mib: the largest resident memory of the process.
        cpu: seconds of processors, of the process and all that it waited for. Other work changes them less than
            wall time.
    """

    seconds: float
    peak_mib: float
    cpu: float


def run(command: Sequence[str | os.PathLike[str]], stdout: int = subprocess.DEVNULL, cwd: Path | None = None) -> Cost:
    """Run *command* once; fail with its messages when it does."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, cwd=cwd) as process:
        assert process.stderr is not None
        messages = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode:
        sys.exit(f"{command} failed:\n{messages.decode()}")
    return Cost(seconds, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime)


def median(command: Sequence[str | os.PathLike[str]], runs: int) -> Cost:
    """The medians over *runs* runs after one that is not counted."""
    run(command)
    return middle([run(command) for _ in range(runs)])


def middle(costs: Sequence[Cost]) -> Cost:
    """The medians of all that *costs* tell."""
    return Cost(*(statistics.median(values) for values in zip(*costs, strict=True)))
