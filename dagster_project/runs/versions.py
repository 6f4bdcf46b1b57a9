"""What numbers are made by: a hash over the calculation code, one over the catalogue, and the packages that matter.

Texts that only people read (descriptions of models, of expectations, who answers for a source), products, the demo and
documentation are no part of it: a release keeps its id when a page is worded better.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import version
from pathlib import Path

import yaml

from dagster_project.catalogue.contracts import rules_of
from dagster_project.core.files import digest_of_files
from dagster_project.core.paths import PROJECT
from dagster_project.engines.engine import SPARK, EngineName

CALCULATION_ROOMS = ("core", "catalogue", "engines", "runs", "ingestion", "gates", "disclosure", "releases")
_CODE = (
    *(f"dagster_project/{room}/**/*.py" for room in CALCULATION_ROOMS),
    "dagster_project/catalogue/contracts/*.yaml",
    "dbt/dbt_project.yml",
    "dbt/models/**/*.sql",
    "dbt/macros/**/*.sql",
    "expectations/**/*.json",
)
_NO_CALCULATION = (
    "dagster_project/catalogue/skeleton*.py",
    "dagster_project/catalogue/completeness.py",
    "dagster_project/runs/log.py",
)
"""In a room that computes, but for who adds an indicator or a source, or looks at how a run went."""
_OF_SPARK = ("dbt-spark", "pyspark")
_PACKAGES = ("dbt-core", "dbt-duckdb", "duckdb", "great-expectations", "polars")
_SUITE_TEXTS = ("titel", "betydelse", "atgard", "measured")


def _files(patterns: tuple[str, ...], root: Path) -> list[Path]:
    return [path for pattern in patterns for path in root.glob(pattern) if path.is_file()]


def _without_texts(path: Path) -> bytes:
    """What a file says to the program: of a suite or contract, everything but the texts for people."""
    content = path.read_bytes()
    if path.suffix == ".yaml":
        return rules_of(yaml.safe_load(content))
    if path.suffix != ".json":
        return content
    suite = json.loads(content)
    for holder in (suite, *suite["expectations"]):
        for text in _SUITE_TEXTS:
            holder["meta"].pop(text, None)
    return json.dumps(suite, sort_keys=True).encode()


def code_digest(root: Path) -> str:
    """SHA-256 over the calculation code of a project folder."""
    other = set(_files(_NO_CALCULATION, root))
    return digest_of_files(root, [p for p in _files(_CODE, root) if p not in other], _without_texts)


def catalogue_digest(root: Path) -> str:
    """SHA-256 over the seeds of a project folder: their texts are published, so they count."""
    return digest_of_files(root, _files(("dbt/seeds/*.csv",), root))


@cache
def code_version() -> str:
    """Hash (12 hex) over calculation code, contracts, models and suites: the same for every clone of a commit."""
    return code_digest(PROJECT)[:12]


@cache
def catalogue_version() -> str:
    """Hash (12 hex) over the seeds."""
    return catalogue_digest(PROJECT)[:12]


def package_versions(engine: EngineName) -> dict[str, str]:
    """Installed versions of the packages that compute or store results on this engine."""
    return {name: version(name) for name in (*_PACKAGES, *(_OF_SPARK if engine == SPARK else ()))}
