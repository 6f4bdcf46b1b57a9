"""dbt's models as assets, with lineage from its manifest; built in this process."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test

from dagster_project.defs.common import OWNERS, Folders, told
from dagster_project.engines.dbt import RESULTS, STAGING, build, manifest_path, table_rows

MANIFEST = manifest_path(Folders.from_settings().paths)


class Translator(DagsterDbtTranslator):
    """Models stand under their layer: staging/stg_kva, observations/obs_gas_antal, marts/indicator_result."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey([self.get_group_name(dbt_resource_props), dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return "seeds" if dbt_resource_props["resource_type"] == "seed" else dbt_resource_props["fqn"][1]

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        return OWNERS


TRANSLATOR = Translator()


def _built(context: dg.AssetExecutionContext, folders: Folders, select: str) -> Iterator[Any]:
    """Build, and tell Dagster what each node came to."""
    import json

    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    nodes = build(folders.paths, select, context.log.debug)
    models = {n.unique_id: manifest["nodes"][n.unique_id] for n in nodes if not n.unique_id.startswith("test.")}
    tables = [m["name"] for m in models.values() if m["config"].get("materialized") != "view"]
    rows = table_rows(folders.paths, tables)
    for node in nodes:
        if node.unique_id in models:
            model = models[node.unique_id]
            metadata = {"sekunder": round(node.seconds, 3), "sql": model["original_file_path"]}
            if model["name"] in rows:
                metadata["dagster/row_count"] = rows[model["name"]]
            yield dg.MaterializeResult(TRANSLATOR.get_asset_key(model), metadata=metadata)
        else:
            key = get_asset_check_key_for_test(manifest, TRANSLATOR, node.unique_id, project=None)
            if key in context.selected_asset_check_keys:
                yield dg.AssetCheckResult(
                    passed=node.status == "pass",
                    asset_key=key.asset_key,
                    check_name=key.name,
                    metadata={"rader som bryter": node.failures or 0},
                )


@dbt_assets(manifest=MANIFEST, select=STAGING, dagster_dbt_translator=TRANSLATOR, name="dbt_staging")
@told
def staging(context: dg.AssetExecutionContext, folders: Folders) -> Iterator[Any]:
    """Newest accepted row per key of every source, and the seeds."""
    yield from _built(context, folders, STAGING)


@dbt_assets(manifest=MANIFEST, select=RESULTS, dagster_dbt_translator=TRANSLATOR, name="dbt_resultat")
@told
def results(context: dg.AssetExecutionContext, folders: Folders) -> Iterator[Any]:
    """Observations, grid, results and disclosure control."""
    yield from _built(context, folders, RESULTS)
