"""The audit: what must hold of the staged files, whoever made them. The second lock on publishing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl

from dagster_project.catalogue.indicators import load_catalogue, parts_and_wholes
from dagster_project.catalogue.vocabulary import (
    ALL_SEXES,
    CAPABILITIES,
    DISTINCT,
    FARTHEST_RANGE,
    FEWEST_POINTS,
    FROZEN,
    HIDDEN,
    HIDDEN_MARK,
    LATEST,
    MARKS,
    MONTH,
    NOT_APPLICABLE,
    NOT_REPORTED,
    OCCASIONS,
    PLAN_STATUSES,
    REACH,
    REPORT_STATUSES,
    RESULT_TABLE,
    SIGNAL_DIRECTIONS,
    SIGNALS,
    STATUSES,
    TOO_FEW,
    UNIT,
    WINDOW,
)
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.disclosure.audit import audit_disclosure
from dagster_project.engines.duckdb import database
from dagster_project.gates.decision import Decision
from dagster_project.releases.descriptions import described
from dagster_project.releases.frozen import carried, carried_signals
from dagster_project.releases.plan_followup import PERIOD_OF, places, years
from dagster_project.releases.plan_targets import FollowedUp, plan_of_today
from dagster_project.releases.sentence import HIDDEN_WORDS
from dagster_project.releases.stage import Content
from dagster_project.releases.store import read_release
from dagster_project.releases.tables import (
    DIMENSION_SCHEMAS,
    INDICATOR_TABLE,
    NUMBERS,
    PLAN_KEY,
    PLAN_NUMBERS,
    PLAN_SCHEMA,
    PLAN_TABLE,
    RESULT_KEY,
    RESULT_SCHEMA,
    SIGNAL_KEY,
    SIGNAL_SCHEMA,
    SIGNAL_TABLE,
    TABLE_KEYS,
    in_columns_of,
)


def audit(folder: Path, data: DataPaths, content: Content) -> None:
    """Raise ResultattavlaError (every problem found) when the staged folder is not what may be published."""
    identity, decision = content.identity, content.decision
    limit = identity.parameters["suppression_limit"]
    result = pl.read_parquet(folder / f"{RESULT_TABLE}.parquet")
    with database(data.warehouse) as connection:
        truth = connection.execute("select * from cells where protected_number is not null").pl()
        grid = connection.execute("select count(*) from cells where in_grid and not left_out").fetchone()
        built_for = connection.execute(f"select distinct release_id from {RESULT_TABLE}").fetchall()
    definitions = pl.read_parquet(folder / f"{INDICATOR_TABLE}.parquet")
    problems = audit_results(result, content.release_id, decision)
    nothing_computed = len(decision.held_back) == len(load_catalogue())
    if built_for != ([] if nothing_computed else [(identity.run_id,)]):
        problems.append("rader räknade för andra leveranser")
    computed = result.filter(pl.col("kvalitet") != FROZEN)
    if grid is None or grid[0] != computed.height:
        problems.append(f"{computed.height} rader men rutnätet har {grid and grid[0]}")
    signals = pl.read_parquet(folder / f"{SIGNAL_TABLE}.parquet")
    older = signals.filter(pl.col("release_id") != content.release_id)
    problems += audit_frozen(data, result.filter(pl.col("kvalitet") == FROZEN), definitions, older, limit)
    problems += audit_disclosure(computed, truth, limit, parts_and_wholes())
    problems += audit_signals(signals, result, content.release_id)
    plan = pl.read_parquet(folder / f"{PLAN_TABLE}.parquet")
    named = {name: pl.read_parquet(folder / f"{name}.parquet") for name in DIMENSION_SCHEMAS}
    problems += audit_names({**named, RESULT_TABLE: result, PLAN_TABLE: plan, SIGNAL_TABLE: signals})
    problems += audit_plan(plan, result, plan_of_today(), identity.as_of, content.first_year)
    if problems:
        raise ResultattavlaError(
            f"Ingenting publiceras: den färdiga utgåvan klarade inte slutkontrollen ({'; '.join(problems)}). Felanmäl."
        )


def audit_results(result: pl.DataFrame, release_id: str, decision: Decision) -> list[str]:
    """What is wrong with the staged cells: types, keys, statuses, empty hidden rows, whose release and indicators."""
    problems = []
    if dict(result.schema) != RESULT_SCHEMA:
        return ["kolumnerna är inte de avtalade"]
    if result.height == 0:
        problems.append("inga rader")
    if result.select(pl.struct(RESULT_KEY).is_duplicated().any()).item():
        problems.append("nyckeln är inte unik")
    if result["status"].is_null().any() or not result["status"].is_in(STATUSES).all():
        problems.append("okänd status")
    hidden = result.filter(pl.col("status") == HIDDEN)
    if hidden.select(pl.any_horizontal(pl.col(NUMBERS).is_not_null()).any()).item():
        problems.append("en dold rad har tal")
    if (hidden["markering"].fill_null("") != HIDDEN_MARK).any():
        problems.append("en dold rad saknar markering")
    if not result["markering"].drop_nulls().is_in(MARKS).all():
        problems.append("okänd markering")
    frozen = pl.col("kvalitet") == FROZEN
    if result.filter(~frozen & (pl.col("release_id") != release_id)).height:
        problems.append("rader från en annan utgåva")
    expected = {i.id for i in load_catalogue()} - set(decision.held_back)
    if set(result.filter(~frozen)["indicator_id"].unique()) != expected:
        problems.append("fel indikatorer")
    if not set(result.filter(frozen)["indicator_id"].unique()) <= set(decision.held_back):
        problems.append("frysta rader för en indikator som räknats")
    return problems


def audit_frozen(
    data: DataPaths, frozen: pl.DataFrame, definitions: pl.DataFrame, signals: pl.DataFrame, limit: int
) -> list[str]:
    """What is wrong with the frozen rows: each indicator's must be all its rows of one whole release, unchanged but for
    what today's rule hides besides, described (`definitions`, the staged table `indicator`) as that release did, with
    the `signals` (staged rows of other releases) that it told.

    Rows of one indicator never mix. Indicators of the same sources can come from different releases, where the newer
    one lacks one of them: both are published already, each audited when it was made.
    """
    problems = []
    origins = frozen.select("indicator_id", "release_id").unique()
    if origins["indicator_id"].is_duplicated().any():
        problems.append("frysta rader för en indikator ur olika utgåvor")
    if not set(signals["indicator_id"]) <= set(frozen["indicator_id"]):
        problems.append("signaler från en annan utgåva")
    for (release_id,), rows in frozen.group_by("release_id"):
        origin = read_release(data.releases / str(release_id))
        if origin is None:
            problems.append(f"frysta rader ur {release_id}, som inte finns hel")
            continue
        published = origin.table(RESULT_TABLE).filter(
            pl.col("indicator_id").is_in(rows["indicator_id"].unique().implode())
        )
        of_these = pl.col("indicator_id").is_in(rows["indicator_id"].unique().implode())
        again = carried(published, origin.table(INDICATOR_TABLE).filter(of_these), limit)
        if not again.equals(rows.sort(RESULT_KEY, nulls_last=False)):
            problems.append(f"frysta rader som inte är de i {release_id}")
        of_these = pl.col("indicator_id").is_in(rows["indicator_id"].unique().implode())
        told = carried_signals(origin, rows["indicator_id"].unique().to_list(), published, again)
        if not told.equals(signals.filter(of_these, pl.col("release_id") == release_id)):
            problems.append(f"signaler som inte är de i {release_id}")
        meant = in_columns_of(definitions, origin.table(INDICATOR_TABLE).filter(of_these))
        if not meant.sort("indicator_id").equals(definitions.filter(of_these).sort("indicator_id")):
            problems.append(f"frysta rader som beskrivs på annat sätt än i {release_id}")
    return problems


def audit_names(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """What is wrong with the dimensions: columns, keys, and whatever another table names and they lack."""
    problems = []
    for name, schema in DIMENSION_SCHEMAS.items():
        if dict(tables[name].schema) != schema:
            problems.append(f"{name}: kolumnerna är inte de avtalade")
        elif tables[name].select(pl.struct(TABLE_KEYS[name]).is_duplicated().any()).item():
            problems.append(f"{name}: nyckeln är inte unik")
    if problems:
        return problems
    for name, frame in tables.items():
        for reference in described(name).references:
            columns, named = list(reference.columns), list(reference.named)
            asked = frame.select(columns).unique().drop_nulls()
            if asked.join(tables[reference.table], left_on=columns, right_on=named, how="anti").height:
                problems.append(f"{name}: {', '.join(columns)} saknas i {reference.table}")
    return problems


def audit_signals(signals: pl.DataFrame, result: pl.DataFrame, release_id: str) -> list[str]:
    """What is wrong with the signals beside the cells that are published with them (`result`): types, keys, closed
    lists, places, and numbers that are not those of the shown months."""
    if dict(signals.schema) != SIGNAL_SCHEMA:
        return ["signal: kolumnerna är inte de avtalade"]
    problems = []
    if signals.select(pl.struct(SIGNAL_KEY).is_duplicated().any()).item():
        problems.append("signal: nyckeln är inte unik")
    if not signals["signal"].is_in(SIGNALS).all() or not signals["malformaga"].is_in(CAPABILITIES).all():
        problems.append("signal: okänd signal eller måluppfyllelse")
    if not signals["riktning"].drop_nulls().is_in(SIGNAL_DIRECTIONS).all():
        problems.append("signal: okänd riktning")
    charted = [i.id for i in load_catalogue() if i.path not in (DISTINCT, WINDOW)]
    months = result.filter(
        pl.col("indicator_id").is_in(charted),
        pl.col("niva") != UNIT,
        pl.col("period_typ") == MONTH,
        pl.col("kon") == ALL_SEXES,
        pl.col("status") != NOT_APPLICABLE,
    )
    places = months.filter(pl.col("kvalitet") != FROZEN).select(SIGNAL_KEY).unique().sort(SIGNAL_KEY)
    of_release = signals.filter(pl.col("release_id") == release_id).select(SIGNAL_KEY).sort(SIGNAL_KEY)
    if not of_release.equals(places):
        problems.append("signal: en plats saknas eller är en för mycket")
    shown = months.filter(pl.col("komplett"), pl.col("varde").is_not_null())
    points = (
        signals.join(shown.select(*SIGNAL_KEY, "period_start", "varde"), on=SIGNAL_KEY, nulls_equal=True)
        .filter(pl.col("period_start").is_between("fran", "till"))
        .sort(*SIGNAL_KEY, "period_start", nulls_last=False)
        .with_columns(moved=pl.col("varde").diff().abs().over(SIGNAL_KEY))
        .with_columns(usual=pl.col("moved") <= FARTHEST_RANGE * pl.col("moved").mean().over(SIGNAL_KEY))
        .group_by(SIGNAL_KEY, maintain_order=True)
        .agg(
            pl.len().alias("points"),
            pl.col("varde").mean().alias("mean"),
            (REACH * pl.col("moved").filter(pl.col("usual")).mean()).alias("reach"),
        )
    )
    told = signals.join(points, on=SIGNAL_KEY, how="left", nulls_equal=True).with_columns(
        pl.col("points").fill_null(0), near=1e-6 * (1 + pl.col("mean").abs())
    )
    apart = pl.any_horizontal(
        (pl.col("medel") - pl.col("mean")).abs() > pl.col("near"),
        _is_off(pl.col("ovre_grans"), pl.col("mean") + pl.col("reach"), 100),
        _is_off(pl.col("undre_grans"), pl.col("mean") - pl.col("reach"), 0),
        pl.col("points") != pl.col("antal_punkter"),
        (pl.col("antal_punkter") < FEWEST_POINTS) != pl.col("medel").is_null(),
        pl.col("medel").is_null() != (pl.col("signal") == TOO_FEW),
    )
    if told.filter(apart).height:
        problems.append("signal: ett tal är inte de visade månadernas")
    return problems


def _is_off(limit: pl.Expr, expected: pl.Expr, kept_at: float) -> pl.Expr:
    """Whether a limit is not the expected one, nor where it was kept."""
    return ((limit - expected).abs() > pl.col("near")) & (limit != kept_at)


def audit_plan(
    plan: pl.DataFrame, result: pl.DataFrame, followed: FollowedUp, as_of: date, first_year: int
) -> list[str]:
    """What is wrong with the plan's follow-up (`plan`) beside the cells that are published with it (`result`): types,
    keys, holes, closed lists, numbers that are not the cell's, and anything told of a hidden one."""
    if dict(plan.schema) != PLAN_SCHEMA:
        return ["planuppföljningen: kolumnerna är inte de avtalade"]
    problems = []
    if plan.select(pl.struct(PLAN_KEY).is_duplicated().any()).item():
        problems.append("planuppföljningen: nyckeln är inte unik")
    occasions: list[tuple[str, int | None]] = [(LATEST, None)]
    occasions += [(o, year) for o in OCCASIONS if o != LATEST for year in years(followed, as_of, first_year)]
    due = places(followed).join(
        pl.DataFrame(occasions, schema={"tillfalle": pl.String, "ar": pl.Int64}, orient="row"), how="cross"
    )
    there = plan.with_columns(ar=pl.when(pl.col("tillfalle") != LATEST).then("ar")).select(due.columns)
    if not there.sort(due.columns).equals(due.sort(due.columns)):
        problems.append("planuppföljningen: en punkt saknas eller är en för mycket")
    if not plan["malstatus"].is_in(PLAN_STATUSES).all() or plan["malstatus"].is_null().any():
        problems.append("planuppföljningen: okänd malstatus")
    if not plan["rapporterad_status"].drop_nulls().is_in([*REPORT_STATUSES, NOT_REPORTED]).all():
        problems.append("planuppföljningen: okänd rapporterad_status")
    key = ["indicator_id", "niva", "verksamhet", "period_typ", "period_start", "period_slut"]
    cells = result.filter(pl.col("kon") == ALL_SEXES).select(*key, "status", *PLAN_NUMBERS, "kvalitet", "release_id")
    copied = [*PLAN_NUMBERS, "kvalitet", "release_id"]
    rows = plan.with_columns(period_typ=pl.col("tillfalle").replace_strict(PERIOD_OF, return_dtype=pl.String)).join(
        cells, on=key, how="left", nulls_equal=True, suffix="_cell"
    )
    if rows.filter(~pl.all_horizontal(pl.col(n).eq_missing(pl.col(f"{n}_cell")) for n in copied)).height:
        problems.append("planuppföljningen: ett tal är inte cellens")
    hidden = rows.filter((pl.col("status") == HIDDEN) | (pl.col("malstatus") == HIDDEN))
    told = pl.any_horizontal(pl.col(PLAN_NUMBERS).is_not_null()) | (pl.col("status").ne_missing(pl.col("malstatus")))
    if hidden.filter(told | ~pl.col("mening").str.contains(HIDDEN_WORDS, literal=True)).height:
        problems.append("planuppföljningen: en dold cell berättas")
    return problems
