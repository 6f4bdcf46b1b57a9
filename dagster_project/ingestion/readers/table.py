"""The one result of all readers: a table of text, and what is said of its rows before any cell is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import polars as pl

from dagster_project.catalogue.contracts import Contract
from dagster_project.core.errors import RejectedFileError
from dagster_project.core.masking import display
from dagster_project.core.swedish import listed
from dagster_project.ingestion import cells


@dataclass(frozen=True)
class RawTable:
    """Delivered cells as text; `unknown` names the ignored columns, `footers` the lines at the end that are no rows.

    remarks: what the ledger says of how it was read, one Swedish sentence each.
    """

    frame: pl.DataFrame
    unknown: tuple[str, ...]
    footers: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class RawParts:
    """A large file in parts, in order: together their frames are that of the file's RawTable.

    read: the frame of a part, by its number; it can be read again. Raises IrregularError where the file has to be read
    as a whole after all. columns: those of the contract that the file has.
    """

    count: int
    read: Callable[[int], pl.DataFrame]
    columns: tuple[str, ...]
    unknown: tuple[str, ...]
    footers: tuple[str, ...] = ()


class IrregularError(Exception):
    """A part of a file whose rows cannot be told without the rest of it."""


def empty_frame(positions: Iterable[str]) -> pl.DataFrame:
    """The frame of a RawTable without rows."""
    return pl.DataFrame(schema={**dict.fromkeys(positions, pl.String), "line": pl.Int64, "ragged": pl.Boolean})


def blank(column: str) -> pl.Expr:
    """Whether a cell is null or holds nothing that can be seen."""
    return pl.col(column).is_null() | ~pl.col(column).str.contains(rf"[^\s{cells.ZERO_WIDTH}]")


_VISIBLE = re.compile(rf"[^\s{cells.ZERO_WIDTH}]")


def seen(text: str) -> bool:
    """Whether a text holds anything that can be seen."""
    return _VISIBLE.search(text) is not None


def count_filled(texts: Iterable[str]) -> int:
    """How many of the cells hold text that is no missing mark."""
    visible = [t for t in texts if seen(t)]
    return cells.trimmed(pl.Series(visible, dtype=pl.String)).count() if visible else 0


_TELLING = ("date", "month", "hsaid")


def without_footers(frame: pl.DataFrame, contract: Contract) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The rows up to the last full one, and the lines after it ("Antal rader: 123"), fit to be shown.

    A full row has text in two mandatory cells. A line after the last of them has text in at most one: no row. One that
    was broken is a row all the same: where an optional column of days or units holds one, or `left_over` says so.
    """
    present = [c for c in contract.columns if c.name in frame.columns]
    window, height = 64, frame.height
    while True:
        tail = frame.tail(window)
        counted = pl.Series([0]).new_from_index(0, tail.height)
        for column in present:
            text = cells.trimmed(tail[column.name])
            if column.required:
                counted += text.is_not_null()
            elif column.type in _TELLING:
                counted += cells.PARSERS[column.type](text).is_not_null()
        full = ((counted >= 2) | ((counted >= 1) & tail["left_over"])).arg_true()
        if full.len() or window >= height:
            break
        window *= 16
    kept = height - tail.height + (int(full[-1]) + 1 if full.len() else 0)
    lines = [
        display(" ".join(filter(None, cells.trimmed(pl.Series(row, dtype=pl.String)))))
        for row in frame.slice(kept).select(c.name for c in present).head(20).iter_rows()
    ]
    return frame.head(kept), tuple(lines)


def filled_in(frame: pl.DataFrame, contract: Contract) -> pl.Series:
    """Rows in which anything but the key is filled in."""
    filled = pl.Series([False]).new_from_index(0, frame.height)
    for name in (c.name for c in contract.columns if c.name in frame.columns and not c.key_position):
        filled = filled | cells.trim(frame[name]).is_not_null()
    return filled


def without_unfilled(table: RawTable, contract: Contract) -> RawTable:
    """The table without the rows of a form that have nothing but their key: nobody filled them in."""
    return replace(table, frame=table.frame.filter(table.frame["ragged"] | filled_in(table.frame, contract)))


def short_rows(lines: pl.Series, short: pl.Series) -> tuple[str, ...]:
    """A remark on the few rows with fewer cells than the header: a separator may have been lost in them.

    Their last cells are missing. Where they are more than a few the export leaves empty cells at the end of rows out.
    """
    found = lines.filter(short).to_list()
    if not found or len(found) > max(SHORT_ROWS, lines.len() // 20) or 2 * len(found) >= lines.len():
        return ()
    return (
        f"Färre celler än rubrikraden har rad {listed(found, SHORT_ROWS)}: de sista läses som tomma; se efter om ett "
        "skiljetecken saknas.",
    )


SHORT_ROWS = 3


def ragged_rows(surplus: pl.Series, surplus_filled: pl.Series, overfull: pl.Series) -> pl.Series:
    """Rows with more cells than the header that cannot be trusted (`format:rad`).

    surplus: how many cells more; surplus_filled: whether one of them holds text; overfull: whether the row has more
    filled-in cells than the header has cells. Empty ones are trailing separators where at least half of the rows have
    exactly as many. Raises RejectedFileError where it is the header that is wrong: at least half of the rows are
    overfull, or have filled-in cells beyond it (one row alone is no pattern).
    """
    rows = surplus.len()
    beyond = int(surplus_filled.sum())
    if rows and (2 * int(overfull.sum()) >= rows or 2 * beyond >= max(rows, 3)):
        raise RejectedFileError(
            f"{beyond} av {rows} rader har fler ifyllda celler än rubrikraden: en rubrik saknas eller rubrikraden är "
            "bruten, rätta den och leverera igen"
        )
    counts = surplus.filter(surplus > 0).value_counts(name="rows")
    usual = counts.filter(2 * pl.col("rows") >= rows)[surplus.name].to_list()
    return surplus_filled | ((surplus > 0) & ~surplus.is_in(usual))
