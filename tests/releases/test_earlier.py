"""What a release hides and an older one shows is listed for the steward, without the number."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.products.steward_page.page import SHOWN_CSV, write_page
from dagster_project.releases.earlier import shown_before
from dagster_project.releases.store import Release
from dagster_project.runs.history import RunRecord
from tests.releases.small import INDICATORS, overwrite, small_release

FIRST, SECOND = INDICATORS[:2]


def test_cells_are_listed_with_the_newest_release_that_shows_them(tmp_path: Path) -> None:
    data = DataPaths(tmp_path / "data")
    old = small_release(data, 1)
    newer = small_release(data, 2, indicators=[FIRST])
    overwrite(data.releases / small_release(data, 3) / "indicator_result.parquet", b"x")  # damaged: told by nobody
    small_release(data, 4, indicators=[SECOND], dold=True)
    now = small_release(data, 5, indicators=[FIRST, SECOND], dold=True)
    small_release(data, 6)  # a later day's
    found = shown_before(data, now)
    assert dict(found.select("indicator_id", "visad_i").iter_rows()) == {FIRST: newer, SECOND: old}
    assert not {"taljare", "namnare", "varde"} & set(found.columns)
    assert shown_before(data, newer).height == shown_before(data, None).height == 0


def test_the_releases_are_read_once_while_the_same_ones_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = DataPaths(tmp_path / "data")
    old = small_release(data, 1)
    newer = small_release(data, 2, indicators=[FIRST])
    now = small_release(data, 3, indicators=[FIRST], dold=True)
    read: list[str] = []
    scan = Release.scan
    monkeypatch.setattr(Release, "scan", lambda release, name: read.append(release.id) or scan(release, name))
    found = shown_before(data, now)
    assert found["visad_i"].to_list() == [newer] and newer in read
    read.clear()
    assert shown_before(data, now).equals(found)
    assert read == []
    # An older one that is removed, as the page advises, or a kept answer that is damaged, is asked anew.
    shutil.rmtree(data.releases / newer)
    assert shown_before(data, now)["visad_i"].to_list() == [old]
    overwrite(data.history / "visade_forut.parquet", b"x")
    assert shown_before(data, now)["visad_i"].to_list() == [old]


def test_the_page_says_so_and_links_to_the_list(tmp_path: Path) -> None:
    data = DataPaths(tmp_path / "data")
    old = small_release(data, 1)
    hidden = small_release(data, 2, indicators=[FIRST], dold=True)
    record = RunRecord("2022-09-03T04:00:00+00:00", 0, hidden, "2022-09-02", hidden)
    page = write_page(data, [record], [], []).read_text(encoding="utf-8")
    assert "1 tal är dolt i den här utgåvan men visas i en äldre" in page
    listed = (data.docs / SHOWN_CSV).read_text(encoding="utf-8-sig")
    assert FIRST in listed and old in listed
    # Nothing of the kind any more: no list is left that would be taken for today's.
    record = RunRecord("2022-09-04T04:00:00+00:00", 0, old, "2022-09-01", old)
    assert "hämta listan som CSV" not in write_page(data, [record], [], []).read_text(encoding="utf-8")
    assert not (data.docs / SHOWN_CSV).exists()
