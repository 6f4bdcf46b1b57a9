"""`run --rebuild` begins with nothing and loses nothing where it comes to nothing; `clean` removes what is ours."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.ingestion.erasures import Erasures, save_erasures
from dagster_project.operations.claim import MARK, OURS, claim
from dagster_project.operations.daily_run import JobEnd, RunOutcome, run_daily, session
from dagster_project.operations.lock import run_lock
from dagster_project.operations.rebuild import Rebuild
from dagster_project.operations.settings import Settings
from tests.conftest import Run
from tests.extracts import Pipeline, base
from tests.jobs import DAY, cases, deliver_cases, said


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """Two deliveries that were read; the file of the first has left raw."""
    monkeypatch.setenv("RESULTATTAVLA_PERSON_KEY", "test")
    made = Pipeline(tmp_path)
    gone = made.deliver("avvikelser", "2022-06-01", base("avvikelser"))
    made.deliver("avvikelser", "2022-06-02", base("avvikelser"))
    made.ledger()
    gone.unlink()
    claim(made.data)
    return made


def notes(data: DataPaths) -> set[str]:
    return {p.name[:10] for p in data.bronze.glob("avvikelser/*.json")}


@pytest.mark.parametrize("error", ["grinden stoppade", None])
def test_bronze_is_made_anew_or_stays_as_it_was(pipeline: Pipeline, error: str | None) -> None:
    seen = []

    def job(*_: object) -> JobEnd:
        seen.append(pipeline.data.bronze.exists())
        pipeline.ledger()
        return JobEnd(ingested=False, error=error)

    outcome = run_daily(pipeline.settings, job, rebuild=True)
    assert seen == [False]
    told = [t for t in outcome.trouble if "2022-06-01" in t]
    if error is None:
        assert notes(pipeline.data) == {"2022-06-02"} and "föll 1 leveranser bort" in told[0]
    else:
        assert notes(pipeline.data) == {"2022-06-01", "2022-06-02"} and told == []
    assert [p.name for p in pipeline.data.root.glob("bronze*")] == ["bronze"]


def test_a_rebuilding_that_was_killed_is_undone_by_the_next_run(pipeline: Pipeline) -> None:
    Rebuild(pipeline.data, pipeline.raw).begin()
    pipeline.ledger()
    assert notes(pipeline.data) == {"2022-06-02"}
    with session(pipeline.data, pipeline.settings):
        assert notes(pipeline.data) == {"2022-06-01", "2022-06-02"}


def test_everything_computed_anew_is_the_same_release(run: Run, first: RunOutcome, tmp_path: Path) -> None:
    """Damage that no checksum of ours covers is gone too; nothing else is."""
    (tmp_path / "raw" / "avvikelser" / ".utkast").touch()
    before = {p: p.stat().st_mtime_ns for p in first.data.releases.rglob("*.parquet")}
    again = run(tmp_path / "raw", first.data.root, rebuild=True)
    assert first.release is not None and again.release is not None
    assert (again.nothing_new, again.release.id, again.trouble) == (False, first.release.id, ())
    assert {p: p.stat().st_mtime_ns for p in first.data.releases.rglob("*.parquet")} == before
    rows = pl.read_parquet(first.data.current / "indicator_result.parquet")
    assert rows.equals(first.release.table("indicator_result"))


# --- clean -------------------------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path) -> DataPaths:
    made = DataPaths(tmp_path / "data")
    claim(made)
    save_erasures(made, Erasures())
    for name in OURS:
        (made.root / name).touch() if "." in name[1:] else (made.root / name / "djupt").mkdir(parents=True)
    (tmp_path / "egen.txt").touch()
    return made


def test_a_folder_of_ours_goes_whole(data: DataPaths, tmp_path: Path) -> None:
    told = said("clean", "--yes", "--data", data.root)
    assert (told.returncode, data.root.exists()) == (0, False), told.stderr
    assert (tmp_path / "egen.txt").exists()


def test_what_is_not_ours_stays_and_is_named(data: DataPaths) -> None:
    theirs = ("anteckningar.md", "bronze.bak", "run.sh", "tmp2")
    for name in theirs:
        (data.root / name).touch()
    told = said("clean", "--yes", "--data", data.root)
    assert told.returncode == 0 and all(name in told.stdout for name in theirs)
    assert sorted(p.name for p in data.root.iterdir()) == sorted(theirs)


def test_in_our_folders_what_others_put_there_stays_and_links_lead_nowhere(data: DataPaths, tmp_path: Path) -> None:
    away = tmp_path / "annan"
    away.mkdir()
    mine = ("bronze/kva/min.txt", "run/anteckning.md", "published/releases/2022-09-30-961c5af56506/egen.xlsx")
    ours = ("bronze/kva/2022-08-31_54a03b434e50bc93.json", "published/releases/2022-09-30-961c5af56506/manifest.json")
    for path in (*(data.root / name for name in (*mine, *ours)), away / "2022-08-31_54a03b434e50bc93.json"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (data.root / "bronze" / "ut").symlink_to(away)
    shutil.rmtree(data.evidence)
    data.evidence.symlink_to(away)  # kept on another disk
    data.current.symlink_to("releases/2022-09-30-961c5af56506")
    told = said("clean", "--yes", "--data", data.root)
    assert told.returncode == 0 and all(name in told.stdout for name in (*mine, "bronze/ut", "evidence"))
    left = {p.relative_to(data.root).as_posix() for p in data.root.rglob("*") if p.is_symlink() or p.is_file()}
    assert left == {*mine, "bronze/ut", "evidence"} and len(list(away.iterdir())) == 1


def test_all_that_a_run_makes_goes(first: RunOutcome) -> None:
    assert said("clean", "--yes", "--data", first.data.root).returncode == 0
    assert not first.data.root.exists()


def test_without_a_terminal_nothing_goes_unasked(data: DataPaths) -> None:
    told = said("clean", "--data", data.root)
    assert told.returncode == 64 and "--yes" in told.stderr and (data.root / "bronze").exists()


def test_a_folder_without_the_mark_is_left_as_it_is(data: DataPaths) -> None:
    (data.root / MARK).unlink()
    before = sorted(data.root.rglob("*"))
    told = said("clean", "--yes", "--data", data.root)
    assert told.returncode == 64 and sorted(data.root.rglob("*")) == before
    shutil.rmtree(data.root)
    assert said("clean", "--yes", "--data", data.root).returncode == 64 and not data.root.exists()


def test_a_run_is_not_cleaned_away(data: DataPaths) -> None:
    with run_lock(data):
        told = said("clean", "--yes", "--data", data.root)
    assert told.returncode == 75 and (data.root / "bronze").exists()


def test_a_person_at_a_terminal_is_asked(data: DataPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("dagster_project.cli.clean.confirm", lambda question: False)
    told = said("clean", "--data", data.root)
    assert told.returncode == 1 and "Ingenting togs bort" in told.stderr and (data.root / "bronze").exists()
    assert said("clean", "--yes", "--data", data.root).returncode == 0 and not data.root.exists()


def test_the_command_rebuilds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from dagster_project.operations import daily_run

    asked = {}

    def noted(settings: Settings, *_: object, **how: bool) -> RunOutcome:
        asked.update(how)
        return RunOutcome(settings.paths, "2022-09-01T00:00:00+00:00", error="inget")

    monkeypatch.setattr(daily_run, "run_daily", noted)
    deliver_cases(tmp_path / "raw", DAY, *cases(1))
    said("run", "--rebuild", "--raw", tmp_path / "raw", "--data", tmp_path / "data")
    assert asked["rebuild"] is True
