"""Parquet: typed columns as the text that a CSV export of them would hold."""

from __future__ import annotations

import io
import unicodedata

import polars as pl

from dagster_project.catalogue.contracts import Contract
from dagster_project.core.errors import RejectedFileError
from dagster_project.ingestion.readers.headers import find_columns
from dagster_project.ingestion.readers.table import RawTable, blank


def read(content: bytes, contract: Contract) -> RawTable:
    """Read a parquet file."""
    try:
        frame = pl.read_parquet(io.BytesIO(content))
    except Exception as error:  # polars raises several kinds (also a panic) for files that are no Parquet
        raise RejectedFileError("den är ingen läsbar Parquetfil") from error
    positions, unknown = find_columns(frame.columns, contract)
    columns = {}
    for name, position in positions.items():
        series = frame.to_series(position)
        try:
            columns[name] = _text(series, contract.column(name).type)
        except pl.exceptions.PolarsError as error:
            raise RejectedFileError(f"kolumnen {name} har en datatyp som inte kan läsas ({series.dtype})") from error
    result = pl.DataFrame(columns).with_columns(
        line=pl.int_range(1, frame.height + 1, dtype=pl.Int64), ragged=pl.lit(False)
    )
    others = [s for i, s in enumerate(frame.get_columns()) if i not in positions.values()]
    filled = ~pl.all_horizontal(blank(n) for n in positions)
    if others:
        filled = filled | pl.Series(pl.DataFrame(others).select(pl.any_horizontal(pl.all().is_not_null())).to_series())
    return RawTable(result.filter(filled), unknown)


def _text(series: pl.Series, cell_type: str) -> pl.Series:
    dtype = series.dtype
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone:
            series = series.dt.convert_time_zone("Europe/Stockholm").dt.replace_time_zone(None)
        return series.dt.strftime("%Y-%m-%dT%H:%M:%S")
    if dtype == pl.Binary:
        return series.cast(pl.String)
    if dtype.is_float():
        whole = series.cast(pl.Int64, strict=False)
        text = (
            pl.DataFrame({"f": series, "i": whole})
            .select(
                pl.when(pl.col("f").is_nan())
                .then(None)
                .when(pl.col("f") == pl.col("i").cast(pl.Float64))
                .then(pl.col("i").cast(pl.String))
                .otherwise(pl.col("f").cast(pl.String))
            )
            .to_series()
        )
    else:
        text = series.cast(pl.String)
    if cell_type == "personnummer" and dtype.is_numeric():
        return text.str.zfill(10)
    if not dtype.is_numeric():
        plain = text.is_null() | text.str.contains(r"^[\x00-\x7f]*$")
        if not plain.all():
            return pl.Series(series.name, [None if t is None else unicodedata.normalize("NFC", t) for t in text])
    return text
