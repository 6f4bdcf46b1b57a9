"""Dagster's definitions: what an analyst finds in the UI, and that nothing in it points at nothing."""

from __future__ import annotations

import os
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
from dagster_project.defs.publish import LATE
from dagster_project.gates.suites import gate_tables
from dagster_project.operations.settings import Settings
from dagster_project.operations.stages import STEPS
from dagster_project.products.registry import products

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


def test_what_people_open_is_downstream_of_the_release_and_no_step_of_the_job(graph, defs: dg.Definitions) -> None:
    published = {dg.AssetKey(["published", p.name]) for p in products() if not p.stewards_only}
    assert published and published == graph.get(RELEASE).child_keys
    assert not published & set(defs.resolve_job_def(JOB).asset_layer.executable_asset_keys)
    told = graph.get(RELEASE).metadata["consumers"].value
    assert all(p.title in told for p in products() if not p.stewards_only)


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


def test_the_release_and_every_source_are_late_after_a_time(graph) -> None:
    """The release: when no run came. A source: by its agreed age."""
    release = graph.get(dg.AssetKey(["published", "release"])).freshness_policy
    assert (release.warn_window.to_timedelta(), release.fail_window.to_timedelta()) == (LATE, 2 * LATE)
    assert all(graph.get(dg.AssetKey(["raw", source])).freshness_policy for source in load_contracts())


def test_one_job_every_morning_in_sweden_and_a_sensor(defs: dg.Definitions, graph) -> None:
    repository = defs.get_repository_def()
    schedule = repository.get_schedule_def("every_morning")
    assert schedule.execution_timezone == "Europe/Stockholm"
    assert schedule.job_name == JOB
    assert repository.get_sensor_def("new_deliveries").job_name == JOB
    job = defs.resolve_job_def(JOB)
    made = {k for k in graph.get_all_asset_keys() if k.path[0] != "raw" and graph.get(k).group_name != "products"}
    assert set(job.asset_layer.executable_asset_keys) == made


def test_every_step_of_the_job_is_told_in_words(defs: dg.Definitions) -> None:
    assert set(STEPS) == {node.name for node in defs.resolve_job_def(JOB).nodes}


class Watch:
    """The sensor over a raw folder, look by look, with the runs that it asked for in an instance of its own."""

    def __init__(self, folder: Path) -> None:
        self.raw, self.cursor, self.instance = folder / "raw", None, dg.DagsterInstance.ephemeral()
        self.sensor = delivery_sensor(Settings(raw=self.raw, data=folder / "data"))
        (self.raw / "kva").mkdir(parents=True)

    def put(self, text: str, time: int, name: str = "kva_2022-08-31.csv") -> None:
        path = self.raw / "kva" / name
        path.write_text(text)
        os.utime(path, (time, time))

    def look(self, ends: dg.DagsterRunStatus | None = None) -> bool:
        """Whether a run is started; `ends`: what becomes of it, None leaves no trace of it."""
        with dg.build_sensor_context(cursor=self.cursor, instance=self.instance) as context:
            found = self.sensor(context)
            self.cursor = context.cursor
        if isinstance(found, dg.RunRequest):
            assert found.run_key is None, "a key would swallow files that were seen before"
            if ends is not None:
                self.instance.add_run(dg.DagsterRun(JOB, status=ends, tags=dict(found.tags)))
        return isinstance(found, dg.RunRequest)


GOOD, BAD, WORKS = (dg.DagsterRunStatus[name] for name in ("SUCCESS", "FAILURE", "STARTED"))


def test_sensor_waits_until_files_rest_and_starts_once(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    assert not watch.look()
    watch.put("x", 1)
    assert not watch.look()
    watch.put("xx", 2)  # still growing
    assert not watch.look()
    assert watch.look(GOOD)
    assert not any(watch.look(GOOD) for _ in range(3))
    watch.put("y", 3, "kva_2022-09-30.csv")
    assert [watch.look(GOOD) for _ in range(4)] == [False, True, False, False]


def test_sensor_runs_a_state_that_it_has_seen_before(tmp_path: Path) -> None:
    """A file replaced by another and put back with its time: its rows count again."""
    watch = Watch(tmp_path)
    for text, time in (("first", 1), ("other", 2), ("first", 1)):
        watch.put(text, time)
        assert [watch.look(GOOD) for _ in range(3)] == [False, True, False]


def test_sensor_tries_again_what_failed_with_growing_pauses(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    watch.put("x", 1)
    found = [watch.look(BAD) for _ in range(13)]
    assert [i for i, started in enumerate(found) if started] == [1, 2, 4, 8]
    assert any(watch.look(GOOD) for _ in range(8))
    assert not any(watch.look() for _ in range(8))


def test_sensor_leaves_a_working_run_alone_and_notices_one_that_never_came(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    watch.put("x", 1)
    assert [watch.look(WORKS) for _ in range(5)] == [False, True, False, False, False]
    watch.put("y", 2)
    assert [watch.look() for _ in range(4)] == [False, True, False, True]


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
