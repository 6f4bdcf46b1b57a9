"""One run of the job in this process: lock, look whether anything is new, run Dagster's job, tell what came of it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dagster_project.errors import ResultattavlaError
from dagster_project.expectations import Outcome
from dagster_project.gates import data_docs, outcomes_so_far, stop_reason
from dagster_project.paths import PROJECT, DataPaths
from dagster_project.release import Release, current_release, release_of_run, switch_current
from dagster_project.runstate import hand_over, ingest
from dagster_project.settings import Parameters
from dagster_project.settle import Settled

Progress = Callable[[str], None]

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
    """What a run came to. `release` is None when nothing was published; `error` then says why."""

    data: DataPaths
    settled: Settled | None
    outcomes: list[Outcome]
    release: Release | None
    error: str | None = None
    nothing_new: bool = False

    @property
    def exit_code(self) -> int:
        return self.release.exit_code if self.release else 1

    @property
    def docs(self) -> Path | None:
        """The data docs' index, when a gate was run."""
        index = data_docs(self.data) / "index.html"
        return index if self.outcomes and index.exists() else None


@contextmanager
def run_lock(data: DataPaths) -> Iterator[None]:
    """Only one run writes to a data folder; a second one refuses with a sentence."""
    from filelock import FileLock, Timeout

    try:
        data.root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(data.root / ".korning.lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise ResultattavlaError(
            f"En annan körning pågår redan i {data.root}: vänta tills den är klar och kör igen."
        ) from None
    except OSError as error:
        raise ResultattavlaError(
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
    with run_lock(data):
        progress("läser in leveranser")
        state, settled = ingest(raw, data, as_of, today or date.today(), Parameters(), progress)
        existing = release_of_run(data, state.release_id)
        if existing is not None:
            # The same inputs, code and parameters: the release is there already and would come out the same.
            switch_current(data, existing.id)
            return JobOutcome(data, settled, outcomes_so_far(data, state), existing, nothing_new=True)
        hand_over(raw, data, as_of, (state, settled))
        error = _execute(raw, data, as_of, progress)
        outcomes = outcomes_so_far(data, state)
        if error:
            return JobOutcome(data, settled, outcomes, None, stop_reason(outcomes) or error)
        return JobOutcome(data, settled, outcomes, current_release(data))


def _execute(raw: Path, data: DataPaths, as_of: date | None, progress: Progress) -> str | None:
    """Run the Dagster job in process; the reason it stopped, or None."""
    os.environ["RESULTATTAVLA_RAW"], os.environ["RESULTATTAVLA_DATA"] = str(raw), str(data.root)
    progress("laddar")
    instance_home(data)
    import dagster as dg

    from dagster_project.definitions import defs
    from dagster_project.defs.common import Folders

    job = defs.resolve_job_def("daglig_korning")
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    with dg.DagsterInstance.get() as instance:
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            resources={"folders": Folders(raw=str(raw), data=str(data.root), as_of=str(as_of) if as_of else "")},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    if result.success:
        return None
    return _reason(result)


def _reason(result: object) -> str:
    """The first failed step's own sentence; an unforeseen error with its type."""
    from dagster_project.masking import mask

    for event in result.all_node_events:  # type: ignore[attr-defined]
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error.cause is not None:
                error = error.cause
            text = mask(error.message.strip())
            name, _, message = text.partition(": ")
            step = _STEPS.get(event.step_key, event.step_key)
            return (
                message if name.endswith("Error") and "dagster_project" in name else f"Steget ”{step}” stannade: {text}"
            )
    return "En blockerande grind underkände resultaten."


def instance_home(data: DataPaths) -> Path:
    """Dagster's home below the data folder, with telemetry off; set for this process."""
    home = data.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    text = (PROJECT / "dagster_project" / "dagster.yaml").read_text(encoding="utf-8")
    if not config.exists() or config.read_text(encoding="utf-8") != text:
        config.write_text(text, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home.resolve())
    return home
