"""The compiled models on small tables: the same cells however their rows are read, and every accepted grid whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb
import numpy as np
import polars as pl
import pytest
import sqlglot
from pydantic import ValidationError
from sqlglot import exp

from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.periods import MOST_YEARS_BEFORE
from dagster_project.catalogue.vocabulary import ADDS_UP, WINDOW
from dagster_project.core.paths import DataPaths
from dagster_project.operations.settings import Settings
from dagster_project.runs.parameters import Parameters, parameter_row

ADDING = [i.id for i in load_catalogue() if i.path in (ADDS_UP, WINDOW)]


def build(
    connection: duckdb.DuckDBPyConnection, compiled: tuple[DataPaths, dict[str, str]], models: Sequence[str]
) -> None:
    """Make models as tables of a database from those they read, which are there by their bare names."""
    for name in models:
        tree = sqlglot.parse_one(compiled[1][name], read="duckdb")
        for table in tree.find_all(exp.Table):
            table.set("catalog", None)
            table.set("db", None)
        connection.execute(f"create or replace table {name} as {tree.sql('duckdb')}")


def observed(rows: int) -> pl.DataFrame:
    """Observations of two years with numbers of every size and many decimals."""
    random = np.random.default_rng(7)
    number = np.select(
        [random.random(rows) < 0.3, random.random(rows) < 0.5],
        [np.ones(rows), np.round(random.normal(0, 5e6, rows), 2)],
        50 + 10 * random.normal(0, 1, rows) / 3,
    )
    days = np.datetime64("2021-01-01") + random.integers(0, 720, rows)
    return pl.DataFrame(
        {
            "indicator_id": ADDING[0],
            "event_date": days.astype("datetime64[D]"),
            "verksamhet": random.choice(["AUD", "BUH"], rows),
            "enhet": random.choice(["E1", "E2", "E3"], rows),
            "kon": random.choice(["K", "M", "O"], rows),
            "person_id": pl.Series([None] * rows, dtype=pl.String),
            "thing": pl.Series([None] * rows, dtype=pl.String),
            "taljare": number,
            "namnare": np.ones(rows),
            "exclusion": pl.Series([None] * rows, dtype=pl.String),
        }
    )


def observe(connection: duckdb.DuckDBPyConnection, rows: pl.DataFrame) -> None:
    """Make the rows one indicator's observations; the others have none."""
    for indicator in ADDING:
        connection.register("observed", rows if indicator == ADDING[0] else rows.clear())
        connection.execute(f"create table obs_{indicator} as from observed")


def computed(connection: duckdb.DuckDBPyConnection, indicators: Sequence[str]) -> None:
    """The run's indicators: plain flows."""
    connection.execute(
        "create table run_indicators as select unnest(?) as indicator_id, false as bestand, "
        "cast(null as int) as window_months, cast(null as int) as base_year",
        [list(indicators)],
    )


def test_cells_are_the_same_on_any_machine(compiled: tuple[DataPaths, dict[str, str]]) -> None:
    """However many threads add, and in whatever order the rows lie: to the last bit."""
    rows = observed(400_000)
    made = []
    for threads, seed in ((1, None), (4, 1), (3, 2)):
        with duckdb.connect(config={"threads": threads}) as connection:
            every = rows if seed is None else rows.sample(fraction=1, shuffle=True, seed=seed)
            observe(connection, every)
            computed(connection, ADDING)
            connection.register("parameter_row", parameter_row("x", date(2022, 12, 31), Parameters(years_before=1)))
            connection.execute("create table run_parameters as from parameter_row")
            build(connection, compiled, ["months", "periods", "indicator_periods", "months_additive", "cells_additive"])
            made.append(connection.execute("from cells_additive").pl().sort(pl.all()))
    assert made[0].height > 1000
    assert made[0].equals(made[1]) and made[0].equals(made[2])


def test_sums_are_those_of_the_delivered_numbers(compiled: tuple[DataPaths, dict[str, str]]) -> None:
    """Kronor and öre add up to the öre: what cancels out is 0, not 3e-11."""
    amounts = [1234567.89, -1234567.89, 999999999.99, -999999999.99, 0.07, 0.01, 100.1, 200.2, -300.3]
    rows = observed(len(amounts)).with_columns(
        taljare=pl.Series(amounts),
        verksamhet=pl.lit("AUD"),
        enhet=pl.lit("E1"),
        kon=pl.lit("K"),
        event_date=pl.lit(date(2022, 3, 1)),
    )
    with duckdb.connect() as connection:
        observe(connection, rows)
        build(connection, compiled, ["months_additive"])
        summed = "select cast(taljare as double), cast(namnare as double) from months_additive"
        assert connection.execute(summed).fetchall() == [(0.08, 9.0)]


@pytest.mark.parametrize("years", [0, 3, 47, 48, MOST_YEARS_BEFORE])
def test_every_accepted_grid_is_whole(compiled: tuple[DataPaths, dict[str, str]], years: int) -> None:
    as_of = date(2022, 8, 31)
    parameters = Settings(years_before=years).parameters()
    with duckdb.connect() as connection:
        connection.register("parameter_row", parameter_row("x", as_of, parameters))
        connection.execute("create table run_parameters as from parameter_row")
        computed(connection, [])
        build(connection, compiled, ["months", "periods"])
        months = pl.date_range(date(2020 - years, 2, 1), date(2022, 12, 1), "1mo", eager=True)
        assert connection.execute("select month from months order by month").pl()["month"].to_list() == months.to_list()
        in_grid = connection.execute(
            "select period_typ, min(period_slut), max(period_start), count(*) from periods where in_grid group by all"
        ).fetchall()
    found = {name: (first, last, count) for name, first, last, count in in_grid}
    assert found["manad"] == (date(2022 - years, 1, 31), date(2022, 8, 1), 12 * years + 8)
    assert found["r12"] == (date(2022 - years, 1, 31), date(2021, 9, 1), 12 * years + 8)
    assert found["ar"] == (date(2022 - years, 12, 31), date(2022, 1, 1), years + 1)


def test_a_longer_grid_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="years_before"):
        Settings(years_before=MOST_YEARS_BEFORE + 1)
