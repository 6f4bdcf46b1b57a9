"""How every item of the plan that is followed up stands: the published table `plan_uppfoljning` (plan.md).

Made of the cells that the release shows, the plan and the verksamheter's own reports, so it can show nothing that they
do not. Set operations throughout; only the sentence is made row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from dagster_project.catalogue.indicators import Indicator, load_catalogue
from dagster_project.catalogue.plan import (
    Item,
    Plan,
    Target,
    followed_up,
    followed_up_items,
    main_indicator,
    measures_of,
    parts_of,
    targets_of,
)
from dagster_project.catalogue.vocabulary import (
    ALL_SEXES,
    AMOUNT,
    AREA,
    DELAR,
    DONE,
    DROPPED,
    FROZEN,
    HIDDEN,
    LATEST,
    MET,
    MONTH,
    NO_DATA,
    NO_TARGET,
    NOT_APPLICABLE,
    NOT_BEGUN,
    NOT_MET,
    NOT_REPORTED,
    PARTLY,
    PRELIMINARY,
    R12,
    UNDER_WAY,
    VERKSAMHET,
    YEAR,
)
from dagster_project.releases.sentence import Measured, parts_words, sentence, target_words
from dagster_project.releases.tables import PLAN_KEY, PLAN_NUMBERS, PLAN_REPORTED, PLAN_SCHEMA

PERIOD_OF = {DELAR: DELAR, YEAR: YEAR, LATEST: R12}
"""The period type that an occasion looks at."""
_UNKNOWN = (HIDDEN, NO_DATA, PRELIMINARY)
"""A cell with one of these cannot be judged."""
_CELL = ["indicator_id", "niva", "verksamhet", "period_typ", "period_slut"]
_ROW = ["item_id", "niva", "verksamhet", "tillfalle", "ar"]


@dataclass(frozen=True)
class FollowedUp:
    """A plan, its items in its order, and per item: the indicator whose number is the item's (none where it is self-
    reported only, or a parent), all its indicators, the parts that a parent is judged over, its targets in order."""

    plan: Plan
    items: tuple[Item, ...]
    main: Mapping[str, str]
    measures: Mapping[str, tuple[str, ...]]
    parts: Mapping[str, tuple[Item, ...]]
    targets: Mapping[str, tuple[Target, ...]]


def plan_of_today() -> FollowedUp:
    """The plan that the seeds say is followed up. Raises PlanError where they contradict each other."""
    items = followed_up_items()
    return FollowedUp(
        plan=followed_up(),
        items=items,
        main={i.id: main for i in items if (main := main_indicator(i.id)) is not None},
        measures={i.id: tuple(m.indicator_id for m in measures_of(i.id)) for i in items},
        parts={i.id: parts for i in items if (parts := parts_of(i.id))},
        targets={i.id: targets_of(i.id) for i in items},
    )


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
        shown.select(*_CELL, *PLAN_NUMBERS, "kvalitet", "release_id"), on=_CELL, how="left", nulls_equal=True
    )
    measured = _measured(definitions, known, plan)
    rows = rows.join(_words(rows, plan, measured), on=["item_id", "verksamhet", "ar"], how="left", nulls_equal=True)
    rows = rows.join(_judged(rows, plan, shown, known), on=_ROW, how="left", nulls_equal=True)
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


# --- Targets -------------------------------------------------------------------------------------------------------


def _measured(definitions: pl.DataFrame, known: Mapping[str, Indicator], plan: FollowedUp) -> dict[str, Measured]:
    """How each indicator is told of: by what its rows were computed as, else by today's catalogue; one that the plan
    names and the catalogue lacks has no number to tell."""
    described = {row["indicator_id"]: row for row in definitions.iter_rows(named=True)}
    found = {name: Measured(name, AMOUNT) for names in plan.measures.values() for name in names}
    for indicator in known.values():
        said = described.get(indicator.id, {})
        found[indicator.id] = Measured(
            title=said.get("titel") or indicator.titel,
            kind=said.get("art") or indicator.kind,
            stock=said.get("bestand", indicator.stock),
            unit=indicator.unit,
            window_months=indicator.window_months,
            base_year=indicator.base_year,
            of_reports=indicator.report_source is not None,
        )
    return found


def _in_force(targets: Iterable[Target], year: int) -> list[Target]:
    return [t for t in targets if (t.from_year or 0) <= year <= (t.to_year or 9999)]


def _words(rows: pl.DataFrame, plan: FollowedUp, measured: Mapping[str, Measured]) -> pl.DataFrame:
    """item_id, verksamhet, ar, mal_text: the targets in force in the row's year; a parent's are those of its parts that
    the verksamhet has."""

    def told(item_id: str, year: int) -> str | None:
        return target_words(_in_force(plan.targets.get(item_id, ()), year), plan.main.get(item_id), measured)

    found = []
    for item_id, verksamhet, year in rows.select("item_id", "verksamhet", "ar").unique().iter_rows():
        parts = [p for p in plan.parts.get(item_id, ()) if verksamhet is None or verksamhet in p.scope]
        text = parts_words([(p, told(p.id, year)) for p in parts]) if parts else told(item_id, year)
        found.append((item_id, verksamhet, year, text))
    schema = {"item_id": pl.String, "verksamhet": pl.String, "ar": pl.Int64, "mal_text": pl.String}
    return pl.DataFrame(found, schema=schema, orient="row")


def _judged(rows: pl.DataFrame, plan: FollowedUp, shown: pl.DataFrame, known: Mapping[str, Indicator]) -> pl.DataFrame:
    """Per row of an item with indicators: malstatus, malvarde, mal_operator, and what only the sentence tells: whether
    any target applies there, and whether a parent lacks judgement only since parts are preliminary."""
    # What each row is judged over: the item itself, or the parts of a parent that the verksamhet has.
    over = [(i.id, i.id, plan.main[i.id], False, list(i.scope)) for i in plan.items if i.id in plan.main]
    over += [
        (parent, part.id, plan.main[part.id], True, list(part.scope))
        for parent, parts in plan.parts.items()
        for part in parts
        if part.id in plan.main
    ]
    judged_items = pl.DataFrame(
        over,
        schema={
            "item_id": pl.String,
            "judged": pl.String,
            "indicator_id": pl.String,
            "is_part": pl.Boolean,
            "scope": pl.List(pl.String),
        },
        orient="row",
    )
    asked = (
        rows.select(*_ROW, "period_typ", "period_start", "period_slut")
        .join(judged_items, on="item_id")
        .filter((pl.col("niva") == AREA) | pl.col("scope").list.contains(pl.col("verksamhet")))
        .drop("scope")
    )
    cells = shown.select(*_CELL, "varde", "jamforelse_varde", "status")
    each = [*_ROW, "judged"]
    own = _cell_of(asked, cells, known).select(*each, "is_part", pl.col("status").alias("own"))
    held = _held_against(_cell_of(asked.drop("indicator_id").join(_targets(plan), on="judged"), cells, known))
    outcomes = (
        held.sort("order")
        .group_by(each)
        .agg(
            (pl.col("met") == True).sum().alias("met"),  # noqa: E712 - null is neither
            (pl.col("met") == False).sum().alias("failed"),  # noqa: E712
            pl.col("met").is_null().sum().alias("open"),
            pl.col("goal").first(),
            pl.col("operator").first(),
        )
    )
    items = own.join(outcomes, on=each, how="left", nulls_equal=True).with_columns(
        pl.when(pl.col("own").is_in([NOT_APPLICABLE, *_UNKNOWN]))
        .then("own")
        .when(pl.col("met").is_null())
        .then(pl.lit(NO_TARGET))
        .otherwise(_verdict(pl.col("met"), pl.lit(0), pl.col("failed"), pl.col("open")))
        .alias("malstatus"),
    )
    status = pl.col("malstatus")
    parents = (
        items.filter("is_part")
        .group_by(_ROW)
        .agg(
            _verdict(
                (status == MET).sum(),
                (status == PARTLY).sum(),
                (status == NOT_MET).sum(),
                status.is_in(_UNKNOWN).sum(),
            ).alias("malstatus"),
            ((status == PRELIMINARY).any() & ~status.is_in([HIDDEN, NO_DATA]).any()).alias("parts_preliminary"),
        )
        .select(
            *_ROW,
            "malstatus",
            pl.lit(None, pl.Float64).alias("malvarde"),
            pl.lit(None, pl.String).alias("mal_operator"),
            pl.lit(True).alias("applies"),
            "parts_preliminary",
        )
    )
    has_goal = pl.col("goal").is_not_null() & (pl.col("own") != NOT_APPLICABLE)
    own_rows = items.filter(~pl.col("is_part")).select(
        *_ROW,
        "malstatus",
        pl.when(has_goal).then("goal").alias("malvarde"),
        pl.when(has_goal).then("operator").alias("mal_operator"),
        pl.col("met").is_not_null().alias("applies"),
        pl.lit(False).alias("parts_preliminary"),
    )
    return pl.concat([own_rows, parents])


def _verdict(met: pl.Expr, partly: pl.Expr, failed: pl.Expr, unknown: pl.Expr) -> pl.Expr:
    """What so many met, partly met, failed and unjudgeable targets (or parts) make together."""
    fails = (failed + partly) > 0
    return (
        pl.when(fails & ((met + partly) > 0))
        .then(pl.lit(PARTLY))
        .when(fails)
        .then(pl.lit(NOT_MET))
        .when((unknown > 0) | (met == 0))  # one that may yet fail, or nothing judged
        .then(pl.lit(NO_DATA))
        .otherwise(pl.lit(MET))
    )


def _cell_of(asked: pl.DataFrame, cells: pl.DataFrame, known: Mapping[str, Indicator]) -> pl.DataFrame:
    """Rows with their indicator's cell; one that the release does not have is inga_data, or outside the scope."""
    scope = pl.DataFrame(
        [(i.id, list(i.scope)) for i in known.values()],
        schema={"indicator_id": pl.String, "scope": pl.List(pl.String)},
        orient="row",
    )
    applies = (pl.col("niva") == AREA) | pl.col("scope").list.contains(pl.col("verksamhet")).fill_null(True)
    missing = pl.when(applies).then(pl.lit(NO_DATA)).otherwise(pl.lit(NOT_APPLICABLE))
    return (
        asked.join(cells, on=_CELL, how="left", nulls_equal=True)
        .join(scope, on="indicator_id", how="left")
        .with_columns(pl.col("status").fill_null(missing))
        .drop("scope")
    )


def _targets(plan: FollowedUp) -> pl.DataFrame:
    found = [
        {
            "judged": item.id,
            "order": order,
            "indicator_id": t.indicator_id,
            "operator": t.operator,
            "value": t.value,
            "base": t.base,
            "levels": list(t.levels),
            "prorated": t.prorated,
            "judged_on": list(t.judged_on),
            "from_year": t.from_year or 0,
            "to_year": t.to_year or 9999,
        }
        for item in plan.items
        for order, t in enumerate(plan.targets.get(item.id, ()))
    ]
    schema: dict[str, Any] = {
        "judged": pl.String,
        "order": pl.Int64,
        "indicator_id": pl.String,
        "operator": pl.String,
        "value": pl.Float64,
        "base": pl.String,
        "levels": pl.List(pl.String),
        "prorated": pl.Boolean,
        "judged_on": pl.List(pl.String),
        "from_year": pl.Int64,
        "to_year": pl.Int64,
    }
    return pl.DataFrame(found, schema=schema)


def _held_against(asked: pl.DataFrame) -> pl.DataFrame:
    """The targets that apply at their row, with `goal` and whether it is `met`; null where it cannot be judged."""
    year = pl.col("period_slut").dt.year()
    days = (pl.col("period_slut") - pl.col("period_start")).dt.total_days() + 1
    days_of_year = pl.when(pl.col("period_slut").dt.is_leap_year()).then(366).otherwise(365)
    within_year = pl.col("prorated") & (pl.col("period_typ") == DELAR)
    held = asked.filter(
        pl.col("levels").list.contains(pl.col("niva"))
        & ((pl.col("judged_on").list.len() == 0) | pl.col("judged_on").list.contains(pl.col("period_typ")))
        & year.is_between(pl.col("from_year"), pl.col("to_year"))
        & (pl.col("status") != NOT_APPLICABLE)
    ).with_columns(
        goal=pl.when(pl.col("base").is_not_null())
        .then("jamforelse_varde")
        .when(within_year)
        .then(pl.col("value") * days / days_of_year)
        .otherwise("value")
    )
    value, goal, operator = pl.col("varde"), pl.col("goal"), pl.col("operator")
    reached = (
        pl.when(operator == ">=")
        .then(value >= goal)
        .when(operator == ">")
        .then(value > goal)
        .when(operator == "<=")
        .then(value <= goal)
        .when(operator == "<")
        .then(value < goal)
    )
    return held.with_columns(met=pl.when(~pl.col("status").is_in(_UNKNOWN)).then(reached))


# --- What the verksamheter report ----------------------------------------------------------------------------------


def _with_reports(rows: pl.DataFrame, plan: FollowedUp, reports: Reports) -> pl.DataFrame:
    asked = rows.filter(pl.col("item_id").is_in([i.id for i in plan.items if i.reported]))
    again = reports.earlier
    told = _newest_reports(asked, reports.rows) if again is None else _reports_again(asked, again)
    told = told.with_columns(
        pl.lit(reports.quality, pl.String).alias("rapport_kvalitet"),
        pl.lit(reports.release_id, pl.String).alias("rapport_release_id"),
    )
    return rows.join(told, on=_ROW, how="left", nulls_equal=True)


def _newest_reports(asked: pl.DataFrame, reports: pl.DataFrame) -> pl.DataFrame:
    """Per row the newest report in or before its period; the area's from those of its verksamheter."""
    each = (
        asked.filter(pl.col("niva") == VERKSAMHET)
        .select(*_ROW, "period_slut")
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
    columns = [*_ROW, *PLAN_REPORTED]
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
    told = asked.select(*_ROW).with_columns(occasion).join(before, on=key, how="left", nulls_equal=True)
    scope = pl.col("verksamhet").is_not_null().sum().over("item_id", "tillfalle", "ar").cast(pl.Int64)
    area = pl.col("niva") == AREA
    return told.with_columns(
        pl.col("rapporterad_status").fill_null(NOT_REPORTED),
        pl.when(area).then(pl.col("rapporterade").fill_null(0)).alias("rapporterade"),
        pl.when(area).then(pl.col("i_omfattning").fill_null(scope)).alias("i_omfattning"),
    ).select(*_ROW, *PLAN_REPORTED)
