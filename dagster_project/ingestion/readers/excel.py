"""Excel: the first sheet of an xlsx file."""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from datetime import date, datetime, time, timedelta
from functools import reduce
from typing import Any

from dagster_project.catalogue.contracts import Contract
from dagster_project.core.errors import RejectedFileError
from dagster_project.ingestion.readers.headers import find_columns
from dagster_project.ingestion.readers.table import RawTable, text_frame

MAX_EXCEL_BYTES = 1024**3
MAX_EXCEL_CELLS = 50_000_000
"""The reader lays out the whole rectangle of a sheet: one stray cell in the last corner would take all memory."""


def read(content: bytes, contract: Contract) -> RawTable:
    """Read an xlsx file."""
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
    texts = [[_text(c) for c in row] for row in cells]
    first = next((i for i, row in enumerate(texts) if any(c.strip() for c in row)), None)
    if first is None:
        raise RejectedFileError("den är tom")
    width = max((i + 1 for i, c in enumerate(texts[first]) if c.strip()), default=0)
    positions, unknown = find_columns(texts[first][:width], contract)
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
    return RawTable(text_frame(rows, lines, ragged, positions), unknown)


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


def _text(cell: Any) -> str:
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
