"""Dagster's definitions: what an analyst finds in the UI, and that nothing in it points at nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.core.paths import PROJECT
from dagster_project.gates.decision import RESULT_TABLE, SUITES, catalogue
from dagster_project.gates.validate import suites_for


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    from dagster_project.definitions import defs

    return defs


@pytest.fixture(scope="module")
def graph(defs: dg.Definitions):
    return defs.resolve_asset_graph()


def test_every_source_and_indicator_has_its_assets(graph) -> None:
    keys = {k.to_user_string() for k in graph.get_all_asset_keys()}
    for source in load_contracts():
        assert {f"raw/{source}", f"bronze/{source}", f"staging/stg_{source}"} <= keys
    for indicator in catalogue():
        assert f"observations/obs_{indicator.id}" in keys
    assert "published/utgava" in keys


def test_lineage_leads_from_the_source_file_to_the_release(graph) -> None:
    upstream = {k.to_user_string() for k in graph.get_ancestor_asset_keys(dg.AssetKey(["published", "utgava"]))}
    assert {f"raw/{s}" for s in load_contracts()} <= upstream
    assert {f"observations/obs_{i.id}" for i in catalogue()} <= upstream


def test_every_check_judges_an_asset_and_every_expectation_is_a_check(graph) -> None:
    keys = set(graph.get_all_asset_keys())
    checks = set(graph.asset_check_keys)
    assert {c.asset_key for c in checks} <= keys
    tables = {
        "leverans": {s: dg.AssetKey(["bronze", s]) for s in load_contracts()},
        "staging": {s: dg.AssetKey(["staging", f"stg_{s}"]) for s in load_contracts()},
        "resultat": {
            RESULT_TABLE: dg.AssetKey(["marts", RESULT_TABLE]),
            "register_population": dg.AssetKey(["intermediate", "int_stangda_enheter"]),
        },
    }
    for gate, sources in tables.items():
        for source, key in sources.items():
            for suite in suites_for(SUITES, gate, source):
                for expectation in suite.expectations:
                    assert dg.AssetCheckKey(key, expectation["meta"]["id"]) in checks


def test_the_run_waits_for_every_gate(graph) -> None:
    blocking = {k for k in graph.asset_check_keys if graph.get(k).blocking and k.name == "grind"}
    assert len(blocking) == 2 * len(load_contracts()) + 2


def test_assets_have_groups_owners_and_descriptions(graph) -> None:
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.group_name not in (None, "default"), key
        assert node.owners, key
        assert node.description, key


def test_one_job_every_morning_in_sweden_and_a_sensor(defs: dg.Definitions, graph) -> None:
    repository = defs.get_repository_def()
    schedule = repository.get_schedule_def("varje_morgon")
    assert schedule.execution_timezone == "Europe/Stockholm"
    assert schedule.job_name == "daglig_korning"
    assert repository.get_sensor_def("nya_leveranser").job_name == "daglig_korning"
    job = defs.resolve_job_def("daglig_korning")
    made = {k for k in graph.get_all_asset_keys() if k.path[0] != "raw"}
    assert set(job.asset_layer.executable_asset_keys) == made


def test_sensor_asks_for_a_run_once_per_change(defs: dg.Definitions, tmp_path: Path) -> None:
    from dagster_project.defs.automation import new_deliveries
    from dagster_project.defs.common import Folders

    folder = tmp_path / "raw" / "kva"
    folder.mkdir(parents=True)
    folders = Folders(raw=str(tmp_path / "raw"), data=str(tmp_path / "data"))

    def ask(cursor: str | None):
        with dg.build_sensor_context(cursor=cursor, resources={"folders": folders}) as context:
            return new_deliveries(context)

    assert isinstance(ask(None), dg.SkipReason)
    (folder / "kva_2022-08-31.csv").write_text("x")
    first = ask(None)
    assert isinstance(first, dg.RunRequest)
    assert isinstance(ask(first.run_key), dg.SkipReason)
    (folder / "kva_2022-09-30.csv").write_text("y")
    assert isinstance(ask(first.run_key), dg.RunRequest)


def test_plain_modules_import_neither_dagster_nor_dbt() -> None:
    package = PROJECT / "dagster_project"
    paths = [p.relative_to(package).with_suffix("") for p in package.rglob("*.py")]
    modules = [
        ".".join(path.parts)
        for path in paths
        if path.parts[0] not in ("__init__", "defs", "definitions", "cli", "devserver", "dbtdocs")
    ]
    code = (
        "import sys, importlib\n"
        f"[importlib.import_module('dagster_project.' + m) for m in {modules!r}]\n"
        "heavy = [m for m in ('dagster', 'dbt', 'dagster_dbt', 'great_expectations', 'pandas') if m in sys.modules]\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=False)
    assert result.returncode == 0, result.stderr
