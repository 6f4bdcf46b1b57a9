"""When deliveries are made, and which days each of them holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from dagster_project.samples.days import ALWAYS, day_number


@dataclass(frozen=True)
class Delivery:
    """One delivery: extraction date, content of the days lo < day <= hi (day numbers), place from the oldest."""

    day: date
    lo: int
    hi: int
    nr: int
    suffix: str
    role: str  # historia, forra (the month end before), senaste


def deliveries(as_of: date, half_years: bool = False, newest_from_january: bool = False) -> list[Delivery]:
    """History by (half) year, the month end before as_of, and the newest one, which overlaps the one before."""
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
