"""Assets of ingestion: source files, bronze per source, and what the run settles."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import dagster as dg

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.defs.common import OWNERS, Folders, told
from dagster_project.ingestion.bronze import Delivery
from dagster_project.operations.settings import agreed_ages, load_settings
from dagster_project.runs.identity import ingest, take_over

RUN_TABLES = {
    "leveranser": "The delivery ledger: every file, its counts, its status and, where rejected, why.",
    "avvisade_rader": "Rows whose unit the register does not know or does not hold valid on the event date.",
    "parametrar": "As-of date, grid, parameters and release id of the run.",
    "karantan": "Quarantined rows with reasons, masked values and state.",
}

_AGES = agreed_ages(load_settings().agreed_age_days)
source_files = [
    dg.AssetSpec(
        ["raw", c.source],
        group_name="kallfiler",
        owners=OWNERS,
        description=f"Delivered files. {c.purpose}",
        kinds={"file"},
        freshness_policy=dg.FreshnessPolicy.time_window(
            warn_window=timedelta(days=_AGES[c.source]), fail_window=timedelta(days=2 * _AGES[c.source])
        ),
    )
    for c in load_contracts().values()
]
_bronze = [
    dg.AssetSpec(
        ["bronze", c.source],
        deps=[["raw", c.source]],
        group_name="inlasning",
        owners=OWNERS,
        description=f"Typed rows per delivery, personnummer replaced by person_id. {c.purpose}",
        kinds={"polars", "parquet"},
    )
    for c in load_contracts().values()
]
_run = [
    dg.AssetSpec(
        ["korning", name],
        deps=[["bronze", s] for s in load_contracts()],
        group_name="inlasning",
        owners=OWNERS,
        description=text,
        kinds={"duckdb", "parquet"},
    )
    for name, text in RUN_TABLES.items()
]


def _arrived(context: dg.AssetExecutionContext, source: str, newest: Delivery) -> None:
    """Tell Dagster when a source's files became newer, which is what its freshness is judged by."""
    key = dg.AssetKey(["raw", source])
    last = context.instance.get_latest_materialization_event(key)
    known = last.asset_materialization.metadata["uttagsdatum"].value if last and last.asset_materialization else ""
    if str(newest.uttagsdatum) > str(known):
        metadata = {"uttagsdatum": str(newest.uttagsdatum), "fil": newest.file, "sha256": newest.sha256 or ""}
        context.log_event(dg.AssetMaterialization(key, description="Ny leverans", metadata=metadata))


@dg.multi_asset(specs=[*_bronze, *_run], name="inlasning")
@told
def ingestion(context: dg.AssetExecutionContext, folders: Folders) -> Iterator[dg.MaterializeResult]:
    """Read new deliveries into bronze and settle the run's inputs."""
    where = folders.raw_path, folders.paths, folders.as_of_date
    # The command has ingested already, to see whether anything is new.
    state, settled = take_over(*where) or ingest(*where, date.today(), folders.settings, context.log.info)
    for source in load_contracts():
        accepted = settled.accepted(source)
        if accepted:
            _arrived(context, source, accepted[-1])
        yield dg.MaterializeResult(
            ["bronze", source],
            metadata={
                "dagster/row_count": sum(d.rows_accepted for d in accepted),
                "leveranser": len(accepted),
                "avvisade filer": sum(d.source == source and d.status == "avvisad" for d in settled.ledger),
                "rader i karantän": sum(d.rows_quarantined for d in accepted),
                "nyaste uttag": str(accepted[-1].uttagsdatum) if accepted else "aldrig levererad",
                "mapp": dg.MetadataValue.path(str(folders.paths.bronze / source)),
            },
        )
    counts = {"leveranser": len(settled.ledger), "karantan": settled.quarantine.height}
    for name in RUN_TABLES:
        metadata: dict[str, Any] = {
            "as_of": str(state.as_of),
            "release_id": state.release_id,
            "fil": dg.MetadataValue.path(str(folders.paths.run / f"{name}.parquet")),
        }
        if name in counts:
            metadata["dagster/row_count"] = counts[name]
        yield dg.MaterializeResult(["korning", name], metadata=metadata)
