"""What a run's Dagster events say of how it ended."""

from __future__ import annotations

from collections.abc import Iterable

from dagster import DagsterEvent

from dagster_project.core.errors import machine_error
from dagster_project.core.masking import mask
from dagster_project.core.paths import DataPaths
from dagster_project.gates.decision import stop_reason
from dagster_project.gates.outcomes import outcomes_so_far
from dagster_project.operations.daily_run import JobEnd
from dagster_project.operations.stages import PUBLISHING, RESULTS_GATE, STEPS
from dagster_project.runs.folder import RunFolder
from dagster_project.runs.log import INGESTION

BLOCKED = "DagsterAssetCheckFailedError"
"""Dagster's own error where a blocking check failed: it names the check, not what was wrong."""


def job_end(events: Iterable[DagsterEvent], data: DataPaths) -> JobEnd | None:
    """How a run came to its end; None when only some assets were materialized: nothing was published or failed."""
    events = list(events)
    succeeded = {e.step_key for e in events if e.is_step_success}
    if PUBLISHING in succeeded:
        return JobEnd(ingested=True)
    if any(e.is_step_failure for e in events):
        return JobEnd(INGESTION in succeeded, failure_reason(events, data))
    return None


def failure_reason(events: Iterable[DagsterEvent], data: DataPaths) -> str:
    """Why a job stopped: the first failed step's own sentence; else its error, masked."""
    for event in events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            texts = []
            while error is not None:
                name, _, text = error.message.strip().partition(": ")
                if name.startswith("dagster_project.") or name.endswith(".Failure"):
                    return mask(text)
                texts.append(error.message.strip())
                error = error.cause
            judged = _gate_sentence(data) if event.step_key == RESULTS_GATE and BLOCKED in texts[0] else None
            if judged:
                return judged
            told = machine_error("\n".join(texts), data.root)
            step = STEPS.get(str(event.step_key), event.step_key)
            return str(told) if told else f"Steget ”{step}” stannade: {mask(texts[-1])}"
    return "En blockerande grind underkände resultaten."


def _gate_sentence(data: DataPaths) -> str | None:
    """What the results gate did not accept, as publishing would tell it."""
    folder = RunFolder(data)
    return stop_reason(outcomes_so_far(folder, folder.identity().run_id))
