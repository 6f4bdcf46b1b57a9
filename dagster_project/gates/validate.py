"""Great Expectations: run the suites of one gate over a DuckDB file and report plain outcomes.

The only module that runs it. Importing it takes about 8 s, so it is imported inside functions only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dagster_project.catalogue.vocabulary import DRIFT, TIERS
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.imports import hidden, load_when_used, much_loaded
from dagster_project.core.swedish import few
from dagster_project.engines.duckdb import SQLALCHEMY_OPTIONS, restrain_engine, sqlalchemy_url
from dagster_project.gates.findings import Findings
from dagster_project.gates.outcomes import Outcome
from dagster_project.gates.parameters import Values, filled, limit_of, numbers
from dagster_project.gates.parts import ROWS, Kept
from dagster_project.gates.suites import Suite, SuiteError, suites_for
from dagster_project.runs.log import step

# Without partial lists Great Expectations neither asks for nor keeps the values of failing rows.
RESULT_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": 0}
# Asked of every table, and part of no suite: a query does not tell how many rows it looked at.
ROW_COUNT: dict[str, Any] = {
    "type": ROWS,
    "kwargs": {"min_value": 0},
    "id": "rows",
}


class ExpectationError(ResultattavlaError):
    """An expectation could not be evaluated, so it neither passed nor failed; names suite, source and expectation."""


def run_suites(
    database: Path,
    gate: str,
    tables: Mapping[str, str],
    root: Path,
    parameters: Mapping[str, Values],
    found: Findings | None = None,
    undelivered: Collection[str] = (),
    progress: Callable[[str], None] = lambda source: None,
    kept: Kept | None = None,
) -> list[Outcome]:
    """Validate the tables of one gate, pushed down to DuckDB, and return one Outcome per expectation and source.

    database    DuckDB file; opened read-only and released before returning
    tables      source -> table or view in that file
    root        folder that holds ``<gate>/<source>.json``
    parameters  source -> the parameters of its suites (`parameters.suite_parameters`)
    found       collects what data docs show, when given (counts only, never values of rows)
    undelivered sources that were never delivered: of them only that is said
    progress    is told each source as its turn comes
    kept        what was found of the tables before, and what changed of them since, when the gate goes on from that

    Raises SuiteError for an unusable suite file or a parameter that is not there, and ExpectationError when an
    expectation could not be evaluated.
    """
    if gate not in TIERS:
        raise SuiteError(f"{gate!r} är ingen grind ({', '.join(TIERS)})")
    trials = [
        trial
        for source in tables
        for trial in _trials(root, gate, source, tables[source], parameters[source], source not in undelivered)
    ]
    if kept is not None:
        with step(f"gate_{gate}", part="changed"):
            kept.prepare({t.source: (t.relation, t.expectations) for t in trials})
    with step(f"gate_{gate}", part="import"):
        gx = import_gx()
    outcomes: list[Outcome] = []
    whole = _Judge(gx, database, gate)
    parts = [_Judge(gx, path, gate) for path in (kept.now, kept.before)] if kept and kept.rows else []
    try:
        for trial in trials:
            progress(trial.source)
            with step(f"gate_{gate}", trial.source) as told:
                results = _results(trial, whole, parts, kept)
                told.rows = rows = int(results[ROW_COUNT["id"]]["result"]["observed_value"])
            for suite in trial.suites:
                of_suite = [results[_id(suite, e)] for e in suite.expectations]
                outcomes += [
                    replace(_outcome(gate, suite.name, trial.source, result, rows), limit=limit_of(e, trial.parameters))
                    for e, result in zip(suite.expectations, of_suite, strict=True)
                ]
                if found is not None:
                    found.add(gate, trial.source, suite, trial.relation, of_suite)
    finally:
        for judge in (whole, *parts):
            judge.close()
        if kept is not None:
            kept.close()
    return outcomes


@dataclass(frozen=True)
class _Trial:
    """The suites that judge one table of a source, validated together: each of them alone would scan the table anew."""

    source: str
    relation: str
    suites: list[Suite]
    parameters: Values
    expectations: list[dict[str, Any]]

    def where(self, *suites: Suite) -> str:
        return f"{', '.join(s.name for s in suites or self.suites)} för {self.source} ({self.relation})"


def _trials(root: Path, gate: str, source: str, table: str, parameters: Values, delivered: bool) -> list[_Trial]:
    """The tables that a gate judges of a source; expectations with their parameters filled in, and the row count."""
    by_relation: dict[str, list[Suite]] = {}
    for suite in suites_for(root, gate, source):
        if delivered or suite.undelivered:
            by_relation.setdefault(suite.relation(source, table), []).append(suite)
    trials = []
    for relation, suites in by_relation.items():
        asked = [{**e, "id": _id(suite, e)} for suite in suites for e in filled(suite, source, parameters)]
        trials.append(_Trial(source, relation, suites, parameters, [*asked, ROW_COUNT]))
    return trials


def _id(suite: Suite, expectation: Mapping[str, Any]) -> str:
    """What an expectation is known by among those of its source."""
    return f"{suite.name} {expectation['meta']['id']}"


@dataclass
class _Judge:
    """Great Expectations on one DuckDB file, which is opened when it is first asked."""

    gx: Any
    database: Path
    gate: str
    datasource: Any = None
    batches: dict[str, Any] = field(default_factory=dict)

    def open(self) -> None:
        context = self.gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        try:
            # The name is part of what results say of their batch.
            self.datasource = context.data_sources.add_sql(
                "duckdb", connection_string=sqlalchemy_url(self.database), kwargs=SQLALCHEMY_OPTIONS
            )
            restrain_engine(self.datasource.get_engine())
        except Exception as error:
            told = f"{self.database}: kan inte öppnas för grinden {self.gate}: {_first_line(error)}"
            raise ExpectationError(told) from error

    def close(self) -> None:
        """A connection left open would stop the next writer of the same process."""
        if self.datasource is not None:
            self.datasource.get_execution_engine().close()
            self.datasource.get_engine().dispose()

    def results(self, trial: _Trial, expectations: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """The results of these expectations of a table by their ids (`_id`)."""
        if self.datasource is None:
            self.open()
        try:
            if trial.relation not in self.batches:
                asset = self.datasource.add_table_asset(trial.relation, table_name=trial.relation)
                self.batches[trial.relation] = asset.add_batch_definition_whole_table("whole").get_batch()
            validation = self.batches[trial.relation].validate(
                self.gx.ExpectationSuite(name=trial.relation, expectations=expectations),
                result_format=RESULT_FORMAT,
                expectation_parameters=numbers(trial.parameters),
            )
        except Exception as error:
            raise ExpectationError(f"{trial.where()}: kan inte prövas: {_first_line(error)}") from error
        results = {
            result["expectation_config"]["id"]: _with_few_persons(result, trial.parameters)
            for result in validation.to_json_dict()["results"]
        }
        ids = {asked["id"] for asked in expectations}
        for suite in trial.suites:
            for e in suite.expectations:
                if _id(suite, e) in ids:
                    _require_measured(results.get(_id(suite, e)), f"{trial.where(suite)}: {e['meta']['id']}")
        if ROW_COUNT["id"] in ids:
            _require_measured(results.get(ROW_COUNT["id"]), f"{trial.where()}: antalet rader")
        return results


def _results(trial: _Trial, whole: _Judge, parts: Sequence[_Judge], kept: Kept | None) -> dict[str, dict[str, Any]]:
    """The results of one table by the expectations' ids (`_id`), complete."""
    results: dict[str, dict[str, Any]] = {}
    same = kept.same(trial.source, trial.expectations) if kept is not None else []
    if kept is not None and same:
        results = kept.sum(trial.source, same, *(part.results(trial, same) for part in parts))
    other = [e for e in trial.expectations if e["id"] not in results]
    if other:
        results |= whole.results(trial, other)
    if kept is not None:
        kept.note(trial.source, trial.expectations, results)
    return results


def _with_few_persons(result: dict[str, Any], parameters: Values) -> dict[str, Any]:
    """A result as it is kept: a number of persons that is small is only said to be few, here and nowhere else."""
    observed = (result.get("result") or {}).get("observed_value")
    counts_persons = (result["expectation_config"].get("meta") or {}).get("persons")
    if not counts_persons or not isinstance(observed, int | float):
        return result
    limit = numbers(parameters)["suppression_limit"]
    if not 1 <= observed < limit:
        return result
    return {**result, "result": {**result["result"], "observed_value": few(int(limit))}}


def import_gx() -> Any:
    """Import Great Expectations with its usage reporting off (it is read at import).

    scipy and altair, a third of what it loads, serve expectations about distributions only. Where Spark is installed it
    would load that too, which no gate asks (one part of it ends the process where no file was started).
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    for module in ("scipy.stats", "altair"):
        load_when_used(module)
    with hidden("pyspark"), much_loaded():
        import great_expectations as gx

    return gx


def _require_measured(result: Mapping[str, Any] | None, what: str) -> None:
    """Raise ExpectationError for a result that is missing, ended in an exception or measured nothing."""
    if result is None:
        raise ExpectationError(f"{what} gav inget resultat")
    message = exception_of(result)
    if message is not None:
        raise ExpectationError(f"{what} kunde inte prövas: {message}")
    if not result.get("result"):
        raise ExpectationError(f"{what} kunde inte prövas: resultatet är tomt")


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


def _outcome(gate: str, suite: str, source: str, result: Mapping[str, Any], rows: int) -> Outcome:
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
        marks=bool(config["meta"].get("marks", gate != DRIFT)),
    )
