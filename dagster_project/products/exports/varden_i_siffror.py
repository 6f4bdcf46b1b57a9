"""`varden_i_siffror.csv`: months and years as Vården i siffror receives them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl

from dagster_project.catalogue.vocabulary import (
    ALL_SEXES,
    AREA,
    HIDDEN,
    MEN,
    MONTH,
    UNIT,
    VERKSAMHET,
    WOMEN,
    YEAR,
)
from dagster_project.core.tables import escaped_texts
from dagster_project.products.exports.cells import PLACES, cells
from dagster_project.products.reading import Reading

COLUMNS = (
    "Enhetsnamn",
    "Enhetstyp",
    "Regionskod",
    "Enhetskod",
    "Kön/Totalt",
    "Indikator-Id",
    "Titel",
    "Måttenhet",
    "Mätperiod",
    "Värde",
    "Täljare",
    "Nämnare/antal fall",
)
MASKED, UNKNOWN = "MSK", "UNK"
"""What stands for a value that is hidden, and for one that there is not (HL7's null flavours)."""
_UNIT_TYPES = {AREA: "Område", VERKSAMHET: "Verksamhet", UNIT: "Enhet"}
_SEXES = {ALL_SEXES: "Totalt", WOMEN: "Kvinnor", MEN: "Män"}


def varden_i_siffror(reading: Reading, levels: tuple[str, ...] = PLACES) -> pl.DataFrame:
    """The rows (COLUMNS, all text): cells of months and years that are no more preliminary, of places with an HSA-id.

    A unit that belonged to several verksamheter in a period has no row of it: no column would tell its parts apart.

    Values as the release has them, with decimal comma; a hidden one is MSK, one that there is not UNK, both without
    täljare and nämnare. Text that a spreadsheet would run is escaped.
    """
    rows = cells(reading, levels, (MONTH, YEAR)).filter(
        ~pl.col("preliminar") & ~pl.col("delad") & pl.col("hsaid").is_not_null()
    )
    texts = escaped_texts(rows.select("platsnamn", "regionskod", "hsaid", "indicator_id", "titel", "mattenhet"))
    has_value = pl.col("varde").is_not_null() & (pl.col("status") != HIDDEN)
    return rows.with_columns(texts).select(
        pl.col("platsnamn").alias(COLUMNS[0]),
        pl.col("niva").replace_strict(_UNIT_TYPES).alias(COLUMNS[1]),
        pl.col("regionskod").alias(COLUMNS[2]),
        pl.col("hsaid").alias(COLUMNS[3]),
        pl.col("kon").replace_strict(_SEXES).alias(COLUMNS[4]),
        pl.col("indicator_id").alias(COLUMNS[5]),
        pl.col("titel").alias(COLUMNS[6]),
        pl.col("mattenhet").alias(COLUMNS[7]),
        pl.when(pl.col("period_typ") == YEAR)
        .then(pl.col("period_slut").dt.to_string("%Y"))
        .otherwise(pl.col("period_slut").dt.to_string("%Y-%m"))
        .alias(COLUMNS[8]),
        pl.when(pl.col("status") == HIDDEN)
        .then(pl.lit(MASKED))
        .when(has_value)
        .then(_number("varde"))
        .otherwise(pl.lit(UNKNOWN))
        .alias(COLUMNS[9]),
        pl.when(has_value).then(_number("taljare")).alias(COLUMNS[10]),
        pl.when(has_value).then(_number("namnare")).alias(COLUMNS[11]),
    )


def _number(name: str) -> pl.Expr:
    """A number as text: decimal comma, no more decimals than it has, never with an exponent."""
    return pl.col(name).map_elements(_written, return_dtype=pl.String)


def _written(value: float) -> str:
    text = format(Decimal(repr(value)), "f")
    return (text.removesuffix(".0") if value else "0").replace(".", ",")


def write(reading: Reading, path: Path, levels: tuple[str, ...] = PLACES) -> None:
    """Write the file: `;`, UTF-8."""
    varden_i_siffror(reading, levels).write_csv(path, separator=";")
