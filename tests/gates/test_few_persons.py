"""A number of persons that is small is told as few by everything that tells what a gate measured."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

import duckdb
import pytest

from dagster_project.catalogue.vocabulary import RESULTS
from dagster_project.cli.summary import failed_checks
from dagster_project.core.paths import DataPaths
from dagster_project.defs.quality import _observed, _record
from dagster_project.gates.findings import Findings
from dagster_project.gates.outcomes import Outcome, outcome_frame
from dagster_project.gates.suites import SUITES, SuiteError, load_suite
from dagster_project.gates.validate import run_suites
from dagster_project.products.data_docs.pages import build_data_docs
from dagster_project.products.steward_page.page import write_page
from dagster_project.runs.history import RunRecord
from tests.gates import expectation_samples as samples

PERSONS = {
    (suite.name, e["meta"]["id"])
    for path in SUITES.glob("*/*.json")
    for suite in [load_suite(path)]
    for e in suite.expectations
    if e["meta"].get("persons")
}


def measured(folder: Path, persons: int) -> tuple[Outcome, Findings]:
    """What the gate finds where so many persons belong to a closed unit."""
    database, found = folder / "few.duckdb", Findings()
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"create table closed_units as select {persons} as antal")
    tables = {"register_population": "closed_units"}
    (outcome,) = run_suites(database, RESULTS, tables, SUITES, samples.parameters(RESULTS), found)
    return outcome, found


def told(folder: Path, outcome: Outcome, found: Findings) -> dict[str, str]:
    """By product what it says of the measured value."""
    data = DataPaths(folder / "data")
    record = RunRecord("2022-09-03T04:00:00+00:00", 0, "x", "2022-09-02", None, checks=(outcome.record(),))
    page = write_page(data, [record], [outcome], []).read_text(encoding="utf-8")
    found.tell([outcome])
    pages = build_data_docs(found.results, folder / "docs")
    docs = " ".join(re.sub(r"<(style|script).*?</\1>", "", p.read_text(encoding="utf-8"), flags=re.S) for p in pages)
    return {
        "run folder": json.dumps([found.as_list()[0]["results"][0]["result"], outcome_frame([outcome]).to_dicts()]),
        "history, notification, change list": json.dumps(asdict(outcome.record())),
        "summary": " ".join(failed_checks([outcome])),
        "Dagster, table": json.dumps(dict(_record(outcome).data), ensure_ascii=False),
        "Dagster, trend": json.dumps(_observed([outcome])),
        "steward's page": page,
        "data docs": re.sub(r"<[^>]+>", " ", docs),
    }


def test_persons_are_counted_by_what_says_so() -> None:
    assert {("results/register_population", "antal_vid_stangd_enhet")} == PERSONS


def test_few_persons_are_only_said_to_be_few(tmp_path: Path) -> None:
    outcome, found = measured(tmp_path, 3)
    assert outcome.observed == "färre än 5"
    products = told(tmp_path, outcome, found)
    # Nothing tells three from two: every product is the same.
    (tmp_path / "two").mkdir()
    assert told(tmp_path / "two", *measured(tmp_path / "two", 2)) == products
    saying = ("summary", "Dagster, table", "steward's page", "data docs")
    assert [p for p in saying if "färre än 5" not in products[p]] == []


@pytest.mark.parametrize("persons", [0, 5, 171])
def test_other_numbers_of_persons_are_told(tmp_path: Path, persons: int) -> None:
    assert measured(tmp_path, persons)[0].observed == str(persons)


def test_persons_are_counted_by_one_number_only(tmp_path: Path) -> None:
    document = json.loads((SUITES / "staging" / "register_population.json").read_text(encoding="utf-8"))
    document["expectations"][0]["meta"]["persons"] = True
    path = tmp_path / "staging" / "register_population.json"
    path.parent.mkdir()
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(SuiteError, match="persons gäller bara förväntningar om ett enda tal"):
        load_suite(path)
