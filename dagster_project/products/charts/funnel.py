"""Units beside each other without a ranking: is the difference from the whole more than so few cases make by chance?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dagster_project.core.swedish import fixed
from dagster_project.products.charts.data import UnitPoint
from dagster_project.products.charts.drawing import Chart, drawn
from dagster_project.products.charts.labels import WIDE, Box, Spot, along, freest
from dagster_project.products.charts.scale import ACROSS, place, scale_of
from dagster_project.products.funnel import funnel_limits

HEIGHT, TOP, BOTTOM = 280, 22, 26
STEPS = 48
ROUNDING = 1e-9


def _beside(x: float, y: float) -> list[Spot]:
    """Places for a unit's name around its mark: on the side where there is room, level with it, above and below."""
    right = x > ACROSS * 0.6
    sides = [(x - 13, "end"), (x + 13, "start")] if right else [(x + 13, "start"), (x - 13, "end")]
    return [Spot(at, y + down, anchor) for at, anchor in sides[: 1 if right else 2] for down in (4, -11, 19)]


def funnel(units: Sequence[UnitPoint], centre: float, *, alt: str) -> Chart:
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
    names, outer = [], []
    for name, n, share in sorted(units, key=lambda unit: (unit[1], unit[2], unit[0])):
        (at,) = funnel_limits([max(1, round(n))], centre)
        outside = not at.lower_outer - ROUNDING <= share <= at.upper_outer + ROUNDING
        dots.append((x(n), scale.y(share), "d-sist" if outside else "d-enhet", 4.5 if outside else 4))
        if outside:
            outer.append((x(n), scale.y(share), name))
    curves = [curve(side) for side in ("lower_outer", "upper_outer", "lower_inner", "upper_inner")]
    middle = f"0,{place(scale.y(centre))} {ACROSS},{place(scale.y(centre))}"
    marks = [*((a, b) for a, b, _, _ in dots), *along(curves, 4), *along([middle], 100)]
    taken: list[Box] = []
    for a, b, name in outer:
        spot = freest(_beside(a, b), name, marks, taken, WIDE)
        taken.append(spot.box(name, WIDE))
        names.append((spot.x, spot.y, name, spot.anchor))
    ticks = scale.ticks()
    chart: dict[str, Any] = {
        "height": HEIGHT,
        "ticks": [(scale.y(v), scale.tick_text(v, "procent", n == len(ticks) - 1)) for n, v in enumerate(ticks)],
        "labels": [
            (70.0, f"n = {fixed(min(ns), 0)}", "start", "d-tid"),
            (float(ACROSS), f"n = {fixed(max(ns), 0)}", "end", "d-tid"),
        ],
        "outer": curves[:2],
        "inner": curves[2:],
        "centre": scale.y(centre),
        "dots": dots,
        "names": names,
    }
    return drawn("funnel", c=chart, alt=alt)
