"""What a run goes through, in words, for whoever waits for it or reads why it stopped."""

from __future__ import annotations

from dagster_project.runs.log import INGESTION, LOADING, LOOKING, PAGES, PRODUCTS

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
STAGES = {
    LOOKING: "ser efter nya leveranser",
    LOADING: "laddar",
    **STEPS,
    PRODUCTS: "skriver tavla och exporter",
    PAGES: "skriver granskningssidan",
}
"""What a run tells while it goes on, in order: a stage as it begins, and `stage: detail` while it lasts. By what is
logged of it."""


def detail(stage: str, what: str) -> str:
    """What is being done in a stage: a source, a file, a model."""
    return f"{stage}: {what}"
