"""When deliveries are made, and which days each of them holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from dagster_project.samples.days import ALWAYS, day_number
from dagster_project.samples.setting import Setting


@dataclass(frozen=True)
class Delivery:
    """One delivery: extraction date, content of the days lo < day <= hi (day numbers), place from the oldest."""

    day: date
    lo: int
    hi: int
    nr: int
    suffix: str
    role: str  # historia, forra (the month end before), senaste, ordinarie


def deliveries(s: Setting, half_years: bool = False, newest_from_january: bool = False) -> list[Delivery]:
    """History by (half) year, the month end before as_of, and the newest one, which overlaps the one before.

    Of a setting with ordinary days: history up to the first of them, then each holds what came since the one before.
    """
    if s.ordinary:
        return _ordinary(s)
    as_of = s.as_of
    year = as_of.year
    previous = as_of.replace(day=1) - timedelta(days=1)
    cuts = {date(y, 12, 31) for y in range(year - 3, year)} | {date(year, 6, 30)}
    if half_years:
        cuts |= {date(y, 6, 30) for y in range(year - 3, year)}
    found, lo = [], ALWAYS
    for nr, cut in enumerate([*sorted(c for c in cuts if c < previous), previous]):
        day = cut + timedelta(days=8) if cut + timedelta(days=8) < previous else cut
        last = cut == previous
        period = f"{cut.year}H{1 if cut.month <= 6 else 2}" if half_years or cut.month == 6 else f"{cut.year}"
        found.append(
            Delivery(day, lo, day_number(cut), nr, "" if last else f"_{period}", "forra" if last else "historia")
        )
        lo = day_number(cut)
    overlap = day_number(previous.replace(day=1) - timedelta(days=1))
    if newest_from_january:
        overlap = min(overlap, day_number(date(year - 1, 12, 31)))
    found.append(Delivery(as_of, overlap, day_number(as_of), len(found), "", "senaste"))
    return found


def _ordinary(s: Setting) -> list[Delivery]:
    first, *others = s.ordinary
    found = [Delivery(first, ALWAYS, day_number(first), 0, "", "historia")]
    for day in others:
        found.append(Delivery(day, found[-1].hi, day_number(day), len(found), "", "ordinarie"))
    return found


def ordinary_days(as_of: date, every: str) -> tuple[date, ...]:
    """Extraction days of a year that ends with as_of, and of the history before it: `vecka` or `manad` (month ends)."""
    if every == "vecka":
        return tuple(as_of - timedelta(days=7 * weeks) for weeks in range(52, -1, -1))
    ends = (as_of + timedelta(days=1)).replace(day=1)
    days = []
    for _ in range(13):
        days.append(ends - timedelta(days=1))
        ends = (ends - timedelta(days=1)).replace(day=1)
    return tuple(sorted({as_of, *days}))
