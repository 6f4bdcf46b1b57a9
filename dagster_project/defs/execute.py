"""Run the job in this process, for the command."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date

from dagster_project.core.imports import much_loaded
from dagster_project.operations.daily_run import JobEnd
from dagster_project.operations.settings import Settings
from dagster_project.operations.stages import STAGES
from dagster_project.runs.log import LOADING, step


def run_in_process(settings: Settings, as_of: date | None, progress: Callable[[str], None]) -> JobEnd:
    """Run the daily job on the settings' folders; who calls this holds them (`operations.daily_run.session`)."""
    progress(STAGES[LOADING])
    data = settings.paths
    with step(LOADING), much_loaded():
        from dagster_project.defs.build import JOB, build_defs
        from dagster_project.defs.events import failure_reason, job_end
        from dagster_project.defs.instance import COMMAND_TAG, dagster_instance, forget_dead_runs, prune_dagster

        job = build_defs(data, settings, progress, held=True).resolve_job_def(JOB)
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    config = {
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        "resources": {"folders": {"config": {"as_of": str(as_of or "")}}},
    }
    with dagster_instance(data) as instance:
        forget_dead_runs(instance)
        prune_dagster(instance, data, settings.retention.dagster_runs)
        result = job.execute_in_process(
            instance=instance, raise_on_error=False, tags={COMMAND_TAG: "yes"}, run_config=config
        )
        prune_dagster(instance, data, settings.retention.dagster_runs)
    end = job_end(result.all_events, data)
    return end or JobEnd(ingested=True, error=failure_reason(result.all_events, data))
