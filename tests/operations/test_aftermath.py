"""What follows every run: the record, the retention rule, the page, the notification; also for runs from the UI."""

from __future__ import annotations

import json
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dagster_project.core.errors import BusyError, ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.operations import aftermath
from dagster_project.operations.aftermath import Ended, finish, notify
from dagster_project.operations.daily_run import instance_home, run_lock
from dagster_project.operations.settings import Notify, Settings
from dagster_project.releases.publish import current_release
from dagster_project.runs.history import RunRecord, add_record, read_records
from tests.runs import cases, deliver_cases, deliver_units, run

DAY = "2022-08-31"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    raw = tmp_path / "raw"
    deliver_units(raw, DAY)
    deliver_cases(raw, DAY, *cases(40))
    return raw


def _record(number: int) -> RunRecord:
    return RunRecord(f"2022-09-01T00:00:{number:02d}+00:00", 0, "2022-09-01-abc", "2022-09-01", "2022-09-01-abc")


def test_records_are_kept_newest_first_and_the_oldest_go(tmp_path: Path) -> None:
    data = DataPaths(tmp_path)
    for number in range(5):
        add_record(data, _record(number), keep=3)
    assert [r.started[17:19] for r in read_records(data, 2)] == ["04", "03"]
    assert len(list(data.history.iterdir())) == 3
    newest = max(data.history.iterdir())
    newest.write_text("{skadad", encoding="utf-8")
    assert [r.started[17:19] for r in read_records(data, 9)] == ["03", "02"]


def test_every_run_leaves_a_record_and_a_page_also_a_failed_one(raw: Path, tmp_path: Path) -> None:
    first = run(raw, tmp_path / "data")
    page = first.data.docs / "index.html"
    assert page.exists()
    (record,) = read_records(first.data, 9)
    assert (record.exit_code, record.release_id, record.as_of) == (2, first.release.id, DAY)
    assert record.held_back == first.release.held_back
    assert len(record.checks) == len(first.outcomes)
    # Nothing new adds no record.
    run(raw, tmp_path / "data")
    assert len(read_records(first.data, 9)) == 1
    for path in [*raw.glob("*/*"), *(tmp_path / "data" / "bronze").glob("*/2*")]:
        path.unlink()
    (raw / "kva").mkdir()
    (raw / "kva" / "kva_fel.csv").write_text("x")
    with pytest.raises(ResultattavlaError, match="Ingenting att publicera"):
        run(raw, tmp_path / "data")
    failed = read_records(first.data, 1)[0]
    assert failed.exit_code == 1 and failed.run_id is None and "kva_fel.csv" in str(failed.error)
    assert current_release(first.data).id == first.release.id


def test_what_cannot_be_done_afterwards_is_told_and_the_release_stands(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(aftermath, "write_review", full)
    outcome = run(raw, tmp_path / "data")
    assert outcome.exit_code == 2 and current_release(outcome.data).id == outcome.release.id
    assert len(outcome.trouble) == 1 and "Granskningssidan" in outcome.trouble[0] and "full" in outcome.trouble[0]
    # The page is owed: the next run does it all again and ends with the same release.
    monkeypatch.undo()
    again = run(raw, tmp_path / "data")
    assert not again.nothing_new and again.trouble == () and again.release.id == outcome.release.id


def test_a_command_is_told_what_was_held_back(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "besked.json"
    script = tmp_path / "avisera"
    script.write_text(f"#!/bin/sh\ncat > {told}\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("RESULTATTAVLA_NOTIFY__COMMAND", json.dumps([str(script)]))
    outcome = run(raw, tmp_path / "data")
    content = json.loads(told.read_text(encoding="utf-8"))
    assert content["kvarhallna_indikatorer"]["gas_antal"] == ["gas"]
    assert content["utgava"] == outcome.release.id and content["exit_code"] == 2
    assert Path(content["granskning"]).exists()
    # Told once: a run with nothing new tells nobody.
    told.unlink()
    assert run(raw, tmp_path / "data").nothing_new
    assert not told.exists()


def test_when_everything_passed_only_always_tells(tmp_path: Path) -> None:
    told = tmp_path / "besked"
    for when, expected in (("held_back", False), ("always", True)):
        settings = Settings(notify=Notify(command=("tee", str(told)), when=when))
        finish(DataPaths(tmp_path / "data"), settings, Ended("2022-09-01T00:00:00+00:00", error=None))
        # Without a release nothing was published: that is always told.
        assert told.exists()
        told.unlink()
        good = Ended("2022-09-01T00:00:00+00:00", release=_Published())
        finish(DataPaths(tmp_path / "data"), settings, good)
        assert told.exists() is expected
        told.unlink(missing_ok=True)


class _Published:
    id, exit_code, held_back, frozen = "2022-09-01-abc", 0, {}, {}


def test_an_address_gets_it_by_post(tmp_path: Path) -> None:
    received: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204 if len(received) == 1 else 500)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = Notify.model_validate({"webhook": f"http://127.0.0.1:{server.server_port}/hook"})
    try:
        assert notify(settings, {"utfall": "åäö"}) == []
        assert received == [{"utfall": "åäö"}]
        (refused,) = notify(settings, {})
        assert "notify.webhook" in refused and "tog inte emot" in refused
    finally:
        server.shutdown()
        server.server_close()
    (gone,) = notify(settings, {})
    assert "notify.webhook" in gone


@pytest.mark.parametrize("command", [("/finns/inte",), ("false",)])
def test_a_command_that_fails_is_told(command: tuple[str, ...]) -> None:
    (sentence,) = notify(Notify(command=command), {})
    assert Path(command[0]).name in sentence and "notify.command" in sentence


def _from_the_ui(raw: Path, data: Path, as_of: str = ""):
    """The job as Dagster's run launcher runs it: without the command around it."""
    import dagster as dg

    from dagster_project.definitions import defs
    from dagster_project.defs.common import Folders

    instance_home(DataPaths(data))
    with dg.DagsterInstance.get() as instance:
        return defs.resolve_job_def("daglig_korning").execute_in_process(
            instance=instance,
            raise_on_error=False,
            resources={"folders": Folders(raw=str(raw), data=str(data), as_of=as_of)},
        )


def test_a_run_from_the_ui_gives_the_release_of_the_command(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_command = run(raw, tmp_path / "command")
    result = _from_the_ui(raw, tmp_path / "ui")
    assert result.success
    data = DataPaths(tmp_path / "ui")
    release = current_release(data)
    assert release.id == by_command.release.id
    for name in ("indicator_result.parquet", "indicator_result.csv", "kvalitet.parquet"):
        assert (release.folder / name).read_bytes() == (by_command.release.folder / name).read_bytes()
    manifests = [dict(r.manifest, files=None) for r in (release, by_command.release)]
    assert manifests[0] == manifests[1]  # DuckDB's own file need not be the same bytes
    (record,) = read_records(data, 9)
    assert record.release_id == release.id and (data.docs / "index.html").exists()
    assert run(raw, data.root).nothing_new
    # A failed check tells why and where to read more.
    checks = {(c.asset_key.to_user_string(), c.check_name): c for c in result.get_asset_check_evaluations()}
    failed = checks[("bronze/gas", "har_rader")]
    assert not failed.passed and "be om en ny leverans" in str(failed.description)
    assert "leverans/gas.html" in str(failed.metadata["datadokumentation"].value)
    # Freshness is judged by when a source's files became newer: those never delivered have no event.
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
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
    import dagster as dg

    from dagster_project.operations.daily_run import COMMAND_TAG

    data = DataPaths(tmp_path / "data")
    instance_home(data)

    def dead(number: int, **tags: str) -> str:
        run_id = f"{number:08d}-0000-4000-8000-000000000000"
        with dg.DagsterInstance.get() as instance:
            status = dg.DagsterRunStatus.STARTED
            instance.add_run(dg.DagsterRun(job_name="daglig_korning", run_id=run_id, status=status, tags=tags))
        return run_id

    def status_of(run_id: str) -> dg.DagsterRunStatus | None:
        with dg.DagsterInstance.get() as instance:
            found = instance.get_run_by_id(run_id)
            return found.status if found else None

    by_command, by_daemon = dead(1, **{COMMAND_TAG: "ja"}), dead(2)
    run(raw, data.root, date(2022, 8, 31))
    # A run of the daemon may be waiting for the lock that the command holds; one of the command cannot be alive.
    assert (status_of(by_command), status_of(by_daemon)) == (None, dg.DagsterRunStatus.STARTED)
    assert _from_the_ui(raw, data.root).success
    assert status_of(by_daemon) == dg.DagsterRunStatus.FAILURE
