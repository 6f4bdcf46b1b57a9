"""Where a label stands: beside what it names, where it covers as little as possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dagster_project.products.charts.scale import ACROSS

LETTER, LINE = 7.0, 14.0
"""Pixels of a letter across and of a line of text down, about."""
WIDE, NARROW = 640.0, 260.0
"""Pixels that a chart is taken to have across, and a small one."""
COVERED = 100
"""What it costs to cover another label, beside one for each place of a series that is covered."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""


@dataclass(frozen=True)
class Spot:
    """A place for a label: across in thousandths, the text's base line in pixels, which end of it stands there."""

    x: float
    y: float
    anchor: str

    def box(self, text: str, across: float) -> Box:
        left = self.x / ACROSS * across
        left -= len(text) * LETTER if self.anchor == "end" else 0
        return left, self.y - LINE + 3, left + len(text) * LETTER, self.y + 3


def freest(
    spots: Sequence[Spot], text: str, marks: Sequence[tuple[float, float]], taken: Sequence[Box], across: float
) -> Spot:
    """The first of the spots that covers least. marks: places of series, in thousandths and pixels."""

    def cost(spot: Spot) -> int:
        left, top, right, bottom = spot.box(text, across)
        over = sum(left < o[2] and o[0] < right and top < o[3] and o[1] < bottom for o in taken)
        inside = sum(left <= x / ACROSS * across <= right and top <= y <= bottom for x, y in marks)
        return COVERED * over + inside

    return min(spots, key=cost)


def along(lines: Sequence[str], parts: int = 8) -> list[tuple[float, float]]:
    """Places along polylines, so many per stretch."""
    found = []
    for line in lines:
        points = [(float(x), float(y)) for x, _, y in (p.partition(",") for p in line.split())]
        for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
            found += [(x0 + (x1 - x0) * n / parts, y0 + (y1 - y0) * n / parts) for n in range(parts + 1)]
    return found
