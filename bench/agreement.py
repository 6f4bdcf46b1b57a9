"""Whether the hand-written script and the pipeline came to the same numbers."""

from __future__ import annotations

from pathlib import Path

import duckdb

from bench.handwritten import INDICATORS

TOLERANCE = 1e-9


def compare(published: Path, handwritten: Path) -> tuple[int, list[str]]:
    """Number of published, not suppressed cells compared, and a line for each (at most 20) that differs."""
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            create table par as
            with publicerat as (
                select * from read_parquet('{published}')
                where indicator_id in {INDICATORS} and status not in ('ej_tillamplig', 'dold')
            )
            select
                p.indicator_id, p.niva, p.verksamhet, p.enhet, p.period_typ, p.period_start, p.kon,
                -- A cell without observations is 0 (or empty) in the grid and absent from the script.
                coalesce(p.taljare, 0) as p_taljare, coalesce(h.taljare, 0) as h_taljare,
                coalesce(p.namnare, 0) as p_namnare, coalesce(h.namnare, 0) as h_namnare,
                coalesce(p.varde, 0) as p_varde, coalesce(h.varde, 0) as h_varde
            from publicerat p
            left join read_parquet('{handwritten}') h
                on p.indicator_id = h.indicator_id and p.niva = h.niva and p.period_typ = h.period_typ
                and p.period_start = h.period_start and p.kon = h.kon
                and p.verksamhet is not distinct from h.verksamhet and p.enhet is not distinct from h.enhet
            """
        )
        (compared,) = connection.execute("select count(*) from par").fetchone() or (0,)
        differing = connection.execute(
            f"""
            select * from par
            where abs(p_taljare - h_taljare) > {TOLERANCE} or abs(p_namnare - h_namnare) > {TOLERANCE}
                or abs(p_varde - h_varde) > {TOLERANCE}
            order by all limit 20
            """
        ).fetchall()
    return int(compared), [" ".join(str(v) for v in row) for row in differing]


_CELL = ("indicator_id", "niva", "verksamhet", "enhet", "period_typ", "period_start", "kon")
_OF_ITS_RELEASE = ("release_id",)


def compare_all(one: Path, other: Path) -> tuple[int, list[str]]:
    """Number of cells of two releases' results, and a line for each (at most 20) that one lacks or that differs.

    Numbers may differ by 1e-9, or by so large a share of themselves.
    """
    with duckdb.connect() as connection:
        for name, path in (("a", one), ("b", other)):
            connection.execute(f"create table {name} as select * from read_parquet('{path}')")
        columns = connection.execute("select column_name, column_type from (describe a)").fetchall()
        same = " and ".join(f"a.{name} is not distinct from b.{name}" for name in _CELL)
        differs = " or ".join(
            f"(a.{name} is null) <> (b.{name} is null)"
            f" or abs(a.{name} - b.{name}) > {TOLERANCE} * greatest(1, abs(a.{name}))"
            if type_ == "DOUBLE"
            else f"a.{name} is distinct from b.{name}"
            for name, type_ in columns
            if name not in (*_CELL, *_OF_ITS_RELEASE)
        )
        differing = connection.execute(
            f"select a, b from a full join b on {same} where a.niva is null or b.niva is null or {differs} limit 20"
        ).fetchall()
        (rows,) = connection.execute("select count(*) from a").fetchone() or (0,)
    return int(rows), [f"{left} <> {right}" for left, right in differing]
