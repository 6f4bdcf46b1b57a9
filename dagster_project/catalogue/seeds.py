"""The seed files: tables that are reviewed like code; dbt loads the same files."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from dagster_project.core.paths import PROJECT

SEEDS = PROJECT / "dbt" / "seeds"


@cache
def seed(name: str) -> tuple[dict[str, str], ...]:
    """The rows of `dbt/seeds/<name>.csv`, all cells as text (empty where nothing stands)."""
    return read_seed(SEEDS / f"{name}.csv")


def read_seed(path: Path) -> tuple[dict[str, str], ...]:
    """The rows of a seed file as it is now."""
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))
