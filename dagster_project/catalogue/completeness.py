"""What an indicator or a source consists of, and which of its parts are missing: a sentence each, naming the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dagster_project.catalogue.seeds import read_seed
from dagster_project.core.paths import PROJECT

TO_WRITE = "SKRIV:"
"""Stands in a skeleton before what only a person can say."""


@dataclass(frozen=True)
class Parts:
    """Where the parts of indicators and sources lie in a project folder."""

    root: Path = PROJECT

    @property
    def catalogue(self) -> Path:
        return self.root / "dbt" / "seeds" / "catalogue.csv"

    @property
    def observations(self) -> Path:
        return self.root / "dbt" / "models" / "observations"

    @property
    def staging_models(self) -> Path:
        return self.root / "dbt" / "models" / "sources"

    @property
    def contracts(self) -> Path:
        return self.root / "dagster_project" / "catalogue" / "contracts"

    @property
    def samples(self) -> Path:
        return self.root / "dagster_project" / "samples"

    def contract(self, source: str) -> Path:
        return self.contracts / f"{source}.odcs.yaml"

    def staging_model(self, source: str) -> Path:
        return self.staging_models / source / f"stg_{source}.sql"

    def sample(self, source: str) -> Path:
        return self.samples / f"{source}.py"

    def indicators(self) -> list[str]:
        """The ids that the catalogue has a row of, in its order."""
        return [row["indicator_id"] for row in read_seed(self.catalogue)]

    def sources(self) -> list[str]:
        """The sources that have a contract."""
        return sorted(path.name.removesuffix(".odcs.yaml") for path in self.contracts.glob("*.odcs.yaml"))

    def name(self, path: Path) -> str:
        """A path as sentences name it."""
        return path.relative_to(self.root).as_posix()


HERE = Parts()
"""The project that this package belongs to."""


def missing_files(parts: Parts = HERE) -> list[str]:
    """What is missing for the indicators and sources that something is there of; empty when all are whole."""
    models, staged = parts.observations.glob("*/obs_*.sql"), parts.staging_models.glob("*/stg_*.sql")
    indicators = {*parts.indicators(), *(model.stem.removeprefix("obs_") for model in models)}
    sources = {*parts.sources(), *(model.stem.removeprefix("stg_") for model in staged)}
    missing = [sentence for indicator in sorted(indicators) for sentence in missing_of_indicator(indicator, parts)]
    return missing + [sentence for source in sorted(sources) for sentence in missing_of_source(source, parts)]


def missing_of_indicator(indicator: str, parts: Parts = HERE) -> list[str]:
    """What an indicator lacks of: a row in the catalogue, a model, and its YAML with description and unit tests."""
    return list(_of_indicator(indicator, parts))


def missing_of_source(source: str, parts: Parts = HERE) -> list[str]:
    """What a source lacks of: contract, staging model and its YAML, sample. The gates have their suites by its
    contract (`gates.suites.traits`): one of its own is no part that it must have."""
    return list(_of_source(source, parts))


def left_to_write(parts: Parts = HERE) -> list[str]:
    """Where a skeleton's text still waits for its words; empty when all are written."""
    models = [path for folder in (parts.observations, parts.staging_models) for path in folder.glob("*/*.*")]
    files = [parts.catalogue, *parts.contracts.glob("*.yaml"), *parts.samples.glob("*.py"), *models]
    return [
        f"{parts.name(path)} har text kvar att skriva på rad {number}, efter {TO_WRITE}"
        for path in sorted(files)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if TO_WRITE in line
    ]


def _of_indicator(indicator: str, parts: Parts) -> Iterator[str]:
    if indicator not in parts.indicators():
        yield f"Indikatorn {indicator} saknar en rad i {parts.name(parts.catalogue)}."
    found = sorted(parts.observations.glob(f"*/obs_{indicator}.sql"))
    model = found[0] if found else parts.observations / "<källa>" / f"obs_{indicator}.sql"
    if not found:
        yield f"Indikatorn {indicator} saknar modellen {parts.name(model)}."
    yield from _description_and_tests(f"Indikatorn {indicator}", model, parts)


def _of_source(source: str, parts: Parts) -> Iterator[str]:
    model = parts.staging_model(source)
    files = {"kontraktet": parts.contract(source), "modellen": model, "exemplet": parts.sample(source)}
    for part, path in files.items():
        if not path.exists():
            yield f"Källan {source} saknar {part} {parts.name(path)}."
    yield from _description_and_tests(f"Källan {source}", model, parts)
    content = _yaml_of(model)
    if content is None:
        return
    tables = [t["name"] for s in content.get("sources") or [] if s["name"] == "bronze" for t in s["tables"]]
    if source not in tables:
        yield f"Källan {source} saknar tabellen {source} i källan bronze i {parts.name(_yaml_path(model))}."


def _description_and_tests(what: str, model: Path, parts: Parts) -> Iterator[str]:
    path = _yaml_path(model)
    if not path.exists():
        yield f"{what} saknar {parts.name(path)} med beskrivning och enhetstester."
        return
    content = _yaml_of(model)
    if content is None:
        yield f"{what}: {parts.name(path)} kan inte läsas som YAML."
        return
    if not any(m["name"] == model.stem and m.get("description", "").strip() for m in content.get("models") or []):
        yield f"{what} saknar en beskrivning av {model.stem} i {parts.name(path)}."
    if not any(test["model"] == model.stem for test in content.get("unit_tests") or []):
        yield f"{what} saknar enhetstest i {parts.name(path)}."


def _yaml_path(model: Path) -> Path:
    return model.with_suffix(".yml")


def _yaml_of(model: Path) -> dict[str, Any] | None:
    """What a model's YAML file says; None where it is missing or no YAML."""
    path = _yaml_path(model)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the unit tests' rows are long: seconds without it
    try:
        return (yaml.load(path.read_text(encoding="utf-8"), Loader=loader) or {}) if path.exists() else None
    except yaml.YAMLError:
        return None
