"""The organisation seed: which verksamheter there are (one table, read by dbt and by the cell rules)."""

from __future__ import annotations

import csv
from functools import cache

from dagster_project.core.paths import PROJECT


@cache
def verksamhet_codes() -> tuple[str, ...]:
    """Codes of all verksamheter in the seed, in its order."""
    with (PROJECT / "dbt" / "seeds" / "verksamheter.csv").open(encoding="utf-8") as file:
        return tuple(row["verksamhet"] for row in csv.DictReader(file))
