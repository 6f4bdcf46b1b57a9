"""Runs by Dagster: by the command, and those that it starts itself (UI, daemon), with the same before and after; the
plain job of most tests is the same job; Dagster's storage is kept small.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
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
from dagster_project.engines.dbt import build
from dagster_project.operations.daily_run import RunOutcome
from dagster_project.operations.lock import run_lock
from dagster_project.operations.settings import Lineage, Settings
from dagster_project.operations.stages import STEPS
from dagster_project.releases.store import current_release
from dagster_project.runs.folder import RunFolder
from dagster_project.runs.history import log_of, read_records
from dagster_project.runs.log import LINEAGE, LOADING, LOOKING, PAGES, PRODUCTS, RUN, by_source, read_log
from tests.conftest import Run
from tests.jobs import Kept, outcome_of, plain_steps

RELEASED = ("indicator_result.parquet", "indicator_result.csv", "kvalitet.parquet")


def _from_the_ui(raw: Path, data: Path) -> dg.ExecuteInProcessResult:
    """The job as Dagster's run launcher runs it: without the command around it."""
    settings = Settings(raw=raw, data=data, products=("revideringar",))
    with dagster_instance(settings.paths) as instance:
        job = build_defs(settings.paths, settings).resolve_job_def(JOB)
        return job.execute_in_process(instance=instance, raise_on_error=False)


# A run of the daemon may be waiting for the lock that the command holds; one of the command cannot be alive.
DEAD_COMMAND, DEAD_DAEMON = (f"{n:08d}-0000-4000-8000-000000000000" for n in (1, 2))


def _leave_dead_runs(data: DataPaths) -> None:
    """What Dagster knows of runs whose process was killed."""
    with dagster_instance(data) as instance:
        for run_id, tags in ((DEAD_COMMAND, {COMMAND_TAG: "yes"}), (DEAD_DAEMON, {})):
            status = dg.DagsterRunStatus.STARTED
            instance.add_run(dg.DagsterRun(job_name=JOB, run_id=run_id, status=status, tags=tags))


def _status(data: DataPaths, run_id: str) -> dg.DagsterRunStatus | None:
    with dagster_instance(data) as instance:
        found = instance.get_run_by_id(run_id)
        return found.status if found else None


@pytest.fixture(scope="module")
def plainly(kept_first: Kept) -> RunOutcome:
    """What the plain job made of the small deliveries."""
    return outcome_of(kept_first.folder / "data")


@pytest.fixture(scope="module")
def by_command(run_by_dagster: Run, kept_first: Kept, tmp_path_factory: pytest.TempPathFactory) -> RunOutcome:
    """The same deliveries run as the command does it, where killed runs are known."""
    data = DataPaths(tmp_path_factory.mktemp("command") / "data")
    _leave_dead_runs(data)
    lineage = Lineage(file=data.root.parent / "lineage.jsonl")
    return run_by_dagster(kept_first.folder / "raw", data.root, lineage=lineage)


@pytest.fixture(scope="module")
def from_the_ui(
    run_by_dagster: Run, kept_first: Kept, tmp_path_factory: pytest.TempPathFactory
) -> tuple[DataPaths, dg.ExecuteInProcessResult]:
    """The same deliveries run from the UI, where killed runs are known."""
    data = DataPaths(tmp_path_factory.mktemp("ui") / "data")
    _leave_dead_runs(data)
    return data, _from_the_ui(kept_first.folder / "raw", data.root)


def test_the_plain_job_gives_what_dagsters_job_gives(by_command: RunOutcome, plainly: RunOutcome) -> None:
    assert by_command.release.id == plainly.release.id
    assert by_command.release.manifest.lasting() == plainly.release.manifest.lasting()
    for name in RELEASED:
        assert (by_command.release.folder / name).read_bytes() == (plainly.release.folder / name).read_bytes()
    assert by_command.outcomes == plainly.outcomes and len(plainly.outcomes) > 100
    assert by_command.ledger.equals(plainly.ledger) and by_command.quarantine.equals(plainly.quarantine)
    records = [replace(*read_records(outcome.data, 9), started="") for outcome in (by_command, plainly)]
    assert records[0] == records[1]
    assert by_command.trouble == ()


def test_the_plain_jobs_steps_are_dagsters_in_its_order(by_command: RunOutcome) -> None:
    with dagster_instance(by_command.data) as instance:
        (run,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))
        events = [e.dagster_event for e in instance.all_logs(run.run_id)]
    done = [e.step_key for e in events if e is not None and e.is_step_success]
    assert done == list(STEPS) == list(plain_steps(Settings(), None, print))


def test_a_run_is_logged_step_by_step_whoever_started_it(
    by_command: RunOutcome, from_the_ui: tuple[DataPaths, dg.ExecuteInProcessResult]
) -> None:
    ways = ((by_command.data, [LOOKING, LOADING], [LINEAGE]), (from_the_ui[0], [], []))
    for data, before, after in ways:
        (record,) = read_records(data, 9)
        lines = read_log(RunFolder(data).log)
        assert {line.run for line in lines} == {record.started}
        assert [line.step for line in lines if line.whole] == [*before, *STEPS, PRODUCTS, PAGES, *after, RUN]
        assert lines[-1].seconds >= sum(line.seconds for line in lines[:-1] if line.whole) > 1
        assert lines[-1].peak_bytes == max(line.peak_bytes or 0 for line in lines) > 100e6
        rows = {(line.step, line.source): line.rows for line in by_source(lines) if line.source}
        assert rows["ingestion", "avvikelser"] and rows["gate_staging", "avvikelser"]
        assert rows["ingestion", "avvikelser"] == sum(
            d.rows_read for d in RunFolder(data).ledger() if d.source == "avvikelser"
        )
        assert {"stg_avvikelser", "cells", "indicator_result"} <= {line.part for line in lines}
        assert log_of(data, record).read_bytes() == RunFolder(data).log.read_bytes()
        assert log_of(data, record).stat().st_mode & 0o077 == 0


def test_the_lineage_of_a_run_leads_from_every_published_table_to_the_delivered_files(by_command: RunOutcome) -> None:
    events = (by_command.data.root.parent / "lineage.jsonl").read_text(encoding="utf-8").splitlines()
    made_of: dict[str, set[str]] = {}
    for event in map(json.loads, events):
        for output in event.get("outputs", ()):
            made_of.setdefault(output["name"], set()).update(d["name"] for d in event.get("inputs", ()))
    ledger = RunFolder(by_command.data).ledger()
    delivered = {f"raw/{d.file}" for d in ledger}
    for file in by_command.release.manifest.files:
        if file.endswith(".parquet"):
            seen, ahead = set(), {f"published/{file.removesuffix('.parquet')}"}
            while ahead:
                seen |= ahead
                ahead = {name for one in ahead for name in made_of.get(one, ())} - seen
            assert delivered <= seen, file
    jobs = {event["job"]["name"] for event in map(json.loads, events)}
    assert {"gate_results.indicator_result", "dbt_cells.cells", "run__hidden_cells", "published__release"} <= jobs


def test_both_jobs_stop_at_the_results_gate_with_one_sentence(
    run: Run, run_by_dagster: Run, kept_first: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dagster_project.gates.run._rows_min", lambda *_: 10**9)
    # dbt builds for the first of them; the other finds the same tables in its copy.
    once = cache(lambda select: build(DataPaths(tmp_path / run.__name__ / "data"), select))
    for name in ("dagster_project.defs.dbt.build", "dagster_project.engines.dbt.build"):
        monkeypatch.setattr(name, lambda data, select, *_, **__: once(select))
    stopped = []
    for runner in (run, run_by_dagster):
        before = kept_first.copy(tmp_path / runner.__name__)
        (before.data.run / "finished").unlink()
        stopped.append(runner(tmp_path / runner.__name__ / "raw", before.data.root))
        assert read_records(before.data, 1)[0].exit_code == 1
        assert current_release(before.data).id == before.release.id
    assert stopped[0].error == stopped[1].error
    assert "har_rader" in stopped[0].error
    assert stopped[0].outcomes == stopped[1].outcomes


def test_both_jobs_say_alike_that_nothing_was_delivered(run: Run, run_by_dagster: Run, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    errors = {runner(tmp_path / "raw", tmp_path / runner.__name__).error for runner in (run, run_by_dagster)}
    assert len(errors) == 1 and "där finns inga leveranser" in str(*errors)


def test_a_run_from_the_ui_gives_the_release_of_the_command(
    run: Run, kept_first: Kept, by_command: RunOutcome, from_the_ui: tuple[DataPaths, dg.ExecuteInProcessResult]
) -> None:
    data, result = from_the_ui
    assert result.success
    release = current_release(data)
    assert release.id == by_command.release.id
    for name in RELEASED:
        assert (release.folder / name).read_bytes() == (by_command.release.folder / name).read_bytes()
    # DuckDB's own file need not be the same bytes.
    assert release.manifest.lasting() == by_command.release.manifest.lasting()
    (record,) = read_records(data, 9)
    assert record.release_id == release.id and (data.docs / "index.html").exists()
    assert run(kept_first.folder / "raw", data.root).nothing_new
    # A failed check tells why and where to read more.
    checks = {(c.asset_key.to_user_string(), c.check_name): c for c in result.get_asset_check_evaluations()}
    failed = checks[("bronze/gas", "gate")]
    assert not failed.passed and "be om en första leverans" in str(failed.description)
    assert "delivery/gas.html" in str(failed.metadata["datadokumentation"].value)
    # Freshness is judged by when a source's files became newer: those never delivered have no event.
    with dagster_instance(data) as instance:
        arrived = {
            source
            for source in ("enheter", "avvikelser", "gas")
            if instance.get_latest_materialization_event(dg.AssetKey(["raw", source]))
        }
    assert arrived == {"enheter", "avvikelser"}


def test_runs_that_were_killed_do_not_hold_the_queue(
    by_command: RunOutcome, from_the_ui: tuple[DataPaths, dg.ExecuteInProcessResult]
) -> None:
    assert _status(by_command.data, DEAD_COMMAND) is None
    assert _status(by_command.data, DEAD_DAEMON) == dg.DagsterRunStatus.STARTED
    data, result = from_the_ui
    assert result.success
    assert _status(data, DEAD_DAEMON) == dg.DagsterRunStatus.FAILURE


def test_a_failed_run_from_the_ui_is_recorded_and_not_tried_again(run_by_dagster: Run, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    result = _from_the_ui(tmp_path / "raw", tmp_path / "data")
    assert not result.success
    assert not [e for e in result.all_events if e.is_step_up_for_retry]
    (record,) = read_records(DataPaths(tmp_path / "data"), 9)
    assert record.exit_code == 1 and "där finns inga leveranser" in str(record.error)


def test_a_run_from_the_ui_waits_for_the_lock(
    run_by_dagster: Run, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagster_project.defs import common

    monkeypatch.setattr(common, "WAIT_SECONDS", 0.2)
    data = DataPaths(tmp_path / "data")
    with run_lock(data):
        assert not _from_the_ui(raw, data.root).success
        with pytest.raises(BusyError, match="En annan körning"), run_lock(data):
            raise AssertionError("two at once")
    assert not data.current.exists()


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
