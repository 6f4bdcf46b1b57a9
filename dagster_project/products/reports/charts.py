"""The charts of a report: an indicator's months up to the end of the period, for the area or one verksamhet."""

from __future__ import annotations

from itertools import dropwhile

import polars as pl

from dagster_project.catalogue.vocabulary import ALL_SEXES, HIDDEN, MONTH
from dagster_project.core.printable import printable
from dagster_project.core.swedish import month_in_words
from dagster_project.products.change import has_limits
from dagster_project.products.charts import Break, Limits, Point, standalone, trend
from dagster_project.products.charts.data import State
from dagster_project.products.reading import IndicatorInfo, ItemInfo
from dagster_project.products.reports.asked import Followed
from dagster_project.products.reports.document import Figure
from dagster_project.products.telling import break_words

MONTHS, FEWEST = 24, 6
"""A chart shows so many months, and is not drawn with fewer shown points than that."""
Drawn = dict[str, ItemInfo]
"""Indicators whose chart the report has, and the item that it stands at."""


def chart(followed: Followed, item: ItemInfo, indicator: IndicatorInfo) -> Figure | None:
    """The place's months as a chart; None where too few of them have a number."""
    rows = _months(followed, indicator.indicator_id)
    points = [_point(followed, row) for row in rows.iter_rows(named=True)]
    points = list(dropwhile(lambda p: p.state == "no_data", points))  # before anything was counted
    shown = [p for p in points if p.value is not None]
    if len(shown) < FEWEST:
        return None
    target = _monthly_target(rows)
    breaks = [
        Break(day, printable(reason))
        for day, reason in followed.reading.breaks_of(indicator.indicator_id, followed.code)
        if points[0].start < day <= points[-1].start
    ]
    alt = " ".join([_alt(followed, item, indicator, points, target), *(break_words(b.day, b.reason) for b in breaks)])
    svg = trend(
        points,
        alt=alt,
        unit=indicator.mattenhet,
        decimals=indicator.decimaler,
        target=target,
        limits=_limits(followed, indicator.indicator_id, points),
        breaks=breaks,
    )
    caption = f"{printable(item.kort_titel)} per månad, {points[0].label}–{points[-1].label}."
    return Figure(standalone(svg), str(svg), alt, caption)


def _months(followed: Followed, indicator_id: str) -> pl.DataFrame:
    cells = followed.reading.cells(indicator_id, niva=followed.level, kon=ALL_SEXES, period_typ=MONTH)
    if not followed.is_area:
        cells = cells.filter(pl.col("verksamhet") == followed.code)
    return cells.filter(pl.col("period_slut") <= followed.period[1]).sort("period_start").tail(MONTHS)


def _point(followed: Followed, row: dict) -> Point:
    state: State
    if row["status"] == HIDDEN:
        state = "hidden"
    elif row["varde"] is None:
        state = "no_data"
    else:
        state = "shown" if row["komplett"] else "preliminary"
    value = row["varde"] if state in ("shown", "preliminary") else None
    return Point(row["period_start"], followed.reading.period_label(MONTH, row["period_start"]), value, state)


def _monthly_target(rows: pl.DataFrame) -> float | None:
    """The target of the months, where all of them have the same: one of a whole year is none of a month."""
    targets = rows.filter(pl.col("varde").is_not_null())["malvarde"].unique().to_list()
    return targets[0] if len(targets) == 1 else None


def _limits(followed: Followed, indicator_id: str, points: list[Point]) -> Limits | None:
    """How far the months vary by chance, where the release says it of months that the chart shows."""
    row = followed.signal(indicator_id)
    if row is None or not has_limits(row):
        return None
    start, end = max(row["fran"], points[0].start), min(row["till"], points[-1].start)
    return Limits(row["medel"], row["undre_grans"], row["ovre_grans"], start, end) if start < end else None


def _alt(
    followed: Followed, item: ItemInfo, indicator: IndicatorInfo, points: list[Point], target: float | None
) -> str:
    """What the chart shows, in words: from where to where, the lowest and the highest, what is missing."""

    def told(point: Point) -> str:
        assert point.value is not None
        value = followed.reading.value_words(indicator.indicator_id, point.value, target)
        return f"{value} i {month_in_words(point.start)}"

    shown = [p for p in points if p.value is not None]
    low, high = min(shown, key=lambda p: p.value or 0.0), max(shown, key=lambda p: p.value or 0.0)
    text = f"Linjediagram: {printable(item.kort_titel)} per månad för {followed.place}. "
    text += f"Från {told(shown[0])} till {told(shown[-1])}; lägst {told(low)} och högst {told(high)}."
    if target is not None:
        text += f" Målet är {followed.reading.value_words(indicator.indicator_id, target)}."
    hidden = sum(p.state == "hidden" for p in points)
    missing = sum(p.state == "no_data" for p in points)
    if hidden:
        text += f" {_months_word(hidden)} döljs, eftersom talen är för små."
    if missing:
        text += f" {_months_word(missing)} saknar uppgifter."
    return text


def _months_word(count: int) -> str:
    return "En månad" if count == 1 else f"{count} månader"
