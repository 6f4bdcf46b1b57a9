"""Wrong rows, put in on purpose, so that the quarantine has something to show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

Edit = tuple[str, pl.Expr, dict[str, pl.Expr]]


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """All columns as text, dates as YYYY-MM-DD: so that a cell can hold what its type refuses."""
    return frame.with_columns(
        pl.col(pl.Date).dt.strftime("%Y-%m-%d"), (~pl.selectors.date() & ~pl.selectors.string()).cast(pl.String)
    )


def damage(rng: np.random.Generator, frame: pl.DataFrame, edits: Sequence[Edit], share: float = 0.03) -> pl.DataFrame:
    """Put defects into a delivery: at most `share` of its rows end in quarantine.

    An edit is (kind, which rows, new cells): `fel` changes one row that fits, `konflikt` adds a changed copy of it
    under the same key (both are refused), `kopia` adds an identical copy (a duplicate, not refused)."""
    frame = frame.with_row_index("_rad")
    room = int(frame.height * share)
    used: list[int] = []
    extra: list[pl.DataFrame] = []
    for kind, where, cells in edits:
        cost = {"fel": 1, "konflikt": 2, "kopia": 0}[kind]
        rows = frame.filter(where & ~pl.col("_rad").is_in(used))["_rad"]
        if cost > room or rows.is_empty():
            continue
        row = int(rows[int(rng.integers(rows.len()))])
        room -= cost
        used.append(row)
        chosen = pl.col("_rad") == row
        if kind == "fel":
            frame = frame.with_columns(
                pl.when(chosen).then(new).otherwise(pl.col(c)).alias(c) for c, new in cells.items()
            )
        else:
            extra.append(frame.filter(chosen).with_columns(new.alias(c) for c, new in cells.items()))
    return pl.concat([frame, *extra]).drop("_rad") if extra else frame.drop("_rad")


def broken(column: str = "personnummer") -> pl.Expr:
    """The personnummer with another check digit (the birth number stays a test number)."""
    last = pl.col(column).str.slice(-1).cast(pl.Int8, strict=False)
    return pl.concat_str(pl.col(column).str.head(-1), ((last + 1) % 10).cast(pl.String))


def checkable(column: str = "personnummer") -> pl.Expr:
    """Rows whose personnummer has a check digit (no reservnummer)."""
    return ~pl.col(column).str.contains("T", literal=True)
