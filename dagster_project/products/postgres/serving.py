"""Which release PostgreSQL shows: views in the schema `resultat`, switched in one transaction, and what is kept there.

The state of the server is read from the server each time, so that whatever happened to it (down, emptied, restored) is
made good by the next run. What else lies in the schema `resultat` is the site's: it stays, and is named where it is in
the way.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.engines.duckdb import literal
from dagster_project.products.postgres.load import PREFIX, Plan, load, plan_of, view_comment
from dagster_project.products.postgres.server import READER_ROLE, WRITER_ROLE, PostgresServer, connected
from dagster_project.products.postgres.writing import (
    GUARDS,
    OWN_SCHEMA,
    VIEWS_SCHEMA,
    is_prepared,
    owner_of,
    require_owned,
    writing,
)
from dagster_project.products.reading import Reading
from dagster_project.releases.store import Release, current_id, read_release, releases

if TYPE_CHECKING:
    from dagster_project.products.postgres.server import Connection

_DROP_SECONDS = 2


@dataclass(frozen=True)
class Shown:
    """What the server shows. since: when the views were switched to it. instead_of: the release that was current when
    somebody chose another one; None where the views follow `current`. loaded: releases that are there, newest last.
    owner: of whose data folder they are (`writing.is_owner`), None: of nobody's yet."""

    release_id: str | None
    since: datetime | None
    instead_of: str | None
    loaded: tuple[str, ...]
    owner: tuple[str, str, str] | None = None


def look(server: PostgresServer) -> Shown:
    """What the server shows now. Raises ResultattavlaError where it cannot be asked."""
    with connected(server) as connection:
        return _shown(connection) if is_prepared(connection) else Shown(None, None, None, ())


def _shown(connection: Connection) -> Shown:
    row = connection.execute(f"select release_id, sedan, i_stallet_for from {OWN_SCHEMA}.visas").fetchone()
    loaded = connection.execute(f"select release_id from {OWN_SCHEMA}.utgavor order by release_id").fetchall()
    release_id, since, instead_of = row or (None, None, None)
    return Shown(release_id, since, instead_of, tuple(name for (name,) in loaded), owner_of(connection))


# --- What runs and commands do -------------------------------------------------------------------------------------


def ensure_loaded(server: PostgresServer, data: DataPaths, reading: Reading) -> Plan:
    """Put a release into a schema of its own, where it is not there as it would be made; what readers see stays."""
    with writing(server, data) as connection:
        return _ensure_loaded(connection, server, reading)


def follow(server: PostgresServer, data: DataPaths) -> None:
    """Let the server show the release that `current` names, and hold no release that does not stand.

    Where somebody chose another release (`choose`), it is shown until `current` names another one than it did then.
    Raises ResultattavlaError where the server refuses; what it shows then is a whole release all the same.
    """
    with writing(server, data) as connection:
        standing, current = [release.id for release in releases(data)], current_id(data)
        shown = _shown(connection)
        # First, so that there is room on a server that is nearly full; what is shown goes last.
        _forget(connection, {*standing, shown.release_id})
        chosen = shown.release_id if shown.instead_of is not None and shown.instead_of == current else None
        wanted = chosen if chosen in standing else current
        try:
            _show(connection, server, data, wanted, current if wanted == chosen else None)
        finally:
            # Its successor could not be put there: nothing is better than what is known to be wrong.
            if not connection.broken and _shown(connection).release_id not in (None, *standing):
                _show_none(connection)
        _keep_newest(connection, server, standing, wanted, current)


def choose(server: PostgresServer, data: DataPaths, release: Release | None, take_over: bool = False) -> Shown:
    """Let the server show a kept release, read into it where it is not there, until `current` names another one; None:
    whatever `current` names, again.

    take_over: though the database shows another data folder's releases, which it forgets. Raises ResultattavlaError
    where the server refuses."""
    with writing(server, data, take_over) as connection:
        standing, current = [release.id for release in releases(data)], current_id(data)
        wanted = release.id if release is not None else current
        _show(connection, server, data, wanted, None if wanted == current else current)
        _keep_newest(connection, server, standing, wanted, current)
        return _shown(connection)


def _show(
    connection: Connection, server: PostgresServer, data: DataPaths, wanted: str | None, instead_of: str | None
) -> None:
    """Switch the views to a release, where they are not there yet; to none where nothing is current."""
    if wanted is None:
        _show_none(connection)
        return
    release = read_release(data.releases / wanted)
    if release is None:
        raise ResultattavlaError(
            f"Utgåva {wanted} är skadad eller borta och visas inte i PostgreSQL: kör `resultattavla run`."
        )
    _switch(connection, server, _ensure_loaded(connection, server, Reading(release)), instead_of)


# --- Loading -------------------------------------------------------------------------------------------------------


def _ensure_loaded(connection: Connection, server: PostgresServer, reading: Reading) -> Plan:
    plan = plan_of(reading.release)
    if not _is_there(connection, plan):
        require_owned(connection, server, plan.schema)
        with connection.transaction():
            load(connection, reading, plan)
            connection.execute(
                f"insert into {OWN_SCHEMA}.utgavor (release_id, schema_namn, kontrollsumma, summor)"
                " values (%s, %s, %s, %s) on conflict (release_id) do update set schema_namn = excluded.schema_namn,"
                " kontrollsumma = excluded.kontrollsumma, summor = excluded.summor, inlast = now()",
                [plan.release_id, plan.schema, plan.digest, json.dumps(_sums(connection, plan))],
            )
    return plan


def _is_there(connection: Connection, plan: Plan) -> bool:
    """Whether the schema holds what was put there: by our own record, and by the sums of its tables' rows."""
    noted = connection.execute(
        f"select kontrollsumma, summor from {OWN_SCHEMA}.utgavor where release_id = %s", [plan.release_id]
    ).fetchone()
    there = _columns(connection, plan.schema)
    if noted is None or noted[0] != plan.digest or not all(name in there for name in plan.relations):
        return False
    return _sums(connection, plan) == noted[1]


def _sums(connection: Connection, plan: Plan) -> dict[str, str]:
    """Per table: how many rows it has, and the sum of their hashes, whatever their order."""
    sums = " union all ".join(
        f"select {literal(name)}, count(*) || ' ' || coalesce(sum(hashtextextended(\"en rad\"::text, 0)), 0)"
        f' from {plan.schema}."{name}" as "en rad"'
        for name in plan.rows
    )
    return dict(connection.execute(sums.encode()).fetchall())


def _columns(connection: Connection, schema: str) -> dict[str, list[tuple[str, str]]]:
    """Names and types of the columns of each table and view of a schema."""
    rows = connection.execute(
        "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod) from pg_class as c"
        " join pg_namespace as n on n.oid = c.relnamespace"
        " join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
        " where n.nspname = %s and c.relkind in ('r', 'v', 'm', 'p') order by c.relname, a.attnum",
        [schema],
    ).fetchall()
    found: dict[str, list[tuple[str, str]]] = {}
    for name, column, kind in rows:
        found.setdefault(name, []).append((column, kind))
    return found


# --- The switch ----------------------------------------------------------------------------------------------------
#
# A view cannot be changed while a transaction that has read it goes on, and locks on many views, taken one by one,
# would meet readers that take them in another order: each would wait for the other. So ours never holds two of them:
#
#  1. each view, by itself, reads both releases, each under the condition that the one row of `visas` names it,
#  2. that row is changed: the switch, one transaction. A statement sees one state of the row in all views it reads,
#  3. when all transactions from before it are over, each view, by itself, reads the new release and nothing else.
#
# Whatever ends it between two steps, readers see one whole release; the next run goes on. To show none, readers are
# shut out of the schema first, which waits for nobody and holds for the next statement of each of them.

_TRY_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.5)
"""How long an attempt at a view may hold up those who read it: longer each time."""
_PAUSE_SECONDS = 0.2
"""Between attempts. A transaction that reads the view all the while is waited for without holding up anybody ..."""
_PATIENT_SHARE = 0.5
"""... during this share of the time; after that attempts are made all the same."""
_OVER_SECONDS = 5
"""How long a run waits for the transactions from before the switch; the next one tidies up after those."""


class _ReadersError(ResultattavlaError):
    """Readers hold a view for longer than the switch may wait."""


def _switch(connection: Connection, server: PostgresServer, plan: Plan, instead_of: str | None) -> None:
    """Let all views show a release."""
    until = time.monotonic() + server.switch_seconds
    _require_room(connection, server, plan)
    try:
        if not _plain(connection, plan) or _shown(connection).release_id != plan.release_id:
            _read_both(connection, plan, until)
        _tell(connection, plan)
        _let_read(connection)
        with connection.transaction():
            shown = connection.execute(f"select schema_oid, i_stallet_for from {OWN_SCHEMA}.visas").fetchone()
            if shown != (_oid(connection, plan.schema), instead_of):
                connection.execute(f"delete from {OWN_SCHEMA}.visas")
                connection.execute(
                    f"insert into {OWN_SCHEMA}.visas (release_id, schema_oid, i_stallet_for) values (%s, {_OID}, %s)",
                    [plan.release_id, plan.schema, instead_of],
                )
            if not _are_let_in(connection):
                connection.execute(f"grant usage on schema {VIEWS_SCHEMA} to {READER_ROLE}")
        if not _plain(connection, plan) and _all_before_are_over(connection):
            _read_one(connection, plan, until)
    except _ReadersError as error:
        if _shown(connection).release_id != plan.release_id:  # else only the tidying is left for later
            raise ResultattavlaError(
                f"PostgreSQL på {server.address} visar inte utgåva {plan.release_id} än: en läsare har hållit en "
                f"transaktion öppen i {server.switch_seconds} sekunder (se pg_stat_activity). Nästa körning byter."
            ) from error


def _show_none(connection: Connection) -> None:
    """Show no release from now on, and remove the views, some of them later where somebody reads them."""
    with connection.transaction():
        connection.execute(f"revoke usage on schema {VIEWS_SCHEMA} from {READER_ROLE}, public")
        connection.execute(f"delete from {OWN_SCHEMA}.visas")
    until, built_on = time.monotonic() + _OVER_SECONDS, list[ResultattavlaError]()
    for name in _views(connection):
        try:
            _drop(connection, name, until)
        except _ReadersError:
            continue
        except ResultattavlaError as error:
            built_on.append(error)
    if built_on:
        raise built_on[0]


def _are_let_in(connection: Connection) -> bool:
    found = connection.execute("select has_schema_privilege(%s, %s, 'usage')", [READER_ROLE, VIEWS_SCHEMA]).fetchone()
    return found == (True,)


def _let_read(connection: Connection) -> None:
    """Give readers back the views that somebody took from them; this holds up no reader."""
    may = "select has_table_privilege(%s, %s, 'select')"
    for name in _views(connection):
        view = f'{VIEWS_SCHEMA}."{name}"'
        if connection.execute(may, [READER_ROLE, view]).fetchone() != (True,):
            connection.execute(f"grant select on {view} to {READER_ROLE}".encode())


def _require_room(connection: Connection, server: PostgresServer, plan: Plan) -> None:
    """Raise ResultattavlaError where something of the site's has the name of a view."""
    taken = connection.execute(
        "select relname from pg_class where relnamespace = to_regnamespace(%s) union"
        " select typname from pg_type where typnamespace = to_regnamespace(%s) order by 1",
        [VIEWS_SCHEMA, VIEWS_SCHEMA],
    ).fetchall()
    foreign = {name for (name,) in taken} & set(plan.relations) - _views(connection).keys()
    if foreign:
        raise ResultattavlaError(
            f"PostgreSQL på {server.address}: {VIEWS_SCHEMA}.{min(foreign)} är inte Resultattavlas och står i vägen "
            "för vyn med det namnet: flytta det till ett annat schema. Sedan kommer nästa körning ikapp."
        )


_OID = "(select oid from pg_namespace where nspname = %s)"


def _oid(connection: Connection, schema: str) -> int | None:
    row = connection.execute("select oid from pg_namespace where nspname = %s", [schema]).fetchone()
    return row[0] if row else None


def _plain(connection: Connection, plan: Plan) -> bool:
    """Whether the views are those of a release, each reading it and nothing else."""
    wanted = {name: {plan.schema} for name in plan.relations}
    return _reads(connection) == wanted and _views(connection) == _columns(connection, plan.schema)


def _read_both(connection: Connection, plan: Plan, until: float) -> None:
    """Step 1: each view reads the release that is shown and the one to come, of which the row of `visas` names one."""
    row = connection.execute(
        f"select n.nspname, n.oid from {OWN_SCHEMA}.visas as v join pg_namespace as n on n.oid = v.schema_oid"
    ).fetchone()
    now, both = _views(connection), {plan.schema: _oid(connection, plan.schema)}
    if row is not None:
        both[row[0]] = row[1]
    held = {schema: _columns(connection, schema) for schema in both}
    for name in dict.fromkeys([*plan.relations, *now]):
        columns = held[plan.schema].get(name) or now[name]
        parts = [
            f'select {_listed(columns, held[schema][name])} from "{schema}"."{name}"'
            f" where (select v.schema_oid from {OWN_SCHEMA}.visas as v) = {oid}"
            for schema, oid in both.items()
            if name in held[schema]
        ]
        if parts:
            _define(connection, name, now.get(name), columns, " union all ".join(parts), until)
        else:
            _drop(connection, name, until)


def _read_one(connection: Connection, plan: Plan, until: float) -> None:
    """Step 3: each view reads the release that is shown and nothing else; a view that it has not is gone."""
    now, columns = _views(connection), _columns(connection, plan.schema)
    for name in plan.relations:
        query = f'select {_listed(columns[name], columns[name])} from {plan.schema}."{name}"'
        _define(connection, name, now.get(name), columns[name], query, until)
    for name in sorted(now.keys() - set(plan.relations)):
        _drop(connection, name, until)


_Columns = list[tuple[str, str]]
"""Names and types."""


def _listed(wanted: _Columns, held: _Columns) -> str:
    """The wanted columns of a table that holds these: what it has not is empty."""
    return ", ".join(f'"{c}"' if (c, kind) in held else f'null::{kind} as "{c}"' for c, kind in wanted)


def _define(
    connection: Connection, name: str, now: _Columns | None, columns: _Columns, query: str, until: float
) -> None:
    """Make a view, or let it read something else; one whose columns are others is made anew."""
    view = f'{VIEWS_SCHEMA}."{name}"'
    made = f"create or replace view {view} as {query}; grant select on {view} to {READER_ROLE}"
    if now is not None and columns[: len(now)] != now:
        made = f"drop view {view}; {made}"
    _change(connection, name, made, until)


def _drop(connection: Connection, name: str, until: float) -> None:
    _change(connection, name, f'drop view {VIEWS_SCHEMA}."{name}"', until)


def _change(connection: Connection, name: str, statements: str, until: float) -> None:
    """Change one view, between its readers. Raises _ReadersError where they leave no room for it, ResultattavlaError
    where something of the site's is built on it and it has to be made anew."""
    begun, attempts = time.monotonic(), 0
    while not _attempt(connection, name, statements, _TRY_SECONDS[min(attempts, len(_TRY_SECONDS) - 1)]):
        attempts += 1
        while True:
            reading = _readers(connection, name)
            time.sleep(_PAUSE_SECONDS)
            if time.monotonic() > until:
                raise _ReadersError(name)
            impatient = time.monotonic() > begun + _PATIENT_SHARE * (until - begun)
            if impatient or not reading & _readers(connection, name):
                break


def _attempt(connection: Connection, name: str, statements: str, seconds: float) -> bool:
    """Do it unless it has to wait for longer than so many seconds; whether it is done."""
    from psycopg import errors

    try:
        with connection.transaction():
            connection.execute(f"set local lock_timeout = '{seconds}s'")
            connection.execute(statements.encode())
    except errors.LockNotAvailable:
        return False
    except errors.DependentObjectsStillExist as error:
        others = ", ".join(_built_on(connection, VIEWS_SCHEMA, name))
        raise ResultattavlaError(
            f"PostgreSQL: vyn {VIEWS_SCHEMA}.{name} ska bort eller få andra kolumner, men {others or 'något annat'} "
            "läser den: ta bort det som läser den. Sedan kommer nästa körning ikapp."
        ) from error
    return True


def _readers(connection: Connection, name: str) -> set[tuple[str]]:
    """The transactions that have read the view and go on."""
    view = literal(f'{VIEWS_SCHEMA}."{name}"')
    reading = (
        "select distinct virtualtransaction from pg_locks where granted and pid <> pg_backend_pid()"
        f" and relation = to_regclass({view})"
        " and database = (select oid from pg_database where datname = current_database())"
    )
    return set(connection.execute(reading.encode()).fetchall())


def _all_before_are_over(connection: Connection) -> bool:
    """Whether all transactions that are open now come to their end within a while: none of them saw the switch yet."""
    open_now = (
        "select l.virtualxid from pg_locks as l join pg_stat_activity as a on a.pid = l.pid"
        " where l.locktype = 'virtualxid' and l.granted and l.pid <> pg_backend_pid()"
        f" and a.datname = current_database() and l.pid not in ({GUARDS})"
    )
    before, until = set(connection.execute(open_now).fetchall()), time.monotonic() + _OVER_SECONDS
    while before := before & set(connection.execute(open_now).fetchall()):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def _views(connection: Connection) -> dict[str, _Columns]:
    """Our own views of readers with their columns."""
    ours = _reads(connection)
    return {name: columns for name, columns in _columns(connection, VIEWS_SCHEMA).items() if name in ours}


def _reads(connection: Connection) -> dict[str, set[str]]:
    """Per view of readers that is ours: the schemas that it reads. Ours read tables of releases under their own name
    and our own record, nothing else; any other was made by somebody else."""
    rows = connection.execute(
        "select v.relname, array_agg(distinct t.relnamespace::regnamespace::text) from pg_rewrite as r"
        " join pg_class as v on v.oid = r.ev_class and v.relnamespace = to_regnamespace(%s) and v.relkind = 'v'"
        " join pg_depend as d on d.objid = r.oid and d.classid = 'pg_rewrite'::regclass"
        " and d.refclassid = 'pg_class'::regclass"
        " join pg_class as t on t.oid = d.refobjid and t.oid <> v.oid"
        " where pg_get_userbyid(v.relowner) = %s group by 1 having bool_and(t.relnamespace = to_regnamespace(%s)"
        " or t.relname = v.relname and starts_with(t.relnamespace::regnamespace::text, %s))",
        [VIEWS_SCHEMA, WRITER_ROLE, OWN_SCHEMA, PREFIX],
    ).fetchall()
    return {view: set(schemas) for view, schemas in rows}


def _built_on(connection: Connection, schema: str, name: str | None = None) -> list[str]:
    """Views of the site's that read something in a schema of ours, or one view there."""
    ours = {f"{VIEWS_SCHEMA}.{view}" for view in _reads(connection)}
    rows = connection.execute(
        "select distinct format('%%s.%%s', v.relnamespace::regnamespace, v.relname) from pg_rewrite as r"
        " join pg_class as v on v.oid = r.ev_class"
        " join pg_depend as d on d.objid = r.oid and d.classid = 'pg_rewrite'::regclass"
        " and d.refclassid = 'pg_class'::regclass"
        " join pg_class as t on t.oid = d.refobjid and t.oid <> v.oid"
        " where t.relnamespace = to_regnamespace(%s) and t.relname = coalesce(%s, t.relname)"
        " and (v.relnamespace <> t.relnamespace or not starts_with(v.relnamespace::regnamespace::text, %s))",
        [schema, name, PREFIX],
    ).fetchall()
    return sorted({view for (view,) in rows} - ours)


def _tell(connection: Connection, plan: Plan) -> None:
    """Say of every view and column what it holds, where it is not said yet; this holds up no reader."""
    said, columns = _comments(connection), _columns(connection, plan.schema)
    lacking = []
    for name in plan.relations:
        for column in ("", *(column for column, _ in columns[name])):
            if said.get((name, column)) != (text := view_comment(name, column)):
                what = f'column {VIEWS_SCHEMA}."{name}"."{column}"' if column else f'view {VIEWS_SCHEMA}."{name}"'
                lacking.append(f"comment on {what} is {literal(text)}")
    if lacking:
        connection.execute("; ".join(lacking).encode())


def _comments(connection: Connection) -> Mapping[tuple[str, str], str]:
    rows = connection.execute(
        "select c.relname, coalesce(a.attname, ''), d.description from pg_description as d"
        " join pg_class as c on c.oid = d.objoid and d.classoid = 'pg_class'::regclass"
        " join pg_namespace as n on n.oid = c.relnamespace"
        " left join pg_attribute as a on a.attrelid = c.oid and a.attnum = d.objsubid and d.objsubid > 0"
        " where n.nspname = %s",
        [VIEWS_SCHEMA],
    ).fetchall()
    return {(name, column): text for name, column, text in rows}


# --- What is kept --------------------------------------------------------------------------------------------------


def _keep_newest(connection: Connection, server: PostgresServer, standing: Sequence[str], *always: str | None) -> None:
    """Remove all but the newest releases of those that are there; what is shown and what is current stay.

    Raises ResultattavlaError where something of the site's is built on a release that is to go."""
    there = set(_shown(connection).loaded)
    newest = [release_id for release_id in standing if release_id in there][: server.releases]
    for schema, others in _forget(connection, {*newest, *always, _shown(connection).release_id}).items():
        raise ResultattavlaError(
            f"PostgreSQL på {server.address}: schemat {schema} ska bort, men {', '.join(others)} läser det: ta bort "
            f"det, eller låt det läsa vyerna i schemat {VIEWS_SCHEMA}. Sedan tar nästa körning bort schemat."
        )


def _forget(connection: Connection, keep: Collection[str | None]) -> dict[str, list[str]]:
    """Remove the schemas of all other releases, and those that a reload put aside and nothing reads any more.

    A schema that somebody reads stays until the next run. Returns those that views of the site's are built on, which
    stay too.
    """
    from psycopg import errors

    noted = dict(connection.execute(f"select schema_namn, release_id from {OWN_SCHEMA}.utgavor").fetchall())
    ours = connection.execute(
        "select nspname from pg_namespace where starts_with(nspname, %s) and pg_get_userbyid(nspowner) = %s",
        [PREFIX, WRITER_ROLE],
    ).fetchall()
    read = {schema for schemas in _reads(connection).values() for schema in schemas}
    blocked = {}
    for (schema,) in ours:
        if noted.get(schema) in keep and schema in noted or schema in read:
            continue
        if others := _built_on(connection, schema):
            blocked[schema] = others
            continue
        try:
            with connection.transaction():
                connection.execute(f"set local lock_timeout = '{_DROP_SECONDS}s'")
                connection.execute(f'drop schema "{schema}" cascade'.encode())
                connection.execute(f"delete from {OWN_SCHEMA}.utgavor where schema_namn = %s", [schema])
        except errors.LockNotAvailable:
            continue
    connection.execute(
        f"delete from {OWN_SCHEMA}.utgavor where schema_namn not in (select nspname::text from pg_namespace)"
    )
    return blocked
