"""The catalogue, its models, their lists, descriptions and unit tests belong together; targets are the plan's."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.core.paths import PROJECT

DBT = PROJECT / "dbt"
LIST_OF_KIND = {"median": "medianer", "tackning": "personer"}
"""The list in dbt_project.yml by kind of measure; every other kind is `additiva`."""

Target = tuple[str, float | None, str, str, bool]
NO_TARGET: Target = ("", None, "", "", False)
MORE_THAN_LAST_YEAR: Target = (">", None, "foregaende_ar", "verksamhet|omrade", False)


def _at_least(value: float) -> Target:
    return (">=", value, "", "verksamhet|omrade", False)


TARGETS: dict[str, Target] = {
    "vg_forsta_besok_90": _at_least(100),
    "vg_vantande_90": _at_least(100),
    "behandling_90": _at_least(100),
    "aterbesok_maldatum": _at_least(90),
    "vantetid_median": NO_TARGET,
    "levnadsvanor": MORE_THAN_LAST_YEAR,
    "barn_narstaende": NO_TARGET,
    "barn_narstaende_du": NO_TARGET,
    "gas_antal": NO_TARGET,
    "gas_t_forandring": NO_TARGET,
    "gas_maluppfyllelse": NO_TARGET,
    "cpup_tackning": NO_TARGET,
    "horselrehab_tackning": MORE_THAN_LAST_YEAR,
    "grav_horsel_tackning": MORE_THAN_LAST_YEAR,
    "horsel_barn_tackning": MORE_THAN_LAST_YEAR,
    "skrs_tackning": NO_TARGET,
    "avvikelser_antal": (">=", 750, "", "omrade", True),
    "avvikelser_7d": _at_least(70),
    "avvikelser_180d": _at_least(80),
    "utredning_60d": _at_least(80),
}
"""Operator, value, comparison, levels and prorating, as the activity plan sets them."""

ALL = "AUD BUH CFH FAM OT SC TC VUH"
NOT_TC = "AUD BUH CFH FAM OT SC VUH"
SCOPES = {
    "vg_forsta_besok_90": NOT_TC,
    "vg_vantande_90": NOT_TC,
    "behandling_90": "BUH VUH",
    "aterbesok_maldatum": "AUD SC",
    "vantetid_median": NOT_TC,
    "levnadsvanor": "AUD BUH SC VUH",
    "barn_narstaende": "AUD BUH SC VUH",
    "barn_narstaende_du": "AUD BUH SC VUH",
    "gas_antal": "BUH VUH",
    "gas_t_forandring": "BUH VUH",
    "gas_maluppfyllelse": "BUH VUH",
    "cpup_tackning": "BUH VUH",
    "horselrehab_tackning": "AUD",
    "grav_horsel_tackning": "AUD",
    "horsel_barn_tackning": "AUD BUH",
    "skrs_tackning": "SC",
    "avvikelser_antal": ALL,
    "avvikelser_7d": ALL,
    "avvikelser_180d": ALL,
    "utredning_60d": ALL,
}
STOCKS = {"vg_vantande_90", "cpup_tackning", "grav_horsel_tackning", "horsel_barn_tackning"}
NOT_ABOUT_PATIENTS = {"avvikelser_antal", "avvikelser_7d", "avvikelser_180d", "utredning_60d"}


def _rows(seed: str) -> list[dict[str, str]]:
    with (DBT / "seeds" / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _yaml(path: Path) -> dict[str, Any]:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}


def _entries(key: str) -> Iterator[dict[str, Any]]:
    """What all YAML files beside the models list under `key`."""
    for path in sorted((DBT / "models").rglob("*.yml")):
        yield from _yaml(path).get(key, [])


CATALOGUE = {row["indicator_id"]: row for row in _rows("katalog")}
STAGING = sorted((DBT / "models" / "staging").glob("stg_*.sql"))
INDICATORS = pytest.mark.parametrize("indicator", CATALOGUE)


@pytest.fixture(scope="module")
def lists() -> dict[str, list[str]]:
    variables: dict[str, list[str]] = _yaml(DBT / "dbt_project.yml")["vars"]
    return variables


@pytest.fixture(scope="module")
def descriptions() -> dict[str, str]:
    return {model["name"]: model.get("description", "") for model in _entries("models")}


@pytest.fixture(scope="module")
def unit_tests() -> list[dict[str, Any]]:
    return list(_entries("unit_tests"))


def test_rows_of_the_catalogue_and_observation_models_are_the_same() -> None:
    models = sorted(path.stem for path in (DBT / "models" / "observations").glob("*.sql"))
    assert models == sorted(f"obs_{indicator}" for indicator in CATALOGUE)
    assert len(CATALOGUE) == len(_rows("katalog")), "an indicator is in the catalogue twice"


@INDICATORS
def test_indicator_is_in_the_list_of_its_kind_only(indicator: str, lists: dict[str, list[str]]) -> None:
    expected = LIST_OF_KIND.get(CATALOGUE[indicator]["art"], "additiva")
    assert [name for name, members in lists.items() for member in members if member == indicator] == [expected]


def test_lists_name_indicators_of_the_catalogue_only(lists: dict[str, list[str]]) -> None:
    assert {member for members in lists.values() for member in members} == set(CATALOGUE)


@INDICATORS
def test_indicator_has_a_description(indicator: str, descriptions: dict[str, str]) -> None:
    assert descriptions.get(f"obs_{indicator}", "").strip()


@INDICATORS
def test_indicator_has_a_unit_test(indicator: str, unit_tests: list[dict[str, Any]]) -> None:
    assert [test["name"] for test in unit_tests if test["model"] == f"obs_{indicator}"]


def test_unit_tests_have_distinct_names_and_say_their_rule(unit_tests: list[dict[str, Any]]) -> None:
    names = [test["name"] for test in unit_tests]
    assert len(names) == len(set(names))
    assert [test["name"] for test in unit_tests if not test.get("description", "").strip()] == []


def test_every_model_has_a_description(descriptions: dict[str, str]) -> None:
    models = {path.stem for path in (DBT / "models").rglob("*") if path.suffix in (".sql", ".py")}
    assert models == {name for name, text in descriptions.items() if text.strip()}


@pytest.mark.parametrize("model", STAGING, ids=lambda path: path.stem)
def test_staging_key_is_the_contracts_key(model: Path) -> None:
    match = re.search(r"\{% set key = (\[.*?\]) %\}", model.read_text(encoding="utf-8"), re.DOTALL)
    assert match, f"{model.name} sets no key"
    # The Jinja list is also a YAML list.
    assert yaml.safe_load(match[1]) == load_contracts()[model.stem.removeprefix("stg_")].key_sql


def test_every_contract_has_a_staging_model() -> None:
    assert {model.stem.removeprefix("stg_") for model in STAGING} == set(load_contracts())


@INDICATORS
def test_codes_are_known(indicator: str) -> None:
    row = CATALOGUE[indicator]
    assert set(row["kallor"].split("|")) <= set(load_contracts()) - {"enheter"}
    assert set(row["omfattning"].split("|")) <= {unit["verksamhet"] for unit in _rows("verksamheter")}
    assert set(row["mal_nivaer"].split("|")) <= {"", "enhet", "verksamhet", "omrade"}
    assert row["art"] in ("andel", "antal", "belopp", "medel", "median", "tackning")
    assert row["riktning"] in ("upp", "ned")
    for flag in ("bestand", "patient", "konsuppdelad", "mal_prorateras"):
        assert row[flag] in ("true", "false"), flag


@INDICATORS
def test_named_sources_are_those_that_the_model_reads(indicator: str) -> None:
    text = (DBT / "models" / "observations" / f"obs_{indicator}.sql").read_text(encoding="utf-8")
    macros = {
        "performed_waits": "vantetider",
        "performed_measures": "kva",
        "timed_cases": "avvikelser",
        "coverage_stock": "register_population|register_registreringar",
        "coverage_flow": "register_population|register_registreringar",
    }
    read = {source for name, sources in macros.items() if f"{name}(" in text for source in sources.split("|")}
    read |= set(re.findall(r"ref\('stg_(\w+)'\)", text)) | ({"gas"} if "ref('int_gas_planer')" in text else set())
    assert read - {"enheter"} == set(CATALOGUE[indicator]["kallor"].split("|"))


@INDICATORS
def test_scope_stock_and_protection_are_the_contracts(indicator: str) -> None:
    row = CATALOGUE[indicator]
    assert row["omfattning"].split("|") == SCOPES[indicator].split()
    assert row["bestand"] == str(indicator in STOCKS).lower()
    assert row["patient"] == str(indicator not in NOT_ABOUT_PATIENTS).lower()
    assert row["konsuppdelad"] == row["patient"], "deviation reports alone have no sex"


@INDICATORS
def test_target_is_the_plans(indicator: str) -> None:
    row = CATALOGUE[indicator]
    value = float(row["mal_varde"]) if row["mal_varde"] else None
    target = (row["mal_operator"], value, row["mal_jamforelse"], row["mal_nivaer"], row["mal_prorateras"] == "true")
    assert target == TARGETS[indicator]
    assert (row["mal_fran_ar"], row["mal_till_ar"]) == ("", ""), "the plan names no years for these targets"


def test_targets_and_scopes_are_said_for_every_indicator() -> None:
    assert set(TARGETS) == set(SCOPES) == set(CATALOGUE)
