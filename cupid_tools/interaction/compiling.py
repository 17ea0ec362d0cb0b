"""How loops over nucleotides are compiled: one decorator for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile *function* at its first call; threads run it side by side.

    Machine code is kept on disk for the next process, unless no folder can be written, as in some containers.
    """
    try:
        made = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # numba's word for a cache that has no place
        made = numba.njit(nogil=True)(function)
    return cast(Function, made)
