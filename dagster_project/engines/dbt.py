"""dbt in this process: parse once, build what is asked, keep its connection closed afterwards.

dbt is imported inside functions only (it costs seconds). Nothing here knows Dagster. What dbt parsed holds nothing of
a data folder (the profile says where the warehouse lies and where relative file names are looked up), but the path of
the project that it parsed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dagster_project.catalogue.completeness import missing_files
from dagster_project.catalogue.sql_vars import sql_vars
from dagster_project.core.errors import ResultattavlaError, machine_error
from dagster_project.core.files import digest_of_files, replacing
from dagster_project.core.masking import mask
from dagster_project.core.paths import PROJECT, DataPaths
from dagster_project.engines.duckdb import database, require_unlocked
from dagster_project.engines.engine import ON_DUCKDB, Engine

DBT_DIR = PROJECT / "dbt"
STAGING = "resultattavla.sources resource_type:seed"
CELLS = "resultattavla.observations resultattavla.cells"
RESULTS = "resultattavla.results"
"""What each of a run's builds makes. Between CELLS and RESULTS disclosure control decides what is hidden."""

_parsed: dict[str, Any] = {}
"""By version of the project and engine: the manifest as dbt has it."""
_manifests: dict[str, dict[str, Any]] = {}
"""By version of the project and engine: the manifest as JSON. Neither holds anything of a data folder."""


@dataclass(frozen=True)
class NodeResult:
    """One dbt node's outcome: unique id, status (success, pass, fail, error ...), seconds, message, failures."""

    unique_id: str
    status: str
    seconds: float
    message: str | None
    failures: int | None


def _invoke(
    arguments: list[str],
    data: DataPaths,
    manifest: Any = None,
    on_event: Callable | None = None,
    engine: Engine = ON_DUCKDB,
) -> Any:
    from dbt.cli.main import dbtRunner

    os.environ["DO_NOT_TRACK"] = "1"
    target = str(data.dbt_target.resolve())
    # dbt goes on from what it parsed last into this folder, seeds' paths included, unless a variable has changed: named
    # here, another checkout of the project is one.
    places_told = {"data": str(data.root.resolve()), "project": str(DBT_DIR)}
    variables = json.dumps({**sql_vars(), **places_told})
    quiet = ["--quiet", "--log-level-file", "none", "--no-version-check"]
    places = ["--project-dir", str(DBT_DIR), "--profiles-dir", str(DBT_DIR), "--target-path", target]
    places += ["--target", engine.name]
    runner = dbtRunner(manifest=manifest, callbacks=[on_event] if on_event else [])
    result = runner.invoke([*quiet, *arguments, *places, "--vars", variables, "--log-path", target])
    _close_connections()
    return result


def _close_connections() -> None:
    """dbt-duckdb keeps its connection for the process; others could then not open the file read-only."""
    from dbt.adapters.factory import FACTORY

    for adapter in FACTORY.adapters.values():
        adapter.connections.cleanup_all()
        close = getattr(type(adapter.connections), "close_all_connections", None)
        if close:
            close()


@cache
def dbt_version() -> str:
    """Hash over what dbt parses and where it lies; a manifest made from something else is stale."""
    files = [p for pattern in ("*.yml", "models/**/*", "macros/**/*", "seeds/*") for p in DBT_DIR.glob(pattern)]
    project = digest_of_files(DBT_DIR, [p for p in files if p.is_file()])
    return hashlib.sha256((f"{DBT_DIR} {project}" + json.dumps(sql_vars(), sort_keys=True)).encode()).hexdigest()


def _version_for(engine: Engine) -> str:
    return f"{engine.name} {dbt_version()}"


def project_manifest(data: DataPaths, engine: Engine = ON_DUCKDB) -> dict[str, Any]:
    """dbt's manifest as JSON, once per process: a data folder's own where it is whole and of these models, else new."""
    key = _version_for(engine)
    if key not in _manifests:
        path, stamp = data.dbt_target / "manifest.json", _stamp_path(data)
        if not path.exists() or not stamp.exists() or stamp.read_bytes() != _stamp(path, engine):
            parse(data, engine)
        # Where the process had parsed already, for another folder, its manifest is known and this folder has none.
        if key not in _manifests:
            _manifests[key] = json.loads(path.read_text(encoding="utf-8"))
    return _manifests[key]


def _stamp_path(data: DataPaths) -> Path:
    return data.dbt_target / "manifest.version"


def _stamp(manifest: Path, engine: Engine) -> bytes:
    """What the manifest was made from, and its bytes: dbt writes it in place, so a killed run can leave half of it."""
    return f"{_version_for(engine)} {hashlib.sha256(manifest.read_bytes()).hexdigest()}".encode()


def parse(data: DataPaths, engine: Engine = ON_DUCKDB) -> Any:
    """dbt's parsed project, once per process. Raises ResultattavlaError where the models do not parse."""
    key = _version_for(engine)
    if key not in _parsed:
        data.dbt_target.mkdir(parents=True, exist_ok=True)
        result = _invoke(["parse"], data, engine=engine)
        if not result.success:
            raise machine_error(result.exception, data.root) or _not_understood("tolkas", result.exception)
        path = data.dbt_target / "manifest.json"
        with replacing(_stamp_path(data)) as part:
            part.write_bytes(_stamp(path, engine))
        _manifests[key] = json.loads(path.read_text(encoding="utf-8"))
        _parsed[key] = result.result
    return _parsed[key]


def _not_understood(verb: str, error: BaseException | None) -> ResultattavlaError:
    """What is wrong with the project: the files that an indicator or a source lacks, else dbt's own words."""
    missing = missing_files()
    return ResultattavlaError(f"dbt-projektet kan inte {verb}: {' '.join(missing) if missing else mask(str(error))}")


def build(
    data: DataPaths, select: str, progress: Callable[[str], None] = lambda text: None, engine: Engine = ON_DUCKDB
) -> list[NodeResult]:
    """Build the selected models, seeds and data tests; the results of all nodes in order. progress: is told each model.

    Raises ResultattavlaError (first failing node and its message) when anything failed.
    """
    manifest = parse(data, engine)
    if select == STAGING:
        _start_anew(data)

    def on_event(event: Any) -> None:
        if event.info.name == "LogStartLine" and event.data.node_info.resource_type in ("model", "seed"):
            progress(event.data.node_info.node_name)

    arguments = ["build", "--select", *select.split(), "--indirect-selection", "cautious"]
    # The manifest was written when the project was parsed; writing it again for every build costs a second.
    arguments += ["--exclude-resource-type", "unit_test", "--no-write-json"]
    with _running(engine, data):
        result = _invoke(arguments, data, manifest, on_event, engine)
    if result.exception is not None:
        raise machine_error(result.exception, data.root) or ResultattavlaError(
            f"dbt kunde inte köras: {mask(str(result.exception))}"
        )
    nodes = [_node_result(r) for r in result.result.results]
    require_success(nodes, data)
    return nodes


def _running(engine: Engine, data: DataPaths) -> AbstractContextManager[None]:
    if not engine.is_spark:
        return nullcontext()
    from dagster_project.engines import spark

    return spark.built_by_spark(data, engine.master, project_manifest(data, engine))


def _start_anew(data: DataPaths) -> None:
    """Every run builds its whole warehouse: nothing of an older one, damaged or not, can get into a result."""
    require_unlocked(data.warehouse, data.root)
    if data.spark.exists():
        from dagster_project.engines import spark

        spark.start_anew(data)
    for path in (data.warehouse, data.warehouse.with_name(f"{data.warehouse.name}.wal")):
        path.unlink(missing_ok=True)


def generate_docs(data: DataPaths) -> Path:
    """dbt docs as one file that opens from disk; raises ResultattavlaError when they cannot be built."""
    if not data.warehouse.exists():
        raise ResultattavlaError(f"Det finns inget lager i {data.root}: kör `resultattavla run` först.")
    result = _invoke(["docs", "generate", "--static"], data)
    if not result.success:
        raise ResultattavlaError(f"dbt docs kunde inte byggas: {mask(str(result.exception))}")
    return data.dbt_target / "static_index.html"


def run_unit_tests(data: DataPaths) -> list[NodeResult]:
    """dbt's unit tests, on the warehouse of a run (for its tables' columns); all results, failed or not."""
    result = _invoke(["test", "--select", "test_type:unit"], data, parse(data))
    if result.exception is not None:
        raise ResultattavlaError(f"dbt kunde inte köras: {mask(str(result.exception))}")
    return [_node_result(r) for r in result.result.results]


def compiled_sql(data: DataPaths) -> dict[str, str]:
    """Every model's SQL as an engine gets it: name -> text. Needs no data."""
    result = _invoke(["compile", "--select", "resource_type:model", "--no-introspect"], data)
    if not result.success:
        raise _not_understood("kompileras", result.exception)
    return {r.node.name: r.node.compiled_code for r in result.result.results}


def inline_sql(data: DataPaths, sql: str, engine: Engine = ON_DUCKDB) -> str:
    """A statement with dbt's macros as an engine gets it. Needs no data."""
    options = ["--no-introspect", "--no-populate-cache"]
    result = _invoke(["compile", "--inline", sql, *options], data, parse(data, engine), engine=engine)
    if not result.success:
        raise _not_understood("kompileras", result.exception)
    return str(result.result.results[0].node.compiled_code)


def _node_result(result: Any) -> NodeResult:
    return NodeResult(result.node.unique_id, str(result.status), result.execution_time, result.message, result.failures)


def require_success(nodes: Iterable[NodeResult], data: DataPaths) -> None:
    """Raise ResultattavlaError for the first failed node; messages are masked (they can quote values)."""
    failed = [n for n in nodes if n.status in ("error", "fail", "runtime error")]
    if failed:
        told = machine_error(failed[0].message or "", data.root)
        if told is not None:
            raise told
        message = mask(" ".join((failed[0].message or "").split()))[:500]
        raise ResultattavlaError(
            f"dbt stannade i {failed[0].unique_id}: {message}. Ingenting publiceras; rätta modellen och kör igen."
        )


def table_rows(data: DataPaths, tables: Iterable[str]) -> dict[str, int]:
    """Row counts of warehouse tables."""
    with database(data.warehouse) as connection:
        return {t: (connection.execute(f'select count(*) from "{t}"').fetchone() or (0,))[0] for t in tables}
