"""What is kept and what is removed: releases, bronze, Dagster's logs, run records."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.core.paths import DataPaths
from dagster_project.operations.upkeep import prune_bronze, prune_releases, sweep
from dagster_project.releases.manifest import Manifest
from dagster_project.releases.publish import switch_current
from dagster_project.releases.store import current_release, read_release
from dagster_project.runs.history import RunRecord, add_record, read_records
from tests.extracts import Pipeline, base

INDICATORS = [i.id for i in load_catalogue()]


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    monkeypatch.setenv("RESULTATTAVLA_PERSON_KEY", "test")
    return Pipeline(tmp_path)


@pytest.fixture
def data(tmp_path: Path) -> DataPaths:
    return DataPaths(tmp_path / "data")


def release(data: DataPaths, day: int, held_back: tuple[str, ...] = (), frozen: dict[str, str] | None = None) -> str:
    """A small release of a day in September, made in the order of the days."""
    release_id = f"2022-09-{day:02d}-{day:012d}"
    folder = data.releases / release_id
    folder.mkdir(parents=True)
    (folder / "indicator_result.csv").write_text(release_id)
    files = {"indicator_result.csv": {"sha256": hashlib.sha256(release_id.encode()).hexdigest(), "rows": 1}}
    Manifest(
        release_id=release_id,
        run_id=release_id,
        as_of=release_id[:10],
        inputs=[],
        code_version="",
        catalogue_version="",
        packages={},
        parameters={},
        sources={},
        gates={},
        held_back={i: ["kva"] for i in held_back},
        frozen=frozen or {},
        frozen_since={},
        waivers=[],
        files=files,
    ).write(folder)
    os.utime(folder / "manifest.json", (day, day))
    return release_id


def kept(data: DataPaths) -> set[str]:
    return {p.name for p in data.releases.iterdir()}


def test_the_newest_releases_are_kept(data: DataPaths) -> None:
    made = [release(data, day) for day in range(1, 7)]
    switch_current(data, made[-1])
    assert prune_releases(data, 3) == set(made[-3:]) == kept(data)
    assert prune_releases(data, 3) == kept(data)


def test_the_current_release_is_kept_however_old(data: DataPaths) -> None:
    made = [release(data, day) for day in range(1, 6)]
    switch_current(data, made[0])
    prune_releases(data, 1)
    assert kept(data) == {made[0], made[-1]}
    assert current_release(data) is not None


def test_releases_that_frozen_rows_come_from_are_kept(data: DataPaths) -> None:
    origin = release(data, 1)
    release(data, 2)
    # On the third day one indicator shows rows of the first; the second day's are not needed by anyone.
    made = release(data, 3, (INDICATORS[0],), {INDICATORS[0]: origin})
    newest = release(data, 4, (INDICATORS[0],), {INDICATORS[0]: origin})
    switch_current(data, newest)
    prune_releases(data, 2)
    assert {origin, made, newest} <= kept(data)


def test_the_newest_release_in_which_each_indicator_passed_is_kept(data: DataPaths) -> None:
    """Should its source fail tomorrow, its frozen rows come from there."""
    release(data, 1)
    passed = release(data, 2)
    failing = [release(data, day, (INDICATORS[3],)) for day in (3, 4, 5)]
    switch_current(data, failing[-1])
    prune_releases(data, 1)
    assert kept(data) == {passed, failing[-1]}


def test_a_damaged_release_is_left_to_be_seen(data: DataPaths) -> None:
    made = [release(data, day) for day in range(1, 4)]
    (data.releases / made[0] / "manifest.json").write_text("{")
    switch_current(data, made[-1])
    prune_releases(data, 1)
    assert kept(data) == {made[0], made[-1]}
    assert read_release(data.releases / made[0]) is None


def test_what_killed_runs_leave_is_swept(data: DataPaths) -> None:
    whole = release(data, 1)
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
    assert sorted(p.name for p in data.releases.rglob("*")) == [whole, "indicator_result.csv", "manifest.json"]
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
