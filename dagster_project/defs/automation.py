"""The one job, its daily schedule, and a sensor that starts it when files have come."""

from __future__ import annotations

import hashlib
import json
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import dagster as dg

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.defs.products import GROUP as PRODUCTS
from dagster_project.operations.settings import Settings

JOB = "daily_run"

daily_job = dg.define_asset_job(
    JOB,
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups("source_files", PRODUCTS),
    description="From delivered files to the published release; the same job that `resultattavla run` runs.",
    executor_def=dg.in_process_executor,
)

daily_schedule = dg.ScheduleDefinition(
    name="every_morning",
    job=daily_job,
    cron_schedule="30 5 * * *",
    execution_timezone="Europe/Stockholm",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Once a day, before people come to work.",
)


STATE_TAG = "resultattavla/files"
"""Of a run that the sensor asked for: which request it was, one for every time it asked."""
LONGEST_PAUSE = 59
"""Looks between attempts at files whose runs fail: none after the first failure, then 1, 3, 7 ..."""


@dataclass(frozen=True)
class Looks:
    """What the sensor remembers from look to look, as its cursor.

    state: the files as the last look saw them. asked: those that a run was asked for last. request: that request's tag.
    attempts: how often in a row for these files. pause: looks to let pass before the next attempt. unseen: the last
    look found no run of the request.
    """

    state: str = ""
    asked: str = ""
    request: str = ""
    attempts: int = 0
    pause: int = 0
    unseen: bool = False

    @staticmethod
    def of(cursor: str | None) -> Looks:
        """The memory in a cursor; a fresh one where there is none or another version wrote it."""
        try:
            return Looks(**json.loads(cursor or "{}"))
        except (ValueError, TypeError):
            return Looks()


def files_state(raw: Path) -> str:
    """A hash over names, sizes and times of the files below raw; empty where there is none."""
    listing = []
    for source in load_contracts():
        for path in (raw / source).glob("*"):
            if not path.name.startswith((".", "~$")):
                with suppress(OSError):  # gone since it was listed, or not to be looked at
                    found = path.lstat()
                    listing.append((str(path), found.st_size, found.st_mtime_ns))
    return hashlib.sha256(repr(sorted(listing)).encode()).hexdigest() if listing else ""


def next_look(before: Looks, state: str, run: dg.DagsterRunStatus | None) -> tuple[Looks, str | None]:
    """What the sensor remembers now, and why it starts no run (None: it starts one, tagged `request`).

    before: what it remembered. state: the files now. run: how the run that it asked for last stands, None when there is
    none to be seen.
    """
    looks = replace(before, state=state)
    if not state:
        return looks, "No files."
    if state != before.state:
        return looks, "The files have changed: waiting until they rest."
    if state == before.asked:
        if run == dg.DagsterRunStatus.SUCCESS:
            return looks, "No new files."
        if run is None and not before.unseen:  # asked for at the last look
            return replace(looks, unseen=True), "The run that was asked for is not seen yet."
        if run is not None and run not in ENDED:
            return looks, "A run works on these files."
        if before.pause:
            return replace(looks, pause=before.pause - 1), f"The run failed: {before.pause} more looks before the next."
    attempts = before.attempts + 1 if state == before.asked else 1
    pause = min(2 ** (attempts - 1) - 1, LONGEST_PAUSE)
    return Looks(state, state, uuid.uuid4().hex, attempts, pause), None


ENDED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def delivery_sensor(settings: Settings) -> dg.SensorDefinition:
    """Starts the job when the files below raw have changed and rest, until a run of them has succeeded."""

    @dg.sensor(
        name="new_deliveries",
        job=daily_job,
        minimum_interval_seconds=60,
        description="Starts the job when the files below raw have changed and have been the same for two looks; again "
        "while the run of them fails.",
    )
    def new_deliveries(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Names, sizes and times tell whether anything came; which bytes count is the job's business."""
        before = Looks.of(context.cursor)
        looks, why_not = next_look(before, files_state(settings.raw), _status(context, before.request))
        context.update_cursor(json.dumps(asdict(looks)))
        # No run_key: Dagster would start nothing, without a word, for files that it has seen before.
        return dg.SkipReason(why_not) if why_not else dg.RunRequest(tags={STATE_TAG: looks.request})

    return new_deliveries


def _status(context: dg.SensorEvaluationContext, request: str) -> dg.DagsterRunStatus | None:
    """How the newest run of a request stands; None when there is none."""
    if not request:
        return None
    try:
        instance = context.instance
    except dg.DagsterInvariantViolationError:
        return None  # a sensor that is tried without an instance has no runs to see
    runs = instance.get_runs(dg.RunsFilter(tags={STATE_TAG: request}), limit=1)
    return runs[0].status if runs else None
