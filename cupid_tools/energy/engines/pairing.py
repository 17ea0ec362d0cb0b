"""The last check of what a program said: do the nucleotides pair that it says pair?"""

from __future__ import annotations

from cupid_tools.energy.engines.base import Duplex, EngineError

_PAIRS = frozenset(("AU", "UA", "CG", "GC", "GU", "UG"))


def checked(program: str, duplex: Duplex | None, target: str, query: str) -> Duplex | None:
    """*duplex* as it is, if it lies within both RNAs and each of its base pairs is AU, CG or GU.

    Raises:
        EngineError: it is not so; positions or rows were misread, or belong to other RNAs.
    """
    if duplex is None:
        return None
    first, second = duplex.structure.split("&")
    ends = (duplex.target_end - duplex.target_start, duplex.query_end - duplex.query_start)
    left = [duplex.target_start + index for index, mark in enumerate(first) if mark == "("]
    right = [duplex.query_end - index for index, mark in enumerate(reversed(second)) if mark == ")"]
    holds = (
        ends == (len(first) - 1, len(second) - 1)
        and duplex.target_start >= 1
        and duplex.target_end <= len(target)
        and duplex.query_start >= 1
        and duplex.query_end <= len(query)
        and all(target[i - 1] + query[j - 1] in _PAIRS for i, j in zip(left, right, strict=True))
    )
    if not holds:
        raise EngineError(f"{program} printed base pairs that the RNAs do not have: {duplex.structure}")
    return duplex


def can_pair(target: str, query: str) -> bool:
    """Whether any base pair at all is possible."""
    return any(one + other in _PAIRS for one in set(target) for other in set(query))
