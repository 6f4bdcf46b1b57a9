"""Old files are looked up, not hashed: who touches one, a disk that loses bits, and a first run are all seen."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from dagster_project.core.files import sha256_of
from dagster_project.core.paths import DataPaths
from dagster_project.ingestion import remembered as module
from dagster_project.ingestion.remembered import SHARE, Remembered, remembered
from tests.extracts import BASE, Pipeline, base


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were hashed in full."""
    names: list[str] = []

    def counting(path: Path) -> str:
        names.append(path.name)
        return sha256_of(path)

    monkeypatch.setattr(module, "sha256_of", counting)
    monkeypatch.setattr(module, "RACY_NS", -(10**18))
    return names


@pytest.fixture
def data(tmp_path: Path) -> DataPaths:
    data = DataPaths(tmp_path / "data")
    data.bronze.mkdir(parents=True)
    return data


def run(data: DataPaths, files: list[Path]) -> list[str]:
    """One run's look at the files."""
    seen = remembered(data)
    seen.look_again()
    found = [seen.sha256(path) for path in files]
    seen.save(data)
    return found


def written(folder: Path, count: int) -> list[Path]:
    files = [folder / f"f{i:03}" for i in range(count)]
    for i, path in enumerate(files):
        path.write_text(f"row {i}")
    return files


def test_each_file_is_hashed_once_and_then_a_share_of_them(data: DataPaths, tmp_path: Path, hashed: list[str]) -> None:
    files = written(tmp_path, 2 * SHARE)
    first = run(data, files)
    assert len(hashed) == 2 * SHARE
    hashed.clear()
    for _ in range(SHARE):
        assert run(data, files) == first
    assert sorted(hashed) == sorted(path.name for path in files)  # two a run: each once in so many runs


@pytest.mark.parametrize("back", [False, True])
def test_a_file_that_was_touched_is_hashed(data: DataPaths, tmp_path: Path, hashed: list[str], back: bool) -> None:
    """Also where its size stays and its time is set back, as by a copy that keeps times."""
    files = written(tmp_path, 3)
    first = run(data, files)
    before = files[1].stat()
    time.sleep(0.02)
    files[1].write_text("row X")
    if back:
        os.utime(files[1], ns=(before.st_atime_ns, before.st_mtime_ns))
    second = run(data, files)
    assert second[1] == sha256_of(files[1]) != first[1] and second[::2] == first[::2]


def test_what_a_disk_lost_is_found_by_the_share(data: DataPaths, tmp_path: Path, hashed: list[str]) -> None:
    """The content is another, and nothing that the system says of the file shows it."""
    files = written(tmp_path, 2)
    run(data, files)
    seen = remembered(data)
    name = os.fspath(files[0])
    seen.entries[name]["sha256"] = "0" * 64
    seen._seen = dict(seen.entries)
    seen.save(data)
    for _ in range(3):
        found = run(data, files)
    assert found == [sha256_of(path) for path in files]


def test_a_file_that_was_just_written_is_not_remembered(data: DataPaths, tmp_path: Path) -> None:
    """It can be written again in the same tick of the clock."""
    (file,) = written(tmp_path, 1)
    run(data, [file])
    assert remembered(data).entries == {}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"version": 0}',
        '{"version": 1, "run": "x", "files": {}}',
        '{"version": 1, "run": 0, "files": []}',
        '{"version": 1, "run": 0, "files": null}',
        '{"version": 1, "run": 0, "files": {"/x": []}}',
        '{"version": 1, "run": 0, "files": {"/x": {"sha256": "a", "state": [1]}}}',
        '{"version": 1, "run": 0, "files": {"/x": {"sha256": 1, "state": [1], "run": 0}}}',
    ],
)
def test_a_damaged_memory_is_none(data: DataPaths, content: str) -> None:
    (data.bronze / ".seen.json").write_text(content)
    assert remembered(data) == Remembered()


def test_gone_files_are_forgotten(data: DataPaths, tmp_path: Path, hashed: list[str]) -> None:
    files = written(tmp_path, 2)
    run(data, files)
    files[0].unlink()
    run(data, files[1:])
    assert list(remembered(data).entries) == [os.fspath(files[1])]
    with pytest.raises(FileNotFoundError):
        remembered(data).sha256(files[0])


def test_a_run_that_finds_nothing_new_hashes_nothing_of_old_files(tmp_path: Path, hashed: list[str]) -> None:
    pipeline = Pipeline(tmp_path)
    for day in range(1, 6):
        pipeline.deliver("kva", f"2022-08-0{day}", BASE["kva"], base("kva", vardkontakt_id=f"K{day}"))
    first = pipeline.run()
    pipeline.run()  # what the first one wrote is hashed once
    hashed.clear()
    again = pipeline.run()
    assert len(hashed) <= 1 and again.ledger == first.ledger
    # A bronze file that somebody changed is read again.
    rows = next((pipeline.data.bronze / "kva").glob("2022-08-03*.accepted.parquet"))
    good = rows.read_bytes()
    rows.write_bytes(good[:-1] + b"x")
    assert pipeline.run().ledger == first.ledger and rows.read_bytes() == good
