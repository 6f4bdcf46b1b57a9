"""Sources of whole months: which unit has a row in which month, and which months a delivery holds anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from dagster_project.samples.arrays import Days, Ints
from dagster_project.samples.days import day_number, month_end, month_number
from dagster_project.samples.deliveries import Delivery, deliveries
from dagster_project.samples.forms import XLSX, Form, form_of
from dagster_project.samples.setting import Setting
from dagster_project.samples.units import OPENED, UNITS, unit_at

MONTHS_AGAIN = 3
"""A month is corrected for a while: the newest deliveries hold so many."""


@dataclass(frozen=True)
class UnitMonths:
    """Columns of equal length: position of the unit, its part (0 .. parts - 1), month number, the month's last day."""

    unit: Ints
    part: Ints
    month: Ints
    last_day: Days

    @property
    def verksamhet(self) -> npt.NDArray[np.str_]:
        """Code of the unit's verksamhet before the reorganisation."""
        return np.array([u.verksamhet for u in UNITS])[self.unit]


def unit_months(s: Setting, parts: int) -> UnitMonths:
    """Every part of every unit in every month; the unit that opens has the months after the other one's."""
    first, last = (int(month_number(day_number(day))) for day in (s.first, s.as_of))
    months = np.arange(first, last + 1)
    units = np.delete(np.arange(len(UNITS)), OPENED)
    month = np.repeat(months, len(units) * parts)
    unit = np.tile(np.repeat(units, parts), len(months))
    last_day = month_end(month)
    return UnitMonths(unit_at(unit, last_day), np.tile(np.arange(parts), len(months) * len(units)), month, last_day)


def delivered(
    s: Setting, truth: pl.DataFrame, history: Sequence[Form]
) -> Iterator[tuple[Delivery, Form, pl.DataFrame]]:
    """Every delivery, its look and its rows: history holds the months of its period, later ones the newest months anew.

    truth: all rows, with the last day of their month (`_day`, a day number), which is left out.
    """
    for d in deliveries(s):
        held = (pl.col("_day") > _first_day(d)) & (pl.col("_day") <= d.hi)
        yield d, form_of(d, history, newest=XLSX), truth.filter(held).drop("_day")


def _first_day(d: Delivery) -> int:
    """A delivery holds the months that end after this day."""
    if d.role in ("historia", "forra"):
        return d.lo
    ended = int(month_number(d.hi + 1)) - 1  # the newest month that has ended
    return int(month_end(ended - MONTHS_AGAIN))
