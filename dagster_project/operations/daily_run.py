"""One run of the job in this process: lock, look whether anything is new, run Dagster's job, tell what came of it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.core.errors import BusyError, ResultattavlaError, machine_error
from dagster_project.core.masking import mask
from dagster_project.core.paths import PROJECT, DataPaths, variables
from dagster_project.engines.dbt import require_unlocked
from dagster_project.gates.decision import data_docs, outcomes_so_far
from dagster_project.gates.validate import Outcome
from dagster_project.ingestion.settle import Settled
from dagster_project.operations.aftermath import Ended, finish, now
from dagster_project.operations.settings import Settings, load_settings
from dagster_project.operations.upkeep import prune_dagster, set_aside_damaged_history, swept
from dagster_project.releases.publish import Release, current_release, release_of_run, switch_current
from dagster_project.runs.identity import RunState, finished_run, hand_over, ingest

if TYPE_CHECKING:
    from dagster import DagsterEvent, DagsterInstance

Progress = Callable[[str], None]

log = logging.getLogger("resultattavla")

COMMAND_TAG = "resultattavla/kommando"
_INGESTION, _PUBLISHING = "inlasning", "published__utgava"
_STEPS = {
    "inlasning": "läser in leveranser",
    "grind_leverans": "prövar leveranserna",
    "dbt_staging": "bearbetar",
    "grind_staging": "prövar de bearbetade tabellerna",
    "korning__indikatorer": "avgör vad som kan publiceras",
    "dbt_resultat": "räknar indikatorerna",
    "grind_resultat": "prövar resultaten",
    "published__utgava": "publicerar",
}


@dataclass(frozen=True)
class JobOutcome:
    """What a run came to. `release` is None when nothing was published; `error` then says why.

    trouble: what could not be done after publishing (the page, a notification), one sentence each.
    """

    data: DataPaths
    settled: Settled | None
    outcomes: list[Outcome]
    release: Release | None
    error: str | None = None
    nothing_new: bool = False
    trouble: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        return self.release.exit_code if self.release else 1

    @property
    def docs(self) -> Path | None:
        """The data docs' index, when a gate was run."""
        index = data_docs(self.data) / "index.html"
        return index if self.outcomes and index.exists() else None


@contextmanager
def run_lock(data: DataPaths, wait_seconds: float = 0) -> Iterator[None]:
    """Only one run writes to a data folder; a second one waits so long, then refuses with a sentence (BusyError)."""
    from filelock import FileLock, Timeout

    try:
        data.root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(data.root / ".korning.lock", timeout=wait_seconds, thread_local=False)
        lock.acquire()
    except Timeout:
        raise BusyError(f"En annan körning pågår redan i {data.root}: vänta tills den är klar och kör igen.") from None
    except OSError as error:
        if data.root.exists() and not data.root.is_dir():
            raise ResultattavlaError(f"{data.root} är en fil, inte en mapp: ange en mapp med --data.") from error
        told = machine_error(error, data.root)
        raise told or ResultattavlaError(
            f"Mappen {data.root} kan inte skrivas: {error.strerror} (ange en annan med --data)."
        ) from error
    try:
        yield
    finally:
        lock.release()


def run_job(
    raw: Path,
    data: DataPaths,
    as_of: date | None,
    progress: Progress = lambda text: None,
    today: date | None = None,
) -> JobOutcome:
    """Run the daily job on `raw` and `data`. Raises ResultattavlaError for what a user can cause before it starts."""
    logging.getLogger("resultattavla").setLevel(logging.INFO)
    settings = load_settings()
    with run_lock(data), told_by_the_machine(data), swept(data):
        started = now()
        require_unlocked(data)
        progress("läser in leveranser")
        finished = finished_run(data)
        try:
            state, settled = ingest(raw, data, as_of, today or date.today(), settings, progress)
        except ResultattavlaError as error:
            finish(data, settings, Ended(started, error=str(error)))
            raise
        existing = release_of_run(data, state.release_id) if finished == state.release_id else None
        before = None
        if existing is not None:
            # The same inputs, code and parameters as the latest run, and all that it made is there.
            switch_current(data, existing.id)
            outcomes, reason, nothing_new = outcomes_so_far(data, state), None, True
        else:
            hand_over(raw, data, as_of, (state, settled))
            before = _switched_at(data)
            try:
                with told_by_the_machine(data):
                    reason = _execute(raw, data, as_of, settings, progress)
            except ResultattavlaError as error:  # what the machine refused Dagster itself (its storage)
                reason = str(error)
            outcomes, nothing_new = outcomes_so_far(data, state), False
        after: tuple[str, ...] = ()
        if reason and _switched_at(data) != before:
            # The disk became full after the release was in place: it is published, and that is what the run came to.
            after, reason = (reason,), None
        release = None if reason else current_release(data)
        progress("skriver granskningssidan")
        trouble = finish(data, settings, Ended(started, state, outcomes, release, reason, nothing_new))
        return JobOutcome(data, settled, outcomes, release, reason, nothing_new, after + trouble)


def _switched_at(data: DataPaths) -> tuple[int, int] | None:
    """Tells one link `current` from the next: every switch makes a new one."""
    try:
        link = data.current.lstat()
    except FileNotFoundError:
        return None
    return link.st_ino, link.st_mtime_ns


@contextmanager
def told_by_the_machine(data: DataPaths) -> Iterator[None]:
    """A full disk, a folder that cannot be written or a locked file becomes its one sentence."""
    try:
        yield
    except ResultattavlaError:
        raise
    except Exception as error:
        told = machine_error(error, data.root)
        if told is None:
            raise
        raise told from error


def _execute(raw: Path, data: DataPaths, as_of: date | None, settings: Settings, progress: Progress) -> str | None:
    """Run the Dagster job in process; the reason it stopped, or None."""
    progress("laddar")
    set_aside_damaged_history(data)
    instance_home(data)
    import dagster as dg

    with variables(RESULTATTAVLA_RAW=str(raw), RESULTATTAVLA_DATA=str(data.root)):
        from dagster_project.definitions import defs
        from dagster_project.defs.common import Folders

    job = defs.resolve_job_def("daglig_korning")
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    folders = Folders(raw=str(raw), data=str(data.root), as_of=str(as_of) if as_of else "", by_command=True)
    with dg.DagsterInstance.get() as instance:
        forget_dead_runs(instance)
        prune_dagster(instance, data, settings.retention.dagster_runs)
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            resources={"folders": folders},
            tags={COMMAND_TAG: "ja"},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        prune_dagster(instance, data, settings.retention.dagster_runs)
    return None if result.success else failure_reason(result.all_events, data)


@contextmanager
def dagster_session(
    data: DataPaths, settings: Settings, instance: DagsterInstance, run_id: str, wait_seconds: float
) -> Iterator[None]:
    """The session of a run that Dagster's UI or daemon started: lock and sweep before it, and what follows after it."""
    with run_lock(data, wait_seconds), swept(data):
        end_dead_runs(instance, run_id)
        started = now()
        try:
            yield
        finally:
            events = [entry.dagster_event for entry in instance.all_logs(run_id) if entry.dagster_event is not None]
            trouble = _finish_dagster_run(data, settings, started, events)
            prune_dagster(instance, data, settings.retention.dagster_runs)
            for text in trouble:
                log.error(text)


def _finish_dagster_run(data: DataPaths, settings: Settings, started: str, events: list[DagsterEvent]) -> Sequence[str]:
    failed = [e.step_key for e in events if e.is_step_failure]
    published = any(e.is_step_success and e.step_key == _PUBLISHING for e in events)
    if not failed and not published:
        return ()  # only some assets were materialized: no run came to its end
    error = failure_reason(events, data) if failed else None
    if _INGESTION in failed:
        return finish(data, settings, Ended(started, error=error))
    state = RunState.read(data)
    release = current_release(data) if published and not failed else None
    return finish(data, settings, Ended(started, state, outcomes_so_far(data, state), release, error))


def forget_dead_runs(instance: DagsterInstance) -> None:
    """Remove the command's runs that were killed: nobody waits for them, and many of them must not fill the disk.

    Who calls this holds the run lock; the command's runs are never queued, so one that has not ended never will.
    """
    import dagster as dg

    alive = [
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.CANCELING,
    ]
    for run in instance.get_runs(dg.RunsFilter(statuses=alive, tags={COMMAND_TAG: "ja"})):
        instance.delete_run(run.run_id)


def end_dead_runs(instance: DagsterInstance, alive: str) -> None:
    """Mark runs that were killed as failed, so that they do not hold the queue; who calls this holds the run lock."""
    import dagster as dg

    started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
    for run in instance.get_runs(started):
        if run.run_id != alive:
            instance.report_run_failed(run, "The process of this run was killed.")


def failure_reason(events: Iterable[DagsterEvent], data: DataPaths) -> str:
    """Why a job stopped, from its Dagster events: the first failed step's own sentence; else its error, masked."""
    for event in events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            texts = []
            while error is not None:
                name, _, message = error.message.strip().partition(": ")
                if name.startswith("dagster_project.") or name.endswith(".Failure"):
                    return mask(message)
                texts.append(error.message.strip())
                error = error.cause
            told = machine_error("\n".join(texts), data.root)
            step = _STEPS.get(str(event.step_key), event.step_key)
            return str(told) if told else f"Steget ”{step}” stannade: {mask(texts[-1])}"
    return "En blockerande grind underkände resultaten."


def instance_home(data: DataPaths) -> Path:
    """Dagster's home below the data folder, with telemetry off; set for this process."""
    home = data.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    text = (PROJECT / "dagster_project" / "defs" / "dagster.yaml").read_text(encoding="utf-8")
    if not config.exists() or config.read_text(encoding="utf-8") != text:
        config.write_text(text, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home.resolve())
    return home
