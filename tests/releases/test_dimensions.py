"""The tables that name what cells hold, and the views over them: nothing is lost, nothing is there twice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dagster_project.catalogue import breaks
from dagster_project.catalogue.breaks import load_breaks
from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.organisation import area_codes, verksamhet_codes
from dagster_project.catalogue.plan import followed_up_items
from dagster_project.catalogue.seeds import read_seed
from dagster_project.catalogue.vocabulary import (
    DIRECTIONS,
    KINDS,
    PLAN_STATUSES,
    QUALITIES,
    REPORT_STATUSES,
    RESULT_TABLE,
    SIGNALS,
)
from dagster_project.engines.duckdb import database
from dagster_project.releases.descriptions import TABLES, described
from dagster_project.releases.dimensions import better_way, dimensions, unit_periods
from dagster_project.releases.labels import decimals_of, labels, period_label
from dagster_project.releases.plan_targets import plan_of_today
from dagster_project.releases.stage import write_tables
from dagster_project.releases.tables import (
    BREAK_TABLE,
    DIMENSION_SCHEMAS,
    INDICATOR_DIMENSION,
    ITEM_DIMENSION,
    PERIOD_DIMENSION,
    PLAN_SCHEMA,
    RESULT_SCHEMA,
    TABLE_KEYS,
    TIE_TABLE,
    UNIT_DIMENSION,
    VERKSAMHET_DIMENSION,
)
from dagster_project.releases.views import LATEST_VIEW, RESULTS_VIEW, VIEWS

AS_OF = date(2022, 9, 15)
FIRST, SECOND = [i.id for i in load_catalogue()][:2]
PLACE = verksamhet_codes()[0]
AUGUST = {"period_typ": "manad", "period_start": date(2022, 8, 1), "period_slut": date(2022, 8, 31)}
SEPTEMBER = {"period_typ": "manad", "period_start": date(2022, 9, 1), "period_slut": date(2022, 9, 30)}
YEAR = {"period_typ": "ar", "period_start": date(2022, 1, 1), "period_slut": date(2022, 12, 31)}


def cell(**said: Any) -> dict[str, Any]:
    usual = {"indicator_id": FIRST, "niva": "omrade", "kon": "T", "komplett": True, "status": "inget_mal"}
    return {**usual, "kvalitet": "godkand", "varde": 1.0, "release_id": "r", **said}


def cells(*rows: Mapping[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=RESULT_SCHEMA)


def register(*rows: tuple[Any, ...]) -> pl.DataFrame:
    schema = {n: t for n, t in DIMENSION_SCHEMAS[UNIT_DIMENSION].items() if n != "enhet_nyckel"}
    return pl.DataFrame(rows, schema=schema, orient="row")


def catalogue() -> pl.DataFrame:
    """The table `indicator`, as dbt makes it of the seeds."""
    return pl.DataFrame(
        [
            {
                "indicator_id": i.id,
                "version": "1.0",
                "titel": i.titel,
                "art": i.kind,
                "bestand": i.stock,
                "patient": i.patient,
                "mal_id": None,
                "planpunkt": None,
                "mal_operator": None,
                "riktning": i.direction,
            }
            for i in load_catalogue()
        ],
        schema_overrides=dict.fromkeys(("mal_id", "planpunkt", "mal_operator"), pl.String),
    )


def made(result: pl.DataFrame, units: pl.DataFrame, definitions: pl.DataFrame | None = None) -> dict[str, pl.DataFrame]:
    today, plan = catalogue(), plan_of_today()
    shown = today if definitions is None else definitions
    return dimensions(result, pl.DataFrame(schema=PLAN_SCHEMA), shown, today, units, plan, AS_OF)


MOVED = register(
    ("E1", "Mottagning Nora", PLACE, "Norr", date(2020, 1, 1), date(2022, 3, 31)),
    ("E1", "Mottagning Norr", PLACE, "Norr", date(2022, 4, 1), date(2022, 8, 31)),
    ("E1", "Mottagning Norr", verksamhet_codes()[1], "Norr", date(2022, 9, 1), None),
    ("E2", "Ny mottagning", PLACE, "Söder", date(2022, 9, 1), None),
)
"""A unit that changes its name and then its verksamhet within one year, and one that has no cell."""


def test_every_table_has_its_columns_and_key() -> None:
    result = cells(cell(**AUGUST), cell(niva="enhet", verksamhet=PLACE, enhet="E1", **YEAR))
    tables = made(result, unit_periods(MOVED, result, []))
    assert list(tables) == list(DIMENSION_SCHEMAS)
    for name, frame in tables.items():
        assert dict(frame.schema) == DIMENSION_SCHEMAS[name]
        assert not frame.select(pl.struct(TABLE_KEYS[name]).is_duplicated().any()).item(), name
    assert set(tables[VERKSAMHET_DIMENSION]["verksamhet"]) == {*area_codes(), *verksamhet_codes()}
    assert tables[ITEM_DIMENSION]["item_id"].to_list() == [i.id for i in followed_up_items()]
    assert set(tables[TIE_TABLE]["item_id"]) <= set(tables[ITEM_DIMENSION]["item_id"])
    assert tables[INDICATOR_DIMENSION]["indicator_id"].to_list() == [i.id for i in load_catalogue()]


def test_a_unit_has_a_row_per_period_of_validity() -> None:
    units = unit_periods(MOVED, cells(), [])
    assert units.filter(hsaid="E1")["enhet_nyckel"].to_list() == ["E1|2020-01-01", "E1|2022-04-01", "E1|2022-09-01"]


def test_a_unit_of_frozen_rows_is_told_as_it_was() -> None:
    frozen = cells(cell(niva="enhet", verksamhet=PLACE, enhet="E9", kvalitet="fryst", **AUGUST))
    gone = register(
        ("E9", "Nedlagd", PLACE, "Norr", date(2019, 1, 1), None), ("E2", "Gammalt namn", PLACE, "Norr", None, None)
    )
    earlier = unit_periods(gone, cells(), [])
    units = unit_periods(MOVED, frozen, [earlier])
    assert units.filter(hsaid="E9")["namn"].to_list() == ["Nedlagd"]
    assert units.filter(hsaid="E2")["namn"].to_list() == ["Ny mottagning"], "today's register goes first"
    nameless = unit_periods(MOVED, frozen, [])
    assert nameless.filter(hsaid="E9").select("namn", "verksamhet", "giltig_fran").rows() == [("E9", PLACE, None)]


def test_a_verksamhet_of_frozen_rows_only_is_told_by_its_code() -> None:
    result = cells(cell(niva="verksamhet", verksamhet="NEDLAGD", kvalitet="fryst", **AUGUST))
    found = made(result, unit_periods(MOVED, result, []))[VERKSAMHET_DIMENSION]
    assert found.row(-1, named=True)["namn"] == "NEDLAGD" and found.height == len(verksamhet_codes()) + 2


def test_a_period_is_complete_when_all_that_has_it_has_ended() -> None:
    result = cells(
        cell(**AUGUST),
        cell(**SEPTEMBER, komplett=False),
        cell(**YEAR, komplett=False),
        cell(indicator_id=SECOND, **AUGUST),
        # A month of one verksamhet that came in part, and months before the data, do not make a period unfinished.
        cell(niva="verksamhet", verksamhet=PLACE, **AUGUST, komplett=False),
        cell(period_typ="manad", period_start=date(2019, 1, 1), period_slut=date(2019, 1, 31), komplett=False),
    )
    periods = made(result, unit_periods(MOVED, result, []))[PERIOD_DIMENSION]
    assert dict(periods.select("period_nyckel", "komplett").iter_rows()) == {
        "manad:2022-08": True,
        "manad:2022-09": False,
        "ar:2022": False,
        "manad:2019-01": True,
    }
    later = pl.concat([result, cells(cell(indicator_id=SECOND, **SEPTEMBER))])
    periods = made(later, unit_periods(MOVED, later, []))[PERIOD_DIMENSION]
    assert periods.filter(period_nyckel="manad:2022-09")["komplett"].item() is False


@pytest.mark.parametrize(
    ("period_typ", "start", "end", "label"),
    [
        ("manad", date(2022, 8, 1), date(2022, 8, 31), "aug 2022"),
        ("tertial", date(2022, 5, 1), date(2022, 8, 31), "maj-aug 2022"),
        ("delar", date(2022, 1, 1), date(2022, 8, 31), "jan-aug 2022"),
        ("ar", date(2022, 1, 1), date(2022, 12, 31), "2022"),
        ("r12", date(2021, 9, 1), date(2022, 8, 31), "sep 2021-aug 2022"),
        ("r12", date(2022, 1, 1), date(2022, 12, 31), "jan-dec 2022"),
    ],
)
def test_a_period_has_a_swedish_name(period_typ: str, start: date, end: date, label: str) -> None:
    assert period_label(period_typ, start, end) == label


def test_every_code_has_a_word_and_a_symbol_of_its_own() -> None:
    found = labels()
    codes = [label.code for label in found]
    assert sorted(codes) == sorted([*PLAN_STATUSES, *REPORT_STATUSES, "ej_rapporterad", *SIGNALS, *QUALITIES])
    assert len({label.symbol for label in found}) == len({label.word for label in found}) == len(found)
    assert all(found)


def test_which_way_is_better() -> None:
    assert [better_way(op, "neutral") for op in (">=", ">", "<=", "<", None)] == [
        *("battre_upp", "battre_upp", "battre_ned", "battre_ned", "neutral")
    ]
    assert {better_way(None, d) for d in DIRECTIONS} == {"battre_upp", "battre_ned", "neutral"}


def test_the_catalogue_says_neutral_where_the_specification_does() -> None:
    """products.md: the target's operator; without target a list of those that go up or down, the rest neutral."""
    from dagster_project.catalogue.plan import targets

    shown = {t.indicator_id: t.operator for t in targets() if t.main}
    without = {i.id: i.direction for i in load_catalogue() if i.id not in shown}
    up = {"gas_t_forandring", "gas_maluppfyllelse", "np_behandling_90", "aktiviteter_genomforda"}
    up |= {i.id for i in load_catalogue() if i.kind == "tackning"}
    assert {i for i, d in without.items() if d == "upp"} == up - set(shown)
    assert {i for i, d in without.items() if d == "ned"} == {"vantetid_median"}
    for i in load_catalogue():
        if i.id in shown:
            assert (i.direction == "upp") == shown[i.id].startswith(">"), i.id


def test_numbers_have_decimals_where_they_are_usual() -> None:
    assert {kind: decimals_of(kind) for kind in KINDS} == {
        **{"andel": 1, "tackning": 1, "median": 1, "medel": 1},
        **{"antal": 0, "belopp": 0},
    }


def test_an_indicator_that_is_frozen_is_told_as_it_was() -> None:
    older = catalogue().filter(indicator_id=FIRST).with_columns(titel=pl.lit("Som det hette"), mal_operator=pl.lit("<"))
    found = made(cells(cell(**AUGUST)), unit_periods(MOVED, cells(), []), older)[INDICATOR_DIMENSION]
    told = found.row(by_predicate=pl.col("indicator_id") == FIRST, named=True)
    assert (told["titel"], told["riktning"]) == ("Som det hette", "battre_ned")
    assert found["titel"].null_count() == 0, "one that has no rows is described too"


# --- Breaks ----------------------------------------------------------------------------------------------------------

BREAKS = (
    f"{SECOND},,2022-03-01,ny definition",
    f",{PLACE},2021-01-01,omorganisation",
    f"{FIRST},{PLACE},2022-02-01,nytt system",
    f"{FIRST},,2022-01-01,=räknas om",
    ',,2020-01-01,"nytt journalsystem, alla"',
)


def test_breaks_of_the_seed_are_in_every_form_of_a_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seed is empty today: rows of every kind are read, and written as Parquet, CSV, database and description."""
    from frictionless import Package

    (tmp_path / "brott.csv").write_text("\n".join(("indicator_id,verksamhet,datum,orsak", *BREAKS, "")), "utf-8")
    monkeypatch.setattr(breaks, "seed", lambda name: read_seed(tmp_path / f"{name}.csv"))
    load_breaks.cache_clear()
    try:
        result = cells(cell(**AUGUST))
        named = made(result, unit_periods(MOVED, result, []))
    finally:
        load_breaks.cache_clear()
    expected = [
        (None, None, date(2020, 1, 1), "nytt journalsystem, alla"),
        (None, PLACE, date(2021, 1, 1), "omorganisation"),
        *sorted(
            [
                (FIRST, None, date(2022, 1, 1), "=räknas om"),
                (FIRST, PLACE, date(2022, 2, 1), "nytt system"),
                (SECOND, None, date(2022, 3, 1), "ny definition"),
            ],
            key=lambda row: (row[0], row[1] or ""),
        ),
    ]
    assert named[BREAK_TABLE].rows() == expected
    folder = tmp_path / "utgava"
    folder.mkdir()
    rows = write_tables(folder, {RESULT_TABLE: result, **named}, "r")
    assert rows["brott.parquet"] == rows["brott.csv"] == len(BREAKS)
    assert pl.read_parquet(folder / "brott.parquet").rows() == expected
    with database(folder / "resultat.duckdb") as connection:
        assert connection.execute("from brott").fetchall() == expected
    package = Package(str(folder / "datapackage.json"))
    report = package.get_resource("brott_csv").validate()
    assert report.valid, report.flatten(["title", "note", "fieldName", "rowNumber"])
    read = [tuple(row.to_dict().values()) for row in package.get_resource("brott_csv").read_rows()]
    assert read == [(*row[:3], row[3].replace("=", "'=")) for row in expected]


# --- Keys ------------------------------------------------------------------------------------------------------------


def test_a_row_that_another_names_is_one() -> None:
    """A foreign key that names several rows multiplies: a unit that has moved has several in `dim_enhet`."""
    result = cells(cell(niva="enhet", verksamhet=PLACE, enhet="E1", **AUGUST), cell(**YEAR))
    tables = {RESULT_TABLE: result, **made(result, unit_periods(MOVED, result, []))}
    references = {(r.table, tuple(r.named)) for name in TABLES for r in described(name).references}
    assert len(references) > 4
    for table, named in references:
        assert not tables[table].select(pl.struct(named).is_duplicated().any()).item(), (table, named)


# --- Views -----------------------------------------------------------------------------------------------------------


def test_views_have_one_row_per_cell() -> None:
    """A unit with several periods of validity, or in two verksamheter in one year, multiplies nothing."""
    units = [
        cell(niva="enhet", verksamhet=PLACE, enhet="E1", **period, kon=kon)
        for period in (AUGUST, YEAR)
        for kon in "TKM"
    ]
    units.append(cell(niva="enhet", verksamhet=verksamhet_codes()[1], enhet="E1", **YEAR))
    result = cells(
        cell(**AUGUST),
        cell(**SEPTEMBER, komplett=False),
        cell(niva="verksamhet", verksamhet=PLACE, **AUGUST, komplett=False, status="preliminar"),
        *units,
    )
    tables = {RESULT_TABLE: result, **made(result, unit_periods(MOVED, result, []))}
    with database() as connection:
        for name, frame in tables.items():
            connection.register(f"frame_{name}", frame)
            connection.execute(f"create table {name} as select * from frame_{name}")
        for statement in VIEWS.values():
            connection.execute(statement)
        told = connection.execute(f"select * from {RESULTS_VIEW}").pl()
        latest = connection.execute(f"select * from {LATEST_VIEW}").pl()
    assert told.height == result.height
    names = told.filter(pl.col("niva") == "enhet").select("period_typ", "verksamhet", "enhet_nyckel").unique()
    assert sorted(names.iter_rows()) == [
        ("ar", PLACE, "E1|2022-04-01"),
        ("ar", verksamhet_codes()[1], "E1|2022-09-01"),
        ("manad", PLACE, "E1|2022-04-01"),
    ]
    labels_of = [
        "titel",
        "period_etikett",
        "plats",
        "niva_ord",
        "kon_ord",
        "status_ord",
        "status_symbol",
        "kvalitet_ord",
    ]
    assert told.select(pl.col(labels_of).is_null().any()).row(0) == (False,) * len(labels_of)
    # A month that has not ended is not the newest complete one; a place of which only a part came is not left out.
    assert set(latest["period_etikett"]) == {"aug 2022"}
    assert set(latest["niva"]) == {"omrade", "verksamhet", "enhet"}
