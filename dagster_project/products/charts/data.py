"""What charts are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

State: TypeAlias = Literal["shown", "hidden", "preliminary", "no_data"]
UnitPoint: TypeAlias = tuple[str, float, float]
"""Name, n, share in percent."""


@dataclass(frozen=True)
class Point:
    """One period of a series. label: as a reader calls it ("aug 2022").

    A hidden point and one without data have no value: a ValueError says that a number was about to be drawn.
    """

    start: date
    label: str
    value: float | None
    state: State = "shown"

    def __post_init__(self) -> None:
        if (self.value is None) != (self.state in ("hidden", "no_data")):
            raise ValueError(f"{self.label}: a point that is {self.state} has value {self.value}")


@dataclass(frozen=True)
class Limits:
    """Of an XmR chart, over the points from start to end (their first days)."""

    mean: float
    lower: float
    upper: float
    start: date
    end: date


@dataclass(frozen=True)
class Break:
    """From this day the series is counted in another way. reason: a few words, told on the line."""

    day: date
    reason: str
