"""Tables as CSV files that people open in a spreadsheet."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import polars as pl

from dagster_project.core.printable import printable


def escaped(texts: pl.Expr) -> pl.Expr:
    """Text that starts with = + - @ (or a control character) gets an apostrophe, so that no sheet runs it."""
    return (
        pl.when(texts.str.contains(r"^[=+\-@\t\r]"))
        .then(pl.concat_str(pl.lit("'"), texts))
        .otherwise(texts)
        .name.keep()
    )


def escaped_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every text column `printable` and `escaped`."""
    named = printable_texts(frame)
    return named.with_columns(escaped(pl.col(n)) for n, dtype in frame.schema.items() if dtype == pl.String)


def printable_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every text column `printable`: characters that steer or turn text are named."""
    return frame.with_columns(_named(frame[n]) for n, dtype in frame.schema.items() if dtype == pl.String)


def _named(texts: pl.Series) -> pl.Series:
    suspects = texts.filter(texts.str.contains(r"[\p{C}\p{Zl}\p{Zp}]").fill_null(False)).unique()
    return texts.replace({t: printable(t) for t in suspects}) if suspects.len() else texts


def write_swedish_csv(frame: pl.DataFrame, path: Path | IO[bytes]) -> None:
    """CSV for Swedish Excel: `;`, UTF-8 with BOM, decimal comma; text that Excel would run as a formula is escaped."""
    escaped_texts(frame).write_csv(path, separator=";", include_bom=True, decimal_comma=True, float_scientific=False)
