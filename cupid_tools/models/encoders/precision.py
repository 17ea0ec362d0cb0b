"""In which numbers a network computes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import torch

from cupid_tools.errors import UsageError
from cupid_tools.models.encoders.settings import AUTO, BF16, FP16, FP32, INT8

log = logging.getLogger("cupid_tools")

DTYPES = {FP32: torch.float32, BF16: torch.bfloat16, FP16: torch.float16, INT8: torch.float32}
"""Type of all numbers, but for ``int8``'s matrix products."""


def choose_precision(name: str, devices: Sequence[torch.device]) -> str:
    """Return one of ``PRECISIONS`` other than ``auto``.

    ``auto`` is bf16 on GPUs that have it, fp16 on others, and on CPUs bf16 where it is known to be the faster one.

    Raises:
        UsageError: ``int8`` on a GPU.
    """
    gpu = devices[0].type == "cuda"
    if name == INT8 and gpu:
        raise UsageError("--precision int8 is for CPUs (give --device cpu, or another precision)")
    if name != AUTO:
        return name
    if gpu:
        chosen = BF16 if torch.cuda.is_bf16_supported(including_emulation=False) else FP16
    else:
        chosen = BF16 if fast_bf16(Path("/proc/cpuinfo")) else FP32
    log.info("precision: %s", chosen)
    return chosen


def fast_bf16(cpuinfo: Path) -> bool:
    """Whether the processor multiplies bf16 faster than float32.

    True with AMX, and on AMD's AVX-512 with bf16; on Intel's without AMX bf16 takes twice the time of float32, as
    ``benchmarks/embed.py`` measures.
    """
    try:
        text = cpuinfo.read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    flags = set(next((line.partition(":")[2] for line in text.splitlines() if line.startswith("flags")), "").split())
    return "amx_bf16" in flags or ("avx512_bf16" in flags and "AuthenticAMD" in text)
