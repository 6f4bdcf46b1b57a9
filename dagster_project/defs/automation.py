"""The one job, its daily schedule, and a sensor that starts it when files have come."""

import hashlib

import dagster as dg

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.operations.settings import Settings

JOB = "daily_run"

daily_job = dg.define_asset_job(
    JOB,
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups("source_files"),
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


def delivery_sensor(settings: Settings) -> dg.SensorDefinition:
    """Starts the job when the files below raw have changed."""

    @dg.sensor(
        name="new_deliveries",
        job=daily_job,
        minimum_interval_seconds=60,
        description="Starts the job when the files below raw have changed since the last time.",
    )
    def new_deliveries(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Names, sizes and times tell whether anything came; which bytes count is the job's business."""
        listing = sorted(
            (str(p), s.st_size, s.st_mtime_ns)
            for source in load_contracts()
            for p in (settings.raw / source).glob("*")
            if not p.name.startswith((".", "~$")) and p.is_file() and (s := p.stat())
        )
        cursor = hashlib.sha256(repr(listing).encode()).hexdigest()
        if not listing or cursor == context.cursor:
            return dg.SkipReason("No new files.")
        context.update_cursor(cursor)
        return dg.RunRequest(run_key=cursor)

    return new_deliveries
