"""Where tensors live: choosing a device, repeatable arithmetic on it, and running out of its memory."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from cupid_tools.errors import MissingError, OutOfMemoryError, UsageError
from cupid_tools.processors import processors
from cupid_tools.sampling.seeds import rng_for

_OUT_OF_MEMORY = ("can't allocate memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
"""Of torch's allocator on CPUs, of CUDA outside torch's allocator, and of its matrix library."""

log = logging.getLogger("cupid_tools")


def choose_device(name: str, threads: int | None = None) -> torch.device:
    """As ``choose_devices``, for work that one device does.

    Raises:
        UsageError: several devices.
    """
    first, *others = choose_devices(name, threads)
    if others:
        raise UsageError(f"{name!r} names several devices, and one is used")
    return first


def choose_devices(name: str, threads: int | None = None) -> list[torch.device]:
    """Return the devices that the user asked for, and use *threads* CPU threads.

    Args:
        name: ``auto`` (a GPU where there is one), ``cpu``, ``cuda``, ``cuda:N``, or several as in ``cuda:0,1``.
        threads: None stands for all processors that the process may use.

    Raises:
        UsageError: another name.
        MissingError: a GPU that is not there.
    """
    if threads is not None and threads > (os.cpu_count() or 1):
        raise UsageError(f"{threads} threads are more than the {os.cpu_count()} processors")
    torch.set_num_threads(threads or min(torch.get_num_threads(), processors()))
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        name = "cuda" if gpus else "cpu"
        log.info("device: %s", name)
    match = re.fullmatch(r"cpu|cuda(?::(\d+(?:,\d+)*))?", name)
    if match is None:
        raise UsageError(f"unknown device {name!r} (known: auto, cpu, cuda, cuda:N, cuda:N,M)")
    if name == "cpu":
        return [torch.device("cpu")]
    numbers = [int(number) for number in (match[1] or "0").split(",")]
    if len(set(numbers)) < len(numbers):
        raise UsageError(f"device {name!r} names a GPU twice")
    if max(numbers) >= gpus:
        raise MissingError(f"device {name} is not there ({gpus} found)", hint="use --device cpu")
    return [torch.device("cuda", number) for number in numbers]


@contextmanager
def repeatable(device: torch.device, seed: int, *scope: str) -> Iterator[None]:
    """Inside, equal work gives equal bits: torch's generators start from (seed, scope), and algorithms are fixed.

    torch keeps both for the whole process; they are as before afterwards.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS refuses to be deterministic
    before = torch.are_deterministic_algorithms_enabled()
    fills = torch.utils.deterministic
    filled = fills.fill_uninitialized_memory  # type: ignore[attr-defined]
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), memory_guard():
        torch.manual_seed(int(rng_for(seed, *scope).integers(2**63)))
        torch.use_deterministic_algorithms(True)
        fills.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # what is made is written before it is read
        try:
            yield
        finally:
            fills.fill_uninitialized_memory = filled  # type: ignore[attr-defined]
            torch.use_deterministic_algorithms(before)


@contextmanager
def memory_guard() -> Iterator[None]:
    """Turn torch's ways of running out of memory into ``OutOfMemoryError``."""
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        where, hint = "memory", "run it where there is more"
        if isinstance(error, torch.OutOfMemoryError):
            where, hint = "GPU memory", "use --device cpu, or a GPU with more"
        raise OutOfMemoryError(f"out of {where}", hint=hint) from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch ran out of memory, which has an exception of its own in one case only."""
    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in _OUT_OF_MEMORY)
