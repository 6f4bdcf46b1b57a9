"""Days and months as numbers, so that whole columns of them can be computed with.

Days are int32 numbers of days since 1970-01-01 throughout ("day numbers"); months are numbers of months since 1970-01.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from dagster_project.samples.arrays import Bools, Days, Ints

NEVER = np.int32(2_000_000)  # a day number far after every date of a set
ALWAYS = -2_000_000


def day_number(day: date) -> int:
    """Day number of a date."""
    return day.toordinal() - 719163


def month_number(days: npt.ArrayLike) -> Ints:
    """Month numbers (months since 1970-01) of day numbers."""
    return np.asarray(days, dtype="datetime64[D]").astype("datetime64[M]").astype(np.int64)


def month_end(months: npt.ArrayLike) -> Days:
    """Day numbers of the last days of month numbers."""
    first_of_next = (np.asarray(months, dtype=np.int64) + 1).astype("datetime64[M]").astype("datetime64[D]")
    return (first_of_next.astype(np.int64) - 1).astype(np.int32)


def date_column(days: npt.ArrayLike, missing: Bools | None = None) -> pl.Series:
    """Date column from day numbers; missing = rows that get null."""
    column = pl.Series(np.asarray(days, dtype=np.int32)).cast(pl.Date)
    return column if missing is None else column.set(pl.Series(missing), None)


def working_day(days: Days) -> Days:
    """Saturdays and Sundays moved to the Monday after."""
    weekday = (days.astype(np.int64) + 3) % 7
    return (days + np.where(weekday >= 5, 7 - weekday, 0)).astype(np.int32)
