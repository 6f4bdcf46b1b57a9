"""Who writes in the database: one of us at a time, and only the installation whose releases it shows.

`resultat_drift` is our own record there; readers see the schema `resultat` only.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dagster_project.core.errors import BusyError, ResultattavlaError
from dagster_project.core.files import replacing
from dagster_project.core.paths import DataPaths
from dagster_project.products.postgres.server import WRITER_ROLE, PostgresServer, connected

if TYPE_CHECKING:
    from dagster_project.products.postgres.server import Connection

VIEWS_SCHEMA, OWN_SCHEMA = "resultat", "resultat_drift"
_PREPARED = f"""
create schema if not exists {OWN_SCHEMA};
create table if not exists {OWN_SCHEMA}.utgavor (
    release_id text primary key,
    schema_namn text not null unique,
    kontrollsumma text not null,
    inlast timestamptz not null default now()
);
alter table {OWN_SCHEMA}.utgavor add column if not exists summor jsonb;
create table if not exists {OWN_SCHEMA}.visas (
    en boolean primary key default true check (en),
    release_id text not null,
    schema_oid oid not null,
    i_stallet_for text,
    sedan timestamptz not null default now()
);
create table if not exists {OWN_SCHEMA}.installation (
    en boolean primary key default true check (en),
    id text not null,
    mapp text not null,
    dator text not null,
    sedan timestamptz not null default now()
);
create schema if not exists {VIEWS_SCHEMA};
comment on schema {OWN_SCHEMA} is 'Resultattavlas anteckningar: vilka utgåvor som är inlästa och vilken som visas.';
comment on schema {VIEWS_SCHEMA} is 'Det som läsare läser: den utgåva som visas. Vyerna byts alla på en gång.';
"""


@contextmanager
def writing(server: PostgresServer, data: DataPaths, take_over: bool = False) -> Iterator[Connection]:
    """A connection of the only one of us who writes there, to a database whose releases are those of the data folder.

    take_over: let the database be the folder's from now on, whosever it is.
    Raises ResultattavlaError where it is another folder's or the server refuses, BusyError while somebody writes.
    """
    with connected(server) as connection, connected(server) as guard:
        _prepare(connection, server)
        _hold(guard, server)
        _require_ours(connection, server, data, take_over)
        yield connection


def is_prepared(connection: Connection) -> bool:
    """Whether our own record and the schema of the views are there."""
    own = [f"to_regclass('{OWN_SCHEMA}.{name}')" for name in ("utgavor", "visas", "installation")]
    found = connection.execute(f"select {', '.join(own)}, to_regnamespace('{VIEWS_SCHEMA}')".encode()).fetchone()
    return found is not None and None not in found


def _prepare(connection: Connection, server: PostgresServer) -> None:
    require_owned(connection, server, OWN_SCHEMA, VIEWS_SCHEMA)
    if not is_prepared(connection):
        connection.execute(f"begin; {_PREPARED}; commit".encode())


def require_owned(connection: Connection, server: PostgresServer, *schemas: str) -> None:
    """Raise ResultattavlaError where one of these schemas is there and not ours to write in."""
    found = connection.execute(
        "select format('%%s (%%s)', nspname, pg_get_userbyid(nspowner)) from pg_namespace"
        " where nspname = any(%s) and pg_get_userbyid(nspowner) <> %s order by 1",
        [list(schemas), WRITER_ROLE],
    ).fetchall()
    if found:
        raise ResultattavlaError(
            f"PostgreSQL på {server.address}: scheman som behövs ägs av andra än {WRITER_ROLE}: "
            f"{', '.join(schema for (schema,) in found)}. Låt databasens administratör ta bort dem eller ge dem andra "
            "namn: nästa körning gör dem på nytt."
        )


# --- One at a time -------------------------------------------------------------------------------------------------
#
# A table lock, since readers could take an advisory lock of any number and keep us out: nothing in `resultat_drift` is
# theirs to lock. It is held by a transaction of its own, beside the many that serving takes.

GUARDS = (
    "select pid from pg_locks where locktype = 'relation' and granted and mode = 'ShareUpdateExclusiveLock'"
    f" and relation = to_regclass('{OWN_SCHEMA}.installation')"
)
"""The connection that holds the lock."""


def _hold(guard: Connection, server: PostgresServer) -> None:
    from psycopg import errors

    guard.execute("set idle_in_transaction_session_timeout = 0")
    guard.execute("begin")
    try:
        guard.execute(f"lock table {OWN_SCHEMA}.installation in share update exclusive mode nowait")
    except errors.LockNotAvailable as error:
        raise BusyError(f"En annan körning skriver just nu i {server.address}: kör igen om en stund.") from error


# --- Whose it is ---------------------------------------------------------------------------------------------------
#
# A database shows the releases of one data folder and forgets all others. The folder is known by an id of its own, and
# by where it lies, since a copy of it (to try something in) has the same id.


def owner_of(connection: Connection) -> tuple[str, str, str] | None:
    """Id, path and machine of the data folder whose releases the database shows; None where nobody's yet."""
    return connection.execute(f"select id, mapp, dator from {OWN_SCHEMA}.installation").fetchone()


def is_owner(data: DataPaths, owner: tuple[str, str, str]) -> bool:
    """Whether it is this folder."""
    return owner[:2] == (_id_of(data), str(data.root.resolve()))


def _id_of(data: DataPaths) -> str | None:
    try:
        return data.installation.read_text(encoding="ascii").strip() or None
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def _require_ours(connection: Connection, server: PostgresServer, data: DataPaths, take_over: bool) -> None:
    owner = owner_of(connection)
    if owner is not None and is_owner(data, owner):
        return
    folder, machine = str(data.root.resolve()), socket.gethostname()
    if owner is not None and not take_over:
        raise ResultattavlaError(
            f"Databasen {server.address} visar utgåvorna i {owner[1]} (på {owner[2]}), inte de i {folder}: ingenting "
            "har ändrats i den. Ange en annan databas i serve.postgres, eller låt den här datamappen ta över den: "
            f"`resultattavla postgres --take-over --data {folder}`."
        )
    if (ours := _id_of(data)) is None:
        ours = secrets.token_hex(16)
        with replacing(data.installation) as path:
            path.write_text(f"{ours}\n", encoding="ascii")
    connection.execute(
        f"insert into {OWN_SCHEMA}.installation (id, mapp, dator) values (%s, %s, %s) on conflict (en) do update set"
        " id = excluded.id, mapp = excluded.mapp, dator = excluded.dator, sedan = now()",
        [ours, folder, machine],
    )
