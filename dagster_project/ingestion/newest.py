"""The newest accepted row per business key, by the same rule as the staging models (`engines.rules`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dagster_project.catalogue.contracts import REGISTER_SOURCE, Contract
from dagster_project.engines.rules import rule

if TYPE_CHECKING:
    import duckdb

NOT_REFUSED = "not a._refused"


def key_hash(contract: Contract) -> str:
    """SQL for the hash of a row's business key: the store's column `_key`."""
    return hash_of(contract.key_sql)


def hash_of(parts: Iterable[str]) -> str:
    """SQL for the hash of a key's parts. Two keys can have the same one."""
    return f"hash({', '.join(parts)})"


def judge(connection: duckdb.DuckDBPyConnection, contract: Contract, keys: str, before: str | None = None) -> None:
    """Which rows count of the keys whose hashes the table `keys` (column _key) holds, over the store's views.

    before: a SQL date, where only deliveries that were taken out before it are looked at. Makes the temporary tables
    `candidates` (the keys' rows that the register did not refuse), `replaced` (rid) and `counting` (rid, delivered, and
    the register's unit and period): those of the candidates that are gone from a newer full list, and that count.

    The shared rule compares whole keys. It is asked of keys whose hash several rows have (`several`), also one in
    quarantine; where one row alone has it, there is nothing to compare.
    """
    form, parts = contract.full_list, len(contract.key_sql)
    earlier = f"d.uttagsdatum < {before}" if before else "true"
    scope = [f"scope_{i + 1}" for i in range(len(form.scope))] if form else []
    period = "hsaid_enhet, giltig_fran, giltig_till" if contract.source == REGISTER_SOURCE else ""
    columns = [
        "a.rowid as rid, a._key, a.makulerad, a._counts as counted, a._replaced as was_replaced",
        "d.position as delivery_order, d.uttagsdatum as delivered",
        f"coalesce({form.when_sql if form else 'false'}, false) as listed",
        *([rule("scope_columns", form.scope)] if form and form.scope else []),
        *(f"a.{name}" for name in period.split(", ") if name),
    ]
    connection.execute(
        f"create or replace temp table candidates as select {', '.join(columns)} "
        f"from settled.{contract.source} a join deliveries d using (delivery) "
        f"where a._key in (select _key from {keys}) and not a._refused and {earlier}"
    )
    several = "select _key from candidates group by _key having count(*) > 1"
    if form is not None:
        _lists(connection, contract, earlier)
        several += f" union select {hash_of(f'key_{i + 1}' for i in range(parts))} from set_aside"
    connection.execute(f"create or replace temp table several as {several}")
    # The rule knows a row by delivery and line: here by its place.
    connection.execute(
        "create or replace temp table compared as "
        "select c.*, '' as delivery, c.rid as line, k.* exclude (place) from candidates c join ("
        f"select rowid as place, {rule('key_columns', contract.key_sql)} from settled.{contract.source}"
        ") k on k.place = c.rid where c._key in (select _key from several)"
    )
    replaced = "select cast(0 as bigint) as rid where false"
    if form is not None:
        listed = "select * from compared where listed"
        ruled = rule("replaced_rows", listed, "select * from lists", parts, len(scope), "select * from set_aside")
        replaced = f"""
            select replaced_line as rid from ({ruled}) as ruled
            union all
            select c.rid from candidates c
            join (select {", ".join([*scope, ""])}max(delivered) as newest from lists where not makulerad
                  group by {", ".join([*scope, "true"])}) n on n.newest > c.delivered
                and {" and ".join(["true", *(f"n.{s} is not distinct from c.{s}" for s in scope)])}
            where c.listed and not c.makulerad and c._key not in (select _key from several)
        """
    connection.execute(f"create or replace temp table replaced as {replaced}")
    gone = "(select '' as replaced_delivery, rid as replaced_line from replaced)"
    counted = ", ".join(["rid", "delivered", *filter(None, [period])])
    connection.execute(
        f"create or replace temp table counting as "
        f"select {counted} from ({rule('newest_rows', 'select * from compared', parts, gone)}) as ruled "
        f"union all select {counted} from candidates c where not c.makulerad "
        "and c._key not in (select _key from several) and c.rid not in (select rid from replaced)"
    )


def _lists(connection: duckdb.DuckDBPyConnection, contract: Contract, earlier: str) -> None:
    """The tables `lists` (delivered, makulerad, scope) of the candidates' lists and `set_aside` (key, delivered)."""
    form = contract.full_list
    assert form is not None
    named = {c: f"scope_{i + 1}" for i, c in enumerate(form.scope)}
    alike = " and ".join(["true", *(f"s.{scope} is not distinct from a.{c}" for c, scope in named.items())])
    scopes = ", ".join(["1 as scope_0", *named.values()])
    connection.execute(
        f"create or replace temp table candidate_scopes as select distinct {scopes} from candidates where listed"
    )
    shown = ", ".join(["a.makulerad", "d.uttagsdatum as delivered", *(f"a.{c} as {s}" for c, s in named.items())])
    connection.execute(
        f"create or replace temp table lists as select distinct {shown} "
        f"from accepted a join deliveries d using (delivery) join candidate_scopes s on {alike} "
        f"where {NOT_REFUSED} and {form.when_sql} and {earlier}"
    )
    connection.execute(
        f"create or replace temp table set_aside as select distinct * from ({set_aside_rows(contract, 'key')})"
    )


def newest_rows(contract: Contract) -> str:
    """SQL over the views `accepted` (a), `deliveries` (d) and, of full lists, `replaced` of one source: all of it anew,
    as the models without a store have it (`dbt/macros/staging.sql`)."""
    return rule(
        "newest_rows", _rows(contract, "true"), len(contract.key_sql), *(["replaced"] if contract.full_list else [])
    )


def delivered_rows(contract: Contract, where: str = NOT_REFUSED) -> str:
    """SQL for the accepted rows of a source's full lists, with key, scope and `delivered`, their extraction date."""
    form = contract.full_list
    assert form is not None
    scope = [rule("scope_columns", form.scope)] if form.scope else []
    return _rows(contract, f"{where} and {form.when_sql}", ["d.uttagsdatum as delivered", *scope])


def set_aside_rows(contract: Contract, *parts: str) -> str:
    """SQL for the rows in quarantine of a source's full lists whose key is readable: key, scope, unit, `delivered`.

    parts: `key` for the key alone.
    """
    form = contract.full_list
    assert form is not None
    conditions = [c.key_when[0] for c in contract.key if c.key_when]
    read = [*(c.stored for c in contract.key), *conditions]
    chosen = [rule("key_columns", contract.key_sql), "d.uttagsdatum as delivered"]
    if not parts:
        read += [*form.scope, *([contract.unit] if contract.unit else [])]
        chosen += [
            *([rule("scope_columns", form.scope)] if form.scope else []),
            *([contract.unit] if contract.unit else []),
        ]
    columns = ", ".join(dict.fromkeys([*read, *([form.when.column] if form.when else []), "delivery"]))
    return (
        f"select {', '.join(chosen)} from ("
        f"select {columns} from broken where key is not null union all "
        f"select {columns} from accepted a where not {NOT_REFUSED}"
        f") join deliveries d using (delivery) where {form.when_sql}"
    )


def _rows(contract: Contract, where: str, more: Sequence[str] = ()) -> str:
    columns = ["a.*", rule("key_columns", contract.key_sql), "d.position as delivery_order", *more]
    return f"select {', '.join(columns)} from accepted a join deliveries d using (delivery) where {where}"
