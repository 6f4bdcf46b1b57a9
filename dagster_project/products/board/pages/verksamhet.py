"""The pages of each verksamhet: what must I act on? One per occasion, the latest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import polars as pl
from markupsafe import Markup

from dagster_project.catalogue.vocabulary import (
    ALL_SEXES,
    HIDDEN,
    LATEST,
    MET,
    MONTH,
    NO_DATA,
    NOT_REPORTED,
    VERKSAMHET,
)
from dagster_project.core.swedish import counted
from dagster_project.products.board.cells import IndicatorCells, cells_by_indicator
from dagster_project.products.board.series import drawable, month_words, newest_months, points, series_words
from dagster_project.products.board.site import VERKSAMHETER, Page, Site
from dagster_project.products.board.standing import (
    ACT,
    BEGIN,
    FAILING,
    FOLLOWED,
    GOING_ON,
    OUTSIDE,
    REACHED,
    UNSURE,
    Occasion,
    Standing,
    grouped,
    occasions,
    standings,
)
from dagster_project.products.change import CHANGED, changes, fills_up
from dagster_project.products.charts import sparkline
from dagster_project.products.names import source_title
from dagster_project.products.report_form import default_name, form_sources
from dagster_project.products.telling import reported_words, tally, tally_words, to_target, worsening

if TYPE_CHECKING:
    from dagster_project.products.reading import Reading
    from dagster_project.releases.manifest import Manifest

HEADINGS: Mapping[str, tuple[str, str]] = {
    ACT: ("Att åtgärda", "Målet nås inte, eller bara delvis."),
    BEGIN: ("Inte påbörjat eller inte rapporterat", "Här behövs ett första steg, eller en rapport om hur det går."),
    UNSURE: ("Går inte att bedöma", "För få fall, preliminära uppgifter eller inga uppgifter alls."),
    GOING_ON: ("Pågår", "Det ni själva har rapporterat att ni arbetar med."),
    REACHED: ("Uppnått eller genomfört", "Målet nås, eller så är arbetet klart."),
    FOLLOWED: ("Följs utan mål", "Planen har inget mål att bedöma mot här."),
    OUTSIDE: ("Gäller inte eller utgår", "Punkter som inte gäller er, eller som ni har rapporterat utgår."),
}
"""Of each group of items: heading, and what is in it."""


@dataclass(frozen=True)
class Trend:
    """The months of an item's indicator. svg: None where there is nothing to draw; span: first and last month that it
    draws. signal: whether something has changed, in words; change: whether it has."""

    svg: Markup | None
    span: str
    signal: str | None
    change: bool


@dataclass(frozen=True)
class Missing:
    """What a verksamhet's page lacks.

    frozen: items whose number is from an older release, with the day that it shows and the sources that hold it back.
    held: items whose indicator is held back without any number to show, with the sources. reports_from: the day of
    the reports, where later ones are held back. silent: items that it has not reported on. empty: items without data;
    hidden: items whose number is hidden.
    """

    frozen: tuple[tuple[Standing, date, tuple[str, ...]], ...]
    held: tuple[tuple[Standing, tuple[str, ...]], ...]
    reports_from: date | None
    silent: tuple[Standing, ...]
    empty: tuple[Standing, ...]
    hidden: tuple[Standing, ...]

    @property
    def anything(self) -> bool:
        return bool(self.frozen or self.held or self.reports_from or self.silent or self.empty or self.hidden)


@dataclass(frozen=True)
class Reporting:
    """How a verksamhet reports: the command that writes its form, the file's name and where it is put."""

    command: str
    file: str
    folder: str


@dataclass(frozen=True)
class UnitPeriod:
    """A row of `dim_enhet`. now: whether it holds on the day that the release shows."""

    hsaid: str
    name: str | None
    lansdel: str | None
    valid_from: date | None
    valid_to: date | None
    now: bool


def pages(site: Site) -> Iterator[Page]:
    """A page per verksamhet and occasion."""
    reading = site.reading
    found = occasions(reading)
    at = {occasion: standings(reading, occasion) for occasion in found}
    months = cells_by_indicator(
        reading.results.filter(pl.col("niva") == VERKSAMHET, pl.col("period_typ") == MONTH, pl.col("kon") == ALL_SEXES)
    )
    for code, info in reading.verksamheter.items():
        units = units_of(reading.units, code, site.as_of)
        for occasion in found:
            here = at[occasion].get(code, [])
            latest = occasion.code == LATEST
            yield Page(
                path=path_of(code, occasion),
                title=info.namn if latest else f"{info.namn}, {occasion.title.lower()}",
                template="verksamhet.html.j2",
                context={
                    "info": info,
                    "occasion": occasion,
                    "occasions": [(o, path_of(code, o)) for o in found],
                    "groups": grouped(here, frozenset(worsening(reading, code)) if latest else frozenset()),
                    "headings": HEADINGS,
                    "counted": how_many,
                    "lead": lead(reading, here),
                    "trends": trends(reading, here, code, months) if latest else {},
                    "fills": {i for i, known in reading.indicators.items() if fills_up(known)},
                    "short_of": {s.item.item_id: short_of(reading, s) for s in here},
                    "source_title": source_title,
                    "missing": missing(here, reading.release.manifest),
                    "reporting": reporting(code, site.as_of),
                    "units": units,
                },
                section=VERKSAMHETER,
            )


def path_of(code: str, occasion: Occasion) -> str:
    """Where a verksamhet's page of an occasion lies."""
    return Site.verksamhet_path(f"{code}{occasion.slug}")


def lead(reading: Reading, here: Sequence[Standing]) -> tuple[str, ...]:
    """How the verksamhet's plan stands, in a sentence or three. A part counts with the item that it is part of."""
    whole = [s for s in here if s.item.overordnad_item is None]
    judged = tally_words(tally(s.target_status for s in whole))
    few = sum(s.few and s.target_status in (MET, *FAILING) for s in whole)
    if few:
        judged += f" {few} av dem bedöms på få fall."
    counts = Counter(s.report_status for s in whole if s.report_status and s.target_status not in (MET, *FAILING))
    told = reported_words(counts, {code: info.ord for code, info in reading.statuses.items()}, one_place=True)
    return (judged, told) if told is not None else (judged,)


def how_many(found: Sequence[Standing]) -> str:
    """How many items a part of the page has, as they are counted everywhere: `9 och 2 delar`."""
    parts = sum(s.item.overordnad_item is not None for s in found)
    told = [str(len(found) - parts)] if parts < len(found) else []
    return " och ".join([*told, *([counted(parts, "del", "delar")] if parts else [])])


def short_of(reading: Reading, s: Standing) -> str | None:
    """How many more cases it had taken to meet the target, where that can be said."""
    return None if s.indicator_id is None else to_target(reading.indicators[s.indicator_id], s.row)


def trends(
    reading: Reading, here: Sequence[Standing], code: str, months: Mapping[str, IndicatorCells]
) -> dict[str, Trend]:
    """The trend of each item that has an indicator, by item: the newest 24 complete months at the verksamhet.

    months: the verksamheter's cells by month, T.
    """
    found = {}
    for s in here:
        if s.indicator_id is None or s.group == OUTSIDE:
            continue
        cells = months.get(s.indicator_id)
        series = newest_months(cells.verksamhet(code, MONTH)) if cells is not None else ()
        change = changes(reading).get((s.indicator_id, code))
        svg = None
        if drawable(series):
            words = partial(reading.value_words, s.indicator_id)
            svg = sparkline(points(series), alt=series_words(f"{s.item.kort_titel}, månad för månad", series, words))
        span = f"{month_words(series[0].end)}–{month_words(series[-1].end)}" if series else ""
        told = None if change is None else change.sentence
        found[s.item.item_id] = Trend(svg, span, told, change is not None and change.kind == CHANGED)
    return found


def missing(here: Sequence[Standing], manifest: Manifest) -> Missing:
    """What is held back, not reported, without data or hidden among a verksamhet's items."""
    frozen = [
        (s, _day(s.frozen_from), tuple(manifest.held_back.get(s.indicator_id or "", ())))
        for s in here
        if s.frozen_from is not None
    ]
    held = [
        (s, tuple(manifest.held_back[s.indicator_id]))
        for s in here
        if s.frozen_from is None and s.indicator_id in manifest.held_back
    ]
    return Missing(
        frozen=tuple(frozen),
        held=tuple(held),
        reports_from=next((_day(s.reports_from) for s in here if s.reports_from is not None), None),
        silent=tuple(s for s in here if s.report_status == NOT_REPORTED),
        empty=tuple(s for s in here if _is_empty(s) and s.indicator_id not in manifest.held_back),
        hidden=tuple(s for s in here if s.target_status == HIDDEN),
    )


def _is_empty(s: Standing) -> bool:
    return s.target_status == NO_DATA and s.value is None and s.indicator_id is not None


def _day(release_id: str) -> date:
    """The day that a release shows: its id begins with it."""
    return date.fromisoformat(release_id[:10])


def reporting(code: str, as_of: date) -> list[Reporting]:
    """How the verksamhet reports on the month of a day: one for each source that has a form."""
    return [
        Reporting(
            command=f"resultattavla template {source} --verksamhet {code} --month {as_of:%Y-%m}",
            file=default_name(source, code, as_of).replace(as_of.isoformat(), "<dagens datum>"),
            folder=f"raw/{source}/",
        )
        for source in form_sources()
    ]


def units_of(units: pl.DataFrame, code: str, as_of: date) -> list[UnitPeriod]:
    """The units of a verksamhet and when each row holds: those of today first, by name. units: `dim_enhet`."""
    rows = units.filter(pl.col("verksamhet") == code).select("hsaid", "namn", "lansdel", "giltig_fran", "giltig_till")
    found = [
        UnitPeriod(hsaid, name, lansdel, first, last, now=_holds(first, last, as_of))
        for hsaid, name, lansdel, first, last in rows.iter_rows()
    ]
    return sorted(found, key=lambda u: (not u.now, u.name or "", u.hsaid, u.valid_from or date.min))


def _holds(first: date | None, last: date | None, day: date) -> bool:
    return (first is None or first <= day) and (last is None or day <= last)
