"""Rows that were set aside: their reasons, whether a newer delivery resolved them, and the list that people read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from dagster_project.catalogue.contracts import Contract
from dagster_project.catalogue.vocabulary import BY_CLEAN, BY_COVERING, BY_KEY, FIRST_DATE, OPEN, RESOLVED
from dagster_project.core.errors import ResultattavlaError, system_reason
from dagster_project.core.files import replacing
from dagster_project.core.masking import display
from dagster_project.core.tables import escaped_texts, write_swedish_csv
from dagster_project.engines.duckdb import count, keep
from dagster_project.ingestion.acknowledged import Acknowledgement, quarantine_now
from dagster_project.ingestion.newest import hash_of
from dagster_project.ingestion.rows import key_text, quarantine_schema
from dagster_project.runs.folder import QUARANTINE_SCHEMA, RunFolder
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
    newly = connection.execute("select a.* from accepted a where a._refused").pl()
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
    parts = [f"k{i}" for i in range(len(contract.key_sql))]
    later = connection.execute(
        f"""
        with k as (select r.delivery, r.line, d.position, {keys}
                   from quarantined r join deliveries d using (delivery) where r.key is not null),
        n as (select a.delivery, d.position, true as accepted, {keys}
              from accepted a join deliveries d using (delivery)
              where not a._refused and a._key in (select {hash_of(parts)} from k)
              union all
              select k.delivery, k.position, false, {", ".join(parts)} from k)
        select k.delivery, k.line,
            arg_min(n.delivery, n.position) filter (where n.accepted) as resolved,
            arg_max(n.delivery, n.position) filter (where not n.accepted) as superseded
        from k join n on {match} where n.position > k.position
        group by k.delivery, k.line
        """
    ).pl()
    # Where a key was unreadable: the first newer delivery of the source without any quarantined row (which settles it
    # for machines, too: `open_to_machines`), or else the first that covers the row's unit and month.
    next_clean = {d.id: next((c.id for c in clean if (c.position or 0) > (d.position or 0)), None) for d in deliveries}
    files = {d.id: d.file for d in deliveries}
    without_key = pl.col("key").is_null()
    return (
        rows.join(later, on=["delivery", "line"], how="left")
        .join(_covered(connection, contract), on=["delivery", "line"], how="left")
        .with_columns(
            clean=pl.when(without_key).then(pl.col("delivery").replace_strict(next_clean, return_dtype=pl.String))
        )
        .with_columns(resolved=pl.when(~without_key).then("resolved").otherwise(pl.coalesce("clean", "covering")))
        .with_columns(
            settled_by=pl.when(pl.col("resolved").is_null())
            .then(None)
            .when(~without_key)
            .then(pl.lit(BY_KEY))
            .when(pl.col("clean").is_not_null())
            .then(pl.lit(BY_CLEAN))
            .otherwise(pl.lit(BY_COVERING)),
            settled_note=pl.lit(None, pl.String),
        )
        .with_columns(
            source=pl.lit(contract.source),
            unit=pl.col(place) if (place := contract.unit or contract.verksamhet) else pl.lit(None, pl.String),
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


def _covered(connection: duckdb.DuckDBPyConnection, contract: Contract) -> pl.DataFrame:
    """The rows whose key was unreadable that a newer delivery covers: delivery, line, covering (that delivery's id).

    A newer delivery covers the row's unit (or verksamhet) and month (of its event date) when it was taken out of them
    anew and has nothing left to mend there:
    1. it has an accepted row of the unit and month, of a full list where the row comes as a list;
    2. it has no quarantined row that is of them or, its unit or date being unreadable, may be;
    3. where rows add up, every key that the row's own delivery had accepted there is accepted in it again, so that a
       few later additions are not taken for a new extract.
    A row whose own unit or date is unreadable is covered by nothing; a source without an event date (the unit register)
    has one month for all. Reads `quarantined`, `accepted`, `refused`,
    `deliveries`.
    """
    shape = {"delivery": pl.String(), "line": pl.Int64(), "covering": pl.String()}
    place = contract.unit or contract.verksamhet
    if place is None:
        return pl.DataFrame(schema=shape)
    month = "cast(date_trunc('month', event_date) as date)" if contract.event else f"date '{FIRST_DATE}'"
    listed = f"coalesce({contract.full_list.when_sql}, false)" if contract.full_list else "false"
    parts = f"{place} as place, {month} as month, {listed} as listed"
    keys = ", ".join(f"{sql} as k{i}" for i, sql in enumerate(contract.key_sql))
    same_key = " and ".join(f"o.k{i} is not distinct from h.k{i}" for i in range(len(contract.key_sql)))
    connection.execute(
        f"""
        create or replace temp table unkeyed as
        select r.delivery, r.line, d.position, {parts} from quarantined r join deliveries d using (delivery)
        where r.key is null and {place} is not null and month is not null
        """
    )
    if count(connection, "unkeyed") == 0:
        return pl.DataFrame(schema=shape)
    found = connection.execute(
        f"""
        with asked as (select distinct delivery, position, place, month, listed from unkeyed),
        held as (
            select a.delivery, d.position, a.makulerad, {parts}, {keys}
            from accepted a join deliveries d using (delivery) where not a._refused),
        set_aside as (select distinct delivery, {parts} from quarantined),
        there as (
            select distinct q.delivery, q.place, q.month, q.listed, h.delivery as newer, h.position
            from asked q join held h on h.place = q.place and h.month = q.month
            where h.position > q.position and not h.makulerad and (h.listed or not q.listed)),
        unclean as (
            select distinct t.delivery, t.place, t.month, t.listed, t.newer
            from there t join set_aside s on s.delivery = t.newer
            where (s.place is null or s.place = t.place) and (s.month is null or s.month = t.month)),
        own as (
            select distinct t.delivery, t.place, t.month, t.listed, t.newer, {_numbered("h.k", contract)}
            from there t join held h on h.delivery = t.delivery and h.place = t.place and h.month = t.month
            where not t.listed),
        lacking as (
            select distinct o.delivery, o.place, o.month, o.listed, o.newer
            from own o anti join held h on h.delivery = o.newer and {same_key}),
        covers as (
            select t.delivery, t.place, t.month, t.listed, arg_min(t.newer, t.position) as covering
            from there t
            anti join unclean using (delivery, place, month, listed, newer)
            anti join lacking using (delivery, place, month, listed, newer)
            group by all)
        select u.delivery, u.line, c.covering from unkeyed u join covers c using (delivery, place, month, listed)
        """
    ).pl()
    return found.cast(shape)  # type: ignore[arg-type]


def _numbered(prefix: str, contract: Contract) -> str:
    return ", ".join(f"{prefix}{i}" for i in range(len(contract.key_sql)))


def open_to_machines() -> pl.Expr:
    """Whether a row is open by the letter of extracts.md, which the machine's list follows.

    There a row whose key was unreadable waits for a delivery without any quarantined row. That a newer delivery covers
    its unit and month ends a steward's work with it, and is told where people look.
    """
    return (pl.col("state") == OPEN) | (pl.col("settled_by") == BY_COVERING).fill_null(False)


def select_quarantine(
    folder: RunFolder,
    source: str | None = None,
    every: bool = False,
    reason: str | None = None,
    unit: str | None = None,
    older_than: int | None = None,
    superseded: bool = True,
    acknowledged: Sequence[Acknowledgement] = (),
    for_machines: bool = False,
) -> pl.DataFrame:
    """The latest run's quarantine (QUARANTINE_SCHEMA), open rows only unless `every`.

    for_machines: open as `open_to_machines` has it.
    reason: a whole reason code, or its part before the colon. unit: HSA-id in any case, or the code of a
    verksamhet for sources whose rows name one. older_than: days between the
    delivery's extraction date and the run's as-of date. superseded: whether open rows that came again in a newer
    delivery are among them. acknowledged: the reviewed lines. Raises ResultattavlaError when nothing was run.
    """
    wanted = [pl.lit(True)]
    if not every:
        wanted.append(open_to_machines() if for_machines else pl.col("state") == OPEN)
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
    rows = quarantine_now(folder, acknowledged)
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


def write_quarantine_csv(rows: pl.DataFrame, path: Path, told: Sequence[str] | None = None) -> None:
    """The list as CSV for machines (`,`, UTF-8), columns LISTED; text that a sheet would run as a formula is escaped.

    Its `state` is that of `open_to_machines`. told: what became of each row, in words: then the file is one for Swedish
    Excel (`;`, UTF-8 with BOM, decimal comma), has the state that people see, and these words as its last column,
    `lage`.
    """
    try:
        with replacing(path) as part:
            if told is None:
                state = pl.when(open_to_machines()).then(pl.lit(OPEN)).otherwise("state").alias("state")
                escaped_texts(rows.with_columns(state).select(LISTED)).write_csv(part)
            else:
                write_swedish_csv(rows.select(LISTED).with_columns(lage=pl.Series(told, dtype=pl.String)), part)
    except OSError as error:
        raise ResultattavlaError(f"Filen {path} kan inte skrivas: {system_reason(error)}.") from error
