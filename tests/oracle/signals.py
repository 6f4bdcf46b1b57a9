"""`signal` row by row, written from products.md: an XmR chart of the newest 24 complete months of a place.

Plain lists and loops, nothing of the production system: the cells as they are published give the rows.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from .oracle import SEEDS

MONTHS, FEWEST = 24, 12
SHARES, COUNTS = ("andel", "tackning"), ("antal",)
KEY = ("indicator_id", "niva", "verksamhet")
NUMBERS = ("medel", "undre_grans", "ovre_grans")
COMPARED = ("fran", "till", "antal_punkter", *NUMBERS, "signal", "signal_manad", "riktning", "malformaga")
COLUMNS = (*KEY, *COMPARED, "release_id")
UP_WITHOUT_TARGET = ("gas_t_forandring", "gas_maluppfyllelse", "np_behandling_90", "aktiviteter_genomforda")
DOWN_WITHOUT_TARGET = ("vantetid_median",)


@dataclass(frozen=True)
class Goal:
    """A target as far as a signal asks: fixed is False where it is a comparison, prorated or of named periods only."""

    operator: str
    value: float | None
    levels: tuple[str, ...]
    fixed: bool


@dataclass(frozen=True)
class Of:
    """What is asked of an indicator: its kind, its path and its target, if any."""

    kind: str
    path: str
    goal: Goal | None = None


@dataclass(frozen=True)
class Month:
    """A month of a place: whether it is complete, its status, its value."""

    start: date
    end: date
    complete: bool
    status: str
    value: float | None


@dataclass(frozen=True)
class SeriesBreak:
    indicator_id: str | None
    verksamhet: str | None
    day: date


def known() -> dict[str, Of]:
    """The catalogue and the targets that it shows, from the seeds."""
    goals = {}
    with (SEEDS / "maltal.csv").open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            if row["huvudmal"] == "ja":
                fixed = not row["bas"] and row["prorateras"] == "nej" and not row["bedoms_pa"]
                value = float(row["varde"]) if row["varde"] else None
                goals[row["indicator_id"]] = Goal(row["operator"], value, tuple(row["nivaer"].split("|")), fixed)
    with (SEEDS / "catalogue.csv").open(encoding="utf-8", newline="") as handle:
        return {
            row["indicator_id"]: Of(row["art"], row["path"], goals.get(row["indicator_id"]))
            for row in csv.DictReader(handle)
        }


def signal_rows(cells: Iterable[dict[str, Any]], of: dict[str, Of], breaks: Sequence[SeriesBreak] = ()) -> list[dict]:
    """The table, from rows of `indicator_result`."""
    series: dict[tuple[str, str, str | None], list[Month]] = defaultdict(list)
    for c in cells:
        if c["period_typ"] != "manad" or c["kon"] != "T" or c["niva"] == "enhet" or c["status"] == "ej_tillamplig":
            continue
        if of[c["indicator_id"]].path not in ("distinct", "window"):
            month = Month(c["period_start"], c["period_slut"], c["komplett"], c["status"], c["varde"])
            series[c["indicator_id"], c["niva"], c["verksamhet"]].append(month)
    found = []
    for key, months in series.items():
        days = [
            b.day
            for b in breaks
            if b.indicator_id in (None, key[0]) and (b.verksamhet is None or b.verksamhet == key[2])
        ]
        row = signal_row(sorted(months, key=lambda m: m.start), of[key[0]], key[0], key[1], days)
        found.append(dict(zip(KEY, key, strict=True)) | row)
    return found


def signal_row(
    months: Sequence[Month], of: Of, indicator_id: str, level: str, breaks: Sequence[date] = ()
) -> dict[str, Any]:
    """The chart of one place: its months in order give the columns COMPARED."""
    complete = [m for m in months if m.complete][-MONTHS:]
    window = [m for m in months if complete and complete[0].start <= m.start <= complete[-1].start]
    happened = [day for day in breaks if complete and day <= complete[-1].end]
    new_series = max(happened, default=date.min)
    points: list[tuple[Month, int]] = []
    run = 0
    for m in window:
        if m.complete and m.value is not None and m.start >= new_series:
            points.append((m, run))
        elif m.status != "inga_data":
            run += 1
    goal = of.goal if of.goal is not None and of.goal.fixed and level in of.goal.levels else None
    row: dict[str, Any] = dict.fromkeys(COMPARED)
    row |= {"antal_punkter": len(points), "signal": "for_fa", "malformaga": "osakert" if goal else "inget_mal"}
    if points:
        row |= {"fran": points[0][0].start, "till": points[-1][0].start}
    if len(points) < FEWEST:
        return row
    values = [m.value for m, _ in points if m.value is not None]
    mean, reach = limits(values)
    lower, upper = mean - reach, mean + reach
    if of.kind in SHARES:
        lower, upper = max(lower, 0.0), min(upper, 100.0)
    if of.kind in COUNTS:
        lower = max(lower, 0.0)
    row |= {"medel": mean, "undre_grans": lower, "ovre_grans": upper, "signal": "ingen"}
    for at in (len(points) - 1, len(points) - 2, len(points) - 3):
        rule, way = first_rule(values, [run for _, run in points], at, mean, reach)
        if rule is not None:
            row |= {"signal": rule, "signal_manad": points[at][0].start, "riktning": meaning(indicator_id, of, way)}
            break
    if goal is not None and goal.value is not None:
        row["malformaga"] = capability(goal.operator, goal.value, lower, upper)
    return row


def limits(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and how far the limits lie from it."""
    mean = values[0] if len(set(values)) == 1 else sum(values) / len(values)
    ranges = [abs(after - before) for before, after in zip(values, values[1:], strict=False)]
    first = sum(ranges) / len(ranges)
    left = [r for r in ranges if r <= 3.267 * first]
    return mean, 2.66 * sum(left) / len(left)


def first_rule(
    values: Sequence[float], runs: Sequence[int], at: int, mean: float, reach: float
) -> tuple[str | None, int]:
    """The first rule that a point fulfils, and which way: 1 up, -1 down."""
    same = 1e-9 * (1 + abs(mean))  # numbers as near as this are equal, and only computed otherwise

    def side(number: float, beyond: float) -> int:
        return 1 if number > beyond + same else -1 if number < -beyond - same else 0

    if out := side(values[at] - mean, reach):
        return "utanfor", out
    last_seven = range(at - 6, at + 1)
    neighbours = at >= 6 and len({runs[i] for i in last_seven}) == 1
    if neighbours:
        steps = {side(values[i] - values[i - 1], 0.0) for i in last_seven[1:]}
        if steps in ({1}, {-1}):
            return "trend", steps.pop()
    far = [side(values[i] - mean, reach * 2 / 3) for i in (at, at - 1, at - 2)]
    if far[0] and far[0] in far[1:]:
        return "tva_av_tre", far[0]
    if neighbours:
        sides = {side(values[i] - mean, 0.0) for i in last_seven}
        if sides in ({1}, {-1}):
            return "skift", sides.pop()
    return None, 0


def meaning(indicator_id: str, of: Of, way: int) -> str:
    if of.goal is not None:
        better = 1 if of.goal.operator in (">", ">=") else -1
    elif of.kind == "tackning" or indicator_id in UP_WITHOUT_TARGET:
        better = 1
    else:
        better = -1 if indicator_id in DOWN_WITHOUT_TARGET else 0
    if not better:
        return "okar" if way > 0 else "minskar"
    return "battre" if way == better else "samre"


def capability(operator: str, goal: float, lower: float, upper: float) -> str:
    above, below = goal > upper, goal < lower
    if operator in (">", ">="):
        return "nas_sakert" if below else "nas_inte" if above else "osakert"
    return "nas_sakert" if above else "nas_inte" if below else "osakert"
