"""Delivered files of any format, read without the project's own readers."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import polars as pl
from python_calamine import CalamineWorkbook


def table(path: Path) -> list[dict[str, str]]:
    """The delivered rows of a file as text, whatever its format."""
    rows: list[list[Any]]
    if path.suffix == ".xlsx":
        rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    elif path.suffix == ".parquet":
        frame = pl.read_parquet(path)
        rows = [frame.columns, *map(list, frame.rows())]
    else:
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252")
        separator = ";" if ";" in text.split("\n", 1)[0] else ","
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    cells = [["" if c is None else str(int(c)) if isinstance(c, float) else str(c) for c in row] for row in rows]
    header = [name.lower().replace(" ", "_").replace("-", "_") for name in cells[0]]
    return [dict(zip(header, row, strict=True)) for row in cells[1:]]


def newest(raw: Path, source: str) -> Path:
    """The newest delivery of a source."""
    return max((raw / source).iterdir())
