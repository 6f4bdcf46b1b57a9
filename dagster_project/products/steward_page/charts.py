"""Small line charts as numbers for the template's own SVG: no script, no styles of their own, nothing fetched.

A charting library would bring a stylesheet or a script that the page's policy refuses; what is drawn here is one line,
its limit and its last point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, MARGIN = 120, 32, 3


@dataclass(frozen=True)
class Chart:
    """lines: points (`x,y x,y ...`) of each unbroken stretch; a stretch of one point is a dot. limit: its height."""

    lines: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    last: tuple[float, float]
    limit: float | None
    text: str


def chart(values: Sequence[float | None], limit: float | None, text: str) -> Chart:
    """A chart of at least one value, oldest first; None is a gap. text: what it shows, for who cannot see it.

    Where there is a limit the scale begins at 0, so that the distance to it is seen as it is; else it holds the values.
    """
    known = [v for v in values if v is not None]
    low, high = (min(known), max(known)) if limit is None else (min(0.0, *known), max(limit, *known))
    across = (WIDTH - 2 * MARGIN) / max(1, len(values) - 1)

    def height(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return round(HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN), 1)

    stretches: list[list[tuple[float, float]]] = [[]]
    for n, value in enumerate(values):
        if value is None:
            stretches.append([])
        else:
            stretches[-1].append((round(MARGIN + n * across, 1), height(value)))
    drawn = [points for points in stretches if points]
    return Chart(
        lines=tuple(" ".join(f"{x},{y}" for x, y in points) for points in drawn if len(points) > 1),
        dots=tuple(points[0] for points in drawn if len(points) == 1),
        last=drawn[-1][-1],
        limit=None if limit is None else height(limit),
        text=text,
    )
