"""What the Dagster layer shares: folders as a resource, groups, owners."""

import os
from datetime import date
from pathlib import Path

import dagster as dg

from dagster_project.paths import PROJECT, DataPaths

OWNERS = ["team:halsodata"]
RAW_VARIABLE, DATA_VARIABLE = "RESULTATTAVLA_RAW", "RESULTATTAVLA_DATA"


class Folders(dg.ConfigurableResource):
    """Where deliveries come from, where everything is written, and the as-of date (empty = newest extraction date)."""

    raw: str
    data: str
    as_of: str = ""

    @property
    def raw_path(self) -> Path:
        return Path(self.raw)

    @property
    def paths(self) -> DataPaths:
        return DataPaths(Path(self.data))

    @property
    def as_of_date(self) -> date | None:
        return date.fromisoformat(self.as_of) if self.as_of else None

    @staticmethod
    def from_environment() -> "Folders":
        """The folders of the environment, else `raw` and `data` in the project."""
        return Folders(
            raw=os.environ.get(RAW_VARIABLE, str(PROJECT / "raw")),
            data=os.environ.get(DATA_VARIABLE, str(PROJECT / "data")),
        )


def page(path: Path) -> dg.MetadataValue:
    """A link to a page on this machine."""
    return dg.MetadataValue.url(path.resolve().as_uri())
