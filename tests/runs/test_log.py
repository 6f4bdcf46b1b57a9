"""The run log: one line per step as it ends, also of one that fails; counts and times, never a row's values."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import PROJECT, DataPaths
from dagster_project.runs.history import RunRecord, add_record, keep_log, log_of
from dagster_project.runs.log import RUN, Line, by_source, note, peak_since_last, read_log, run_log, step

STARTED = "2026-11-26T07:00:00+00:00"
MB = 1_000_000


def test_a_step_is_a_line_as_it_ends_with_its_rows_time_and_memory(tmp_path: Path) -> None:
    path = tmp_path / "run" / "log.jsonl"
    with run_log(path, STARTED) as log:
        log.begin()
        with step("gate_delivery", source="kva") as told:
            told.rows = 12
            held = b"x" * (80 * MB)
            time.sleep(0.05)
        del held
        (line,) = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
        assert line["run"] == STARTED and line["step"] == "gate_delivery" and line["source"] == "kva"
        assert line["rows"] == 12 and line["error"] is None
        assert 0.05 <= line["seconds"] < 5
        assert line["peak_bytes"] >= 80 * MB
        log.end()
    assert [line.step for line in read_log(path)] == ["gate_delivery", RUN]


_TWO_STEPS = """
import sys
from pathlib import Path
from dagster_project.runs.log import run_log, step

with run_log(Path(sys.argv[1]), "2022-08-31T06:00:00+00:00") as log:
    log.begin()
    with step("dbt_cells"):
        with step("dbt_cells", part="much"):
            held = b"x" * 150_000_000
        del held
        with step("dbt_cells", part="little"):
            pass
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux lets the high-water mark begin anew")
def test_memory_is_that_of_the_step_and_of_what_it_is_part_of(tmp_path: Path) -> None:
    # In a process of its own: in this one, memory that other tests have left goes and comes as it likes.
    log = tmp_path / "log.jsonl"
    subprocess.run([sys.executable, "-c", _TWO_STEPS, log], check=True, cwd=PROJECT)
    much, little, whole = (line.peak_bytes or 0 for line in read_log(log))
    assert much - little > 100 * MB
    assert whole >= much


def test_a_step_that_fails_says_why_but_quotes_no_row(tmp_path: Path) -> None:
    with run_log(tmp_path / "log.jsonl", STARTED) as log:
        log.begin()
        with pytest.raises(ResultattavlaError):
            with step("ingestion"):
                raise ResultattavlaError("Filen kva.csv kan inte läsas: rad 3 har 19850101-9801.")
        with pytest.raises(ValueError):
            with step("ingestion", "kva"):
                raise ValueError("could not parse 'Anna Svensson'")
    told, unforeseen = (line.error for line in read_log(tmp_path / "log.jsonl"))
    assert told is not None and told.startswith("Filen kva.csv kan inte läsas")
    assert "9801" not in told
    assert unforeseen == "ValueError"


def test_what_came_before_the_job_is_kept_and_a_run_with_nothing_to_do_leaves_the_log_before(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with run_log(path, STARTED) as log:
        with step("looking"):
            pass
        assert not path.exists()
        log.begin()
        with step("ingestion"):
            pass
    with run_log(path, "2026-11-27T07:00:00+00:00"):
        with step("looking"):
            pass
    assert [(line.run, line.step) for line in read_log(path)] == [(STARTED, "looking"), (STARTED, "ingestion")]


def test_outside_a_run_nothing_is_logged_and_what_is_timed_by_others_is_a_part(tmp_path: Path) -> None:
    with step("ingestion") as told:
        told.rows = 1
    note("dbt_cells", "cells", 1.0)
    with run_log(tmp_path / "log.jsonl", STARTED) as log:
        log.begin()
        note("dbt_cells", "cells", 1.23456, rows=7)
    assert read_log(tmp_path / "log.jsonl") == [Line(STARTED, "dbt_cells", None, "cells", 7, 1.235)]


def test_steps_of_many_threads_are_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"

    def read(source: str) -> None:
        for n in range(20):
            with step("ingestion", source, str(n)) as told:
                told.rows = 1

    with run_log(path, STARTED) as log:
        log.begin()
        threads = [threading.Thread(target=read, args=(source,)) for source in ("kva", "bhk", "gas", "ronder")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(path.read_text(encoding="utf-8").splitlines()) == 80 == len(read_log(path))
    assert {(line.source, line.rows) for line in by_source(read_log(path))} == {
        ("kva", 20), ("bhk", 20), ("gas", 20), ("ronder", 20),
    }  # fmt: skip


def test_a_half_written_line_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"run": "r", "step": "ingestion"}\n[1]\n{"run": "r"}\n{"run": "r", "st', encoding="utf-8")
    assert read_log(path) == [Line("r", "ingestion")]
    assert read_log(tmp_path / "absent") == []


def test_a_log_that_cannot_be_written_stops_no_step_and_is_remembered(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with run_log(tmp_path / "file" / "log.jsonl", STARTED) as log:
        log.begin()
        with step("ingestion") as told:
            told.rows = 1
    assert isinstance(log.fault, OSError)


def test_lines_of_a_step_are_told_together_in_the_order_of_the_steps() -> None:
    lines = [
        Line("r", "ingestion", "kva", "a", 2, 1.0, 1.5, 50),
        Line("r", "ingestion", "bhk", "b", 1, 0.5, 0.5, 70),
        Line("r", "ingestion", "kva", "c", 3, 2.0, 2.5, 60),
        Line("r", "ingestion", None, "settle", None, 4.0, 4.0, 10),
        Line("r", "ingestion", None, None, None, 9.0, 9.0, 70),
        Line("r", "dbt_staging", None, "stg_kva", 5, 0.1),
    ]
    assert by_source(lines) == [
        Line("r", "ingestion", None, None, None, 9.0, 9.0, 70),
        Line("r", "ingestion", "kva", None, 5, 3.0, 4.0, 60),
        Line("r", "ingestion", "bhk", None, 1, 0.5, 0.5, 70),
        Line("r", "ingestion", None, "settle", None, 4.0, 4.0, 10),
        Line("r", "dbt_staging", None, "stg_kva", 5, 0.1),
    ]


def test_a_log_is_kept_as_long_as_the_record_of_its_run(tmp_path: Path) -> None:
    data = DataPaths(tmp_path)
    data.history.mkdir()
    log = tmp_path / "log.jsonl"
    records = [RunRecord(f"2026-11-2{n}T07:00:00+00:00", 0, run_id=f"2026-11-2{n}-abc") for n in range(3)]
    for record in records:
        log.write_text(record.started, encoding="utf-8")
        add_record(data, record, keep=2)
        keep_log(data, record, log)
    assert not log_of(data, records[0]).exists()
    assert [log_of(data, r).read_text(encoding="utf-8") for r in records[1:]] == [r.started for r in records[1:]]


def test_the_machine_tells_how_much_memory_was_held() -> None:
    assert peak_since_last() > 10 * MB
