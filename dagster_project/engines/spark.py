"""Apache Spark as dbt's engine: its session, the run's files as its tables, its tables as views of the warehouse.

dbt-spark's session method runs statements in the one Spark session of this process. Its catalogue lives in memory, so
that nothing of a data folder is kept anywhere else: what lies in the folder is told to it when the session begins.
Every model is Parquet in `<data>/spark/<name>/` (`dbt/macros/engine/spark.sql`); `warehouse.duckdb` has a view of each,
by which gates, disclosure control and publishing read it. pyspark is imported inside functions only.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster_project.core.errors import ResultattavlaError, UsageError
from dagster_project.core.paths import DataPaths
from dagster_project.engines.duckdb import database, literal

_DONE = "_SUCCESS"
"""Spark's mark of a table that was written to its end."""
_AGATE = {
    "Text": "varchar",
    "ISODateTime": "timestamp",
    "DateTime": "timestamp",
    "Date": "date",
    "Boolean": "boolean",
    "Integer": "integer",
    "Number": "double",
}
"""dbt's types of cells -> DuckDB's."""
SCHEMA = "resultattavla"
"""Spark's name for what dbt builds, as dbt/profiles.yml says."""
_PACKAGES = {"pyspark": "pyspark", "dbt-spark": "dbt.adapters.spark"}
_REMOTE = re.compile(r"spark://(?P<host>[^:/,]+):(?P<port>\d+)")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LOG = Path(__file__).with_name("log4j2.properties")

_LITTLE = 256 * 2**20
"""Bytes of bronze below which Spark would work longer on how to compute than it computes."""
_FOR_LITTLE = {"spark.sql.adaptive.enabled": "false", "spark.sql.shuffle.partitions": "2"}
_JAVA = "-XX:ReservedCodeCacheSize=512m"
"""Spark compiles every statement to classes of its own: the code of all models is more than Java reserves."""
_JAVA_FOR_LITTLE = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

_open: dict[str, Any] = {}
"""The session of this process and what it is of: `session`, `root`, `master`, `sources` (name -> its file's time)."""


def require(master: str) -> None:
    """Raise UsageError, one sentence, where a package, Java or the cluster is not there."""
    lacking = [name for name, module in _PACKAGES.items() if not _installed(module)]
    if lacking:
        raise UsageError(
            f"Motorn spark behöver {' och '.join(lacking)}: installera med `make setup-spark`, eller sätt "
            "inställningen engine till duckdb."
        )
    if not _java():
        raise UsageError(
            "Motorn spark behöver Java 17: installera Debians paket openjdk-17-jre-headless (eller sätt JAVA_HOME), "
            "eller sätt inställningen engine till duckdb."
        )
    if address := _REMOTE.fullmatch(master):
        try:
            socket.create_connection((address["host"], int(address["port"])), timeout=10).close()
        except OSError:
            raise UsageError(
                f"Spark svarar inte på {master}: starta klustret (`make spark-up` på den här maskinen), eller rätta "
                "inställningen spark.master."
            ) from None


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")


def start_anew(data: DataPaths) -> None:
    """Forget every table of the data folder: files, and what the session knows of them."""
    stop()
    if data.spark.exists():
        shutil.rmtree(data.spark)


def stop() -> None:
    """End the session of this process, if there is one."""
    if session := _open.pop("session", None):
        session.stop()
    _open.clear()


def _session(data: DataPaths, master: str) -> Any:
    """The Spark session of a data folder; one of another folder or cluster is ended first.

    Raises ResultattavlaError where Spark does not start.
    """
    root = data.root.resolve()
    if _open and (_open["root"], _open["master"]) == (root, master):
        return _open["session"]
    stop()
    require(master)
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    data.spark.mkdir(parents=True, exist_ok=True)
    root.joinpath("tmp").mkdir(exist_ok=True)
    # What a site wants otherwise (memory, cores, an object store) stands in its spark-defaults.conf; not this:
    java, little = _JAVA, {}
    if _bytes_of(data.bronze) < _LITTLE:
        java, little = f"{_JAVA} {_JAVA_FOR_LITTLE}", _FOR_LITTLE
    settings = {
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": root.joinpath("spark").as_uri(),
        "spark.sql.session.timeZone": "UTC",
        "spark.local.dir": str(root / "tmp"),  # what memory does not hold: rows of persons
        "spark.sql.legacy.allowNonEmptyLocationInCTAS": "true",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.extraJavaOptions": f"{java} -Dlog4j2.configurationFile={_LOG.as_uri()}",
        "spark.executor.extraJavaOptions": java,
    } | little
    remote = _REMOTE.fullmatch(master)
    if remote is None or remote["host"] in _LOOPBACK:
        settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    builder = SparkSession.builder.master(master).appName("resultattavla")
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except (PySparkException, OSError, RuntimeError) as error:
        raise ResultattavlaError(f"Spark kunde inte startas på {master}: {_first_line(error)}") from error
    _open.update(session=session, root=root, master=master, sources={})
    for schema in (SCHEMA, "bronze", "run"):
        session.sql(f"create database if not exists {schema}")
    # What earlier builds of this run left, when another process made them.
    for folder in _tables(data):
        _tell(session, f"{SCHEMA}.{folder.name}", folder, next(folder.glob("*.parquet")))
    return session


def _tell(session: Any, table: str, path: Path, columns_of: Path, **options: str) -> None:
    """Make a table of Parquet that is there, with the columns of one of its files: Spark would start a job to look."""
    from pyarrow.parquet import read_schema
    from pyspark.sql.pandas.types import from_arrow_schema

    columns = from_arrow_schema(read_schema(columns_of))
    session.catalog.createTable(table, source="parquet", schema=columns, path=str(path), **options)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.parquet"))


def _tables(data: DataPaths) -> list[Path]:
    """Folders of tables that were written to their end."""
    return sorted(path.parent for path in data.spark.glob(f"*/{_DONE}"))


@contextmanager
def built_by_spark(data: DataPaths, master: str, manifest: Mapping[str, Any]) -> Iterator[None]:
    """Around a build: sources are there before it, and views of its tables in the warehouse after it, also where it
    failed. A build that failed is a run's last: its session is ended, so that a cluster is free for others.

    manifest: dbt's, as JSON.
    """
    session = _session(data, master)
    _write_seeds(data, manifest)
    for source in manifest["sources"].values():
        _tell_source(session, data, source["source_name"], source["name"])
    try:
        yield
    except BaseException:
        stop()
        raise
    finally:
        _show_in_warehouse(data, manifest)


def _write_seeds(data: DataPaths, manifest: Mapping[str, Any]) -> None:
    """The seeds as Parquet, with the types that dbt gives them on DuckDB; `spark.sql` makes tables of them.

    dbt-spark would insert them as text of a statement: an empty cell as the text None, a quote as its end.
    """
    for seed in (n for n in manifest["nodes"].values() if n["resource_type"] == "seed"):
        folder = data.spark / seed["name"]
        if (folder / _DONE).exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        path = Path(seed["root_path"]) / seed["original_file_path"]
        columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in _seed_types(path, seed).items())
        with database() as connection:
            connection.execute(
                f"copy (select * from read_csv({literal(path)}, header = true, columns = {{{columns}}})) "
                f"to {literal(folder / 'seed.parquet')} (format parquet)"
            )
        (folder / _DONE).touch()


def _seed_types(path: Path, seed: Mapping[str, Any]) -> dict[str, str]:
    """The column types of a seed: as seeds.yml says, else as dbt finds them in its cells."""
    from agate import MaxPrecision
    from dbt_common.clients.agate_helper import from_csv

    told = seed["config"]["column_types"]
    table = from_csv(str(path), text_columns=list(told))
    found = {}
    for number, column in enumerate(table.columns):
        kind = type(column.data_type).__name__
        if kind == "Number" and not table.aggregate(MaxPrecision(number)):
            kind = "Integer"
        found[column.name] = told.get(column.name) or _AGATE[kind]
    return found


def _tell_source(session: Any, data: DataPaths, schema: str, name: str) -> None:
    """Let Spark know a source's files as they are now: a file of the run folder, or a source's folder in bronze."""
    table, known = f"{schema}.{name}", _open["sources"]
    path = (data.run / f"{name}.parquet" if schema == "run" else data.bronze / name).resolve()
    if not path.exists() or known.get(table) == (now := path.stat().st_mtime_ns):
        return
    if table in known:
        session.sql(f"drop table {table}")
    if schema == "run":
        _tell(session, table, path, path)
    else:
        # Every source has an empty file with the columns of its contract.
        _tell(session, table, path, path / "0.accepted.parquet", pathGlobFilter="*.accepted.parquet")
    known[table] = now


def _show_in_warehouse(data: DataPaths, manifest: Mapping[str, Any]) -> None:
    """A view of every table in the warehouse, with the column types that dbt's files say."""
    nodes = {n["name"]: n for n in manifest["nodes"].values() if n["resource_type"] in ("model", "seed")}
    with database(data.warehouse, write=True) as connection:
        for folder in _tables(data):
            files = f"read_parquet({literal(_escaped(folder.resolve()) + '/*.parquet')})"
            columns = connection.execute(f"describe select * from {files}").fetchall()
            types = _declared_types(nodes[folder.name])
            chosen = [f'cast("{c}" as {types[c]}) as "{c}"' if c in types else f'"{c}"' for c, *_ in columns]
            connection.execute(f'create or replace view "{folder.name}" as select {", ".join(chosen)} from {files}')


def _declared_types(node: Mapping[str, Any]) -> dict[str, str]:
    declared = {name: c["data_type"] for name, c in node["columns"].items() if c.get("data_type")}
    return declared | node["config"].get("column_types", {})


def _escaped(path: Path) -> str:
    """A path for DuckDB's file patterns: what means something in one is set in brackets."""
    return re.sub(r"([\[*?])", r"[\1]", str(path))
