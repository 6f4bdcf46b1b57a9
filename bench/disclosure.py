"""What disclosure control hides and how long it takes: `python -m bench.disclosure WAREHOUSE`, or without it 200 units.

WAREHOUSE: the warehouse.duckdb of a run. Prints, by level, sex and period type, the cells of flows that add up: how
many there are, how many the limit alone hides, how many are hidden; then the times of control and of the audit's
elimination. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import time
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from dagster_project.catalogue.indicators import load_catalogue, parts_and_wholes
from dagster_project.catalogue.vocabulary import PERSONS
from dagster_project.disclosure.control import hidden_cells
from dagster_project.disclosure.follows import determined
from dagster_project.disclosure.system import CELL, MONTHS, build
from dagster_project.runs.parameters import Parameters

COLUMNS = (*CELL, "protected_number", "stock", "in_grid", "left_out")


def of_warehouse(path: Path) -> pl.DataFrame:
    """The cells with a protected number of a run."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(f"select {', '.join(COLUMNS)} from cells where protected_number is not null").pl()


def synthetic(units: int = 200, years: int = 8, verks: int = 8, seed: int = 1) -> pl.DataFrame:
    """One indicator of so many units over so many years: a third of the units small, a third middling, a third
    large.
    """
    rng = np.random.default_rng(seed)
    months = 12 * years
    mean = rng.choice([1.5, 8.0, 40.0], units)
    held = rng.poisson(mean[:, None, None] / 2, (units, 2, months))
    verk = np.arange(units) % verks
    places = [("omrade", None, None, held.sum(axis=0))]
    places += [("verksamhet", f"V{v}", None, held[verk == v].sum(axis=0)) for v in range(verks)]
    places += [("enhet", f"V{verk[u]}", f"E{u:03d}", held[u]) for u in range(units)]
    rows = []
    for niva, verksamhet, enhet, of in places:
        for kon, series in (("T", of.sum(axis=0)), ("K", of[0]), ("M", of[1])):
            running = np.concatenate([[0], np.cumsum(series)])
            for typ, length in MONTHS.items():
                step = {"manad": 1, "r12": 1, "tertial": 4}.get(typ, 12)
                for first in range(0, months - length + 1, step):
                    start = date(2015 + first // 12, first % 12 + 1, 1)
                    number = float(running[first + length] - running[first])
                    rows.append(("x", typ, start, niva, verksamhet, enhet, kon, number, False, True, False))
    types = {"period_start": pl.Date, "protected_number": pl.Float64}
    flags = dict.fromkeys(("stock", "in_grid", "left_out"), pl.Boolean)
    return pl.DataFrame(rows, schema={**dict.fromkeys(CELL, pl.String), **types, **flags}, orient="row")


def measure(cells: pl.DataFrame, parts: tuple[tuple[str, str], ...]) -> tuple[pl.DataFrame, float, float]:
    """Per level, sex and period type: cells, small, hidden; seconds of control, and of elimination."""
    begin = time.perf_counter()
    hidden = hidden_cells(cells, Parameters().suppression_limit, parts=parts)
    chosen = time.perf_counter()
    told = cells.join(hidden, on=CELL, how="left", nulls_equal=True, maintain_order="left").with_columns(
        pl.col("hidden").fill_null(False), virtual=pl.lit(False)
    )
    for _, group in told.sort(CELL, nulls_last=False).group_by("indicator_id"):
        found = determined(build(group), (group["hidden"] | group["left_out"]).to_numpy())
        assert not group["hidden"].gather(found).any()
    checked = time.perf_counter()
    persons = [i.id for i in load_catalogue() if i.path == PERSONS]
    flows = told.filter("in_grid", ~pl.col("stock"), ~pl.col("indicator_id").is_in(persons))
    small = (pl.col("protected_number") >= 1) & (pl.col("protected_number") < Parameters().suppression_limit)
    table = (
        flows.with_columns(sex=pl.when(pl.col("kon") == "T").then(pl.lit("T")).otherwise(pl.lit("K, M")))
        .group_by("niva", "sex", "period_typ")
        .agg(cells=pl.len(), limit_alone=small.sum(), hidden=pl.col("hidden").sum())
        .sort("niva", "sex", "period_typ")
    )
    return table, chosen - begin, checked - chosen


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.disclosure")
    parser.add_argument("warehouse", type=Path, nargs="?")
    options = parser.parse_args()
    cells = of_warehouse(options.warehouse) if options.warehouse else synthetic()
    table, control, elimination = measure(cells, parts_and_wholes() if options.warehouse else ())
    with pl.Config(tbl_rows=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        print(table)
    alone, hidden = table["limit_alone"].sum(), table["hidden"].sum()
    print(
        f"{table['cells'].sum()} cells, the limit alone hides {alone}, hidden {hidden} ({hidden / max(alone, 1):.2f})"
    )
    print(f"control {control:.1f} s, elimination {elimination:.1f} s, all {cells.height} cells")


if __name__ == "__main__":
    main()
