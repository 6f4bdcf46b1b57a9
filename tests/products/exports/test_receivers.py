"""Vården i siffror, Kolada and FHIR, each read back by another library than wrote it and compared with the release."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.measurereport import MeasureReport
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.core.paths import DataPaths
from dagster_project.products.exports import varden_i_siffror
from dagster_project.products.exports.cells import preliminary
from dagster_project.products.exports.files import write_exports
from dagster_project.products.exports.varden_i_siffror import COLUMNS
from dagster_project.products.reading import Reading
from dagster_project.releases.tables import RESULT_SCHEMA
from tests.products.exports.small import KINDS, NODES, UNITS, dimensions, exported_release, is_open, results, shown

CODES = {f"SE2321000164-DEMO{code}": code for code in NODES}
Cells = dict[tuple[Any, ...], dict[str, Any]]


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    return exported_release(DataPaths(tmp_path / "data"))


def _folder(reading: Reading, tmp_path: Path, units: bool = False) -> Path:
    folder = tmp_path / f"ut{units}"
    folder.mkdir()
    write_exports(reading, DataPaths(tmp_path / "ingen"), folder, units)
    return folder


def _cells(reading: Reading, *types: str, units: bool = False) -> Cells:
    levels = ("omrade", "verksamhet", "enhet") if units else ("omrade", "verksamhet")
    wanted = {k: c for k, c in shown(reading).items() if k[4] in types and k[1] in levels}
    return {k: c for k, c in wanted.items() if c["status"] != "ej_tillamplig"}


# --- Vården i siffror -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("units", [False, True])
def test_every_row_of_varden_i_siffror_is_a_cell(reading: Reading, tmp_path: Path, units: bool) -> None:
    text = (_folder(reading, tmp_path, units) / "varden_i_siffror.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines(), delimiter=";"))
    assert tuple(rows[0]) == COLUMNS
    cells = {k: c for k, c in _cells(reading, "manad", "ar", units=units).items() if not is_open(c)}
    found = {}
    for row in rows:
        level = {"Område": "omrade", "Verksamhet": "verksamhet", "Enhet": "enhet"}[row["Enhetstyp"]]
        code = CODES.get(row["Enhetskod"])
        node = UNITS[row["Enhetskod"]][0] if level == "enhet" else (code if level == "verksamhet" else None)
        unit = row["Enhetskod"] if level == "enhet" else None
        period = row["Mätperiod"]
        end = date(int(period), 12, 31) if len(period) == 4 else date(int(period[:4]), int(period[5:]), 31)
        sex = {"Totalt": "T", "Kvinnor": "K", "Män": "M"}[row["Kön/Totalt"]]
        found[(row["Indikator-Id"], level, node, unit, "ar" if len(period) == 4 else "manad", end, sex)] = row
    assert found.keys() == cells.keys() and len(found) == len(rows)
    for key, row in found.items():
        cell = cells[key]
        told = [row[n] for n in ("Värde", "Täljare", "Nämnare/antal fall")]
        if cell["status"] == "dold":
            assert told == ["MSK", "", ""]
        elif cell["varde"] is None:
            assert told == ["UNK", "", ""]
        else:
            assert [float(t.replace(",", ".")) if t else None for t in told] == [
                cell[n] for n in ("varde", "taljare", "namnare")
            ]
    assert {"MSK", "UNK"} <= {row["Värde"] for row in rows}


def test_a_unit_that_moved_within_a_period_has_no_row_of_it(tmp_path: Path) -> None:
    """Nothing in the file tells its two parts apart: neither is the unit's number, and hidden ones cannot be added."""
    unit, (node, _) = next(iter(UNITS.items()))
    here = (pl.col("enhet") == unit) & (pl.col("period_typ") == "ar") & (pl.col("period_slut") == date(2021, 12, 31))
    other = results().filter(here).with_columns(verksamhet=pl.lit("BB"))
    # The indicator may not be about the other verksamhet: what is left is a part of the year all the same.
    first = pl.col("indicator_id") == pl.col("indicator_id").first()
    other = other.with_columns(status=pl.when(first).then(pl.lit("ej_tillamplig")).otherwise("status"))
    reading = exported_release(DataPaths(tmp_path / "data"), {"indicator_result": pl.concat([results(), other])})
    folder = _folder(reading, tmp_path, units=True)
    rows = pl.read_csv(folder / "varden_i_siffror.csv", separator=";", infer_schema=False)
    assert rows.select(COLUMNS[3:6] + ("Mätperiod",)).is_duplicated().sum() == 0
    assert set(rows.filter(pl.col("Enhetskod") == unit)["Mätperiod"]) == {"2022-07", "2022-08"} and node == "AA"
    others = rows.filter(pl.col("Enhetskod") == list(UNITS)[1])
    assert set(others["Mätperiod"]) == {"2021", "2022-07", "2022-08"}


# --- Periods that are not over ----------------------------------------------------------------------------------------

_YEARS = {y: ("ar", date(y, 1, 1), date(y, 12, 31)) for y in (2020, 2021, 2022)}
_JULY, _AUGUST = ("manad", date(2022, 7, 1), date(2022, 7, 31)), ("manad", date(2022, 8, 1), date(2022, 8, 31))
_SEPTEMBER, _MAY_2021 = ("manad", date(2022, 9, 1), date(2022, 9, 30)), ("manad", date(2021, 5, 1), date(2021, 5, 31))
OPEN_CASES = {
    # period, komplett, status, niva: whether its content is to come or may change
    "shown, of a period that goes on": (_SEPTEMBER, False, "preliminar", "omrade", True),
    "hidden, of a period that goes on": (_SEPTEMBER, False, "dold", "omrade", True),
    "empty, of a period that goes on": (_SEPTEMBER, False, "inga_data", "omrade", True),
    "empty, of a year that goes on": (_YEARS[2022], False, "inga_data", "verksamhet", True),
    "hidden, of a month that came in part": (_AUGUST, False, "dold", "verksamhet", True),
    "empty, of a month that came in part": (_AUGUST, False, "inga_data", "verksamhet", True),
    "empty, before the data": (_MAY_2021, False, "inga_data", "omrade", False),
    "empty year, before the data": (_YEARS[2020], False, "inga_data", "omrade", False),
    "shown, begun before the data": (_YEARS[2021], False, "preliminar", "omrade", True),
    "hidden, begun before the data": (_YEARS[2021], False, "dold", "omrade", True),
    "hidden, over": (_AUGUST, True, "dold", "omrade", False),
    "empty, over": (_AUGUST, True, "inga_data", "omrade", False),
    "judged, over": (_AUGUST, True, "uppfyllt", "omrade", False),
}


@pytest.mark.parametrize("case", OPEN_CASES)
def test_a_cell_of_a_period_that_is_not_over_is_preliminary_whatever_its_status(case: str) -> None:
    (typ, start, end), whole, status, level, expected = OPEN_CASES[case]
    said = {"indicator_id": "besok", "kon": "T", "verksamhet": None if level == "omrade" else "AA", "niva": level}
    asked = said | {"period_typ": typ, "period_start": start, "period_slut": end, "komplett": whole, "status": status}
    known = asked | {"niva": "omrade", "verksamhet": None, "komplett": True, "status": "uppfyllt", "kon": "K"}
    months = [
        known | dict(zip(("period_typ", "period_start", "period_slut"), p, strict=True)) for p in (_JULY, _AUGUST)
    ]
    # What another indicator has complete says nothing of this one.
    other = known | {"indicator_id": "poang", "period_start": date(2021, 1, 1), "period_slut": date(2022, 12, 31)}
    rows = pl.DataFrame([dict.fromkeys(RESULT_SCHEMA) | r for r in (*months, other, asked)], schema=RESULT_SCHEMA)
    assert rows.select(preliminary(rows))["preliminar"].to_list() == [False, False, False, expected]


def test_months_before_a_stocks_first_are_before_the_data_though_its_year_is_complete() -> None:
    """A stock looks at the last month of a period only, so that its first complete year begins before the data."""
    periods = {
        _YEARS[2021]: (True, "inget_mal", False),
        ("manad", date(2021, 12, 1), date(2021, 12, 31)): (True, "inget_mal", False),
        ("manad", date(2021, 11, 1), date(2021, 11, 30)): (False, "inga_data", False),
        ("delar", date(2021, 1, 1), date(2021, 8, 31)): (False, "inga_data", False),
        ("manad", date(2022, 1, 1), date(2022, 1, 31)): (False, "inga_data", True),
    }
    rows = [
        dict.fromkeys(RESULT_SCHEMA)
        | {"indicator_id": "kon", "period_typ": t, "period_start": a, "period_slut": b, "komplett": whole, "status": s}
        for (t, a, b), (whole, s, _) in periods.items()
    ]
    frame = pl.DataFrame(rows, schema=RESULT_SCHEMA)
    found = frame.select(preliminary(frame))["preliminar"].to_list()
    assert found == [expected for *_, expected in periods.values()]


def test_what_has_nothing_complete_yet_is_preliminary() -> None:
    cell = {"indicator_id": "besok", "komplett": False, "status": "inga_data", "period_typ": "manad"}
    cell |= {"period_start": date(2022, 9, 1), "period_slut": date(2022, 9, 30)}
    rows = pl.DataFrame([dict.fromkeys(RESULT_SCHEMA) | cell], schema=RESULT_SCHEMA)
    assert rows.select(preliminary(rows)).item() is True


def test_a_spreadsheet_runs_no_text_of_varden_i_siffror(reading: Reading, tmp_path: Path) -> None:
    """Text is escaped, numbers are not; `Barn & <unga>` stays what it is."""
    path = _folder(reading, tmp_path, units=True) / "varden_i_siffror.csv"
    frame = pl.read_csv(path, separator=";", infer_schema=False)
    assert {"'=AA()", "Barn & <unga>", "'@Enhet & <två>"} < set(frame["Enhetsnamn"])
    assert {'\'=Besök; "alla"', "'-Resultat", "'+Poäng"} < set(frame["Titel"])
    texts = frame.drop("Värde", "Täljare", "Nämnare/antal fall")
    assert not [v for name in texts.columns for v in texts[name] if v and v[0] in "=+-@"]
    assert {v[:2] for v in frame.filter(pl.col("Indikator-Id") == "resultat")["Värde"]} >= {"-1"}
    assert not path.read_bytes().startswith(b"\xef\xbb\xbf")


@given(st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_a_number_is_written_exactly_with_decimal_comma_and_no_exponent(value: float) -> None:
    text = varden_i_siffror._written(value)
    assert float(text.replace(",", ".")) == value and "e" not in text.lower() and "." not in text
    assert Decimal(text.replace(",", ".")) == Decimal(repr(value))


# --- Kolada -----------------------------------------------------------------------------------------------------------


def test_every_value_of_kolada_is_a_cell_and_every_gap_has_its_status(reading: Reading, tmp_path: Path) -> None:
    folder = _folder(reading, tmp_path)
    answer = json.loads((folder / "kolada.json").read_text(encoding="utf-8"))
    assert answer["count"] == len(answer["values"]) > 20
    cells, found = _cells(reading, "ar"), set()
    for row in answer["values"]:
        assert row.keys() == {"kpi", "ou", "period", "values"} and isinstance(row["period"], int)
        code = row["ou"].removeprefix("V99E0018DEMO")
        level, node = ("omrade", None) if code == "HH" else ("verksamhet", code)
        for told in row["values"]:
            assert told.keys() == {"gender", "count", "status", "value"} and told["count"] == 1
            key = (row["kpi"], level, node, None, "ar", date(row["period"], 12, 31), told["gender"])
            found.add(key)
            status, value = cells[key]["status"], cells[key]["varde"]
            expected = {"dold": ("Private", None), "inga_data": ("Missing", None)}.get(status, ("", value))
            assert (told["status"], told["value"]) == (("Missing", None) if is_open(cells[key]) else expected), key
    assert found == cells.keys()


def test_kpis_and_ous_name_those_of_the_values(reading: Reading, tmp_path: Path) -> None:
    folder = _folder(reading, tmp_path)
    values, kpis, ous = (json.loads((folder / n).read_text())["values"] for n in ("kolada.json", "kpi.json", "ou.json"))
    assert {row["kpi"] for row in values} == {kpi["id"] for kpi in kpis} == {i for i, *_ in KINDS.values()}
    assert {row["ou"] for row in values} == {ou["id"] for ou in ous}
    assert ous[1] == {"id": "V99E0018DEMOBB", "municipality": "0018", "title": "Barn & <unga>"}
    by_sex = {kpi["id"]: kpi["is_divided_by_gender"] for kpi in kpis}
    assert by_sex["vantat_kort"] is True and by_sex["poang"] is False
    assert {kpi["publ_period"] for kpi in kpis} == {2021}  # 2022 is preliminary


# --- FHIR -------------------------------------------------------------------------------------------------------------


def _reports(folder: Path) -> list[Any]:
    bundle = Bundle.model_validate_json((folder / "measure_reports.json").read_bytes())
    assert bundle.type == "collection"
    reports = [entry.resource for entry in bundle.entry or ()]
    assert all(isinstance(report, MeasureReport) for report in reports)
    return reports


def _groups(report: Any) -> Iterator[tuple[str, Any]]:
    """Sex and what holds its populations and score."""
    group = report.group[0]
    if group.measureScore is not None:
        yield "T", group
    for stratum in (s for stratifier in group.stratifier or () for s in stratifier.stratum):
        yield {"female": "K", "male": "M"}[stratum.value.coding[0].code], stratum


def test_every_measure_report_is_valid_and_says_what_the_cells_say(reading: Reading, tmp_path: Path) -> None:
    cells, found = _cells(reading, "delar", "ar"), set()
    kinds = {i: kind for kind, (i, *_) in KINDS.items()}
    units = {"procent": "%", "dagar": "d", "poäng": "{score}", "kr": "{SEK}", "antal": "1"}
    for report in _reports(_folder(reading, tmp_path)):
        indicator = report.measure.rpartition("/")[2].partition("|")[0]
        assert report.reporter.identifier.system == "urn:oid:1.2.752.129.2.1.4.1"
        code = CODES[report.reporter.identifier.value]
        assert report.reporter.display == NODES[code] and report.type == "summary"
        level, node = ("omrade", None) if code == "HH" else ("verksamhet", code)
        typ = "delar" if report.period.end.month == 8 else "ar"
        preliminary = set()
        for sex, told in _groups(report):
            key = (indicator, level, node, None, typ, report.period.end, sex)
            cell = cells[key]
            found.add(key)
            preliminary.add(is_open(cell))
            score, counts = told.measureScore, {p.code.coding[0].code: p.count for p in told.population or ()}
            if cell["varde"] is None:
                reason = "masked" if cell["status"] == "dold" else "unknown"
                assert (score.value, counts) == (None, {}) and score.extension[0].valueCode == reason
                continue
            assert float(score.value) == cell["varde"] and score.extension is None
            assert score.code == units[KINDS[kinds[indicator]][2]] and score.system == "http://unitsofmeasure.org"
            assert (
                counts
                == {
                    "andel": {"numerator": cell["taljare"], "denominator": cell["namnare"]},
                    "tackning": {"numerator": cell["taljare"], "denominator": cell["namnare"]},
                    "antal": {"numerator": cell["taljare"]},
                    "medel": {"measure-population": cell["namnare"]},
                    "median": {"measure-population": cell["namnare"]},
                    "belopp": {},
                }[kinds[indicator]]
            )
        assert report.status == ("pending" if preliminary == {True} else "complete") and len(preliminary) == 1
    assert found == cells.keys()


def test_ids_are_the_cells_own_whatever_release_tells_them(reading: Reading, tmp_path: Path) -> None:
    first = [r.id for r in _reports(_folder(reading, tmp_path))]
    (tmp_path / "b").mkdir()
    other = exported_release(DataPaths(tmp_path / "b"), {"dim_indikator": dimensions()["dim_indikator"].reverse()})
    again = [r.id for r in _reports(_folder(other, tmp_path / "b"))]
    assert len(set(first)) == len(first) and set(first) == set(again) and first != again


def test_a_node_without_ids_is_left_out_of_what_needs_them(tmp_path: Path) -> None:
    here = pl.col("verksamhet") == "BB"
    nodes = dimensions()["dim_verksamhet"].with_columns(
        pl.when(~here).then(pl.col(n)).alias(n) for n in ("hsaid", "kolada_ou")
    )
    folder = _folder(exported_release(DataPaths(tmp_path / "data"), {"dim_verksamhet": nodes}), tmp_path)
    for name in ("varden_i_siffror.csv", "kolada.json", "ou.json", "measure_reports.json"):
        text = (folder / name).read_text(encoding="utf-8")
        assert "Barn & <unga>" not in text and "DEMOBB" not in text and "DEMOAA" in text, name
