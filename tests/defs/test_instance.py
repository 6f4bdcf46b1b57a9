"""Dagster's storage in a run of the command: quick, and the same files as whoever opens them afterwards expects."""

import dagster as dg
import pytest
import sqlalchemy

from dagster_project.core.paths import DataPaths
from dagster_project.defs.instance import dagster_instance, instance_home

THINGS = 12


@dg.multi_asset(specs=[dg.AssetSpec(f"thing_{i}") for i in range(THINGS)])
def things():
    for i in range(THINGS):
        yield dg.MaterializeResult(f"thing_{i}", metadata={"number": i})


def test_lines_of_a_run_are_stored_through_one_engine_per_file(tmp_path, monkeypatch):
    """Dagster makes one per line, which cost 10 ms each: several seconds of every run."""
    made: list[str] = []
    create_engine = sqlalchemy.create_engine
    monkeypatch.setattr(
        sqlalchemy, "create_engine", lambda url, **arguments: made.append(str(url)) or create_engine(url, **arguments)
    )
    data = DataPaths(tmp_path / "data")
    job = dg.Definitions(assets=[things], jobs=[dg.define_asset_job("all")]).resolve_job_def("all")
    with dagster_instance(data) as instance:
        run = job.execute_in_process(instance=instance)
    assert run.success
    assert len(made) == len(set(made)) == len(list(data.dagster_home.glob("**/*.db")))
    # Whoever opens the folder afterwards (the web server) finds every line.
    with dg.DagsterInstance.from_config(str(instance_home(data))) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey("thing_7"))
        assert event.asset_materialization.metadata["number"].value == 7
        assert len(instance.all_logs(run.run_id)) > 3 * THINGS


def test_a_failure_within_leaves_no_engine_behind(tmp_path):
    from dagster._core.storage.event_log.sqlite import sqlite_event_log

    before = sqlite_event_log.create_engine
    data = DataPaths(tmp_path / "data")
    with pytest.raises(RuntimeError), dagster_instance(data):
        raise RuntimeError
    assert sqlite_event_log.create_engine is before
    with dagster_instance(data) as instance:
        assert instance.get_runs() == []
