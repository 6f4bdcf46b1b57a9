"""CSV, plain or packed with gzip: separators, quotes and line ends as exporting systems write them.

polars reads a file without quotes in one go, a large one in parts; any other is read line by line (`csv_lines`).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from dagster_project.catalogue.contracts import Contract
from dagster_project.core.errors import RejectedFileError
from dagster_project.ingestion.cells import ZERO_WIDTH
from dagster_project.ingestion.readers.csv_lines import allow_long_cells, read_lines
from dagster_project.ingestion.readers.encoding import decode, unpack
from dagster_project.ingestion.readers.headers import find_columns, fold_header, refuse_broken
from dagster_project.ingestion.readers.limits import Limits
from dagster_project.ingestion.readers.table import (
    IrregularError,
    RawParts,
    RawTable,
    blank,
    empty_frame,
    filled_in,
    ragged_rows,
    short_rows,
    without_footers,
)

SEPARATORS = (";", ",", "\t", "|")
_HEADER_LINES = 200
"""A header may have line breaks; one that goes on and on has a quote that never closes."""
_SEPARATOR_LINE = re.compile(r'"?sep=([^\w"\s]|\t)\1*"?\s*', re.IGNORECASE)
_UNCLOSED = "rubrikraden har ett citattecken som inte avslutas: rätta den och leverera igen"
_VISIBLE = re.compile(rf"""[^\s{ZERO_WIDTH}";,|]""")


def read(content: bytes, contract: Contract, limits: Limits) -> RawTable:
    """Read a csv file."""
    content = decode(content)
    headers, separator, header_line, start = _header(content, contract)
    positions, unknown = find_columns(headers, contract)
    body = content[start:]
    del content
    if _lone_returns(body):
        body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    width = len(headers)
    frame = _fast(body, separator, width, positions, header_line)
    if frame is None:
        frame = read_lines(body, separator, width, positions, header_line, contract)
    usual = frame["cells"].mode()
    left_over = (pl.col("cells") > width) & ~pl.col("cells").is_in(usual.implode())
    frame, footers = without_footers(frame.with_columns(left_over.alias("left_over")), contract)
    counts = frame["cells"]
    below = body[: body.find(b"\n") + 1 or len(body)].decode("utf-8").replace('"', "").strip()
    refuse_broken(
        headers,
        contract,
        below.split(separator),
        narrow=2 * int((counts < width).sum()) >= counts.len() > 0,
        wide=2 * int((counts > width).sum()) >= counts.len() > 0,
    )
    ragged = ragged_rows((counts - width).clip(0), frame["surplus"], frame["overfull"]) | frame["suspect"]
    if contract.passes_over_unfilled:  # empty cells too many fill nothing in
        ragged = ragged & (frame["surplus"] | frame["suspect"] | filled_in(frame, contract))
    remarks = short_rows(frame["line"], (counts < width) & ~ragged)
    return RawTable(frame.select(*positions, "line", ragged.alias("ragged")), unknown, footers, remarks)


def in_parts(content: bytes, contract: Contract, limits: Limits) -> RawParts | None:
    """A csv file in parts, as `read` reads it; None where it has to be read as a whole.

    Parts can be read where no quote joins lines and every row has as many cells as the header.
    """
    content = decode(content)
    headers, separator, header_line, start = _header(content, contract)
    if content.find(b'"', start) >= 0 or _lone_returns(content, start):
        return None
    positions, unknown = find_columns(headers, contract)
    below = content[start : content.find(b"\n", start) + 1 or len(content)].decode("utf-8").strip()
    refuse_broken(headers, contract, below.split(separator), narrow=False, wide=False)
    width, parts = len(headers), []
    while start < len(content):
        end = len(content)
        if end - start > LAST_PART:
            end = content.find(b"\n", min(start + PART_BYTES, end - LAST_PART)) + 1 or end
        ends = _count(content, b"\n", start, end)
        parts.append((start, end, header_line, ends))
        header_line += ends
        start = end

    def read_part(number: int) -> pl.DataFrame:
        begin, end, line, ends = parts[number]
        frame = _fast(content[begin:end], separator, width, positions, line, ends)
        if frame is None:
            raise IrregularError
        return frame.select(*positions, "line", ragged=pl.lit(False))

    if not parts:
        return None
    last = len(parts) - 1
    kept, footers = without_footers(read_part(last).with_columns(left_over=pl.lit(False)), contract)
    if kept.height == 0:
        return None
    height = kept.height

    def read_rows(number: int) -> pl.DataFrame:
        return read_part(number).head(height) if number == last else read_part(number)

    return RawParts(len(parts), read_rows, tuple(positions), unknown, footers)


def in_parts_packed(content: bytes, contract: Contract, limits: Limits) -> RawParts | None:
    """A csv.gz file in parts."""
    return in_parts(unpack(content, limits), contract, limits)


PART_BYTES, LAST_PART = 32 * 1024**2, 64 * 1024


def _lone_returns(content: bytes, start: int = 0) -> bool:
    """Whether a carriage return stands without a line feed."""
    return content.find(b"\r", start) >= 0 and content.count(b"\r", start) != content.count(b"\r\n", start)


def _count(content: bytes, character: bytes, start: int = 0, end: int | None = None) -> int:
    """How often a character stands in a stretch of the content; in blocks that the processor's cache holds."""
    stretch = np.frombuffer(content, np.uint8)[start:end]
    blocks = (stretch[at : at + _BLOCK] for at in range(0, len(stretch), _BLOCK))
    return sum(int(np.count_nonzero(block == character[0])) for block in blocks)


_BLOCK = 64 * 1024


def read_packed(content: bytes, contract: Contract, limits: Limits) -> RawTable:
    """Read a csv.gz file."""
    return read(unpack(content, limits), contract, limits)


def _header(content: bytes, contract: Contract) -> tuple[list[str], str, int, int]:
    """The headers, the separator, the number of the header's last line and the position after it."""
    start, line = 0, 0
    given: str | None = None
    while start < len(content):
        end = content.find(b"\n", start)
        end = len(content) if end < 0 else end
        text = content[start:end].decode("utf-8").strip("\r")
        separator_line = _SEPARATOR_LINE.fullmatch(text.lstrip("\ufeff")) if given is None else None
        if separator_line:
            given = separator_line[1]
        elif _VISIBLE.search(text.replace(given, "") if given else text):
            break
        line += 1
        start = end + 1
    else:
        raise RejectedFileError("den är tom")
    if given is not None and not given.isascii():
        raise RejectedFileError(f"skiljetecknet {given} i första raden kan inte läsas: exportera med semikolon")
    lines = [part.decode("utf-8") for part in _physical(content, start)]
    headers, separator, used = _sniffed(lines, [given] if given else SEPARATORS, contract)
    for part in lines[:used]:
        start += len(part.encode("utf-8"))
    return headers, separator, line + used, start


def _physical(content: bytes, start: int) -> Iterator[bytes]:
    """Lines from a position on, with their ends; as many as a header may have."""
    for _ in range(_HEADER_LINES):
        if start >= len(content):
            return
        end = content.find(b"\n", start) + 1 or len(content)
        yield content[start:end]
        start = end


def _sniffed(lines: list[str], separators: Sequence[str], contract: Contract) -> tuple[list[str], str, int]:
    """Headers, separator and number of lines of the header: the separator that finds most of the contract's columns."""
    known = {c.name for c in contract.columns}
    best: tuple[tuple[int, int], list[str], str, int] | None = None
    unclosed = False
    for separator in separators:
        allow_long_cells()
        reader = csv.reader(lines, delimiter=separator, strict=True)
        try:
            headers = next(reader, [])
        except csv.Error as error:
            if "new-line character" in str(error):
                raise RejectedFileError(
                    "rubrikraden kan inte tolkas som CSV: rader ska sluta med LF eller CRLF"
                ) from error
            unclosed = True
            continue
        used = reader.line_num
        score = (len({fold_header(h) for h in headers} & known), len(headers))
        # An odd quote that stands in a cell, or one that closes in the rows below.
        if "".join(lines[:used]).count('"') % 2 or any("\n" in h and separator in h for h in headers):
            unclosed = True
            continue
        if best is None or score > best[0]:
            best = (score, headers, separator, used)
    if best is None or (unclosed and best[0][0] == 0):
        raise RejectedFileError(_UNCLOSED)
    return best[1:]


def _fast(
    body: bytes, separator: str, width: int, positions: dict[str, int], header_line: int, ends: int | None = None
) -> pl.DataFrame | None:
    """polars' own reader for files without quotes where every row has as many cells as the header; else None.

    Columns: as of `read_lines`. ends: how many line ends the body has, where that is known.
    """
    if b'"' in body:
        return None
    expected = (_count(body, b"\n") if ends is None else ends) + (0 if body.endswith(b"\n") or not body else 1)
    if _count(body, separator.encode()) != expected * (width - 1):
        return None
    no = pl.lit(False)
    extra = {"cells": pl.lit(width, pl.Int32), "surplus": no, "overfull": no, "suspect": no}
    if expected == 0:
        return empty_frame(positions).drop("ragged").with_columns(**extra)
    names = [f"c{i}" for i in range(width)]
    try:
        frame = pl.read_csv(
            io.BytesIO(body),
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
    return frame.select(*(pl.col(f"c{i}").alias(name) for name, i in positions.items()), "line", **extra)
