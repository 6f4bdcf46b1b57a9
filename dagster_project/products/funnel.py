"""The limits of a funnel: how far a unit's share may lie from the area's before chance no longer explains it.

Exact binomial limits (Spiegelhalter, Statistics in Medicine 24 (2005) 1185-1202, appendix A.1.1): the lower one is
where the distribution function, drawn as straight lines between whole numbers, reaches the tail; the upper one is the
lower one of the complement. So a unit is outside a limit exactly when its own count, or one farther out, is less likely
than the tail. Units are held against the limits, never against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

INNER, OUTER = 0.95, 0.998
"""What the limits hold of units whose true share is the area's (products.md)."""


@dataclass(frozen=True)
class FunnelLimits:
    """The limits, in percent, for units with `n` observations: 95 percent (inner) and 99.8 percent (outer)."""

    n: int
    lower_outer: float
    lower_inner: float
    upper_inner: float
    upper_outer: float


def funnel_limits(sizes: Sequence[int], centre: float) -> list[FunnelLimits]:
    """The limits for each number of observations around a share, in percent, within 0-100.

    Raises ValueError for a size below 1 or a centre outside 0-100.
    """
    import numpy as np

    if not 0 <= centre <= 100 or any(n < 1 for n in sizes):
        raise ValueError(f"a funnel needs sizes from 1 on and a centre within 0-100, not {sizes} and {centre}")
    share = centre / 100
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, max(sizes, default=0) + 1)))])
    tails = [(1 - level) / 2 for level in (OUTER, INNER)]
    found = []
    for n in sizes:
        lower = _lower(_distribution(n, share, logs), tails)
        upper = _lower(_distribution(n, 1 - share, logs), tails)
        found.append(
            FunnelLimits(n, 100 * lower[0] / n, 100 * lower[1] / n, 100 - 100 * upper[1] / n, 100 - 100 * upper[0] / n)
        )
    return found


def _distribution(n: int, share: float, logs: np.ndarray) -> np.ndarray:
    """The binomial distribution function at 0, 1 ... n. logs: of the factorials."""
    import numpy as np

    if share in (0, 1):
        return np.where(np.arange(n + 1) >= n * share, 1.0, 0.0)
    r = np.arange(n + 1)
    ways = logs[n] - logs[: n + 1] - logs[n::-1]
    return np.cumsum(np.exp(ways + r * np.log(share) + (n - r) * np.log1p(-share)))


def _lower(distribution: np.ndarray, tails: Sequence[float]) -> list[float]:
    """The count at which the distribution reaches each tail, between whole numbers; at least 0."""
    import numpy as np

    found = []
    for tail in tails:
        r = int(np.searchsorted(distribution, tail, side="right"))
        before = distribution[r - 1] if r else 0.0
        found.append(max(0.0, r - float((distribution[r] - tail) / (distribution[r] - before))))
    return found
