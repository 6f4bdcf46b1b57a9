"""The one result of all readers: a table of text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class RawTable:
    """Delivered cells as text; `unknown` names the ignored columns (masked)."""

    frame: pl.DataFrame
    unknown: tuple[str, ...]


def text_frame(
    rows: Sequence[Sequence[str | None]], lines: list[int], ragged: list[bool], positions: dict[str, int]
) -> pl.DataFrame:
    """The frame of a RawTable from rows of cells; a row that is too short has nulls."""
    return pl.DataFrame(
        {
            **{name: [r[i] if i < len(r) else None for r in rows] for name, i in positions.items()},
            "line": lines,
            "ragged": ragged,
        },
        schema={**dict.fromkeys(positions, pl.String), "line": pl.Int64, "ragged": pl.Boolean},
    )


def empty_frame(positions: Iterable[str]) -> pl.DataFrame:
    """The frame of a RawTable without rows."""
    return pl.DataFrame(schema={**dict.fromkeys(positions, pl.String), "line": pl.Int64, "ragged": pl.Boolean})


def blank(column: str) -> pl.Expr:
    """Whether a cell is null or holds blanks only."""
    return pl.col(column).is_null() | (pl.col(column).str.strip_chars() == "")
