"""The table of the epochs of a run."""

from __future__ import annotations

import os
from collections.abc import Sequence

from cupid_tools.io.atomic import atomic_write
from cupid_tools.models.pretraining.judging import Epoch


def write_curves(path: str | os.PathLike[str], curves: Sequence[Epoch]) -> None:
    """Write the epochs as a table; it appears complete or not at all."""
    with atomic_write(path) as handle:
        handle.write("\t".join(Epoch.columns()) + "\n")
        handle.writelines("\t".join(f"{value:.6g}" for value in vars(row).values()) + "\n" for row in curves)
