"""The looks of delivered files (format, separator, encoding, line ends, dates) and how they are written."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl

from dagster_project.samples.deliveries import Delivery

XLSX_MAX_ROWS = 20_000  # larger tables leave as csv: Excel files are written cell by cell
CHUNK_ROWS = 500_000


@dataclass(frozen=True)
class Form:
    """The look of a file: extension and, for csv, separator, encoding (utf-8, utf-8-sig, cp1252), line end, dates."""

    ext: str
    sep: str = ";"
    encoding: str = "utf-8"
    eol: str = "\n"
    dates: str = "%Y-%m-%d"


WIN = Form("csv", ";", "cp1252", "\r\n")
BOM = Form("csv", ";", "utf-8-sig", "\r\n")
COMMA = Form("csv", ",", "utf-8-sig", "\n")
GZ = Form("csv.gz", ";")
GZ_COMMA = Form("csv.gz", ",")
GZ_COMPACT = Form("csv.gz", ";", dates="%Y%m%d")
PARQUET = Form("parquet")
XLSX = Form("xlsx")


def form_of(delivery: Delivery, history: Sequence[Form], newest: Form, before: Form = WIN) -> Form:
    """The look of a delivery: that of the newest, that of the month end before, or the next one of the history's."""
    return {"senaste": newest, "forra": before}.get(delivery.role, history[delivery.nr % len(history)])


def _csv_bytes(frame: pl.DataFrame, form: Form) -> Iterator[bytes]:
    """The encoded file in pieces of at most CHUNK_ROWS rows."""
    for start in range(0, max(frame.height, 1), CHUNK_ROWS):
        buffer = io.BytesIO()
        frame.slice(start, CHUNK_ROWS).write_csv(
            buffer,
            include_header=start == 0,
            separator=form.sep,
            line_terminator=form.eol,
            date_format=form.dates,
        )
        data = buffer.getvalue()
        if form.encoding == "cp1252":
            data = data.decode("utf-8").encode("cp1252")
        yield (b"\xef\xbb\xbf" if form.encoding == "utf-8-sig" and start == 0 else b"") + data


def _as_number(cell: object) -> object:
    """Text of digits, perhaps with a sign and decimals, as the number that it is."""
    if not isinstance(cell, str) or re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", cell) is None:
        return cell
    return float(cell) if "." in cell else int(cell)


def _write_xlsx(frame: pl.DataFrame, path: Path, day: date, as_numbers: Sequence[str] = ()) -> None:
    """One sheet with native dates and numbers; in the columns `as_numbers` text that is one becomes a number."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"}) as book:
        book.set_properties({"title": path.stem, "created": datetime(day.year, day.month, day.day, 6, 0)})
        sheet = book.add_worksheet("Uttag")
        sheet.write_row(0, 0, frame.columns, book.add_format({"bold": True}))
        sheet.set_column(0, frame.width - 1, 18)
        for nr, column in enumerate(frame.columns):
            values = frame[column].to_list()
            if column in as_numbers:
                values = [_as_number(v) for v in values]
            sheet.write_column(1, nr, values)


def write_delivery(
    folder: Path, delivery: Delivery, frame: pl.DataFrame, form: Form, as_numbers: Sequence[str] = ()
) -> Path:
    """Write one delivery to the folder of its source; an Excel file that would be too large leaves as csv."""
    if form.ext == "xlsx" and frame.height > XLSX_MAX_ROWS:
        form = BOM
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{folder.name}_{delivery.day:%Y-%m-%d}{delivery.suffix}.{form.ext}"
    if form.ext == "xlsx":
        _write_xlsx(frame, path, delivery.day, as_numbers)
    elif form.ext == "parquet":
        frame.write_parquet(path, compression="zstd", compression_level=9, statistics=False)
    else:
        with path.open("wb") as raw_file:
            if form.ext == "csv":
                raw_file.writelines(_csv_bytes(frame, form))
            else:
                level = 9 if frame.height <= CHUNK_ROWS // 10 else 6
                with gzip.GzipFile(filename="", mode="wb", fileobj=raw_file, compresslevel=level, mtime=0) as packed:
                    for piece in _csv_bytes(frame, form):
                        packed.write(piece)
    return path
