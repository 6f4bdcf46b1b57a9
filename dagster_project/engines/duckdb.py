"""The only module that opens DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_project.core.errors import BusyError, machine_error

if TYPE_CHECKING:
    import duckdb
    import polars as pl

# Great Expectations reads through SQLAlchemy. Without these settings of duckdb-sqlalchemy results are lost, and
# expectations fail without a reason.
SQLALCHEMY_OPTIONS: dict[str, Any] = {
    "isolation_level": "AUTOCOMMIT",
    "skip_autocommit_rollback": True,
    "pool_reset_on_return": None,
    "connect_args": {"read_only": True},
}


@contextmanager
def database(path: Path | None = None, write: bool = False, spill: Path | None = None) -> Iterator[Any]:
    """A connection to the database file `path` (None: in memory), closed afterwards.

    write: make or change the file; else it is opened read-only. spill: folder for what memory does not hold; without it
    DuckDB takes one beside the file, or in the folder that the process was started in.
    """
    import duckdb

    connection = duckdb.connect(str(path) if path else ":memory:", read_only=path is not None and not write)
    try:
        connection.execute("set enable_progress_bar = false")
        if spill is not None:
            connection.execute(f"set temp_directory = {literal(spill.resolve())}")
        yield connection
        if path is not None and write:
            connection.execute("checkpoint")  # closing would not tell of a full disk
    finally:
        connection.close()


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
