"""`make docs`: dbt's own documentation of every model, built from the warehouse of the latest run."""

from __future__ import annotations

import sys

from dagster_project.core.errors import ResultattavlaError
from dagster_project.engines.dbt import generate_docs
from dagster_project.operations.settings import load_settings


def main() -> None:
    """Build the pages and say where they are."""
    try:
        sys.stdout.write(f"{generate_docs(load_settings().paths)}\n")
    except ResultattavlaError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
