"""Parameters: what suites are told instead of having it typed, and SQL that reads alike on every engine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict

import pytest
import sqlglot
from sqlglot import exp

from dagster_project.catalogue import vocabulary
from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.organisation import verksamhet_codes
from dagster_project.catalogue.vocabulary import OPERATORS, STAGING, TIERS
from dagster_project.gates import parameters as parameters_module
from dagster_project.gates.parameters import SQL_KWARG, Sql, filled, numbers, suite_parameters
from dagster_project.gates.suites import SUITES, Suite, SuiteError, event_day, gate_tables, load_suite, suites_for
from dagster_project.runs.parameters import Parameters
from tests.gates import expectation_samples as samples

ALL_SUITES = [load_suite(path) for path in sorted(SUITES.glob("*/*.json"))]


def _queries() -> Iterator[tuple[str, str, str]]:
    """(suite and source, expectation, query as an engine gets it): every suite for every source that it applies to."""
    for gate in TIERS:
        for source, values in samples.parameters(gate).items():
            for suite in suites_for(SUITES, gate, source):
                for expectation in filled(suite, source, values):
                    if SQL_KWARG in expectation["kwargs"]:
                        query = expectation["kwargs"][SQL_KWARG].replace("{batch}", "batch")
                        yield f"{suite.name} {source}", expectation["meta"]["id"], query


QUERIES = list(_queries())
DATES = {c.name for contract in load_contracts().values() for c in contract.columns if c.type in ("date", "month")}


CALL = re.compile(r"(\w+)\(")


def _faults(query: str) -> list[str]:
    """Why DuckDB and Spark would not read a query alike."""
    on_duckdb, on_spark = (sqlglot.parse_one(query, read=dialect) for dialect in ("duckdb", "spark"))
    spark, back = on_duckdb.sql("spark"), on_spark.sql("spark")
    faults = [f"unknown function {f.name}" for tree in (on_duckdb, on_spark) for f in tree.find_all(exp.Anonymous)]
    # The same text, read by each engine and written for Spark: a difference is one that the engines have.
    if spark != back:
        faults.append("read differently")
    if sqlglot.parse_one(spark, read="spark").sql("spark") != back:
        faults.append("not read by Spark")
    # sqlglot reads names of other dialects too, and writes the engine's own for them.
    for engine, text in (("duckdb", on_duckdb.sql("duckdb")), ("spark", back)):
        faults += [f"{engine} has no {name}" for name in _calls(query) - _calls(text)]
    faults += [
        "date minus date: a number in one engine, an interval in the other" for _ in _date_differences(on_duckdb)
    ]
    return faults


def _calls(query: str) -> set[str]:
    return {name.lower() for name in CALL.findall(query)}


def _date_differences(tree: exp.Expression) -> list[exp.Sub]:
    def is_date(side: exp.Expression) -> bool:
        return isinstance(side, exp.Column) and side.name in DATES

    return [found for found in tree.find_all(exp.Sub) if is_date(found.this) and is_date(found.expression)]


@pytest.mark.parametrize(("suite", "expectation", "query"), QUERIES, ids=[" ".join(q[:2]) for q in QUERIES])
def test_every_engine_reads_the_queries_alike(suite: str, expectation: str, query: str) -> None:
    assert _faults(query) == []


@pytest.mark.parametrize(
    "query",
    [
        "select 1 from batch where isodow(atgardsdatum) > 5",
        "select 1 from batch having min(hash(person_id)) > 1",
        "select 1 from batch where start_datum - beslut_datum > 1825",
        "select sum(x) over (order by atgardsdatum) from batch",
        "select list_distinct(x) from batch",
        "select last_day(matperiod), epoch_ms(3) from batch",
    ],
)
def test_what_is_one_engines_own_is_found(query: str) -> None:
    assert _faults(query) != []


def test_queries_are_made_of_numbers_contract_and_vocabulary() -> None:
    values = {"limit": 5, "share": 0.5, "key": Sql.word("d'Arc"), "list": Sql.words(["a", "b"])}
    (found,) = filled(
        _suite("select $limit, $share, $key from {batch} where x in $list and y > ${limit}1"), "kva", values
    )
    assert found["kwargs"][SQL_KWARG] == "select 5, 0.5, 'd''Arc' from {batch} where x in ('a', 'b') and y > 51"


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({SQL_KWARG: "select 1 from {batch} where x = $borta"}, "frågar efter borta, som ingen parameter heter"),
        ({SQL_KWARG: "select 1 from {batch} where x = $text"}, r"\$text är varken ett tal eller SQL"),
        ({SQL_KWARG: "select 1 from {batch} where x = $list"}, r"\$list är varken ett tal eller SQL"),
        ({SQL_KWARG: "select 1 from {batch} where x like '5 $'"}, r"har ett \$ som inte följs av"),
        ({"max_value": {"$PARAMETER": "borta"}}, "frågar efter borta, som ingen parameter heter"),
        ({"max_value": {"$PARAMETER": "limit * borta"}}, "frågar efter borta, som ingen parameter heter"),
    ],
)
def test_what_is_no_parameter_is_told_with_its_place(kwargs: dict[str, object], words: str) -> None:
    values = {"limit": 5, "text": "'K' or true", "list": ["K"]}
    with pytest.raises(SuiteError, match=f"^staging/kva för kva: förväntan e1:? {words}") as caught:
        filled(_suite("", **kwargs), "kva", values)
    assert "\n" not in str(caught.value)


def test_arguments_are_values_and_expressions_are_left_to_be_computed() -> None:
    values = {"limit": 5, "column": "enhet", "words": ["a", "b"], "day": samples.AS_OF}
    asked = {name: {"$PARAMETER": name} for name in values}
    (found,) = filled(_suite("", **asked, twice={"$PARAMETER": "limit * 2"}, plain=3), "kva", values)
    assert found["kwargs"] == {**values, "twice": {"$PARAMETER": "limit * 2"}, "plain": 3}
    assert numbers(values) == {"limit": 5}


def _suite(query: str, **kwargs: object) -> Suite:
    texts = {"id": "e1", "titel": "T", "betydelse": "B", "atgard": "Å", "measured": {"one": "rad", "many": "rader"}}
    body = kwargs or {SQL_KWARG: query}
    expectation = {"type": "t", "severity": "info", "kwargs": body, "meta": texts}
    return Suite("staging/kva", "Provsvit", None, {"expectations": [expectation]})


def test_contract_and_settings_are_given_per_source() -> None:
    settings = asdict(Parameters())
    contracts = load_contracts()
    tables = gate_tables()[STAGING]
    found = suite_parameters([*tables, "indicator_result"], samples.AS_OF, settings, rows_min=0)
    for source, contract in contracts.items():
        values = found[source]
        assert str(values["key"]).count(",") == len(contract.key) - 1
        assert values["age_days_max"] == settings["agreed_age_days"][source]
        assert values.get("unit_column") == contract.unit
        assert ("event_column" in values) == (event_day(contract) is not None)
    assert not {"key", "age_days_max", "unit_column", "event_column"} & found["indicator_result"].keys()
    assert found["indicator_result"]["rows_min"] == 0
    limits = {**settings["thresholds"], **settings["drift"]}
    assert {name: found["indicator_result"][name] for name in limits} == limits


def test_every_parameter_is_listed_for_those_who_write_suites() -> None:
    given = {name for gate in TIERS for values in samples.parameters(gate).values() for name in values}
    listed = set(re.findall(r"\w+", parameters_module.__doc__ or ""))
    assert given <= listed


def test_keys_lists_and_limits_are_not_typed() -> None:
    """No word of a closed list and no typed list stands in a suite; logic about a target's operator may name it."""
    lists = [getattr(vocabulary, name) for name in dir(vocabulary) if name.isupper()]
    words = {word for found in lists if isinstance(found, tuple) for word in found} | {vocabulary.HIDDEN_MARK}
    words |= {v for c in load_contracts().values() for column in c.columns for v in column.values or ()}
    words |= set(verksamhet_codes())
    for suite in ALL_SUITES:
        for expectation in suite.expectations:
            kwargs = expectation["kwargs"]
            typed = re.findall(r"'([^']*)'", kwargs.get(SQL_KWARG, ""))
            assert not set(typed) & (words - set(OPERATORS)), (suite.name, expectation["meta"]["id"])
            assert not [k for k, v in kwargs.items() if isinstance(v, list)], (suite.name, expectation["meta"]["id"])
