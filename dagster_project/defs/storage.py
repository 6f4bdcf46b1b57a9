"""Dagster's own SQLite storage, with connections that stay open (named in `dagster.yaml`).

Dagster opens and closes a database for every event: each close writes the log back and waits for the disk, a thousand
times in a run with some hundred asset checks. The tables and files are Dagster's, unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from sqlalchemy import Connection, Engine, create_engine, event


def _fewer_waits(connection: Any, record: Any) -> None:
    """With write-ahead logging NORMAL stays consistent; a power cut loses at most the last events."""
    connection.execute("pragma synchronous = normal")


class EventLog(SqliteEventLogStorage):
    """Event log that keeps the index and the latest run's database open."""

    _engines: dict[str, Engine]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._engines = {}
        super().__init__(*args, **kwargs)

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            for other in [s for s in self._engines if s != INDEX_SHARD_NAME and shard != INDEX_SHARD_NAME]:
                self._engines.pop(other).dispose()
            engine = create_engine(
                self.conn_string_for_shard(shard), connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
            )
            event.listen(engine, "connect", _fewer_waits)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            self._engines[shard] = engine
        return self._engines[shard]

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._engine(shard).begin() as connection:
            yield connection

    def dispose(self) -> None:
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()


class Storage(DagsterSqliteStorage):
    """Dagster's SQLite storage with this module's event log."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage.dispose()
        self._event_log_storage = EventLog(self._event_log_storage._base_dir)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> Storage:
        return cls.from_local(inst_data=inst_data, **config_value)
