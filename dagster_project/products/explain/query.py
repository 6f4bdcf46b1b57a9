"""What is asked for: a release, an indicator, a period and an address, each checked against what there is."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dagster_project.catalogue.organisation import area_codes
from dagster_project.catalogue.periods import parse_period
from dagster_project.catalogue.vocabulary import ALL_SEXES, MONTH, RESULT_TABLE, SEXES
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.disclosure.split import Address
from dagster_project.products.explain.cell import Cell
from dagster_project.products.explain.model import Definition, Period
from dagster_project.products.names import source_name
from dagster_project.releases.evidence import reading
from dagster_project.releases.store import Release, published_release
from dagster_project.releases.tables import INDICATOR_TABLE


@dataclass(frozen=True)
class Query:
    """What is asked for, as it was written. release None: the current one; kon None: T; lines: also about patients."""

    indicator: str
    period: str
    period_typ: str | None = None
    verksamhet: str | None = None
    enhet: str | None = None
    kon: str | None = None
    release: str | None = None
    lines: bool = False


def asked_cell(data: DataPaths, query: Query) -> Cell:
    """The published cell that is asked for. Raises ResultattavlaError, one sentence that says what exists."""
    release = published_release(data, query.release)
    indicator = _indicator(data, release, query.indicator)
    rows = release.table(RESULT_TABLE, indicator.id)
    period = _period(query, rows)
    address = _address(query, indicator, rows, rows.filter(period.same()))
    row = rows.filter(period.same() & address.same()).row(0, named=True)
    return Cell(release, indicator, address, period, rows, row)


def _indicator(data: DataPaths, release: Release, wanted: str) -> Definition:
    known = release.table(INDICATOR_TABLE)
    found = known.filter(pl.col("indicator_id") == wanted.strip().lower())
    if found.height:
        row = found.row(0, named=True)
        return Definition.of(row, reading(data, release.id, row["indicator_id"]))
    if held_by := release.held_back.get(wanted.strip().lower()):
        raise ResultattavlaError(
            f"Indikatorn {wanted} har inga rader i utgåvan {release.id}: den hålls tillbaka av "
            f"{', '.join(map(source_name, held_by))}."
        )
    raise ResultattavlaError(
        f"Indikatorn {wanted} finns inte i utgåvan {release.id}. Den har {', '.join(known['indicator_id'])}."
    )


def _period(query: Query, rows: pl.DataFrame) -> Period:
    period_typ, start = parse_period(query.period, query.period_typ and query.period_typ.strip().lower())
    known = rows.filter(pl.col("period_typ") == period_typ).select("period_start", "period_slut").unique()
    periods = [Period(period_typ, *row) for row in known.sort("period_start").iter_rows()]
    for period in periods:
        if period.start == start:
            return period
    there = f"finns {periods[0].name} till {periods[-1].name}" if periods else "finns ingen period"
    raise ResultattavlaError(f"Perioden {query.period} finns inte i utgåvan: av typen {period_typ} {there}.")


def _address(query: Query, indicator: Definition, rows: pl.DataFrame, place: pl.DataFrame) -> Address:
    """The asked address, checked against the period's rows (`place`)."""
    kon = (query.kon or ALL_SEXES).strip().upper()
    sexes = [k for k in SEXES if k in set(rows["kon"])]
    if kon not in sexes:
        raise ResultattavlaError(f"Könet {query.kon} finns inte: {indicator.id} redovisas för {', '.join(sexes)}.")
    verksamhet = query.verksamhet.strip().upper() if query.verksamhet else None
    if verksamhet in area_codes():
        verksamhet = None
    known = sorted(set(rows["verksamhet"].drop_nulls()))
    if verksamhet is not None and verksamhet not in known:
        raise ResultattavlaError(f"Verksamheten {query.verksamhet} finns inte: {', '.join(known)}.")
    if query.enhet is None:
        return Address(verksamhet, None, kon)
    ever = _of_unit(rows, query.enhet)
    if ever.height == 0:
        units = sorted(set(place["enhet"].drop_nulls()))
        raise ResultattavlaError(
            f"Enheten {query.enhet} finns inte för {indicator.id}. Enheter i perioden: {', '.join(units) or 'inga'}."
        )
    here = _of_unit(place, query.enhet)
    if here.height == 0:
        months = ever.filter(pl.col("period_typ") == MONTH)["period_start"].dt.strftime("%Y-%m").sort()
        raise ResultattavlaError(
            f"Enheten {query.enhet} finns inte i perioden {query.period}: den har månader från {months[0]} till "
            f"{months[-1]}."
        )
    return Address(_belonged(query, here, verksamhet), here["enhet"][0], kon)


def _of_unit(rows: pl.DataFrame, unit: str) -> pl.DataFrame:
    return rows.filter(pl.col("enhet").str.to_uppercase() == unit.strip().upper())


def _belonged(query: Query, here: pl.DataFrame, verksamhet: str | None) -> str:
    """The verksamhet of the unit's rows (`here`) that is meant; it is found when left out."""
    belonged = sorted(set(here["verksamhet"]))
    if verksamhet is None and len(belonged) > 1:
        raise ResultattavlaError(
            f"Enheten {query.enhet} hörde till {' och '.join(belonged)} under perioden: välj en med --verksamhet."
        )
    if verksamhet is not None and verksamhet not in belonged:
        raise ResultattavlaError(
            f"Enheten {query.enhet} hörde inte till {verksamhet} under perioden {query.period}, utan till "
            f"{' och '.join(belonged)}."
        )
    return verksamhet or belonged[0]
