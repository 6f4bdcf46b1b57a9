"""The suites: reviewable JSON files in Great Expectations' own format (``ExpectationSuite``), one folder per gate.

``expectations/delivery/``  gate 1, the accepted rows of each source
``expectations/staging/``   gate 2, the staged tables
``expectations/results/``   gate 3, the results before they are published

``<gate>/_all.json`` holds what every source of the gate must meet; ``<gate>/<source>.json`` what only that source
must meet. Both apply, each under its own name (``delivery/_all``, ``delivery/kva``). Nothing is merged or overridden,
so an expectation is known by (suite, expectation, source), which is what a waiver names. Beside Great Expectations' own
fields a file says, in ``meta``:

``titel``       Swedish, for stewards
``table``       the relation that the suite reads, with ``{source}`` filled in; without it the caller's table
``parameters``  defaults of the suite parameters (``$PARAMETER``) that its expectations use; the caller's values win.
                In SQL, where Great Expectations takes none, a number is written ``$name``

and in the ``meta`` of each expectation: ``id`` (stable), ``titel``, ``betydelse``, ``atgard`` (Swedish, for stewards).
An expectation must measure something: the kinds with an empty result (``expect_column_to_exist``) are refused, because
an empty result is also what a lost one looks like.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.vocabulary import DELIVERY, RESULTS, SEVERITIES, STAGING
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import PROJECT

SUITES = PROJECT / "expectations"
SHARED_SUITE = "_all"
RESULT_TABLE = "indicator_result"
RESULT_TABLES = {RESULT_TABLE: RESULT_TABLE, "register_population": "closed_units"}
"""What the results gate reads: the results, and what a source's steward should know of them."""
META_TEXTS = ("id", "titel", "betydelse", "atgard")


class SuiteError(ResultattavlaError):
    """A suite file that cannot be used: the message names the file and what is wrong with it."""


def gate_tables() -> dict[str, dict[str, str]]:
    """What each gate judges: gate -> source -> table."""
    return {
        DELIVERY: {source: f"rows_{source}" for source in load_contracts()},
        STAGING: {source: f"stg_{source}" for source in load_contracts()},
        RESULTS: RESULT_TABLES,
    }


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
    return Suite(name, meta["titel"], meta.get("table"), dict(meta.get("parameters") or {}), document)


def suites_for(root: Path, gate: str, source: str) -> list[Suite]:
    """The suites that apply to `source` at `gate`: the shared one first, then its own; `root` holds the gate folders.

    Raises SuiteError when there is none: a table that nothing is expected of must not pass a gate.
    """
    paths = [root / gate / f"{stem}.json" for stem in (SHARED_SUITE, source)]
    suites = [load_suite(path) for path in paths if path.exists()]
    if not suites:
        raise SuiteError(f"{root / gate}: det finns ingen svit för {source}")
    return suites


def suite_titles(suite: str) -> dict[tuple[str, str], str]:
    """Titles of a suite's expectations as its file has them today: (suite, id) -> title; empty where it is gone."""
    path = SUITES / f"{suite}.json"
    return (
        {(suite, e["meta"]["id"]): e["meta"]["titel"] for e in load_suite(path).expectations} if path.exists() else {}
    )
