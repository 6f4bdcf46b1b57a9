"""The guards of the test suite itself: each of them has been seen to fail."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from dagster_project.core.paths import PROJECT, DataPaths
from dagster_project.operations.settings import CONFIG_VARIABLE, OTHER_VARIABLES, PREFIX, Settings
from dagster_project.runs.folder import INDICATORS, RunFolder
from tests import jobs
from tests.conftest import Run
from tests.guards import WHOLE_RUN, untouched
from tests.programs import BROWSER


def test_a_run_without_the_mark_fails(tmp_path: Path) -> None:
    for start in (
        lambda: jobs.run(tmp_path, tmp_path),
        lambda: jobs.run_by_dagster(tmp_path, tmp_path),
        lambda: jobs.command("run"),
        lambda: RunFolder(DataPaths(tmp_path)).write(INDICATORS, pl.DataFrame({"indicator_id": ["x"]})),
    ):
        with pytest.raises(pytest.fail.Exception, match="not marked `whole_run`"):
            start()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def finished(run: Run) -> Run:
    """As if something had been run."""
    return run


def test_who_asks_for_a_run_is_marked_also_through_a_fixture(finished: Run, request: pytest.FixtureRequest) -> None:
    assert finished is jobs.run
    assert request.node.get_closest_marker(WHOLE_RUN) is not None


def test_no_setting_of_the_developers_is_in_use() -> None:
    assert {name for name in os.environ if name.startswith(PREFIX)} == {CONFIG_VARIABLE} <= OTHER_VARIABLES
    assert Path(os.environ[CONFIG_VARIABLE]).parent != PROJECT
    assert Settings().model_fields_set == set()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "ny").write_text(""),
        lambda folder: (folder / "under" / "fil").write_text("xy"),
        lambda folder: (folder / "under" / "fil").unlink(),
        lambda folder: folder.rename(folder.with_name("borta")),
    ],
)
def test_a_write_to_the_data_folder_is_found(tmp_path: Path, change: Callable[[Path], object]) -> None:
    folder = tmp_path / "data"
    (folder / "under").mkdir(parents=True)
    (folder / "under" / "fil").write_text("x")
    with untouched(folder):
        assert (folder / "under" / "fil").read_text() == "x"
    with pytest.raises(pytest.fail.Exception, match="wrote to .*data"), untouched(folder):
        change(folder)


def test_a_data_folder_that_was_not_there_may_not_come(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="wrote to"), untouched(tmp_path / "data"):
        (tmp_path / "data").mkdir()


def test_what_needs_a_program_that_is_not_there_is_left_out_by_name() -> None:
    """With workers too, which collect on their own."""
    files = ("tests/products/test_measured.py", "tests/products/test_steward_page.py")
    asked = [sys.executable, "-m", "pytest", "-n", "1", *files, "-k", "measured or skip_link", "-p", "no:cacheprovider"]
    bare = {k: v for k, v in os.environ.items() if not k.startswith((PREFIX, "PYTEST"))} | {"PATH": "/nowhere"}
    told = subprocess.run(asked, cwd=PROJECT, env=bare, capture_output=True, text=True, timeout=120)
    assert told.returncode == 0, told.stdout + told.stderr
    assert f"tests that need Chromium were left out: {BROWSER.how_to_get}" in told.stdout
