"""The explained cell and what is looked at around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import polars as pl

from dagster_project.catalogue.vocabulary import HIDDEN, MONTH, RESULT_TABLE
from dagster_project.core.paths import DataPaths
from dagster_project.disclosure.split import Address
from dagster_project.products.explain.deliveries import accepted_inputs
from dagster_project.products.explain.model import Definition, Period
from dagster_project.releases.evidence import Evidence, reading
from dagster_project.releases.store import Release
from dagster_project.releases.tables import INDICATOR_TABLE


@dataclass(frozen=True)
class Cell:
    """One published cell. row: its own; rows: all cells of the indicator in the same release."""

    release: Release
    indicator: Definition
    address: Address
    period: Period
    rows: pl.DataFrame
    row: dict[str, Any]

    @property
    def hidden(self) -> bool:
        return bool(self.row["status"] == HIDDEN)

    @property
    def months(self) -> list[date]:
        """First days of the months whose observations the cell counts."""
        return self.period.months(self.indicator)

    @property
    def place(self) -> pl.DataFrame:
        """All cells of the period."""
        return self.rows.filter(self.period.same())

    @property
    def monthly(self) -> pl.DataFrame:
        """The published months of the period, at every address."""
        return monthly(self.rows, self.months)

    def earlier(self, data: DataPaths, release: Release) -> Cell | None:
        """The same cell in another release, as that release defines it; None where it has none.

        Raises OSError or PolarsError where it is damaged.
        """
        rows = release.table(RESULT_TABLE, self.indicator.id)
        same = rows.filter(self.period.same() & self.address.same())
        if same.height == 0:
            return None
        row = release.table(INDICATOR_TABLE, self.indicator.id).row(0, named=True)
        meant = Definition.of(row, reading(data, release.id, self.indicator.id))
        return Cell(release, meant, self.address, self.period, rows, same.row(0, named=True))


@dataclass(frozen=True)
class Context:
    """A cell with the evidence that it came from."""

    data: DataPaths
    cell: Cell
    evidence: Evidence

    @property
    def limit(self) -> int:
        """The suppression limit that counts: the stricter of the release's and of the one that computed the rows."""
        return max(self.cell.release.manifest.suppression_limit, self.evidence.origin.suppression_limit)

    @cached_property
    def file_of(self) -> dict[str, str]:
        """Delivery -> the file that is named for it."""
        return {d.id: d.file for d in accepted_inputs(self.evidence.origin, self.cell.indicator)}


def monthly(rows: pl.DataFrame, months: Sequence[date]) -> pl.DataFrame:
    """Published cells of these months, at every address."""
    return rows.filter((pl.col("period_typ") == MONTH) & pl.col("period_start").is_in(list(months)))
