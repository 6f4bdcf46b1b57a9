"""The engine that dbt's models are built on: what it needs is said before a run begins, and DuckDB needs nothing."""

from __future__ import annotations

import ast
import socket
from datetime import date
from pathlib import Path

import duckdb
import pytest

from dagster_project.cli import sparkcluster
from dagster_project.core.errors import UsageError
from dagster_project.core.paths import PROJECT, DataPaths
from dagster_project.engines import dbt, spark
from dagster_project.engines.duckdb import database
from dagster_project.engines.engine import ON_DUCKDB, SPARK, Engine
from dagster_project.operations.settings import Settings, SettingsError, load_settings
from dagster_project.runs import versions
from dagster_project.runs.identity import identify
from dagster_project.runs.parameters import Parameters


def test_nothing_of_spark_is_loaded_for_duckdb() -> None:
    """Outside functions no module imports pyspark or dbt-spark, which a default installation lacks."""
    named = [
        path.name
        for path in (PROJECT / "dagster_project").rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and any(n.startswith(("pyspark", "dbt.")) for n in [getattr(node, "module", "") or "", *map(_name, node.names)])
    ]
    assert named == []
    ON_DUCKDB.require()


def _name(alias: ast.alias) -> str:
    return alias.name


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ({"pyspark", "dbt.adapters.spark"}, ["pyspark", "dbt-spark", "make setup-spark"]),
        ({"dbt.adapters.spark"}, ["dbt-spark", "make setup-spark"]),
        ({"java"}, ["Java 17", "openjdk-17-jre-headless"]),
        ({"master"}, ["spark://127.0.0.1", "make spark-up", "spark.master"]),
    ],
)
def test_what_spark_lacks_is_one_sentence(monkeypatch: pytest.MonkeyPatch, missing: set[str], words: list[str]) -> None:
    monkeypatch.setattr(spark, "_installed", lambda module: module not in missing)
    monkeypatch.setattr(spark, "_java", lambda: None if "java" in missing else "/usr/bin/java")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        master = f"spark://127.0.0.1:{listening.getsockname()[1]}"
        if "master" not in missing:
            Engine(SPARK, "local[2]")
            with pytest.raises(UsageError) as told:
                Engine(SPARK, master).require()
        else:
            Engine(SPARK, master).require()  # somebody answers
    if "master" in missing:
        with pytest.raises(UsageError) as told:
            Engine(SPARK, master).require()
    text = str(told.value)
    assert all(word in text for word in words) and "\n" not in text and text.endswith(".")


@pytest.mark.parametrize("master", ["local[0]", "local", "yarn", "spark://host", "spark://a b:7077", "http://x:1"])
def test_a_master_is_one_of_two_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, master: str) -> None:
    monkeypatch.setenv("RESULTATTAVLA_SPARK__MASTER", master)
    with pytest.raises(SettingsError, match="spark.master är fel: skriv local"):
        load_settings()


def test_the_engine_reaches_dbt_and_the_id(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = Settings(engine="spark", spark={"master": "spark://a:7077"})
    assert chosen.models_on == Engine("spark", "spark://a:7077") and Settings().models_on == ON_DUCKDB
    real = versions.version
    monkeypatch.setattr(versions, "version", lambda name: "4.3" if "spark" in name else real(name))
    here, there = (identify(date(2022, 8, 31), [], s.parameters()) for s in (Settings(), chosen))
    assert here.run_id != there.run_id and there.parameters["engine"] == "spark"
    assert set(there.packages) - set(here.packages) == {"pyspark", "dbt-spark"}
    # Where it runs changes no result.
    elsewhere = Settings(engine="spark", spark={"master": "local[4]"})
    assert identify(date(2022, 8, 31), [], elsewhere.parameters()).run_id == there.run_id
    assert Parameters().engine == "duckdb"


@pytest.mark.parametrize("name", ["data", "[x]", "it's", "a b*"])
def test_the_warehouse_shows_sparks_tables_with_the_declared_types(tmp_path: Path, name: str) -> None:
    data = DataPaths(tmp_path / name)
    for table, done in (("cells", True), ("half", False)):
        folder = data.spark / table
        folder.mkdir(parents=True)
        for part in (1, 2):  # as two executors write it
            duckdb.sql(f"select {part}::bigint as number, 'a' as niva, 1.5::decimal(38, 12) as varde").write_parquet(
                str(folder / f"part-{part}.parquet")
            )
        if done:
            (folder / "_SUCCESS").touch()
    columns = {"number": {"data_type": "integer"}, "varde": {"data_type": "double"}, "niva": {}}
    node = {"name": "cells", "resource_type": "model", "columns": columns, "config": {}}
    spark._show_in_warehouse(data, {"nodes": {"model.r.cells": node}})
    with database(data.warehouse) as connection:
        assert connection.execute("select * from cells order by number").fetchall() == [(1, "a", 1.5), (2, "a", 1.5)]
        assert [row[1] for row in connection.execute("describe cells").fetchall()] == ["INTEGER", "VARCHAR", "DOUBLE"]
        # What was not written to its end is shown to nobody.
        assert connection.execute("select count(*) from duckdb_views() where view_name = 'half'").fetchone() == (0,)


def test_seeds_are_the_same_on_spark(tmp_path: Path) -> None:
    """Rows, nulls and types as dbt loads them into DuckDB, quotes and empty cells among them."""
    data, other = DataPaths(tmp_path / "duckdb"), DataPaths(tmp_path / "spark")
    dbt.build(data, "resource_type:seed")
    manifest = dbt.project_manifest(data)
    spark._write_seeds(other, manifest)
    spark._show_in_warehouse(other, manifest)
    names = sorted(n["name"] for n in manifest["nodes"].values() if n["resource_type"] == "seed")
    assert len(names) >= 10
    with database(data.warehouse) as here, database(other.warehouse) as there:
        for name in names:
            for query in (f"describe {name}", f"select * from {name} order by all"):
                assert there.execute(query).fetchall() == here.execute(query).fetchall(), (name, query)


def test_a_cluster_without_spark_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sparkcluster, "PROJECT", tmp_path)
    monkeypatch.setattr(spark, "_installed", lambda module: False)
    assert sparkcluster.main(["up"]) == UsageError.exit_code
    (told,) = capsys.readouterr().err.splitlines()
    assert "pyspark" in told and "make setup-spark" in told and not (tmp_path / ".spark").exists()


@pytest.mark.parametrize("engine", [ON_DUCKDB, Engine(SPARK)], ids=lambda engine: engine.name)
def test_a_run_begins_without_what_the_other_engine_left(tmp_path: Path, engine: Engine) -> None:
    """Spark's tables are views of the warehouse, DuckDB's seeds and kept sums are tables: neither is in the way."""
    data = DataPaths(tmp_path)
    (data.spark / "cells").mkdir(parents=True)
    with database(data.warehouse, write=True) as connection:
        connection.execute("create schema settled; create table settled.kva as select 1 as line")
        for name in ("cells", "scope", "months_additive"):
            kind = "table" if name == "months_additive" else "view"
            connection.execute(f"create {kind} {name} as select 1 as number")
        connection.execute("create table catalogue as select 1 as number; create view brott as select 1 as number")
    dbt._start_anew(data, dbt.parse(data), engine)
    with database(data.warehouse) as connection:
        left = connection.execute("select schema_name || '.' || table_name from duckdb_tables() order by 1").fetchall()
        views = connection.execute("select view_name from duckdb_views() where not internal").fetchall()
    # DuckDB goes on from its sums and loads its seeds anew; rows that were settled stay in any case.
    kept = [] if engine.is_spark else [("main.catalogue",), ("main.months_additive",)]
    assert left == [*kept, ("settled.kva",)] and views == [] and not data.spark.exists()
