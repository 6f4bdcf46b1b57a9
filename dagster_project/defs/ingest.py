"""Assets of ingestion: source files, bronze per source, and what the run settles."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import dagster as dg

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.vocabulary import REJECTED
from dagster_project.core.clock import today_in_sweden
from dagster_project.defs.common import OWNERS, Folders, step
from dagster_project.operations.ingest import ingest
from dagster_project.runs.folder import LEDGER, PARAMETERS, QUARANTINE, REFUSED, REPLACED
from dagster_project.runs.ledger import Delivery
from dagster_project.runs.log import INGESTION

RUN_TABLES = {
    LEDGER: "The delivery ledger: every file, its counts, its status and, where rejected, why.",
    REFUSED: "Rows whose unit the register does not know or does not hold valid on the event date.",
    REPLACED: "Rows that a newer full list of their scope has replaced.",
    PARAMETERS: "As-of date, grid, parameters and run id.",
    QUARANTINE: "Quarantined rows with reasons, masked values and state.",
}


def source_files(ages: Mapping[str, int]) -> list[dg.AssetSpec]:
    """The delivered files, with freshness by agreed age (days per source)."""
    return [
        dg.AssetSpec(
            ["raw", c.source],
            group_name="source_files",
            owners=OWNERS,
            description=f"Delivered files. {c.purpose}",
            kinds={"file"},
            freshness_policy=dg.FreshnessPolicy.time_window(
                warn_window=timedelta(days=ages[c.source]), fail_window=timedelta(days=2 * ages[c.source])
            ),
        )
        for c in load_contracts().values()
    ]


def _specs() -> list[dg.AssetSpec]:
    bronze = [
        dg.AssetSpec(
            ["bronze", c.source],
            deps=[["raw", c.source]],
            group_name="ingestion",
            owners=OWNERS,
            description=f"Typed rows per delivery, personnummer replaced by person_id. {c.purpose}",
            kinds={"polars", "parquet"},
        )
        for c in load_contracts().values()
    ]
    run = [
        dg.AssetSpec(
            ["run", name],
            deps=[["bronze", s] for s in load_contracts()],
            group_name="ingestion",
            owners=OWNERS,
            description=text,
            kinds={"duckdb", "parquet"},
        )
        for name, text in RUN_TABLES.items()
    ]
    return [*bronze, *run]


def _arrived(context: dg.AssetExecutionContext, source: str, newest: Delivery) -> None:
    """Tell Dagster when a source's files became newer, which is what its freshness is judged by."""
    key = dg.AssetKey(["raw", source])
    last = context.instance.get_latest_materialization_event(key)
    known = last.asset_materialization.metadata["uttagsdatum"].value if last and last.asset_materialization else ""
    if str(newest.uttagsdatum) > str(known):
        metadata = {"uttagsdatum": str(newest.uttagsdatum), "file": newest.file, "sha256": newest.sha256 or ""}
        context.log_event(dg.AssetMaterialization(key, description="New delivery", metadata=metadata))


def ingestion_asset() -> dg.AssetsDefinition:
    """The first step: read new deliveries into bronze and settle the run's inputs."""

    @dg.multi_asset(specs=_specs(), name="ingestion")
    @step(INGESTION)
    def ingestion(
        context: dg.AssetExecutionContext, folders: dg.ResourceParam[Folders]
    ) -> Iterator[dg.MaterializeResult]:
        waiting = folders.telling(INGESTION)

        def tell(text: str) -> None:
            context.log.info(text)
            waiting(text)

        identity, settled = ingest(folders.settings, folders.as_of, today_in_sweden(), tell)
        for source in load_contracts():
            deliveries = settled.accepted(source)
            if deliveries:
                _arrived(context, source, deliveries[-1])
            yield dg.MaterializeResult(
                ["bronze", source],
                metadata={
                    "dagster/row_count": sum(d.rows_accepted for d in deliveries),
                    "deliveries": len(deliveries),
                    "rejected_files": sum(d.source == source and d.status == REJECTED for d in settled.ledger),
                    "quarantined_rows": sum(d.rows_quarantined for d in deliveries),
                    "newest_delivery": str(deliveries[-1].uttagsdatum) if deliveries else "never delivered",
                    "folder": dg.MetadataValue.path(str(folders.data.bronze / source)),
                },
            )
        counts = {LEDGER: len(settled.ledger), QUARANTINE: settled.quarantine.height}
        for name in RUN_TABLES:
            metadata: dict[str, Any] = {
                "as_of": str(identity.as_of),
                "run_id": identity.run_id,
                "file": dg.MetadataValue.path(str(folders.run.path(name))),
            }
            if name in counts:
                metadata["dagster/row_count"] = counts[name]
            yield dg.MaterializeResult(["run", name], metadata=metadata)

    return ingestion
