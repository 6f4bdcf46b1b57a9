"""What the first gate judges of a source: one row of numbers (`runs.folder.MEASURES_SCHEMA`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from dagster_project.catalogue.contracts import REGISTER_SOURCE, Contract
from dagster_project.catalogue.vocabulary import ACCEPTED, REJECTED
from dagster_project.core.errors import RejectedFileError
from dagster_project.core.masking import display
from dagster_project.engines.duckdb import count
from dagster_project.ingestion.discover import parse_name
from dagster_project.ingestion.drift import growth
from dagster_project.ingestion.lists import Gaps
from dagster_project.ingestion.newest import NOT_REFUSED, judge
from dagster_project.ingestion.register import rows_of_the_registers_fault
from dagster_project.runs.folder import MASKED_TEXT, Finding
from dagster_project.runs.ledger import Delivery, newest_day

if TYPE_CHECKING:
    import duckdb


def measure(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    deliveries: Sequence[Delivery],
    rejected: Sequence[Delivery],
    as_of: date,
    quarantined: pl.DataFrame,
    gaps: Gaps,
    current: int,
) -> dict[str, Any]:
    """The measures of one source over its views (`settle`).

    deliveries: the accepted ones, settled, oldest first. rejected: its rejected files. quarantined: all rows of the
    accepted ones in quarantine. current: rows that count now (`current_by_month`).
    """
    day = newest_day(deliveries)
    newest = day[0].uttagsdatum if day else None
    read, set_aside = sum(d.rows_read for d in day), sum(d.rows_quarantined for d in day)
    blamed = rows_of_the_registers_fault(connection, contract, quarantined, {d.id for d in day})
    before = _current_before(connection, contract, newest, current) if newest else None
    stored = count(connection, "accepted")
    refused = count(connection, "accepted where _refused")
    return {
        "source": contract.source,
        "deliveries": len(deliveries),
        "rows_accepted": sum(d.rows_accepted for d in deliveries),
        "rows_current": current,
        "rows_held": current or _kept_away(connection, contract),
        "rows_fallen_share": (before - current) / before if before else 0.0,
        "age_days": (as_of - newest).days if newest else None,
        "rows_read_newest": read if day else None,
        "rows_quarantined_newest": set_aside if day else None,
        "rows_register_newest": blamed,
        "quarantined_share_newest": (set_aside - blamed) / max(read - blamed, 1) if day else None,
        "units_gone": 0,
        "files_kept": sum(d.kept for d in deliveries),
        "list_units_missing": gaps.units,
        "list_units_named": gaps.units_named,
        "list_keys_missing_share": gaps.keys_share,
        "rejected_newer": rejected_newer(deliveries, rejected, as_of),
        **growth(connection, contract, None if before is None else before - current),
        # What bronze really holds against what the ledger says.
        "units_unknown": _units_unknown(connection, contract),
        "ledger_difference": abs(stored - refused - sum(d.rows_accepted for d in deliveries)),
    }


def rejected_newer(deliveries: Sequence[Delivery], rejected: Sequence[Delivery], as_of: date) -> str | None:
    """Names of rejected files that are newer than the newest accepted one; None where there are none.

    Files dated after the as-of date are no part of the release, and so neither of what it is judged by
    (`newer_rejected` tells those to people).
    """
    found = (d for d in _newer(deliveries, rejected) if d.uttagsdatum and d.uttagsdatum <= as_of)
    return "; ".join(d.name for d in found) or None


def newer_rejected(ledger: Iterable[Delivery]) -> list[Delivery]:
    """Rejected files of a run's ledger that people must know of.

    Newer than their source's newest accepted one, whatever their date, or of the same date: a day's files are one
    delivery.
    """
    by_source: dict[str, list[Delivery]] = {}
    for delivery in ledger:
        by_source.setdefault(delivery.source, []).append(delivery)
    return [
        found
        for of_source in by_source.values()
        for found in _newer(
            [d for d in of_source if d.status == ACCEPTED], [d for d in of_source if d.status == REJECTED], True
        )
    ]


def _newer(deliveries: Sequence[Delivery], rejected: Sequence[Delivery], same_day: bool = False) -> list[Delivery]:
    """The date is the one in the name, of what could not be opened (a link, a folder), too.

    same_day: also those of the newest accepted one's date whose name sorts before its.
    """
    dated = [replace(d, uttagsdatum=d.uttagsdatum or _named_date(d)) for d in rejected]
    newest = max((d.age_order for d in deliveries), default=None)
    found = (
        d
        for d in dated
        if d.uttagsdatum and (newest is None or d.age_order > newest or (same_day and d.uttagsdatum == newest[0]))
    )
    return sorted(found, key=lambda d: d.age_order)


def _named_date(delivery: Delivery) -> date | None:
    try:
        return parse_name(delivery.source, delivery.name)[0]
    except RejectedFileError:
        return None


def masked_texts(
    connection: duckdb.DuckDBPyConnection, contract: Contract, deliveries: Sequence[Delivery]
) -> list[Finding]:
    """Rows that count in one of whose free texts something that looks like a personal number was masked."""
    files = {d.id: display(d.file) for d in deliveries}
    rows = connection.execute("select delivery, line from accepted where _counts and masked order by all").fetchall()
    return [Finding(contract.source, MASKED_TEXT, None, 1, f"{files[delivery]} rad {line}") for delivery, line in rows]


def _kept_away(connection: duckdb.DuckDBPyConnection, contract: Contract) -> int:
    """Accepted rows that nothing but a fault of the unit register keeps from counting."""
    if contract.unit is None or contract.source == REGISTER_SOURCE:
        return 0
    blamed = f"a.{contract.unit} in (select hsaid_enhet from blamed_units)"
    at_fault = f"({blamed} or not exists (select 1 from register))"
    return count(connection, f"accepted a where not a.makulerad and not ({NOT_REFUSED}) and {at_fault}")


def current_by_month(connection: duckdb.DuckDBPyConnection, contract: Contract) -> dict[date | None, int]:
    """Rows that count now (newest per key, not withdrawn, not refused by the register) by the month of their event.

    The month is its first day; None of a source without events.
    """
    month = "cast(date_trunc('month', event_date) as date)" if contract.event else "cast(null as date)"
    rows = connection.execute(
        f"select {month} as month, count(*) from accepted where _counts group by 1 order by 1"
    ).fetchall()
    return dict(rows)


def _current_before(
    connection: duckdb.DuckDBPyConnection, contract: Contract, newest: date, current: int
) -> int | None:
    """Rows that counted without the newest date's deliveries; None where they can only have become more."""
    on_newest = f"date '{newest}'"
    withdrawn = f"accepted a join deliveries d using (delivery) where a.makulerad and d.uttagsdatum = {on_newest}"
    if not contract.full_list and not count(connection, withdrawn):
        return None
    # The newest date's rows can have changed their own keys only, and, of full lists, those of their scopes.
    form = contract.full_list
    keys = f"select _key from accepted a join deliveries d using (delivery) where d.uttagsdatum = {on_newest}"
    if form is not None:
        scope = " and ".join(["true", *(f"s.{c} is not distinct from a.{c}" for c in form.scope)])
        keys += (
            f" union all select a._key from accepted a join (select distinct {', '.join(['1', *form.scope])} "
            f"from accepted join deliveries d using (delivery) where d.uttagsdatum = {on_newest} and {form.when_sql}"
            f") s on {scope} where {form.when_sql}"
        )
    connection.execute(f"create or replace temp table newest_keys as select distinct _key from ({keys})")
    judge(connection, contract, "newest_keys", on_newest)
    now = count(connection, "accepted where _counts and _key in (select _key from newest_keys)")
    return current - now + count(connection, "counting")


def _units_unknown(connection: duckdb.DuckDBPyConnection, contract: Contract) -> int:
    if contract.unit is None or contract.source == REGISTER_SOURCE:  # a unit that is gone from it is no fault
        return 0
    known = "(select hsaid_enhet from register)"
    return count(connection, f"accepted a where {NOT_REFUSED} and a.{contract.unit} not in {known}")
