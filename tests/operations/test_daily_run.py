"""What follows every run: the record, the retention rule, the page, the notification."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from polars.exceptions import PanicException

from dagster_project.catalogue.vocabulary import ACCEPTED, REJECTED
from dagster_project.core.paths import DataPaths
from dagster_project.engines import warehouse
from dagster_project.engines.duckdb import database
from dagster_project.operations import daily_run
from dagster_project.operations.daily_run import JobEnd, RunOutcome, Session, run_daily
from dagster_project.operations.notify import message, notify
from dagster_project.operations.settings import Notify, Settings
from dagster_project.products.steward_page import page
from dagster_project.releases.manifest import read_manifest
from dagster_project.releases.publish import publish, switch_current
from dagster_project.releases.store import current_id, current_release
from dagster_project.runs.folder import LEDGER, RunFolder
from dagster_project.runs.history import CheckRecord, RunRecord, add_record, last_success, read_records
from dagster_project.runs.ledger import Delivery, ledger_frame
from tests.conftest import Run
from tests.jobs import DAY, said
from tests.releases.small import small_release


@pytest.fixture
def publish_again(first: RunOutcome, tmp_path: Path) -> Callable[..., RunOutcome]:
    """A daily run whose job does no more than publish what `first` computed: for what comes after any job."""
    (first.data.run / "finished").unlink()  # else nothing would be new

    def daily(**settings: Any) -> RunOutcome:
        chosen = Settings(raw=tmp_path / "raw", data=first.data.root, products=(), **settings)

        def job(*_: object) -> JobEnd:
            publish(first.data, RunFolder(first.data).identity())
            return JobEnd(ingested=True)

        return run_daily(chosen, job)

    return daily


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


def test_every_run_leaves_a_record_and_a_page_also_a_failed_one(run: Run, first: RunOutcome, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
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
    assert "Ingenting att publicera" in run(raw, tmp_path / "data").error
    failed = read_records(first.data, 1)[0]
    assert failed.exit_code == 1 and failed.run_id is None and "kva_fel.csv" in str(failed.error)
    assert current_release(first.data).id == first.release.id
    # The page of the run that read its deliveries stays, and says why there is no newer one.
    text = page.read_text(encoding="utf-8")
    assert "kunde inte läsa leveranserna" in text and "kva_fel.csv" in text and first.release.id in text


@pytest.mark.parametrize("kind", [RuntimeError, PanicException])
def test_whatever_is_unforeseen_the_record_page_and_notification_are_made(
    tmp_path: Path, kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    told = tmp_path / "besked.json"
    how = Notify(command=("/bin/sh", "-c", f"cat > {told}"))
    settings = Settings(raw=tmp_path, data=tmp_path / "data", notify=how)

    def broken(*_: object) -> JobEnd:
        raise kind("cell 19800517-9810 kan inte tolkas")

    outcome = run_daily(settings, broken)
    (record,) = read_records(settings.paths, 9)
    page = (settings.paths.docs / "index.html").read_text(encoding="utf-8")
    assert outcome.exit_code == record.exit_code == 1 and "Oväntat fel" in str(record.error)
    assert "Oväntat fel" in page and "Oväntat fel" in told.read_text(encoding="utf-8")
    assert "Traceback" in caplog.text
    assert not any("9810" in text for text in (str(record.error), page, told.read_text(encoding="utf-8"), caplog.text))


@pytest.mark.parametrize("error", ["Steget stannade.", None])
def test_nothing_is_gone_on_from_after_a_run_that_failed(tmp_path: Path, error: str | None) -> None:
    """What it read may be what is damaged."""
    settings = Settings(raw=tmp_path, data=tmp_path / "data")

    def job(*_: object) -> JobEnd:
        with database(settings.paths.warehouse, write=True):
            pass
        settings.paths.run.mkdir(exist_ok=True)
        warehouse.keep_note(settings.paths, warehouse.Made("a"))
        return JobEnd(ingested=False, error=error)

    run_daily(settings, job)
    assert (warehouse.made(settings.paths) is None) == (error is not None)


@pytest.mark.parametrize("noted", ['{"by": "a", "settled": "1"}', '{"by": null}', '{"by": "a", "months": [1]}', "[]"])
def test_a_note_of_a_warehouse_that_is_not_one_is_none(tmp_path: Path, noted: str) -> None:
    data = DataPaths(tmp_path)
    with database(data.warehouse, write=True):
        pass
    data.run.mkdir()
    warehouse.keep_note(data, warehouse.Made("a"))
    assert warehouse.made(data) is not None
    note = data.run / "warehouse.json"
    stamp = json.loads(note.read_text())["file"]
    content = json.loads(noted)
    note.write_text(json.dumps({**content, "file": stamp} if isinstance(content, dict) else content))
    assert warehouse.made(data) is None


def test_a_run_whose_day_nobody_asked_for_replaces_a_later_release_and_says_why(
    publish_again: Callable[..., RunOutcome], first: RunOutcome, tmp_path: Path
) -> None:
    """As after `withdraw` of the newest delivery, an erasure, or a run of a mistaken day."""
    later = small_release(first.data, 30)
    manifest = read_manifest(first.data.releases / later)
    assert manifest is not None
    gone = {"file": "kva/kva_2022-09-30.csv", "status": ACCEPTED, "uttagsdatum": "2022-09-30"}
    replace(manifest, inputs=[gone]).write(first.data.releases / later)
    switch_current(first.data, later)
    told = tmp_path / "besked.json"
    outcome = publish_again(notify=Notify(command=("/bin/sh", "-c", f"cat > {told}")))
    assert outcome.release is not None and outcome.beside is None
    assert current_id(first.data) == outcome.release.id == first.release.id
    sentence = (
        f"Utgåva {first.release.id} är den aktuella i stället för den senare {later}: leveransen "
        "kva/kva_2022-09-30.csv räknas inte längre."
    )
    assert outcome.notices == read_records(first.data, 1)[0].notices == (sentence,)
    assert sentence in (first.data.docs / "index.html").read_text(encoding="utf-8")
    assert json.loads(told.read_text("utf-8"))["att_veta"] == [sentence]
    assert sentence in said("status", "--data", first.data.root).stdout


def test_a_day_that_was_asked_for_is_published_beside_a_later_one(
    publish_again: Callable[..., RunOutcome], first: RunOutcome
) -> None:
    later = small_release(first.data, 30)
    switch_current(first.data, later)
    RunFolder(first.data).begin(RunFolder(first.data).identity(), day_asked=True)
    outcome = publish_again()
    assert outcome.beside == current_id(first.data) == later and outcome.notices == ()


def test_a_raw_without_any_file_is_told_though_nothing_is_new(run: Run, first: RunOutcome, tmp_path: Path) -> None:
    """A network share that is not mounted is an empty folder."""
    raw, told = tmp_path / "raw", tmp_path / "besked.json"
    how = Notify(command=("/bin/sh", "-c", f"cat > {told}"))
    (raw).rename(tmp_path / "away")
    (raw / "kva").mkdir(parents=True)
    outcome = run(raw, first.data.root, notify=how)
    count = len(list((tmp_path / "away").glob("*/*")))
    assert outcome.nothing_new and outcome.exit_code == first.exit_code
    (sentence,) = outcome.notices
    assert f"Mappen {raw} har inga filer" in sentence and f"{count} leveranser som räknas har lästs förut" in sentence
    assert read_records(first.data, 1)[0].raw_empty == sentence
    assert json.loads(told.read_text("utf-8"))["att_veta"] == [sentence]
    assert sentence in said("status", "--data", first.data.root).stdout
    told.unlink()
    run(raw, first.data.root, notify=how)
    assert not told.exists()  # it was told once
    (raw / "kva").rmdir()
    raw.rmdir()
    (tmp_path / "away").rename(raw)
    assert run(raw, first.data.root).notices == () == read_records(first.data, 1)[0].notices


def test_the_last_success_is_the_alarms_clock(tmp_path: Path) -> None:
    data = DataPaths(tmp_path)
    assert last_success(data) is None
    add_record(data, _record(1), keep=9)
    success = last_success(data)
    add_record(data, RunRecord("2022-09-02T00:00:00+00:00", 1, error="fel"), keep=9)
    assert success is not None and last_success(data) == success


def test_what_cannot_be_done_afterwards_is_told_and_the_release_stands(
    publish_again: Callable[..., RunOutcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(page, "write_page", full)
    outcome = publish_again()
    assert outcome.products_failed == outcome.trouble
    assert read_records(outcome.data, 1)[0].products_failed == list(outcome.trouble)
    assert outcome.exit_code == 2 and current_release(outcome.data).id == outcome.release.id
    assert len(outcome.trouble) == 1 and "Granskningssidan" in outcome.trouble[0] and "full" in outcome.trouble[0]
    # The page is owed: the next run does it all again and ends with the same release.
    monkeypatch.undo()
    again = publish_again()
    assert not again.nothing_new and again.trouble == () and again.release.id == outcome.release.id
    assert publish_again().nothing_new


def test_a_command_is_told_what_was_held_back(publish_again: Callable[..., RunOutcome], tmp_path: Path) -> None:
    told = tmp_path / "besked.json"
    script = tmp_path / "avisera"
    script.write_text(f"#!/bin/sh\ncat > {told}\n", encoding="utf-8")
    script.chmod(0o755)
    told_by = Notify(command=(str(script),))
    outcome = publish_again(notify=told_by)
    content = json.loads(told.read_text(encoding="utf-8"))
    assert content["kvarhallna_indikatorer"]["gas_antal"] == ["gas"]
    assert content["utgava"] == outcome.release.id and content["exit_code"] == 2
    assert Path(content["granskning"]).exists()
    # Told once: a run with nothing new tells nobody.
    told.unlink()
    assert publish_again(notify=told_by).nothing_new
    assert not told.exists()


def test_when_everything_passed_only_always_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "besked"
    for when, expected in (("held_back", False), ("always", True)):
        settings = Settings(data=tmp_path / "data", products=(), notify=Notify(command=("tee", str(told)), when=when))
        Session(settings.paths, settings).end(JobEnd(ingested=False, error="Ingenting att publicera."))
        # Without a release nothing was published: that is always told.
        assert told.exists()
        told.unlink()
        with monkeypatch.context() as patch:
            patch.setattr(daily_run, "current_release", lambda data: _Published())
            Session(settings.paths, settings).end(JobEnd(ingested=False))
        assert told.exists() is expected
        told.unlink(missing_ok=True)


class _Published:
    id, exit_code, held_back, frozen = "2022-09-01-abc", 0, {}, {}


def test_a_change_in_deliveries_is_told_with_what_it_names(tmp_path: Path) -> None:
    """Nothing is held back by it, so nobody would look."""
    check = CheckRecord("drift/_all", "avvikelser", "kolumn_borta", "warning", False, 1, 1, "paborjad_datum", None)
    waived = replace(check, source="kva", undantag="till och med 2022-12-31: känt (A)")
    passed = replace(check, source="gas", success=True)
    told = RunRecord("2022-09-01T06:00:00+00:00", 0, checks=(check, waived, passed))
    assert message(told, DataPaths(tmp_path))["forandringar_i_leveranser"] == [
        {"kalla": "avvikelser", "forvantan": "kolumn_borta", "uppmatt": "kolumn som har försvunnit: paborjad_datum"}
    ]


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


def test_a_delivery_that_should_have_come_is_told_once(first: RunOutcome, tmp_path: Path) -> None:
    """Nothing new comes where nothing comes: the day on which that is too late is told, and not every day after."""
    told = tmp_path / "besked.json"
    settings = Settings(
        raw=tmp_path / "raw", data=first.data.root, products=(), notify=Notify(command=("tee", str(told)))
    )

    def told_on(day: date) -> list[str]:
        told.unlink(missing_ok=True)
        Session(first.data, settings, today=day).end(JobEnd(ingested=True, nothing_new=True))
        return json.loads(told.read_text(encoding="utf-8"))["uteblivna_leveranser"] if told.exists() else []

    (record,) = first.data.history.glob("*.json")
    record.write_text(json.dumps({**json.loads(record.read_text()), "overdue": []}))  # it was run long afterwards
    assert told_on(date(2022, 10, 5)) == []
    late = [f"{s}: väntades senast 5 okt 2022 (nyaste uttag 31 aug 2022)" for s in ("enheter", "avvikelser")]
    assert told_on(date(2022, 10, 6)) == late
    assert told_on(date(2022, 10, 7)) == []
    assert list(read_records(first.data, 1)[0].overdue) == late


def test_a_rejected_file_is_told_whatever_its_date(publish_again: Callable[..., RunOutcome], tmp_path: Path) -> None:
    """Also one that is older than what counts, where the gate has nothing to warn of; the same file only once."""
    told, ledger = tmp_path / "besked.json", RunFolder(DataPaths(tmp_path / "data"))
    refused = Delivery(
        "kva", "kva/kva.csv", status=REJECTED, orsak="Filen kva/kva.csv avvisades: namnet har inget datum."
    )
    ledger.write(LEDGER, ledger_frame([*ledger.ledger(), refused]))
    how = Notify(command=("tee", str(told)))
    publish_again(notify=how)
    assert json.loads(told.read_text(encoding="utf-8"))["nya_avvisade_filer"] == [refused.orsak]
    (tmp_path / "data" / "run" / "finished").unlink()
    publish_again(notify=how)
    assert json.loads(told.read_text(encoding="utf-8"))["nya_avvisade_filer"] == []
