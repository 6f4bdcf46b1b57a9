"""What the models are made of agrees with the catalogue and with what their descriptions say."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from dagster_project.catalogue.contracts import REGISTER_SOURCE, load_contracts
from dagster_project.catalogue.indicators import exclusion_words, load_catalogue
from dagster_project.catalogue.seeds import SEEDS, seed
from dagster_project.core.paths import DataPaths
from dagster_project.engines.dbt import CELLS, RESULTS, STAGING
from dagster_project.engines.duckdb import database
from tests.jobs import Kept

Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def data(compiled: tuple[DataPaths, dict[str, str]]) -> DataPaths:
    return compiled[0]


@pytest.fixture(scope="module")
def queries(compiled: tuple[DataPaths, dict[str, str]]) -> dict[str, exp.Query]:
    """Every model's compiled SQL, parsed."""
    parsed = {name: sqlglot.parse_one(sql, read="duckdb") for name, sql in compiled[1].items()}
    return {name: query for name, query in parsed.items() if isinstance(query, exp.Query)}


@pytest.fixture(scope="module")
def manifest(data: DataPaths) -> Manifest:
    """What dbt wrote when it compiled."""
    content: Manifest = json.loads((data.dbt_target / "manifest.json").read_text(encoding="utf-8"))
    return content


def _models(manifest: Manifest) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}


def test_the_manifest_names_no_data_folder(data: DataPaths, manifest: Manifest) -> None:
    """So that one, parsed once, serves every folder of a process; only where compiled SQL was written is one's own."""
    nodes = [{**node, "compiled_path": None} for node in manifest["nodes"].values()]
    assert str(data.root.resolve()) not in json.dumps([nodes, manifest["sources"], manifest["macros"]])


def test_named_sources_are_those_that_the_model_reads(manifest: Manifest) -> None:
    read = {i.id: _sources_of(f"obs_{i.id}", _models(manifest)) - {REGISTER_SOURCE} for i in load_catalogue()}
    assert read == {indicator.id: set(indicator.read) for indicator in load_catalogue()}


def _sources_of(model: str, models: dict[str, dict[str, Any]]) -> set[str]:
    """The sources whose staging a model reads, itself or through other models beside it (gas_plans)."""
    found = set()
    for name in (unique_id.split(".")[-1] for unique_id in models[model]["depends_on"]["nodes"]):
        if name.startswith("stg_"):
            found.add(name.removeprefix("stg_"))
        elif name in models and models[name]["fqn"][1] == "observations":
            found |= _sources_of(name, models)
    return found


def test_a_staging_model_reads_its_source_by_its_contracts_key(queries: dict[str, exp.Query]) -> None:
    for source, contract in load_contracts().items():
        aliases = queries[f"stg_{source}"].find_all(exp.Alias)
        columns = {alias.alias: alias.this.sql("duckdb").lower() for alias in aliases}
        keys = [columns[f"key_{number}"] for number in range(1, len(contract.key_sql) + 1)]
        assert keys == [sqlglot.parse_one(part, read="duckdb").sql("duckdb").lower() for part in contract.key_sql]
        stored = {column.stored for column in contract.columns} - {"makulerad"}
        assert stored <= set(queries[f"stg_{source}"].named_selects), source


def test_columns_are_those_that_are_described(queries: dict[str, exp.Query], manifest: Manifest) -> None:
    described = {name: list(node["columns"]) for name, node in _models(manifest).items() if not name.startswith("obs_")}
    assert {name: queries[name].named_selects for name in described} == described


def test_observations_all_have_the_columns_of_their_common_description(
    queries: dict[str, exp.Query], manifest: Manifest
) -> None:
    observation = manifest["docs"]["doc.resultattavla.observation"]["block_contents"]
    columns = re.findall(r"^\| (\w+) \| (?:varchar|date|double|bigint) \|", observation, re.MULTILINE)
    assert len(columns) == 12
    for indicator in load_catalogue():
        assert queries[f"obs_{indicator.id}"].named_selects == columns, indicator.id
        assert observation in _models(manifest)[f"obs_{indicator.id}"]["description"], indicator.id


def test_no_name_in_a_list_is_a_wildcard(queries: dict[str, exp.Query]) -> None:
    """A source or unit with `_` or `%` in its name stands for itself: lists are searched by position, not by LIKE."""
    likes = {name: str(found) for name, query in queries.items() if (found := query.find(exp.Like, exp.ILike))}
    assert likes == {}
    assert any("POSITION" in q.sql().upper() or "STRPOS" in q.sql().upper() for q in queries.values())


def test_everything_has_a_description(manifest: Manifest) -> None:
    nodes = [n for n in manifest["nodes"].values() if n["resource_type"] in ("model", "seed")]
    assert [n["name"] for n in [*nodes, *manifest["sources"].values()] if not n["description"].strip()] == []
    columns = [(n["name"], c["name"], c["description"]) for n in nodes for c in n["columns"].values()]
    assert [column for column in columns if not column[2].strip()] == []
    unit_tests = manifest["unit_tests"].values()
    assert [test["name"] for test in unit_tests if not (test["description"] or "").strip()] == []
    assert len({test["name"] for test in unit_tests}) == len(unit_tests), "a name says which rule was broken"


def test_seeds_describe_their_columns(manifest: Manifest) -> None:
    seeds = {n["name"]: list(n["columns"]) for n in manifest["nodes"].values() if n["resource_type"] == "seed"}
    assert set(seeds) == {path.stem for path in SEEDS.glob("*.csv")}
    for name, columns in seeds.items():
        with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            assert sorted(columns) == sorted(next(csv.reader(file))), name


def test_reasons_that_models_give_are_those_that_have_words(queries: dict[str, exp.Query]) -> None:
    given = {reason for indicator in load_catalogue() for reason in _reasons(queries[f"obs_{indicator.id}"])}
    assert given | {row["exclusion"] for row in seed("code_lists")} - {""} == set(exclusion_words())


def _reasons(query: exp.Query) -> Iterator[str]:
    """What the cases that make a column `exclusion` can say."""
    for alias in query.find_all(exp.Alias):
        if alias.alias == "exclusion" and isinstance(alias.this, exp.Case):
            for branch in alias.this.args["ifs"]:
                if isinstance(branch.args["true"], exp.Literal):
                    yield branch.args["true"].name


def test_what_a_plain_connection_reads_is_in_the_warehouse(kept_first: Kept) -> None:
    """Views are read without dbt (evidence, explain): a run's files are found only while dbt builds."""
    with database(DataPaths(kept_first.folder / "data").warehouse) as connection:
        views = connection.execute("select view_name, sql from duckdb_views() where not internal").fetchall()
        assert {f"stg_{source}" for source in load_contracts()} <= {name for name, _ in views}
        for name, sql in views:
            assert "read_parquet" not in sql, name
            connection.execute(f'select * from "{name}"')


def test_builds_select_every_model_once(manifest: Manifest) -> None:
    folders = [part.split(".")[1] for build in (STAGING, CELLS, RESULTS) for part in build.split() if "." in part]
    assert sorted(folders) == sorted({node["fqn"][1] for node in _models(manifest).values()})


def test_no_model_lies_outside_its_folder(manifest: Manifest) -> None:
    for name, node in _models(manifest).items():
        yaml = Path(node["patch_path"].split("://")[1])
        assert yaml.stem == name and yaml.parent == Path(node["original_file_path"]).parent, name
