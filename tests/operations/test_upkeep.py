"""What is kept and what is removed: releases, bronze, Dagster's logs, run records."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.operations.upkeep import prune_bronze, prune_releases, sweep
from dagster_project.releases.publish import switch_current
from dagster_project.releases.store import current_release, read_release
from dagster_project.runs.history import RunRecord, add_record, read_records
from tests.extracts import Pipeline, base
from tests.releases.small import INDICATORS, LIMIT, overwrite, small_release


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    monkeypatch.setenv("RESULTATTAVLA_PERSON_KEY", "test")
    return Pipeline(tmp_path)


@pytest.fixture
def data(tmp_path: Path) -> DataPaths:
    return DataPaths(tmp_path / "data")


def prune(data: DataPaths, keep: int, day: int = 9) -> set[str]:
    """Retention after a run of a day in September."""
    return prune_releases(data, keep, f"2022-09-{day:02d}", LIMIT)


def kept(data: DataPaths) -> set[str]:
    return {p.name for p in data.releases.iterdir()}


def test_the_newest_releases_are_kept(data: DataPaths) -> None:
    made = [small_release(data, day) for day in range(1, 7)]
    switch_current(data, made[-1])
    assert prune(data, 3) == set(made[-3:]) == kept(data)
    assert prune(data, 3) == kept(data)


def test_the_current_release_is_kept_however_old(data: DataPaths) -> None:
    made = [small_release(data, day) for day in range(1, 6)]
    switch_current(data, made[0])
    prune(data, 1)
    assert kept(data) == {made[0], made[-1]}
    assert current_release(data) is not None


def test_releases_that_frozen_rows_come_from_are_kept(data: DataPaths) -> None:
    origin = small_release(data, 1)
    small_release(data, 2)
    # On the third day one indicator shows rows of the first; the second day's are not needed by anyone.
    made = small_release(data, 3, (INDICATORS[0],), {INDICATORS[0]: origin})
    newest = small_release(data, 4, (INDICATORS[0],), {INDICATORS[0]: origin})
    switch_current(data, newest)
    prune(data, 2)
    assert {origin, made, newest} <= kept(data)


def test_releases_that_reports_come_from_or_would_are_kept(data: DataPaths) -> None:
    shown = small_release(data, 1, reports="godkand")
    passed = small_release(data, 2, reports="varning")
    newest = small_release(data, 3, reports="fryst", frozen_reports=shown)
    switch_current(data, newest)
    prune(data, 1)
    assert kept(data) == {shown, passed, newest}


def test_the_newest_release_in_which_each_indicator_passed_is_kept(data: DataPaths) -> None:
    """Should its source fail tomorrow, its frozen rows come from there."""
    small_release(data, 1)
    passed = small_release(data, 2)
    failing = [small_release(data, day, (INDICATORS[3],)) for day in (3, 4, 5)]
    switch_current(data, failing[-1])
    prune(data, 1)
    assert kept(data) == {passed, failing[-1]}


def test_a_release_that_lacks_an_indicator_is_not_where_its_rows_come_from(data: DataPaths) -> None:
    """One by older code, which did not know it: it held nothing back, and has no rows to show."""
    small_release(data, 1)
    holds = small_release(data, 2)
    others = [i for i in INDICATORS if i != INDICATORS[4]]
    older_code = small_release(data, 3, indicators=others)
    failing = [small_release(data, day, (INDICATORS[4],), {INDICATORS[4]: holds}, number=day) for day in (4, 5)]
    switch_current(data, failing[-1])
    prune(data, 1)
    assert kept(data) == {holds, failing[-1]}
    assert older_code not in kept(data)


def test_what_the_next_run_can_freeze_is_kept(data: DataPaths) -> None:
    """Not a damaged release, not one that hid less than is hidden now, and not only one of a day to come."""
    strict = small_release(data, 2)
    small_release(data, 3, limit=LIMIT - 1)
    damaged = small_release(data, 4)
    overwrite(data.releases / damaged / "indicator_result.parquet", b"x")
    future = small_release(data, 20)
    switch_current(data, future)
    prune(data, 1, day=9)
    assert kept(data) == {strict, future}


def test_a_damaged_release_is_left_to_be_seen(data: DataPaths) -> None:
    made = [small_release(data, day) for day in range(1, 4)]
    overwrite(data.releases / made[0] / "manifest.json", b"{")
    switch_current(data, made[-1])
    prune(data, 1)
    assert kept(data) == {made[0], made[-1]}
    assert read_release(data.releases / made[0]) is None


def test_what_killed_runs_leave_is_swept(data: DataPaths) -> None:
    whole = small_release(data, 1)
    switch_current(data, whole)
    leftovers = [
        "bronze/kva/.2022-09-01_0.accepted.parquet.7.part",
        "run/.delivery.duckdb.7.part",
        "run/.delivery.duckdb.7.part.wal",
        "run/.delivery.duckdb.7.part.tmp/duckdb_temp_storage.tmp",
        "history/.x.json.7.part",
        "person.7.part",
        "published/.current.7",
        f"published/releases/.{whole}.7.staging/indicator.csv",
        "docs/.datadokumentation-abc/index.html",
        "warehouse.duckdb.tmp/duckdb_temp_storage.tmp",
    ]
    for name in leftovers:
        path = data.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert sweep(data)
    files = ["indicator.parquet", "indicator_result.parquet", "manifest.json"]
    assert sorted(p.name for p in data.releases.rglob("*")) == [
        whole,
        *files,
    ]
    assert not [n for n in leftovers if (data.root / n).exists()]
    assert sweep(data) == []


def test_what_bronze_holds_of_a_rejected_file_goes_with_the_file(pipeline: Pipeline) -> None:
    folder = pipeline.data.bronze / "avvikelser"
    pipeline.deliver("avvikelser", "2022-06-01", base("avvikelser"))
    bad = pipeline.put("avvikelser", "avvikelser_2022-06-02.csv", b"fel;kolumner\n1;2\n")
    settled = pipeline.run()
    assert len(list(folder.glob("*.json"))) == 2
    (note,) = folder.glob("2022-06-02*.json")
    note.with_suffix(".accepted.parquet").write_bytes(b"rows of an earlier contract")
    prune_bronze(pipeline.data, settled.ledger)
    assert len(list(folder.glob("*.json"))) == 2
    bad.unlink()
    prune_bronze(pipeline.data, [d for d in settled.ledger if d.source != "avvikelser"])
    # Accepted rows stay, with or without their file.
    assert {p.name[:10] for p in folder.glob("2022*")} == {"2022-06-01"}


def test_run_records_are_kept_to_a_number_and_damaged_ones_passed_over(data: DataPaths) -> None:
    for day in range(1, 8):
        add_record(data, RunRecord(f"2022-09-{day:02d}T06:00:00+00:00", 0), keep=4)
    assert [r.started[8:10] for r in read_records(data, 9)] == ["07", "06", "05", "04"]
    newest, *others = sorted(data.history.glob("*.json"), reverse=True)
    for path, text in zip(others, ("null", '"x"', "{"), strict=True):
        path.write_text(text)
    assert [r.started[8:10] for r in read_records(data, 9)] == ["07"]
