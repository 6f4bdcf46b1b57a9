"""The one job, its daily schedule, and a sensor that starts it when files have come."""

import hashlib

import dagster as dg

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.defs.common import Folders

daily_job = dg.define_asset_job(
    "daglig_korning",
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups("kallfiler"),
    description="From delivered files to the published release; the same job that `resultattavla run` runs.",
    executor_def=dg.in_process_executor,
)

daily_schedule = dg.ScheduleDefinition(
    name="varje_morgon",
    job=daily_job,
    cron_schedule="30 5 * * *",
    execution_timezone="Europe/Stockholm",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)


@dg.sensor(
    name="nya_leveranser",
    job=daily_job,
    minimum_interval_seconds=60,
    description="Starts the job when the files below raw have changed since the last time.",
)
def new_deliveries(context: dg.SensorEvaluationContext, folders: Folders) -> dg.RunRequest | dg.SkipReason:
    """Names, sizes and times tell whether anything came; which bytes count is the job's business."""
    listing = sorted(
        (str(p), s.st_size, s.st_mtime_ns)
        for source in load_contracts()
        for p in (folders.raw_path / source).glob("*")
        if not p.name.startswith((".", "~$")) and p.is_file() and (s := p.stat())
    )
    cursor = hashlib.sha256(repr(listing).encode()).hexdigest()
    if not listing or cursor == context.cursor:
        return dg.SkipReason("Inga nya filer.")
    context.update_cursor(cursor)
    return dg.RunRequest(run_key=cursor)
