"""How often chance gives as low an energy: p-values from shuffled queries, and q-values.

Letters: m pairs, n shuffles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from cupid_tools.evaluation.metrics import Floats

FEWEST_FITTED = 50
"""Shuffles that interact below which nothing is fitted."""
BOUND_HOLDS = 0.1
"""Probability down to which a bounded tail is believed; at 0.1 p-values of chance come out as they should, or high."""

_STRAIGHT = 1e-6  # of the shape; below it formulae lose their digits, and it is the Gumbel distribution
_SMALLEST = float(np.finfo(np.float64).tiny)


class Gev(NamedTuple):
    """Generalised extreme value distributions, one a pair.

    Attributes:
        shape: float64 [m], above 0 for a bounded upper tail (k of Hosking; ``c`` of ``scipy.stats.genextreme``).
        location, scale: float64 [m]; NaN where nothing can be fitted.
    """

    shape: Floats
    location: Floats
    scale: Floats


def p_values(observed: Floats, shuffled: Floats) -> Floats:
    """The probability that a shuffled query reaches at least the observed energy.

    The share of queries that interact at all, times the upper tail of -E of these: a generalised extreme value
    distribution, as for local alignments and duplexes of RNAs (Rehmsmeier et al. 2004, RNA 10:1507). The share counts
    the observed query as one more that interacts. With fewer than ``FEWEST_FITTED`` that do, or all of one energy, it
    is the share of queries with as low an energy, the observed one again counted.

    Args:
        observed: [m], kcal/mol; 0 where the pair does not interact.
        shuffled: [m, n], likewise.

    Returns:
        float64 [m], above 0, at most 1, and 1 where the pair does not interact.
    """
    count = shuffled.shape[1]
    interacting = (shuffled < 0).sum(axis=1)
    fitted = (interacting + 1) / (count + 1) * tail(fit_gev(-shuffled), -observed)
    empirical = (1 + (shuffled <= observed[:, None]).sum(axis=1)) / (count + 1)
    p = np.where((interacting < FEWEST_FITTED) | np.isnan(fitted), empirical, fitted)
    return np.where(observed < 0, np.clip(p, _SMALLEST, 1), 1.0)


def fit_gev(values: Floats) -> Gev:
    """Fit the positive values of each row by L-moments (Hosking, Wallis & Wood 1985, Technometrics 27:251).

    Args:
        values: [m, n].
    """
    from scipy.special import gamma

    mean, spread, skewness = _l_moments(values)
    c = 2 / (3 + skewness) - np.log(2) / np.log(3)
    k = 7.8590 * c + 2.9554 * c**2
    curved = abs(k) > _STRAIGHT
    k = np.where(curved, k, 1.0)  # anything for which the formulae below are defined
    scale = spread * np.where(curved, k / (1 - 2.0**-k) / gamma(1 + k), 1 / np.log(2))
    shift = np.where(curved, (1 - gamma(1 + k)) / k, np.euler_gamma)
    scale = np.where(scale > 0, scale, np.nan)
    return Gev(np.where(curved, k, 0.0), mean - scale * shift, scale)


def tail(fitted: Gev, values: Floats) -> Floats:
    """The probability of at least each value.

    A bounded tail makes impossible what lies beyond its end, and energies do not end there. So it holds down to the
    probability ``BOUND_HOLDS``; from there on the tail is exponential, with the slope that it has there.

    Args:
        fitted: m distributions.
        values: [m].

    Returns:
        float64 [m]; NaN where nothing is fitted.
    """
    from scipy.stats import genextreme

    within = genextreme.sf(values, fitted.shape, loc=fitted.location, scale=fitted.scale)
    bounded = fitted.shape > 0
    k = np.where(bounded, fitted.shape, 1.0)
    events = -np.log1p(-BOUND_HOLDS)
    edge = fitted.location + fitted.scale * (1 - events**k) / k
    slope = events ** (1 - k) * (1 - BOUND_HOLDS) / BOUND_HOLDS / fitted.scale
    beyond = BOUND_HOLDS * np.exp(-slope * np.maximum(values - edge, 0))
    return np.asarray(np.where(bounded & (values > edge), beyond, within))


def q_values(p: Floats) -> Floats:
    """False discovery rates (Benjamini & Hochberg 1995, J R Stat Soc B 57:289); NaN stays NaN and does not count."""
    from scipy.stats import false_discovery_control

    q = np.full_like(p, np.nan)
    known = ~np.isnan(p)
    if known.any():
        q[known] = false_discovery_control(p[known])
    return q


def _l_moments(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Unbiased estimates, [m] each, of the first two L-moments of the positive values, and of the L-skewness."""
    ordered = np.sort(np.where(values > 0, values, np.nan), axis=1)  # NaN come last
    size = (values > 0).sum(axis=1).astype(np.float64)
    rank = np.arange(values.shape[1])
    with np.errstate(divide="ignore", invalid="ignore"):  # rows with fewer than three values, or equal ones
        b0 = np.nansum(ordered, axis=1) / size
        b1 = np.nansum(ordered * rank, axis=1) / size / (size - 1)
        b2 = np.nansum(ordered * rank * (rank - 1), axis=1) / size / (size - 1) / (size - 2)
        spread = 2 * b1 - b0
        return b0, spread, (6 * b2 - 6 * b1 + b0) / spread
