"""`indikator/<id>.html`: what an indicator is, how it develops, where it is good and bad, and where it comes from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from io import BytesIO
from typing import Any

import polars as pl

from dagster_project.catalogue.plan import Item
from dagster_project.catalogue.vocabulary import (
    AREA,
    COMPUTED,
    FROZEN,
    JUDGED,
    LATEST,
    MAIN,
    MEDIAN,
    MONTH,
    NO_TARGET,
    NUMBER,
    R12,
    SEVERITIES,
    WARNED,
    WARNING,
    gravity,
)
from dagster_project.core.swedish import day_in_words
from dagster_project.core.tables import write_swedish_csv
from dagster_project.products.board.cells import Cell, IndicatorCells, cells_by_indicator
from dagster_project.products.board.changes import Changes, changes
from dagster_project.products.board.figures import Figures
from dagster_project.products.board.indicator_view import (
    PLACE_WORDS,
    Development,
    Measure,
    Multiple,
    Sexes,
    Units,
    by_month,
    by_year,
    multiples,
    occasions,
    places_words,
    sexes,
    units,
)
from dagster_project.products.board.series import comparison, month_words, period_words, points
from dagster_project.products.board.site import OVERVIEW, Attachment, Page, Site
from dagster_project.products.change import change_at, fills_up, has_limits
from dagster_project.products.charts import Break, Chart, Limits, funnel, pair, trend
from dagster_project.products.measured import measured, published_figures
from dagster_project.products.names import source_title
from dagster_project.products.reading import IndicatorInfo, ItemInfo, Reading
from dagster_project.products.revisions.compare import status_word
from dagster_project.products.telling import gap_words, to_target
from dagster_project.releases.sentence import sentence

TEMPLATE = "indicator.html.j2"
DOWNLOADS = "data"
"""The folder of the files to download, beside the pages."""


def pages(site: Site) -> Iterable[Page | Attachment]:
    """A page per indicator of the catalogue, and its rows as a file beside it."""
    cells = cells_by_indicator(site.reading.results)
    shared = _Shared.of(site)
    for indicator_id, info in site.reading.indicators.items():
        path = site.indicator_path(indicator_id)
        found = cells.get(indicator_id)
        context = _context(site, info, found, shared)
        if found is not None:
            download = f"{DOWNLOADS}/{indicator_id}.csv"
            content = _csv(found.rows)
            yield Attachment(f"{path.rpartition('/')[0]}/{download}", content)
            context |= {"download": download, "download_kb": max(1, round(len(content) / 1000))}
        yield Page(path, info.titel, TEMPLATE, context, OVERVIEW)


def _csv(rows: pl.DataFrame) -> bytes:
    file = BytesIO()
    write_swedish_csv(rows, file)
    return file.getvalue()


@dataclass(frozen=True)
class _Shared:
    """What is looked up once for all pages.

    units: (hsaid, verksamhet) -> name. names: code -> name of the verksamheter. items: indicator -> the items of the
    plan that it follows up, with its role. sentences: item -> its newest sentence for the area. signals: by indicator
    and verksamhet (None: the area). failed: source -> its failed checks in words. revised: indicator -> what changed.
    """

    units: Mapping[tuple[str, str], str]
    names: Mapping[str, str]
    items: Mapping[str, list[tuple[ItemInfo, str]]]
    sentences: Mapping[str, str]
    signals: Mapping[tuple[str, str | None], dict[str, Any]]
    failed: Mapping[str, list[str]]
    revised: Mapping[str, pl.DataFrame]

    @classmethod
    def of(cls, site: Site) -> _Shared:
        reading = site.reading
        named = reading.units.sort("giltig_fran", nulls_last=False).select("hsaid", "verksamhet", "namn")
        items: dict[str, list[tuple[ItemInfo, str]]] = defaultdict(list)
        for item_id, indicator_id, role in reading.ties.select("item_id", "indicator_id", "roll").iter_rows():
            if item_id in reading.items:
                items[indicator_id].append((reading.items[item_id], role))
        newest = reading.plan.filter(pl.col("niva") == AREA, pl.col("tillfalle") == LATEST)
        return cls(
            units={(hsaid, code): name for hsaid, code, name in named.iter_rows()},
            names={code: v.namn for code, v in reading.verksamheter.items()},
            items=items,
            sentences=dict(newest.sort("ar").select("item_id", "mening").iter_rows()),
            signals={
                (row["indicator_id"], None if row["niva"] == AREA else row["verksamhet"]): row
                for row in reading.signals.iter_rows(named=True)
            },
            failed=_failed(reading),
            revised={} if site.revisions is None else _by_indicator(site.revisions.cells),
        )


def _by_indicator(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    parts = rows.partition_by("indicator_id", as_dict=True, maintain_order=True)
    return {str(key[0]): found for key, found in parts.items()}


def _failed(reading: Reading) -> dict[str, list[str]]:
    """What the gates remarked on each source, the gravest first; what is only to be known is left out."""
    manifest = reading.release.manifest
    remarks = [
        row
        for row in reading.quality.filter(~pl.col("success")).iter_rows(named=True)
        if gravity(row["severity"]) <= gravity(WARNING)
    ]
    found: dict[str, list[str]] = defaultdict(list)
    for row in sorted(remarks, key=lambda r: SEVERITIES.index(r["severity"])):
        told = measured(published_figures(row, manifest.as_of, manifest.parameters))
        if told and told not in found[row["source"]]:
            found[row["source"]].append(told)
    return found


def _context(site: Site, info: IndicatorInfo, cells: IndicatorCells | None, shared: _Shared) -> dict[str, Any]:
    items = shared.items.get(info.indicator_id, [])
    context: dict[str, Any] = {
        "info": info,
        "items": [(item, role != MAIN) for item, role in items],
        "outside": [v for v in site.reading.verksamheter.values() if v.verksamhet not in info.omfattning],
        "sources": [(source_title(source), shared.failed.get(source, [])) for source in info.kallor],
        "cells": cells,
        "changes": _changes(site, info, shared),
        "download": None,
        "of_many": info.namnare_text is not None,
        "months": month_words,
        "period": period_words,
        "place_words": PLACE_WORDS,
    }
    if cells is None:
        return context
    measure = _measure(site.reading, info)
    signal = shared.signals.get((info.indicator_id, None))
    change = change_at(site.reading, info.indicator_id)
    codes = (site.reading.area.verksamhet, *shared.names)
    breaks = {code: [Break(*b) for b in site.reading.breaks_of(info.indicator_id, code)] for code in codes}
    monthly = by_month(cells, measure, breaks[codes[0]], _limits(signal), change.month)
    yearly = by_year(cells, measure, breaks[codes[0]])
    several, one_scale = multiples(cells, measure, shared.names, breaks)
    both, of_units = sexes(cells, measure), units(cells, measure, shared.units, shared.names)
    met = places_words(several)
    draw = partial(_trend, info=info)
    newest = cells.newest(R12) or cells.newest(MONTH)
    figures = Figures(info.art, info.mattenhet, info.decimaler)
    return context | {
        "measure_words": lambda cell: measure.words(cell.value),
        "basis": figures.basis,
        "figures": figures,
        "share": measure.proportion,
        "unit": None if info.mattenhet == NUMBER else info.mattenhet,
        "columns": {"area": Columns.of(*cells.area(MONTH), *cells.area(R12)), "units": Columns.of(*cells.units)},
        "long_run": measure.long_run,
        "latest_words": measure.latest,
        "no_target": NO_TARGET,
        "sentence": _sentence(items, shared, info, newest),
        "newest": newest,
        "why": None if newest is None else _why(site.reading, info, newest, met),
        "shortfall": None if newest is None or newest.few else to_target(info, cell_row(newest)),
        "change_words": change.sentence,
        "capability": change.capability(),
        "fills": fills_up(info),
        "occasions": occasions(cells),
        "monthly": monthly,
        "monthly_chart": draw(monthly, compare=True),
        "yearly": yearly,
        "yearly_chart": draw(yearly) if yearly else None,
        "multiples": [
            (
                m,
                draw(m.development, small=True, bounds=(one_scale.low, one_scale.high) if one_scale else None),
                change_at(site.reading, info.indicator_id, m.code).word,
            )
            for m in several
        ],
        "places": met,
        "one_scale": one_scale is not None,
        "grid": _grid(several),
        "sexes": both,
        "sexes_chart": _pair(both, info),
        "units": of_units,
        "funnel": _funnel(of_units),
        "qualities": sorted({cell.quality for cell in occasions(cells)} & {WARNED, FROZEN}),
        "frozen_since": _frozen_since(occasions(cells)),
    }


def _changes(site: Site, info: IndicatorInfo, shared: _Shared) -> Changes | None:
    if site.revisions is None:
        return None
    figures, statuses = Figures(info.art, info.mattenhet, info.decimaler), site.reading.statuses

    def told(row: Mapping[str, Any], side: str) -> str:
        value = row[f"{side}_varde"]
        return status_word(row, side, statuses).lower() if value is None else figures.number(value)

    return changes(
        shared.revised.get(info.indicator_id),
        site.revisions.before,
        shared.names,
        site.reading.period_label,
        told,
    )


def _measure(reading: Reading, info: IndicatorInfo) -> Measure:
    return Measure(
        kind=info.art,
        stock=info.bestand,
        window=info.fonster_manader,
        words=lambda value: reading.value_words(info.indicator_id, value),
    )


def _limits(signal: Mapping[str, Any] | None) -> Limits | None:
    """The limits of the months that the signal was asked of."""
    if signal is None or not has_limits(signal):
        return None
    return Limits(signal["medel"], signal["undre_grans"], signal["ovre_grans"], signal["fran"], signal["till"])


# --- Words -----------------------------------------------------------------------------------------------------------


def _sentence(
    items: Iterable[tuple[ItemInfo, str]], shared: _Shared, info: IndicatorInfo, newest: Cell | None
) -> str | None:
    """The newest sentence of the item that the indicator is the number of: as the plan tells it. Where it is no item's
    own number, the same words about its newest cell."""
    own = [item.item_id for item, role in items if role == MAIN]
    for item_id in sorted(own, key=lambda i: i != info.planpunkt):
        if item_id in shared.sentences:
            return shared.sentences[item_id]
    return None if newest is None else cell_sentence(newest, info)


def cell_sentence(cell: Cell, info: IndicatorInfo) -> str:
    """What a cell says, in the words that the plan's rows are told in (`releases.sentence`)."""
    item = Item("", "", None, "", info.titel, info.titel, (), COMPUTED, None, None, None, (), 0)
    row = cell_row(cell) | {"tillfalle": LATEST, "ar": cell.end.year, "mal_text": info.mal_text}
    return sentence(row, item, info.measured, applies=cell.target is not None)


def cell_row(cell: Cell) -> dict[str, Any]:
    """A cell as a row of the plan's follow-up, of which nothing was reported."""
    return {
        "niva": cell.level,
        "period_start": cell.start,
        "period_slut": cell.end,
        "taljare": cell.numerator,
        "namnare": cell.denominator,
        "varde": cell.value,
        "jamforelse_varde": cell.compared,
        "malvarde": cell.target,
        "mal_operator": cell.operator,
        "malstatus": cell.status,
        "rapporterad_status": None,
        "kvalitet": cell.quality,
        "release_id": cell.release_id,
    }


def _why(reading: Reading, info: IndicatorInfo, newest: Cell, met: str | None) -> str | None:
    """Why the newest cell is not judged; None where it is, or where there is no target at all."""
    if newest.status in JUDGED:
        return None
    if newest.status != NO_TARGET:
        return gap_words(reading, newest.status)
    return f"Målet gäller verksamheterna var för sig. {met}" if met is not None else None


@dataclass(frozen=True)
class Columns:
    """What a table of cells needs columns for: targets; statuses, where any is another than that there is no target."""

    aims: bool
    status: bool

    @classmethod
    def of(cls, *cells: Cell) -> Columns:
        return cls(any(c.target is not None for c in cells), any(c.status != NO_TARGET for c in cells))


def _frozen_since(cells: Iterable[Cell]) -> str | None:
    """The day that frozen cells show: a release's id begins with its as-of date."""
    frozen = sorted(cell.release_id for cell in cells if cell.quality == FROZEN)
    return day_in_words(date.fromisoformat(frozen[-1][:10])) if frozen else None


# --- Charts ----------------------------------------------------------------------------------------------------------


def _trend(
    development: Development,
    *,
    info: IndicatorInfo,
    compare: bool = False,
    small: bool = False,
    bounds: tuple[float, float] | None = None,
) -> Chart | None:
    if not development.drawn:
        return None
    cells, month = development.cells, development.signal_month
    return trend(
        points(cells),
        alt=development.sentence,
        unit=info.mattenhet,
        decimals=_decimals(cells, info),
        target=development.target,
        limits=development.limits,
        comparison=comparison(cells) if compare else None,
        breaks=development.breaks,
        signal_points=() if month is None else (month,),
        small=small,
        bounds=bounds,
    )


def _pair(both: Sexes | None, info: IndicatorInfo) -> Chart | None:
    if both is None or not both.drawn:
        return None
    women, men = points(both.women), points(both.men)
    decimals = _decimals((*both.women, *both.men), info)
    return pair(women, men, alt=both.sentence, unit=info.mattenhet, decimals=decimals)


def _decimals(cells: Sequence[Cell], info: IndicatorInfo) -> int:
    """None where every value of a median is whole: days are, as a rule."""
    whole = info.art == MEDIAN and all(c.value is None or c.value == round(c.value) for c in cells)
    return 0 if whole else info.decimaler


def _funnel(found: Units | None) -> Chart | None:
    """Only units that are shown: what the others have is in no scale."""
    if found is None or found.centre is None:
        return None
    beside = [
        (line.name, line.cell.denominator, line.cell.value)
        for line in found.lines
        if line.place is not None and line.cell.denominator is not None and line.cell.value is not None
    ]
    return funnel(beside, found.centre, alt=found.sentence)


def _grid(several: Sequence[Multiple]) -> list[tuple[date, list[Cell | None]]]:
    """The table beside the small charts: a row per period, a cell per verksamhet."""
    found = [{cell.end: cell for cell in m.development.cells} for m in several]
    ends = sorted({end for cells in found for end in cells}, reverse=True)
    return [(end, [cells.get(end) for cells in found]) for end in ends]
