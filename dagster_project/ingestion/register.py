"""The unit register: what counts of it, which rows it refuses (their unit is unknown, or not valid on the event date),
and what it is to blame for itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from dagster_project.catalogue.contracts import REGISTER_SOURCE, Contract
from dagster_project.catalogue.vocabulary import OVERLAP, UNIT_NOT_VALID, UNKNOWN_UNIT
from dagster_project.engines.duckdb import count, keep, literal
from dagster_project.ingestion.newest import NOT_REFUSED
from dagster_project.runs.folder import REGISTER_ROW, UNIT_GONE, UNIT_LATER, UNIT_MOVED, Finding
from dagster_project.runs.ledger import Delivery, newest_day

if TYPE_CHECKING:
    import duckdb

NOTHING_REFUSED = pl.DataFrame(schema={"delivery": pl.String, "line": pl.Int64, "reason": pl.String})


def refused_in_register(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The register's own rows whose period overlaps that of a row in another file of the same day: both are refused.

    Within one file the contract's rules have seen to it.
    """
    return connection.execute(
        f"""
        with day_rows as (
            select a.*, d.uttagsdatum from accepted a join deliveries d using (delivery)
            qualify row_number() over (partition by hsaid_enhet, giltig_fran, uttagsdatum order by position desc) = 1
        )
        select distinct r.delivery, r.line, {literal(OVERLAP)} as reason
        from day_rows r join day_rows o
            on o.hsaid_enhet = r.hsaid_enhet and o.uttagsdatum = r.uttagsdatum and o.delivery <> r.delivery
            and {OVERLAP_SQL}
        where not r.makulerad and not o.makulerad
        order by all
        """
    ).pl()


OVERLAP_SQL = (
    "o.giltig_fran <= coalesce(r.giltig_till, date '9999-12-31') "
    "and r.giltig_fran <= coalesce(o.giltig_till, date '9999-12-31')"
)


def find_faults(
    connection: duckdb.DuckDBPyConnection, contract: Contract, deliveries: Sequence[Delivery], quarantined: pl.DataFrame
) -> None:
    """Make the tables of what the register is to blame for, from its own views and its rows in quarantine.

    gone_units: units of any of its accepted rows that are not in it now. later_units: units that begin later now than
    in any of them (a date of the last change in the place of the first valid day); one that ends sooner is closed.
    faulty_rows: rows of its newest day in quarantine (hsaid_enhet, reasons). blamed_units: all of these.
    moved_units: units whose verksamhet the newest register says otherwise than the one before it, under the same first
    valid day (a move has a day of its own): their history moves with them, but their rows count.
    """
    day = [d.id for d in newest_day(deliveries)]
    rows = quarantined.filter(pl.col("delivery").is_in(day)).select("hsaid_enhet", pl.col("reasons").list.join("|"))
    keep(connection, "faulty_rows", rows)
    connection.execute(
        f"create or replace temp table gone_units as select distinct hsaid_enhet from accepted a where {NOT_REFUSED} "
        "and hsaid_enhet not in (select hsaid_enhet from register)"
    )
    connection.execute(
        f"""
        create or replace temp table later_units as
        select r.hsaid_enhet
        from (select hsaid_enhet, min(giltig_fran) as first_day from register group by hsaid_enhet) r
        join (
            select hsaid_enhet, min(giltig_fran) as first_day from accepted a
            where {NOT_REFUSED} and not makulerad group by hsaid_enhet
        ) b using (hsaid_enhet)
        where r.first_day > b.first_day
        """
    )
    connection.execute(
        f"""
        create or replace temp table moved_units as
        with told as (
            select a.hsaid_enhet, a.giltig_fran, a.verksamhet, dense_rank() over (order by d.uttagsdatum desc) as export
            from accepted a join deliveries d using (delivery)
            where {NOT_REFUSED} and not a.makulerad
            qualify row_number() over (
                partition by a.hsaid_enhet, a.giltig_fran, d.uttagsdatum order by d.position desc
            ) = 1
        )
        select n.hsaid_enhet, b.verksamhet as old, n.verksamhet as new, count(*) as periods
        from told n join told b using (hsaid_enhet, giltig_fran)
        where n.export = 1 and b.export = 2 and n.verksamhet <> b.verksamhet
        group by all
        """
    )
    connection.execute(
        "create or replace temp table blamed_units as select hsaid_enhet from gone_units "
        "union select hsaid_enhet from later_units union select hsaid_enhet from faulty_rows"
    )


def rows_of_the_registers_fault(
    connection: duckdb.DuckDBPyConnection, contract: Contract, quarantined: pl.DataFrame, deliveries: Collection[str]
) -> int:
    """How many rows of these deliveries are in quarantine for nothing but a unit that the register is to blame for.

    It is where the unit has disappeared from it or begins later than it did, where its newest day has rows of the unit
    in quarantine, and where there is no register at all. Any other unknown unit is the source's own matter.
    """
    if contract.unit is None or contract.source == REGISTER_SOURCE:
        return 0
    rows = quarantined.filter(
        pl.col("delivery").is_in(list(deliveries)),
        pl.col("reasons").list.eval(pl.element().is_in([UNKNOWN_UNIT, UNIT_NOT_VALID])).list.all(),
    )
    if rows.height == 0 or not count(connection, "register"):
        return rows.height
    blamed = connection.execute("select hsaid_enhet from blamed_units").pl()
    return rows.filter(pl.col(contract.unit).is_in(blamed["hsaid_enhet"].implode())).height


def units_gone(connection: duckdb.DuckDBPyConnection, contract: Contract, as_of: date) -> list[tuple[str, int]]:
    """Units that have disappeared from the register, with the source's rows of the last 12 months that name them."""
    if contract.event is None or not count(connection, "gone_units"):
        return []
    return connection.execute(
        f"""
        select r.unit, count(*)
        from (select {contract.unit} as unit, event_date from accepted
              union all select {contract.unit}, event_date from broken) r
        semi join gone_units g on g.hsaid_enhet = r.unit
        where r.event_date > date '{as_of}' - interval 12 month and r.event_date <= date '{as_of}'
        group by r.unit
        """
    ).fetchall()


def gone_findings(named: Iterable[tuple[str, int]]) -> list[Finding]:
    """What `units_gone` gave for all sources, one finding per unit."""
    rows: Counter[str] = Counter()
    for unit, count_of_source in named:
        rows[unit] += count_of_source
    return [Finding(REGISTER_SOURCE, UNIT_GONE, unit, n) for unit, n in sorted(rows.items())]


def register_findings(connection: duckdb.DuckDBPyConnection) -> list[Finding]:
    """What `find_faults` found in the newest register: rows in quarantine, units that begin later, units that moved."""
    later = connection.execute("select hsaid_enhet from later_units order by all").fetchall()
    moved = connection.execute("select hsaid_enhet, periods, old || ' till ' || new from moved_units order by all")
    movements = [Finding(REGISTER_SOURCE, UNIT_MOVED, *row) for row in moved.fetchall()]
    found = connection.execute("select hsaid_enhet, reasons, count(*) from faulty_rows group by all order by all")
    return [
        *movements,
        *(Finding(REGISTER_SOURCE, UNIT_LATER, unit, 1) for (unit,) in later),
        *(Finding(REGISTER_SOURCE, REGISTER_ROW, unit, n, reasons) for unit, reasons, n in found.fetchall()),
    ]
