"""A wrong release is taken back: `current`, frozen rows and comparisons leave it, its files stay."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.operations.daily_run import RunOutcome, session
from dagster_project.operations.retract import retract, take_back
from dagster_project.operations.settings import Settings
from dagster_project.releases.frozen import holders, report_holder
from dagster_project.releases.publish import place, switch_current
from dagster_project.releases.retractions import retract as mark
from dagster_project.releases.retractions import retractions
from dagster_project.releases.store import current_id, read_release, release_ids, releases
from dagster_project.runs.history import read_records
from tests.conftest import Run
from tests.jobs import cases, deliver_cases, said
from tests.releases.small import INDICATORS, LIMIT, overwrite, small_release

WHY = ("fel register lästes in", "systemförvaltaren")


@pytest.fixture
def data(tmp_path: Path) -> DataPaths:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / ".resultattavla").touch()
    return DataPaths(tmp_path / "data")


def settings(data: DataPaths) -> Settings:
    return Settings(raw=data.root.parent / "raw", data=data.root, products=())


def test_current_goes_back_to_the_release_before_and_the_files_stay(data: DataPaths) -> None:
    made = [small_release(data, day) for day in (1, 2, 3)]
    switch_current(data, made[2])
    done = retract(settings(data), made[2], *WHY)
    assert (done.current, done.moved, current_id(data)) == (made[1], True, made[1])
    assert read_release(data.releases / made[2]) is not None
    assert retractions(data)[made[2]].orsak == WHY[0]
    assert [r.id for r in releases(data)] == [made[1], made[0]]
    assert release_ids(data) == made  # still there for who explains a number of it
    note = data.published / "aterkallade" / f"{made[2]}.json"
    assert note.stat().st_mode & 0o777 == 0o444 and note.parent.stat().st_mode & 0o777 == 0o755


def test_a_release_of_the_same_day_is_the_one_before(data: DataPaths) -> None:
    made = [small_release(data, 2, number=n) for n in (0, 1)]
    switch_current(data, made[1])
    assert retract(settings(data), made[1], *WHY).current == made[0]


def test_another_one_than_the_newest_can_be_named_and_a_damaged_one_is_passed_over(data: DataPaths) -> None:
    made = [small_release(data, day) for day in (1, 2, 3, 4)]
    switch_current(data, made[3])
    assert retract(settings(data), made[3], *WHY, to=made[0]).current == made[0]
    place(data, releases(data)[0], False)
    overwrite(data.releases / made[1] / "indicator_result.parquet", b"x")
    assert retract(settings(data), made[2], *WHY).current == made[0]


def test_a_later_release_that_was_put_aside_is_not_gone_back_to(data: DataPaths) -> None:
    made = [small_release(data, day) for day in (1, 2, 9)]
    switch_current(data, made[1])
    assert retract(settings(data), made[1], *WHY).current == made[0]
    assert retract(settings(data), made[0], *WHY).current == made[2]  # better than nothing: it was never retracted


def test_without_a_release_before_there_is_no_current(data: DataPaths) -> None:
    only = small_release(data, 1)
    switch_current(data, only)
    assert retract(settings(data), only, *WHY).current is None
    assert not os.path.lexists(data.current)
    told = said("status", "--data", data.root)
    assert told.returncode == 1 and only in told.stderr and WHY[0] in told.stderr


def test_an_older_one_leaves_current_and_is_no_origin_of_frozen_rows(data: DataPaths) -> None:
    good, wrong = small_release(data, 1), small_release(data, 2)
    newest = small_release(data, 3, (INDICATORS[0],), {INDICATORS[0]: wrong})
    switch_current(data, newest)
    done = retract(settings(data), wrong, *WHY)
    assert (done.current, done.moved, done.showing) == (newest, False, (newest,))
    assert holders(releases(data), INDICATORS[:1], LIMIT)[INDICATORS[0]].id == good


def test_who_shows_the_reports_of_a_retracted_one_is_told(data: DataPaths) -> None:
    good, wrong = (small_release(data, day, reports="godkand") for day in (1, 2))
    newest = small_release(data, 3, reports="fryst", frozen_reports=wrong)
    switch_current(data, newest)
    assert retract(settings(data), wrong, *WHY).showing == (newest,)
    holder = report_holder(releases(data))
    assert holder is not None and holder.id == good


def test_a_run_of_a_past_day_never_switches_to_a_retracted_one(data: DataPaths) -> None:
    first, second, wrong = (small_release(data, day) for day in (1, 2, 3))
    switch_current(data, wrong)
    retract(settings(data), wrong, *WHY)
    place(data, next(r for r in releases(data) if r.id == first), True)
    assert current_id(data) == second


def test_a_retraction_that_was_killed_is_ended_by_whoever_comes_next(data: DataPaths) -> None:
    """After the mark, before the switch: readers see the old release until then."""
    made = [small_release(data, day) for day in (1, 2)]
    switch_current(data, made[1])
    mark(data, made[1], *WHY)
    assert current_id(data) == made[1]
    with session(data, settings(data)):
        assert current_id(data) == made[0]


def test_files_go_only_when_that_is_asked_and_the_mark_stays(data: DataPaths) -> None:
    made = [small_release(data, day) for day in (1, 2)]
    switch_current(data, made[1])
    retract(settings(data), made[1], *WHY, delete=True)
    assert release_ids(data) == [made[0]] and made[1] in retractions(data)


def test_a_retraction_can_be_taken_back_with_a_reason(data: DataPaths) -> None:
    made = [small_release(data, day) for day in (1, 2)]
    switch_current(data, made[1])
    retract(settings(data), made[1], *WHY)
    assert take_back(settings(data), made[1], "registret var rätt", "verksamhetschefen").current == made[1]
    assert retractions(data) == {}
    assert "verksamhetschefen" in (data.published / "aterkallade" / f"{made[1]}.json").read_text(encoding="utf-8")


def test_a_release_that_stands_again_with_frozen_rows_of_a_retracted_one_says_so(data: DataPaths) -> None:
    wrong = small_release(data, 1)
    again = small_release(data, 2, (INDICATORS[0],), {INDICATORS[0]: wrong})
    for release in (again, wrong):
        mark(data, release, *WHY)
    told = said("retract", again, "--undo", "--reason", "x", "--by", "y", "--data", data.root)
    assert told.returncode == 0 and current_id(data) == again
    assert f"visar frysta rader ur {wrong}, som är återkallad" in told.stdout


def test_what_has_no_files_any_more_cannot_stand_again(data: DataPaths) -> None:
    made = [small_release(data, day) for day in (1, 2)]
    retract(settings(data), made[1], *WHY, delete=True)
    told = said("retract", made[1], "--undo", "--reason", "x", "--by", "y", "--data", data.root)
    assert told.returncode == 1 and "har inga filer kvar" in told.stderr and made[1] in retractions(data)


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("2022-09-09-000000000000",), 1, "finns inte"),
        (("RIGHT", "--to", "2022-09-09-000000000000"), 1, "finns inte"),
        (("RIGHT", "--to", "RIGHT"), 1, "är återkallad"),
        (("RIGHT", "--undo", "--to", "RIGHT"), 64, "--undo"),
        (("RIGHT", "--undo"), 1, "är inte återkallad"),
        (("RIGHT", "--reason", " "), 64, "--reason"),
    ],
)
def test_what_cannot_be_retracted_changes_nothing(data: DataPaths, arguments: tuple, code: int, word: str) -> None:
    right = small_release(data, 1)
    switch_current(data, right)
    words = [right if a == "RIGHT" else a for a in arguments]
    told = said(
        "retract", *words, *(() if "--reason" in words else ("--reason", "x")), "--by", "y", "--data", data.root
    )
    assert (told.returncode, current_id(data), retractions(data)) == (code, right, {})
    assert word in told.stderr


def test_a_folder_that_is_not_ours_is_refused_and_not_made(tmp_path: Path) -> None:
    told = said("retract", "x", "--reason", "x", "--by", "y", "--data", tmp_path / "ny")
    assert told.returncode == 64 and not (tmp_path / "ny").exists()


def test_a_retracted_release_is_shown_refused_and_followed_by_a_right_one(
    run: Run, first: RunOutcome, tmp_path: Path
) -> None:
    data, wrong = first.data, first.release
    assert wrong is not None
    told = said("retract", wrong.id, "--reason", WHY[0], "--by", WHY[1], "--data", data.root)
    assert told.returncode == 0, told.stderr
    page = (data.docs / "index.html").read_text(encoding="utf-8")
    assert f"av {WHY[1]}: {WHY[0]}" in page
    # The very same again is no silent release: nothing is published, at once.
    again = run(tmp_path / "raw", data.root)
    assert again.exit_code == 1 and again.error is not None and wrong.id in again.error and "--undo" in again.error
    assert current_id(data) is None and read_records(data, 1)[0].error is not None
    # Nor where everything has to be read and computed to find out.
    shutil.rmtree(data.bronze)
    assert run(tmp_path / "raw", data.root).error == again.error
    deliver_cases(tmp_path / "raw", "2022-09-01", *cases(41))
    right = run(tmp_path / "raw", data.root)
    assert (
        right.exit_code == wrong.exit_code
        and right.release is not None
        and current_id(data) == right.release.id != wrong.id
    )
    shown = said("status", "--data", data.root)
    assert f"Utgåva {wrong.id}: Återkallad" in shown.stdout
