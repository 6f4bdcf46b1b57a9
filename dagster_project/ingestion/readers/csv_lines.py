"""CSV with quotes, rows of other lengths, or line breaks in cells: line by line, each as cheaply as it can be read.

Lines are split at the separators, taken apart by a pattern where whole cells are quoted, and only records that hold
line breaks or stray quotes are read by the standard library's reader. What the three give is the same, and the same as
polars' own reader gives of a file that needs none of them (`readers.csv`).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from dagster_project.catalogue.contracts import Contract
from dagster_project.core.errors import RejectedFileError
from dagster_project.ingestion.cells import PARSERS, ZERO_WIDTH, trimmed
from dagster_project.ingestion.readers.table import count_filled

_WALKED: dict[str, Any] = {"cells": pl.List(pl.String), "line": pl.Int64, "stray": pl.Boolean}


def read_lines(
    body: bytes, separator: str, width: int, positions: dict[str, int], header_line: int, contract: Contract
) -> pl.DataFrame:
    """The rows of any file below its header, which ends on line `header_line` and has `width` cells.

    Columns: the contract's, `line` (as an editor numbers it), `cells` (number of cells), `surplus` (cells beyond the
    header hold text), `overfull` (more filled-in cells than headers), `suspect` (quotes or a line break have moved its
    cells). Raises RejectedFileError where quotes do not match, or hold whole rows.
    """
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
    allow_long_cells()
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


def allow_long_cells() -> None:
    csv.field_size_limit(2**31 - 1)
