"""Read a delivered file into columns of text, with the line number of every row.

One result shape for all formats: a frame with one text column per contract column that the file has, plus `line`
(Int64: the number an editor shows; Excel's row number; in Parquet the row's number from 1) and `ragged` (Boolean: the
row has more, non-empty cells than the header). Raises RejectedFileError with the cause (a Swedish clause).
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import reduce
from typing import TYPE_CHECKING, Any

import polars as pl

from dagster_project.catalogue.contracts import Contract
from dagster_project.core.errors import RejectedFileError
from dagster_project.core.masking import display

if TYPE_CHECKING:
    from collections.abc import Callable

SEPARATORS = (";", ",", "\t", "|")
MAX_BYTES = 8 * 1024**3
"""Largest unpacked delivery."""
BOMB_BYTES, BOMB_RATIO = 256 * 1024**2, 300
"""A packed file that unpacks to more than this many bytes and this many times its size is a bomb, not a delivery."""
MAX_EXCEL_BYTES = 1024**3
MAX_EXCEL_CELLS = 50_000_000
"""The reader lays out the whole rectangle of a sheet: one stray cell in the last corner would take all memory."""

# What UTF-8 read as Windows-1252 and saved as UTF-8 looks like: à followed by what the bytes 80-BF are in Windows-1252.
_DOUBLE_ENCODED = re.compile(
    "Ã[" + re.escape(bytes(range(0x80, 0xC0)).decode("cp1252", errors="ignore")) + "\x80-\x9f]"
)


@dataclass(frozen=True)
class RawTable:
    """Delivered cells as text; `unknown` names the ignored columns (masked)."""

    frame: pl.DataFrame
    unknown: tuple[str, ...]


def read_delivery(content: bytes, extension: str, contract: Contract) -> RawTable:
    """Read one file's bytes; `extension` is csv, csv.gz, xlsx or parquet."""
    table = _READERS[extension](content, contract)
    if table.frame.height == 0:
        raise RejectedFileError("den har inga datarader")
    return table


def fold_header(text: str) -> str:
    """How headers match: case, surrounding blanks, blanks/hyphens for `_`, å/ä/ö as a/a/o do not count."""
    folded = unicodedata.normalize("NFC", text).strip("\ufeff \t\r\n\u00a0\u202f").lower()
    folded = folded.translate(str.maketrans("åäö", "aao"))
    return re.sub(r"[\s\-_]+", "_", folded)


def _columns(headers: Sequence[str], contract: Contract) -> tuple[dict[str, int], tuple[str, ...]]:
    """Positions of the contract's columns and the names of the unknown ones; raises for missing or double columns."""
    known = {c.name for c in contract.columns}
    positions: dict[str, int] = {}
    unknown = []
    for position, header in enumerate(headers):
        name = fold_header(header)
        if name not in known:
            if name:
                unknown.append(display(header.strip()))
        elif name in positions:
            raise RejectedFileError(f"två rubriker motsvarar samma kolumn, {name}: ta bort den ena")
        else:
            positions[name] = position
    missing = [c.name for c in contract.columns if c.required and c.name not in positions]
    if missing:
        raise RejectedFileError(
            f"obligatorisk kolumn saknas: {', '.join(missing)}"
            if len(missing) < len([c for c in contract.columns if c.required])
            else "den har ingen rubrikrad med kontraktets kolumner"
        )
    return positions, tuple(unknown)


# --- CSV -------------------------------------------------------------------------------------------------------------


def _unzipped(content: bytes) -> bytes:
    parts, size = [], 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            while part := file.read(16 * 1024**2):
                size += len(part)
                if size > MAX_BYTES or (size > BOMB_BYTES and size > BOMB_RATIO * len(content)):
                    raise RejectedFileError("den packar upp till orimligt mycket data (gzip-bomb)")
                parts.append(part)
    except (OSError, EOFError, zlib.error) as error:
        raise RejectedFileError("gzip-filen är skadad eller avkortad") from error
    return b"".join(parts)


def decode(content: bytes) -> bytes:
    """The text as UTF-8 in NFC without BOM: from UTF-8, else Windows-1252."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise RejectedFileError("den är kodad i UTF-16: spara den som UTF-8")
    content = content.removeprefix(b"\xef\xbb\xbf")
    if b"\x00" in content:
        raise RejectedFileError("den innehåller NUL-tecken och är ingen textfil")
    if content.isascii():
        return content
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError as error:
            raise RejectedFileError("den är varken UTF-8 eller Windows-1252") from error
        content = text.encode("utf-8")
    if "Ã" in text and _DOUBLE_ENCODED.search(text):
        raise RejectedFileError("texten är dubbelkodad (Ã¶ i stället för ö): exportera den igen som UTF-8")
    if not unicodedata.is_normalized("NFC", text):
        return unicodedata.normalize("NFC", text).encode("utf-8")
    return content


def _csv(content: bytes, contract: Contract) -> RawTable:
    content = decode(content)
    header, header_line, body_start = _csv_header(content)
    separator = _sniff(header, contract)
    headers = _split_header(header, separator)
    positions, unknown = _columns(headers, contract)
    frame = _csv_fast(content, body_start, separator, len(headers), positions, header_line)
    if frame is None:
        frame = _csv_exact(content, separator, len(headers), positions, header_line)
    return RawTable(frame, unknown)


def _csv_header(content: bytes) -> tuple[str, int, int]:
    """The first line that is not empty: its text, line number and the position after it."""
    start, line = 0, 0
    while start < len(content):
        end = content.find(b"\n", start)
        end = len(content) if end < 0 else end
        line += 1
        text = content[start:end].decode("utf-8").strip("\r")
        if text.replace('"', "").strip("".join(SEPARATORS) + " \u00a0\u202f"):
            return text, line, min(end + 1, len(content))
        start = end + 1
    raise RejectedFileError("den är tom")


def _split_header(header: str, separator: str) -> list[str]:
    csv.field_size_limit(2**31 - 1)
    try:
        return next(csv.reader([header], delimiter=separator), [])
    except csv.Error as error:
        raise RejectedFileError("rubrikraden kan inte tolkas som CSV: rader ska sluta med LF eller CRLF") from error


def _sniff(header: str, contract: Contract) -> str:
    """The separator that finds most of the contract's columns in the header."""
    known = {c.name for c in contract.columns}

    def found(separator: str) -> tuple[int, int]:
        headers = _split_header(header, separator)
        return len({fold_header(h) for h in headers} & known), len(headers)

    return max(SEPARATORS, key=found)


def _csv_fast(
    content: bytes, start: int, separator: str, width: int, positions: dict[str, int], header_line: int
) -> pl.DataFrame | None:
    """polars' own reader for files without quotes and with nothing ragged; None where the exact reader is needed."""
    if b'"' in content or content.count(b"\r") != content.count(b"\r\n"):
        return None
    expected = content.count(b"\n", start) + (0 if content.endswith(b"\n") or start >= len(content) else 1)
    if expected == 0:
        return _empty(positions)
    names = [f"c{i}" for i in range(width)]
    try:
        frame = pl.read_csv(
            io.BytesIO(memoryview(content)[start:]),
            has_header=False,
            separator=separator,
            quote_char=None,
            schema=dict.fromkeys(names, pl.String),
        )
    except pl.exceptions.PolarsError:
        return None
    if frame.height != expected:
        return None
    first = next(iter(positions.values()))
    frame = frame.with_columns(line=pl.int_range(header_line + 1, header_line + 1 + frame.height, dtype=pl.Int64))
    # Wholly empty rows are passed over; only rows whose first known cell is blank can be.
    suspects = frame.filter(_blank(f"c{first}"))
    if suspects.height:
        empty = suspects.filter(pl.all_horizontal(_blank(n) for n in names))["line"]
        frame = frame.filter(~pl.col("line").is_in(empty.implode()))
    return frame.select(
        *(pl.col(f"c{i}").alias(name) for name, i in positions.items()), "line", pl.lit(False).alias("ragged")
    )


def _blank(column: str) -> pl.Expr:
    return pl.col(column).is_null() | (pl.col(column).str.strip_chars() == "")


def _empty(positions: Iterable[str]) -> pl.DataFrame:
    return pl.DataFrame(schema={**dict.fromkeys(positions, pl.String), "line": pl.Int64, "ragged": pl.Boolean})


# Blank is what polars strips: Python's own idea of blanks has the four ASCII separators too.
_filled = re.compile(r"[^\s]|[\x1c-\x1f]").search


def _csv_exact(content: bytes, separator: str, width: int, positions: dict[str, int], header_line: int) -> pl.DataFrame:
    """The standard library's reader: quotes, line breaks in cells, too long rows; exact line numbers."""
    csv.field_size_limit(2**31 - 1)
    stream = io.StringIO(content.decode("utf-8"), newline="")
    for _ in range(header_line):
        stream.readline()
    reader = csv.reader(stream, delimiter=separator, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    ragged: list[bool] = []
    line = header_line + 1
    try:
        for row in reader:
            if any(map(_filled, row)):
                rows.append(row)
                lines.append(line)
                ragged.append(len(row) > width and any(map(_filled, row[width:])))
            line = header_line + 1 + reader.line_num
    except csv.Error as error:
        raise RejectedFileError(
            f"den kan inte tolkas som CSV (citattecken som inte stämmer, från rad {line})"
        ) from error
    return _frame(rows, lines, ragged, positions)


def _frame(
    rows: Sequence[Sequence[str | None]], lines: list[int], ragged: list[bool], positions: dict[str, int]
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            **{name: [r[i] if i < len(r) else None for r in rows] for name, i in positions.items()},
            "line": lines,
            "ragged": ragged,
        },
        schema={**dict.fromkeys(positions, pl.String), "line": pl.Int64, "ragged": pl.Boolean},
    )


# --- Excel -----------------------------------------------------------------------------------------------------------


def _xlsx(content: bytes, contract: Contract) -> RawTable:
    from python_calamine import CalamineWorkbook

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(i.file_size for i in archive.infolist()) > MAX_EXCEL_BYTES:
                raise RejectedFileError("den packar upp till orimligt mycket data")
            for name in archive.namelist():
                if name.startswith("xl/worksheets/") and _rectangle(archive.read(name)) > MAX_EXCEL_CELLS:
                    raise RejectedFileError(
                        "bladet är orimligt stort: radera tomma rader och kolumner och spara om det"
                    )
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        cells: list[list[Any]] = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except RejectedFileError:
        raise
    except Exception as error:  # the reader raises a family of its own; every one of them means the same to the user
        raise RejectedFileError("den är ingen läsbar Excelfil (xlsx)") from error
    texts = [[_excel_text(c) for c in row] for row in cells]
    first = next((i for i, row in enumerate(texts) if any(c.strip() for c in row)), None)
    if first is None:
        raise RejectedFileError("den är tom")
    width = max((i + 1 for i, c in enumerate(texts[first]) if c.strip()), default=0)
    positions, unknown = _columns(texts[first][:width], contract)
    numbers = [positions[c.name] for c in contract.columns if c.type == "personnummer" and c.name in positions]
    rows, lines, ragged = [], [], []
    for index in range(first + 1, len(texts)):
        row = texts[index]
        if any(c.strip() for c in row):
            for position in numbers:
                row[position] = _restored_number(cells[index][position], row[position])
            rows.append(row)
            lines.append(index + 1)
            ragged.append(any(c.strip() for c in row[width:]))
    return RawTable(_frame(rows, lines, ragged, positions), unknown)


def _rectangle(sheet: bytes) -> int:
    """Cells of the rectangle that holds every cell of a worksheet's XML (an upper bound)."""

    def column(letters: bytes) -> int:
        return reduce(lambda number, letter: number * 26 + letter - 64, letters, 0)

    # Cheap first: only what could make the rectangle large is looked for.
    width = max(map(column, set(re.findall(rb"""\br\s*=\s*["']([A-Z]{2,3})[0-9]""", sheet))), default=26)
    large = map(int, re.findall(rb"""\br\s*=\s*["'][A-Z]{0,3}([0-9]{6,})["']""", sheet))
    if (area := width * max(large, default=99_999)) <= MAX_EXCEL_CELLS:
        return area
    return width * max(map(int, re.findall(rb"""\br\s*=\s*["'][A-Z]{0,3}([0-9]+)["']""", sheet)), default=0)


def _excel_text(cell: Any) -> str:
    """An Excel cell as the text a CSV export of it would hold: dates in ISO form, whole numbers without decimals."""
    if isinstance(cell, str):
        return unicodedata.normalize("NFC", cell)
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, (date, datetime, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return "" if cell is None else str(cell)


def _restored_number(cell: Any, text: str) -> str:
    """A personnummer that became a number gets its leading zeros back (10 digits; 12 never begin with zero)."""
    return text.zfill(10) if isinstance(cell, (int, float)) and not isinstance(cell, bool) else text


# --- Parquet ---------------------------------------------------------------------------------------------------------


def _parquet(content: bytes, contract: Contract) -> RawTable:
    try:
        frame = pl.read_parquet(io.BytesIO(content))
    except Exception as error:  # polars raises several kinds (also a panic) for files that are no Parquet
        raise RejectedFileError("den är ingen läsbar Parquetfil") from error
    positions, unknown = _columns(frame.columns, contract)
    columns = {}
    for name, position in positions.items():
        series = frame.to_series(position)
        try:
            columns[name] = _parquet_text(series, contract.column(name).type)
        except pl.exceptions.PolarsError as error:
            raise RejectedFileError(f"kolumnen {name} har en datatyp som inte kan läsas ({series.dtype})") from error
    result = pl.DataFrame(columns).with_columns(
        line=pl.int_range(1, frame.height + 1, dtype=pl.Int64), ragged=pl.lit(False)
    )
    others = [s for i, s in enumerate(frame.get_columns()) if i not in positions.values()]
    filled = ~pl.all_horizontal(_blank(n) for n in positions)
    if others:
        filled = filled | pl.Series(pl.DataFrame(others).select(pl.any_horizontal(pl.all().is_not_null())).to_series())
    return RawTable(result.filter(filled), unknown)


def _parquet_text(series: pl.Series, cell_type: str) -> pl.Series:
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


_READERS: dict[str, Callable[[bytes, Contract], RawTable]] = {
    "csv": _csv,
    "csv.gz": lambda content, contract: _csv(_unzipped(content), contract),
    "xlsx": _xlsx,
    "parquet": _parquet,
}
EXTENSIONS = tuple(_READERS)
