"""Full lists: what the newest ones lack of the lists before them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dagster_project.catalogue.contracts import Contract
from dagster_project.ingestion.newest import delivered_rows, set_aside_rows
from dagster_project.runs.folder import LIST_UNIT, Finding
from dagster_project.runs.ledger import Delivery, newest_day

if TYPE_CHECKING:
    import duckdb

TURNOVER_ROWS, CHANCE = 50, 0.001
"""A few rows of one unit leave a waiting list together now and then: that is no gap where it is at least as likely as
this, by the share of the rows of the other units that left (where those were so many)."""


@dataclass(frozen=True)
class Gaps:
    """What a source's newest full lists lack: units (each counted once), the largest share of one scope's keys.

    Both are None for a source that delivers no full lists. units_named: the units with their scopes, as people read
    them, without numbers of rows (they may be few); None where none lacks.
    """

    units: int | None = None
    units_named: str | None = None
    keys_share: float | None = None
    findings: tuple[Finding, ...] = ()


def list_gaps(connection: duckdb.DuckDBPyConnection, contract: Contract, deliveries: Sequence[Delivery]) -> Gaps:
    """Compare each list of the newest day with the one before it of the same scope, over the source's views (`settle`).

    A key or unit with a row in quarantine, or one that withdraws, is not lacking: the list names it.
    """
    form = contract.full_list
    if form is None:
        return Gaps()
    day = newest_day(deliveries)
    if not day:
        return Gaps(0, None, 0.0)
    newest = f"date '{day[0].uttagsdatum}'"
    unit = f"{contract.unit} as unit" if contract.unit else "cast(null as varchar) as unit"
    scope = [f"scope_{i + 1}" for i in range(len(form.scope))]
    key = [f"key_{i + 1}" for i in range(len(contract.key_sql))]
    named, of_scope = ", ".join([*key, *scope, unit]), "".join(f"{c}, " for c in scope)
    shown = [
        f"strftime(b.{c}, '%Y-%m')" if contract.column(name).type == "month" else f"cast(b.{c} as varchar)"
        for c, name in zip(scope, form.scope, strict=True)
    ]
    scope_text = f"concat_ws(', ', {', '.join(shown)})" if shown else "''"

    def alike(columns: Sequence[str], one: str, other: str) -> str:
        return " and ".join(["true", *(f"{one}.{c} is not distinct from {other}.{c}" for c in columns)])

    connection.execute(
        f"""
        create or replace temp table lacking as
        with listed as not materialized (select {named}, delivered, makulerad from ({delivered_rows(contract)})),
        named as (
            select * exclude (delivered, makulerad) from listed where delivered = {newest}
            union all
            select {named} from ({set_aside_rows(contract)}) where delivered = {newest}
        ),
        lists as (select distinct {of_scope}delivered from listed where not makulerad),
        newest as (select * from lists where delivered = {newest}),
        earlier as (
            select {of_scope}max(delivered) as delivered from lists where delivered < {newest} group by {of_scope}true
        ),
        before as (
            select distinct r.* exclude (delivered, makulerad)
            from listed r
            join earlier e on e.delivered = r.delivered and {alike(scope, "r", "e")}
            join newest n on {alike(scope, "r", "n")}
            where not r.makulerad
        )
        select b.unit, {scope_text} as scope_text,
            k.delivered is null as key_lacks,
            u.delivered is null as unit_lacks
        from before b
        left join (select distinct {", ".join(key)}, true as delivered from named) k on {alike(key, "k", "b")}
        left join (select distinct {of_scope}unit, true as delivered from named) u
            on u.unit = b.unit and {alike(scope, "u", "b")}
        """
    )
    share = connection.execute(
        "select max(share) from (select avg(case when key_lacks then 1.0 else 0.0 end) as share from lacking "
        "group by scope_text)"
    ).fetchone()
    units = connection.execute(
        f"""
        with turnover as (
            select scope_text, count(*) as rows_left, avg(case when key_lacks then 1.0 else 0.0 end) as share
            from lacking where not unit_lacks group by scope_text
        ),
        gone as (
            select unit, scope_text, count(*) as rows_gone
            from lacking where unit is not null and unit_lacks group by unit, scope_text
        )
        select g.unit, g.scope_text, g.rows_gone
        from gone g left join turnover t using (scope_text)
        where coalesce(t.rows_left < {TURNOVER_ROWS} or pow(t.share, g.rows_gone) < {CHANCE}, true)
        order by 1, 2
        """
    ).fetchall()
    findings = tuple(Finding(contract.source, LIST_UNIT, u, n, text or None) for u, text, n in units)
    scopes: dict[str, list[str]] = {}
    for name, text, _ in units:
        scopes.setdefault(name, []).extend([text] if text else [])
    told = "; ".join(f"{name} ({', '.join(texts)})" if texts else name for name, texts in scopes.items())
    return Gaps(len(scopes), told or None, (share[0] if share else None) or 0.0, findings)
