"""What the first gate judges of a source: one row of numbers (`runs.folder.MEASURES_SCHEMA`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from dagster_project.catalogue.contracts import Contract
from dagster_project.core.errors import RejectedFileError
from dagster_project.engines.duckdb import count
from dagster_project.ingestion.discover import parse_name
from dagster_project.ingestion.drift import growth
from dagster_project.ingestion.newest import newest_rows
from dagster_project.runs.ledger import Delivery, newest_day

if TYPE_CHECKING:
    import duckdb

_NOT_REFUSED = "not exists (select 1 from refused f where f.delivery = a.delivery and f.line = a.line)"


def measure(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    deliveries: Sequence[Delivery],
    rejected: Sequence[Delivery],
    as_of: date,
) -> dict[str, Any]:
    """The measures of one source over its views (`settle`).

    deliveries: the accepted ones, settled, oldest first. rejected: its rejected files.
    """
    day = newest_day(deliveries)
    newest = day[0].uttagsdatum if day else None
    read, quarantined = sum(d.rows_read for d in day), sum(d.rows_quarantined for d in day)
    current = _current(connection, contract)
    before = _current_before(connection, contract, newest) if newest else None
    stored = count(connection, "accepted")
    refused = count(connection, "accepted a semi join refused using (delivery, line)")
    return {
        "source": contract.source,
        "deliveries": len(deliveries),
        "rows_accepted": sum(d.rows_accepted for d in deliveries),
        "rows_current": current,
        "rows_fallen_share": (before - current) / before if before else 0.0,
        "age_days": (as_of - newest).days if newest else None,
        "rows_read_newest": read if day else None,
        "rows_quarantined_newest": quarantined if day else None,
        "quarantined_share_newest": quarantined / read if day else None,
        "rejected_newer": rejected_newer(deliveries, rejected),
        **growth(connection, contract, None if before is None else before - current),
        # What bronze really holds against what the ledger says.
        "units_unknown": _units_unknown(connection, contract),
        "ledger_difference": abs(stored - refused - sum(d.rows_accepted for d in deliveries)),
    }


def rejected_newer(deliveries: Sequence[Delivery], rejected: Sequence[Delivery]) -> str | None:
    """Names of rejected files that are newer than the newest accepted one; None where there are none.

    The date is the one in the name, of what could not be opened (a link, a folder), too.
    """
    dated = [replace(d, uttagsdatum=d.uttagsdatum or _named_date(d)) for d in rejected]
    newest = max((d.age_order for d in deliveries), default=None)
    found = sorted(
        (d for d in dated if d.uttagsdatum is not None and (newest is None or d.age_order > newest)),
        key=lambda d: d.age_order,
    )
    return "; ".join(d.name for d in found) or None


def _named_date(delivery: Delivery) -> date | None:
    try:
        return parse_name(delivery.source, delivery.name)[0]
    except RejectedFileError:
        return None


def _current(connection: duckdb.DuckDBPyConnection, contract: Contract) -> int:
    """Rows that count now: newest per key, not withdrawn, not refused by the register."""
    if count(connection, "accepted where makulerad"):
        return count(connection, f"({newest_rows(contract, _NOT_REFUSED)})")
    # Nothing is withdrawn: every key counts once. Their 64-bit hashes are much cheaper to tell apart than the keys.
    keys = f"select distinct hash({', '.join(contract.key_sql)}) from accepted a where {_NOT_REFUSED}"
    return count(connection, f"({keys})")


def _current_before(connection: duckdb.DuckDBPyConnection, contract: Contract, newest: date) -> int | None:
    """Rows that counted without the newest date's deliveries; None where they can only have become more."""
    on_newest = f"date '{newest}'"
    withdrawn = f"accepted a join deliveries d using (delivery) where a.makulerad and d.uttagsdatum = {on_newest}"
    if not count(connection, withdrawn):
        return None
    return count(connection, f"({newest_rows(contract, f'{_NOT_REFUSED} and d.uttagsdatum < {on_newest}')})")


def _units_unknown(connection: duckdb.DuckDBPyConnection, contract: Contract) -> int:
    if contract.unit is None:
        return 0
    known = "(select hsaid_enhet from register)"
    return count(connection, f"accepted a where {_NOT_REFUSED} and a.{contract.unit} not in {known}")
