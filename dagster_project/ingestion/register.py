"""The unit register: which rows name a unit that it does not know, or does not hold valid on their event date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dagster_project.catalogue.contracts import Contract
from dagster_project.catalogue.vocabulary import UNIT_NOT_VALID, UNKNOWN_UNIT
from dagster_project.engines.duckdb import count, literal
from dagster_project.engines.rules import rule
from dagster_project.ingestion.newest import newest_rows

if TYPE_CHECKING:
    import duckdb

NOTHING_REFUSED = pl.DataFrame(schema={"delivery": pl.String, "line": pl.Int64, "reason": pl.String})


def build_register(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Make the table `register` from the register's own views (`settle`)."""
    connection.execute(f"create or replace temp table register as {newest_rows(contract)}")


def refused_by_register(connection: duckdb.DuckDBPyConnection, contract: Contract) -> pl.DataFrame:
    """Rows whose unit is unknown, or not valid on the event date: delivery, line, reason."""
    # Few pairs of unit and day stand for millions of rows: judge the pairs, then look the bad ones up.
    connection.execute(
        f"""
        create or replace temp table bad_pairs as
        with pairs as (
            select distinct {contract.unit} as unit, event_date from accepted
            union select distinct {contract.unit}, event_date from broken
        )
        select p.unit, p.event_date,
            case when k.hsaid_enhet is null then {literal(UNKNOWN_UNIT)} else {literal(UNIT_NOT_VALID)} end as reason
        from pairs p
        left join (select distinct hsaid_enhet from register) k on k.hsaid_enhet = p.unit
        left join register e on {rule("valid_unit", "p.unit", "p.event_date")}
        where p.unit is not null
            and (k.hsaid_enhet is null or (p.event_date is not null and e.hsaid_enhet is null))
        """
    )
    if not count(connection, "bad_pairs"):
        return NOTHING_REFUSED
    return connection.execute(
        f"""
        select r.delivery, r.line, b.reason
        from (select delivery, line, {contract.unit} as unit, event_date from accepted
              union all select delivery, line, {contract.unit}, event_date from broken) r
        join bad_pairs b on b.unit = r.unit and b.event_date is not distinct from r.event_date
        order by r.delivery, r.line
        """
    ).pl()
