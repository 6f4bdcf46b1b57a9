"""What SQL is told of the catalogue and the contracts: dbt's variables, from the same typed rows as Python reads."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from dagster_project.catalogue.breaks import load_breaks
from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.periods import MOST_MONTHS
from dagster_project.catalogue.plan import load_plan
from dagster_project.catalogue.vocabulary import CHARTED_MONTHS, FARTHEST_RANGE, FEWEST_POINTS, REACH


def sql_vars() -> dict[str, Any]:
    """dbt's variables.

    catalogue: per indicator what decides which models read it and how (`macros/catalogue.sql` asks it). contracts:
    source -> the SQL expressions of its business key, the columns of its unit and verksamhet (or null), whether its
    rows are events, or of whole months, and whether its deliveries are full lists. most_months: how many months a grid
    has at most. chart: what `signal` is drawn by.
    Raises CatalogueError, PlanError and BreakError: dbt reads the same seeds, and would compute with what contradicts
    itself.
    """
    load_plan()
    load_breaks()
    return {
        "catalogue": [
            {
                "indicator_id": i.id,
                "kind": i.kind,
                "path": i.path,
                "stock": i.stock,
                "timed": i.timed,
                "limit_days": i.limit_days,
                "window_months": i.window_months,
                "register": i.register,
                "code_list": i.code_list,
                "sources": list(i.read),
                "requires": i.requires and asdict(i.requires),
            }
            for i in load_catalogue()
        ],
        "contracts": {
            source: {
                "key": contract.key_sql,
                "unit": contract.unit,
                "verksamhet": contract.verksamhet,
                "events": contract.event is not None,
                "monthly": contract.monthly,
                "full_list": contract.full_list is not None,
            }
            for source, contract in load_contracts().items()
        },
        "most_months": MOST_MONTHS,
        "chart": {
            "months": CHARTED_MONTHS,
            "fewest": FEWEST_POINTS,
            "reach": REACH,
            "farthest_range": FARTHEST_RANGE,
        },
    }
