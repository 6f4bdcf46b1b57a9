"""Shared by all tests: whose settings and data they use, how they run the job, and in which order they come.

A test that runs the job, or starts a process that does, is marked `whole_run`: it asks for the run by a fixture. What
such a run leaves is kept and copied (`kept`), so that nothing is run twice to come to the same point.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import polars as pl
import pytest
from filelock import FileLock

from dagster_project.core.paths import PROJECT, DataPaths
from dagster_project.engines.dbt import compiled_sql
from dagster_project.operations.daily_run import RunOutcome
from dagster_project.operations.settings import CONFIG_VARIABLE, PREFIX
from dagster_project.runs.folder import INDICATORS, RunFolder
from tests import guards, jobs
from tests.jobs import DAY, SAMPLE, Kept, cases, deliver_cases, deliver_measures, deliver_units
from tests.processes import Server
from tests.programs import PROGRAMS, REQUIRED

Run = Callable[..., RunOutcome]
Command = Callable[..., CompletedProcess[str]]


# --- Which tests, in which order ---------------------------------------------------------------------------------


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what runs the job. It comes first, the file with most of it first of all, so that no worker ends long after
    the other (a file's tests stay in one worker). What needs a program that is not there is left out (`programs`).
    """
    guards.mark_whole_runs(items)
    runs = Counter(item.path for item in items if item.get_closest_marker(guards.WHOLE_RUN))
    items.sort(key=lambda item: -runs[item.path])
    lacking = [] if REQUIRED else [program for program in PROGRAMS if program.path() is None]
    for program in lacking:
        left_out = [item for item in items if item.get_closest_marker(program.marker)]
        if left_out:
            items[:] = [item for item in items if item not in left_out]
            config.hook.pytest_deselected(items=left_out)
            config.stash.setdefault(_left_out, []).append(
                f"{len(left_out)} tests that need {program.title} were left out: {program.how_to_get}"
            )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands on what it left out: it is the only one that collects, and all of them leave out the same."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[LEFT_OUT] = session.config.stash.get(_left_out, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash[_left_out] = getattr(node, "workeroutput", {}).get(LEFT_OUT, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(_left_out, []):
        terminalreporter.write_line(line, yellow=True)


LEFT_OUT = "left_out"
_left_out = pytest.StashKey[list[str]]()


# --- What tests must not do --------------------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    guards.begin_test(item)


@pytest.fixture(scope="session", autouse=True)
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No setting and no data of the developer's: the settings file is empty, `data/` must be as it was at the end."""
    with pytest.MonkeyPatch.context() as patch, guards.untouched(PROJECT / "data"):
        for name in [n for n in os.environ if n.startswith(PREFIX)]:
            patch.delenv(name)
        settings = tmp_path_factory.mktemp("settings") / "resultattavla.toml"
        settings.touch()
        patch.setenv(CONFIG_VARIABLE, str(settings))
        # Every run of the job writes what may be published, whoever starts it.
        write = RunFolder.write

        def guarded(self: RunFolder, table: str, frame: pl.DataFrame) -> None:
            if table == INDICATORS:
                guards.require_whole_run()
            write(self, table, frame)

        patch.setattr(RunFolder, "write", guarded)
        yield


# --- Runs of the job ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def run() -> Run:
    """The daily run with the plain job, in this process."""
    return jobs.run


@pytest.fixture(scope="session")
def run_by_dagster() -> Run:
    """The daily run with Dagster's job, in this process."""
    return jobs.run_by_dagster


@pytest.fixture(scope="session")
def run_by_command() -> Command:
    """The installed command, `run` too, in a process of its own."""
    return jobs.command


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Commands in processes of their own, forked from one that has loaded all that they need."""
    with Server() as server:
        yield server


Keep = Callable[[str, Callable[[Path, Path], object]], Kept]


@pytest.fixture(scope="session")
def keep(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Keep:
    """Make something once for all tests of all workers: `keep(name, make)` calls `make(raw, data)` the first time."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "kept"
    shared.mkdir(exist_ok=True)

    def kept(name: str, make: Callable[[Path, Path], object]) -> Kept:
        folder, made = shared / name, shared / f"{name}.made"
        with FileLock(shared / f"{name}.lock"):
            if not made.exists():
                folder.mkdir()
                make(folder / "raw", folder / "data")
                made.touch()
        return Kept(folder)

    return kept


@pytest.fixture(scope="session")
def kept_first(keep: Keep, run: Run) -> Kept:
    """A register and forty deviation reports, run once."""

    def make(raw: Path, data: Path) -> None:
        deliver_units(raw, DAY)
        deliver_cases(raw, DAY, *cases(40))
        run(raw, data)

    return keep("first", make)


@pytest.fixture(scope="session")
def compiled(keep: Keep) -> tuple[DataPaths, dict[str, str]]:
    """Every model's compiled SQL by its name, and the data folder that dbt compiled for (its manifest is there)."""

    def make(_: Path, data: Path) -> None:
        sql = compiled_sql(DataPaths(data))
        (data / "compiled.json").write_text(json.dumps(sql), encoding="utf-8")

    data = keep("compiled", make).folder / "data"
    return DataPaths(data), json.loads((data / "compiled.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def kept_sample(keep: Keep, run_by_command: Command) -> tuple[DataPaths, CompletedProcess[str]]:
    """The committed sample, run once through the installed command with all that it makes, and what it said."""

    def make(_: Path, data: Path) -> None:
        ended = run_by_command("run", "--raw", SAMPLE, "--data", data)
        told = json.dumps([ended.returncode, ended.stdout, ended.stderr])
        (data.parent / "said.json").write_text(told, encoding="utf-8")

    folder = keep("sample", make).folder
    told = json.loads((folder / "said.json").read_text(encoding="utf-8"))
    return DataPaths(folder / "data"), CompletedProcess(["resultattavla", "run"], *told)


MEASURES = [f"V{i};DV113;201209129814;SE2321000164-AUD1;2022-03-01" for i in range(9)]


@pytest.fixture(scope="session")
def kept_measured(keep: Keep, run: Run) -> Kept:
    """The same with nine measures (MEASURES), run once."""

    def make(raw: Path, data: Path) -> None:
        deliver_units(raw, DAY)
        deliver_cases(raw, DAY, *cases(40))
        deliver_measures(raw, DAY, *MEASURES)
        run(raw, data)

    return keep("measured", make)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """The deliveries of `first`, not run."""
    raw = tmp_path / "raw"
    deliver_units(raw, DAY)
    deliver_cases(raw, DAY, *cases(40))
    return raw


@pytest.fixture
def first(kept_first: Kept, tmp_path: Path) -> RunOutcome:
    """The outcome of a run on a register and forty deviation reports: `tmp_path / "raw"` and `tmp_path / "data"`."""
    return kept_first.copy(tmp_path)


@pytest.fixture
def measured(kept_measured: Kept, tmp_path: Path) -> RunOutcome:
    """The outcome of a run with measures too: `tmp_path / "raw"` and `tmp_path / "data"`."""
    return kept_measured.copy(tmp_path)
