"""On which engine dbt's models are built: DuckDB in this process, or Apache Spark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

EngineName = Literal["duckdb", "spark"]
DUCKDB: EngineName = "duckdb"
SPARK: EngineName = "spark"
LOCAL_MASTER = "local[2]"


@dataclass(frozen=True)
class Engine:
    """name: which one. master: where Spark runs, `local[<cores>]` in this process or `spark://<host>:<port>`."""

    name: EngineName = DUCKDB
    master: str = LOCAL_MASTER

    @property
    def is_spark(self) -> bool:
        return self.name == SPARK

    def require(self) -> None:
        """Raise UsageError where what the engine needs is not installed or does not answer; DuckDB always is there."""
        if self.is_spark:
            from dagster_project.engines.spark import require

            require(self.master)


ON_DUCKDB = Engine()
