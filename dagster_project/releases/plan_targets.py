"""The plan that is followed up, and how its items stand to their targets: over the cells that a release shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from dagster_project.catalogue.indicators import Indicator
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
    AMOUNT,
    AREA,
    DELAR,
    HIDDEN,
    MET,
    NO_DATA,
    NO_TARGET,
    NOT_APPLICABLE,
    NOT_MET,
    PARTLY,
    PRELIMINARY,
)
from dagster_project.releases.sentence import Measured, parts_words, target_words

_UNKNOWN = (HIDDEN, NO_DATA, PRELIMINARY)
"""A cell with one of these cannot be judged."""
CELL_KEY = ["indicator_id", "niva", "verksamhet", "period_typ", "period_slut"]
ROW_KEY = ["item_id", "niva", "verksamhet", "tillfalle", "ar"]


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


def measured_of(definitions: pl.DataFrame, known: Mapping[str, Indicator], plan: FollowedUp) -> dict[str, Measured]:
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


def in_force(targets: Iterable[Target], year: int) -> list[Target]:
    return [t for t in targets if (t.from_year or 0) <= year <= (t.to_year or 9999)]


def words_of(rows: pl.DataFrame, plan: FollowedUp, measured: Mapping[str, Measured]) -> pl.DataFrame:
    """item_id, verksamhet, ar, mal_text: the targets in force in the row's year; a parent's are those of its parts that
    the verksamhet has."""

    def told(item_id: str, year: int) -> str | None:
        return target_words(in_force(plan.targets.get(item_id, ()), year), plan.main.get(item_id), measured)

    found = []
    for item_id, verksamhet, year in rows.select("item_id", "verksamhet", "ar").unique().iter_rows():
        parts = [p for p in plan.parts.get(item_id, ()) if verksamhet is None or verksamhet in p.scope]
        text = parts_words([(p, told(p.id, year)) for p in parts]) if parts else told(item_id, year)
        found.append((item_id, verksamhet, year, text))
    schema = {"item_id": pl.String, "verksamhet": pl.String, "ar": pl.Int64, "mal_text": pl.String}
    return pl.DataFrame(found, schema=schema, orient="row")


def judged(rows: pl.DataFrame, plan: FollowedUp, shown: pl.DataFrame, known: Mapping[str, Indicator]) -> pl.DataFrame:
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
        rows.select(*ROW_KEY, "period_typ", "period_start", "period_slut")
        .join(judged_items, on="item_id")
        .filter((pl.col("niva") == AREA) | pl.col("scope").list.contains(pl.col("verksamhet")))
        .drop("scope")
    )
    cells = shown.select(*CELL_KEY, "varde", "jamforelse_varde", "status")
    each = [*ROW_KEY, "judged"]
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
        .group_by(ROW_KEY)
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
            *ROW_KEY,
            "malstatus",
            pl.lit(None, pl.Float64).alias("malvarde"),
            pl.lit(None, pl.String).alias("mal_operator"),
            pl.lit(True).alias("applies"),
            "parts_preliminary",
        )
    )
    has_goal = pl.col("goal").is_not_null() & (pl.col("own") != NOT_APPLICABLE)
    own_rows = items.filter(~pl.col("is_part")).select(
        *ROW_KEY,
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
        asked.join(cells, on=CELL_KEY, how="left", nulls_equal=True)
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
