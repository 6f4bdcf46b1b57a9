"""Settle a run's deliveries: what needs more than one file. Unit register, quarantine states, ledger, gate measures.

Input is bronze (typed rows per delivery) and the ledger of form; output is four Parquet files under `data/run/` that
dbt and the gates read. DuckDB does the work; rows never become Python objects, except the few in quarantine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from dagster_project.catalogue.contracts import REGISTER_SOURCE, Contract, load_contracts
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths, replacing, sql_files
from dagster_project.ingestion.bronze import ACCEPTED, Delivery, accepted_path, quarantine_path
from dagster_project.ingestion.rows import key_text, quarantine_schema

if TYPE_CHECKING:
    import duckdb

UNKNOWN_UNIT, UNIT_NOT_VALID = "enhet:okand", "enhet:ej_giltig"
OPEN, RESOLVED = "open", "resolved"

LEDGER_SCHEMA: dict[str, pl.DataType] = {
    "source": pl.String(),
    "file": pl.String(),
    "sha256": pl.String(),
    "uttagsdatum": pl.Date(),
    "rows_read": pl.Int64(),
    "rows_accepted": pl.Int64(),
    "rows_quarantined": pl.Int64(),
    "rows_duplicate": pl.Int64(),
    "status": pl.String(),
    "orsak": pl.String(),
    "delivery": pl.String(),
    "position": pl.Int64(),
}
QUARANTINE_SCHEMA: dict[str, pl.DataType] = {
    "source": pl.String(),
    "file": pl.String(),
    "line": pl.Int64(),
    "reasons": pl.String(),
    "key": pl.String(),
    "values": pl.String(),
    "state": pl.String(),
    "first_seen": pl.Date(),
    "hsaid_enhet": pl.String(),
    "delivery": pl.String(),
    "followed_by": pl.String(),
}
"""`followed_by`: the file that resolved the row, or, of an open row, the newer file whose row with the same key is in
quarantine too and supersedes it: correcting the newer one settles both."""


@dataclass(frozen=True)
class Settled:
    """A run's inputs: the final ledger and the whole quarantine (QUARANTINE_SCHEMA)."""

    as_of: date
    ledger: list[Delivery]
    quarantine: pl.DataFrame

    def accepted(self, source: str) -> list[Delivery]:
        """Accepted deliveries of a source, oldest first."""
        return sorted(
            (d for d in self.ledger if d.source == source and d.status == ACCEPTED), key=lambda d: d.position or 0
        )


def settle(as_of: date, ledger: list[Delivery], data: DataPaths) -> Settled:
    """Settle the ledger of form; writes `leveranser`, `karantan`, `avvisade_rader` and `matt` Parquet under `run/`.

    Raises ResultattavlaError where a delivery's rows do not add up.
    """
    import duckdb

    settled: list[Delivery] = [d for d in ledger if d.status != ACCEPTED]
    quarantine: list[pl.DataFrame] = []
    refused_rows: list[pl.DataFrame] = []
    measures: list[dict] = []
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        spill = str(data.run.resolve() / "duckdb.tmp").replace("'", "''")
        connection.execute(f"set temp_directory = '{spill}'")  # else it would be in whatever folder this was started
        for contract in load_contracts().values():
            deliveries = sorted(
                (d for d in ledger if d.source == contract.source and d.status == ACCEPTED),
                key=lambda d: d.position or 0,
            )
            _views(connection, contract, deliveries, data)
            if contract.source == REGISTER_SOURCE:
                _register(connection, contract)
                refused = pl.DataFrame(schema={"delivery": pl.String, "line": pl.Int64, "reason": pl.String})
            else:
                refused = _refused_by_register(connection, contract)
            connection.register("refused", refused)
            rows = _quarantined(connection, contract, refused)
            final = [_final_counts(d, refused, rows) for d in deliveries]
            settled += final
            quarantine.append(_states(connection, contract, final, rows))
            refused_rows.append(refused.with_columns(source=pl.lit(contract.source)))
            measures.append(_measures(connection, contract, final, as_of))
            connection.unregister("refused")
    result = Settled(
        as_of, sorted(settled, key=lambda d: (d.source, d.file)), pl.concat(quarantine).sort("source", "file", "line")
    )
    _write(result, refused_rows, measures, data)
    return result


def ledger_frame(ledger: Sequence[Delivery]) -> pl.DataFrame:
    """The ledger as a table (LEDGER_SCHEMA)."""
    return pl.DataFrame(
        [
            {n: getattr(d, n) for n in LEDGER_SCHEMA if n != "delivery"}
            | {"delivery": d.id if d.status == ACCEPTED else None}
            for d in ledger
        ],
        schema=LEDGER_SCHEMA,
    )


def _views(
    connection: duckdb.DuckDBPyConnection, contract: Contract, deliveries: Sequence[Delivery], data: DataPaths
) -> None:
    """Views `accepted` and `broken` over this run's bronze files of one source, and the table `deliveries`."""
    anchor = data.bronze / contract.source / "0.accepted.parquet"
    connection.execute(
        f"create or replace temp view accepted as select * from read_parquet("
        f"{sql_files([anchor, *(accepted_path(data, d) for d in deliveries)])}, union_by_name = true)"
    )
    # Few rows: read here, so that the exact types (lists too) hold also where there is no file.
    schema = quarantine_schema(contract)
    broken = pl.concat([pl.DataFrame(schema=schema), *(pl.read_parquet(quarantine_path(data, d)) for d in deliveries)])
    connection.register("broken", broken)
    connection.register("deliveries", ledger_frame(deliveries).select("delivery", "position", "uttagsdatum"))


def newest_per_key(contract: Contract, where: str = "true") -> str:
    """SQL of the newest accepted row per business key, withdrawn keys left out."""
    return f"""
        select * exclude (_position, _newest) from (
            select a.*, d.position as _position,
                row_number() over (partition by {", ".join(contract.key_sql)} order by d.position desc) as _newest
            from accepted a join deliveries d using (delivery) where {where}
        ) where _newest = 1 and not makulerad
    """


def _register(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    connection.execute(f"create or replace temp table register as {newest_per_key(contract)}")


def _refused_by_register(connection: duckdb.DuckDBPyConnection, contract: Contract) -> pl.DataFrame:
    """Rows whose unit is unknown, or not valid on the event date: delivery, line, reason."""
    # Few pairs of unit and day stand for millions of rows: judge the pairs, then look the bad ones up.
    connection.execute(
        f"""
        create or replace temp table bad_pairs as
        with pairs as (
            select distinct hsaid_enhet, event_date from accepted
            union select distinct hsaid_enhet, event_date from broken
        )
        select p.hsaid_enhet, p.event_date,
            case when count(r.hsaid_enhet) = 0 then '{UNKNOWN_UNIT}' else '{UNIT_NOT_VALID}' end as reason
        from pairs p left join register r on r.hsaid_enhet = p.hsaid_enhet
        where p.hsaid_enhet is not null
        group by p.hsaid_enhet, p.event_date
        having count(r.hsaid_enhet) = 0 or (p.event_date is not null and not bool_or(
            p.event_date >= r.giltig_fran and (r.giltig_till is null or p.event_date <= r.giltig_till)))
        """
    )
    (bad,) = connection.execute("select count(*) from bad_pairs").fetchone() or (0,)
    if not bad:
        return pl.DataFrame(schema={"delivery": pl.String, "line": pl.Int64, "reason": pl.String})
    return connection.execute(
        """
        select r.delivery, r.line, b.reason
        from (select delivery, line, hsaid_enhet, event_date from accepted
              union all select delivery, line, hsaid_enhet, event_date from broken) r
        join bad_pairs b on b.hsaid_enhet = r.hsaid_enhet and b.event_date is not distinct from r.event_date
        order by r.delivery, r.line
        """
    ).pl()


def _quarantined(connection: duckdb.DuckDBPyConnection, contract: Contract, refused: pl.DataFrame) -> pl.DataFrame:
    """All quarantined rows of a source with all their reasons (`quarantine_schema`)."""
    broken = connection.execute("select * from broken").pl().cast(quarantine_schema(contract))  # type: ignore[arg-type]
    if refused.height == 0:
        return broken
    newly = connection.execute("select a.* from accepted a semi join refused using (delivery, line)").pl()
    newly = newly.with_columns(
        reasons=pl.lit([], dtype=pl.List(pl.String)), values=pl.lit([], dtype=pl.List(pl.String)), key=pl.lit(None)
    )
    newly = newly.with_columns(key=key_text(newly, contract)).cast(quarantine_schema(contract))  # type: ignore[arg-type]
    unit = pl.format("hsaid_enhet={}", "hsaid_enhet")
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


def _final_counts(delivery: Delivery, refused: pl.DataFrame, rows: pl.DataFrame) -> Delivery:
    """The delivery with rows refused by the register moved from accepted to quarantined."""
    quarantined = rows.filter(pl.col("delivery") == delivery.id).height
    # What the register refuses of the rows that form accepted; rows refused by both are in quarantine already.
    moved = quarantined - delivery.rows_quarantined
    final = replace(delivery, rows_accepted=delivery.rows_accepted - moved, rows_quarantined=quarantined)
    if final.rows_read != final.rows_accepted + final.rows_quarantined + final.rows_duplicate or moved < 0:
        raise ResultattavlaError(
            f"Leveransen {delivery.file} går inte ihop: {final.rows_read} lästa rader, {final.rows_accepted} godkända, "
            f"{final.rows_quarantined} i karantän och {final.rows_duplicate} dubbletter. Inget publiceras: felanmäl."
        )
    return final


def _states(
    connection: duckdb.DuckDBPyConnection, contract: Contract, deliveries: Sequence[Delivery], rows: pl.DataFrame
) -> pl.DataFrame:
    """Open or resolved, by the newer deliveries of the same source; in the shape of QUARANTINE_SCHEMA."""
    if rows.height == 0:
        return pl.DataFrame(schema=QUARANTINE_SCHEMA)
    by_id = {d.id: d for d in deliveries}
    clean = [d for d in deliveries if d.rows_quarantined == 0]
    connection.register("rows", rows)
    match = " and ".join(f"(k.k{i} is not distinct from n.k{i})" for i in range(len(contract.key_sql)))
    keys = ", ".join(f"{sql} as k{i}" for i, sql in enumerate(contract.key_sql))
    later = connection.execute(
        f"""
        with k as (select r.delivery, r.line, d.position, {keys}
                   from rows r join deliveries d using (delivery) where r.key is not null),
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
    connection.unregister("rows")
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


def _measures(
    connection: duckdb.DuckDBPyConnection, contract: Contract, deliveries: Sequence[Delivery], as_of: date
) -> dict:
    """One row of measures that the first gate judges (see `expectations/leverans/`)."""
    newest = deliveries[-1] if deliveries else None
    not_refused = "not exists (select 1 from refused f where f.delivery = a.delivery and f.line = a.line)"
    if _count(connection, "accepted where makulerad"):
        current = _count(connection, f"({newest_per_key(contract, not_refused)})")
    else:
        # Nothing is withdrawn: every key counts once. Their 64-bit hashes are much cheaper to tell apart than the keys.
        keys = f"select distinct hash({', '.join(contract.key_sql)}) from accepted a where {not_refused}"
        current = _count(connection, f"({keys})")
    before = None
    if newest:
        # Current rows can only become fewer where the newest date's deliveries withdraw some.
        on_newest = f"date '{newest.uttagsdatum}'"
        if _count(
            connection,
            f"accepted a join deliveries d using (delivery) where a.makulerad and d.uttagsdatum = {on_newest}",
        ):
            before = _count(
                connection, f"({newest_per_key(contract, f'{not_refused} and d.uttagsdatum < {on_newest}')})"
            )
    stored = _count(connection, "accepted")
    refused = _count(connection, "accepted a semi join refused using (delivery, line)")
    return {
        "source": contract.source,
        "deliveries": len(deliveries),
        "rows_accepted": sum(d.rows_accepted for d in deliveries),
        "rows_current": current,
        "rows_current_before": before,
        "age_days": (as_of - newest.uttagsdatum).days if newest and newest.uttagsdatum else None,
        "rows_read_newest": newest.rows_read if newest else None,
        "rows_quarantined_newest": newest.rows_quarantined if newest else None,
        "quarantined_share_newest": newest.rows_quarantined / newest.rows_read if newest else None,
        # What bronze really holds against what the ledger says.
        "units_unknown": _count(
            connection, f"accepted a where {not_refused} and a.hsaid_enhet not in (select hsaid_enhet from register)"
        ),
        "ledger_difference": abs(stored - refused - sum(d.rows_accepted for d in deliveries)),
    }


MEASURES_SCHEMA: dict[str, pl.DataType] = {
    "source": pl.String(),
    "deliveries": pl.Int64(),
    "rows_accepted": pl.Int64(),
    "rows_current": pl.Int64(),
    "rows_current_before": pl.Int64(),
    "age_days": pl.Int64(),
    "rows_read_newest": pl.Int64(),
    "rows_quarantined_newest": pl.Int64(),
    "quarantined_share_newest": pl.Float64(),
    "units_unknown": pl.Int64(),
    "ledger_difference": pl.Int64(),
}


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = connection.execute(f"select count(*) from {relation}").fetchone()
    assert row is not None
    return int(row[0])


def _write(settled: Settled, refused: list[pl.DataFrame], measures: list[dict], data: DataPaths) -> None:
    for name, frame in (
        ("leveranser", ledger_frame(settled.ledger)),
        ("karantan", settled.quarantine),
        ("avvisade_rader", pl.concat(refused)),
        ("matt", pl.DataFrame(measures, schema=MEASURES_SCHEMA)),
    ):
        with replacing(data.run / f"{name}.parquet") as part:
            frame.write_parquet(part)
