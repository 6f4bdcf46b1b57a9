"""The names of what failed: an expectation whose suite says how (`meta.names`) tells more than a number.

Great Expectations counts only; what its failing rows are called is asked of the same query afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from dagster_project.catalogue.vocabulary import DRIFT, WARNING
from dagster_project.engines.duckdb import database
from dagster_project.gates.outcomes import Outcome
from dagster_project.gates.parameters import SQL_KWARG, Values, filled
from dagster_project.gates.suites import SUITES, gate_tables, suites_for
from dagster_project.runs.folder import PARTIAL_MONTHS_SCHEMA

NAMES_SHOWN = 20
"""More of one expectation are told by their number."""
_LINE = re.compile(r"(?P<file>.+) rad (?P<line>[1-9][0-9]*)")


def with_names(path: Path, outcomes: Sequence[Outcome], parameters: Mapping[str, Values]) -> list[Outcome]:
    """Outcomes whose failures are named where their suite says by which column; `observed` holds the names.

    path: the DuckDB file that was judged, no longer open for it. parameters: as they were given to the suites.
    """
    named = []
    with database(path) as connection:
        for o in outcomes:
            column, query = _asked(o, parameters) if not o.success else (None, "")
            if column is not None:
                found = connection.execute(
                    f"select distinct cast({column} as varchar) from ({query}) as failing order by 1"
                ).fetchall()
                o = replace(o, observed=listed([name for (name,) in found if name is not None]))
            named.append(o)
    return named


def partial_months(path: Path, outcomes: Sequence[Outcome], parameters: Mapping[str, Values]) -> pl.DataFrame:
    """Months that a source's rows are not all there for: PARTIAL_MONTHS_SCHEMA, one row each.

    They are what warnings of the tier drift that mark indicators name; a waived one, a note, makes no month partial.
    """
    rows: set[tuple[str, str, date]] = set()
    with database(path) as connection:
        for o in outcomes:
            if not o.success and o.gate == DRIFT and o.marks and o.consequence == WARNING:
                _, query = _asked(o, parameters)
                found = connection.execute(f"select verksamhet, month from ({query}) as failing").fetchall()
                rows |= {(o.source, verksamhet, month) for verksamhet, month in found}
    return pl.DataFrame(sorted(rows), schema=PARTIAL_MONTHS_SCHEMA, orient="row")


def _asked(outcome: Outcome, parameters: Mapping[str, Values]) -> tuple[str | None, str]:
    """The column that names an outcome's failures (None where it has none) and its query, ready to be asked."""
    table = gate_tables()[outcome.gate][outcome.source]
    suite = next(s for s in suites_for(SUITES, outcome.gate, outcome.source) if s.name == outcome.suite)
    asked: Iterable[dict[str, Any]] = filled(suite, outcome.source, parameters[outcome.source])
    expectation = next(e for e in asked if e["meta"]["id"] == outcome.expectation)
    column = expectation["meta"].get("names")
    query = expectation["kwargs"].get(SQL_KWARG, "").replace("{batch}", suite.relation(outcome.source, table))
    return column, query


def listed(names: Sequence[str]) -> str:
    """At most NAMES_SHOWN names; lines of one file together: `a.csv rad 4, 7; b.csv rad 2`."""
    at_lines = {name: _LINE.fullmatch(name) for name in names}
    lines = {name: (found["file"], int(found["line"])) for name, found in at_lines.items() if found}
    shown: dict[str, list[str]] = {}
    for name in sorted(names, key=lambda name: lines.get(name, (name, 0)))[:NAMES_SHOWN]:
        file, line = lines.get(name, (name, 0))
        shown.setdefault(file, []).extend([str(line)] if line else [])
    text = "; ".join(f"{file} rad {', '.join(numbers)}" if numbers else file for file, numbers in shown.items())
    return text if len(names) <= NAMES_SHOWN else f"{text}; och {len(names) - NAMES_SHOWN} till"
