"""The audit: what must hold of the staged files, whoever made them. The second lock on publishing."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from dagster_project.catalogue.indicators import load_catalogue, parts_and_wholes
from dagster_project.catalogue.vocabulary import FROZEN, HIDDEN, HIDDEN_MARK, MARKS, RESULT_TABLE, STATUSES
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.disclosure.audit import audit_disclosure
from dagster_project.engines.duckdb import database
from dagster_project.gates.decision import Decision
from dagster_project.releases.frozen import carried
from dagster_project.releases.stage import Content
from dagster_project.releases.store import read_release
from dagster_project.releases.tables import INDICATOR_TABLE, NUMBERS, RESULT_KEY, RESULT_SCHEMA, in_columns_of


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
    problems += audit_frozen(data, result.filter(pl.col("kvalitet") == FROZEN), definitions, limit)
    problems += audit_disclosure(computed, truth, limit, parts_and_wholes())
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


def audit_frozen(data: DataPaths, frozen: pl.DataFrame, definitions: pl.DataFrame, limit: int) -> list[str]:
    """What is wrong with the frozen rows: each indicator's must be all its rows of one whole release, unchanged but for
    what today's rule hides besides, and described (`definitions`, the staged table `indicator`) as that release did.

    Rows of one indicator never mix. Indicators of the same sources can come from different releases, where the newer
    one lacks one of them: both are published already, each audited when it was made.
    """
    problems = []
    origins = frozen.select("indicator_id", "release_id").unique()
    if origins["indicator_id"].is_duplicated().any():
        problems.append("frysta rader för en indikator ur olika utgåvor")
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
        meant = in_columns_of(definitions, origin.table(INDICATOR_TABLE).filter(of_these))
        if not meant.sort("indicator_id").equals(definitions.filter(of_these).sort("indicator_id")):
            problems.append(f"frysta rader som beskrivs på annat sätt än i {release_id}")
    return problems
