"""Runs that Dagster starts (UI, daemon): the same before and after as the command; its storage is kept small."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.core.errors import BusyError
from dagster_project.core.paths import DataPaths
from dagster_project.defs.build import JOB, build_defs
from dagster_project.defs.instance import (
    COMMAND_TAG,
    dagster_instance,
    end_dead_runs,
    forget_dead_runs,
    prune_dagster,
)
from dagster_project.operations.lock import run_lock
from dagster_project.operations.settings import Settings
from dagster_project.releases.store import current_release
from dagster_project.runs.history import read_records
from tests.jobs import cases, deliver_cases, deliver_units, run

DAY = "2022-08-31"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    raw = tmp_path / "raw"
    deliver_units(raw, DAY)
    deliver_cases(raw, DAY, *cases(40))
    return raw


def _from_the_ui(raw: Path, data: Path) -> dg.ExecuteInProcessResult:
    """The job as Dagster's run launcher runs it: without the command around it."""
    settings = Settings(raw=raw, data=data)
    with dagster_instance(settings.paths) as instance:
        job = build_defs(settings.paths, settings).resolve_job_def(JOB)
        return job.execute_in_process(instance=instance, raise_on_error=False)


def test_a_run_from_the_ui_gives_the_release_of_the_command(raw: Path, tmp_path: Path) -> None:
    by_command = run(raw, tmp_path / "command")
    result = _from_the_ui(raw, tmp_path / "ui")
    assert result.success
    data = DataPaths(tmp_path / "ui")
    release = current_release(data)
    assert release.id == by_command.release.id
    for name in ("indicator_result.parquet", "indicator_result.csv", "kvalitet.parquet"):
        assert (release.folder / name).read_bytes() == (by_command.release.folder / name).read_bytes()
    assert (
        release.manifest.lasting() == by_command.release.manifest.lasting()
    )  # DuckDB's own file need not be the same bytes
    (record,) = read_records(data, 9)
    assert record.release_id == release.id and (data.docs / "index.html").exists()
    assert run(raw, data.root).nothing_new
    # A failed check tells why and where to read more.
    checks = {(c.asset_key.to_user_string(), c.check_name): c for c in result.get_asset_check_evaluations()}
    failed = checks[("bronze/gas", "gate")]
    assert not failed.passed and "be om en ny leverans" in str(failed.description)
    assert "delivery/gas.html" in str(failed.metadata["datadokumentation"].value)
    # Freshness is judged by when a source's files became newer: those never delivered have no event.
    with dagster_instance(data) as instance:
        arrived = {
            source
            for source in ("enheter", "avvikelser", "gas")
            if instance.get_latest_materialization_event(dg.AssetKey(["raw", source]))
        }
    assert arrived == {"enheter", "avvikelser"}


def test_a_failed_run_from_the_ui_is_recorded_and_not_tried_again(raw: Path, tmp_path: Path) -> None:
    for path in raw.glob("*/*"):
        path.unlink()
    result = _from_the_ui(raw, tmp_path / "data")
    assert not result.success
    assert not [e for e in result.all_events if e.is_step_up_for_retry]
    (record,) = read_records(DataPaths(tmp_path / "data"), 9)
    assert record.exit_code == 1 and "där finns inga leveranser" in str(record.error)


def test_a_run_from_the_ui_waits_for_the_lock(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dagster_project.defs import common

    monkeypatch.setattr(common, "WAIT_SECONDS", 0.2)
    data = DataPaths(tmp_path / "data")
    with run_lock(data):
        assert not _from_the_ui(raw, data.root).success
        with pytest.raises(BusyError, match="En annan körning"), run_lock(data):
            raise AssertionError("two at once")
    assert not data.current.exists()


def test_runs_that_were_killed_do_not_hold_the_queue(raw: Path, tmp_path: Path) -> None:
    data = DataPaths(tmp_path / "data")

    def dead(number: int, **tags: str) -> str:
        run_id = f"{number:08d}-0000-4000-8000-000000000000"
        with dagster_instance(data) as instance:
            status = dg.DagsterRunStatus.STARTED
            instance.add_run(dg.DagsterRun(job_name=JOB, run_id=run_id, status=status, tags=tags))
        return run_id

    def status_of(run_id: str) -> dg.DagsterRunStatus | None:
        with dagster_instance(data) as instance:
            found = instance.get_run_by_id(run_id)
            return found.status if found else None

    by_command, by_daemon = dead(1, **{COMMAND_TAG: "yes"}), dead(2)
    run(raw, data.root, date(2022, 8, 31))
    # A run of the daemon may be waiting for the lock that the command holds; one of the command cannot be alive.
    assert (status_of(by_command), status_of(by_daemon)) == (None, dg.DagsterRunStatus.STARTED)
    assert _from_the_ui(raw, data.root).success
    assert status_of(by_daemon) == dg.DagsterRunStatus.FAILURE


def test_logs_of_dagster_are_kept_to_a_number_and_dead_runs_end(tmp_path: Path) -> None:
    data = DataPaths(tmp_path / "data")
    with dagster_instance(data) as instance:

        @dg.op
        def nothing() -> None:
            pass

        @dg.job
        def empty() -> None:
            nothing()

        for _ in range(4):
            empty.execute_in_process(instance=instance)
        statuses = (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED)
        killed = [instance.create_run_for_job(empty, status=s, tags={COMMAND_TAG: "yes"}).run_id for s in statuses]
        queued, of_the_daemon = (instance.create_run_for_job(empty, status=s).run_id for s in statuses)
        stray = data.dagster_home / "history" / "runs" / "00000000-0000-0000-0000-000000000000.db"
        stray.write_bytes(b"")
        forget_dead_runs(instance)
        assert not set(killed) & set(instance.get_run_ids())
        end_dead_runs(instance, alive="another")
        assert instance.get_run_by_id(of_the_daemon).status == dg.DagsterRunStatus.FAILURE
        assert instance.get_run_by_id(queued).status == dg.DagsterRunStatus.NOT_STARTED
        prune_dagster(instance, data, 3)
        known = set(instance.get_run_ids())
    assert len(known) == 3 + 1
    shards = {p.name.split(".")[0] for p in stray.parent.glob("*.db*")} - {"index"}
    assert shards <= known
    outputs = {p.name for p in (data.dagster_home / "storage").glob("*-*-*-*-*")}
    assert outputs <= known
