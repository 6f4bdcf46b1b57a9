"""`resultat.xlsx`: the release as a workbook, a sheet per table, the first one about the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Any

import polars as pl

from dagster_project.core.tables import printable_texts
from dagster_project.products.exports.sheets import DATE, NUMBER, ORDINAL, TEXT, WHOLE, WRAPPED, Column, Sheet

MOST_ROWS = 1_000_000
"""Of a sheet; Excel holds 1 048 576. What is more goes on in a sheet of its own."""
LONGEST_TEXT = 32_767
"""Characters of a cell in Excel."""
_MOST_IN_MEMORY = 100_000
"""Rows of all sheets, some 3 kB each."""
_EXCEL_EPOCH = 25_569
"""Days from Excel's day 0 to 1970-01-01."""
_DECIMALS = range(5)
_LINE, _HIGHEST = 15.0, 409.0
"""Height of a line and of the highest row, in points."""
_COVER_WIDTH = 90.0
_RUNS = tuple("=+-@")
"""What text begins with that Excel would run if somebody edits its cell, unless it is marked as text."""
_FILTER_WIDTH = 2.0
"""Characters that a header's filter button takes."""


@dataclass(frozen=True)
class Cover:
    """The first sheet: a title, facts (what, value) and paragraphs (heading, text)."""

    title: str
    facts: Sequence[tuple[str, str]]
    paragraphs: Sequence[tuple[str, str]]


def write_workbook(path: Path, cover: Cover, sheets: Sequence[Sheet], made: str) -> None:
    """Write the workbook; the same content gives the same bytes.

    Text is written as text whatever it begins with, and stays so when somebody edits its cell: no cell is a formula or
    a link. made: the day (YYYY-MM-DD) that the file says it was made, the release's own.
    """
    import xlsxwriter

    from dagster_project.products.exports.worksheet import Worksheet

    options = {
        # Slower, and larger files: only where the rows would not fit in memory.
        "constant_memory": sum(sheet.rows.height for sheet in sheets) > _MOST_IN_MEMORY,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(str(path), options) as book:
        book.worksheet_class = Worksheet
        book.set_properties({"title": cover.title, "author": "", "created": datetime.fromisoformat(made)})
        formats = _formats(book)
        parts = [(name, sheet, rows) for sheet in sheets for name, rows in _parts(sheet)]
        _write_cover(book, formats, cover, [(name, sheet.about) for name, sheet, _ in parts])
        for name, sheet, rows in parts:
            _write_sheet(book, formats, name, sheet, rows)


def _formats(book: Any) -> dict[str, Any]:
    top = {"valign": "top"}
    texts: dict[str, dict[str, Any]] = {
        "title": {"bold": True, "font_size": 16, **top},
        "heading": {"bold": True, "text_wrap": True, **top},
        "header": {"bold": True, "bottom": 1, "bg_color": "#DDE7EE", "text_wrap": True, **top},
        TEXT: top,
        WRAPPED: {"text_wrap": True, **top},
        _PLAIN: {},
    }
    return {
        **{name: book.add_format(said) for name, said in texts.items() if said},
        _PLAIN: None,
        **{_QUOTED + name: book.add_format({"quote_prefix": True, **said}) for name, said in texts.items()},
        DATE: book.add_format({"num_format": "yyyy-mm-dd", "align": "left", **top}),
        ORDINAL: book.add_format({"num_format": "0", "align": "left", **top}),
        WHOLE: book.add_format({"num_format": _number_format(0), **top}),
        **{f"{NUMBER}{n}": book.add_format({"num_format": _number_format(n), **top}) for n in _DECIMALS},
    }


_PLAIN, _QUOTED = "plain", "quoted "
"""Text without a format of its own; what stands before the name of a text's format where the text is marked as one."""


def _write_text(page: Any, formats: Mapping[str, Any], row: int, place: int, text: str, kind: str) -> None:
    """A text in its format; one that Excel would run is marked as text, which changes nothing of what is shown."""
    page.text(row, place, text, formats[_QUOTED + kind if text.startswith(_RUNS) else kind])


def _number_format(decimals: int) -> str:
    """With room at its end, so that it does not touch the text in the column after it."""
    return "#,##0" + ("." + "0" * decimals if decimals else "") + "_-"


def _parts(sheet: Sheet) -> list[tuple[str, pl.DataFrame]]:
    """The sheet's name and rows, in as many sheets as they need."""
    parts = list(sheet.rows.iter_slices(MOST_ROWS)) or [sheet.rows]
    return [(sheet.name if n == 1 else f"{sheet.name} {n}", part) for n, part in enumerate(parts, start=1)]


def _write_cover(book: Any, formats: Mapping[str, Any], cover: Cover, sheets: Sequence[tuple[str, str]]) -> None:
    page = book.add_worksheet("Om utgåvan")
    page.set_column(0, 0, 26)
    page.set_column(1, 1, _COVER_WIDTH)
    _write_text(page, formats, 0, 0, cover.title, "title")
    row = 2
    for what, value in cover.facts:
        page.set_row(row, _height([(value, _COVER_WIDTH)]))
        _write_text(page, formats, row, 0, what, "heading")
        _write_text(page, formats, row, 1, value, WRAPPED)
        row += 1
    row += 1
    for name, about in sheets:
        page.write_url(row, 0, f"internal:'{name}'!A1", string=name)
        _write_text(page, formats, row, 1, about, WRAPPED)
        row += 1
    row += 1
    for heading, text in cover.paragraphs:
        page.set_row(row, _height([(text, _COVER_WIDTH)]))
        _write_text(page, formats, row, 0, heading, "heading")
        _write_text(page, formats, row, 1, text, WRAPPED)
        row += 1
    page.hide_gridlines(2)
    _on_paper(page)


def _write_sheet(book: Any, formats: Mapping[str, Any], name: str, sheet: Sheet, rows: pl.DataFrame) -> None:
    page, columns = book.add_worksheet(name), sheet.columns
    widths = [_width(column) for column in columns]
    for place, width in enumerate(widths):
        page.set_column(place, place, width)
    page.freeze_panes(1, 1)
    page.autofilter(0, 0, max(rows.height, 1), len(columns) - 1)
    page.repeat_rows(0)
    page.print_area(0, 0, max(rows.height, 1), (sheet.printed or len(columns)) - 1)
    _on_paper(page)
    headers = [(column.header, width - _FILTER_WIDTH) for column, width in zip(columns, widths, strict=True)]
    page.set_row(0, _height(headers))
    for place, column in enumerate(columns):
        _write_text(page, formats, 0, place, column.header, "header")
    # Where no text takes several lines, cells need no alignment and rows no height.
    wrapped = [(place, widths[place]) for place, column in enumerate(columns) if column.kind == WRAPPED]
    text_kind = TEXT if wrapped else _PLAIN
    decimals = rows["decimaler"].to_list() if "decimaler" in rows.columns else None
    writers = [_writer(page, formats, text_kind, place, column, decimals) for place, column in enumerate(columns)]
    for number, row in enumerate(_as_excel_has_them(rows, columns).iter_rows(), start=1):
        if wrapped:
            page.set_row(number, _height([(row[place] or "", width) for place, width in wrapped]))
        for value, write in zip(row, writers, strict=True):
            if value is not None:
                write(number, value)


def _width(column: Column) -> float:
    """A column's width, wide enough for the words of its header."""
    return max(column.width, max(map(len, column.header.split())) + _FILTER_WIDTH)


def _height(texts: Sequence[tuple[str, float]]) -> float:
    """How high (points) a row is that shows these texts, each in a column of that width (characters)."""
    lines = max(sum(max(1, ceil(len(line) / width)) for line in text.split("\n")) for text, width in texts)
    return min(lines * _LINE, _HIGHEST)


def _writer(
    page: Any, formats: Mapping[str, Any], text_kind: str, place: int, column: Column, decimals: Sequence[int] | None
) -> Callable[[int, Any], object]:
    """What writes a value of a column into a row; a number has the decimals of its row's indicator."""
    if column.kind in (TEXT, WRAPPED):
        kind = text_kind if column.kind == TEXT else WRAPPED
        return lambda row, value: _write_text(page, formats, row, place, value, kind)
    number = page.number
    if column.kind != NUMBER or decimals is None:
        shown = formats[f"{NUMBER}1" if column.kind == NUMBER else column.kind]
        return lambda row, value: number(row, place, value, shown)
    by_decimals = [formats[f"{NUMBER}{n}"] for n in _DECIMALS]
    return lambda row, value: number(row, place, value, by_decimals[decimals[row - 1]])


def _as_excel_has_them(rows: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """The columns in their order: dates as Excel's numbers, texts printable and no longer than a cell."""
    shown = []
    for column in columns:
        values = pl.col(column.name)
        if column.kind == DATE:
            values = values.to_physical() + _EXCEL_EPOCH
        elif column.kind in (TEXT, WRAPPED):
            long = values.str.len_chars() > LONGEST_TEXT
            values = pl.when(long).then(values.str.head(LONGEST_TEXT - 1) + "…").otherwise(values)
        shown.append(values.alias(column.name))
    return printable_texts(rows.select(c.name for c in columns)).select(shown)


def _on_paper(page: Any) -> None:
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.set_footer("&L&A&RSida &P av &N")
