"""Excel: the first sheet of an xlsx file."""

from __future__ import annotations

import io
import posixpath
import re
import unicodedata
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import reduce
from typing import Any
from xml.etree import ElementTree

import polars as pl

from dagster_project.catalogue.contracts import Column, Contract
from dagster_project.core.errors import RejectedFileError
from dagster_project.ingestion.readers.headers import find_columns
from dagster_project.ingestion.readers.limits import Limits
from dagster_project.ingestion.readers.table import RawTable, blank, count_filled, ragged_rows, seen, without_footers

MAX_EXCEL_CELLS = 50_000_000
"""The reader lays out the whole rectangle of a sheet: one stray cell in the last corner would take all memory."""
EXACT = 10**15
"""Excel keeps fifteen digits: a whole number from here on has lost the last ones."""
SMALL = 1e-4
"""Python writes smaller numbers with an exponent."""


def read(content: bytes, contract: Contract, limits: Limits) -> RawTable:
    """Read an xlsx file."""
    try:
        cells = _cells(content, limits)
    except RejectedFileError:
        raise
    except Exception as error:  # the reader raises a family of its own; every one of them means the same to the user
        raise RejectedFileError("den är ingen läsbar Excelfil (xlsx)") from error
    first = next((i for i, row in enumerate(cells) if any(seen(_text(c)) for c in row)), None)
    if first is None:
        raise RejectedFileError("den är tom")
    headers = [_text(c) for c in cells[first]]
    width = max(i + 1 for i, c in enumerate(headers) if seen(c))
    positions, unknown = find_columns(headers[:width], contract)
    digits = {positions[c.name]: n for c in contract.columns if c.name in positions and (n := restored_digits(c))}
    body = cells[first + 1 :]
    frame = pl.DataFrame(
        {name: [_text(row[i], digits.get(i, 0)) for row in body] for name, i in positions.items()},
        schema=dict.fromkeys(positions, pl.String),
    )
    beyond = [count_filled(map(_text, row[width:])) if any(c != "" for c in row[width:]) else 0 for row in body]
    overfull = [n > 0 and count_filled(map(_text, row)) > width for n, row in zip(beyond, body, strict=True)]
    # Wholly empty rows are passed over: of those whose known cells are, the others are looked at.
    empty = frame.select(pl.all_horizontal(blank(name) for name in positions)).to_series().arg_true().to_list()
    empty = [index for index in empty if not any(seen(_text(c)) for c in body[index])]
    frame = frame.with_columns(
        line=pl.int_range(first + 2, first + 2 + len(body), dtype=pl.Int64),
        surplus=pl.Series(beyond, dtype=pl.Int64) > 0,
        overfull=pl.Series(overfull, dtype=pl.Boolean),
    ).filter(~pl.int_range(len(body)).is_in(empty))
    frame, footers = without_footers(frame.with_columns(left_over="surplus"), contract)
    # The sheet is a rectangle: that a row has as many cells as the widest says nothing.
    none = pl.Series("n", [0]).new_from_index(0, frame.height)
    ragged = ragged_rows(none, frame["surplus"], frame["overfull"])
    return RawTable(
        frame.drop("surplus", "overfull", "left_over").with_columns(ragged.alias("ragged")), unknown, footers
    )


def _cells(content: bytes, limits: Limits) -> list[list[Any]]:
    """The first sheet's cells; an error is its text (the reader gives it as an empty cell)."""
    from python_calamine import CalamineWorkbook

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        limits.require_workbook(sum(i.file_size for i in archive.infolist()))
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and _rectangle(archive.read(name)) > MAX_EXCEL_CELLS:
                raise RejectedFileError("bladet är orimligt stort: radera tomma rader och kolumner och spara om det")
        sheet = archive.read(_first_sheet(archive))
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    cells: list[list[Any]] = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    for row, column, text in _errors(sheet):
        if row < len(cells) and column < len(cells[row]):
            cells[row][column] = text
    return cells


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _first_sheet(archive: zipfile.ZipFile) -> str:
    """The part of the archive that holds the first sheet."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    sheet = next(e for e in book.iter() if _local(e.tag) == "sheet")
    relation = next(value for name, value in sheet.attrib.items() if _local(name) == "id" and name != "id")
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    target = next(e.attrib["Target"] for e in relations if e.attrib["Id"] == relation)
    return posixpath.normpath(posixpath.join("xl", target)).lstrip("/") if target[0] != "/" else target[1:]


def _errors(sheet: bytes) -> Iterator[tuple[int, int, str]]:
    """Row, column (from 0) and text of the cells that hold an Excel error (#N/A ...)."""
    if re.search(rb"""\bt\s*=\s*["']e["']""", sheet) is None:
        return
    row = column = -1
    for event, element in ElementTree.iterparse(io.BytesIO(sheet), events=("start", "end")):
        kind = _local(element.tag)
        if event == "start" and kind == "row":
            row, column = int(element.get("r", row + 2)) - 1, -1
        elif event == "start" and kind == "c":
            place = element.get("r")
            column = _column(re.match("[A-Z]+", place)[0].encode()) - 1 if place else column + 1  # type: ignore[index]
        elif event == "end" and kind == "c":
            if element.get("t") == "e":
                yield row, column, next((e.text for e in element if _local(e.tag) == "v" and e.text), "#N/A")
        elif event == "end" and kind == "row":
            element.clear()


def _column(letters: bytes) -> int:
    return reduce(lambda number, letter: number * 26 + letter - 64, letters, 0)


def _rectangle(sheet: bytes) -> int:
    """Cells of the rectangle that holds every cell of a worksheet's XML (an upper bound)."""
    # Cheap first: only what could make the rectangle large is looked for.
    width = max(map(_column, set(re.findall(rb"""\br\s*=\s*["']([A-Z]{2,3})[0-9]""", sheet))), default=26)
    large = map(int, re.findall(rb"""\br\s*=\s*["'][A-Z]{0,3}([0-9]{6,})["']""", sheet))
    if (area := width * max(large, default=99_999)) <= MAX_EXCEL_CELLS:
        return area
    return width * max(map(int, re.findall(rb"""\br\s*=\s*["'][A-Z]{0,3}([0-9]+)["']""", sheet)), default=0)


def restored_digits(column: Column) -> int:
    """How many digits a number in the column has, where a spreadsheet drops its leading zeros.

    A personnummer has ten (twelve never begin with zero), a code as many as its pattern says.
    """
    if column.type == "personnummer":
        return 10
    match = re.fullmatch(r"\^\[0-9\]\{([0-9]+)\}\$", column.pattern or "")
    return int(match[1]) if match else 0


def _text(cell: Any, digits: int = 0) -> str:
    """An Excel cell as the text a CSV export of it would hold: dates in ISO form, whole numbers without decimals.

    digits: to which a whole number is filled up with zeros. A number that has lost digits is written with an exponent.
    """
    if isinstance(cell, str):
        return cell if cell.isascii() else unicodedata.normalize("NFC", cell)
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, (int, float)):
        if abs(cell) >= EXACT:
            return f"{cell:e}"
        if isinstance(cell, int) or cell.is_integer():
            return str(int(cell)).zfill(digits)
        # What a sum leaves of its rounding (5.5e-12) is a small amount, no damaged number.
        return str(cell) if abs(cell) >= SMALL else f"{cell:.20f}"
    if isinstance(cell, (date, datetime, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return "" if cell is None else str(cell)
