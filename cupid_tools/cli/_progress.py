"""Progress that is shown only where somebody watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(unit: str, *, quiet: bool, total: int | None = None) -> Iterator[Callable[[int], object]]:
    """Give a function that is told how many more are done; it draws a bar on a terminal, unless *quiet*.

    With a *total* the bar tells how long the rest will take.

    >>> with progress_bar("pairs", quiet=True) as done:
    ...     done(3)
    """
    if quiet or not sys.stderr.isatty():
        yield lambda count: None
        return
    from tqdm import tqdm

    with tqdm(unit=f" {unit}", leave=False, total=total) as bar:  # not made otherwise: it starts a thread
        yield bar.update
