"""CSV, plain or packed with gzip: separators, quotes and line ends as exporting systems write them."""

from __future__ import annotations

import csv
import io
import re

import polars as pl

from dagster_project.catalogue.contracts import Contract
from dagster_project.core.errors import RejectedFileError
from dagster_project.ingestion.readers.encoding import decode, unpack
from dagster_project.ingestion.readers.headers import find_columns, fold_header
from dagster_project.ingestion.readers.table import RawTable, blank, empty_frame, text_frame

SEPARATORS = (";", ",", "\t", "|")


def read(content: bytes, contract: Contract) -> RawTable:
    """Read a csv file."""
    content = decode(content)
    header, header_line, body_start = _header(content)
    separator = _sniff(header, contract)
    headers = _split_header(header, separator)
    positions, unknown = find_columns(headers, contract)
    frame = _fast(content, body_start, separator, len(headers), positions, header_line)
    if frame is None:
        frame = _exact(content, separator, len(headers), positions, header_line)
    return RawTable(frame, unknown)


def read_packed(content: bytes, contract: Contract) -> RawTable:
    """Read a csv.gz file."""
    return read(unpack(content), contract)


def _header(content: bytes) -> tuple[str, int, int]:
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


def _fast(
    content: bytes, start: int, separator: str, width: int, positions: dict[str, int], header_line: int
) -> pl.DataFrame | None:
    """polars' own reader for files without quotes and with nothing ragged; None where the exact reader is needed."""
    if b'"' in content or content.count(b"\r") != content.count(b"\r\n"):
        return None
    expected = content.count(b"\n", start) + (0 if content.endswith(b"\n") or start >= len(content) else 1)
    if expected == 0:
        return empty_frame(positions)
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
    suspects = frame.filter(blank(f"c{first}"))
    if suspects.height:
        empty = suspects.filter(pl.all_horizontal(blank(n) for n in names))["line"]
        frame = frame.filter(~pl.col("line").is_in(empty.implode()))
    return frame.select(
        *(pl.col(f"c{i}").alias(name) for name, i in positions.items()), "line", pl.lit(False).alias("ragged")
    )


# Blank is what polars strips: Python's own idea of blanks has the four ASCII separators too.
_filled = re.compile(r"[^\s]|[\x1c-\x1f]").search


def _exact(content: bytes, separator: str, width: int, positions: dict[str, int], header_line: int) -> pl.DataFrame:
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
    return text_frame(rows, lines, ragged, positions)
