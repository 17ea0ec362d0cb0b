"""How loops over nucleotides are compiled, one decorator for all, and how several threads share them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, ClassVar, TypeVar, cast

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, InTreeCacheLocator

log = logging.getLogger("cupid_tools")

Function = TypeVar("Function", bound=Callable[..., Any])
Block = TypeVar("Block")


def compiled(function: Function) -> Function:
    """Compile *function* at its first call; threads run it side by side.

    Machine code is kept on disk for the next process: beside the package, or else in a folder of the user's. Where none
    can be written, as in containers, what was compiled when the package was installed is read, and the rest is compiled
    each time, which is told.
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


class _Beside(InTreeCacheLocator):
    """The folder beside the package, be it writable or not."""

    def ensure_cache_path(self) -> None:
        """There is nothing to be done."""


class _FilesBeside(CompileResultCacheImpl):
    _locator_classes: ClassVar = [_Beside]  # type: ignore[misc]  # it is one of the class in numba, too


class _ReadOnlyCache(FunctionCache):
    _impl_class = _FilesBeside

    def save_overload(self, sig: Any, data: Any) -> None:
        """Called where something had to be compiled."""
        _tell_of_no_cache()


def _made(function: Function, **options: Any) -> Function:
    try:
        made = numba.njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:  # numba's word for a cache that has no place
        made = numba.njit(nogil=True, **options)(function)
        made._cache = cast(Any, _ReadOnlyCache)(function)
    return cast(Function, made)


@cache
def _tell_of_no_cache() -> None:
    """Once a process: results are the same, but every process waits."""
    log.info("loops are compiled anew each time: no folder can be written (set NUMBA_CACHE_DIR to one that can)")
