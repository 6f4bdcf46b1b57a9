"""What the verksamheter report of the plan themselves, as a release tells it."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from dagster_project.catalogue.contracts import Contract, load_contracts
from dagster_project.gates.decision import Decision
from dagster_project.releases.plan_followup import REPORT_SCHEMA, Reports, last_ended, no_reports

if TYPE_CHECKING:
    import duckdb


@cache
def report_contract() -> Contract | None:
    """The source whose rows are about items of the plan; None where no contract is of that kind."""
    return next((c for c in load_contracts().values() if _items(c)), None)


def _items(contract: Contract) -> list[str]:
    """The columns that name an item of the plan."""
    return [column.stored for column in contract.columns if column.plan_item]


def reports_of_run(connection: duckdb.DuckDBPyConnection, decision: Decision, release_id: str) -> Reports:
    """The reports that this run delivers to its release; none where the source is held back or was never delivered."""
    contract = report_contract()
    if contract is None or contract.source in decision.failed:
        return no_reports()
    item = _items(contract)[0]
    rows = connection.execute(
        f"select {item} as item_id, verksamhet, event_date as manad, status, antal, kommentar "
        f"from stg_{contract.source} order by all"
    ).pl()
    dates = connection.execute(
        "select as_of, data_start from source_dates where source = ?", [contract.source]
    ).fetchone()
    as_of, data_start = dates or (None, None)
    return Reports(
        rows.select(pl.col(n).cast(t) for n, t in REPORT_SCHEMA.items()),
        newest_complete(as_of, data_start),
        decision.quality_of(contract.source),
        release_id,
    )


def newest_complete(as_of: date | None, data_start: date | None) -> date | None:
    """Last day of the newest month that a source reaches to the end of, from its first month on; None where none is."""
    if as_of is None or data_start is None:
        return None
    end = last_ended(as_of)
    return end if end >= data_start else None
