"""A PostgreSQL server for tests: Debian's, in a folder of its own, and in it a database for each test.

It is the server of `make postgres-up` (`cli.postgresserver`), without waiting for the disk.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from dagster_project.cli.postgresserver import (
    ADMINISTRATOR,
    DATABASE,
    HOST,
    READER,
    ROLES,
    WRITER,
    LocalServer,
    free_port,
    up,
)
from dagster_project.products.postgres.server import PostgresServer

FAST = ("fsync = off", "full_page_writes = off", "autovacuum = off", "shared_buffers = 64MB", "max_connections = 60")


@dataclass(frozen=True)
class Database:
    """A database of the server, prepared as `deploy/postgresql.sql` says. name: its name."""

    local: LocalServer
    name: str

    def settings(self, **other: Any) -> PostgresServer:
        """`serve.postgres` for it."""
        return self.local.settings().model_copy(update={"database": self.name, **other})

    def connect(self, user: str = READER) -> psycopg.Connection[Any]:
        """A connection as a reader, or as another user; each statement its own transaction."""
        return psycopg.connect(
            host=HOST,
            port=self.local.port,
            dbname=self.name,
            user=user,
            passfile=str(self.local.passfile),
            autocommit=True,
        )

    def rows(self, statement: str, user: str = READER) -> list[tuple[Any, ...]]:
        """What a statement gives a reader."""
        with self.connect(user) as connection:
            return connection.execute(statement.encode()).fetchall()

    def as_writer(self, *statements: str) -> None:
        """Do something as the owner of all that is served."""
        with self.connect(WRITER) as connection:
            for statement in ("set role resultat_skrivare", *statements):
                connection.execute(statement.encode())


@contextmanager
def running(prepared: bool = True) -> Iterator[LocalServer]:
    """A server in a folder that its own user is let through to, stopped and removed afterwards (`up`)."""
    folder = Path(tempfile.mkdtemp(prefix="resultattavla-postgres-", dir="/tmp"))
    server = up(folder, free_port(), FAST, prepared)
    try:
        yield server
    finally:
        server.stop("immediate")
        shutil.rmtree(folder)


def new_database(server: LocalServer, name: str) -> Database:
    """A new database with the roles' rights."""
    made = Database(server, name)
    with Database(server, DATABASE).connect(ADMINISTRATOR) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("create database {} encoding 'UTF8'").format(sql.Identifier(name)))
    with made.connect(ADMINISTRATOR) as connection:
        connection.execute(ROLES.read_bytes())
    return made


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[LocalServer]:
    """The server of this worker's tests."""
    with running() as server:
        yield server


@pytest.fixture
def database(postgres_server: LocalServer) -> Database:
    """An empty database for one test; the server is up."""
    if not postgres_server.is_up:
        postgres_server.start()
    return new_database(postgres_server, "prov")
