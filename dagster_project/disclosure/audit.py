"""Whether a hidden number is shown, or follows from what is shown: asked of what is about to be published."""

from __future__ import annotations

import polars as pl

from dagster_project.catalogue.vocabulary import HIDDEN
from dagster_project.disclosure.control import CELL, SYSTEM, hidden_cells


def audit_disclosure(result: pl.DataFrame, truth: pl.DataFrame, limit: int) -> list[str]:
    """Whether a hidden number is shown, or can be computed from what is shown (`truth`: the model `cells`, patients).

    The year before the grid is published as comparisons only; those must not show a cell that is hidden there.
    """
    problems = []
    cells = (
        truth.filter("in_grid")
        .select(*CELL, "protected_number")
        .join(result.select(*CELL, "status", "jamforelse_varde"), on=CELL, how="left", nulls_equal=True)
        .with_columns(hidden=pl.col("status").fill_null("") == HIDDEN)
    )
    small = (pl.col("protected_number") >= 1) & (pl.col("protected_number") < limit)
    if cells.filter(small & ~pl.col("hidden")).height:
        problems.append("ett litet tal är inte dolt")
    if cells.filter((pl.col("protected_number") == 0) & pl.col("hidden")).height:
        problems.append("en nolla är dold")
    # Closing what is hidden adds nothing when no hidden number is computable.
    more = hidden_cells(cells, limit, hidden_already=True)
    if more.height != cells.filter("hidden").height:
        problems.append(f"ett dolt tal kan räknas ut ({more.select(SYSTEM).unique().height} perioder berörs)")
    before = pl.concat([more.select(CELL), hidden_cells(truth.filter(~pl.col("in_grid")), limit).select(CELL)])
    year_later = before.with_columns(pl.col("period_start").dt.offset_by("1y"))
    if cells.join(year_later, on=CELL, how="semi", nulls_equal=True)["jamforelse_varde"].is_not_null().any():
        problems.append("en jämförelse visar ett dolt tal")
    return problems
