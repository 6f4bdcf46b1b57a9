"""The release: the last asset, with its own audit."""

from collections.abc import Mapping
from datetime import timedelta

import dagster as dg

from dagster_project.catalogue.vocabulary import RESULT_TABLE
from dagster_project.defs.common import OWNERS, Folders, names, page, step
from dagster_project.defs.products import consumers
from dagster_project.operations.stages import PUBLISHING
from dagster_project.products.data_docs.pages import data_docs_folder
from dagster_project.releases.publish import publish
from dagster_project.releases.tables import INDICATOR_TABLE, SIGNAL_TABLE

RELEASE = dg.AssetKey(["published", "release"])
LATE = timedelta(hours=26)
"""The schedule runs every morning: older than this, and no run published (as `status --max-age 26h` tells)."""


def release_asset(models: Mapping[str, dg.AssetKey]) -> dg.AssetsDefinition:
    """Stage, audit and switch `current`; `models`: name of every dbt model -> its asset."""

    @dg.asset(
        key=RELEASE,
        deps=[models[RESULT_TABLE], models[INDICATOR_TABLE], models[SIGNAL_TABLE]],
        group_name="publishing",
        owners=OWNERS,
        kinds={"parquet", "duckdb", "csv"},
        metadata={"consumers": consumers()},
        freshness_policy=dg.FreshnessPolicy.time_window(warn_window=LATE, fail_window=2 * LATE),
        description="The published release. Launched alone it still audits: bad or mismatched inputs publish nothing.",
    )
    @step(PUBLISHING)
    def release(folders: dg.ResourceParam[Folders]) -> dg.MaterializeResult:
        published = publish(folders.data, folders.identity, folders.telling(PUBLISHING))
        return dg.MaterializeResult(
            metadata={
                "release_id": published.id,
                "dagster/row_count": published.manifest.cells,
                "held_back": names(published.held_back),
                "folder": dg.MetadataValue.path(str(published.folder)),
                "review": page(folders.data.docs / "index.html"),
                "data_docs": page(data_docs_folder(folders.data) / "index.html"),
            }
        )

    return release
