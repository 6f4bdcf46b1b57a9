"""Units beside each other without a ranking: is the difference from the whole more than so few cases make by chance?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from dagster_project.core.swedish import fixed
from dagster_project.products.charts.data import UnitPoint
from dagster_project.products.charts.drawing import drawn
from dagster_project.products.charts.scale import ACROSS, place, scale_of
from dagster_project.products.funnel import funnel_limits

HEIGHT, TOP, BOTTOM = 280, 22, 26
STEPS = 48
ROUNDING = 1e-9


def funnel(units: Sequence[UnitPoint], centre: float, *, alt: str) -> Markup:
    """Units by n (across, the square root of it) and share (percent), around the whole's share.

    units: name, n, share. A unit beyond the outer limits is a filled mark with its name; the others are open marks
    without. The limits are drawn from the smallest n to the largest.
    """
    ns = [n for _, n, _ in units] or [1.0]
    low, high = max(1, math.floor(min(ns))), max(2, math.ceil(max(ns) * 1.05))
    left, right = math.sqrt(low), math.sqrt(high)

    def x(n: float) -> float:
        return 70 + (ACROSS - 100) * (math.sqrt(n) - left) / (right - left if right > left else 1.0)

    grid = sorted({round((left + (right - left) * step / STEPS) ** 2) for step in range(STEPS + 1)})
    limits = funnel_limits(grid, centre)
    held = [share for _, _, share in units] + [centre]
    held += [v for at in limits for v in (at.lower_inner, at.upper_inner)]
    scale = scale_of(held, "procent", TOP, HEIGHT - BOTTOM, 4)

    def curve(side: str) -> str:
        drawn_points = ((x(at.n), scale.y(min(max(getattr(at, side), scale.low), scale.high))) for at in limits)
        return " ".join(f"{place(a)},{place(b)}" for a, b in drawn_points)

    dots: list[tuple[float, float, str, float]] = []
    outliers = []
    for name, n, share in sorted(units, key=lambda unit: (unit[1], unit[2], unit[0])):
        (at,) = funnel_limits([max(1, round(n))], centre)
        outside = not at.lower_outer - ROUNDING <= share <= at.upper_outer + ROUNDING
        dots.append((x(n), scale.y(share), "d-sist" if outside else "d-enhet", 4.5 if outside else 4))
        if outside:
            outliers.append((x(n), scale.y(share), name))
    ticks = scale.ticks()
    chart: dict[str, Any] = {
        "height": HEIGHT,
        "ticks": [(scale.y(v), scale.tick_text(v, "procent", n == len(ticks) - 1)) for n, v in enumerate(ticks)],
        "labels": [
            (0.0, f"n = {fixed(min(ns), 0)}", "start"),
            (float(ACROSS), f"n = {fixed(max(ns), 0)}", "end"),
        ],
        "outer": [curve("lower_outer"), curve("upper_outer")],
        "inner": [curve("lower_inner"), curve("upper_inner")],
        "centre": scale.y(centre),
        "dots": dots,
        "names": _names(outliers),
    }
    return drawn("funnel", c=chart, alt=alt)


CHARACTER = 10
"""How wide a letter is at most where the chart is as narrow as a tablet, in thousandths of its width."""
LINE = 15


def _names(marks: Sequence[tuple[float, float, str]]) -> list[tuple[float, float, str, str]]:
    """Where the names of marks stand: beside, below or above the mark, not over each other. One without room has no
    name in the chart; the table beside it has them all."""
    taken: list[tuple[float, float, float]] = []
    found = []
    for x, y, name in marks:
        wide = CHARACTER * len(name)
        for anchor, down in ((a, d) for d in (0, LINE, -LINE) for a in ("start", "end")):
            left = x + 10 if anchor == "start" else x - 10 - wide
            at = y + 4 + down
            free = all(left + wide < from_ or left > to or abs(at - y_) >= LINE for from_, to, y_ in taken)
            if free and left >= 0 and left + wide <= ACROSS and TOP - 10 <= at <= HEIGHT - BOTTOM:
                taken.append((left, left + wide, at))
                found.append((x + (10 if anchor == "start" else -10), at, name, anchor))
                break
    return found
