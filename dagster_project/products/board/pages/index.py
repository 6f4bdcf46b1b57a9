"""The overview: how it goes, what needs somebody, whether it can be trusted; then every indicator at every verksamhet.

One page per period type; the rolling twelve months come first, since they are as new as the data and vary least.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

import polars as pl

from dagster_project.catalogue import vocabulary as v
from dagster_project.core.swedish import counted, fixed, joined
from dagster_project.products.board.site import OVERVIEW, Page, Site
from dagster_project.products.change import CHANGED, UNJUDGED, change_at, changes, fills_up
from dagster_project.products.reading import IndicatorInfo, Reading
from dagster_project.products.telling import (
    Attention,
    MissedBelow,
    attention,
    attention_of_cells,
    by_perspective,
    missed_below,
    period_target,
    plan_rows,
    tally,
    tally_words,
)
from dagster_project.products.words import PERSPECTIVE_WORDS

FIRST = v.R12
TABS: Mapping[str, str] = {
    v.R12: "Tolv månader",
    v.MONTH: "Månad",
    v.TERTIAL: "Tertial",
    v.DELAR: "Delår",
    v.YEAR: "Helår",
}
"""What the periods are called where one is chosen, in that order."""
OCCASION_OF = {v.R12: v.LATEST, v.DELAR: v.DELAR, v.YEAR: v.YEAR}
"""The occasion at which the plan is followed up that looks at a period type."""
NEWEST = (v.R12, v.MONTH)
"""The period types whose newest complete period the newest months belong to: only there is it told what they say."""
MOST_ATTENTION, MOST_BELOW = 5, 3
SHORT_GAPS: Mapping[str, str] = {
    v.HIDDEN: "för få",
    v.NO_DATA: "inga uppgifter",
    v.PRELIMINARY: "preliminärt",
    v.NO_TARGET: "inget värde",
}
"""Why a narrow cell has no number; `dim_status` has the whole words."""


def path_of(period_type: str) -> str:
    """Of the overview of a period type."""
    return "index.html" if period_type == FIRST else f"{period_type}.html"


def pages(site: Site) -> Iterator[Page]:
    """The overviews of the period types that have a complete period."""
    reading = site.reading
    newest = {kind: reading.newest_complete(kind) for kind in TABS}
    tabs = [(kind, path_of(kind), TABS[kind]) for kind in TABS if newest[kind] is not None or kind == FIRST]
    for kind, path, _ in tabs:
        period = newest[kind]
        label = reading.period_label(kind, period[0]).replace("-", "–") if period is not None else None
        rows = groups(reading, kind, period) if period is not None else []
        cells = [cell for group in rows for line in group.lines for _, cell in line.cells]
        yield Page(
            path,
            f"Översikt, {label}" if label else "Översikt",
            "index.html.j2",
            {
                "kind": kind,
                "label": label,
                "tabs": tabs,
                "plan": _plan(reading, kind, period),
                "trust": trust(site),
                "newest": kind in NEWEST,
                "changes": changes_words(reading) if kind in NEWEST else None,
                "groups": rows,
                "codes": {c.status for c in cells},
                "hidden": (sum(c.status == v.HIDDEN for c in cells), sum(c.status != v.NOT_APPLICABLE for c in cells)),
                "kort": SHORT_GAPS,
            },
            OVERVIEW,
        )


# --- The plan in a few sentences ------------------------------------------------------------------------------------


def _plan(reading: Reading, kind: str, period: tuple[date, date] | None) -> dict[str, Any]:
    """How the plan stands in the period, or, where it is not followed up there, how the indicators' targets do."""
    occasion = OCCASION_OF.get(kind)
    year = None if period is None else period[1].year
    by_item = occasion is not None and not plan_rows(reading, occasion, year).is_empty()
    if by_item:
        assert occasion is not None
        told = by_perspective(reading, occasion, year)
        asked = attention(reading, occasion, year, newest=kind in NEWEST)
        below = missed_below(reading, occasion, year)
        statuses = [
            r["malstatus"]
            for r in plan_rows(reading, occasion, year).iter_rows(named=True)
            if reading.items[r["item_id"]].overordnad_item is None
        ]
        perspectives = [(t.code, t.name, t.sentence, t.below, t.reported) for t in told]
    else:
        cells = {r["indicator_id"]: r for r in _area_cells(reading, kind).iter_rows(named=True)}
        rows = [cells[i.indicator_id] for i in in_plan_order(reading) if i.indicator_id in cells]
        asked = attention_of_cells(reading, rows, kind in NEWEST)
        below = list[MissedBelow]()
        statuses = [r["status"] for r in rows]
        perspectives = [
            (code, PERSPECTIVE_WORDS[code], tally_words(tally(r["status"] for r in own)), None, None)
            for code in v.PERSPECTIVES
            if (own := [r for r in rows if reading.indicators[r["indicator_id"]].perspektiv == code])
        ]
    return {
        "by_item": by_item,
        "sentence": tally_words(tally(statuses)),
        "perspectives": perspectives,
        "first": (_alike(reading, asked[:MOST_ATTENTION], kind), below[:MOST_BELOW]),
        "rest": (_alike(reading, asked[MOST_ATTENTION:], kind), below[MOST_BELOW:]),
        "more": max(len(asked) - MOST_ATTENTION, 0) + max(len(below) - MOST_BELOW, 0),
    }


def _alike(
    reading: Reading, asked: Sequence[Attention], kind: str
) -> list[tuple[str, bool, bool, list[dict[str, Any]]]]:
    """What stands under one status: its code, whether it gets worse, whether it is judged on few, and the items."""
    return [
        (status, worse, few, [_asked(reading, a, kind) for a in alike])
        for (status, worse, few), alike in groupby(asked, lambda a: (a.status, a.worse, a.few))
    ]


def _asked(reading: Reading, found: Attention, kind: str) -> dict[str, Any]:
    indicator, value = found.indicator_id, found.row["varde"]
    info = None if indicator is None else reading.indicators[indicator]
    return {
        "title": found.title,
        "indicator": indicator,
        "value": None if value is None or info is None else short(reading.value_words(info.indicator_id, value)),
        "target": None if info is None else period_target(reading, info, found.row, kind),
        "parts": [_asked(reading, part, kind) for part in found.parts],
        "part_of": found.part_of,
        "plan": found.row.get("plan_id"),
        "item": found.item_id,
        "fills": found.filling,
    }


# --- Can it be trusted ----------------------------------------------------------------------------------------------


def trust(site: Site) -> dict[str, Any]:
    """How many indicators are as new as the release, frozen, missing, or marked by a warning."""
    manifest = site.reading.release.manifest
    warned = site.reading.results.filter(pl.col("kvalitet") == v.WARNED)["indicator_id"].unique().sort().to_list()
    absent = [i for i in manifest.held_back if i not in manifest.frozen]
    return {
        "total": len(site.reading.indicators),
        "frozen": sorted(manifest.frozen),
        "absent": sorted(absent),
        "warned": warned,
        "hidden": site.reading.results.filter(pl.col("status") == v.HIDDEN).height,
        "cells": site.reading.results.height,
    }


# --- The table ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """What the table shows of an indicator at a place. direction: how it stands to what it is compared with (1, 0, -1).
    change: what a signal says, in a word. undecided: there is a target and a value, but what the target compares with
    is hidden or missing."""

    status: str
    few: bool
    value: str | None
    n: str | None
    direction: int | None
    change: str | None
    undecided: bool = False


@dataclass(frozen=True)
class Line:
    """An indicator's row. period: told where it is another than the page's. fills: its number fills up afterwards."""

    indicator: IndicatorInfo
    target: str | None
    period: str | None
    compared: str
    quality: str | None
    fills: bool
    cells: list[tuple[str, Cell]]


@dataclass(frozen=True)
class Group:
    """The indicators of a goal. perspective: told at its first goal only."""

    perspective: str
    first: bool
    goal_id: str
    goal: str
    lines: list[Line]


def changes_words(reading: Reading) -> str | None:
    """How many of the area's indicators have changed by more than chance, and of how many it cannot be said; None where
    none is followed by month."""
    found = [told for (_, place), told in changes(reading).items() if place is None]
    if not found:
        return None
    several = counted(len(found), "indikator", "indikatorer")
    changed = [told.direction for told in found if told.kind == CHANGED]
    unjudged = sum(told.kind in UNJUDGED for told in found)
    against = f"mer än vad slumpen gör, jämfört med medelvärdet för de senaste {v.CHARTED_MONTHS} månaderna"
    words = {v.BETTER: "blivit bättre", v.WORSE: "blivit sämre", v.RISING: "ökat", v.FALLING: "minskat"}
    told = joined([f"{changed.count(code)} {word}" for code, word in words.items() if code in changed])
    sentence = f"Av {several} som följs månad för månad har {told or 'ingen förändrats'}, {against}."
    return f"{sentence} Om {unjudged} går det inte att säga." if unjudged else sentence


def short(words: str) -> str:
    """A value in a narrow cell: `93,7 %`."""
    return words.replace(" procent", "\u00a0%").replace(" miljoner kr", "\u00a0mn\u00a0kr").replace(" ", "\u00a0")


def groups(reading: Reading, kind: str, period: tuple[date, date]) -> list[Group]:
    """All indicators, by perspective and goal in the plan's order; what belongs to no goal comes last."""
    cells = {
        (r["indicator_id"], r["verksamhet"] if r["niva"] == v.VERKSAMHET else ""): r
        for r in _newest_cells(reading, kind).iter_rows(named=True)
    }
    places = ["", *reading.verksamheter]
    found: dict[tuple[str, str], list[Line]] = {}
    titles: dict[tuple[str, str], str] = {}
    for info in in_plan_order(reading):
        own = cells.get((info.indicator_id, ""))
        if own is None:
            continue
        key = (info.perspektiv or "", info.mal_id or "")
        titles[key] = info.mal_titel or "Hela planen"
        stops = own["period_slut"]
        line = Line(
            info,
            period_target(reading, info, own, kind),
            None if stops == period[1] else reading.period_label(kind, own["period_start"]),
            "än 2020" if info.jamforelse == v.BASE_YEAR else "än året innan",
            None if own["kvalitet"] == v.GOOD else own["kvalitet"],
            fills_up(info),
            [
                (place, _cell(reading, info, row, place or None, kind in NEWEST))
                for place in places
                if (row := cells.get((info.indicator_id, place))) is not None
            ],
        )
        found.setdefault(key, []).append(line)
    order = {code: n for n, code in enumerate([*v.PERSPECTIVES, ""])}
    keys = sorted(found, key=lambda key: order.get(key[0], len(order)))
    return [
        Group(
            PERSPECTIVE_WORDS.get(key[0], "Hela planen"),
            n == 0 or keys[n - 1][0] != key[0],
            key[1],
            titles[key],
            found[key],
        )
        for n, key in enumerate(keys)
    ]


def in_plan_order(reading: Reading) -> list[IndicatorInfo]:
    """Indicators in the order of the items that they follow up: as the main one before as support; else by title."""
    order = {item: n for n, item in enumerate(reading.items)}
    at: dict[str, tuple[int, int]] = {}
    for tie in reading.ties.iter_rows(named=True):
        if tie["item_id"] in order:
            place = (0 if tie["roll"] == v.MAIN else 1, order[tie["item_id"]])
            at[tie["indicator_id"]] = min(at.get(tie["indicator_id"], place), place)
    last = (2, 0)
    infos: Iterable[IndicatorInfo] = reading.indicators.values()
    return sorted(infos, key=lambda i: (at.get(i.indicator_id, last)[1:], at.get(i.indicator_id, last), i.titel))


def _newest_cells(reading: Reading, kind: str) -> pl.DataFrame:
    """Of omrade and verksamheter, all sexes: each indicator's newest complete period of a type."""
    rows = reading.results.filter(
        pl.col("period_typ") == kind, pl.col("kon") == v.ALL_SEXES, pl.col("niva").is_in([v.AREA, v.VERKSAMHET])
    )
    newest = (
        rows.filter((pl.col("niva") == v.AREA) & pl.col("komplett"))
        .group_by("indicator_id")
        .agg(pl.col("period_slut").max())
    )
    return rows.join(newest, on=["indicator_id", "period_slut"], how="semi")


def _area_cells(reading: Reading, kind: str) -> pl.DataFrame:
    return _newest_cells(reading, kind).filter(pl.col("niva") == v.AREA)


def _cell(reading: Reading, info: IndicatorInfo, row: Mapping[str, Any], place: str | None, newest: bool) -> Cell:
    value, n, change = row["varde"], row["namnare"], row["forandring"]
    undecided = (
        value is not None
        and row["status"] == v.NO_TARGET
        and row["jamforelse_varde"] is None
        and info.mal_jamforelse == v.LAST_YEAR
        and row["niva"] in info.mal_nivaer
    )
    return Cell(
        status=v.NO_DATA if undecided else row["status"],
        few=row["markering"] == v.FEW_MARK,
        value=None if value is None else short(reading.value_words(info.indicator_id, value)),
        n=None if n is None or value is None else fixed(n, 0),
        direction=None if change is None else (round(change, 6) > 0) - (round(change, 6) < 0),
        change=change_at(reading, info.indicator_id, place).word if newest and value is not None else None,
        undecided=undecided,
    )
