"""Data folders that were somewhere else or made by somebody else: a restored backup, an older version's layout."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.ingestion.bronze import digest_of
from dagster_project.operations.claim import MARK
from dagster_project.operations.daily_run import RunOutcome
from dagster_project.operations.rebuild import Rebuild
from dagster_project.releases.publish import switch_current
from dagster_project.releases.store import current_id, current_release, release_ids
from dagster_project.runs.folder import LEDGER, QUARANTINE, RunFolder
from dagster_project.runs.history import last_success, read_records
from tests.conftest import Run
from tests.extracts import Pipeline, base
from tests.jobs import said
from tests.releases.small import small_release


def with_links_and_times(data: DataPaths, to: Path) -> None:
    shutil.copytree(data.root, to, symlinks=True)


def contents_only(data: DataPaths, to: Path) -> None:
    """As a copy over a network share or from a packed archive: no links, no times, no modes."""
    shutil.copytree(data.root, to, copy_function=shutil.copyfile)
    for path in sorted(to.rglob("*")):
        os.utime(path, (1, 1))


@pytest.mark.parametrize("back_up", [with_links_and_times, contents_only])
def test_a_restored_backup_is_what_it_was(
    run: Run, first: RunOutcome, tmp_path: Path, back_up: Callable[[DataPaths, Path], None]
) -> None:
    made = first.release
    assert made is not None
    later = small_release(first.data, 1)  # of the day after: the order must not turn on file times
    order, success = release_ids(first.data), last_success(first.data)
    switch_current(first.data, made.id)
    back_up(first.data, tmp_path / "backup")
    shutil.rmtree(first.data.root)
    restored = DataPaths(tmp_path / "elsewhere" / "data")
    shutil.copytree(tmp_path / "backup", restored.root, symlinks=True)
    assert release_ids(restored) == order == [made.id, later] and last_success(restored) == success
    shown = current_release(restored)
    assert shown is not None and shown.id == made.id
    shutil.rmtree(restored.releases / later)
    again = run(tmp_path / "raw", restored.root)
    assert again.release is not None and again.release.id == made.id == current_id(restored)
    # A copy with its times is as it was left: nothing is new. Without them everything is made again, the same.
    assert again.trouble == () and again.nothing_new is (back_up is with_links_and_times)
    assert again.release.table("indicator_result").equals(shown.table("indicator_result"))
    assert run(tmp_path / "raw", restored.root).nothing_new
    closed = [p for top in restored.person_level for p in (top, *top.rglob("*")) if p.exists()]
    assert closed and not any(p.stat().st_mode & 0o077 for p in closed)


def rewrite(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    content = change(json.loads(path.read_text(encoding="utf-8")))
    path.chmod(0o644)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def without(content: dict[str, Any], *names: str) -> dict[str, Any]:
    return {k: v for k, v in content.items() if k not in names}


def make_old(data: DataPaths, old_id: str) -> None:
    """What the version of autumn 2022 would have left: no mark, fewer keys everywhere, everything open to all."""
    (data.root / MARK).unlink()
    (data.root / ".run.lock").rename(data.root / ".korning.lock")

    def note(content: dict[str, Any]) -> dict[str, Any]:
        old = {**without(content, "note", "replaced", "unknown", "absent"), "version": 3, "position": None}
        return {**old, "note": digest_of(old)}

    for path in data.bronze.glob("*/*.json"):
        rewrite(path, note)
    (release,) = data.releases.iterdir()
    new = ("korning", "publicerad", "frysta_indikatorer", "frysta_sedan", "undantag")
    rewrite(release / "manifest.json", lambda c: {**without(c, *new), "release_id": old_id})
    release.rename(data.releases / old_id)
    (index,) = data.evidence.glob("*.json")

    def entries(content: dict[str, Any]) -> dict[str, Any]:
        told = {
            i: {**without(e, "files", "hides"), "file": e["files"][0][0], "release_id": old_id}
            for i, e in content["indicators"].items()
        }
        return {**content, "release_id": old_id, "indicators": told}

    rewrite(index, entries)
    index.rename(data.evidence / f"{old_id}.json")
    (record,) = data.history.glob("*.json")
    fields = ("beside", "rejected", "shrunk", "rows", "seen")
    rewrite(record, lambda c: {**without(c, *fields), "release_id": old_id, "run_id": old_id})
    shutil.rmtree(data.run)
    shutil.rmtree(data.docs)
    data.run.mkdir()
    (data.run / "karantan.parquet").write_bytes(b"rows of persons under an older name")
    for path in data.root.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644, follow_symlinks=True) if path.exists() else None
    switch_current(data, old_id)


def test_a_folder_of_an_older_version_is_adopted_and_nothing_of_it_is_lost(
    run: Run, first: RunOutcome, tmp_path: Path
) -> None:
    made, data = first.release, first.data
    assert made is not None
    rows, (started,) = made.table("indicator_result"), [r.started for r in read_records(data, 9)]
    tables = {name: RunFolder(data).read(name) for name in (LEDGER, QUARANTINE)}
    old_id = "2022-08-31-0ddba11c0ffe"
    make_old(data, old_id)
    told = said("status", "--data", data.root)
    assert old_id in told.stdout + told.stderr and "Traceback" not in told.stderr
    again = run(tmp_path / "raw", data.root)
    assert again.release is not None and again.trouble == ()
    # The right results under today's id; the older release stays beside it and can be read.
    assert again.release.id == made.id == current_id(data) and release_ids(data) == [old_id, made.id]
    assert again.release.table("indicator_result").equals(rows)
    assert pl.read_parquet(data.releases / old_id / "indicator_result.parquet").equals(rows)
    assert {name: RunFolder(data).read(name) for name in tables}.keys() == tables.keys()
    assert all(RunFolder(data).read(name).equals(table) for name, table in tables.items())
    assert [r.release_id for r in read_records(data, 9)] == [made.id, old_id]
    assert read_records(data, 9)[1].started == started
    page = (data.docs / "index.html").read_text(encoding="utf-8")
    assert old_id in page
    explained = said("explain", "avvikelser_antal", "--period", "2022-03", "--release", old_id, "--data", data.root)
    assert explained.returncode == 0, explained.stderr
    # Adopted: it carries the mark, and what holds persons' data is closed to others.
    assert not (data.run / "karantan.parquet").exists()
    assert (data.root / MARK).is_file() and data.bronze.stat().st_mode & 0o777 == 0o700


def test_deliveries_that_must_be_read_again_and_have_left_raw_are_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stored by an older version or under another key; nothing of them is removed, and there is a way on."""
    monkeypatch.setenv("RESULTATTAVLA_PERSON_KEY", "test")
    pipeline = Pipeline(tmp_path)
    ids, days = {"kva": "vardkontakt_id", "gas": "gas_id"}, ("2022-06-01", "2022-06-02")
    files = [pipeline.deliver(s, day, base(s, **{name: f"V{day}"})) for s, name in ids.items() for day in days]
    pipeline.ledger()
    for file in files[:3]:
        file.unlink()
    before = sorted(pipeline.data.bronze.rglob("*"))
    monkeypatch.setenv("RESULTATTAVLA_PERSON_KEY", "another")
    with pytest.raises(ResultattavlaError, match="3 leveranser måste läsas om") as refused:
        pipeline.ledger()
    told = str(refused.value)
    assert all(f"{file.parent.name}/{file.name}" in told for file in files[:3])
    assert files[3].name not in told
    assert "--rebuild" in told and sorted(pipeline.data.bronze.rglob("*")) == before
    Rebuild(pipeline.data, pipeline.raw).begin()
    assert list(pipeline.ledger()[1]) == [f"gas/{files[3].name}"]
