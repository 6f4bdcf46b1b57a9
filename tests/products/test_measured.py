"""What an expectation measured, as people read it: one wording for every place."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.gates.parameters import limit_of, suite_parameters
from dagster_project.gates.suites import SUITES, SuiteError
from dagster_project.products.measured import (
    Figures,
    failure_sentence,
    measure_of,
    measured,
    published_figures,
    trend_value,
)
from dagster_project.runs.parameters import Parameters

DELIVERY = "delivery/_all"
PARAMETERS = json.loads(json.dumps(Parameters().__dict__, default=vars))


def figures(
    expectation: str,
    observed: str | None = None,
    limit: float | None = None,
    suite: str = DELIVERY,
    unexpected: int | None = None,
    checked: int | None = None,
) -> Figures:
    return Figures(suite, expectation, checked, unexpected, observed, limit)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (figures("karantan_stopp", "0.3176", 0.2), "31,8 % i karantän, gräns 20 %"),
        (figures("karantan_varning", "0.08026755852842809", 0.05), "8 % i karantän, gräns 5 %"),
        # A value that rounds to its limit is told so that one sees on which side it is.
        (figures("karantan_varning", "0.0504", 0.05), "5,04 % i karantän, gräns 5 %"),
        (figures("karantan_varning", "0.05", 0.05), "5 % i karantän, gräns 5 %"),
        (figures("alder_stopp", "92", 70.0), "92 dagar, gräns 70"),
        (figures("alder_varning", "1", 35.0), "1 dag, gräns 35"),
        (figures("har_rader", "0", 1.0), "0 rader som räknas, gräns minst 1"),
        (figures("har_rader", "7449.0", 1.0), "7 449 rader som räknas, gräns minst 1"),
        # Of an earlier run or release no limit may be known.
        (figures("alder_stopp", "92"), "92 dagar"),
        (
            figures("kolumn_borta", "paborjad_datum (ny okänd kolumn: Påbörjat)", suite="drift/_all"),
            "kolumn som har försvunnit: paborjad_datum (ny okänd kolumn: Påbörjat)",
        ),
        (
            figures("manad_ofullstandig", "BUH 2022-08", 0.5, "drift/_all"),
            "troligen ofullständig månad: BUH 2022-08, gräns 50 % av det vanliga",
        ),
        (
            figures("rader_okar", "240", 3.0),
            "240 nya rader, gräns 3 gånger så många som någon av de sex dagarna före",
        ),
        (figures("kolumn_borta", suite="drift/_all", unexpected=0, checked=9), "0 kolumner har försvunnit"),
        (
            figures("yrkeskategori_ifylld", None, 0.5, "delivery/kva", 600, 1000),
            "600 åtgärder utan yrkeskategori av 1 000 (60 %), gräns 50 %",
        ),
        (figures("enhet_satt", suite="staging/_unit", unexpected=2, checked=10), "2 rader utan enhet av 10 (20 %)"),
        # A query counts what it says, not rows of the table.
        (figures("en_person_per_plan", suite="delivery/gas", unexpected=1, checked=5185),
         "1 plan med mål för flera personer"),
        # A number of persons that is not told.
        (
            figures("antal_vid_stangd_enhet", "färre än 5", 0.0, "results/register_population"),
            "färre än 5 personer hör till en stängd enhet, gräns 0",
        ),
        (figures("karantan_stopp", limit=0.2, unexpected=0, checked=1), ""),
        (figures("finns_inte", "0.5"), "0,5"),
        (figures("finns_inte", unexpected=3, checked=1200, suite="bort/ta"), "3 fel av 1 200"),
    ],
)  # fmt: skip
def test_the_wording(found: Figures, text: str) -> None:
    assert measured(found).replace("\u00a0", " ") == text


def test_a_failure_is_a_sentence_with_what_was_measured_and_what_is_asked() -> None:
    assert (
        failure_sentence("critical", "kva", "Den nyaste leveransen är ny", "92 dagar, gräns 70")
        == "STOPP kva: 92 dagar, gräns 70 (kravet: den nyaste leveransen är ny)."
    )
    assert failure_sentence("warning", "kva", "Titel", "") == "Varning kva: Titel: uppfylls inte."


def expectations() -> list[tuple[str, dict[str, Any]]]:
    return [
        (suite["name"], e)
        for path in sorted(SUITES.glob("*/*.json"))
        for suite in [json.loads(path.read_text(encoding="utf-8"))]
        for e in suite["expectations"]
    ]


@pytest.mark.parametrize(("suite", "expectation"), expectations(), ids=lambda x: x if isinstance(x, str) else "")
def test_every_expectation_says_how_its_measure_is_read(suite: str, expectation: dict[str, Any]) -> None:
    values = suite_parameters(["kva"], date(2022, 9, 30), PARAMETERS)["kva"]
    name, limit = expectation["meta"]["id"], limit_of(expectation, values)
    counts = expectation["type"].startswith("expect_column_values_")
    asked = expectation["type"] == "unexpected_rows_expectation"
    named = "names" in expectation["meta"]
    found = figures(
        name,
        None if counts or (asked and not named) else "3.0" if not named else "0.3",
        limit,
        suite,
        3 if counts or asked else None,
        10 if counts or asked else None,
    )
    text = measured(found).replace("\u00a0", " ")
    told = expectation["meta"]["measured"]
    assert told.get("share", told.get("named", told.get("many"))) in text
    assert ("gräns" in text) == (limit is not None)


def test_a_warning_and_a_stop_of_the_same_thing_are_one_measure() -> None:
    assert measure_of(DELIVERY, "alder_varning") == measure_of(DELIVERY, "alder_stopp") != measure_of(DELIVERY, "x")
    assert measure_of(DELIVERY, "karantan_varning") == measure_of(DELIVERY, "karantan_stopp")


def test_a_release_tells_its_limits_by_its_own_parameters() -> None:
    row = {"suite": DELIVERY, "source": "kva", "expectation": "alder_stopp", "observed": "92", "checked": None,
           "unexpected": None}  # fmt: skip
    agreed = load_contracts()["kva"].agreed_age_days
    assert published_figures(row, "2022-09-30", PARAMETERS).limit == 2 * agreed
    shorter = {**PARAMETERS, "agreed_age_days": {**PARAMETERS["agreed_age_days"], "kva": 10}}
    assert measured(published_figures(row, "2022-09-30", shorter)) == "92 dagar, gräns 20"
    # Of a release without the parameter the number alone is told.
    assert measured(published_figures(row, "2022-09-30", {})) == "92 dagar"


def test_a_limit_is_a_number_or_a_parameter() -> None:
    kind = {"type": "expect_column_max_to_be_between", "meta": {"id": "x"}}
    assert limit_of({**kind, "kwargs": {"max_value": {"$PARAMETER": "days * 2"}}}, {"days": 35}) == 70
    assert limit_of({**kind, "kwargs": {"min_value": 1}}, {}) == 1
    for wrong in ({"$PARAMETER": "days + 2"}, {"$PARAMETER": "unknown"}, "35"):
        with pytest.raises(SuiteError, match="gränsen"):
            limit_of({**kind, "kwargs": {"max_value": wrong}}, {"days": 35})


def test_a_number_to_follow_has_its_unit_in_its_name() -> None:
    name, value = trend_value(figures("karantan_varning", "0.3176"))  # type: ignore[misc]
    assert name == "karantan_varning (% i karantän)" and value == pytest.approx(31.76)
    assert trend_value(figures("alder_varning", "41")) == ("alder_varning (dagar)", 41.0)
    assert trend_value(figures("kolumn_borta", "kommentar", suite="drift/_all")) is None
