"""Tables that name what a release's cells and plan rows hold, so that dashboards need no code list of their own.

Made of what is published with them, the seeds and the unit register: `dim_*`, `planmatt` and `brott`
(DIMENSION_SCHEMAS). Every unit, verksamhet, period, indicator and item that a published row names has its row here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from dagster_project.catalogue.breaks import load_breaks
from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.organisation import nodes
from dagster_project.catalogue.periods import period_name
from dagster_project.catalogue.plan import goals, measures_of
from dagster_project.catalogue.vocabulary import (
    ALL_SEXES,
    AREA,
    BETTER_DOWN,
    BETTER_UP,
    BETTER_WAYS,
    MONTH,
    UNIT,
    VERKSAMHET,
)
from dagster_project.releases.labels import decimals_of, labels, period_label
from dagster_project.releases.plan_followup import PERIOD_OF
from dagster_project.releases.plan_targets import FollowedUp, in_force, measured_of
from dagster_project.releases.sentence import target_words
from dagster_project.releases.tables import (
    BREAK_TABLE,
    DIMENSION_SCHEMAS,
    INDICATOR_DIMENSION,
    ITEM_DIMENSION,
    PERIOD_DIMENSION,
    STATUS_DIMENSION,
    TABLE_KEYS,
    TIE_TABLE,
    UNIT_DIMENSION,
    VERKSAMHET_DIMENSION,
)


def dimensions(
    result: pl.DataFrame,
    followup: pl.DataFrame,
    definitions: pl.DataFrame,
    today: pl.DataFrame,
    units: pl.DataFrame,
    plan: FollowedUp,
    as_of: date,
) -> dict[str, pl.DataFrame]:
    """The dimensions of a release, by table.

    result, followup, definitions: the published tables `indicator_result`, `plan_uppfoljning` and `indicator`. today:
    the catalogue as it would be published now, which describes indicators that the release has no cell of. units:
    `unit_periods`. plan: the one that is followed up.
    """
    return {
        UNIT_DIMENSION: units,
        VERKSAMHET_DIMENSION: _verksamheter(result),
        PERIOD_DIMENSION: _periods(result, followup),
        INDICATOR_DIMENSION: _indicators(definitions, today, plan, as_of),
        STATUS_DIMENSION: _statuses(),
        ITEM_DIMENSION: _items(plan),
        TIE_TABLE: _ties(plan),
        BREAK_TABLE: _breaks(),
    }


def _frame(name: str, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=DIMENSION_SCHEMAS[name], orient="row")


# --- Units -----------------------------------------------------------------------------------------------------------

REGISTER_QUERY = "select hsaid_enhet as hsaid, enhetsnamn as namn, verksamhet, lansdel, giltig_fran, giltig_till from "


def unit_periods(register: pl.DataFrame, result: pl.DataFrame, earlier: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The table `dim_enhet`: a row per unit and validity period, of every unit that is published or in the register.

    register: its current rows (columns of the table without its key), none where it is held back. earlier: `dim_enhet`
    of releases whose rows are shown again, the one that counts first; a unit that today's register has not is told as
    they told it. One that nobody describes has its id for a name.
    """
    key = pl.concat_str("hsaid", pl.lit("|"), pl.col("giltig_fran").dt.to_string("%Y-%m-%d").fill_null("")).alias(
        "enhet_nyckel"
    )
    columns = DIMENSION_SCHEMAS[UNIT_DIMENSION]
    found = register.with_columns(key).select(pl.col(n).cast(t) for n, t in columns.items())
    place = ["hsaid", "verksamhet"]
    for older in earlier:
        found = pl.concat([found, older.select(list(columns)).join(found, on=place, how="anti")])
    shown = result.filter(pl.col("niva") == UNIT).select(pl.col("enhet").alias("hsaid"), "verksamhet").unique()
    unknown = shown.join(found, on=place, how="anti").with_columns(
        pl.concat_str("hsaid", pl.lit("|"), "verksamhet").alias("enhet_nyckel"), pl.col("hsaid").alias("namn")
    )
    found = pl.concat([found, unknown], how="diagonal").unique("enhet_nyckel", keep="first", maintain_order=True)
    return found.select(list(columns)).sort("hsaid", "giltig_fran", "enhet_nyckel", nulls_last=False)


# --- Organisation, periods, words ------------------------------------------------------------------------------------


def _verksamheter(result: pl.DataFrame) -> pl.DataFrame:
    """The organisation of today; a verksamhet that only frozen rows still name has its code for a name."""
    known = {node.code for node in nodes()}
    gone = sorted(set(result["verksamhet"].drop_nulls().unique()) - known)
    return _frame(
        VERKSAMHET_DIMENSION,
        [
            {
                "verksamhet": node.code,
                "namn": node.name,
                "niva": node.type,
                "gren": node.branch,
                "ordning": order,
                "regionskod": node.regionskod,
                "hsaid": node.hsaid,
                "kolada_ou": node.kolada_ou,
            }
            for order, node in enumerate(nodes())
        ]
        + [{"verksamhet": code, "namn": code, "niva": VERKSAMHET, "ordning": len(known)} for code in gone],
    )


def period_key(period_typ: str, start: date, end: date) -> str:
    """What a period is known by: `manad:2022-08`, `r12:2022-08`, `tertial:2022-T2`, `delar:2022-D`, `ar:2022`."""
    return f"{period_typ}:{period_name(period_typ, start, end)}"


def _periods(result: pl.DataFrame, followup: pl.DataFrame) -> pl.DataFrame:
    """A period is complete when every indicator that has rows of it has come to its end (a month of one verksamhet that
    a source delivered only a part of is told by the cell)."""
    columns = ["period_typ", "period_start", "period_slut"]
    asked = followup.with_columns(period_typ=pl.col("tillfalle").replace_strict(PERIOD_OF, return_dtype=pl.String))
    area = result.filter((pl.col("niva") == AREA) & (pl.col("kon") == ALL_SEXES))
    newest = (
        area.filter((pl.col("period_typ") == MONTH) & pl.col("komplett"))
        .group_by("indicator_id")
        .agg(newest=pl.col("period_slut").max())
    )
    ended = (
        area.join(newest, on="indicator_id")
        .group_by(columns)
        .agg(komplett=(pl.col("period_slut") <= pl.col("newest")).all())
    )
    periods = (
        pl.concat([result.select(columns).unique(), asked.select(columns).unique()])
        .unique()
        .join(ended, on=columns, how="left")
        .sort(columns)
    )
    return _frame(
        PERIOD_DIMENSION,
        [
            {
                **row,
                "period_nyckel": period_key(row["period_typ"], row["period_start"], row["period_slut"]),
                "etikett": period_label(row["period_typ"], row["period_start"], row["period_slut"]),
                "ar": row["period_slut"].year,
                "manad_nr": row["period_slut"].month,
                "komplett": bool(row["komplett"]),
            }
            for row in periods.iter_rows(named=True)
        ],
    )


def _statuses() -> pl.DataFrame:
    return _frame(
        STATUS_DIMENSION,
        [{"kod": x.code, "typ": x.kind, "ord": x.word, "symbol": x.symbol, "ordning": x.order} for x in labels()],
    )


# --- Indicators and the plan -----------------------------------------------------------------------------------------


def better_way(operator: str | None, direction: str) -> str:
    """Which way is better: where the target lies, else what the catalogue says (products.md)."""
    if operator is None:
        return BETTER_WAYS[direction]
    return BETTER_UP if operator.startswith(">") else BETTER_DOWN


def _indicators(definitions: pl.DataFrame, today: pl.DataFrame, plan: FollowedUp, as_of: date) -> pl.DataFrame:
    """One row per indicator of the catalogue, in its order: as it is published, with what of today's catalogue and plan
    people need beside it."""
    place = ["mal_id", "planpunkt"]  # in today's plan, which is the one that is followed up
    described: dict[str, dict[str, Any]] = {row["indicator_id"]: row for row in today.iter_rows(named=True)}
    for row in definitions.iter_rows(named=True):  # what is published goes before today's
        described[row["indicator_id"]] = row | {n: described[row["indicator_id"]][n] for n in place}
    known = {i.id: i for i in load_catalogue()}
    measured = measured_of(definitions, known, plan)
    found_goals = {g.id: g for g in goals() if g.plan_id == plan.plan.id}
    rows = []
    for order, indicator in enumerate(known.values()):
        said = described[indicator.id]
        goal = found_goals.get(said["mal_id"])
        of_item = in_force(plan.targets.get(said["planpunkt"], ()), as_of.year)
        own = [target for target in of_item if target.indicator_id == indicator.id]
        rows.append(
            {
                **{n: said[n] for n in DIMENSION_SCHEMAS[INDICATOR_DIMENSION] if n in said},
                "mattenhet": indicator.unit,
                "decimaler": decimals_of(said["art"]),
                "riktning": better_way(said["mal_operator"], said["riktning"]),
                "konsuppdelad": indicator.by_sex,
                "perspektiv": goal and goal.perspective,
                "mal_titel": goal and goal.title,
                "nivaer": "|".join(indicator.levels),
                "mal_text": target_words(own, indicator.id, measured),
                "jamforelse": indicator.comparison_base,
                "basar": indicator.base_year,
                "fonster_manader": indicator.window_months,
                "ordning": order,
            }
        )
    return _frame(INDICATOR_DIMENSION, rows)


def _items(plan: FollowedUp) -> pl.DataFrame:
    found_goals = {g.id: g for g in goals() if g.plan_id == plan.plan.id}
    rows = []
    for order, item in enumerate(plan.items, start=1):
        goal = found_goals.get(item.goal_id or "")
        rows.append(
            {
                "item_id": item.id,
                "plan_id": plan.plan.id,
                "plan_titel": plan.plan.title,
                "mal_id": item.goal_id,
                "perspektiv": goal and goal.perspective,
                "mal_titel": goal and goal.title,
                "typ": item.type,
                "titel": item.title,
                "kort_titel": item.short_title,
                "omfattning": "|".join(item.scope) or None,
                "uppfoljning": item.follow_up,
                "overordnad_item": item.parent,
                "ansvarig": item.responsible,
                "nr": item.number,
                "rapportering": "|".join(item.reporting) or None,
                "ordning": order,
            }
        )
    return _frame(ITEM_DIMENSION, rows)


def _ties(plan: FollowedUp) -> pl.DataFrame:
    ties = [(m.item_id, m.indicator_id, m.role) for item in plan.items for m in measures_of(item.id)]
    return pl.DataFrame(ties, schema=DIMENSION_SCHEMAS[TIE_TABLE], orient="row")


def _breaks() -> pl.DataFrame:
    """Breaks of series, as the seed says, sorted by their key."""
    told = [(b.indicator_id, b.verksamhet, b.day, b.reason) for b in load_breaks()]
    found = pl.DataFrame(told, schema=DIMENSION_SCHEMAS[BREAK_TABLE], orient="row")
    return found.sort(TABLE_KEYS[BREAK_TABLE], nulls_last=False)
