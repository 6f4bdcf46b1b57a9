"""Which releases there are, in which order, and which one `current` names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.releases.publish import is_placed, place, switch_current
from dagster_project.releases.store import Release, current_id, read_release, release_ids, releases
from tests.releases.small import overwrite, small_release


@pytest.fixture
def data(tmp_path: Path) -> DataPaths:
    return DataPaths(tmp_path / "data")


def whole(data: DataPaths, release_id: str) -> Release:
    release = read_release(data.releases / release_id)
    assert release is not None
    return release


def test_releases_of_one_day_are_ordered_as_they_were_published(data: DataPaths) -> None:
    made = [small_release(data, 2, number=n) for n in (3, 1, 2)] + [small_release(data, 1, number=9)]
    expected = [made[3], made[1], made[2], made[0]]
    assert release_ids(data) == expected
    assert [r.id for r in releases(data)] == expected[::-1]


def test_a_restored_backup_orders_them_the_same(data: DataPaths, tmp_path: Path) -> None:
    made = [small_release(data, 2, number=n) for n in (1, 2, 3)]
    for age, path in enumerate(sorted(data.releases.rglob("*"), reverse=True)):
        os.utime(path, (age, age))
    assert release_ids(data) == made
    shutil.copytree(data.root, tmp_path / "restored", copy_function=shutil.copyfile)
    assert release_ids(DataPaths(tmp_path / "restored")) == made


def test_a_damaged_manifest_has_a_place_and_is_no_release(data: DataPaths) -> None:
    made = [small_release(data, 2, number=n) for n in (1, 2)]
    for text in (b"{", b'{"publicerad": "i g\xc3\xa5r"}', b"\xff"):
        overwrite(data.releases / made[1] / "manifest.json", text)
        assert release_ids(data) == [made[1], made[0]]
        assert [r.id for r in releases(data)] == [made[0]]


def test_current_names_the_newest_day(data: DataPaths) -> None:
    first, second, corrected, past = (small_release(data, d, number=n) for d, n in ((1, 0), (3, 0), (3, 1), (2, 0)))
    place(data, whole(data, corrected), True)
    assert current_id(data) == corrected
    for release_id, expected in ((past, corrected), (first, corrected), (second, second), (corrected, corrected)):
        place(data, whole(data, release_id), True)
        assert current_id(data) == expected, release_id
        assert is_placed(data, whole(data, release_id), True)
    # A past day is chosen on purpose, and stays until the newest day is run again.
    switch_current(data, past)
    place(data, whole(data, first), True)
    assert current_id(data) == past
    place(data, whole(data, corrected), True)
    assert current_id(data) == corrected


def test_a_day_that_nobody_asked_for_is_the_newest_there_is(data: DataPaths) -> None:
    """The newest delivery was withdrawn, or a run of a wrong day was made: readers must not go on reading that."""
    right, mistaken = small_release(data, 1), small_release(data, 3)
    place(data, whole(data, mistaken), True)
    assert not is_placed(data, whole(data, right), False)
    place(data, whole(data, right), False)
    assert current_id(data) == right and is_placed(data, whole(data, right), False)


def test_a_past_day_beside_a_lost_or_damaged_newest_one(data: DataPaths) -> None:
    past, newest = small_release(data, 1), small_release(data, 2)
    place(data, whole(data, past), True)  # the link was lost: it names the newest again
    assert current_id(data) == newest
    overwrite(data.releases / newest / "indicator.parquet", b"x")
    place(data, whole(data, past), True)
    assert current_id(data) == past
