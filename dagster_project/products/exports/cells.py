"""The cells that exports tell, with the names beside them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from dagster_project.catalogue.vocabulary import (
    ALL_SEXES,
    AREA,
    HIDDEN,
    LEVELS,
    MEN,
    NO_DATA,
    NOT_APPLICABLE,
    PERIOD_TYPES,
    PRELIMINARY,
    UNIT,
    VERKSAMHET,
    WOMEN,
)
from dagster_project.products.reading import Reading, VerksamhetInfo

PLACES = (AREA, VERKSAMHET)
"""The levels of every export; units are told where they are asked for."""
SEX_ORDER = (ALL_SEXES, WOMEN, MEN)


def places(reading: Reading) -> dict[str, VerksamhetInfo]:
    """The area and its verksamheter by code, in the order of reports."""
    return {reading.area.verksamhet: reading.area, **reading.verksamheter}


def cells(reading: Reading, levels: Sequence[str] = PLACES, period_types: Sequence[str] = PERIOD_TYPES) -> pl.DataFrame:
    """Cells of these levels and period types, in the order of the catalogue, levels, reports, periods and sexes.

    Left out: cells of verksamheter that the indicator is not about (`ej_tillamplig`). Columns: those of
    `indicator_result`, then plats (code of the area or verksamhet), platsnamn (of the unit at its level), hsaid (of
    the node, or the unit itself), regionskod, kolada_ou (null at units), titel, art, mattenhet, decimaler, etikett (the
    period in words), preliminar (`preliminary`), delad (a unit that belonged to several verksamheter in the period: no
    row is all of it).
    """
    marked = reading.results.with_columns(
        preliminary(reading.results),
        delad=(pl.col("niva") == UNIT)
        & (pl.col("verksamhet").n_unique().over("enhet", "period_typ", "period_start") > 1),
    )
    results = marked.filter(
        pl.col("niva").is_in(list(levels))
        & pl.col("period_typ").is_in(list(period_types))
        & (pl.col("status") != NOT_APPLICABLE)
    )
    told = results.with_columns(plats=pl.col("verksamhet").fill_null(reading.area.verksamhet))
    indicators = pl.DataFrame(
        [
            (i.indicator_id, n, i.titel, i.art, i.mattenhet, i.decimaler)
            for n, i in enumerate(reading.indicators.values())
        ],
        schema={
            "indicator_id": pl.String, "indicator_order": pl.Int64, "titel": pl.String, "art": pl.String,
            "mattenhet": pl.String, "decimaler": pl.Int64,
        },
        orient="row",
    )  # fmt: skip
    nodes = pl.DataFrame(
        [
            (p.verksamhet, n, p.namn, p.hsaid, p.regionskod, p.kolada_ou)
            for n, p in enumerate(places(reading).values())
        ],
        schema={
            "plats": pl.String, "place_order": pl.Int64, "nodnamn": pl.String, "node_hsaid": pl.String,
            "regionskod": pl.String, "kolada_ou": pl.String,
        },
        orient="row",
    )  # fmt: skip
    periods = reading.periods.select("period_typ", "period_start", "period_slut", "etikett")
    at_unit = pl.col("niva") == UNIT
    return (
        told.join(indicators, on="indicator_id", how="left")
        .join(nodes, on="plats", how="left")
        .join(periods, on=["period_typ", "period_start", "period_slut"], how="left")
        .join(unit_names(reading), on="enhet", how="left")
        .with_columns(
            platsnamn=pl.when(at_unit).then(pl.coalesce("enhetsnamn", "enhet")).otherwise(pl.col("nodnamn")),
            hsaid=pl.when(at_unit).then(pl.col("enhet")).otherwise(pl.col("node_hsaid")),
            kolada_ou=pl.when(~at_unit).then(pl.col("kolada_ou")),
        )
        .sort(
            "indicator_order",
            _order("niva", LEVELS),
            "place_order",
            "enhet",
            _order("period_typ", PERIOD_TYPES),
            "period_start",
            _order("kon", SEX_ORDER),
        )
        .drop("indicator_order", "place_order", "nodnamn", "node_hsaid", "enhetsnamn")
    )


def preliminary(results: pl.DataFrame) -> pl.Expr:
    """`preliminar`: whether what a cell of `indicator_result` says may still change, whatever its status is.

    That of a hidden or empty cell does not tell that its period is not over. A period that is not complete has not
    ended, came in part, or began before the data. What is shown or hidden of it is preliminary. What is empty is so
    unless it lies before the data: it ends before the first end that the indicator has complete (a stock's first year
    is complete though most of its months lie before the data).
    """
    known = results.filter("komplett").group_by("indicator_id").agg(pl.col("period_slut").min())
    first = pl.col("indicator_id").replace_strict(
        known["indicator_id"], known["period_slut"], default=None, return_dtype=pl.Date
    )
    before_the_data = pl.col("period_slut") < first
    open_ = ~pl.col("komplett") & (
        (pl.col("status") == HIDDEN) | ((pl.col("status") == NO_DATA) & ~before_the_data.fill_null(value=False))
    )
    return ((pl.col("status") == PRELIMINARY) | open_).alias("preliminar")


def unit_names(reading: Reading) -> pl.DataFrame:
    """enhet (HSA-id), enhetsnamn: the name that a unit had last."""
    newest = reading.units.sort("giltig_fran", nulls_last=False).group_by("hsaid", maintain_order=True).last()
    return newest.select(pl.col("hsaid").alias("enhet"), pl.col("namn").alias("enhetsnamn"))


def _order(column: str, values: Sequence[str]) -> pl.Expr:
    return pl.col(column).replace_strict({v: n for n, v in enumerate(values)}, return_dtype=pl.Int64)
