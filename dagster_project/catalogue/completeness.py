"""What an indicator or a source consists of, and which of its parts are missing: a sentence each, naming the file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from dagster_project.catalogue.contracts import CONTRACT_DIR
from dagster_project.catalogue.seeds import seed
from dagster_project.core.paths import PROJECT

OBSERVATIONS = PROJECT / "dbt" / "models" / "observations"
STAGING_MODELS = PROJECT / "dbt" / "models" / "sources"
SUITES = PROJECT / "expectations" / "staging"
SAMPLES = PROJECT / "dagster_project" / "samples"


def missing_files() -> list[str]:
    """What is missing for the indicators and sources that something is there of; empty when all are whole."""
    indicators = [*_catalogue_ids(), *(model.stem.removeprefix("obs_") for model in OBSERVATIONS.glob("*/obs_*.sql"))]
    sources = [
        *(path.name.removesuffix(".odcs.yaml") for path in CONTRACT_DIR.glob("*.odcs.yaml")),
        *(model.stem.removeprefix("stg_") for model in STAGING_MODELS.glob("*/stg_*.sql")),
    ]
    missing = [sentence for indicator in sorted({*indicators}) for sentence in missing_of_indicator(indicator)]
    return missing + [sentence for source in sorted({*sources}) for sentence in missing_of_source(source)]


def missing_of_indicator(indicator: str) -> list[str]:
    """What an indicator lacks of: a row in the catalogue, a model, and its YAML with description and unit tests."""
    return list(_of_indicator(indicator))


def missing_of_source(source: str) -> list[str]:
    """What a source lacks of: contract, staging model and its YAML, suite, sample."""
    return list(_of_source(source))


def _of_indicator(indicator: str) -> Iterator[str]:
    if indicator not in _catalogue_ids():
        yield f"Indikatorn {indicator} saknar en rad i dbt/seeds/catalogue.csv."
    found = sorted(OBSERVATIONS.glob(f"*/obs_{indicator}.sql"))
    model = found[0] if found else OBSERVATIONS / "<källa>" / f"obs_{indicator}.sql"
    if not found:
        yield f"Indikatorn {indicator} saknar modellen {_name(model)}."
    yield from _description_and_tests(f"Indikatorn {indicator}", model)


def _of_source(source: str) -> Iterator[str]:
    model = STAGING_MODELS / source / f"stg_{source}.sql"
    parts = {
        "kontraktet": CONTRACT_DIR / f"{source}.odcs.yaml",
        "modellen": model,
        "kontrollerna": SUITES / f"{source}.json",
        "exemplet": SAMPLES / f"{source}.py",
    }
    for part, path in parts.items():
        if not path.exists():
            yield f"Källan {source} saknar {part} {_name(path)}."
    yield from _description_and_tests(f"Källan {source}", model)
    tables = [t["name"] for s in _yaml_of(model).get("sources", []) if s["name"] == "bronze" for t in s["tables"]]
    if _yaml_path(model).exists() and source not in tables:
        yield f"Källan {source} saknar tabellen {source} i källan bronze i {_name(_yaml_path(model))}."


def _description_and_tests(what: str, model: Path) -> Iterator[str]:
    path = _yaml_path(model)
    if not path.exists():
        yield f"{what} saknar {_name(path)} med beskrivning och enhetstester."
        return
    content = _yaml_of(model)
    if not any(m["name"] == model.stem and m.get("description", "").strip() for m in content.get("models", [])):
        yield f"{what} saknar en beskrivning av {model.stem} i {_name(path)}."
    if not any(test["model"] == model.stem for test in content.get("unit_tests", [])):
        yield f"{what} saknar enhetstest i {_name(path)}."


@cache
def _catalogue_ids() -> frozenset[str]:
    return frozenset(row["indicator_id"] for row in seed("catalogue"))


def _yaml_path(model: Path) -> Path:
    return model.with_suffix(".yml")


def _yaml_of(model: Path) -> dict[str, Any]:
    path = _yaml_path(model)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the unit tests' rows are long: seconds without it
    return (yaml.load(path.read_text(encoding="utf-8"), Loader=loader) or {}) if path.exists() else {}


def _name(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()
