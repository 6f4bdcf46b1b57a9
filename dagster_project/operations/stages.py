"""What a run goes through, in words, for whoever waits for it or reads why it stopped."""

from __future__ import annotations

from dagster_project.runs.log import INGESTION

__all__ = ["INGESTION", "LOADING", "LOOKING", "PAGES", "PRODUCTS", "PUBLISHING", "RESULTS_GATE", "STAGES", "STEPS"]

RESULTS_GATE, PUBLISHING = "gate_results", "published__release"
STEPS = {
    INGESTION: "läser in leveranser",
    "gate_delivery": "prövar leveranserna",
    "dbt_staging": "bearbetar",
    "gate_staging": "prövar de bearbetade tabellerna",
    "run__indicators": "avgör vad som kan publiceras",
    "dbt_cells": "räknar indikatorerna",
    "run__hidden_cells": "döljer små tal",
    "dbt_results": "jämför och bedömer",
    RESULTS_GATE: "prövar resultaten",
    PUBLISHING: "publicerar",
}
"""Step of the job -> what it does."""
LOOKING, LOADING = "ser efter nya leveranser", "laddar"
PRODUCTS, PAGES = "skriver tavla och exporter", "skriver granskningssidan"
STAGES = (LOOKING, LOADING, *STEPS.values(), PRODUCTS, PAGES)
"""What a run tells while it goes on, in order: a stage as it begins, and `stage: detail` while it lasts."""


def detail(stage: str, what: str) -> str:
    """What is being done in a stage: a source, a file, a model."""
    return f"{stage}: {what}"
