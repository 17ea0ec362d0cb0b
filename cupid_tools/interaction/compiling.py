"""How loops over nucleotides are compiled, one decorator for all, and how several threads share them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar, cast

import numba

log = logging.getLogger("cupid_tools")

Function = TypeVar("Function", bound=Callable[..., Any])
Block = TypeVar("Block")


def compiled(function: Function) -> Function:
    """Compile *function* at its first call; threads run it side by side.

    Machine code is kept on disk for the next process, unless no folder can be written, as in some containers, which is
    told.
    """
    return _made(function)


def compiled_loosely(function: Function) -> Function:
    """As ``compiled``, but sums may be taken in another order and products fused: faster, other last bits elsewhere."""
    return _made(function, fastmath={"reassoc", "contract"})


def inlined(function: Function) -> Function:
    """As ``compiled``, and made part of each compiled function that calls it: for what is called again and again."""
    return _made(function, forceinline=True)


def in_threads(threads: int, blocks: Sequence[Block], work: Callable[[Block], None]) -> None:
    """Do the *work*, in compiled functions, of each of the *blocks*, up to *threads* of them side by side."""
    if min(threads, len(blocks)) <= 1:
        for block in blocks:
            work(block)
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, blocks):
            pass


def _made(function: Function, **options: Any) -> Function:
    try:
        made = numba.njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:  # numba's word for a cache that has no place
        _tell_of_no_cache()
        made = numba.njit(nogil=True, **options)(function)
    return cast(Function, made)


@cache
def _tell_of_no_cache() -> None:
    """Once a process: results are the same, but every process waits."""
    log.info("loops are compiled anew each time: no folder can be written (set NUMBA_CACHE_DIR to one that can)")
