"""dbt in this process: parse once, build what is asked, keep its connection closed afterwards.

dbt is imported inside functions only (it costs seconds). Nothing here knows Dagster. What dbt parsed holds nothing of
a data folder (the profile says where the warehouse lies and where relative file names are looked up), but the path of
the project that it parsed: so a checkout keeps it (`dbt/target/parsed`) for every run of the same code.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dagster_project.catalogue.completeness import missing_files
from dagster_project.catalogue.sql_vars import sql_vars
from dagster_project.core.errors import ResultattavlaError, machine_error
from dagster_project.core.files import digest_of_files, replacing
from dagster_project.core.imports import much_loaded
from dagster_project.core.masking import mask
from dagster_project.core.paths import PROJECT, DataPaths
from dagster_project.engines.duckdb import database, require_unlocked, taken
from dagster_project.engines.engine import ON_DUCKDB, Engine
from dagster_project.engines.warehouse import writing

DBT_DIR = PROJECT / "dbt"
PARSED = DBT_DIR / "target" / "parsed"
"""What dbt parsed of this checkout last; only time is lost where it cannot be written or is gone."""
_PARSED_FILES = ("partial_parse.msgpack", "manifest.json")
_STAMP = "manifest.version"
STAGING = "resultattavla.sources resource_type:seed"
CELLS = "resultattavla.observations resultattavla.cells"
RESULTS = "resultattavla.results"
"""What each of a run's builds makes. Between CELLS and RESULTS disclosure control decides what is hidden."""

KEPT = frozenset({"months_additive", "months_distribution"})
"""Models that a run goes on from, where the months that they sum are not touched."""

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
    target = str(_target(data, engine).resolve())
    # dbt goes on from what it parsed last into this folder, seeds' paths included, unless a variable has changed: named
    # here, another checkout of the project is one.
    places_told = {"data": str(data.root.resolve()), "project": str(DBT_DIR)}
    variables = json.dumps({**sql_vars(), **places_told, **taken()})
    quiet = ["--quiet", "--log-level-file", "none", "--no-version-check"]
    places = ["--project-dir", str(DBT_DIR), "--profiles-dir", str(DBT_DIR), "--target-path", target]
    places += ["--target", engine.name]
    runner = dbtRunner(manifest=manifest, callbacks=[on_event] if on_event else [])
    result = runner.invoke([*quiet, *arguments, *places, "--vars", variables, "--log-path", target])
    _close_connections()
    return result


def _target(data: DataPaths, engine: Engine) -> Path:
    return data.dbt_target / engine.name if engine.is_spark else data.dbt_target


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
    tools = [version(package) for package in ("dbt-core", "dbt-adapters", "dbt-duckdb")]
    told = f"{DBT_DIR} {project} {tools}" + json.dumps(sql_vars(), sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _version_for(engine: Engine) -> str:
    return f"{engine.name} {version('dbt-spark') if engine.is_spark else ''} {dbt_version()}"


def project_manifest(data: DataPaths, engine: Engine = ON_DUCKDB) -> dict[str, Any]:
    """dbt's manifest as JSON, once per process: a data folder's own where it is whole and of these models, else new."""
    key = _version_for(engine)
    if key not in _manifests:
        path, stamp = _target(data, engine) / "manifest.json", _target(data, engine) / _STAMP
        if not path.exists() or not stamp.exists() or stamp.read_bytes() != _stamp(path, engine):
            parse(data, engine)
        # Where the process had parsed already, for another folder, its manifest is known and this folder has none.
        if key not in _manifests:
            _manifests[key] = json.loads(path.read_text(encoding="utf-8"))
    return _manifests[key]


def _stamp(manifest: Path, engine: Engine) -> bytes:
    """What the manifest was made from, and its bytes: dbt writes it in place, so a killed run can leave half of it."""
    return f"{_version_for(engine)} {hashlib.sha256(manifest.read_bytes()).hexdigest()}".encode()


def parse(data: DataPaths, engine: Engine = ON_DUCKDB) -> Any:
    """dbt's parsed project, once per process. Raises ResultattavlaError where the models do not parse."""
    key = _version_for(engine)
    if key not in _parsed:
        target = _target(data, engine)
        target.mkdir(parents=True, exist_ok=True)
        path = target / "manifest.json"
        manifest = _kept(key, path, engine)
        if manifest is None:
            result = _invoke(["parse"], data, None, None, engine)
            if not result.success:
                raise machine_error(result.exception, data.root) or _not_understood("tolkas", result.exception)
            manifest = result.result
            _keep(key, target, engine)
        with replacing(target / _STAMP) as part:
            part.write_bytes(_stamp(path, engine))
        _manifests[key] = json.loads(path.read_text(encoding="utf-8"))
        _parsed[key] = manifest
    return _parsed[key]


def get_ready(data: DataPaths, engine: Engine = ON_DUCKDB) -> None:
    """Load and parse what the first build needs. Raises what `parse` raises."""
    with much_loaded():
        import dbt.task.build  # noqa: F401

        parse(data, engine)


def _parsed_by(engine: Engine) -> Path:
    return PARSED.with_name(f"{PARSED.name}_spark") if engine.is_spark else PARSED


def _kept(key: str, path: Path, engine: Engine = ON_DUCKDB) -> Any:
    """What a run of this checkout parsed before, its JSON copied to `path`; None where it is gone or not whole."""
    place = _parsed_by(engine)
    try:
        content = {name: (place / name).read_bytes() for name in _PARSED_FILES}
        told = (place / "whole").read_text(encoding="utf-8")
    except OSError:
        return None
    if told != _whole(key, content):
        return None
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    parsed, manifest_json = content.values()
    manifest = Manifest.from_msgpack(parsed, decoder=extended_mashumuro_decoder)
    manifest.build_parent_and_child_maps()
    manifest.build_group_map()
    manifest.build_flat_graph()
    with replacing(path) as part:
        part.write_bytes(manifest_json)
    return manifest


def _keep(key: str, parsed: Path, engine: Engine = ON_DUCKDB) -> None:
    """Keep what dbt parsed into a folder for the next run of this checkout, where it may be written to."""
    place = _parsed_by(engine)
    with suppress(OSError):
        content = {name: (parsed / name).read_bytes() for name in _PARSED_FILES}
        place.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as name:
            new, old = Path(name) / "new", Path(name) / "old"
            new.mkdir()
            for file, found in content.items():
                (new / file).write_bytes(found)
            (new / "whole").write_text(_whole(key, content), encoding="utf-8")
            if place.exists():
                os.replace(place, old)
            os.replace(new, place)


def _whole(key: str, content: dict[str, bytes]) -> str:
    return " ".join([key, *(hashlib.sha256(found).hexdigest() for found in content.values())])


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
        _start_anew(data, manifest, engine)

    def on_event(event: Any) -> None:
        if event.info.name == "LogStartLine" and event.data.node_info.resource_type in ("model", "seed"):
            progress(event.data.node_info.node_name)

    # The manifest was written when the project was parsed; writing it again for every build costs a second.
    options = ["--select", *select.split(), "--indirect-selection", "cautious", "--no-write-json"]
    options += ["--exclude-resource-type", "unit_test"]
    with writing(data, months=select == CELLS and not engine.is_spark):
        if not engine.is_spark:
            return _nodes(["build", *options], data, manifest, on_event)
        from dagster_project.engines import spark

        with spark.built_by_spark(data, engine.master, project_manifest(data, engine)):
            nodes = _nodes(["build", *options, "--exclude-resource-type", "test"], data, manifest, on_event, engine)
        if select == RESULTS:
            spark.stop()  # nothing more is asked of it
        # Data tests ask the warehouse, as the gates do: Spark would take a second for each.
        return nodes + _nodes(["test", *options], data, parse(data))


def _nodes(
    arguments: list[str],
    data: DataPaths,
    manifest: Any,
    on_event: Callable | None = None,
    engine: Engine = ON_DUCKDB,
) -> list[NodeResult]:
    """What dbt came to for each node. Raises ResultattavlaError when anything failed."""
    result = _invoke(arguments, data, manifest, on_event, engine)
    if result.exception is not None:
        raise machine_error(result.exception, data.root) or ResultattavlaError(
            f"dbt kunde inte köras: {mask(str(result.exception))}"
        )
    nodes = [_node_result(r) for r in result.result.results]
    require_success(nodes, data)
    return nodes


def _start_anew(data: DataPaths, manifest: Any, engine: Engine) -> None:
    """Nothing of an older run can get into a result: what its models made goes, but for the monthly sums (KEPT)."""
    require_unlocked(data.warehouse, data.root)
    if data.spark.exists():
        from dagster_project.engines import spark

        spark.start_anew(data)
    if not data.warehouse.exists():
        return
    models = {n.name for n in manifest.nodes.values() if n.resource_type == "model"} - KEPT
    with writing(data), database(data.warehouse, write=True) as connection:
        found = connection.execute(
            "select table_name, table_type from information_schema.tables where table_schema = 'main'"
        ).fetchall()
        for name, kind in found:
            # Spark's tables are views here, seeds and kept sums too: what was the one becomes the other.
            if name in models or kind == "VIEW" or engine.is_spark:
                connection.execute(f'drop {"view" if kind == "VIEW" else "table"} "{name}"')


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
