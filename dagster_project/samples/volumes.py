"""How much happens on which day: seasons, the pandemic, growth, and random events spread over working days."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dagster_project.samples.arrays import Days, Floats, Ints
from dagster_project.samples.days import month_number

_SEASON = np.array([1.0, 1.0, 1.1, 1.0, 1.05, 0.9, 0.42, 0.82, 1.1, 1.12, 1.1, 0.8])
_PANDEMIC = dict(
    zip(
        range(602, 620),  # months 2020-03 to 2021-08
        (0.8, 0.52, 0.58, 0.72, 0.85, 0.9, 0.92, 0.9, 0.84, 0.82, 0.84, 0.88, 0.9, 0.9, 0.94, 0.96, 0.98, 1.0),
        strict=True,
    )
)
_HOLIDAYS = {(1, 1), (1, 6), (5, 1), (6, 6), (12, 24), (12, 25), (12, 26), (12, 31)}


def activity(first: int, last: int, growth: float = 0.03, felt: float = 1.0) -> tuple[Days, Floats]:
    """Working days first..last and the expected share of a normal month's volume on each of them.

    Seasons, the pandemic of 2020-2021, `growth` a year from the first day, no weekends or fixed holidays. felt: the
    power that seasons and the pandemic come with; what is planned ahead feels less of them.
    """
    days = np.arange(first, last + 1, dtype=np.int32)
    stamps = days.astype("datetime64[D]")
    months = month_number(days)
    in_month = (stamps - stamps.astype("datetime64[M]")).astype(np.int64) + 1
    weekday = (days.astype(np.int64) + 3) % 7
    weight = np.array([1.0, 1.0, 1.0, 1.0, 0.8, 0.0, 0.0])[weekday] / 20.9
    for month, day in _HOLIDAYS:
        weight[(months % 12 + 1 == month) & (in_month == day)] = 0.0
    weight *= _SEASON[months % 12] ** felt * (1 + growth) ** ((days - first) / 365.25)
    for month_nr, factor in _PANDEMIC.items():
        weight[months == month_nr] *= factor**felt
    return days, weight


def arrivals(rng: np.random.Generator, rates: Floats, days: Days, weight: Floats) -> tuple[Ints, Days]:
    """Unit positions and day numbers of random events, rates = expected events per unit in a normal month; by day."""
    total = float(weight.sum())
    counts = rng.poisson(rates * total)
    unit = np.repeat(np.arange(len(rates)), counts)
    cdf = np.cumsum(weight) / total
    day = days[np.minimum(np.searchsorted(cdf, rng.random(len(unit)), side="right"), len(days) - 1)]
    order = np.argsort(day, kind="stable")
    return unit[order], day[order]


def ramp(days: npt.NDArray[Any], first: int, last: int, low: float, high: float) -> Floats:
    """A share that grows in a straight line from low on day `first` to high on day `last`."""
    return low + (high - low) * np.clip((days - first) / max(last - first, 1), 0.0, 1.0)
