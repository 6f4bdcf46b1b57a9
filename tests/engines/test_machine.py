"""What DuckDB takes of the machine is bounded by two settings, in every connection, and what is more is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import create_engine

from dagster_project.core.errors import machine_error
from dagster_project.core.paths import DataPaths
from dagster_project.engines import dbt
from dagster_project.engines.duckdb import (
    SQLALCHEMY_OPTIONS,
    Machine,
    database,
    restrain_engine,
    sqlalchemy_url,
    take,
)

ASKED = "select current_setting('memory_limit'), current_setting('max_temp_directory_size')"
MANY = "create temp table many as select i, md5(i::text) as text from range(6000000) as r(i)"


@pytest.fixture(autouse=True)
def machine() -> Iterator[None]:
    take(Machine(memory_mb=256, temporary_mb=1))
    yield
    take(Machine())


def test_each_connection_knows_them(tmp_path: Path) -> None:
    path = tmp_path / "some.duckdb"
    for connecting in (database(path, write=True), database(path), database()):
        with connecting as connection:
            assert connection.execute(ASKED).fetchone() == ("244.1 MiB", "976.5 KiB")


def test_great_expectations_connections_know_them(tmp_path: Path) -> None:
    path = tmp_path / "some.duckdb"
    with database(path, write=True):
        pass
    engine = create_engine(sqlalchemy_url(path), **SQLALCHEMY_OPTIONS)
    with engine.connect() as early:  # a pool keeps what was opened before
        early.exec_driver_sql("select 1")
    restrain_engine(engine)
    with engine.connect() as connection:
        assert tuple(connection.exec_driver_sql(ASKED).one()) == ("244.1 MiB", "976.5 KiB")
    engine.dispose()


def test_dbt_knows_them(tmp_path: Path) -> None:
    data = DataPaths(tmp_path / "data")
    data.root.mkdir()
    told: list[str] = []
    dbt._invoke(
        ["run-operation", "dbt.run_query", "--args", f'{{sql: "create table asked as {ASKED}"}}'],
        data,
        dbt.parse(data),
        lambda event: told.append(event.info.msg),
    )
    with database(data.warehouse) as connection:
        assert connection.execute("from asked").fetchone() == ("244.1 MiB", "976.5 KiB"), told


@pytest.mark.parametrize(
    ("machine", "named"), [(Machine(256, 1), "temporary_mb"), (Machine(256, 0), "temporary_mb"), (None, "memory_mb")]
)
def test_what_is_more_is_told_by_the_name_of_the_setting(tmp_path: Path, machine: Machine | None, named: str) -> None:
    take(machine or Machine(256, 50_000))
    sql = MANY if machine else "select length(list(md5(i::text))::text) from range(6000000) as r(i)"
    with database(spill=tmp_path / "spilt") as connection, pytest.raises(duckdb.Error) as raised:
        connection.execute(sql)
    assert named in str(machine_error(raised.value, tmp_path))
    assert str(tmp_path) in str(machine_error(raised.value, tmp_path)) or machine is None
