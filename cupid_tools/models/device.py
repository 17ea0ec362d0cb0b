"""Where tensors live: choosing a device, repeatable arithmetic on it, and running out of its memory."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from cupid_tools.errors import MissingError, OutOfMemoryError, UsageError
from cupid_tools.sampling.seeds import rng_for

log = logging.getLogger("cupid_tools")


def choose_device(name: str, threads: int | None = None) -> torch.device:
    """Return the device that the user asked for, and use *threads* CPU threads.

    Args:
        name: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:N``.
        threads: None leaves the choice to torch.

    Raises:
        UsageError: another name.
        MissingError: a GPU that is not there.
    """
    if threads is not None:
        if threads > (os.cpu_count() or 1):
            raise UsageError(f"{threads} threads are more than the {os.cpu_count()} processors")
        torch.set_num_threads(threads)
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        name = "cuda" if gpus else "cpu"
        log.info("device: %s", name)
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda") or (number and not (kind == "cuda" and number.isdecimal())):
        raise UsageError(f"unknown device {name!r} (known: auto, cpu, cuda, cuda:N)")
    if kind == "cuda" and int(number or 0) >= gpus:
        raise MissingError(f"device {name} is not there ({gpus} found)", hint="use --device cpu")
    return torch.device(name)


@contextmanager
def repeatable(device: torch.device, seed: int, *scope: str) -> Iterator[None]:
    """Inside, equal work gives equal bits: torch's generators start from (seed, scope), and algorithms are fixed.

    torch keeps both for the whole process; they are as before afterwards.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS refuses to be deterministic
    before = torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), memory_guard():
        torch.manual_seed(int(rng_for(seed, *scope).integers(2**63)))
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before)


@contextmanager
def memory_guard() -> Iterator[None]:
    """Turn torch's ways of running out of memory into ``OutOfMemoryError``."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfMemoryError("out of GPU memory", hint="use --device cpu, or a GPU with more") from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):  # the CPU allocator has no exception of its own
            raise
        raise OutOfMemoryError("out of memory", hint="run it where there is more") from error
