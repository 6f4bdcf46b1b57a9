"""All of Dagster's definitions, built from folders and settings: importing this reads and writes nothing."""

from collections.abc import Callable

import dagster as dg

from dagster_project.core.paths import DataPaths
from dagster_project.defs.automation import JOB, daily_job, daily_schedule, delivery_sensor
from dagster_project.defs.common import folders_resource
from dagster_project.defs.dbt import dbt_steps, model_keys
from dagster_project.defs.ingest import ingestion_asset, source_files
from dagster_project.defs.products import product_assets
from dagster_project.defs.publish import RELEASE, release_asset
from dagster_project.defs.quality import decision_assets, gate_checks
from dagster_project.operations.claim import claim
from dagster_project.operations.settings import Settings
from dagster_project.runs.parameters import agreed_ages

__all__ = ["JOB", "build_defs"]


def build_defs(
    data: DataPaths, settings: Settings, progress: Callable[[str], None] = lambda text: None, held: bool = False
) -> dg.Definitions:
    """Assets, checks, job, schedule and sensor on a data folder; dbt's project is parsed there where it is not yet.

    progress: is told what each step does. held: who builds them holds the data folder for all their runs. Raises
    UsageError for a data folder that is not ours.
    """
    claim(data)
    models = model_keys(data, settings.models_on)
    return dg.Definitions(
        assets=[
            *source_files(agreed_ages(settings.agreed_age_days)),
            ingestion_asset(),
            *dbt_steps(data, settings.models_on),
            *decision_assets(models),
            release_asset(models),
            *product_assets(data, RELEASE),
        ],
        asset_checks=gate_checks(models),
        jobs=[daily_job],
        schedules=[daily_schedule],
        sensors=[delivery_sensor(settings)],
        resources={"folders": folders_resource(data, settings, progress, held)},
    )
