"""CSV, plain or packed with gzip: separators, quotes and line ends as exporting systems write them.

polars reads a file without quotes in one go. Otherwise the file is cut into lines, and each is read as cheaply as it
can be: split at the separators, taken apart by a pattern where whole cells are quoted, and only records that hold line
breaks or stray quotes by the standard library's reader. What the three give is the same.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from dagster_project.catalogue.contracts import Contract
from dagster_project.core.errors import RejectedFileError
from dagster_project.ingestion.cells import PARSERS, ZERO_WIDTH, trimmed
from dagster_project.ingestion.readers.encoding import decode, unpack
from dagster_project.ingestion.readers.headers import find_columns, fold_header, refuse_broken
from dagster_project.ingestion.readers.limits import Limits
from dagster_project.ingestion.readers.table import (
    IrregularError,
    RawParts,
    RawTable,
    blank,
    count_filled,
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
_WALKED: dict[str, Any] = {"cells": pl.List(pl.String), "line": pl.Int64, "stray": pl.Boolean}


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
        frame = _exact(body, separator, width, positions, header_line, contract)
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
        _allow_long_cells()
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


def _allow_long_cells() -> None:
    csv.field_size_limit(2**31 - 1)


def _fast(
    body: bytes, separator: str, width: int, positions: dict[str, int], header_line: int, ends: int | None = None
) -> pl.DataFrame | None:
    """polars' own reader for files without quotes where every row has as many cells as the header; else None.

    Columns: the contract's, `line`, `cells` (number of cells), `surplus` (cells beyond the header hold text),
    `overfull` (more filled-in cells than headers), `suspect` (quotes or a line break have moved its cells). ends: how
    many line ends the body has, where that is known.
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


def _exact(
    body: bytes, separator: str, width: int, positions: dict[str, int], header_line: int, contract: Contract
) -> pl.DataFrame:
    """The rows of any file, as `_fast` gives them; lines have the numbers that an editor shows."""
    s = re.escape(separator)
    cell = rf'"(?:[^"]|"")*"|[^"{s}]*'
    text, between = pl.col("text"), f'"{separator}"'
    quotes = text.str.count_matches('"', literal=True)
    lines = (
        pl.DataFrame({"text": pl.Series([body.decode("utf-8")]).str.split("\n").explode()})
        .with_columns(text.str.strip_suffix("\r"))
        .with_row_index("line", header_line + 1)
        .with_columns(
            pl.col("line").cast(pl.Int64),
            plain=~text.str.contains(rf'(?:^|{s})"'),
            # Every cell quoted, and no quote but around them.
            all_quoted=text.str.starts_with('"')
            & text.str.ends_with('"')
            & (quotes == 2 * (text.str.count_matches(between, literal=True) + 1)),
        )
        .with_columns(
            quoted=~pl.col("plain") & ~pl.col("all_quoted") & text.str.contains(rf"^(?:{cell})(?:{s}(?:{cell}))*$"),
        )
    )
    others = lines.filter(~pl.any_horizontal("plain", "all_quoted", "quoted"))["line"].to_list()
    walked, taken = _walked(lines["text"], others, separator, width, header_line, _Likeness(positions, contract))
    lines = lines.filter(~pl.col("line").is_in(taken.implode())) if taken.len() else lines
    split = lines.filter("plain").select(text.str.split(separator).alias("cells"), "line", suspect=pl.lit(False))
    split, walked = (_with_odd_keys(frame, positions, contract) for frame in (split, walked))
    unquoted = pl.element().str.slice(1).str.replace(r'(?s)^"(.*)"$', "$1").str.replace_all('""', '"', literal=True)
    inner = lines.filter("all_quoted").select(
        text.str.slice(1).str.strip_suffix('"').str.split(between).alias("cells"), "line"
    )
    inner = inner.with_columns(suspect=_lacks_cells(separator, width))
    matched = (
        lines.filter("quoted")
        .select(
            (pl.lit(separator) + text).str.extract_all(rf"{s}(?:{cell})").list.eval(unquoted).alias("cells"),
            "line",
            "text",
        )
        .with_columns(suspect=_lacks_cells(separator, width) | _joined_cells(width))
    )
    rows = pl.concat(
        [split, inner.select(split.columns), matched.select(split.columns), walked.select(split.columns)]
    ).sort("line")
    rows = _with_separators_in_ids(rows, separator, positions, contract)
    first = pl.col("cells").list.get(next(iter(positions.values())), null_on_oob=True)
    visible = pl.col("cells").list.join("").str.contains(rf"[^\s{ZERO_WIDTH}]")
    rows = rows.filter(first.str.contains(rf"[^\s{ZERO_WIDTH}]").fill_null(False) | visible)
    rows = rows.with_columns(count=pl.col("cells").list.len().cast(pl.Int32))
    over = rows.filter(pl.col("count") > width).select("line", pl.col("cells"), place=pl.int_ranges(0, pl.col("count")))
    over = over.explode("cells", "place")
    over = over.filter(trimmed(over["cells"]).is_not_null())
    surplus = over.filter(pl.col("place") >= width)["line"].unique()
    overfull = over.group_by("line").len().filter(pl.col("len") > width)["line"]
    broken = _broken_in_two(rows, width, positions, contract)
    return rows.select(
        *(pl.col("cells").list.get(i, null_on_oob=True).alias(name) for name, i in positions.items()),
        "line",
        pl.col("count").alias("cells"),
        pl.col("line").is_in(surplus.implode()).alias("surplus"),
        pl.col("line").is_in(overfull.implode()).alias("overfull"),
        (pl.col("suspect") | pl.col("line").is_in(broken.implode())).alias("suspect"),
    )


def _with_odd_keys(rows: pl.DataFrame, positions: dict[str, int], contract: Contract) -> pl.DataFrame:
    """Rows in whose identifier a lost or stray quote stands are suspect too."""
    for place in (positions[c.name] for c in contract.key if c.type == "text" and c.name in positions):
        quotes = pl.col("cells").list.get(place, null_on_oob=True).str.count_matches('"', literal=True)
        rows = rows.with_columns(suspect=pl.col("suspect") | (quotes % 2 == 1).fill_null(False))
    return rows


def _with_separators_in_ids(
    rows: pl.DataFrame, separator: str, positions: dict[str, int], contract: Contract
) -> pl.DataFrame:
    """Rows in whose id the separator stands, as in no more than a few others', are suspect too.

    Only ids that the source system issues: a key that is a name ("Handskar, nitril") may hold it.
    """
    for place in (positions[c.name] for c in contract.columns if c.issued and c.name in positions):
        holds = pl.col("cells").list.get(place, null_on_oob=True).str.contains(separator, literal=True)
        holds = holds.fill_null(False)
        rows = rows.with_columns(suspect=pl.col("suspect") | (holds & (2 * holds.sum() < pl.len())))
    return rows


def _lacks_cells(separator: str, width: int) -> pl.Expr:
    """A row with too few cells, of which one begins and ends with the separators that it lacks: between lone quotes."""
    s, cell = re.escape(separator), pl.element()
    within = pl.col("cells").list.eval(
        pl.when(cell.str.contains(rf"^{s}(?s:.*){s}$|^{s}$"))
        .then(cell.str.count_matches(separator, literal=True).cast(pl.Int64))
        .otherwise(0)
    )
    rest = width - pl.col("cells").list.len().cast(pl.Int64)
    return (rest > 0) & (within.list.sum() == rest)


def _joined_cells(width: int) -> pl.Expr:
    """A line of quoted cells that lacks one, and has an odd quote where two cells meet without a separator."""
    odd = pl.col("cells").list.eval(pl.element().str.count_matches('"', literal=True) % 2 == 1).list.any()
    quoted = pl.col("text").str.starts_with('"') & pl.col("text").str.ends_with('"')
    return quoted & odd & (pl.col("cells").list.len() == width - 1)


class _Likeness:
    """How much the cells of a line look like those of a row: the share of its typed cells that can be read."""

    def __init__(self, positions: dict[str, int], contract: Contract) -> None:
        self.parsers = {
            positions[c.name]: PARSERS[c.type] for c in contract.columns if c.type in PARSERS and c.name in positions
        }

    def row(self, cells: dict[int, str]) -> bool:
        """Whether at least half of the filled typed cells can be read (or none is filled in)."""
        texts = {i: cells[i] for i in self.parsers if i in cells and count_filled([cells[i]])}
        read = [self.parsers[i](trimmed(pl.Series([t])))[0] is not None for i, t in texts.items()]
        return 2 * sum(read) >= len(read)


def _walked(
    texts: pl.Series, starts: Sequence[int], separator: str, width: int, header_line: int, likeness: _Likeness
) -> tuple[pl.DataFrame, pl.Series]:
    """Records that begin on the lines `starts`, by the standard library's reader, and all lines that they take."""
    _allow_long_cells()
    rows: list[list[str]] = []
    lines: list[int] = []
    suspect: list[bool] = []
    taken: list[int] = []
    free = 0
    for line in starts:
        if line < free:
            continue
        reader = csv.reader(_following(texts, line - header_line - 1), delimiter=separator, strict=True)
        try:
            row = next(reader)
        except csv.Error as error:
            raise RejectedFileError(
                f"den kan inte tolkas som CSV (citattecken som inte stämmer, från rad {line})"
            ) from error
        free = line + reader.line_num
        if any("\n" in c and _swallows_rows(c, separator, width, likeness) for c in row):
            raise RejectedFileError(
                f"en cell inom citattecken från rad {line} till rad {free - 1} rymmer hela rader: ta bort citattecknen "
                "eller exportera filen med citattecken runt alla texter"
            )
        rows.append(row)
        lines.append(line)
        taken += range(line, free)
        suspect.append(reader.line_num == 1 and _stray_quote(texts[line - header_line - 1], separator))
    frame = pl.DataFrame({"cells": rows, "line": lines, "stray": suspect}, schema=_WALKED)
    frame = frame.with_columns(suspect=pl.col("stray") | _lacks_cells(separator, width))
    return frame, pl.Series("line", taken, dtype=pl.Int64)


def _following(texts: pl.Series, index: int) -> Iterator[str]:
    """The lines from one on; more and more at a time."""
    size = 8
    while index < texts.len():
        for text in texts.slice(index, size).to_list():
            yield text + "\n"
        index, size = index + size, size * 4


def _swallows_rows(cell: str, separator: str, width: int, likeness: _Likeness) -> bool:
    """Whether a cell with line breaks holds whole rows, or the end of one and the beginning of the next."""
    parts = [part.split(separator) for part in cell.split("\n")]
    if any(len(part) == width and likeness.row(dict(enumerate(part))) for part in parts[1:]):
        return True
    end, beginning = parts[0], parts[-1]
    if len(end) + len(beginning) != width + 1:
        return False
    around = dict(enumerate(end[1:], width - len(end) + 1)) | dict(enumerate(beginning[:-1]))
    return likeness.row(around)


def _stray_quote(text: str, separator: str) -> bool:
    """Whether a line quotes some cells and has a quote inside an unquoted one: a quote is lost, or one too many.

    ="1001" is no such cell: it is told as what it is (`cells.DAMAGED`).
    """
    s = re.escape(separator)
    cells = re.findall(rf'(?:^|{s})("(?:[^"]|"")*"(?={s}|$)|[^{s}]*)', text)
    quoted = any(c.startswith('"') for c in cells)
    return quoted and any('"' in c and c[0] != '"' and not re.fullmatch('="[^"]*"', c) for c in cells)


def _broken_in_two(rows: pl.DataFrame, width: int, positions: dict[str, int], contract: Contract) -> pl.Series:
    """Lines of rows that a line break has cut in two: only together they are a row that can be read.

    A row may have fewer cells than the header; but the first half would be read as a row whose last cells are missing.
    """
    pairs = rows.select(
        "line", "cells", "count", *(pl.col(n).shift(-1).alias(f"{n}_2") for n in ("line", "cells", "count"))
    ).filter((pl.col("count") + pl.col("count_2") == width + 1) & (pl.col("line_2") == pl.col("line") + 1))
    if pairs.height == 0:
        return pl.Series("line", [], dtype=pl.Int64)
    joined = pairs.select(
        pl.concat_list(
            pl.col("cells").list.head(pl.col("count") - 1),
            pl.col("cells").list.last() + pl.col("cells_2").list.first(),
            pl.col("cells_2").list.slice(1),
        )
    ).to_series()
    whole = _readable(joined, positions, contract)
    both_short = (
        (pairs["count"] < width) & (pairs["count_2"] < width) & ~_readable(pairs["cells_2"], positions, contract)
    )
    # Cut in its last cell: what follows alone on its line is what that column holds.
    last = next((c for c in contract.columns if positions.get(c.name) == width - 1 and c.type in PARSERS), None)
    in_last = pairs["count_2"] == 1
    in_last &= trimmed(pairs["cells_2"].list.first()).is_not_null() if last else False
    # Cut in its first cell: only with what stands alone above is its identifier like the others.
    found = pairs.filter(whole & (both_short | in_last | ((pairs["count"] == 1) & _odd_one_out(rows, pairs, joined))))
    return pl.concat([found["line"], found["line_2"].alias("line")])


def _odd_one_out(rows: pl.DataFrame, pairs: pl.DataFrame, joined: pl.Series) -> pl.Series:
    """Where the second row's first cell has a shape that no other row's has, and joined with the line above it has."""

    def shape(texts: pl.Series) -> pl.Series:
        return texts.str.replace_all("[0-9]+", "9").str.replace_all(r"\p{L}+", "A")

    others = rows.filter(~pl.col("line").is_in(pl.concat([pairs["line"], pairs["line_2"]]).implode()))
    shapes = shape(others["cells"].list.first()).unique().implode()
    return shape(joined.list.first()).is_in(shapes) & ~shape(pairs["cells_2"].list.first()).is_in(shapes)


def _readable(rows: pl.Series, positions: dict[str, int], contract: Contract) -> pl.Series:
    """Rows (lists of cells) in which every mandatory cell is filled in and every typed one can be read."""
    good = pl.Series([True]).new_from_index(0, rows.len())
    for column in contract.columns:
        if column.name in positions:
            text = trimmed(rows.list.get(positions[column.name], null_on_oob=True))
            parser = PARSERS.get(column.type)
            unread = text.is_not_null() & parser(text).is_null() if parser else text.is_null() & False
            good &= ~(unread | (text.is_null() if column.required else False))
    return good
