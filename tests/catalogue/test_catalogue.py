"""The catalogue says what there is and what the plan says; every part of an indicator or a source is there."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from unittest.mock import patch

import pytest

from dagster_project.catalogue import completeness, indicators, vocabulary
from dagster_project.catalogue.completeness import Parts, missing_files, missing_of_source
from dagster_project.catalogue.contracts import CONTRACT_DIR, REGISTER_SOURCE, Contract, load_contracts
from dagster_project.catalogue.indicators import CatalogueError, Indicator, Requirement, load_catalogue
from dagster_project.catalogue.organisation import nodes, verksamhet_codes
from dagster_project.catalogue.seeds import seed
from dagster_project.core.paths import PROJECT

DBT = PROJECT / "dbt"
INDICATORS = pytest.mark.parametrize("indicator", load_catalogue(), ids=lambda indicator: indicator.id)


def _specified() -> dict[str, dict[str, str]]:
    """What the specification says of its indicators, in a copy of its own: reviewed beside the catalogue. An indicator
    of another origin has no row in it. Targets are data (the seed maltal): no test says what one should be."""
    with Path(__file__).with_name("specified.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def test_every_part_of_every_indicator_and_source_is_there() -> None:
    assert completeness.missing_files() == []


@pytest.mark.parametrize("contract", load_contracts().values(), ids=lambda contract: contract.source)
def test_a_source_has_a_name_an_owner_and_a_mailbox(contract: Contract) -> None:
    """A function and its mailbox, no person: people move."""
    assert contract.title and contract.title != contract.source and contract.owner
    assert re.fullmatch(r"[a-z_.]+@[a-z.]+", contract.contact)


def test_the_contracts_are_of_the_standard() -> None:
    from open_data_contract_standard.model import OpenDataContractStandard

    for path in CONTRACT_DIR.glob("*.yaml"):
        document = OpenDataContractStandard.from_file(str(path))
        assert document.team.name and document.support[0].url == f"mailto:{document.support[0].channel}"
        assert document.schema_[0].businessName


def test_every_text_of_a_skeleton_is_written() -> None:
    assert completeness.left_to_write() == []


def test_an_indicator_is_in_the_catalogue_once() -> None:
    ids = [indicator.id for indicator in load_catalogue()]
    assert len(ids) == len(set(ids))


@INDICATORS
def test_values_are_of_the_closed_lists(indicator: Indicator) -> None:
    assert indicator.kind in vocabulary.KINDS
    assert indicator.path in vocabulary.PATHS
    assert indicator.direction in vocabulary.DIRECTIONS
    assert indicator.unit in vocabulary.MEASURE_UNITS
    assert indicator.levels == tuple(level for level in vocabulary.LEVELS if level in indicator.levels) != ()
    assert indicator.comparison_base in (None, *vocabulary.COMPARISON_BASES)
    assert (indicator.base_year is not None) == (indicator.comparison_base == vocabulary.BASE_YEAR)


@INDICATORS
def test_sources_and_scope_are_known(indicator: Indicator) -> None:
    assert indicator.read, "an indicator reads something"
    assert set(indicator.read) <= set(load_contracts()) - {REGISTER_SOURCE}
    assert indicator.scope == tuple(code for code in verksamhet_codes() if code in indicator.scope) != ()


@INDICATORS
def test_path_fits_the_kind(indicator: Indicator) -> None:
    assert indicator.path in vocabulary.PATHS_OF_KIND[indicator.kind]


@INDICATORS
def test_what_the_kind_needs_is_said(indicator: Indicator) -> None:
    assert (indicator.register is not None) == (indicator.kind == vocabulary.COVERAGE)
    assert not indicator.timed or (indicator.kind == vocabulary.SHARE and indicator.limit_days is not None)
    assert indicator.code_list is None or indicator.kind == vocabulary.COUNT
    assert indicator.by_sex == indicator.patient, "what is about patients has a sex, the rest has none"


@INDICATORS
def test_a_model_asks_for_what_its_row_says_and_no_more(indicator: Indicator) -> None:
    """A limit, register, list or `timed` that no model reads would change nothing when it is edited."""
    model = next(completeness.HERE.observations.glob(f"*/obs_{indicator.id}.sql"), None)
    assert model is not None, completeness.missing_of_indicator(indicator.id)
    called = _with_called_macros(model.read_text(encoding="utf-8"))
    said = {"limit_days": indicator.limit_days, "register": indicator.register, "code_list": indicator.code_list}
    for column, value in said.items():
        asked = bool(re.search(rf"\b(?:this_indicator\(\)|indicator)\.{column}\b", called))
        assert asked >= (value is not None), column
        # A macro may have a use for it only where the model gives it nothing else (`within`).
        if "within=" not in model.read_text(encoding="utf-8"):
            assert asked == (value is not None), column
    assert indicator.timed == ("oppet_arende" in called)


def _with_called_macros(text: str) -> str:
    """A model's text and that of the measures it calls."""
    measures = {path.stem: path.read_text(encoding="utf-8") for path in (DBT / "macros" / "measures").glob("*.sql")}
    return text + "".join(macro for name, macro in measures.items() if f"{name}(" in text)


ROW = {
    **dict.fromkeys(["titel", "limit_days", "window_months", "register", "code_list", "del_av", "base_year"], ""),
    **dict.fromkeys(["bestand", "patient", "konsuppdelad", "timed", "whole_plan"], "false"),
    **{"indicator_id": "ny", "art": "antal", "path": "adds_up", "levels": "omrade", "comparison_base": "foregaende_ar"},
    **{"kallor": "kva", "requires": "", "omfattning": "AUD", "mattenhet": "antal", "riktning": "upp"},
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"path": "window"}, "window_months hör till path window"),
        ({"window_months": "24"}, "window_months hör till path window"),
        ({"path": "window", "window_months": "0"}, "är minst 1"),
        ({"comparison_base": "basar"}, "base_year hör till comparison_base basar"),
        ({"base_year": "2020"}, "base_year hör till comparison_base basar"),
        ({"comparison_base": "basar", "base_year": "2020", "bestand": "true"}, "ett bestånd visar sin sista månad"),
        ({"requires": "flode"}, "ska vara källa.kolumn eller källa.kolumn=värde"),
        ({"requires": "gas.utfall"}, "requires nämner gas, som inte är någon av indikatorns källor"),
        ({"requires": "kva.flode"}, "requires nämner flode, som inte är någon kolumn i kva"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(changed: dict[str, str], said: str) -> None:
    with patch.object(indicators, "seed", lambda name: [ROW | changed]), pytest.raises(CatalogueError, match=said):
        load_catalogue.__wrapped__()


def test_what_a_row_says_of_its_cells_is_read() -> None:
    said = {"path": "window", "window_months": "24", "requires": "kva.kva_kod=DV111"}
    with patch.object(indicators, "seed", lambda name: [ROW | said]):
        (found,) = load_catalogue.__wrapped__()
    assert (found.window_months, found.requires) == (24, Requirement("kva", "kva_kod", "DV111"))


def test_code_lists_are_those_of_the_catalogue() -> None:
    assert {row["list"] for row in seed("code_lists")} == {i.code_list for i in load_catalogue()} - {None}


def test_reasons_of_the_code_lists_have_words() -> None:
    assert {row["exclusion"] for row in seed("code_lists")} - {""} <= {row["exclusion"] for row in seed("exclusions")}


def test_the_organisation_is_a_tree() -> None:
    known = {node.code: node for node in nodes()}
    assert len(known) == len(nodes())
    for node in nodes():
        assert node.type in (vocabulary.AREA, vocabulary.VERKSAMHET)
        assert node.parent is None or known[node.parent].type == vocabulary.AREA
        assert (node.parent is None) == (node.type == vocabulary.AREA)


def test_nobody_who_receives_exports_mistakes_one_node_for_another() -> None:
    for ids in ([n.hsaid for n in nodes()], [n.kolada_ou for n in nodes()]):
        said = [id for id in ids if id is not None]
        assert len(set(said)) == len(said)
    assert all(re.fullmatch(r"SE\d{10}-[0-9A-Z]+", n.hsaid) for n in nodes() if n.hsaid is not None)
    assert all(re.fullmatch(r"\d{2}", n.regionskod) for n in nodes() if n.regionskod is not None)


def test_every_specified_indicator_is_in_the_catalogue() -> None:
    assert [id for id in _specified() if id not in {indicator.id for indicator in load_catalogue()}] == []


@pytest.mark.parametrize("indicator", [i for i in load_catalogue() if i.id in _specified()], ids=lambda i: i.id)
def test_scope_and_protection_are_those_of_the_specification(indicator: Indicator) -> None:
    assert _specified()[indicator.id] == {
        "id": indicator.id,
        "scope": "|".join(indicator.scope),
        "stock": str(indicator.stock).lower(),
        "patient": str(indicator.patient).lower(),
    }


def _sql_and_settings() -> list[Path]:
    return sorted([*DBT.glob("models/**/*.sql"), *DBT.glob("macros/**/*.sql"), *DBT.glob("*.yml")])


@pytest.mark.parametrize("path", _sql_and_settings(), ids=lambda path: path.relative_to(DBT).as_posix())
def test_no_sql_names_an_indicator_a_verksamhet_or_a_register(path: Path) -> None:
    """They are data: found by what the catalogue and the organisation say of them."""
    named = {i.id for i in load_catalogue()} | {i.register for i in load_catalogue()} | {node.code for node in nodes()}
    words = set(re.findall(r"\w+", path.read_text(encoding="utf-8")))
    assert words & (named - {None}) == set()
    assert {w for w in words if w.startswith("obs_")} - {"obs_"} == set()


# --- The check itself -----------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Parts:
    """A project folder with nothing but a row in its catalogue."""
    _write(tmp_path / "dbt/seeds/catalogue.csv", "indicator_id\nny\n")
    return Parts(tmp_path)


def _write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_what_an_indicator_lacks_is_said(project: Parts) -> None:
    models = project.observations
    assert missing_files(project) == [
        "Indikatorn ny saknar modellen dbt/models/observations/<källa>/obs_ny.sql.",
        "Indikatorn ny saknar dbt/models/observations/<källa>/obs_ny.yml med beskrivning och enhetstester.",
    ]
    _write(models / "kva/obs_ny.sql")
    _write(models / "kva/obs_ny.yml", "models: [{name: obs_ny}]")
    assert missing_files(project) == [
        "Indikatorn ny saknar en beskrivning av obs_ny i dbt/models/observations/kva/obs_ny.yml.",
        "Indikatorn ny saknar enhetstest i dbt/models/observations/kva/obs_ny.yml.",
    ]
    _write(models / "kva/obs_ny.yml", "models: [{name: obs_ny")
    assert missing_files(project) == ["Indikatorn ny: dbt/models/observations/kva/obs_ny.yml kan inte läsas som YAML."]
    _write(models / "kva/obs_ny.yml", "models: [{name: obs_ny, description: x}]\nunit_tests: [{model: obs_ny}]")
    assert missing_files(project) == []
    _write(models / "kva/obs_okand.sql")
    assert "Indikatorn okand saknar en rad i dbt/seeds/catalogue.csv." in missing_files(project)


def test_what_a_source_lacks_is_said(project: Parts) -> None:
    """A suite of its own is no part that it must have: the shared ones judge it by its contract."""
    assert missing_of_source("nykomling", project) == [
        "Källan nykomling saknar kontraktet dagster_project/catalogue/contracts/nykomling.odcs.yaml.",
        "Källan nykomling saknar modellen dbt/models/sources/nykomling/stg_nykomling.sql.",
        "Källan nykomling saknar exemplet dagster_project/samples/nykomling.py.",
        "Källan nykomling saknar dbt/models/sources/nykomling/stg_nykomling.yml med beskrivning och enhetstester.",
    ]
    for path in (project.contract("nykomling"), project.sample("nykomling"), project.staging_model("nykomling")):
        _write(path)
    sources = "sources: [{name: bronze, tables: [{name: nykomling}]}]\n"
    rest = "models: [{name: stg_nykomling, description: x}]\nunit_tests: [{model: stg_nykomling}]\n"
    path = project.staging_model("nykomling").with_suffix(".yml")
    _write(path, rest)
    assert missing_of_source("nykomling", project) == [
        "Källan nykomling saknar tabellen nykomling i källan bronze i dbt/models/sources/nykomling/stg_nykomling.yml."
    ]
    _write(path, sources + rest)
    assert missing_of_source("nykomling", project) == []


def test_text_left_to_write_is_told_with_its_place(project: Parts) -> None:
    _write(project.observations / "kva/obs_ny.yml", "models:\n  - description: 'SKRIV: what'\n")
    assert completeness.left_to_write(project) == [
        "dbt/models/observations/kva/obs_ny.yml har text kvar att skriva på rad 2, efter SKRIV:"
    ]


def test_the_unit_register_is_read_by_what_is_counted_by_unit() -> None:
    """indicators.md: of rows that name a verksamhet the unit register is not asked, so its fault is none of theirs."""
    reads = {i.id: REGISTER_SOURCE in i.sources for i in load_catalogue()}
    assert {i.id for i in load_catalogue() if "enhet" in i.levels} == {name for name, asks in reads.items() if asks}
    assert not all(reads.values())
