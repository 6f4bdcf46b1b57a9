"""Where things lie: the project's own files and everything under the data folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class DataPaths:
    """The data folder (`--data`): everything that the system writes lies below it."""

    root: Path

    @property
    def bronze(self) -> Path:
        """Typed Parquet per delivery, written once."""
        return self.root / "bronze"

    @property
    def run(self) -> Path:
        """What one run hands from step to step: ledger, quarantine, gate outcomes."""
        return self.root / "run"

    @property
    def warehouse(self) -> Path:
        """What rows count, and what dbt's models make of them; only settling and dbt write it."""
        return self.root / "warehouse.duckdb"

    @property
    def spark(self) -> Path:
        """What dbt builds on Spark, a folder of Parquet per table; the warehouse then has views of them."""
        return self.root / "spark"

    @property
    def dbt_target(self) -> Path:
        """dbt's manifest, compiled SQL and run results."""
        return self.root / "dbt"

    @property
    def published(self) -> Path:
        """Releases and the link `current`."""
        return self.root / "published"

    @property
    def releases(self) -> Path:
        return self.published / "releases"

    @property
    def current(self) -> Path:
        return self.published / "current"

    @property
    def products(self) -> Path:
        """What was made from each release for people to open, by release id."""
        return self.published / "produkter"

    @property
    def evidence(self) -> Path:
        """The observations behind every kept release; internal."""
        return self.root / "evidence"

    @property
    def person_level(self) -> tuple[Path, ...]:
        """What holds single persons' or small groups' data, and the key: for the owner alone."""
        key = self.root / "person.key"
        return self.bronze, self.run, self.warehouse, self.spark, self.evidence, key, self.erasures

    @property
    def erasures(self) -> Path:
        """The list of erased persons, as pseudonyms under the person key."""
        return self.root / "erased.json"

    @property
    def installation(self) -> Path:
        """The id by which a database that shows the folder's releases knows it."""
        return self.root / "installation.id"

    @property
    def history(self) -> Path:
        """One small record per finished run."""
        return self.root / "history"

    @property
    def docs(self) -> Path:
        """Static pages for stewards, for the owner alone."""
        return self.root / "docs"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own storage."""
        return self.root / "dagster"
