"""What a release was made with: a hash over the project's own code and the versions of the packages that matter."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.metadata import version

from dagster_project.core.paths import PROJECT

_CODE = (
    "dagster_project/**/*.py",
    "dagster_project/contracts/*.yaml",
    "dbt/*.yml",
    "dbt/models/**/*",
    "dbt/macros/**/*",
    "dbt/seeds/*",
    "expectations/**/*.json",
)
# Unit tests change no result.
_IGNORED = re.compile(r"/__pycache__/|/unit_tests[^/]*\.yml$").search
_PACKAGES = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "great-expectations", "polars")


def _digest(patterns: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    files = {p for pattern in patterns for p in PROJECT.glob(pattern) if p.is_file() and not _IGNORED(p.as_posix())}
    for path in sorted(files):
        digest.update(path.relative_to(PROJECT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def code_version() -> str:
    """Hash (12 hex) over code, contracts, models, catalogue and suites: the same for every clone of a commit."""
    return _digest(_CODE)[:12]


@cache
def catalogue_version() -> str:
    """Hash (12 hex) over the seeds: catalogue and organisation."""
    return _digest(("dbt/seeds/*.csv",))[:12]


@cache
def dbt_version() -> str:
    """Hash over what dbt parses; a manifest made from something else is stale."""
    return _digest(tuple(p for p in _CODE if p.startswith("dbt/")))


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that compute or store results."""
    return {name: version(name) for name in _PACKAGES}
