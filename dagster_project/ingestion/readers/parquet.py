"""Parquet: typed columns as the text that a CSV export of them would hold."""

from __future__ import annotations

import io
import unicodedata
from datetime import date

import polars as pl

from dagster_project.catalogue.contracts import Contract
from dagster_project.core.errors import RejectedFileError
from dagster_project.ingestion.cells import NO_DATE
from dagster_project.ingestion.readers.excel import EXACT, restored_digits
from dagster_project.ingestion.readers.headers import find_columns
from dagster_project.ingestion.readers.limits import Limits
from dagster_project.ingestion.readers.table import RawTable, blank

_NO_DATE = (*NO_DATE, date(1, 1, 1))
"""Days that mean "missing" in a typed column: a program without a date writes its type's first day."""
_EPOCH = date(1970, 1, 1).toordinal()
_PER_DAY = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


def read(content: bytes, contract: Contract, limits: Limits) -> RawTable:
    """Read a parquet file."""
    try:
        frame = pl.read_parquet(io.BytesIO(content))
    except Exception as error:  # polars raises several kinds (also a panic) for files that are no Parquet
        raise RejectedFileError("den är ingen läsbar Parquetfil") from error
    positions, unknown = find_columns(frame.columns, contract)
    if any(frame.dtypes[i] == pl.Datetime("ns") for i in positions.values()):
        frame = _with_exact_times(frame, content)
    columns = {}
    for name, position in positions.items():
        series = frame.to_series(position)
        try:
            columns[name] = _text(series, restored_digits(contract.column(name)))
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


def _with_exact_times(frame: pl.DataFrame, content: bytes) -> pl.DataFrame:
    """The frame with its INT96 columns read anew: as nanoseconds they overflow after 2262 (an open end, 9999-12-31)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.BufferReader(content), coerce_int96_timestamp_unit="us", pre_buffer=False)
    columns = [file.schema.column(i) for i in range(len(file.schema))]
    names = [c.path for c in columns if c.physical_type == "INT96" and c.path in frame.columns]
    if not names:
        return frame
    return frame.with_columns(pl.DataFrame(file.read(columns=names, use_threads=False)).get_columns())


def _text(series: pl.Series, digits: int) -> pl.Series:
    dtype = series.dtype
    if isinstance(dtype, (pl.Date, pl.Datetime)):
        return _day(series)
    if dtype == pl.Binary:
        return series.cast(pl.String)
    if dtype.is_float():
        whole = series.cast(pl.Int64, strict=False)
        text = (
            pl.DataFrame({"f": series, "i": whole})
            .select(
                pl.when(pl.col("f").is_nan())
                .then(None)
                .when((pl.col("f") == pl.col("i").cast(pl.Float64)) & (pl.col("f").abs() < EXACT))
                .then(pl.col("i").cast(pl.String))
                .when(pl.col("f").abs() >= EXACT)  # the last digits are lost, as in a workbook
                .then(pl.format("{}e+15", pl.col("f") / EXACT))
                .otherwise(pl.col("f").cast(pl.String))
            )
            .to_series()
        )
    else:
        text = series.cast(pl.String)
    if digits and dtype.is_numeric():
        return text.str.zfill(digits)
    if not dtype.is_numeric():
        plain = text.is_null() | text.str.contains(r"^[\x00-\x7f]*$")
        if not plain.all():
            return pl.Series(series.name, [None if t is None else unicodedata.normalize("NFC", t) for t in text])
    return text


def _day(series: pl.Series) -> pl.Series:
    """Days and times as ISO text, in Swedish time; missing where they mean so, whatever the zone; never out of range.

    Looked at as the numbers that they are: polars stops at days that no calendar has (DuckDB's infinity).
    """
    dtype = series.dtype
    numbers = series.to_physical().cast(pl.Int64)
    days = numbers if dtype == pl.Date else numbers // _PER_DAY[dtype.time_unit or "us"]  # type: ignore[attr-defined]
    bits = 31 if dtype == pl.Date else 63
    endless = numbers.abs() >= 2**bits - 1 if bits == 31 else (numbers >= 2**63 - 1) | (numbers <= -(2**63) + 1)
    missing = days.is_in([d.toordinal() - _EPOCH for d in _NO_DATE]) | endless
    exists = days.is_between(date(1, 1, 1).toordinal() - _EPOCH, date(9999, 12, 31).toordinal() - _EPOCH)
    values = pl.DataFrame({"v": series, "m": missing, "e": exists}).select(
        pl.when(pl.col("e") & ~pl.col("m")).then("v").alias("v")
    )["v"]
    if dtype == pl.Date:
        text = values.cast(pl.String)
    else:
        if dtype.time_zone:  # type: ignore[attr-defined]
            values = values.dt.convert_time_zone("Europe/Stockholm").dt.replace_time_zone(None)
        text = values.dt.strftime("%Y-%m-%dT%H:%M:%S")
    return (
        pl.DataFrame({"t": text, "m": missing, "e": exists, "d": days})
        .select(pl.when("m").then(None).when("e").then("t").otherwise(pl.format("dag {}", "d")).alias("t"))
        .to_series()
    )
