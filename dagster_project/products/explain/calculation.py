"""A cell's numbers again, from the observations that its evidence keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import fsum
from typing import Any

import polars as pl

from dagster_project.catalogue.vocabulary import AMOUNT, COUNT, COVERAGE, DISTINCT_PATHS, MEAN, MEDIAN, NOT_APPLICABLE
from dagster_project.core.errors import ResultattavlaError
from dagster_project.products.explain.cell import Context
from dagster_project.products.explain.model import UNDATED, Calculation, Definition
from dagster_project.releases.evidence import Evidence

COUNTS = pl.col("exclusion").is_null()
"""Observations that count."""
DELIVERED = pl.col("delivery").is_not_null()
"""Observations of a delivered row; what nobody has reported has none."""


def observations(evidence: Evidence, months: Sequence[date], undated: bool = False) -> pl.DataFrame:
    """The kept observations of these months at every place, with `month`; `undated`: also those without a date."""
    wanted = pl.col("month").is_between(pl.lit(months[0]), pl.lit(months[-1]))
    if undated:
        wanted |= pl.col("event_date").is_null()
    return all_observations(evidence, wanted)


def all_observations(evidence: Evidence, wanted: pl.Expr | None = None) -> pl.DataFrame:
    """All kept observations, or the wanted ones, with `month`."""
    try:
        older = {"exkludering": "exclusion"}
        kept = pl.scan_parquet(list(evidence.paths)).rename(older, strict=False)
        kept = kept.with_columns(month=pl.col("event_date").dt.truncate("1mo"))
        return (kept if wanted is None else kept.filter(wanted)).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ResultattavlaError(
            f"Underlaget {evidence.paths[0].parent} kan inte läsas: ta bort filen och kör igen."
        ) from error


@dataclass(frozen=True)
class Observations:
    """What the evidence keeps of a cell's period, undated ones too: at every place, and the cell's own.

    Excluded ones have a `reason`, which says when they have no date.
    """

    counting: pl.DataFrame
    excluded: pl.DataFrame
    own: pl.DataFrame
    own_excluded: pl.DataFrame


def observed(context: Context) -> Observations:
    """The observations behind a cell."""
    address = context.cell.address
    every = observations(context.evidence, context.cell.months, undated=True)
    counting = every.filter(COUNTS)
    excluded = every.filter(~COUNTS).with_columns(
        reason=pl.when(pl.col("event_date").is_null()).then(UNDATED + pl.col("exclusion")).otherwise("exclusion")
    )
    return Observations(counting, excluded, counting.filter(address.inside()), excluded.filter(address.excluded()))


def has_data(row: Mapping[str, Any], evidence: Evidence) -> bool:
    """Whether a published cell's period reaches into the data, and these say what the indicator requires.

    Else the cell is unknown, not empty.
    """
    applicable, lacking = row["status"] != NOT_APPLICABLE, evidence.reading.lacking
    reached = evidence.data_start is not None and row["period_slut"] >= evidence.data_start
    return applicable and lacking is None and reached


def calculate(indicator: Definition, own: pl.DataFrame, known: bool) -> Calculation:
    """taljare, namnare and varde from the counting observations of a cell (indicators.md, Result of one cell).

    known: whether the cell has data.
    """
    if not known:
        return Calculation()
    kind = indicator.kind
    if kind == AMOUNT and indicator.stock and own.height == 0:
        return Calculation()
    if kind in (COUNT, AMOUNT):
        total = float(_in_numerator(own)) if indicator.path in DISTINCT_PATHS else fsum(own["taljare"])
        return Calculation(total, None, total)
    if kind == MEDIAN:
        values = own["taljare"].sort().to_list()
        n = len(values)
        middle = tuple(values[(n - 1) // 2 : n // 2 + 1])
        return Calculation(None, float(n), sum(middle) / len(middle) if n else None, middle)
    if kind == COVERAGE:
        top, bottom = float(_in_numerator(own)), float(own["person"].n_unique())
    else:
        top, bottom = fsum(own["taljare"]), fsum(own["namnare"])
    value = None if bottom == 0 else top / bottom if kind == MEAN else 100 * top / bottom
    return Calculation(top, bottom, value)


def _in_numerator(own: pl.DataFrame) -> int:
    """Whoever or whatever counts once, in the numerator."""
    return own.filter(pl.col("taljare") == 1)["person"].n_unique()


def check_agreement(row: Mapping[str, Any], calculation: Calculation) -> None:
    """Raise ResultattavlaError when the evidence gives other numbers than the release (neither number is told)."""
    differing = [n for n in ("taljare", "namnare", "varde") if not _agree(row[n], getattr(calculation, n))]
    if differing:
        raise ResultattavlaError(
            f"FEL: underlaget ger inte det publicerade talet ({', '.join(differing)} skiljer sig) för "
            f"{row['indicator_id']} i utgåvan {row['release_id']}. Lita inte på talet: felanmäl."
        )


def _agree(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))
