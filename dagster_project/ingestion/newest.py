"""The newest accepted row per business key, by the same rule as the staging models (`engines.rules`)."""

from __future__ import annotations

from dagster_project.catalogue.contracts import Contract
from dagster_project.engines.rules import rule


def newest_rows(contract: Contract, where: str = "true") -> str:
    """SQL over the views `accepted` (a) and `deliveries` (d) of one source; `where` chooses among its rows."""
    rows = (
        f"select a.*, {rule('key_columns', contract.key_sql)}, d.position as delivery_order "
        f"from accepted a join deliveries d using (delivery) where {where}"
    )
    return rule("newest_rows", rows, len(contract.key_sql))
