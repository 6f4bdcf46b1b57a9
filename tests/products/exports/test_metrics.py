"""`metrics.prom`, read by Prometheus' own parser."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from prometheus_client.parser import text_string_to_metric_families

from dagster_project.core.paths import DataPaths
from dagster_project.products.exports import metrics
from dagster_project.products.exports.metrics import Metric
from dagster_project.products.reading import Reading
from dagster_project.runs.folder import RunFolder
from dagster_project.runs.history import RunRecord, add_record
from dagster_project.runs.log import note, run_log, step
from tests.products.exports.small import exported_release, results


def _parsed(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = list(text_string_to_metric_families(text))
    assert all(f.type == "gauge" and f.documentation and f.samples for f in families)
    found = [
        (s.name.removeprefix("resultattavla_"), frozenset(s.labels.items()), s.value)
        for f in families
        for s in f.samples
    ]
    assert len({key[:2] for key in found}) == len(found)
    return {(name, labels): value for name, labels, value in found}


def _of(**labels: str) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    return exported_release(DataPaths(tmp_path))


def test_a_release_and_the_last_run_are_told(reading: Reading, tmp_path: Path) -> None:
    data = DataPaths(tmp_path)
    record = RunRecord("2022-09-30T04:00:00+00:00", 2, overdue=("kva",), seconds=31.5)
    add_record(data, RunRecord("2022-09-29T04:00:00+00:00", 0), keep=9)
    add_record(data, record, keep=9)
    path = tmp_path / "metrics.prom"
    metrics.write(reading, data, path)
    found = _parsed(path.read_text(encoding="utf-8"))
    release = reading.release
    assert found["release_info", _of(release_id=release.id, as_of="2022-09-30", code_version="")] == 1
    assert found["release_rows", _of(table="indicator_result")] == results().height
    assert found["release_cells", _of(status="dold")] == results().filter(pl.col("status") == "dold").height
    assert found["source_age_days", _of(source="vantetider")] == 29
    assert found["source_newest_delivery_timestamp_seconds", _of(source="vantetider")] == 1661990400
    assert found["source_rows", _of(source="vantetider", kind="quarantined")] == 2
    assert found["source_rows", _of(source="vantetider", kind="read")] == 19
    assert found["source_deliveries", _of(source="vantetider")] == 2
    assert ("source_age_days", _of(source="kva")) not in found  # nothing of it was ever accepted
    assert found["source_held_back", _of(source="kva")] == 1
    assert found["indicators_held_back", _of()] == 1 and found["indicators_frozen", _of()] == 0
    assert found["run_exit_code", _of()] == 2 and found["run_seconds", _of()] == 31.5
    assert found["run_started_timestamp_seconds", _of()] == 1664510400
    assert found["run_deliveries_overdue", _of()] == 1


def test_the_steps_of_the_last_run_are_told_by_source(reading: Reading, tmp_path: Path) -> None:
    data, started = DataPaths(tmp_path), "2022-09-30T04:00:00+00:00"
    add_record(data, RunRecord(started, 0), keep=9)
    with run_log(RunFolder(data).log, started) as log:
        log.begin()
        with step("ingestion") as told:
            for delivery in ("a", "b"):
                with step("ingestion", "kva", delivery) as told:
                    told.rows = 5
            note("ingestion", "settle", 1.0)
        with step("products"):
            metrics.write(reading, data, tmp_path / "metrics.prom")
    text = (tmp_path / "metrics.prom").read_text(encoding="utf-8")
    found = _parsed(text)
    assert found["run_step_rows", _of(step="ingestion", source="kva")] == 10
    assert found["run_step_peak_bytes", _of(step="ingestion", source="")] > 10_000_000
    assert {labels for name, labels in found if name == "run_step_seconds"} == {
        _of(step="ingestion", source=""),
        _of(step="ingestion", source="kva"),
    }
    metrics.write(reading, data, tmp_path / "again.prom")
    assert (tmp_path / "again.prom").read_text(encoding="utf-8") == text, (
        "the log has gone on; the metrics are the same"
    )

    add_record(data, RunRecord("2022-10-01T04:00:00+00:00", 1), keep=9)  # a run that logged nothing
    metrics.write(reading, data, tmp_path / "later.prom")
    assert "run_step" not in (tmp_path / "later.prom").read_text(encoding="utf-8")


def test_without_a_run_only_the_release_is_told(reading: Reading, tmp_path: Path) -> None:
    found = _parsed(metrics.text(metrics.metrics(reading, None)))
    assert found and not [name for name, _ in found if name.startswith("run_")]


def test_whatever_a_label_says_is_read_back() -> None:
    said = 'C:\\mapp "å" \n}{ ny=1'
    (key,) = _parsed(metrics.text([Metric("x", "Hjälp \\ \n rad två", (({"a": said}, 0.1),))]))
    assert key == ("x", _of(a=said))
