"""Suites and outcomes: every expectation passes on good data and has been seen to fail on data that breaks just it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from dagster_project.core.paths import PROJECT
from dagster_project.gates.decision import validate as expectations
from dagster_project.gates.validate import ExpectationError, Outcome, SuiteError, load_suite, run_suites
from dagster_project.products.data_docs.pages import DocsCollector
from tests import expectation_samples as samples

ROOT = PROJECT / "expectations"
SUITES = {suite.name: suite for suite in map(load_suite, sorted(ROOT.glob("*/*.json")))}
EXPECTATIONS = [(name, item["meta"]["id"]) for name, suite in SUITES.items() for item in suite.expectations]
PARAMETERS = {"*": {"as_of": samples.AS_OF}}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("expectations") / "good.duckdb"
    samples.build(database)
    return database


@pytest.fixture
def broken(good: Path, tmp_path: Path) -> Path:
    """A copy of the good database that the test may change."""
    return Path(shutil.copy(good, tmp_path / "broken.duckdb"))


def _change(database: Path, sql: str) -> None:
    with duckdb.connect(str(database)) as connection:
        connection.execute(sql)


def _run(database: Path, gate: str, sources: tuple[str, ...] | None = None, root: Path = ROOT) -> list[Outcome]:
    tables = {s: t for s, t in samples.tables(gate).items() if sources is None or s in sources}
    return run_suites(database, gate, tables, root, parameters=PARAMETERS)


def _write_suite(root: Path, *expectation: dict[str, object], source: str = "kva", **meta: object) -> Path:
    texts = {"titel": "Titel", "betydelse": "Betydelse", "atgard": "Åtgärd"}
    items = [
        {"severity": "critical", **item, "meta": {"id": f"e{number}", **texts}}
        for number, item in enumerate(expectation, start=1)
    ]
    path = root / "staging" / f"{source}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"name": f"staging/{source}", "expectations": items, "meta": {"titel": "Provsvit", **meta}}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_every_expectation_has_a_mutation_that_breaks_it() -> None:
    assert sorted(samples.MUTATIONS) == sorted(EXPECTATIONS)


@pytest.mark.parametrize("gate", expectations.GATES)
def test_good_data_meets_every_expectation(good: Path, gate: str) -> None:
    outcomes = _run(good, gate)
    assert {outcome.suite for outcome in outcomes} == {name for name in SUITES if name.startswith(f"{gate}/")}
    assert [outcome for outcome in outcomes if not outcome.success] == []


@pytest.mark.parametrize(("suite", "expectation"), EXPECTATIONS, ids=map("-".join, EXPECTATIONS))
def test_expectation_fails_when_broken(broken: Path, suite: str, expectation: str) -> None:
    _change(broken, samples.MUTATIONS[suite, expectation])
    gate, source = suite.split("/")
    outcomes = _run(broken, gate, ("kva",) if source == "_alla" else (source,))
    failed = {outcome.expectation for outcome in outcomes if not outcome.success}
    assert failed == {expectation} | samples.ALSO_FAILS.get((suite, expectation), set())
    found = next(outcome for outcome in outcomes if (outcome.suite, outcome.expectation) == (suite, expectation))
    # A failure tells how much failed: rows of the rows checked, or the value that was measured.
    assert (found.unexpected and found.checked is not None) or found.observed is not None


def test_limits_belong_to_the_accepted_side(broken: Path) -> None:
    _change(broken, "update matt set age_days = 35, quarantined_share_newest = 0.05, rows_current = 95")
    assert all(outcome.success for outcome in _run(broken, "leverans", ("kva",)))
    _change(broken, "update matt set age_days = 70, quarantined_share_newest = 0.2")
    failed = {outcome.severity for outcome in _run(broken, "leverans", ("kva",)) if not outcome.success}
    assert failed == {"warning"}


def test_first_release_has_nothing_to_fall_from(broken: Path) -> None:
    _change(broken, "update matt set rows_current_before = null where source = 'kva'")
    _change(broken, "update matt set rows_current_before = 0 where source = 'gas'")
    assert all(outcome.success for outcome in _run(broken, "leverans", ("kva", "gas")))


def test_parameters_are_given_per_source(good: Path) -> None:
    tables = {source: f"rader_{source}" for source in ("kva", "gas")}
    parameters = {"kva": {"age_days_max": 17}}
    outcomes = run_suites(good, "leverans", tables, ROOT, parameters=parameters)
    failed = {(outcome.source, outcome.expectation) for outcome in outcomes if not outcome.success}
    assert failed == {("kva", "alder_varning"), ("kva", "alder_stopp")}


def test_numbers_in_sql_are_parameters_too(broken: Path, tmp_path: Path) -> None:
    _change(broken, f"update indicator_result set taljare = 3.6, namnare = 4 where {samples.CELL}")
    tables = samples.tables("resultat")
    lower = run_suites(broken, "resultat", tables, ROOT, parameters={"*": {"suppression_limit": 4}})
    assert all(outcome.success for outcome in lower)
    query = {"unexpected_rows_query": "select 1 from {batch} where kon = $x"}
    _write_suite(tmp_path, {"type": "unexpected_rows_expectation", "kwargs": query})
    with pytest.raises(ExpectationError, match="'x'"):
        run_suites(broken, "staging", {"kva": "stg_kva"}, tmp_path, parameters={"kva": {"x": "'K' or true"}})


def test_outcome_tells_rows_share_and_texts(broken: Path) -> None:
    _change(broken, "update stg_kva set verksamhet = 'HH' where vardkontakt_id = 'k2'")
    outcomes = _run(broken, "staging", ("kva",))
    outcome = next(outcome for outcome in outcomes if outcome.expectation == "verksamhet_kand")
    assert (outcome.gate, outcome.suite, outcome.source, outcome.severity) == (
        "staging",
        "staging/_alla",
        "kva",
        "critical",
    )
    assert (outcome.checked, outcome.unexpected, outcome.observed) == (3, 1, None)
    assert outcome.share == pytest.approx(1 / 3)
    assert outcome.titel == "Verksamheten är en av de kända"
    assert outcome.atgard


@pytest.mark.parametrize("gate", ["leverans", "staging"])
def test_an_empty_table_breaks_no_expectation_about_its_rows(broken: Path, gate: str) -> None:
    for table in samples.tables(gate).values():
        _change(broken, f"delete from {table}")
    outcomes = _run(broken, gate)
    assert [outcome for outcome in outcomes if not outcome.success] == []
    assert {outcome.share for outcome in outcomes} == {None}


def test_a_missing_number_is_no_pass(broken: Path) -> None:
    _change(broken, "update matt set age_days = null where source = 'kva'")
    failed = {outcome.expectation for outcome in _run(broken, "leverans", ("kva",)) if not outcome.success}
    assert failed == {"alder_varning", "alder_stopp"}


@pytest.mark.parametrize(
    "expectation",
    [
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "saknas"}},
        {"type": "expect_column_max_to_be_between", "kwargs": {"column": "saknas", "max_value": 1}},
        {"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": "select saknas from {batch}"}},
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": "kva_kod", "max_value": 3}},
    ],
    ids=["map", "aggregate", "query", "type"],
)
def test_an_exception_is_neither_pass_nor_fail(good: Path, tmp_path: Path, expectation: dict[str, object]) -> None:
    _write_suite(tmp_path, {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}}, expectation)
    with pytest.raises(ExpectationError, match=r"staging/kva för kva \(stg_kva\): e2 kunde inte prövas"):
        _run(good, "staging", ("kva",), root=tmp_path)


@pytest.mark.parametrize(
    "info",
    [
        {"raised_exception": True, "exception_message": "boom", "exception_traceback": "..."},
        {"MetricConfigurationID(x)": {"raised_exception": True, "exception_message": "boom"}},
        {"MetricConfigurationID(x)": {"exception_message": "boom"}},
        {"MetricConfigurationID(x)": "boom"},
    ],
)
def test_every_shape_of_exception_info_is_an_exception(info: dict[str, object]) -> None:
    assert expectations.exception_of({"exception_info": info}) == "boom"


def test_no_exception_info_is_no_exception() -> None:
    assert expectations.exception_of({"exception_info": {"raised_exception": False}}) is None
    assert expectations.exception_of({}) is None


def test_missing_table_and_missing_parameter_are_errors(good: Path, tmp_path: Path) -> None:
    limit = {"column": "mal_nr", "max_value": {"$PARAMETER": "finns_inte"}}
    _write_suite(tmp_path, {"type": "expect_column_max_to_be_between", "kwargs": limit}, source="gas")
    with pytest.raises(ExpectationError, match="finns_inte"):
        _run(good, "staging", ("gas",), root=tmp_path)
    with pytest.raises(ExpectationError, match=r"staging/gas för gas \(stg_borta\): kan inte prövas"):
        run_suites(good, "staging", {"gas": "stg_borta"}, tmp_path)


def test_the_database_is_released_also_after_an_error(good: Path, broken: Path) -> None:
    with pytest.raises(ExpectationError):
        run_suites(broken, "staging", {"kva": "borta"}, ROOT)
    _run(broken, "staging", ("kva",))
    _change(broken, "create table written as select 1")


def test_a_source_without_a_suite_does_not_pass(good: Path, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="det finns ingen svit för kva"):
        _run(good, "staging", ("kva",), root=tmp_path)
    with pytest.raises(SuiteError, match="är ingen grind"):
        run_suites(good, "stagin", {}, ROOT)


def test_the_collector_gets_counts_but_no_values(broken: Path) -> None:
    _change(broken, "update stg_kva set verksamhet = 'HEMLIG' where vardkontakt_id = 'k2'")
    docs = DocsCollector()
    run_suites(broken, "staging", {"kva": "stg_kva"}, ROOT, docs, PARAMETERS)
    assert [(result.gate, result.source, result.suite) for result in docs.results] == [
        ("staging", "kva", "staging/_alla"),
        ("staging", "kva", "staging/kva"),
    ]
    text = json.dumps([result.results for result in docs.results])
    assert "unexpected_count" in text
    assert "HEMLIG" not in text
    assert "partial_unexpected" not in text


def test_suite_texts_are_complete_and_thresholds_have_defaults() -> None:
    for suite in SUITES.values():
        for item in suite.expectations:
            for key in ("titel", "betydelse", "atgard"):
                assert len(item["meta"][key]) > 10, (suite.name, item["meta"]["id"])
    assert SUITES["leverans/_alla"].parameters["age_days_max"] == 35


def test_extra_plausibility_checks_do_not_change_published_quality() -> None:
    """Only what published.md names may warn: any other warning would change `kvalitet` of the results."""
    warnings = {
        (name, item["meta"]["id"])
        for name, suite in SUITES.items()
        for item in suite.expectations
        if item["severity"] == "warning"
    }
    assert warnings == {
        ("leverans/_alla", "alder_varning"),
        ("leverans/_alla", "karantan_varning"),
        ("leverans/_alla", "rader_minskar"),
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "staging/annan"}, "svitens name ska vara"),
        ({"expectations": []}, "utan förväntningar"),
        ({"meta": {}}, "meta.titel saknas"),
    ],
)
def test_unusable_suites_are_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = _write_suite(tmp_path, {"type": "expect_column_to_exist", "kwargs": {"column": "kva_kod"}})
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **change}), encoding="utf-8")
    with pytest.raises(SuiteError, match=message):
        load_suite(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"severity": "allvarlig"}, "severity ska vara en av"),
        ({"meta": {"id": "e1"}}, "meta saknar titel, betydelse, atgard"),
    ],
)
def test_unusable_expectations_are_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = _write_suite(tmp_path, {"type": "expect_column_to_exist", "kwargs": {"column": "kva_kod"}})
    document = json.loads(path.read_text(encoding="utf-8"))
    document["expectations"][0] |= change
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(SuiteError, match=message):
        load_suite(path)


def test_two_expectations_with_one_id_are_refused(tmp_path: Path) -> None:
    path = _write_suite(tmp_path, {"type": "expect_column_to_exist", "kwargs": {"column": "kva_kod"}})
    document = json.loads(path.read_text(encoding="utf-8"))
    document["expectations"] *= 2
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(SuiteError, match="två förväntningar har id 'e1'"):
        load_suite(path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(SuiteError, match="kan inte läsas som JSON"):
        load_suite(path)
