"""A run as OpenLineage events: from the delivered file to the published table, as the specification has them, and
nothing of a person in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import jsonschema
import pytest
from pydantic import HttpUrl

from dagster_project.catalogue.vocabulary import ACCEPTED
from dagster_project.core.paths import DataPaths
from dagster_project.operations.lineage import DAILY_RUN, JobRun, Models, events, job_runs, send
from dagster_project.operations.settings import LINEAGE_KEY_VARIABLE, Lineage
from dagster_project.releases.store import Release, read_release
from dagster_project.runs.history import CheckRecord, RunRecord
from dagster_project.runs.ledger import Delivery
from dagster_project.runs.log import Line
from tests.releases.small import small_release

STARTED = "2026-11-26T07:00:00+00:00"
NUMBER = "19850101-9801"

FACET = {"type": "object", "required": ["_producer", "_schemaURL"]}
NAMED = {"namespace": {"type": "string", "minLength": 1}, "name": {"type": "string", "minLength": 1}}
FACETS = {"type": "object", "additionalProperties": FACET}
DATASET = {"type": "object", "required": ["namespace", "name"], "properties": {**NAMED, "facets": FACETS}}
RUN_EVENT = {
    "type": "object",
    "required": ["eventTime", "producer", "schemaURL", "run", "job", "eventType"],
    "properties": {
        "eventTime": {"type": "string", "format": "date-time"},
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "producer": {"type": "string", "format": "uri"},
        "schemaURL": {"const": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"},
        "run": {
            "type": "object",
            "required": ["runId"],
            "properties": {"runId": {"type": "string", "format": "uuid"}, "facets": FACETS},
        },
        "job": {"type": "object", "required": ["namespace", "name"], "properties": {**NAMED, "facets": FACETS}},
        "inputs": {
            "type": "array",
            "items": {**DATASET, "properties": {**NAMED, "facets": FACETS, "inputFacets": FACETS}},
        },
        "outputs": {
            "type": "array",
            "items": {**DATASET, "properties": {**NAMED, "facets": FACETS, "outputFacets": FACETS}},
        },
    },
}
"""What the specification (2-0-2) demands of an event of a run."""


def _line(step: str, second: int, source: str | None = None, part: str | None = None, rows: int = 0) -> Line:
    return Line(STARTED, step, source, part, rows, 1.0, ended=f"2026-11-26T07:00:{second:02d}+00:00")


def _delivery(file: str, day: date, sha256: str, rows: int) -> Delivery:
    return Delivery(
        "kva", file, uttagsdatum=day, sha256=sha256 * 64, rows_read=rows + 1, rows_accepted=rows, status=ACCEPTED
    )


KVA = _delivery("kva/kva_2022-08-31.csv", date(2022, 8, 31), "a", 11)
OLD = _delivery("kva/kva_2022-07-31.csv", date(2022, 7, 31), "b", 9)
MANIFEST: dict[str, Any] = {
    "sources": {"source.bronze.kva": {"source_name": "bronze", "name": "kva"}},
    "nodes": {
        "model.stg_kva": {
            "name": "stg_kva",
            "resource_type": "model",
            "fqn": ["resultattavla", "sources", "kva", "stg_kva"],
            "columns": {"kva_kod": {"name": "kva_kod", "data_type": "varchar", "description": "KVÅ code."}},
            "depends_on": {"nodes": ["source.bronze.kva", "seed.organisation"]},
        },
        "seed.organisation": {"name": "organisation", "resource_type": "seed", "fqn": [], "columns": {}},
        "test.x": {"name": "x", "resource_type": "test", "fqn": [], "columns": {}},
    },
}
LINES = [
    _line("ingestion", 2, "kva", KVA.id, 12),
    _line("ingestion", 4, part="settle"),
    _line("ingestion", 5),
    _line("gate_delivery", 6, "kva", rows=11),
    _line("dbt_staging", 8, part="stg_kva", rows=11),
    _line("published__release", 9),
    _line("products", 10, part="tavla"),
]
CHECK = CheckRecord("delivery/_all", "kva", "har_rader", "critical", False, 11, 0, NUMBER, None)


@pytest.fixture
def release(tmp_path: Path) -> Release:
    data = DataPaths(tmp_path / "data")
    found = read_release(data.releases / small_release(data, 1))
    assert found is not None
    return found


@pytest.fixture
def runs(release: Release) -> list[JobRun]:
    record = RunRecord(STARTED, 0, release_id=release.id, checks=(CHECK,))
    return job_runs(record, LINES, [KVA, OLD], Models.of(MANIFEST), release)


def _sent(runs: list[JobRun], folder: Path) -> list[dict[str, Any]]:
    path = folder / "lineage" / "events.jsonl"
    assert send(events(runs, "regionen", STARTED), Lineage(file=path)) == []
    return [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]


def test_a_table_is_told_from_the_delivered_file_to_what_is_published(runs: list[JobRun], release: Release) -> None:
    told = {run.job: ([d.name for d in run.inputs], [d.name for d in run.outputs]) for run in runs}
    # A delivery that was read before is no input of this run.
    assert told["ingestion.kva"] == (["raw/kva/kva_2022-08-31.csv"], ["bronze/kva"])
    assert "run/quarantine" in told["ingestion.settle"][1]
    assert told["gate_delivery.kva"] == (["bronze/kva"], [])
    assert told["dbt_staging.stg_kva"] == (["bronze/kva", "seeds/organisation"], ["sources/stg_kva"])
    assert "published/indicator_result" in told["published__release"][1]
    assert runs[-1].job == DAILY_RUN and runs[-1].seconds == 9
    assert {d.version for d in runs[-1].outputs} == {release.id}
    assert not [job for job in told if "tavla" in job]


def test_every_event_is_one_of_the_specification(runs: list[JobRun], tmp_path: Path) -> None:
    found = _sent(runs, tmp_path)
    checker = jsonschema.Draft202012Validator(RUN_EVENT, format_checker=jsonschema.FormatChecker())
    for event in found:
        checker.validate(event)
        UUID(event["run"]["runId"])
        assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None
    assert [e["eventType"] for e in found] == ["START", *["START", "COMPLETE"] * 5, "COMPLETE"]
    assert found[0]["job"]["name"] == found[-1]["job"]["name"] == DAILY_RUN
    assert {e["job"]["namespace"] for e in found} == {"regionen"}
    parents = {e["run"]["facets"]["parent"]["run"]["runId"] for e in found[1:-1]}
    assert parents == {found[0]["run"]["runId"]}
    assert found[1]["eventTime"] == "2026-11-26T07:00:01+00:00" and found[2]["eventTime"] == "2026-11-26T07:00:02+00:00"


def test_rows_columns_and_what_gates_found_are_told(runs: list[JobRun], tmp_path: Path) -> None:
    ended = {e["job"]["name"]: e for e in _sent(runs, tmp_path) if e["eventType"] == "COMPLETE"}
    (bronze,) = ended["ingestion.kva"]["outputs"]
    assert bronze["outputFacets"]["outputStatistics"]["rowCount"] == 11
    (staged,) = ended["dbt_staging.stg_kva"]["outputs"]
    (column,) = staged["facets"]["schema"]["fields"]
    assert (column["name"], column["type"], column["description"]) == ("kva_kod", "varchar", "KVÅ code.")
    (judged,) = ended["gate_delivery.kva"]["inputs"]
    (check,) = judged["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (check["assertion"], check["success"], check["severity"]) == ("delivery/_all/har_rader", False, "critical")


def test_no_personnummer_leaves_in_a_file_name_an_error_or_what_was_observed(release: Release, tmp_path: Path) -> None:
    named = _delivery(f"kva/{NUMBER} kva_2022-08-31.csv", date(2022, 8, 31), "a", 11)
    record = RunRecord(STARTED, 1, error=f"Raden {NUMBER} är fel.", checks=(CHECK,))
    found = _sent(job_runs(record, LINES, [named], Models.of(MANIFEST), None), tmp_path)
    assert "kva_2022-08-31.csv" in json.dumps(found, ensure_ascii=False)
    assert "9801" not in json.dumps(found)


def test_a_run_that_failed_says_so_and_publishes_nothing(tmp_path: Path) -> None:
    stopped = Line(STARTED, "dbt_staging", None, None, None, 1.0, error="x", ended="2026-11-26T07:00:05+00:00")
    record = RunRecord(STARTED, 1, error="dbt stannade.")
    found = _sent(job_runs(record, [LINES[0], stopped], [KVA], Models.of(MANIFEST), None), tmp_path)
    assert [e["eventType"] for e in found] == ["START", "START", "COMPLETE", "FAIL"]
    assert found[-1]["run"]["facets"]["errorMessage"]["message"] == "dbt stannade."
    assert "outputs" not in found[-1] or found[-1]["outputs"] == []


def test_lines_of_another_run_are_not_told(release: Release) -> None:
    record = RunRecord("2026-11-27T07:00:00+00:00", 0, release_id=release.id)
    assert [run.job for run in job_runs(record, LINES, [KVA], Models.of(MANIFEST), release)] == [DAILY_RUN]


# --- An address ------------------------------------------------------------------------------------------------------


class _Backend(BaseHTTPRequestHandler):
    """Takes events as a lineage store does."""

    status = 201
    received: list[tuple[str, str | None, dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.received.append((self.path, self.headers["Authorization"], body))
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def backend() -> Iterator[tuple[type[_Backend], HttpUrl]]:
    handler = type("Backend", (_Backend,), {"received": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield handler, HttpUrl(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_events_are_posted_to_an_address_with_its_key(
    runs: list[JobRun], backend: tuple[type[_Backend], HttpUrl], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, address = backend
    monkeypatch.setenv(LINEAGE_KEY_VARIABLE, "hemlig")
    found = events(runs, "regionen", STARTED)
    assert send(found, Lineage(address=address)) == []
    assert len(handler.received) == len(found)
    assert {(path, key) for path, key, _ in handler.received} == {("/api/v1/lineage", "Bearer hemlig")}
    assert handler.received[-1][2]["job"]["name"] == DAILY_RUN


def test_an_address_that_refuses_or_is_not_there_is_one_sentence(
    runs: list[JobRun], backend: tuple[type[_Backend], HttpUrl], tmp_path: Path
) -> None:
    handler, address = backend
    handler.status = 400
    found = events(runs, "regionen", STARTED)
    (refused,) = send(found, Lineage(address=address))
    assert "kunde inte skickas till 127.0.0.1" in refused and "lineage.address" in refused
    assert len(handler.received) == 1, "the rest is not tried"
    (away,) = send(found, Lineage(address=HttpUrl("http://127.0.0.1:9")))
    assert "utgåvan berörs inte" in away
    (tmp_path / "file").touch()
    (unwritten,) = send(found, Lineage(file=tmp_path / "file" / "events.jsonl"))
    assert "kunde inte skrivas" in unwritten and "lineage.file" in unwritten
