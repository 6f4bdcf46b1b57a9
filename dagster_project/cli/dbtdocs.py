"""`make docs`: dbt's own documentation of every model, built from the warehouse of the latest run."""

from __future__ import annotations

import sys

from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import PROJECT, DataPaths
from dagster_project.engines.dbt import generate_docs


def main() -> None:
    """Build the pages and say where they are."""
    try:
        sys.stdout.write(f"{generate_docs(DataPaths(PROJECT / 'data'))}\n")
    except ResultattavlaError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
