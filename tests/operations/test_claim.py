"""Whose a data folder is: nothing is written, swept or removed in one that is not the system's."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.core.errors import UsageError
from dagster_project.core.paths import DataPaths
from dagster_project.operations.claim import MARK, claim
from dagster_project.operations.lock import run_lock
from dagster_project.operations.upkeep import sweep, swept


def listing(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


@pytest.mark.parametrize("name", ["dokument.txt", ".bashrc", "tmp", "docs", "run", "persons.key"])
def test_a_folder_of_somebody_else_is_refused_and_left_as_it_is(tmp_path: Path, name: str) -> None:
    """Some of our names are anybody's (docs, tmp): they alone make no folder ours."""
    (tmp_path / name).mkdir()
    (tmp_path / name / ".viktigt.1.part").touch()
    before = listing(tmp_path)
    with pytest.raises(UsageError, match="är inte Resultattavlas") as refused:
        with run_lock(DataPaths(tmp_path)), swept(DataPaths(tmp_path)):
            pass
    assert refused.value.exit_code == 64 and name in str(refused.value)
    assert listing(tmp_path) == before


@pytest.mark.parametrize("folder", ["ny", "ny/djupare", "tom"])
def test_a_new_or_empty_folder_becomes_ours(tmp_path: Path, folder: str) -> None:
    (tmp_path / "tom").mkdir()
    claim(DataPaths(tmp_path / folder))
    assert listing(tmp_path / folder) == [MARK]


def test_a_folder_of_the_layout_before_marks_is_adopted_once(tmp_path: Path) -> None:
    for name in ("bronze", "published", "dagster", "lost+found"):
        (tmp_path / name).mkdir()
    (tmp_path / "warehouse.duckdb.wal").touch()
    claim(DataPaths(tmp_path))
    (tmp_path / "egen.txt").touch()  # marked: what else lies there is left alone
    claim(DataPaths(tmp_path))
    assert (tmp_path / MARK).is_file()


def test_a_folder_with_a_strangers_file_is_not_adopted(tmp_path: Path) -> None:
    (tmp_path / "bronze").mkdir()
    (tmp_path / "avhandling.docx").touch()
    with pytest.raises(UsageError, match=r"avhandling\.docx"):
        claim(DataPaths(tmp_path))


def test_a_sweep_takes_only_what_we_made(tmp_path: Path) -> None:
    data = DataPaths(tmp_path)
    claim(data)
    theirs = [tmp_path / "egen" / ".utkast.7.part", tmp_path / ".egen.7.part"]
    ours = [data.bronze / "kva" / ".x.parquet.7.part", tmp_path / ".warehouse.duckdb.7.part"]
    for path in (*theirs, *ours):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert sorted(sweep(data)) == sorted(ours)
    assert all(path.exists() for path in theirs)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "fil").touch()
    with pytest.raises(UsageError, match="är en fil"):
        claim(DataPaths(tmp_path / "fil"))


def test_a_name_that_no_folder_can_have_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="kan inte finnas"):
        claim(DataPaths(tmp_path / ("a" * 500)))
