"""Everything that Dagster loads; nothing else."""

import dagster as dg

from dagster_project.defs import automation, dbt, ingest, publish, quality
from dagster_project.defs.common import Folders

defs = dg.Definitions(
    assets=[*ingest.source_files, ingest.ingestion, dbt.staging, quality.indicators, dbt.results, publish.release],
    asset_checks=[quality.delivery_gate, quality.staging_gate, quality.results_gate],
    jobs=[automation.daily_job],
    schedules=[automation.daily_schedule],
    sensors=[automation.new_deliveries],
    resources={"folders": Folders.from_settings()},
)
