"""The form that a verksamhet reports in: filled in with another library, it is a delivery that is accepted."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.catalogue.plan import followed_up_items
from dagster_project.catalogue.vocabulary import REPORT_STATUSES
from dagster_project.core.errors import UsageError
from dagster_project.core.paths import DataPaths
from dagster_project.engines.duckdb import database
from dagster_project.ingestion.readers.headers import fold_header
from dagster_project.products.report_form import (
    COLUMNS,
    HEADERS,
    Earlier,
    asked_of,
    default_name,
    earlier_reports,
    write_form,
)
from dagster_project.products.words import REPORT_STATUS_WORDS
from tests.extracts import Pipeline
from tests.jobs import said

SOURCE = "aktiviteter"
MONTH, MADE = date(2022, 8, 1), date(2022, 9, 5)
CONTRACT = load_contracts()[SOURCE]
EARLIER = {
    "HH-2022-03": Earlier(date(2022, 6, 30), "pagar", '=HYPERLINK("http://x")\x0b <b>fet</b> ' + "å" * 3000),
}


@pytest.fixture
def form(tmp_path: Path) -> Path:
    path = tmp_path / default_name(SOURCE, "BUH", MADE)
    write_form(path, SOURCE, asked_of("BUH", MONTH), "BUH", MONTH, EARLIER, MADE)
    return path


def rows(path: Path) -> dict[str, tuple[Any, ...]]:
    """The first sheet's rows by item, as openpyxl has their cells."""
    return {row[0].value: row for row in openpyxl.load_workbook(path).worksheets[0].iter_rows(min_row=2)}


def test_the_form_and_the_contract_have_the_same_columns() -> None:
    assert [c.name for c in CONTRACT.columns] == [*COLUMNS, "makulerad"]
    assert tuple(HEADERS) == CONTRACT.helping_columns
    assert [fold_header(text) for text in HEADERS.values()] == list(HEADERS)
    assert tuple(REPORT_STATUS_WORDS) == REPORT_STATUSES


def test_a_filled_in_form_is_accepted_and_the_rest_passed_over(form: Path, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(form)
    sheet = book.worksheets[0]
    filled = {"HH-2022-02": ("Genomförd", 3, "Tre områden: bemötande, väntan, information."), "HH-2022-04": ("Pågår",)}
    for row in sheet.iter_rows(min_row=2):
        for cell, value in zip(row[3:], filled.get(row[0].value, ()), strict=False):
            cell.value = value
    content = io.BytesIO()
    book.save(content)
    pipeline = Pipeline(tmp_path)
    pipeline.put(SOURCE, form.name, content.getvalue())
    settled = pipeline.run()
    (delivery,) = settled.accepted(SOURCE)
    counts = (delivery.rows_read, delivery.rows_accepted, delivery.rows_quarantined, delivery.orsak)
    assert counts == (2, 2, 0, None)
    stored = pipeline.rows(settled, SOURCE).sort("aktivitet_id")
    assert stored.select("aktivitet_id", "verksamhet", "manad", "status", "antal", "kommentar").rows() == [
        ("HH-2022-02", "BUH", date(2022, 8, 31), "genomford", 3.0, "Tre områden: bemötande, väntan, information."),
        ("HH-2022-04", "BUH", date(2022, 8, 31), "pagar", None, None),
    ]


def test_forms_of_one_day_are_one_days_delivery(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path)
    for code in ("BUH", "FAM"):
        path = pipeline.raw / SOURCE / default_name(SOURCE, code, MADE)
        write_form(path, SOURCE, asked_of(code, MONTH), code, MONTH, {}, MADE)
        book = openpyxl.load_workbook(path)
        book.worksheets[0]["D3"] = "Pågår"
        book.save(path)
    assert sorted(d.rows_accepted for d in pipeline.run().accepted(SOURCE)) == [1, 1]


def test_the_form_asks_for_what_the_verksamhet_is_to_report(form: Path) -> None:
    found = rows(form)
    assert list(found) == [i.id for i in followed_up_items() if i.reported and "BUH" in i.scope]
    assert {(row[1].value, row[2].value) for row in found.values()} == {("BUH", "2022-08")}
    assert found["HH-2022-02"][6].value == "Handlingsplan med tre förbättringsområden ur NPE 2020"
    assert all(row[7].value for row in found.values())
    assert "HH-2022-05" not in found and "HH-2022-05" in [i.id for i in asked_of("VUH", MONTH)]


def test_only_what_is_to_be_filled_in_is_open(form: Path) -> None:
    book = openpyxl.load_workbook(form)
    assert [s.protection.sheet for s in book.worksheets] == [True, True]
    assert all(s.protection.password is None for s in book.worksheets)
    sheet = book.worksheets[0]
    open_cells = {c.coordinate for row in sheet.iter_rows() for c in row if not c.protection.locked}
    asked = [row[0].row for row in rows(form).values()]
    numbered = [rows(form)[item][0].row for item in ("HH-2022-02", "HH-2022-30")]
    assert open_cells == {f"{x}{y}" for y in asked for x in "DF"} | {f"E{y}" for y in numbered}
    assert sheet.freeze_panes == "B2"
    lists = [v for v in sheet.data_validations.dataValidation if v.type == "list"]
    assert {v.formula1 for v in lists} == {'"Ej påbörjad,Pågår,Genomförd,Utgår"'}
    assert len(lists) == len(asked) and all(v.prompt for v in sheet.data_validations.dataValidation)


def test_an_earlier_comment_is_text_and_bounded(form: Path) -> None:
    month, status, comment = rows(form)["HH-2022-03"][9:12]
    assert (month.value, status.value) == ("2022-06", "Pågår")
    assert comment.data_type == "s" and comment.value.startswith('=HYPERLINK("http://x")⟨U+000B⟩ <b>fet</b>')
    assert len(comment.value) == 500


def test_what_was_reported_is_read_from_the_data_folder(tmp_path: Path) -> None:
    data = DataPaths(tmp_path)
    assert earlier_reports(data, SOURCE, "BUH", MONTH) == {}
    with database(data.warehouse, write=True) as connection:
        connection.execute(
            """
            create table stg_aktiviteter as select * from (values
                ('HH-2022-03', 'BUH', date '2022-06-30', 'pagar', 'Förr'),
                ('HH-2022-03', 'BUH', date '2022-03-31', 'ej_paborjad', null),
                ('HH-2022-03', 'BUH', date '2022-12-31', 'genomford', 'Senare'),
                ('HH-2022-04', 'AUD', date '2022-06-30', 'pagar', null)
            ) as t (aktivitet_id, verksamhet, manad, status, kommentar)
            """
        )
    assert earlier_reports(data, SOURCE, "BUH", MONTH) == {"HH-2022-03": Earlier(date(2022, 6, 30), "pagar", "Förr")}


@pytest.mark.parametrize(
    ("verksamhet", "month", "sentence"),
    [
        ("XYZ", MONTH, "Verksamheten XYZ finns inte: ange en av AUD, BUH"),
        ("BUH", date(2023, 1, 1), "Månaden 2023-01 hör inte till Aktivitetsplan 2022"),
    ],
)
def test_who_and_when_must_be_of_the_plan(verksamhet: str, month: date, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        asked_of(verksamhet, month)


def test_a_file_that_is_there_is_left_alone(form: Path) -> None:
    before = form.read_bytes()
    with pytest.raises(UsageError, match="finns redan och skrivs inte över"):
        write_form(form, SOURCE, asked_of("BUH", MONTH), "BUH", MONTH, {}, MADE)
    assert form.read_bytes() == before


def test_the_command_tells_wrong_use_in_one_sentence(tmp_path: Path) -> None:
    ask = ("template", "aktiviteter", "--data", str(tmp_path), "--out", str(tmp_path / "a.xlsx"))
    for options, sentence in (
        (("--verksamhet", "BUH", "--month", "augusti"), "augusti är ingen månad: skriv den som ÅÅÅÅ-MM"),
        (("--verksamhet", "HH", "--month", "2022-08"), "Verksamheten HH finns inte"),
    ):
        done = said(*ask, *options)
        assert done.returncode == 64 and sentence in done.stderr
    done = said("template", "kva", *ask[2:], "--verksamhet", "BUH", "--month", "2022-08")
    assert done.returncode == 64 and "Det finns ingen mall för kva: ange aktiviteter." in done.stderr
    done = said(*ask, "--verksamhet", "tc", "--month", "2022-08")
    assert done.returncode == 0 and "HH-2022-17" in rows(tmp_path / "a.xlsx")
