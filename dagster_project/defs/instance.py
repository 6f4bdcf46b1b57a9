"""Dagster's own storage below the data folder: where it lies, what is removed, and runs whose process was killed."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import dagster as dg

from dagster_project.core.paths import PROJECT, DataPaths
from dagster_project.operations.claim import claim

if TYPE_CHECKING:
    from sqlalchemy import Engine

COMMAND_TAG = "resultattavla/command"
"""Marks the runs of the command: they are never queued, and nobody waits for one that was killed."""

TEAM_VARIABLE = "DAGSTER_PG_HOST"
"""Where it is set, Dagster's storage is that PostgreSQL server's, for a team (docs/operations.md)."""

log = logging.getLogger("resultattavla")


def instance_home(data: DataPaths) -> Path:
    """Dagster's home below the data folder (which must be ours), with our `dagster.yaml` (telemetry off), and the
    storage of a team where its server is named."""
    claim(data)
    home = data.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    parts = ["dagster.yaml", *(["dagster_team.yaml"] if os.environ.get(TEAM_VARIABLE) else [])]
    folder = PROJECT / "dagster_project" / "defs"
    text = "".join((folder / name).read_text(encoding="utf-8") for name in parts)
    if not config.exists() or config.read_text(encoding="utf-8") != text:
        config.write_text(text, encoding="utf-8")
    return home


@contextmanager
def dagster_instance(data: DataPaths) -> Iterator[dg.DagsterInstance]:
    """The instance of a data folder, for a run in this process; a damaged one is set aside first."""
    set_aside_damaged_history(data)
    with engines_kept(), dg.DagsterInstance.from_config(str(instance_home(data).resolve())) as instance:
        yield instance


@contextmanager
def engines_kept() -> Iterator[None]:
    """Within it Dagster's SQLite storages use one SQLAlchemy engine per file, with its connection.

    They make a new one for every line that they store, which compiles each statement anew and, where it is the last one
    to let go of the file, writes the whole of it out: 10 ms a line, several seconds a run.
    """
    from dagster._core.storage.event_log.sqlite import sqlite_event_log
    from dagster._core.storage.runs.sqlite import sqlite_run_storage
    from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
    from sqlalchemy import create_engine, event

    kept: dict[str, Engine] = {}

    def kept_engine(url: str, **arguments: Any) -> Engine:
        if url not in kept:
            engine = create_engine(url, connect_args=arguments.get("connect_args", {}))
            # What a power cut may take is the end of a history, and no line of it is waited for.
            event.listen(engine, "connect", lambda connection, _: connection.execute("pragma synchronous = normal"))
            engine.dispose = lambda close=True: None  # type: ignore[method-assign]
            kept[url] = engine
        return kept[url]

    with ExitStack() as stack:
        for module in (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage):
            stack.enter_context(patch.object(module, "create_engine", kept_engine))
        try:
            yield
        finally:
            for engine in kept.values():
                type(engine).dispose(engine)


def set_aside_damaged_history(data: DataPaths) -> None:
    """Put Dagster's storage aside when one of its databases is damaged: it is only history and must stop no run.

    The damaged one stays as `dagster.skadad` (the latest such one) for whoever wants to look.
    """
    home = data.dagster_home
    damaged = [path for path in sorted(home.glob("**/*.db")) if not _database_whole(path)]
    if damaged:
        aside = home.with_name(f"{home.name}.skadad")
        if aside.exists():
            shutil.rmtree(aside)
        os.replace(home, aside)
        log.warning(
            "Dagsters historik %s var skadad: den ligger nu i %s och en ny är påbörjad. Utgåvorna berörs inte.",
            damaged[0],
            aside,
        )


def _database_whole(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute("pragma quick_check(1)").fetchone() == ("ok",)
    except sqlite3.DatabaseError as error:
        # A database that is busy or cannot be opened is not damaged; who uses it says what is wrong.
        return isinstance(error, sqlite3.OperationalError)


def prune_dagster(instance: dg.DagsterInstance, data: DataPaths, keep: int) -> None:
    """Remove Dagster's logs of finished runs beyond the newest `keep`, and files of runs that it no longer knows."""
    finished = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    )
    for record in instance.get_run_records(finished)[keep:]:
        instance.delete_run(record.dagster_run.run_id)
    known = set(instance.get_run_ids())
    home = data.dagster_home
    # Dagster empties a run's database and leaves the file, and its output on disk.
    for path in (home / "history" / "runs").glob("*.db*"):
        if path.name.split(".")[0] not in known | {"index"}:
            path.unlink(missing_ok=True)
    for folder in (home / "storage").glob("*-*-*-*-*"):
        if folder.name not in known:
            shutil.rmtree(folder)


def forget_dead_runs(instance: dg.DagsterInstance) -> None:
    """Remove the command's runs that were killed: nobody waits for them, and many of them must not fill the disk.

    Who calls this holds the run lock; the command's runs are never queued, so one that has not ended never will.
    """
    alive = [
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.CANCELING,
    ]
    for run in instance.get_runs(dg.RunsFilter(statuses=alive, tags={COMMAND_TAG: "yes"})):
        instance.delete_run(run.run_id)


def end_dead_runs(instance: dg.DagsterInstance, alive: str) -> None:
    """Mark runs that were killed as failed, so that they do not hold the queue; who calls this holds the run lock."""
    started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
    for run in instance.get_runs(started):
        if run.run_id != alive:
            instance.report_run_failed(run, "The process of this run was killed.")
