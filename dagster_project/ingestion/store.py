"""The settled store: every accepted row of every delivery that counts, with what settling found of it.

It lies in the warehouse (schema `settled`) and goes from run to run. Per source it holds

* `<source>`: bronze's columns, and of each row `_key` (a hash of its business key), `_verksamhet` (of its unit on its
  day; null where the source names none), `_refused` (by the unit register), `_replaced` (gone from a newer full list)
  and `_counts` (the newest of its key, and nothing of that: what the models see);
* `broken_<source>`: its rows in quarantine; `pairs_<source>`: every unit and day that a row names, with the register's
  verdict.

A run takes out the deliveries that no longer count, puts the new ones in, and judges anew what these can have touched:
pairs whose verdict changed, keys with a row that came, went or was judged otherwise, and, of full lists, the keys of
scopes with such a row. `touched` says which months the models have to sum again: those of any date of a row that
counts now and did not, or the other way round, or that changed verksamhet (null: every month of the source). Of a
source with many rows `changed_<source>` holds these rows themselves, as they counted (`_sign` -1) and as they count
(+1), until the staging gate has judged them (`gates/parts.py`); `judged_whole` names the sources of which it does not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from dagster_project.catalogue.contracts import REGISTER_SOURCE, Contract
from dagster_project.catalogue.vocabulary import UNIT_NOT_VALID, UNKNOWN_UNIT
from dagster_project.core.paths import DataPaths
from dagster_project.engines import warehouse
from dagster_project.engines.duckdb import count, create, database, keep, literal, sql_files
from dagster_project.engines.rules import rule
from dagster_project.ingestion.bronze import accepted_path, anchor_path, quarantine_path
from dagster_project.ingestion.newest import judge, key_hash
from dagster_project.ingestion.register import NOTHING_REFUSED, OVERLAP_SQL, refused_in_register
from dagster_project.ingestion.rows import quarantine_schema, stored_schema
from dagster_project.runs.ledger import Delivery, ledger_frame

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger("resultattavla")

_SCHEMA = """
create schema if not exists settled;
create table if not exists settled.deliveries (source varchar, delivery varchar, place integer, stamp varchar);
create table if not exists settled.touched (source varchar, month date);
create table if not exists settled.touched_evidence (source varchar, month date);
create table if not exists settled.judged_whole (source varchar);
create table if not exists settled.judged_by
    (source varchar, hsaid_enhet varchar, verksamhet varchar, giltig_fran date, giltig_till date);
"""


@contextmanager
def opened(data: DataPaths, by: str, tell: Callable[[str], None]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The store, open for writing; made anew, and said so, where it is in doubt.

    by: what computes (`engines.warehouse.Made.by`).
    """
    import duckdb

    before = warehouse.made(data)
    reason = _doubt(data, before, by)
    if reason is not None:
        if reason:
            tell(f"räknar om allt från början: {reason}")
            log.info("Allt räknas om från början: %s.", reason)
        warehouse.remove(data)
        create(data.warehouse)
        before = None
    warehouse.let_go(data)
    try:
        with database(data.warehouse, write=True, spill=data.run / "duckdb.tmp") as connection:
            connection.execute("set preserve_insertion_order = false")
            connection.execute(_SCHEMA)
            if before is not None and before.months == before.settled:
                connection.execute("delete from settled.touched")  # what they say is in the months
            if before is not None and before.evidence_of == before.settled:
                connection.execute("delete from settled.touched_evidence")
            if before is not None and before.judged_of == before.settled:
                _forget_changed(connection)
            yield connection
    except duckdb.Error:
        # Nothing of it is believed: it is made from bronze again by the next run.
        warehouse.let_go(data)
        raise
    was = before or warehouse.Made(by)
    warehouse.keep_note(data, replace(was, settled=was.settled + 1))


FOLLOWED_ROWS = 200_000
MOST_FOLLOWED = 0.1
"""Of more changed rows than this share of a source's it is only noted that there are many."""


def follows(rows: int) -> bool:
    """Whether what becomes of a source with so many delivered rows follows its changes (the staging gate's counts, the
    months of evidence): all of another one is soon read."""
    return rows > FOLLOWED_ROWS


def _forget_changed(connection: duckdb.DuckDBPyConnection) -> None:
    """What changed until now has been judged."""
    connection.execute("delete from settled.judged_whole")
    for (table,) in connection.execute(
        "select table_name from duckdb_tables() where schema_name = 'settled' and starts_with(table_name, 'changed_')"
    ).fetchall():
        connection.execute(f"delete from settled.{table}")


def _doubt(data: DataPaths, found: warehouse.Made | None, by: str) -> str | None:
    """Why the warehouse is not gone on with, in words (none where there is none yet); None where it is."""
    if not data.warehouse.exists():
        return ""
    if found is None:
        return "lagret är inte som den senaste körningen lämnade det (avbruten, skadat eller ändrat)"
    if found.by != by:
        return "kod, katalog, paket eller parametrar är andra än när lagret gjordes"
    return None


def _stamp(data: DataPaths, delivery: Delivery) -> str:
    """What tells whether a delivery's bronze is what was taken in: it is written once, so its times say enough."""
    found = [path(data, delivery).stat() for path in (accepted_path, quarantine_path)]
    return " ".join(f"{f.st_size} {f.st_mtime_ns}" for f in found)


@dataclass(frozen=True)
class Delta:
    """What of a source's deliveries is new in the store. first: nothing was there; reordered: what was there lies in
    another order now; new, gone: deliveries."""

    first: bool
    reordered: bool
    new: tuple[Delivery, ...]
    gone: tuple[str, ...]


def _delta(
    connection: duckdb.DuckDBPyConnection, data: DataPaths, contract: Contract, deliveries: Sequence[Delivery]
) -> Delta:
    """Compare the deliveries, oldest first, with those of the store, and note them there."""
    rows = connection.execute(
        "select delivery, stamp from settled.deliveries where source = ? order by place", [contract.source]
    ).fetchall()
    known = dict(rows)
    now = {d.id: _stamp(data, d) for d in deliveries}
    same = {i for i in known if now.get(i) == known[i]}
    delta = Delta(
        first=not known,
        reordered=[i for i, _ in rows if i in same] != [d.id for d in deliveries if d.id in same],
        new=tuple(d for d in deliveries if d.id not in same),
        gone=tuple(i for i in known if i not in same),
    )
    if delta.new or delta.gone or delta.reordered:
        connection.execute("delete from settled.deliveries where source = ?", [contract.source])
        places = pl.DataFrame(
            {"delivery": list(now), "place": range(len(now)), "stamp": list(now.values())},
            schema={"delivery": pl.String, "place": pl.Int32, "stamp": pl.String},
        )
        keep(connection, "places", places)
        connection.execute(
            f"insert into settled.deliveries select {literal(contract.source)}, delivery, place, stamp from places"
        )
    return delta


def _tables(connection: duckdb.DuckDBPyConnection, data: DataPaths, contract: Contract) -> None:
    """The source's tables, where they are not there, and its views `accepted`, `broken`."""
    source, key = contract.source, key_hash(contract)
    anchor = sql_files([anchor_path(data, source)])
    more = (
        f"{key} as _key, cast(null as varchar) as _verksamhet, false as _refused, false as _replaced, true as _counts"
    )
    # What repeats seldom (ids, persons) is packed for little, and that is a third of the work of putting rows in.
    seldom = {c.stored for c in contract.columns if c.issued or c.type == "personnummer"}
    columns = ", ".join(
        f'"{name}" {dtype}{" using compression uncompressed" if name in seldom else ""}'
        for name, dtype, *_ in connection.execute(f"describe select *, {more} from read_parquet({anchor})").fetchall()
    )
    connection.execute(f"create table if not exists settled.{source} ({columns})")
    kept = pl.DataFrame(schema=quarantine_schema(contract))
    keep(connection, "no_rows", kept)
    connection.execute(f"create table if not exists settled.broken_{source} as select * from no_rows")
    connection.execute(
        f"create table if not exists settled.pairs_{source} "
        "(unit varchar, event_date date, reason varchar, verksamhet varchar)"
    )
    connection.execute(
        f"create table if not exists settled.changed_{source} as "
        f"select *, cast(0 as integer) as _sign from settled.{source} limit 0"
    )
    connection.execute(f"create or replace temp view accepted as select * from settled.{source}")
    connection.execute(f"create or replace temp view broken as select * from settled.broken_{source}")


def take_in(
    connection: duckdb.DuckDBPyConnection, data: DataPaths, contract: Contract, deliveries: Sequence[Delivery]
) -> None:
    """Bring one source up to date with its deliveries that count (oldest first), the unit register before all others.

    Makes the views `accepted` and `broken` and the temporary tables `deliveries` (delivery, position, uttagsdatum) and
    `refused` (delivery, line, reason); of the register also the table `register`, its rows that count.
    """
    source = contract.source
    _tables(connection, data, contract)
    keep(connection, "deliveries", ledger_frame(deliveries).select("delivery", "position", "uttagsdatum"))
    delta = _delta(connection, data, contract, deliveries)
    judged_by_register = contract.unit is not None and source != REGISTER_SOURCE
    # Asked whatever else is new: what it notes is the register that the pairs are judged by now.
    of_register = judged_by_register and _register_changed(connection, source)
    if delta.new or delta.gone or delta.reordered or of_register:
        if not delta.first:  # rows are known by their place, which a checkpoint in between could change
            connection.begin()
        _change(connection, data, contract, delta, judged_by_register)
        if not delta.first:
            connection.commit()
    if source == REGISTER_SOURCE:
        connection.execute("create or replace temp table register as select * from accepted where _counts")
        keep(connection, "refused", refused_in_register(connection))
    elif judged_by_register:
        _refused(connection, contract)
    else:
        keep(connection, "refused", NOTHING_REFUSED)


def _register_changed(connection: duckdb.DuckDBPyConnection, source: str) -> bool:
    """Whether the unit register says anything else than when the source's pairs were judged."""
    columns = "hsaid_enhet, verksamhet, giltig_fran, giltig_till"
    told = f"select {columns} from settled.judged_by where source = {literal(source)}"
    now = f"select {columns} from register"
    differ = count(connection, f"(({told} except {now}) union all ({now} except {told}))") > 0
    if differ:
        connection.execute("delete from settled.judged_by where source = ?", [source])
        connection.execute(f"insert into settled.judged_by select {literal(source)}, {columns} from register")
    return differ


def _change(
    connection: duckdb.DuckDBPyConnection, data: DataPaths, contract: Contract, delta: Delta, judged_by_register: bool
) -> None:
    source, gone = contract.source, ", ".join(map(literal, delta.gone)) or "''"
    connection.execute(
        f"create or replace temp table gone_rows as select * from settled.{source} where delivery in ({gone})"
    )
    connection.execute(
        "create or replace temp table changed_broken as "
        f"select * from settled.broken_{source} where delivery in ({gone})"
    )
    if delta.gone:
        connection.execute(f"delete from settled.{source} where delivery in ({gone})")
        connection.execute(f"delete from settled.broken_{source} where delivery in ({gone})")
    if delta.new:
        _put_in_broken(connection, data, contract, delta.new)
    _judge_pairs(connection, data, contract, delta.new if judged_by_register else None)
    if delta.new:
        _put_in(connection, data, contract, delta.new)
    if source == REGISTER_SOURCE:
        _judge_register(connection)
    _judge_keys(connection, contract, delta)
    _note_touched(connection, contract, delta)
    _note_changed(connection, contract, delta)


def _put_in_broken(
    connection: duckdb.DuckDBPyConnection, data: DataPaths, contract: Contract, new: Sequence[Delivery]
) -> None:
    # Few rows: read here, so that the exact types (lists too) hold.
    schema = quarantine_schema(contract)
    rows = pl.concat([pl.DataFrame(schema=schema), *(pl.read_parquet(quarantine_path(data, d)) for d in new)])
    keep(connection, "new_broken", rows)
    connection.execute(f"insert into settled.broken_{contract.source} select * from new_broken")
    connection.execute("insert into changed_broken select * from new_broken")


def _judge_pairs(
    connection: duckdb.DuckDBPyConnection, data: DataPaths, contract: Contract, new: Sequence[Delivery] | None
) -> None:
    """Ask the register of every pair of unit and day (few pairs stand for millions of rows).

    Makes `rejudged`: rows of the store whose verdict changed, as they were (rid, _key, was_refused, ...). new: the new
    deliveries, not yet in the store; None for a source whose rows have no unit to be judged.
    """
    source = contract.source
    empty = f"select rowid as rid, * from settled.{source} limit 0"
    if new is None:
        connection.execute(f"create or replace temp table rejudged as {empty}")
        return
    event = "event_date" if contract.event else "cast(null as date)"
    named = [f"select {contract.unit} as unit, {event} as event_date from changed_broken"]
    if new:
        files = sql_files([anchor_path(data, source), *(accepted_path(data, d) for d in new)])
        named.append(f"select {contract.unit}, {event} from read_parquet({files}, union_by_name = true)")
    monthly = contract.monthly
    connection.execute(
        f"""
        create or replace temp table judged as
        with pairs as (
            select unit, event_date from settled.pairs_{source}
            union
            select unit, event_date from ({" union all ".join(named)}) where unit is not null
        )
        select p.unit, p.event_date,
            case when any_value(k.hsaid_enhet) is null then {literal(UNKNOWN_UNIT)}
                when p.event_date is not null and max(e.hsaid_enhet) is null then {literal(UNIT_NOT_VALID)}
            end as reason,
            max(e.verksamhet) as verksamhet
        from pairs p
        left join (select distinct hsaid_enhet from register) k on k.hsaid_enhet = p.unit
        left join {rule("unit_of_event", "register", "p.unit", "p.event_date", monthly)}
        group by p.unit, p.event_date
        """
    )
    connection.execute(
        f"""
        create or replace temp table changed_pairs as
        select j.* from judged j join settled.pairs_{source} p
            on p.unit = j.unit and p.event_date is not distinct from j.event_date
        where p.reason is distinct from j.reason or p.verksamhet is distinct from j.verksamhet
        """
    )
    if not count(connection, "changed_pairs"):
        connection.execute(f"create or replace temp table rejudged as {empty}")
        connection.execute(
            f"insert into settled.pairs_{source} select j.* from judged j anti join settled.pairs_{source} p "
            "on p.unit = j.unit and p.event_date is not distinct from j.event_date"
        )
        return
    connection.execute(f"create or replace table settled.pairs_{source} as select * from judged")
    same = f"c.unit = a.{contract.unit} and c.event_date is not distinct from a.{event}"
    if not contract.event:
        same = f"c.unit = a.{contract.unit}"
    connection.execute(
        f"create or replace temp table rejudged as select a.rowid as rid, a.*, c.reason, c.verksamhet as now_in "
        f"from settled.{source} a join changed_pairs c on {same}"
    )
    connection.execute(
        f"update settled.{source} as a set _refused = r.reason is not null, _verksamhet = r.now_in, "
        "_counts = a._counts and r.reason is null, _replaced = a._replaced and r.reason is null "
        "from rejudged r where a.rowid = r.rid"
    )


def _put_in(
    connection: duckdb.DuckDBPyConnection, data: DataPaths, contract: Contract, new: Sequence[Delivery]
) -> None:
    """The rows of new deliveries; they count unless they withdraw or are refused, until their keys are judged."""
    source = contract.source
    files = sql_files([anchor_path(data, source), *(accepted_path(data, d) for d in new)])
    rows, place, refused = f"read_parquet({files}, union_by_name = true) b", "cast(null as varchar)", "false"
    if contract.unit is not None and source != REGISTER_SOURCE:
        day = "and p.event_date is not distinct from b.event_date" if contract.event else ""
        rows += f" left join settled.pairs_{source} p on p.unit = b.{contract.unit} {day}"
        place, refused = "p.verksamhet", "p.reason is not null"
    columns = ", ".join(f"b.{name}" for name in stored_schema(contract))
    key = key_hash(contract)
    connection.execute(
        f"insert into settled.{source} select {columns}, {key}, {place}, {refused}, false, "
        f"not b.makulerad and not {refused} from {rows}"
    )


def _judge_register(connection: duckdb.DuckDBPyConnection) -> None:
    """Which rows of the register overlap one of another file of their day; makes `refused`."""
    keep(connection, "refused", refused_in_register(connection))
    connection.execute(
        "update settled.enheter as a set _refused = exists("
        "select 1 from refused f where f.delivery = a.delivery and f.line = a.line)"
    )


def _judge_keys(connection: duckdb.DuckDBPyConnection, contract: Contract, delta: Delta) -> None:
    """Which row of each touched key counts; makes `changed`: rows that counted or count now, but not both."""
    source, form = contract.source, contract.full_list
    new = ", ".join(literal(d.id) for d in delta.new) or "''"
    if source == REGISTER_SOURCE or delta.reordered:
        keys = f"select _key from settled.{source}"
    elif delta.first:
        keys = (
            f"select _key from settled.{source} group by _key having count(*) > 1 "
            f"union all select _key from settled.{source} where makulerad"
        )
    else:
        keys = (
            f"select _key from settled.{source} where delivery in ({new}) union all select _key from gone_rows "
            "union all select _key from rejudged"
        )
    if form is not None and not (source == REGISTER_SOURCE or delta.reordered):
        scope = [rule("scope_columns", form.scope)] if form.scope else []
        of_scope = ", ".join([*scope, "1 as scope_0"])
        alike = " and ".join(
            ["true", *(f"s.scope_{i + 1} is not distinct from a.{c}" for i, c in enumerate(form.scope))]
        )
        if delta.first:  # what one list alone says is replaced by nothing
            scopes = (
                f"select {of_scope} from settled.{source} a join deliveries d using (delivery) where {form.when_sql} "
                "group by all having count(distinct d.uttagsdatum) > 1"
            )
        else:
            scopes = " union ".join(
                f"select {of_scope} from {rows} where {form.when_sql}"
                for rows in (f"settled.{source}", "gone_rows", "rejudged")
            ).replace(f"from settled.{source} where", f"from settled.{source} where delivery in ({new}) and", 1)
        connection.execute(f"create or replace temp table touched_scopes as {scopes}")
        keys += (
            f" union all select a._key from settled.{source} a join touched_scopes s on {alike} where {form.when_sql}"
            f" union all select {key_hash(contract)} from changed_broken where key is not null"
        )
    connection.execute(f"create or replace temp table judged_keys as {keys}")
    judge(connection, contract, "judged_keys")
    if source == REGISTER_SOURCE:
        _let_yield(connection)
    connection.execute(
        """
        create or replace temp table verdicts as
        select c.rid, c.counted, c.was_replaced, n.rid is not null as counts, r.rid is not null as replaced
        from candidates c
        left join counting n on n.rid = c.rid
        left join replaced r on r.rid = c.rid
        """
    )
    connection.execute(
        f"update settled.{source} as a set _counts = v.counts, _replaced = v.replaced from verdicts v "
        "where a.rowid = v.rid and (v.counts <> v.counted or v.replaced <> v.was_replaced)"
    )
    if source == REGISTER_SOURCE:
        connection.execute(f"update settled.{source} set _counts = false, _replaced = false where _refused")


def _let_yield(connection: duckdb.DuckDBPyConnection) -> None:
    """A row of an earlier export that still counts, since the newest has its key in quarantine, yields where a newer
    row of its unit overlaps it: a unit has one verksamhet a day."""
    connection.execute(
        f"""
        create or replace temp table yielding as
        select r.rid from counting r
        where exists (
            select 1 from counting o
            where o.hsaid_enhet = r.hsaid_enhet and o.delivered > r.delivered and {OVERLAP_SQL}
        )
        """
    )
    connection.execute("insert into replaced select rid from yielding")
    connection.execute("delete from counting where rid in (select rid from yielding)")


def _note_touched(connection: duckdb.DuckDBPyConnection, contract: Contract, delta: Delta) -> None:
    """Add to `settled.touched` the months that have to be summed again."""
    source, name = contract.source, literal(contract.source)
    tables = ("settled.touched", "settled.touched_evidence")
    if delta.first:
        for table in tables:
            connection.execute(f"delete from {table} where source = {name}")
            connection.execute(f"insert into {table} values ({name}, null)")
        return
    new = ", ".join(literal(d.id) for d in delta.new) or "''"
    dates = [n for n, t in stored_schema(contract).items() if t == pl.Date()]
    if not dates:
        return
    named = ", ".join(f"a.{d}" for d in dates)
    connection.execute(
        f"""
        create or replace temp table touching as
        select {named} from settled.{source} a join verdicts v on a.rowid = v.rid
        where v.counts <> v.counted
        union all select {named} from settled.{source} a where a.delivery in ({new}) and a._counts
        union all select {named} from gone_rows a where a._counts
        union all select {named} from settled.{source} a
            join rejudged r on a.rowid = r.rid where r._counts or a._counts
        """
    )
    months = " union ".join(f"select cast(date_trunc('month', {d}) as date) as month from touching" for d in dates)
    for table in tables:
        connection.execute(
            f"insert into {table} select {name}, month from ({months}) where month is not null "
            f"except select source, month from {table}"
        )


def _note_changed(connection: duckdb.DuckDBPyConnection, contract: Contract, delta: Delta) -> None:
    """Add to `settled.changed_<source>` the rows that counted, or count now, and did not alike; or say that all of the
    source is to be judged: where it is new or small, or much of it changed."""
    source, total = contract.source, count(connection, f"settled.{contract.source}")
    whole = delta.first or source == REGISTER_SOURCE or not follows(total)
    if not whole:
        new = ", ".join(literal(d.id) for d in delta.new) or "''"
        columns = ", ".join(f"a.{name}" for name in [*stored_schema(contract), "_key", "_verksamhet"])
        row = f"{columns}, false as _refused, false as _replaced, true as _counts"
        # Of a row that the register judged otherwise `rejudged` knows how it was, of others that stay the verdict.
        stayed = (
            f"settled.{source} a join verdicts v on a.rowid = v.rid "
            f"where a.delivery not in ({new}) and a.rowid not in (select rid from rejudged) and v.counts <> v.counted"
        )
        connection.execute(
            f"""
            create or replace temp table changed_now as
            select {row}, case when v.counts then 1 else -1 end as _sign from {stayed}
            union all select {row}, 1 from settled.{source} a where a.delivery in ({new}) and a._counts
            union all select {row}, 1 from settled.{source} a
                where a._counts and a.rowid in (select rid from rejudged)
            union all select {row}, -1 from rejudged a where a._counts
            union all select {row}, -1 from gone_rows a where a._counts
            """
        )
        connection.execute(f"insert into settled.changed_{source} select * from changed_now")
        whole = count(connection, f"settled.changed_{source}") > MOST_FOLLOWED * total
    if whole:
        connection.execute(f"delete from settled.changed_{source}")
        connection.execute("delete from settled.judged_whole where source = ?", [source])
        connection.execute("insert into settled.judged_whole values (?)", [source])


def _refused(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """The table `refused`: rows, accepted or in quarantine, whose unit is unknown or not valid on their day."""
    day = "and p.event_date is not distinct from r.event_date" if contract.event else ""
    event = "event_date" if contract.event else "cast(null as date) as event_date"
    connection.execute(
        f"""
        create or replace temp table refused as
        select r.delivery, r.line, p.reason
        from (select delivery, line, {contract.unit} as unit, {event} from accepted where _refused
              union all select delivery, line, {contract.unit}, {event} from broken) r
        join settled.pairs_{contract.source} p on p.unit = r.unit {day}
        where p.reason is not null
        order by r.delivery, r.line
        """
    )
