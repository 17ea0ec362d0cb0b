"""The naive strategy: every free pair of the two types is equally likely."""

from __future__ import annotations

import numpy as np

from cupid_tools.sampling.negatives.space import Strategy, Stratum, fulfil, spread


def draw(stratum: Stratum, rng: np.random.Generator) -> None:
    """Draw first RNAs in proportion to their free partners, and then the partners uniformly."""
    room = stratum.room(stratum.first, stratum.second)
    if room.any():
        number = np.minimum(rng.multinomial(stratum.missing, room / room.sum()), room)
        fulfil(stratum, stratum.first, number, rng)
        spread(stratum, stratum.first, room, rng)


STRATEGY = Strategy(draw, keeps=())
