"""From values to places: scales that begin and end at round numbers, and the few labels that an axis needs.

Across, charts are as wide as the page lets them be: a place is a share of the width, in thousandths, so that text keeps
its size on any screen. Down, a place is in pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dagster_project.catalogue.vocabulary import NUMBER
from dagster_project.core.swedish import fixed
from dagster_project.products.charts.data import Point

ACROSS = 1000
LEFT, RIGHT = 58, 14
"""Thousandths left free: for the scale's numbers, and for half a mark."""
PERCENT_SIGN = "\u00a0%"


def place(number: float) -> str:
    """A coordinate: at most one decimal, the shortest way."""
    text = f"{number:.1f}"
    return text.removesuffix(".0").replace("-0", "0") if text in ("-0.0", "0.0") else text.removesuffix(".0")


def share(x: float) -> str:
    """A place across as a share of the width: `12.5%`."""
    text = f"{x / ACROSS * 100:.2f}".rstrip("0").rstrip(".")
    return f"{text}%"


def spread(count: int) -> list[float]:
    """Places across for so many points, evenly; a single one stands in the middle."""
    if count == 1:
        return [ACROSS / 2]
    step = (ACROSS - LEFT - RIGHT) / max(count - 1, 1)
    return [LEFT + n * step for n in range(count)]


def nice_step(span: float, parts: int, whole: bool = False) -> float:
    """The smallest step of 1, 2, 2.5 or 5 times a power of ten that covers the span in so many parts. whole: of what
    is counted there is no half."""
    rough = max(span / parts, 1.0) if whole else span / parts
    power = 10.0 ** math.floor(math.log10(rough))
    steps = (factor * power for factor in (1, 2, 2.5, 5, 10))
    return next(s for s in steps if s >= rough * 0.999999 and not (whole and s % 1))


@dataclass(frozen=True)
class Scale:
    """Values from low to high stand between bottom and top, in pixels from above."""

    low: float
    high: float
    top: float
    bottom: float
    step: float

    @property
    def cut(self) -> bool:
        """Whether 0 is outside it."""
        return not self.low <= 0 <= self.high

    def y(self, value: float) -> float:
        return self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def ticks(self) -> list[float]:
        count = round((self.high - self.low) / self.step)
        return [self.low + n * self.step for n in range(count + 1)]

    def tick_text(self, value: float, unit: str, last: bool) -> str:
        """The unit stands at the highest number only; crowns from a million on are told in millions."""
        millions = unit == "kr" and max(abs(self.low), abs(self.high)) >= 1e6
        divisor = 1e6 if millions else 1.0
        text = fixed(value / divisor, _decimals_of(self.step / divisor))
        if not last:
            return text
        named = "milj. kr" if millions else "" if unit == "antal" else unit
        return f"{text}{PERCENT_SIGN}" if unit == "procent" else f"{text}\u00a0{named}".rstrip("\u00a0")


def _decimals_of(step: float) -> int:
    return next((d for d in range(6) if abs(step * 10**d - round(step * 10**d)) < 1e-6), 6)


def scale_of(values: Iterable[float], unit: str, top: float, bottom: float, parts: int = 3) -> Scale:
    """A scale that holds all values. Percent stay within 0-100; what is near 0 begins there."""
    known = [v for v in values if math.isfinite(v)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    bounded = unit == "procent" and low >= 0 and high <= 100
    if high - low < 1e-9:
        around = max(abs(high) * 0.1, 1.0)
        low, high = low - around, high + around
        low = max(low, 0.0) if known and min(known) >= 0 else low
    if 0 < low <= 0.4 * high:
        low = 0.0
    step = nice_step((high - low) * 1.02, parts, whole=unit == NUMBER)
    first, last = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    if bounded:
        first, last = max(first, 0.0), min(last, 100.0)
        if abs((last - first) / step - round((last - first) / step)) > 1e-6:
            first = last - math.ceil((last - first) / step - 1e-9) * step
    return Scale(first, last, top, bottom, step)


Label = tuple[float, str, str, str]
"""Place across, text, anchor, class."""
CLOSE, TIGHT = 0.11, 0.27
"""Shares of the width: a label nearer to an end is left out; nearer than the second, on narrow screens only."""


def axis_labels(points: Sequence[Point], xs: Sequence[float], bare: bool = False) -> list[Label]:
    """The few labels below a series: its ends, and each new year or a few between.

    bare: only the ends, where there is no room for more.
    """
    if not points:
        return []
    if len(points) == 1:
        return [(xs[0], points[0].label, "middle", "d-tid")]
    years = [n for n in range(1, len(points)) if points[n].start.year != points[n - 1].start.year]
    monthly = (points[1].start - points[0].start).days < 45
    every = max(1, math.ceil(len(points) / 5))
    at = years if monthly and years else range(every, len(points) - 1, every)
    found: list[Label] = [(xs[0], points[0].label, "start", "d-tid")]
    for n in () if bare else at:
        room = min(xs[n] - xs[0], xs[-1] - xs[n]) / ACROSS
        if room >= CLOSE:
            text = str(points[n].start.year) if monthly and years else points[n].label
            found.append((xs[n], text, "middle", "d-tid" if room >= TIGHT else "d-tid d-tat"))
    return [*found, (xs[-1], points[-1].label, "end", "d-tid")]
