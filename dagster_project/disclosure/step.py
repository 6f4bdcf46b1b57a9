"""Disclosure control as a step between two builds: which of a run's cells are hidden, for everything built after it."""

from __future__ import annotations

import polars as pl

from dagster_project.catalogue.indicators import parts_and_wholes
from dagster_project.disclosure.control import hidden_cells
from dagster_project.disclosure.system import CELL
from dagster_project.engines.duckdb import database
from dagster_project.runs.folder import HIDDEN_CELLS, RunFolder
from dagster_project.runs.identity import RunIdentity


def hide_cells(folder: RunFolder, identity: RunIdentity) -> pl.DataFrame:
    """Read the warehouse's cells with a protected number; write the run table `hidden_cells` (CELL, hidden)."""
    with database(folder.data.warehouse) as connection:
        columns = ", ".join((*CELL, "protected_number", "stock", "in_grid", "left_out"))
        cells = connection.execute(f"select {columns} from cells where protected_number is not null").pl()
    hidden = hidden_cells(cells, limit=identity.parameters["suppression_limit"], parts=parts_and_wholes())
    folder.write(HIDDEN_CELLS, hidden)
    return hidden
