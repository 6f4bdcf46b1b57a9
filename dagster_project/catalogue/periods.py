"""Periods as people write them, and the months that they hold."""

from __future__ import annotations

import re
from datetime import date

from dagster_project.catalogue.vocabulary import PERIOD_TYPES
from dagster_project.core.errors import UsageError

MOST_YEARS_BEFORE = 50
"""How many years before the as-of year the grid can begin (the setting `years_before` is refused above it)."""
MOST_MONTHS = 12 * (MOST_YEARS_BEFORE + 3)
"""Months of the longest grid: its years, the as-of year, the year before it and the r12 that end there."""

NOTATIONS = "2022-08 (månad), 2022-T2 (tertial), 2022-D (delår), 2022 (år), --period-typ r12 --period 2022-08"


def parse_period(period: str, period_typ: str | None = None) -> tuple[str, date]:
    """Type and first day of a period as it is written on the command line (NOTATIONS).

    Raises UsageError when it is written otherwise, or another type is asked for than it says.
    """
    text = period.strip().upper()
    if period_typ is not None and period_typ not in PERIOD_TYPES:
        raise UsageError(f"Periodtypen {period_typ} finns inte: {', '.join(PERIOD_TYPES)}.")
    found = re.fullmatch(r"([0-9]{4})(?:-(?:([0-9]{2})|T([1-3])|(D)))?", text)
    year = int(found[1]) if found else 0
    month = int(found[2]) if found and found[2] else 0
    if found and year >= 1900 and (found[2] is None or 1 <= month <= 12):
        if month and period_typ in (None, "manad"):
            return "manad", date(year, month, 1)
        if month and period_typ == "r12":
            return "r12", date(year if month == 12 else year - 1, month % 12 + 1, 1)
        if found[3] and period_typ in (None, "tertial"):
            return "tertial", date(year, 4 * int(found[3]) - 3, 1)
        whole_year = not found[2] and not found[3]
        if whole_year and period_typ == "delar" or found[4] and period_typ is None:
            return "delar", date(year, 1, 1)
        if whole_year and not found[4] and period_typ in (None, "ar"):
            return "ar", date(year, 1, 1)
    asked = f" som {period_typ}" if period_typ else ""
    raise UsageError(f"Perioden {period} kan inte läsas{asked}: skriv {NOTATIONS}.")


def period_name(period_typ: str, start: date, end: date) -> str:
    """A period as it is written on the command line."""
    return {
        "manad": f"{start:%Y-%m}",
        "tertial": f"{start.year}-T{(start.month + 3) // 4}",
        "delar": f"{start.year}-D",
        "ar": f"{start.year}",
        "r12": f"{end:%Y-%m}",
    }[period_typ]


def months_of(start: date, end: date, stock: bool, window_months: int | None = None) -> list[date]:
    """First days of the months that a period's cell looks at: a stock at its last one, a window at its last so many
    (`models/cells/indicator_periods.sql` says the same of all cells)."""
    after = 12 * end.year + end.month
    first = after - 1 if stock else after - window_months if window_months else 12 * start.year + start.month - 1
    numbers = range(first, after)
    return [date(n // 12, n % 12 + 1, 1) for n in numbers]
