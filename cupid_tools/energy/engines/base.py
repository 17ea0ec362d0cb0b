"""What every engine promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from cupid_tools.errors import MissingError
from cupid_tools.vocab import AMBIGUOUS_LETTERS

_READ_AS_N = str.maketrans(dict.fromkeys(AMBIGUOUS_LETTERS, "N"))


class Duplex(NamedTuple):
    """How two RNAs interact best.

    Attributes:
        energy: kcal/mol, below 0.
        target_start, target_end, query_start, query_end: first and last paired nucleotide of either RNA, counted from
            1, 5' to 3'.
        structure: dot-bracket of the target's segment, ``&``, and that of the query's, both 5' to 3'; each ``(`` before
            the ``&`` pairs with a ``)`` behind it.
    """

    energy: float
    target_start: int
    target_end: int
    query_start: int
    query_end: int
    structure: str


class EngineError(Exception):
    """One call of an engine failed; the text says why, in words that follow ``engine: ``."""


class ClosedError(EngineError):
    """The engine was closed meanwhile, or before."""


class UnusableError(MissingError):
    """A program or package that is there, but is too old, or does not run."""


class Engine(Protocol):
    """Computes the best duplex of one RNA with each of several; calls may come from several threads.

    Attributes:
        version: name and version, such as ``IntaRNA 3.4.1``.
        fingerprint: all else that energies depend on, such as the arguments; equal texts give equal energies.
        shortest: nt; an RNA below it can have no duplex.
        keeps: whether accessibilities are kept in the cache folder, where one is given.
    """

    version: str
    fingerprint: str
    shortest: int
    keeps: bool

    def duplexes(self, target: str, queries: Sequence[str]) -> list[Duplex | None]:
        """The best duplex of *target* with each of *queries*; None where none is favourable (energy below 0).

        Args:
            target: over ACGU and N.
            queries: likewise; may repeat.

        Raises:
            EngineError: the call failed; whether all queries are to blame, or one, is not said.
        """
        ...

    def close(self) -> None:
        """End whatever still runs, from any thread; calls that are under way raise ``EngineError``."""
        ...


def for_engines(sequence: str) -> str:
    """The letters that engines know: what stands for more than one nucleotide becomes N, which never pairs.

    >>> for_engines("ACGURYN")
    'ACGUNNN'
    """
    return sequence.translate(_READ_AS_N)


def duplex_of(energy: float, target_start: int, target_part: str, query_start: int, query_part: str) -> Duplex | None:
    """A duplex from parts that may carry unpaired ends, as several programs print them; None unless favourable.

    Args:
        energy: kcal/mol.
        target_start: position of the first character of *target_part*, from 1.
        target_part: dot-bracket of the target, with ``(``.
        query_start: position of the first character of *query_part*, from 1.
        query_part: dot-bracket of the query, with ``)``.

    Raises:
        EngineError: the parts do not pair.
    """
    if energy >= 0:
        return None
    if not target_part.count("(") == query_part.count(")") > 0 or set(target_part + query_part) - set(".()"):
        raise EngineError(f"printed a duplex that does not pair: {target_part}&{query_part}")
    target, query = target_part.strip("."), query_part.strip(".")
    first = target_start + target_part.index("(")
    second = query_start + query_part.index(")")
    return Duplex(energy, first, first + len(target) - 1, second, second + len(query) - 1, f"{target}&{query}")
