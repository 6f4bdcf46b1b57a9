"""Great Expectations: run the reviewable suites of one gate over a DuckDB file and report plain outcomes.

Suites are JSON files in Great Expectations' own format (``ExpectationSuite``), one folder per gate:

``expectations/leverans/``  gate 1, the accepted rows of each source
``expectations/staging/``   gate 2, the staged tables
``expectations/resultat/``  gate 3, the results before they are published

``<gate>/_alla.json`` holds what every source of the gate must meet; ``<gate>/<source>.json`` what only that source
must meet. Both apply, each under its own name (``leverans/_alla``, ``leverans/kva``). Nothing is merged or overridden,
so an expectation is known by (suite, expectation, source), which is what a waiver names. Beside Great Expectations' own
fields a file says, in ``meta``:

``tabell``      the relation that the suite reads, with ``{source}`` filled in; without it the caller's table
``parametrar``  defaults of the suite parameters (``$PARAMETER``) that its expectations use; the caller's values win.
                In SQL, where Great Expectations takes none, a number is written ``$name``

and in the ``meta`` of each expectation: ``id`` (stable), ``titel``, ``betydelse``, ``atgard`` (Swedish, for stewards).
An expectation must measure something: the kinds with an empty result (``expect_column_to_exist``) are refused, because
an empty result is also what a lost one looks like.

Great Expectations takes about 8 s to import, so it is imported inside functions only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from dagster_project.core.errors import ResultattavlaError

if TYPE_CHECKING:
    from dagster_project.products.data_docs.pages import DocsCollector

GATES = ("leverans", "staging", "resultat")
SEVERITIES = ("critical", "warning", "info")
MILDER = {"critical": "warning", "warning": "info", "info": "info"}
"""What a waived failure counts as: never nothing, so that it stays in sight."""
SHARED_SUITE = "_alla"

# Without partial lists Great Expectations neither asks for nor keeps the values of failing rows.
RESULT_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": 0}

# duckdb-sqlalchemy needs these: otherwise results are lost and expectations fail without a reason.
ENGINE_OPTIONS = {
    "isolation_level": "AUTOCOMMIT",
    "skip_autocommit_rollback": True,
    "pool_reset_on_return": None,
    "connect_args": {"read_only": True},
}

META_TEXTS = ("id", "titel", "betydelse", "atgard")


class SuiteError(ResultattavlaError):
    """A suite file that cannot be used: the message names the file and what is wrong with it."""


class ExpectationError(ResultattavlaError):
    """An expectation could not be evaluated, so it neither passed nor failed; names suite, source and expectation."""


@dataclass(frozen=True)
class Outcome:
    """What one expectation found in one table.

    ``checked`` and ``unexpected`` are rows (groups of rows where the expectation counts groups), ``share`` is
    unexpected/checked (0-1, None when nothing was checked); ``observed`` is the measured value of an expectation about
    one number (largest age, row count). All four are None where the expectation has no such figure. ``undantag`` is the
    text of the waiver that covers the failure (see ``waivers``).
    """

    gate: str
    suite: str
    source: str
    expectation: str
    severity: str
    success: bool
    checked: int | None
    unexpected: int | None
    share: float | None
    observed: str | None
    titel: str
    betydelse: str
    atgard: str
    undantag: str | None = None

    @property
    def consequence(self) -> str:
        """What a failure counts as: its severity, or one step milder when it is waived."""
        return self.severity if self.undantag is None else MILDER[self.severity]


@dataclass(frozen=True)
class Suite:
    """One suite file, checked: its name (``<gate>/<file stem>``), relation, parameter defaults and GX document."""

    name: str
    titel: str
    table: str | None
    parameters: Mapping[str, Any]
    document: Mapping[str, Any]

    @property
    def expectations(self) -> list[dict[str, Any]]:
        """The expectations as Great Expectations' own dictionaries (type, kwargs, severity, meta)."""
        return list(self.document["expectations"])

    def relation(self, source: str, default: str) -> str:
        """The table or view that the suite reads for `source`."""
        return self.table.replace("{source}", source) if self.table else default


def load_suite(path: Path) -> Suite:
    """Read and check one suite file (see the module's docstring for the format).

    Raises SuiteError, naming the file, when it is not JSON, its name does not match its place, it has no expectations,
    or an expectation lacks a severity, an id of its own or one of the Swedish texts.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SuiteError(f"{path}: kan inte läsas som JSON ({error})") from error
    name = f"{path.parent.name}/{path.stem}"
    if not isinstance(document, dict) or document.get("name") != name:
        raise SuiteError(f"{path}: svitens name ska vara {name!r}")
    meta = document.get("meta") or {}
    if not meta.get("titel"):
        raise SuiteError(f"{path}: meta.titel saknas")
    expectations = document.get("expectations") or []
    if not expectations:
        raise SuiteError(f"{path}: en svit utan förväntningar skulle alltid godkännas")
    seen: set[str] = set()
    for number, expectation in enumerate(expectations, start=1):
        texts = expectation.get("meta") or {}
        missing = [key for key in META_TEXTS if not texts.get(key)]
        if missing:
            raise SuiteError(f"{path}: förväntan {texts.get('id') or number}: meta saknar {', '.join(missing)}")
        if texts["id"] in seen:
            raise SuiteError(f"{path}: två förväntningar har id {texts['id']!r}")
        seen.add(texts["id"])
        if expectation.get("severity") not in SEVERITIES:
            raise SuiteError(f"{path}: förväntan {texts['id']}: severity ska vara en av {', '.join(SEVERITIES)}")
    return Suite(name, meta["titel"], meta.get("tabell"), dict(meta.get("parametrar") or {}), document)


def suites_for(root: Path, gate: str, source: str) -> list[Suite]:
    """The suites that apply to `source` at `gate`: the shared one first, then its own; `root` holds the gate folders.

    Raises SuiteError when there is none: a table that nothing is expected of must not pass a gate.
    """
    paths = [root / gate / f"{stem}.json" for stem in (SHARED_SUITE, source)]
    suites = [load_suite(path) for path in paths if path.exists()]
    if not suites:
        raise SuiteError(f"{root / gate}: det finns ingen svit för {source}")
    return suites


def matt_view_sql(source: str) -> str:
    """SQL that creates the view ``matt_<source>`` (one row) over the table ``matt``, which ``leverans/_alla`` reads.

    ``matt`` has one row per source: source, deliveries, rows_current, rows_current_before, age_days, rows_read_newest,
    rows_quarantined_newest, quarantined_share_newest (0-1), ledger_difference, units_unknown, keys_duplicate. The view
    adds ``current_change_share``: the change of current rows since the release before (-0.05 = five percent fewer;
    0 where there was none before).
    """
    return (
        f'create or replace view "matt_{source}" as select *, '
        "coalesce((rows_current - rows_current_before) / nullif(cast(rows_current_before as double), 0), 0) "
        f"as current_change_share from matt where source = '{source}'"
    )


def run_suites(
    database: Path,
    gate: str,
    tables: Mapping[str, str],
    root: Path,
    docs: DocsCollector | None = None,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Outcome]:
    """Validate the tables of one gate, pushed down to DuckDB, and return one Outcome per expectation and source.

    database    DuckDB file; opened read-only and released before returning
    tables      source -> table or view in that file
    root        folder that holds ``<gate>/<source>.json``
    docs        collects what the data docs show, when given (counts only, never values of rows)
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
            "duckdb", connection_string=f"duckdb:///{database}", kwargs=ENGINE_OPTIONS
        )
    except Exception as error:
        raise ExpectationError(f"{database}: kan inte öppnas för grinden {gate}: {_first_line(error)}") from error
    outcomes: list[Outcome] = []
    try:
        batches: dict[str, Any] = {}
        for source, suites in planned.items():
            outcomes += _validate_source(gx, datasource, batches, gate, source, tables[source], suites, given, docs)
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
    docs: DocsCollector | None,
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
        if docs is not None:
            docs.add(gate, source, suite, relation, results)
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
