"""The only module that opens DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge

from dagster_project.core.errors import BusyError, machine_error

if TYPE_CHECKING:
    import duckdb
    import polars as pl
    import sqlalchemy

# Great Expectations reads through SQLAlchemy. Without these settings of duckdb-sqlalchemy results are lost, and
# expectations fail without a reason.
SQLALCHEMY_OPTIONS: dict[str, Any] = {
    "isolation_level": "AUTOCOMMIT",
    "skip_autocommit_rollback": True,
    "pool_reset_on_return": None,
    "connect_args": {"read_only": True},
}


@dataclass(frozen=True)
class Machine:
    """What DuckDB may take of the machine, megabytes (settings `[machine]`); neither changes a result.

    memory_mb: memory; what it does not hold goes to temporary files. temporary_mb: those, all below the data folder.
    """

    memory_mb: Annotated[int, Ge(256)] = 1500
    temporary_mb: Annotated[int, Ge(0)] = 50_000


_machine = Machine()


def take(machine: Machine) -> None:
    """From now on this process takes so much of the machine."""
    global _machine
    _machine = machine


def taken() -> dict[str, str]:
    """What this process may take, as DuckDB's own settings.

    They have to be set: among the options that a file is opened with DuckDB forgets the second.
    """
    return {
        "memory_limit": f"{_machine.memory_mb}MB",
        "max_temp_directory_size": f"{_machine.temporary_mb}MB",
    }


def restrained(connection: Any) -> None:
    """Let a connection take no more of the machine than this process may. connection: DuckDB's, or a DB-API one."""
    for name, value in taken().items():
        connection.execute(f"set {name} = {literal(value)}")


def restrain_engine(engine: sqlalchemy.Engine) -> None:
    """The same for each connection of SQLAlchemy's."""
    from sqlalchemy import event

    engine.dispose()  # what is open already
    event.listen(engine, "connect", lambda connection, record: restrained(connection))


@contextmanager
def database(path: Path | None = None, write: bool = False, spill: Path | None = None) -> Iterator[Any]:
    """A connection to the database file `path` (None: in memory), closed afterwards.

    write: make or change the file; else it is opened read-only. spill: folder for what memory does not hold; without it
    DuckDB takes one beside the file, or in the folder that the process was started in.
    """
    import duckdb

    connection = duckdb.connect(str(path) if path else ":memory:", read_only=path is not None and not write)
    try:
        restrained(connection)
        connection.execute("set enable_progress_bar = false")
        if spill is not None:
            connection.execute(f"set temp_directory = {literal(spill.resolve())}")
        yield connection
        if path is not None and write:
            connection.execute("checkpoint")  # closing would not tell of a full disk
    finally:
        connection.close()


def create(path: Path) -> None:
    """Make an empty database file that no older DuckDB has to read: its newest format packs texts with less work.

    What is published is not made this way: others read it with their own DuckDB.
    """
    import duckdb

    duckdb.connect(str(path), config={"storage_compatibility_version": "latest"}).close()


def sqlalchemy_url(path: Path) -> str:
    """The address of a database file for SQLAlchemy."""
    return f"duckdb:///{path}"


def literal(value: object) -> str:
    """A value as a quoted SQL text."""
    return "'" + str(value).replace("'", "''") + "'"


def sql_files(paths: Iterable[Path]) -> str:
    """A SQL list of file names, quoted, for DuckDB's readers."""
    return "[" + ", ".join(literal(p) for p in paths) + "]"


def keep(connection: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> None:
    """Make the temporary table `name` of a frame (or make it anew).

    A registered frame would be read in place, which DuckDB cannot do below every join ("Pushdown Filter Type
    BLOOM_FILTER is not currently supported in PyArrow Scans").
    """
    connection.register("kept_frame", frame)
    connection.execute(f"create or replace temp table {name} as select * from kept_frame")
    connection.unregister("kept_frame")


def count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Rows of a table, view or bracketed query (with its conditions)."""
    row = connection.execute(f"select count(*) from {relation}").fetchone()
    assert row is not None
    return int(row[0])


def require_unlocked(path: Path, data: Path) -> None:
    """Raise BusyError when another program has the file open for itself; a damaged file is no lock."""
    import duckdb

    if path.exists():
        try:
            duckdb.connect(str(path), read_only=True).close()
        except duckdb.Error as error:
            told = machine_error(error, data)
            if isinstance(told, BusyError):
                raise told from None
