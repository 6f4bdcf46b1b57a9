"""Units beside each other without a ranking: is the difference from the whole more than so few cases make by chance?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from dagster_project.core.swedish import fixed
from dagster_project.products.charts.data import UnitPoint
from dagster_project.products.charts.drawing import drawn
from dagster_project.products.charts.scale import ACROSS, place, scale_of

HEIGHT, TOP, BOTTOM = 280, 22, 26
STEPS = 48
INNER, OUTER = 0.95, 0.998


@dataclass(frozen=True)
class FunnelLimits:
    """Shares in percent between which so large a part of all units of this n would lie by chance."""

    n: int
    inner_low: float
    inner_high: float
    outer_low: float
    outer_high: float


def binomial_limits(n: int, centre: float) -> FunnelLimits:
    """95 and 99.8 % limits around a share (percent) for n cases: of the exact binomial distribution, between its steps.

    Interpolated as Spiegelhalter does (Statistics in Medicine 2005;24:1185-1202, appendix A.1.1), kept within 0-100.
    """
    import numpy as np

    p = centre / 100
    if n < 1:
        raise ValueError(f"limits for {n} cases")
    if p <= 0 or p >= 1:
        return FunnelLimits(n, centre, centre, centre, centre)
    k = np.arange(n + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    pmf = np.exp(logs[n] - logs[k] - logs[n - k] + k * math.log(p) + (n - k) * math.log1p(-p))
    below = np.cumsum(pmf)

    def at(probability: float) -> float:
        r = min(int(np.searchsorted(below, probability)), n)
        share = (r - (float(below[r]) - probability) / float(pmf[r])) / n if pmf[r] > 0 else r / n
        return 100 * min(max(share, 0.0), 1.0)

    tails = [(1 - part) / 2 for part in (INNER, OUTER)]
    return FunnelLimits(n, at(tails[0]), at(1 - tails[0]), at(tails[1]), at(1 - tails[1]))


def funnel(
    units: Sequence[UnitPoint], centre: float, *, alt: str, limits: Sequence[FunnelLimits] | None = None
) -> Markup:
    """Units by n (across, the square root of it) and share (percent), around the whole's share.

    units: name, n, share. A unit beyond the outer limits is a filled mark with its name; the others are open marks
    without. limits: by rising n; else the binomial ones from the smallest n to the largest.
    """
    ns = [n for _, n, _ in units] or [1.0]
    low, high = max(1, math.floor(min(ns))), max(2, math.ceil(max(ns) * 1.05))

    def x(n: float) -> float:
        left, right = math.sqrt(low), math.sqrt(high)
        return 70 + (ACROSS - 100) * (math.sqrt(n) - left) / (right - left if right > left else 1.0)

    if limits is None:
        grid = sorted(
            {round((math.sqrt(low) + (math.sqrt(high) - math.sqrt(low)) * s / STEPS) ** 2) for s in range(STEPS + 1)}
        )
        limits = [binomial_limits(n, centre) for n in grid if n >= 1]
    held = [share for _, _, share in units] + [centre]
    held += [v for at in limits for v in (at.inner_low, at.inner_high)]
    scale = scale_of(held, "procent", TOP, HEIGHT - BOTTOM, 4)

    def curve(side: str) -> str:
        drawn_points = ((x(at.n), scale.y(min(max(getattr(at, side), scale.low), scale.high))) for at in limits)
        return " ".join(f"{place(a)},{place(b)}" for a, b in drawn_points)

    dots: list[tuple[float, float, str, float]] = []
    names = []
    for name, n, share in sorted(units, key=lambda unit: (unit[1], unit[2], unit[0])):
        at = binomial_limits(max(1, round(n)), centre)
        outside = not at.outer_low <= share <= at.outer_high
        dots.append((x(n), scale.y(share), "d-sist" if outside else "d-enhet", 4.5 if outside else 4))
        if outside:
            right = x(n) > ACROSS * 0.6
            names.append((x(n) + (-10 if right else 10), scale.y(share) + 4, name, "end" if right else "start"))
    ticks = scale.ticks()
    chart: dict[str, Any] = {
        "height": HEIGHT,
        "ticks": [(scale.y(v), scale.tick_text(v, "procent", n == len(ticks) - 1)) for n, v in enumerate(ticks)],
        "labels": [
            (0.0, f"n = {fixed(min(ns), 0)}", "start"),
            (float(ACROSS), f"n = {fixed(max(ns), 0)}", "end"),
        ],
        "outer": [curve("outer_low"), curve("outer_high")],
        "inner": [curve("inner_low"), curve("inner_high")],
        "centre": scale.y(centre),
        "dots": dots,
        "names": names,
    }
    return drawn("funnel", c=chart, alt=alt)
