"""Rows that were set aside: their reasons, whether a newer delivery resolved them, and the list that people read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from dagster_project.catalogue.contracts import Contract
from dagster_project.catalogue.vocabulary import OPEN, RESOLVED
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.files import replacing
from dagster_project.core.masking import display
from dagster_project.core.tables import escaped_texts
from dagster_project.engines.duckdb import keep
from dagster_project.ingestion.rows import key_text, quarantine_schema
from dagster_project.runs.folder import QUARANTINE, QUARANTINE_SCHEMA, RunFolder
from dagster_project.runs.ledger import Delivery

if TYPE_CHECKING:
    import duckdb

LISTED = ["source", "file", "line", "reasons", "key", "values", "state", "first_seen"]
"""Columns of the list (commands.md)."""


def quarantined_rows(connection: duckdb.DuckDBPyConnection, contract: Contract, refused: pl.DataFrame) -> pl.DataFrame:
    """All quarantined rows of a source with all their reasons (`quarantine_schema`)."""
    broken = connection.execute("select * from broken").pl().cast(quarantine_schema(contract))  # type: ignore[arg-type]
    if refused.height == 0:
        return broken
    newly = connection.execute("select a.* from accepted a semi join refused using (delivery, line)").pl()
    newly = newly.with_columns(
        reasons=pl.lit([], dtype=pl.List(pl.String)), values=pl.lit([], dtype=pl.List(pl.String)), key=pl.lit(None)
    )
    newly = newly.with_columns(key=key_text(newly, contract)).cast(quarantine_schema(contract))  # type: ignore[arg-type]
    assert contract.unit is not None, "only rows with a unit are refused by the register"
    units = pl.concat([newly[contract.unit], broken[contract.unit]]).unique().drop_nulls()
    shown = {u: display(u) for u in units}
    unit = pl.format(contract.unit + "={}", pl.col(contract.unit).replace(shown))
    return (
        pl.concat([broken, newly.select(broken.columns)])
        .join(refused, on=["delivery", "line"], how="left")
        .with_columns(
            pl.when(pl.col("reason").is_null())
            .then("reasons")
            .otherwise(pl.concat_list("reasons", "reason").list.sort())
            .alias("reasons"),
            pl.when(pl.col("reason").is_null())
            .then("values")
            .otherwise(pl.concat_list("values", unit))
            .alias("values"),
        )
        .drop("reason")
    )


def with_states(
    connection: duckdb.DuckDBPyConnection, contract: Contract, deliveries: Sequence[Delivery], rows: pl.DataFrame
) -> pl.DataFrame:
    """Open or resolved, by the newer deliveries of the same source; in the shape of QUARANTINE_SCHEMA."""
    if rows.height == 0:
        return pl.DataFrame(schema=QUARANTINE_SCHEMA)
    by_id = {d.id: d for d in deliveries}
    clean = [d for d in deliveries if d.rows_quarantined == 0]
    keep(connection, "quarantined", rows)
    match = " and ".join(f"(k.k{i} is not distinct from n.k{i})" for i in range(len(contract.key_sql)))
    keys = ", ".join(f"{sql} as k{i}" for i, sql in enumerate(contract.key_sql))
    later = connection.execute(
        f"""
        with k as (select r.delivery, r.line, d.position, {keys}
                   from quarantined r join deliveries d using (delivery) where r.key is not null),
        n as (select a.delivery, d.position, true as accepted, {keys}
              from accepted a join deliveries d using (delivery) anti join refused using (delivery, line)
              union all
              select k.delivery, k.position, false, {", ".join(f"k{i}" for i in range(len(contract.key_sql)))} from k)
        select k.delivery, k.line,
            arg_min(n.delivery, n.position) filter (where n.accepted) as resolved,
            arg_max(n.delivery, n.position) filter (where not n.accepted) as superseded
        from k join n on {match} where n.position > k.position
        group by k.delivery, k.line
        """
    ).pl()
    # Where a key was unreadable: the first newer delivery of the source without any quarantined row.
    next_clean = {d.id: next((c.id for c in clean if (c.position or 0) > (d.position or 0)), None) for d in deliveries}
    files = {d.id: d.file for d in deliveries}
    return (
        rows.join(later, on=["delivery", "line"], how="left")
        .with_columns(
            resolved=pl.when(pl.col("key").is_not_null())
            .then("resolved")
            .otherwise(pl.col("delivery").replace_strict(next_clean, return_dtype=pl.String))
        )
        .with_columns(
            source=pl.lit(contract.source),
            unit=pl.col(contract.unit) if contract.unit else pl.lit(None, pl.String),
            file=pl.col("delivery").replace_strict({i: d.file for i, d in by_id.items()}, return_dtype=pl.String),
            first_seen=pl.col("delivery").replace_strict(
                {i: d.uttagsdatum for i, d in by_id.items()}, return_dtype=pl.Date
            ),
            reasons=pl.col("reasons").list.join("|"),
            values=pl.col("values").list.join("|"),
            state=pl.when(pl.col("resolved").is_not_null()).then(pl.lit(RESOLVED)).otherwise(pl.lit(OPEN)),
            followed_by=pl.coalesce("resolved", "superseded").replace_strict(files, return_dtype=pl.String),
        )
        .select(pl.col(n).cast(t) for n, t in QUARANTINE_SCHEMA.items())
    )


def select_quarantine(
    folder: RunFolder,
    source: str | None = None,
    every: bool = False,
    reason: str | None = None,
    unit: str | None = None,
    older_than: int | None = None,
    superseded: bool = True,
) -> pl.DataFrame:
    """The latest run's quarantine (QUARANTINE_SCHEMA), open rows only unless `every`.

    reason: a whole reason code, or its part before the colon. unit: HSA-id in any case. older_than: days between the
    delivery's extraction date and the run's as-of date. superseded: whether open rows that came again in a newer
    delivery are among them. Raises ResultattavlaError when nothing was run.
    """
    wanted = [pl.lit(True)]
    if not every:
        wanted.append(pl.col("state") == OPEN)
    if not superseded:
        wanted.append((pl.col("state") != OPEN) | pl.col("followed_by").is_null())
    if source is not None:
        wanted.append(pl.col("source") == source)
    if reason is not None:
        code = pl.element()
        matches = (code == reason) | code.str.starts_with(f"{reason}:")
        wanted.append(pl.col("reasons").str.split("|").list.eval(matches).list.any())
    if unit is not None:
        wanted.append(pl.col("unit") == unit.upper())
    rows = folder.read(QUARANTINE)
    if older_than is not None:
        age = (pl.lit(folder.identity().as_of) - pl.col("first_seen")).dt.total_days()
        wanted.append(age > older_than)
    return rows.filter(wanted)


def open_by_reason(quarantine: pl.DataFrame) -> list[tuple[str, str, int]]:
    """Open rows by source and reason, most first; a row with several reasons counts under each."""
    counts = (
        quarantine.filter(pl.col("state") == OPEN)
        .with_columns(pl.col("reasons").str.split("|"))
        .explode("reasons")
        .group_by("source", "reasons")
        .len()
        .sort("source", pl.col("len"), "reasons", descending=[False, True, False])
    )
    return list(counts.iter_rows())


def write_quarantine_csv(rows: pl.DataFrame, path: Path) -> None:
    """The list as CSV (`,`, UTF-8); text that a sheet would run as a formula is escaped."""
    try:
        with replacing(path) as part:
            escaped_texts(rows.select(LISTED)).write_csv(part)
    except OSError as error:
        raise ResultattavlaError(f"Filen {path} kan inte skrivas: {error.strerror}.") from error
