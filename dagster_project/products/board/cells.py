"""The cells that a page about one indicator shows, taken out of a release's results in one pass for all indicators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import polars as pl

from dagster_project.catalogue.vocabulary import (
    ALL_SEXES,
    AREA,
    FEW_MARK,
    HIDDEN,
    NOT_APPLICABLE,
    PERIOD_TYPES,
    PRELIMINARY,
    R12,
    UNIT,
    VERKSAMHET,
)
from dagster_project.releases.tables import NUMBERS

State = Literal["shown", "hidden", "preliminary", "no_data"]
"""How a chart draws a cell (`products.charts`)."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A row of `indicator_result`; where it is hidden it has no numbers."""

    level: str
    verksamhet: str | None
    unit: str | None
    period_type: str
    start: date
    end: date
    sex: str
    numerator: float | None
    denominator: float | None
    value: float | None
    low: float | None
    high: float | None
    compared: float | None
    change: float | None
    operator: str | None
    target: float | None
    status: str
    mark: str | None
    complete: bool
    quality: str
    release_id: str

    @property
    def state(self) -> State:
        """hidden, no_data where there is no number, preliminary where the period is not complete, else shown."""
        if self.status == HIDDEN:
            return "hidden"
        if self.value is None:
            return "no_data"
        return "preliminary" if self.status == PRELIMINARY else "shown"

    @property
    def shown(self) -> bool:
        """Whether it has a number that will not change by what is still to come."""
        return self.state == "shown"

    @property
    def few(self) -> bool:
        """Judged on so few that nobody is alarmed."""
        return self.mark == FEW_MARK


_COLUMNS = (
    "niva",
    "verksamhet",
    "enhet",
    "period_typ",
    "period_start",
    "period_slut",
    "kon",
    "taljare",
    "namnare",
    "varde",
    "ki_lag",
    "ki_hog",
    "jamforelse_varde",
    "forandring",
    "mal_operator",
    "malvarde",
    "status",
    "markering",
    "komplett",
    "kvalitet",
    "release_id",
)
_Series = tuple[str, str | None, str, str]
"""level, verksamhet (None for the area), period type, sex."""


@dataclass(frozen=True)
class IndicatorCells:
    """The cells of one indicator, each series oldest first.

    units: of the newest complete r12, T. rows: what `download` offers, as `indicator_result` has it.
    """

    rows: pl.DataFrame
    series_of: Mapping[_Series, tuple[Cell, ...]]
    units: tuple[Cell, ...] = field(default=())

    def area(self, period_type: str, sex: str = ALL_SEXES) -> tuple[Cell, ...]:
        return self.series_of.get((AREA, None, period_type, sex), ())

    def verksamhet(self, code: str, period_type: str, sex: str = ALL_SEXES) -> tuple[Cell, ...]:
        return self.series_of.get((VERKSAMHET, code, period_type, sex), ())

    def newest(self, period_type: str) -> Cell | None:
        """The area's cell of the newest complete period of a type; None where none is complete."""
        return newest_complete(self.area(period_type))

    def at(self, like: Cell, verksamhet: str) -> Cell | None:
        """A verksamhet's cell of the same period."""
        series = self.verksamhet(verksamhet, like.period_type)
        return next((cell for cell in series if cell.start == like.start), None)


def newest_complete(series: Sequence[Cell]) -> Cell | None:
    """The newest complete cell of a series, hidden or not; None where none is."""
    return next((cell for cell in reversed(series) if cell.complete), None)


def cells_by_indicator(results: pl.DataFrame) -> dict[str, IndicatorCells]:
    """What each indicator's page shows, by id.

    results: columns of `indicator_result`. Of the area and its verksamheter all periods (sexes: T everywhere, K and M
    of the area), of units the newest r12 that is complete for the area. What does not apply to a verksamhet is left
    out. No number is computed here; of a hidden cell none is kept, whatever its row says.
    """
    area = (pl.col("niva") == AREA) & (pl.col("period_typ") == R12) & (pl.col("kon") == ALL_SEXES)
    newest = (
        results.filter(area & pl.col("komplett"))
        .group_by("indicator_id")
        .agg(pl.col("period_start").max().alias("_newest"))
    )
    kept = (
        results.filter((pl.col("status") != NOT_APPLICABLE) & ((pl.col("kon") == ALL_SEXES) | (pl.col("niva") == AREA)))
        .join(newest, on="indicator_id", how="left")
        .filter(
            (pl.col("niva") != UNIT) | ((pl.col("period_typ") == R12) & (pl.col("period_start") == pl.col("_newest")))
        )
        .drop("_newest")
        .with_columns(pl.when(pl.col("status") != HIDDEN).then(pl.col(NUMBERS)).name.keep())
    )
    parts = kept.partition_by("indicator_id", as_dict=True, maintain_order=True)
    return {str(key[0]): _of_one(rows) for key, rows in parts.items()}


def _of_one(rows: pl.DataFrame) -> IndicatorCells:
    by_type = pl.col("period_typ").replace_strict({t: n for n, t in enumerate(PERIOD_TYPES)}, return_dtype=pl.Int8)
    ordered = rows.sort("niva", "verksamhet", "enhet", by_type, "period_start", "kon", nulls_last=False)
    series: dict[_Series, list[Cell]] = {}
    units: list[Cell] = []
    for cell in _cells(ordered):
        if cell.level == UNIT:
            units.append(cell)
        else:
            place = None if cell.level == AREA else cell.verksamhet
            series.setdefault((cell.level, place, cell.period_type, cell.sex), []).append(cell)
    return IndicatorCells(ordered, {key: tuple(found) for key, found in series.items()}, tuple(units))


def _cells(rows: pl.DataFrame) -> Iterator[Cell]:
    return (Cell(*row) for row in rows.select(_COLUMNS).iter_rows())
