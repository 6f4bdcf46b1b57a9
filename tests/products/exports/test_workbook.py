"""`resultat.xlsx`, read back with openpyxl and calamine: every number is the release's, hidden ones are not there, text
is text, and the same release gives the same bytes."""

from __future__ import annotations

import zipfile
from datetime import date, datetime
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook
from xlsxwriter.worksheet import Worksheet as XlsxWorksheet

from dagster_project.core.paths import DataPaths
from dagster_project.core.printable import printable
from dagster_project.products.exports import files, workbook, worksheet
from dagster_project.products.exports.files import WORKBOOK, write_exports
from dagster_project.products.exports.sheets import sheets
from dagster_project.products.reading import Reading
from dagster_project.releases.labels import STATUS_WORDS
from tests.products.exports.small import (
    COMMENT,
    KINDS,
    NODES,
    UNITS,
    exported_release,
    plan,
    results,
    sheet_rows,
    shown,
)

SEXES = {"Alla": "T", "Kvinnor": "K", "Män": "M"}
TYPES = {"Månad": "manad", "Tertial": "tertial", "Delår": "delar", "År": "ar", "Tolv månader": "r12"}
NUMBERS = {"Täljare": "taljare", "Nämnare": "namnare", "Värde": "varde", "Jämförelse": "jamforelse_varde"}


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    return exported_release(DataPaths(tmp_path / "data"))


def _written(reading: Reading, folder: Path, units: bool = False) -> Path:
    folder.mkdir()
    write_exports(reading, DataPaths(folder / "ingen"), folder, units)
    return folder / WORKBOOK


@pytest.fixture
def book(reading: Reading, tmp_path: Path) -> Path:
    return _written(reading, tmp_path / "ut", units=True)


def _key(row: dict[str, object], level: str) -> tuple[object, ...]:
    units = {name: unit for unit, (_, name) in UNITS.items()}
    node = {"omrade": None, "verksamhet": row.get("Kod"), "enhet": row.get("Verksamhet")}[level]
    unit = units[str(row["Enhet"])] if level == "enhet" else None
    end = row["Till och med"]
    assert isinstance(end, datetime)
    return (row["Indikator-id"], level, node, unit, TYPES[str(row["Periodtyp"])], end.date(), SEXES[str(row["Kön"])])


@pytest.mark.parametrize(
    ("name", "level"), [("Område", "omrade"), ("Verksamheter", "verksamhet"), ("Enheter", "enhet")]
)
def test_every_cell_is_the_releases(reading: Reading, book: Path, name: str, level: str) -> None:
    cells = {k: c for k, c in shown(reading).items() if k[1] == level and c["status"] != "ej_tillamplig"}
    rows = {_key(row, level): row for row in sheet_rows(book, name)}
    assert rows.keys() == cells.keys() and len(rows) == len(sheet_rows(book, name)) > 50
    for key, row in rows.items():
        for header, column in NUMBERS.items():
            # A workbook keeps 16 digits.
            assert row[header] == (v if (v := cells[key][column]) is None else pytest.approx(v, rel=1e-15, abs=0)), key
        assert row["Status"] == STATUS_WORDS[cells[key]["status"]]
    hidden = [row for row in rows.values() if row["Status"] == "För få för att visas"]
    assert hidden and all(row[n] is None for row in hidden for n in NUMBERS)


def test_calamine_reads_the_same_numbers(book: Path) -> None:
    found = CalamineWorkbook.from_path(book).get_sheet_by_name("Verksamheter").to_python()
    place = {name: n for n, name in enumerate(found[0])}
    read = [[row[place[n]] for n in ("Värde", "Täljare", "Indikator")] for row in found[1:]]
    other = [
        [row[n] if row[n] is not None else "" for n in ("Värde", "Täljare", "Indikator")]
        for row in sheet_rows(book, "Verksamheter")
    ]
    assert read == other
    assert isinstance(found[1][place["Till och med"]], date)


def test_the_plan_stands_with_its_sentence_and_no_hidden_number(book: Path) -> None:
    area, hidden, told = sheet_rows(book, "Planen")
    assert (area["Värde"], area["Täljare"], area["Måluppfyllelse"]) == (90, 45, "Uppnått")
    assert area["År"] == 2022 and area["Från"] == datetime(2022, 1, 1)
    assert hidden["Verksamhet"] == "Barn & <unga>" and hidden["Måluppfyllelse"] == "För få för att visas"
    assert [hidden[n] for n in ("Värde", "Täljare", "Nämnare", "Jämförelse")] == [None] * 4
    assert told["Kommentar"] == printable(COMMENT) and told["Rapporterat"] == "Pågår"


def test_the_plan_is_told_newest_first_without_what_it_is_not_about(reading: Reading, tmp_path: Path) -> None:
    told = plan().head(1)
    rows = [
        told.with_columns(tillfalle=pl.lit(occasion), ar=pl.lit(year, pl.Int64), malstatus=pl.lit(status))
        for occasion, year, status in (
            ("ar", 2021, "uppfyllt"),
            ("ar", 2022, "uppfyllt"),
            ("delar", 2022, "ej_tillamplig"),
            ("delar", 2021, "uppfyllt"),
            ("senaste", 2022, "uppfyllt"),
        )
    ]
    rows.append(rows[2].with_columns(verksamhet=pl.lit("AA"), rapporterad_status=pl.lit("genomford")))
    other = exported_release(DataPaths(tmp_path / "annan"), {"plan_uppfoljning": pl.concat(rows)})
    found = sheet_rows(_written(other, tmp_path / "ut"), "Planen")
    assert [(row["Tillfälle"], row["År"]) for row in found] == [
        ("Senaste läget", 2022), ("Delår", 2022), ("År", 2022), ("Delår", 2021), ("År", 2021),
    ]  # fmt: skip
    assert found[1]["Rapporterat"] == "Genomförd"


def test_text_is_never_a_formula_nor_a_link_and_numbers_are_no_text(book: Path) -> None:
    """`=AA()` and `Barn & <unga>` stay what they are: a workbook says itself that they are text."""
    found = load_workbook(book)
    for page in found.worksheets:
        for row in page.iter_rows(min_row=2):
            assert {cell.data_type for cell in row} <= {"s", "n", "d"}, page.title
    texts = {cell.value for cell in found["Verksamheter"]["B"]}
    assert texts == {"Verksamhet", "=AA()", "Barn & <unga>"}
    assert {t for t, *_ in (r[1:] for r in KINDS.values())} == {row["Indikator"] for row in sheet_rows(book, "Område")}
    with zipfile.ZipFile(book) as archive:
        parts = {n: archive.read(n).decode() for n in archive.namelist() if n.startswith("xl/worksheets/")}
    assert not [n for n, text in parts.items() if "<f>" in text]
    assert not [n for n, text in parts.items() if "http" in text and n.endswith(".rels")]


def test_text_that_looks_like_a_formula_stays_text_when_its_cell_is_edited(reading: Reading, tmp_path: Path) -> None:
    """Excel marks such a cell with a quote that it does not show (quotePrefix); other text and numbers have none."""
    nodes = reading.table("dim_verksamhet").with_columns(pl.concat_str(pl.lit("="), "namn").alias("namn"))
    other = exported_release(DataPaths(tmp_path / "annan"), {"dim_verksamhet": nodes})
    for wrapped, path in enumerate((_written(reading, tmp_path / "a", True), _written(other, tmp_path / "b", True))):
        marked = set()
        for page in load_workbook(path).worksheets:
            for cell in (cell for row in page.iter_rows() for cell in row if cell.value is not None):
                runs = cell.data_type == "s" and str(cell.value)[0] in "=+-@"
                assert bool(cell.quotePrefix) is runs, (page.title, cell.coordinate, cell.value)
                marked |= {(page.title, str(cell.value)[0])} if runs else set()
        assert {title for title, _ in marked} >= {"Planen", "Verksamheter", "Enheter", "Definitioner", "Kvalitet"}
        assert {sign for _, sign in marked} == set("=+-@") and (("Om utgåvan", "=") in marked) is bool(wrapped)


def test_a_cell_says_everything_that_should_be_known_of_it(tmp_path: Path) -> None:
    marks = {
        ("FA", "varning"): "Få fall; källa med varning",
        ("FA", "fryst"): "Fryst; få fall",
        (None, "varning"): "Källa med varning",
        (None, "godkand"): None,
    }
    rows = results().filter(niva="omrade", status="uppfyllt", kon="T").head(len(marks))
    rows = rows.with_columns(markering=pl.Series([m for m, _ in marks]), kvalitet=pl.Series([q for _, q in marks]))
    open_ = results().filter(pl.col("niva") == "omrade", ~pl.col("komplett"))
    told = exported_release(DataPaths(tmp_path / "annan"), {"indicator_result": pl.concat([rows, open_])})
    found = sheet_rows(_written(told, tmp_path / "ut"), "Område")
    year = date(2022, 12, 31)
    over = [row["Anmärkning"] for row in found if row["Till och med"].date() != year]
    assert over == list(marks.values())
    goes_on = {(row["Status"], row["Anmärkning"]) for row in found if row["Till och med"].date() == year}
    assert goes_on == {
        ("Preliminärt", None),
        ("För få för att visas", "Preliminärt"),
        ("Inga uppgifter", "Preliminärt"),
    }


def test_sheets_can_be_filtered_and_keep_their_header(book: Path) -> None:
    found = load_workbook(book)
    assert found.sheetnames == [
        "Om utgåvan", "Planen", "Område", "Verksamheter", "Enheter", "Definitioner", "Kvalitet", "Leveranser",
    ]  # fmt: skip
    for page in found.worksheets[1:]:
        assert page.freeze_panes == "B2" and page.auto_filter.ref == page.dimensions, page.title
        assert all(page.column_dimensions[cell.column_letter].width >= 7 for cell in page[1])
    value = next(cell for cell in found["Område"][1] if cell.value == "Värde").column
    formats = {page_row[value - 1].number_format for page_row in found["Område"].iter_rows(min_row=2)} - {"General"}
    assert formats == {"#,##0_-", "#,##0.0_-"}


def test_the_cover_says_what_it_is_and_what_is_left_out(reading: Reading, tmp_path: Path) -> None:
    with_units, without = (
        "\n".join(str(c) for row in load_workbook(path)["Om utgåvan"].iter_rows(values_only=True) for c in row if c)
        for path in (_written(reading, tmp_path / "a", units=True), _written(reading, tmp_path / "b"))
    )
    for text in (with_units, without):
        assert reading.release.id in text and "30 september 2022" in text
        assert "färre än 5" in text and "gas_antal: en källa är inte godkänd" in text
        assert "Konfidensintervall" in text
    assert "Enheter: de finns i utgåvans indicator_result.csv" in without and "Enheter: de" not in with_units


def test_definitions_quality_and_deliveries_are_there(book: Path) -> None:
    definitions = sheet_rows(book, "Definitioner")
    assert [row["Indikator-id"] for row in definitions] == [i for i, *_ in KINDS.values()]
    assert definitions[0]["Definition"] == "d & <e>" and definitions[0]["Täljare"] == "=t"
    failed, passed = sheet_rows(book, "Kvalitet")
    assert (failed["Utfall"], failed["Avvikande rader"], failed["Iakttaget"]) == ("Underkänd", 3, "=3 & <4>")
    assert passed["Utfall"] == "Godkänd"
    deliveries = sheet_rows(book, "Leveranser")
    assert [row["Fil"] for row in deliveries] == ["kva/kva", "x"][:0] + [
        "kva/x.csv",
        "vantetider/a.csv",
        "vantetider/b.csv",
    ]
    assert deliveries[1]["Uttagsdatum"] == datetime(2022, 9, 1) and deliveries[1]["I karantän"] == 2


def test_the_same_release_gives_the_same_bytes(reading: Reading, tmp_path: Path) -> None:
    first, again = _written(reading, tmp_path / "a"), _written(reading, tmp_path / "b")
    assert first.read_bytes() == again.read_bytes()
    assert {p.name: p.read_bytes() for p in first.parent.iterdir()} == {
        p.name: p.read_bytes() for p in again.parent.iterdir()
    }


def test_many_rows_are_written_as_they_come_and_go_on_in_a_sheet_of_their_own(reading: Reading, tmp_path: Path) -> None:
    path = tmp_path / "bok.xlsx"
    with patch.object(workbook, "MOST_ROWS", 100), patch.object(workbook, "_MOST_IN_MEMORY", 0):
        workbook.write_workbook(path, files._cover(reading, False), list(sheets(reading)), "2022-09-30")
    names = [n for n in load_workbook(path, read_only=True).sheetnames if n.startswith("Verksamheter")]
    assert names == ["Verksamheter", "Verksamheter 2"]
    whole = sheet_rows(_written(reading, tmp_path / "ut"), "Verksamheter")
    assert [row for name in names for row in sheet_rows(path, name)] == whole


def test_a_text_longer_than_a_cell_is_cut(reading: Reading, tmp_path: Path) -> None:
    long = reading.table("dim_indikator").with_columns(definition=pl.lit("å" * 40_000))
    other = exported_release(DataPaths(tmp_path / "annan"), {"dim_indikator": long})
    definition = sheet_rows(_written(other, tmp_path / "ut"), "Definitioner")[0]["Definition"]
    assert len(definition) == 32_767 and definition.endswith("å…")


def test_nodes_are_named_in_the_order_of_reports(book: Path) -> None:
    assert list(dict.fromkeys(row["Kod"] for row in sheet_rows(book, "Verksamheter"))) == list(NODES)[1:]


def test_the_bytes_are_those_that_xlsxwriter_itself_writes(reading: Reading, book: Path, tmp_path: Path) -> None:
    with patch.object(worksheet.Worksheet, "_write_cell", XlsxWorksheet._write_cell):
        itself = _written(reading, tmp_path / "xlsxwriter", units=True)
    assert itself.read_bytes() == book.read_bytes()
