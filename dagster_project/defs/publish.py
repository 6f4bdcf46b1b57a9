"""The release: the last asset, with its own audit."""

import dagster as dg

from dagster_project.defs.common import OWNERS, Folders, page, told
from dagster_project.gates.decision import data_docs
from dagster_project.releases.publish import publish
from dagster_project.runs.identity import RunState


@dg.asset(
    key=["published", "utgava"],
    deps=[["marts", "indicator_result"], ["marts", "indicator"]],
    group_name="publicering",
    owners=OWNERS,
    kinds={"parquet", "duckdb", "csv"},
    description="The published release. Launched alone it still audits: bad or mismatched inputs publish nothing.",
)
@told
def release(folders: Folders) -> dg.MaterializeResult:
    """Stage, audit and switch `current`."""
    published = publish(folders.paths, RunState.read(folders.paths))
    return dg.MaterializeResult(
        metadata={
            "release_id": published.id,
            "dagster/row_count": published.manifest["files"]["indicator_result.parquet"]["rows"],
            "hålls tillbaka": ", ".join(sorted(published.held_back)) or "inga",
            "mapp": dg.MetadataValue.path(str(published.folder)),
            "granskning": page(folders.paths.docs / "index.html"),
            "datadokumentation": page(data_docs(folders.paths) / "index.html"),
        }
    )
