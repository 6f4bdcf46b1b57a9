"""How every item of the plan that is followed up stands: the published table `plan_uppfoljning` (plan.md).

Made of the cells that the release shows, the plan and the verksamheter's own reports, so it can show nothing that they
do not. Set operations throughout; only the sentence is made row by row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from dagster_project.catalogue.indicators import Indicator, load_catalogue
from dagster_project.catalogue.vocabulary import (
    ALL_SEXES,
    AREA,
    DELAR,
    DONE,
    DROPPED,
    FROZEN,
    LATEST,
    MONTH,
    NO_DATA,
    NO_TARGET,
    NOT_BEGUN,
    NOT_REPORTED,
    R12,
    UNDER_WAY,
    VERKSAMHET,
    YEAR,
)
from dagster_project.releases.plan_targets import CELL_KEY, ROW_KEY, FollowedUp, judged, measured_of, words_of
from dagster_project.releases.sentence import sentence
from dagster_project.releases.tables import PLAN_KEY, PLAN_NUMBERS, PLAN_REPORTED, PLAN_SCHEMA

PERIOD_OF = {DELAR: DELAR, YEAR: YEAR, LATEST: R12}
"""The period type that an occasion looks at."""


@dataclass(frozen=True)
class Reports:
    """What the verksamheter report of the items.

    rows: item_id, verksamhet, manad (its last day), status, antal, kommentar; one row per item, verksamhet and month.
    complete: last day of the newest complete month, None where nothing was delivered. quality, release_id: as the
    published columns `rapport_kvalitet` and `rapport_release_id`, None where nothing was delivered. earlier: rows of
    `plan_uppfoljning` of an older release that are shown again, since the source is held back; then `rows` is empty.
    """

    rows: pl.DataFrame
    complete: date | None
    quality: str | None
    release_id: str | None
    earlier: pl.DataFrame | None = None


REPORT_SCHEMA: dict[str, pl.DataType] = {
    "item_id": pl.String(),
    "verksamhet": pl.String(),
    "manad": pl.Date(),
    "status": pl.String(),
    "antal": pl.Float64(),
    "kommentar": pl.String(),
}


def no_reports() -> Reports:
    """Nothing was ever delivered: every item that is asked for is not reported, by no release."""
    return Reports(pl.DataFrame(schema=REPORT_SCHEMA), None, None, None)


def earlier_reports(table: pl.DataFrame, release_id: str) -> Reports:
    """The reports that a release shows, shown again. table: its `plan_uppfoljning`."""
    return Reports(pl.DataFrame(schema=REPORT_SCHEMA), None, FROZEN, release_id, table)


def plan_followup(
    cells: pl.DataFrame,
    plan: FollowedUp,
    reports: Reports,
    definitions: pl.DataFrame,
    as_of: date,
    first_year: int,
    indicators: Iterable[Indicator] | None = None,
) -> pl.DataFrame:
    """The table `plan_uppfoljning` (PLAN_SCHEMA), sorted by its key.

    cells: `indicator_result` as it is published, computed and frozen rows. definitions: the published table
    `indicator`. first_year: of the grid. indicators: the catalogue's by default.

    Targets are today's plan's, also against frozen numbers. An indicator that the release has no cell of gives
    `inga_data` without quality and release; where no month is complete, `senaste` is the last month that has ended.
    """
    known = {i.id: i for i in (load_catalogue() if indicators is None else indicators)}
    rows = _rows(cells, plan, reports, as_of, first_year)
    shown = cells.filter((pl.col("kon") == ALL_SEXES) & pl.col("niva").is_in([AREA, VERKSAMHET]))
    rows = rows.join(
        shown.select(*CELL_KEY, *PLAN_NUMBERS, "kvalitet", "release_id"), on=CELL_KEY, how="left", nulls_equal=True
    )
    measured = measured_of(definitions, known, plan)
    rows = rows.join(words_of(rows, plan, measured), on=["item_id", "verksamhet", "ar"], how="left", nulls_equal=True)
    rows = rows.join(judged(rows, plan, shown, known), on=ROW_KEY, how="left", nulls_equal=True)
    parent = pl.col("item_id").is_in(list(plan.parts))  # with none of its parts in scope
    rows = rows.with_columns(
        pl.col("malstatus").fill_null(pl.when(parent).then(pl.lit(NO_DATA)).otherwise(pl.lit(NO_TARGET)))
    )
    rows = _with_reports(rows, plan, reports)
    items = {i.id: i for i in plan.items}
    told = [
        sentence(
            row,
            items[row["item_id"]],
            measured[row["indicator_id"]] if row["indicator_id"] else None,
            applies=bool(row["applies"]),
            parts_preliminary=bool(row["parts_preliminary"]),
        )
        for row in rows.iter_rows(named=True)
    ]
    rows = rows.with_columns(mening=pl.Series(told, dtype=pl.String), plan_id=pl.lit(plan.plan.id))
    return rows.select(pl.col(n).cast(t) for n, t in PLAN_SCHEMA.items()).sort(PLAN_KEY, nulls_last=False)


# --- Which rows ----------------------------------------------------------------------------------------------------


def places(plan: FollowedUp) -> pl.DataFrame:
    """item_id, niva, verksamhet: the area, and the verksamheter in the item's scope."""
    found: list[tuple[str, str, str | None]] = [(i.id, AREA, None) for i in plan.items]
    found += [(i.id, VERKSAMHET, code) for i in plan.items for code in i.scope]
    return pl.DataFrame(found, schema={"item_id": pl.String, "niva": pl.String, "verksamhet": pl.String}, orient="row")


def years(plan: FollowedUp, as_of: date, first_year: int) -> list[int]:
    """The years of the grid in which the plan is valid."""
    return [year for year in range(first_year, as_of.year + 1) if year in plan.plan.years]


def _rows(cells: pl.DataFrame, plan: FollowedUp, reports: Reports, as_of: date, first_year: int) -> pl.DataFrame:
    """Every row's key, dates and indicator."""
    newest = _newest_complete(cells, plan)
    of_earlier: dict[str, date] = {}
    if reports.earlier is not None:
        of_earlier = dict(
            reports.earlier.filter(pl.col("tillfalle") == LATEST).select("item_id", "period_slut").unique().iter_rows()
        )
    found = []
    for item in plan.items:
        for year in years(plan, as_of, first_year):
            found += [
                (item.id, DELAR, year, date(year, 1, 1), date(year, 8, 31)),
                (item.id, YEAR, year, date(year, 1, 1), date(year, 12, 31)),
            ]
        if plan.measures.get(item.id):
            end = newest.get(item.id, last_ended(as_of))
        else:
            end = of_earlier.get(item.id, reports.complete or last_ended(as_of))
        found.append((item.id, LATEST, end.year, _year_before(end), end))
    occasions = pl.DataFrame(
        found,
        schema={
            "item_id": pl.String,
            "tillfalle": pl.String,
            "ar": pl.Int64,
            "period_start": pl.Date,
            "period_slut": pl.Date,
        },
        orient="row",
    )
    main = pl.DataFrame(list(plan.main.items()), schema={"item_id": pl.String, "indicator_id": pl.String}, orient="row")
    return (
        places(plan)
        .join(occasions, on="item_id")
        .join(main, on="item_id", how="left")
        .with_columns(period_typ=pl.col("tillfalle").replace_strict(PERIOD_OF))
    )


def last_ended(day: date) -> date:
    """Last day of the newest month that has ended on a day."""
    return day if (day + timedelta(days=1)).day == 1 else day.replace(day=1) - timedelta(days=1)


def _year_before(end: date) -> date:
    """First day of the twelve months that end with a month's last day."""
    after = end + timedelta(days=1)
    return after.replace(year=after.year - 1)


def _newest_complete(cells: pl.DataFrame, plan: FollowedUp) -> dict[str, date]:
    """Item -> last day of the newest month that is complete at the area for its indicator, or all those of a parent."""
    wanted = {i.id: (plan.main[i.id],) if i.id in plan.main else plan.measures.get(i.id, ()) for i in plan.items}
    asked = pl.DataFrame(
        [(item, indicator, len(ids)) for item, ids in wanted.items() for indicator in ids],
        schema={"item_id": pl.String, "indicator_id": pl.String, "of": pl.Int64},
        orient="row",
    )
    complete = cells.filter(
        (pl.col("niva") == AREA) & (pl.col("period_typ") == MONTH) & (pl.col("kon") == ALL_SEXES) & pl.col("komplett")
    ).select("indicator_id", "period_slut")
    months = (
        asked.join(complete, on="indicator_id")
        .group_by("item_id", "period_slut")
        .agg(pl.len().alias("number"), pl.col("of").first())
        .filter(pl.col("number") == pl.col("of"))
    )
    return dict(months.group_by("item_id").agg(pl.col("period_slut").max()).iter_rows())


# --- What the verksamheter report ----------------------------------------------------------------------------------


def _with_reports(rows: pl.DataFrame, plan: FollowedUp, reports: Reports) -> pl.DataFrame:
    asked = rows.filter(pl.col("item_id").is_in([i.id for i in plan.items if i.reported]))
    again = reports.earlier
    told = _newest_reports(asked, reports.rows) if again is None else _reports_again(asked, again)
    told = told.with_columns(
        pl.lit(reports.quality, pl.String).alias("rapport_kvalitet"),
        pl.lit(reports.release_id, pl.String).alias("rapport_release_id"),
    )
    return rows.join(told, on=ROW_KEY, how="left", nulls_equal=True)


def _newest_reports(asked: pl.DataFrame, reports: pl.DataFrame) -> pl.DataFrame:
    """Per row the newest report in or before its period; the area's from those of its verksamheter."""
    each = (
        asked.filter(pl.col("niva") == VERKSAMHET)
        .select(*ROW_KEY, "period_slut")
        .sort("period_slut", "item_id", "verksamhet")
        .join_asof(
            reports.sort("manad"),
            left_on="period_slut",
            right_on="manad",
            by=["item_id", "verksamhet"],
            strategy="backward",
            check_sortedness=False,
        )
        .with_columns(rapporterad_status=pl.col("status").fill_null(NOT_REPORTED))
    )
    status = pl.col("rapporterad_status")
    counting = status != DROPPED
    whole = (
        pl.when((status == NOT_REPORTED).all())
        .then(pl.lit(NOT_REPORTED))
        .when((status == DROPPED).all())
        .then(pl.lit(DROPPED))
        .when((status == DONE).filter(counting).all())
        .then(pl.lit(DONE))
        .when(status.is_in([NOT_BEGUN, NOT_REPORTED]).filter(counting).all())
        .then(pl.lit(NOT_BEGUN))
        .otherwise(pl.lit(UNDER_WAY))
    )
    area = each.group_by("item_id", "tillfalle", "ar", maintain_order=True).agg(
        whole.alias("rapporterad_status"),
        (status != NOT_REPORTED).sum().cast(pl.Int64).alias("rapporterade"),
        pl.len().cast(pl.Int64).alias("i_omfattning"),
        pl.when(pl.col("antal").is_not_null().any()).then(pl.col("antal").sum()).alias("antal"),
    )
    columns = [*ROW_KEY, *PLAN_REPORTED]
    empty = pl.lit(None, pl.Int64)
    return pl.concat(
        [
            each.with_columns(rapporterade=empty, i_omfattning=empty).select(columns),
            area.with_columns(
                niva=pl.lit(AREA), verksamhet=pl.lit(None, pl.String), kommentar=pl.lit(None, pl.String)
            ).select(columns),
        ]
    )


def _reports_again(asked: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """What an older release told of the same item, place and occasion; nothing was reported of what it did not have."""
    # The newest month of an item with an indicator moves on, while its reports stand still.
    occasion = pl.when(pl.col("tillfalle") != LATEST).then(pl.col("ar")).alias("occasion")
    key = ["item_id", "niva", "verksamhet", "tillfalle", "occasion"]
    before = earlier.with_columns(pl.col("ar").cast(pl.Int64)).with_columns(occasion).select(*key, *PLAN_REPORTED)
    told = asked.select(*ROW_KEY).with_columns(occasion).join(before, on=key, how="left", nulls_equal=True)
    scope = pl.col("verksamhet").is_not_null().sum().over("item_id", "tillfalle", "ar").cast(pl.Int64)
    area = pl.col("niva") == AREA
    return told.with_columns(
        pl.col("rapporterad_status").fill_null(NOT_REPORTED),
        pl.when(area).then(pl.col("rapporterade").fill_null(0)).alias("rapporterade"),
        pl.when(area).then(pl.col("i_omfattning").fill_null(scope)).alias("i_omfattning"),
    ).select(*ROW_KEY, *PLAN_REPORTED)
