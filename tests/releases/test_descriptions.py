"""What tables and columns hold is said once, of each, and of nothing that is not there."""

from __future__ import annotations

import pytest

from dagster_project.catalogue.vocabulary import RESULT_TABLE
from dagster_project.engines.duckdb import database
from dagster_project.releases.descriptions import SHARED, TABLES, column_text, described
from dagster_project.releases.tables import (
    DIMENSION_SCHEMAS,
    LEDGER_COLUMNS,
    PLAN_SCHEMA,
    PLAN_TABLE,
    QUALITY_COLUMNS,
    RESULT_SCHEMA,
    SIGNAL_SCHEMA,
    SIGNAL_TABLE,
)
from dagster_project.releases.views import LATEST_VIEW, RESULTS_VIEW, VIEWS

COLUMNS = {
    RESULT_TABLE: list(RESULT_SCHEMA),
    PLAN_TABLE: list(PLAN_SCHEMA),
    SIGNAL_TABLE: list(SIGNAL_SCHEMA),
    **{name: list(schema) for name, schema in DIMENSION_SCHEMAS.items()},
    "kvalitet": QUALITY_COLUMNS,
    "leveranser": LEDGER_COLUMNS,
}


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_is_described_and_nothing_else(name: str) -> None:
    said = described(name)
    assert all(len(column_text(name, column)) > 4 for column in COLUMNS[name])
    of_its_own = {*said.columns, *said.lists, *said.units, *(c for r in said.references for c in r.columns)}
    assert of_its_own <= set(COLUMNS[name])
    for reference in said.references:
        assert set(reference.named) <= set(COLUMNS[reference.table])


def test_no_text_is_typed_twice() -> None:
    own = [(name, column) for name, table in TABLES.items() for column, text in table.columns.items()]
    assert [(name, column) for name, column in own if TABLES[name].columns[column] == SHARED.get(column)] == []
    assert all(any(column in columns for columns in COLUMNS.values()) or column in _view_columns() for column in SHARED)


def _view_columns() -> list[str]:
    """Columns of the views, over empty tables."""
    types = {"String": "varchar", "Date": "date", "Float64": "double", "Int64": "bigint", "Boolean": "boolean"}
    with database() as connection:
        for name, schema in {RESULT_TABLE: RESULT_SCHEMA, **DIMENSION_SCHEMAS}.items():
            columns = ", ".join(f"{n} {types[str(t)]}" for n, t in schema.items())
            connection.execute(f"create table {name} ({columns})")
        for statement in VIEWS.values():
            connection.execute(statement)
        return [row[0] for row in connection.execute(f"describe {RESULTS_VIEW}").fetchall()]


def test_every_column_of_the_views_is_described() -> None:
    columns = _view_columns()
    assert len(columns) == len(set(columns)) > 40
    assert all(column_text(name, column) for name in (RESULTS_VIEW, LATEST_VIEW) for column in columns)
    assert set(TABLES[RESULTS_VIEW].columns) <= set(columns)
    with pytest.raises(KeyError):
        column_text(RESULTS_VIEW, "okand")
