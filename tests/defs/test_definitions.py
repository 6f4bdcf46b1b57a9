"""Dagster's definitions: what an analyst finds in the UI, and that nothing in it points at nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.core.paths import PROJECT, DataPaths
from dagster_project.defs.automation import JOB, delivery_sensor
from dagster_project.defs.build import build_defs
from dagster_project.defs.dbt import model_keys
from dagster_project.defs.events import STEPS
from dagster_project.gates.suites import gate_tables
from dagster_project.operations.settings import Settings

RELEASE = dg.AssetKey(["published", "release"])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataPaths:
    return DataPaths(tmp_path_factory.mktemp("defs") / "data")


@pytest.fixture(scope="module")
def defs(data: DataPaths) -> dg.Definitions:
    return build_defs(data, Settings(data=data.root))


@pytest.fixture(scope="module")
def graph(defs: dg.Definitions):
    return defs.resolve_asset_graph()


def test_every_source_and_indicator_has_its_assets(graph) -> None:
    keys = {k.to_user_string() for k in graph.get_all_asset_keys()}
    for source in load_contracts():
        assert {f"raw/{source}", f"bronze/{source}", f"sources/stg_{source}"} <= keys
    for indicator in load_catalogue():
        assert f"observations/obs_{indicator.id}" in keys
    assert "run/hidden_cells" in keys


def test_lineage_leads_from_the_source_file_to_the_release(graph) -> None:
    upstream = {k.to_user_string() for k in graph.get_ancestor_asset_keys(RELEASE)}
    assert {f"raw/{s}" for s in load_contracts()} <= upstream
    assert {f"observations/obs_{i.id}" for i in load_catalogue()} <= upstream
    assert "run/hidden_cells" in upstream


def test_every_gate_judges_its_assets_and_the_run_waits_for_it(graph, data: DataPaths) -> None:
    checks = set(graph.asset_check_keys)
    assert {c.asset_key for c in checks} <= set(graph.get_all_asset_keys())
    models = model_keys(data)
    tables = gate_tables()
    judged = {dg.AssetKey(["bronze", s]) for s in tables["delivery"]}
    judged |= {models[t] for gate in ("staging", "results") for t in tables[gate].values()}
    assert checks == {dg.AssetCheckKey(key, "gate") for key in judged}
    assert all(graph.get(c).blocking for c in checks)


def test_assets_have_groups_owners_and_descriptions(graph) -> None:
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.group_name not in (None, "default"), key
        assert node.owners, key
        assert node.description, key
        assert "select" not in node.description.lower().split(), f"{key}: SQL is no description"


def test_one_job_every_morning_in_sweden_and_a_sensor(defs: dg.Definitions, graph) -> None:
    repository = defs.get_repository_def()
    schedule = repository.get_schedule_def("every_morning")
    assert schedule.execution_timezone == "Europe/Stockholm"
    assert schedule.job_name == JOB
    assert repository.get_sensor_def("new_deliveries").job_name == JOB
    job = defs.resolve_job_def(JOB)
    made = {k for k in graph.get_all_asset_keys() if k.path[0] != "raw"}
    assert set(job.asset_layer.executable_asset_keys) == made


def test_every_step_of_the_job_is_told_in_words(defs: dg.Definitions) -> None:
    assert set(STEPS) == {node.name for node in defs.resolve_job_def(JOB).nodes}


def test_sensor_asks_for_a_run_once_per_change(tmp_path: Path) -> None:
    folder = tmp_path / "raw" / "kva"
    folder.mkdir(parents=True)
    sensor = delivery_sensor(Settings(raw=tmp_path / "raw", data=tmp_path / "data"))

    def ask(cursor: str | None):
        with dg.build_sensor_context(cursor=cursor) as context:
            return sensor(context)

    assert isinstance(ask(None), dg.SkipReason)
    (folder / "kva_2022-08-31.csv").write_text("x")
    first = ask(None)
    assert isinstance(first, dg.RunRequest)
    assert isinstance(ask(first.run_key), dg.SkipReason)
    (folder / "kva_2022-09-30.csv").write_text("y")
    assert isinstance(ask(first.run_key), dg.RunRequest)


def test_importing_the_code_location_reads_settings_and_data_of_nobody(tmp_path: Path) -> None:
    """Not even a settings file that cannot be read stops the import; `defs()` is what reads it."""
    (tmp_path / "trasig.toml").write_text("[[[")
    code = "import dagster_project.definitions, dagster_project.defs.build"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": "", "PYTHONPATH": str(PROJECT), "RESULTATTAVLA_CONFIG": str(tmp_path / "trasig.toml")},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["trasig.toml"]


def test_plain_rooms_import_neither_dagster_nor_dbt() -> None:
    """Nor Great Expectations: whoever runs a small command waits for none of them."""
    package = PROJECT / "dagster_project"
    modules = [
        ".".join(p.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
        for p in package.rglob("*.py")
        if p.relative_to(package).parts[0] not in ("defs", "definitions.py")
    ]
    code = (
        "import sys, importlib\n"
        f"[importlib.import_module(m) for m in {sorted(modules)!r} if not m.endswith('__main__')]\n"
        "heavy = [m for m in ('dagster', 'dbt', 'dagster_dbt', 'great_expectations', 'pandas') if m in sys.modules]\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=False)
    assert result.returncode == 0, result.stderr
