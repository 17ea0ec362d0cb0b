"""What every training keeps of its passes: a row for each, written as a table; and the decay of their rates."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields

from cupid_tools.io.atomic import atomic_write


@dataclass(frozen=True)
class CurveRow:
    """One row; its fields are the columns."""

    @classmethod
    def columns(cls) -> list[str]:
        """Names of the values, in order."""
        return [field.name for field in fields(cls)]


def write_curves(path: str | os.PathLike[str], curves: Sequence[CurveRow]) -> None:
    """Write at least one row as a table; it appears complete or not at all."""
    with atomic_write(path) as handle:
        handle.write("\t".join(curves[0].columns()) + "\n")
        handle.writelines("\t".join(f"{value:.6g}" for value in vars(row).values()) + "\n" for row in curves)


def half_cosine(rate: float, floor: float, progress: float) -> float:
    """From *rate*, where *progress* is 0, down to *floor* times it, where *progress* is 1."""
    cosine = (1 + math.cos(math.pi * progress)) / 2
    return rate * (floor + (1 - floor) * cosine)
