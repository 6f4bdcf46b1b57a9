"""dbt's models as assets, with lineage from its manifest; built in this process."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets

from dagster_project.core.paths import DataPaths
from dagster_project.defs.common import OWNERS, Folders, step
from dagster_project.engines.dbt import CELLS, RESULTS, STAGING, build, project_manifest, table_rows
from dagster_project.engines.engine import ON_DUCKDB, Engine
from dagster_project.runs.log import note

BUILDS = {"dbt_staging": STAGING, "dbt_cells": CELLS, "dbt_results": RESULTS}
"""The job's dbt steps, in their order: gates and disclosure control come between them."""


class Translator(DagsterDbtTranslator):
    """Models stand under their layer: sources/stg_kva, observations/obs_gas_antal, results/indicator_result."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey([self.get_group_name(dbt_resource_props), dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return "seeds" if dbt_resource_props["resource_type"] == "seed" else dbt_resource_props["fqn"][1]

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        return OWNERS

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The model's own description: its SQL is in the metadata, one click away."""
        return str(dbt_resource_props["description"])


# dbt's tests run in every build and stop it where they fail; as checks of their own they would only cost events.
TRANSLATOR = Translator(settings=DagsterDbtTranslatorSettings(enable_asset_checks=False))


def _built(folders: Folders, manifest: Mapping[str, Any], name: str) -> Iterator[dg.MaterializeResult]:
    """Build a step, and tell Dagster what each node came to."""
    nodes = build(folders.data, BUILDS[name], folders.telling(name), folders.settings.models_on)
    models = {n.unique_id: manifest["nodes"][n.unique_id] for n in nodes if not n.unique_id.startswith("test.")}
    # Counting what the store stages is quick; other views would be computed for it.
    shown = [m for m in models.values() if m["config"].get("materialized") != "view" or m["fqn"][1] == "sources"]
    tables = [m["name"] for m in shown]
    rows = table_rows(folders.data, tables)
    for node in nodes:
        if node.unique_id in models:
            model = models[node.unique_id]
            note(name, model["name"], node.seconds, rows.get(model["name"]))
            metadata = {"seconds": round(node.seconds, 3), "sql": model["original_file_path"]}
            if model["name"] in rows:
                metadata["dagster/row_count"] = rows[model["name"]]
            yield dg.MaterializeResult(TRANSLATOR.get_asset_key(model), metadata=metadata)


def model_keys(data: DataPaths, engine: Engine = ON_DUCKDB) -> dict[str, dg.AssetKey]:
    """Name of every dbt model -> its asset key."""
    nodes = project_manifest(data, engine)["nodes"].values()
    return {n["name"]: TRANSLATOR.get_asset_key(n) for n in nodes if n["resource_type"] == "model"}


def dbt_steps(data: DataPaths, engine: Engine = ON_DUCKDB) -> list[dg.AssetsDefinition]:
    """The dbt project as the job's three builds."""
    manifest = project_manifest(data, engine)

    def built(name: str, select: str) -> dg.AssetsDefinition:
        @dbt_assets(manifest=manifest, select=select, dagster_dbt_translator=TRANSLATOR, name=name)
        @step(name)
        def models(context: dg.AssetExecutionContext, folders: dg.ResourceParam[Folders]) -> Iterator[Any]:
            yield from _built(folders, manifest, name)

        return models

    return [built(name, select) for name, select in BUILDS.items()]
