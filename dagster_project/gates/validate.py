"""Great Expectations: run the suites of one gate over a DuckDB file and report plain outcomes.

The only module that runs it. Importing it takes about 8 s, so it is imported inside functions only.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from string import Template
from typing import Any

from dagster_project.catalogue.vocabulary import GATES
from dagster_project.core.errors import ResultattavlaError
from dagster_project.engines.duckdb import SQLALCHEMY_OPTIONS, sqlalchemy_url
from dagster_project.gates.findings import Findings
from dagster_project.gates.outcomes import Outcome
from dagster_project.gates.suites import Suite, SuiteError, suites_for

# Without partial lists Great Expectations neither asks for nor keeps the values of failing rows.
RESULT_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": 0}


class ExpectationError(ResultattavlaError):
    """An expectation could not be evaluated, so it neither passed nor failed; names suite, source and expectation."""


def run_suites(
    database: Path,
    gate: str,
    tables: Mapping[str, str],
    root: Path,
    found: Findings | None = None,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Outcome]:
    """Validate the tables of one gate, pushed down to DuckDB, and return one Outcome per expectation and source.

    database    DuckDB file; opened read-only and released before returning
    tables      source -> table or view in that file
    root        folder that holds ``<gate>/<source>.json``
    found       collects what data docs show, when given (counts only, never values of rows)
    parameters  source -> suite parameters (``"*"``: for every source); dates are given as date or ISO text

    Raises SuiteError for an unusable suite file and ExpectationError when an expectation could not be evaluated.
    """
    if gate not in GATES:
        raise SuiteError(f"{gate!r} är ingen grind ({', '.join(GATES)})")
    planned = {source: suites_for(root, gate, source) for source in tables}
    given = parameters or {}
    gx = import_gx()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    try:
        datasource = context.data_sources.add_sql(
            "duckdb", connection_string=sqlalchemy_url(database), kwargs=SQLALCHEMY_OPTIONS
        )
    except Exception as error:
        raise ExpectationError(f"{database}: kan inte öppnas för grinden {gate}: {_first_line(error)}") from error
    outcomes: list[Outcome] = []
    try:
        batches: dict[str, Any] = {}
        for source, suites in planned.items():
            outcomes += _validate_source(gx, datasource, batches, gate, source, tables[source], suites, given, found)
    finally:
        # A connection left open would stop the next writer of the same process.
        datasource.get_execution_engine().close()
        datasource.get_engine().dispose()
    return outcomes


def _validate_source(
    gx: Any,
    datasource: Any,
    batches: dict[str, Any],
    gate: str,
    source: str,
    table: str,
    suites: Iterable[Suite],
    parameters: Mapping[str, Mapping[str, Any]],
    found: Findings | None,
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for suite in suites:
        relation = suite.relation(source, table)
        values = {**suite.parameters, **parameters.get("*", {}), **parameters.get(source, {})}
        values = {key: value.isoformat() if isinstance(value, date) else value for key, value in values.items()}
        where = f"{suite.name} för {source} ({relation})"
        try:
            if relation not in batches:
                asset = datasource.add_table_asset(relation, table_name=relation)
                batches[relation] = asset.add_batch_definition_whole_table("whole").get_batch()
            validation = batches[relation].validate(
                gx.ExpectationSuite(name=suite.name, expectations=_with_numbers(suite.expectations, values)),
                result_format=RESULT_FORMAT,
                expectation_parameters=values,
            )
        except Exception as error:
            raise ExpectationError(f"{where}: kan inte prövas: {_first_line(error)}") from error
        results = _in_suite_order(suite, validation.to_json_dict()["results"], where)
        rows = _row_count(results)
        outcomes += [_outcome(gate, suite.name, source, result, rows) for result in results]
        if found is not None:
            found.add(gate, source, suite, relation, results)
    return outcomes


def _with_numbers(expectations: Iterable[dict[str, Any]], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The expectations with ``$name`` in their SQL replaced; raises KeyError for a name that is no given number."""
    numbers = {key: value for key, value in values.items() if isinstance(value, int | float)}
    filled = []
    for expectation in expectations:
        query = expectation["kwargs"].get("unexpected_rows_query")
        if query is not None:
            kwargs = {**expectation["kwargs"], "unexpected_rows_query": Template(query).substitute(numbers)}
            expectation = {**expectation, "kwargs": kwargs}
        filled.append(expectation)
    return filled


def import_gx() -> Any:
    """Import Great Expectations with its usage reporting off (it is read at import)."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx

    return gx


def _in_suite_order(suite: Suite, results: list[dict[str, Any]], where: str) -> list[dict[str, Any]]:
    """The results in the file's order; raises ExpectationError for one that is missing or ended in an exception."""
    by_id = {result["expectation_config"]["meta"]["id"]: result for result in results}
    ordered = []
    for expectation in suite.expectations:
        name = expectation["meta"]["id"]
        result = by_id.get(name)
        if result is None:
            raise ExpectationError(f"{where}: {name} gav inget resultat")
        message = exception_of(result)
        if message is not None:
            raise ExpectationError(f"{where}: {name} kunde inte prövas: {message}")
        if not result.get("result"):
            raise ExpectationError(f"{where}: {name} kunde inte prövas: resultatet är tomt")
        ordered.append(result)
    return ordered


def exception_of(result: Mapping[str, Any]) -> str | None:
    """The exception behind a result, or None.

    Great Expectations reports it as one dictionary, or as one dictionary per metric under the metric's name.
    """
    info = result.get("exception_info") or {}
    shapes = [info] if "raised_exception" in info else list(info.values())
    for shape in shapes:
        if not isinstance(shape, Mapping) or shape.get("raised_exception", True):
            message = shape.get("exception_message") if isinstance(shape, Mapping) else None
            return _first_line(message or shape)
    return None


def _first_line(error: object) -> str:
    text = str(error).strip()
    return (text.splitlines()[0] if text else type(error).__name__)[:300]


def _row_count(results: Iterable[Mapping[str, Any]]) -> int | None:
    """Rows of the validated table, where any expectation of the suite counted them."""
    for result in results:
        if "element_count" in result["result"]:
            return int(result["result"]["element_count"])
        if result["expectation_config"]["type"] == "expect_table_row_count_to_be_between":
            return int(result["result"]["observed_value"])
    return None


def _outcome(gate: str, suite: str, source: str, result: Mapping[str, Any], rows: int | None) -> Outcome:
    config, found = result["expectation_config"], result["result"]
    checked = unexpected = observed = None
    if "unexpected_count" in found:
        # Sums over an empty table are NULL.
        checked = int(found["element_count"]) - int(found.get("missing_count") or 0)
        unexpected = int(found["unexpected_count"] or 0)
    elif config["type"] == "unexpected_rows_expectation":
        checked, unexpected = rows, int(found["observed_value"])
    elif found.get("observed_value") is not None:
        observed = str(found["observed_value"])
    return Outcome(
        gate=gate,
        suite=suite,
        source=source,
        expectation=config["meta"]["id"],
        severity=config["severity"],
        success=bool(result["success"]),
        checked=checked,
        unexpected=unexpected,
        share=unexpected / checked if checked and unexpected is not None else None,
        observed=observed,
        titel=config["meta"]["titel"],
        betydelse=config["meta"]["betydelse"],
        atgard=config["meta"]["atgard"],
    )
