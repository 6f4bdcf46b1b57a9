"""Acknowledged rows of the quarantine: the reviewed file, and what stewards are then shown."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.reviewed import ReviewedListError
from dagster_project.ingestion.acknowledged import (
    COLUMNS,
    acknowledge,
    load_acknowledged,
    quarantine_now,
    without_rows,
)
from dagster_project.ingestion.quarantine import open_by_reason, select_quarantine, write_quarantine_csv
from dagster_project.products.words import quarantine_states
from dagster_project.runs.folder import QUARANTINE, RunFolder
from tests.quarantined import AUGUST, JULY, set_aside

TODAY = date(2022, 10, 3)
LINE = "kva,kva/kva_2022-07-01.csv,2022-07-01," + "a" * 64


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return set_aside(tmp_path / "data")


def listed(path: Path, *lines: str) -> Path:
    path.write_text("\n".join([",".join(COLUMNS), *lines]) + "\n", encoding="utf-8")
    return path


def open_lines(folder: RunFolder, path: Path) -> list[tuple[str, int]]:
    rows = select_quarantine(folder, acknowledged=load_acknowledged(path))
    return list(rows.select("file", "line").iter_rows())


def test_an_acknowledged_row_is_no_longer_open(folder: RunFolder, tmp_path: Path) -> None:
    path = tmp_path / "listor" / "kvitterade.csv"
    path.parent.mkdir()
    assert len(open_lines(folder, path)) == 3, "a missing file is an empty one"
    made, settled = acknowledge(
        path, folder, "kva_2022-07-01.csv", "2-5, 9", " Testrad,\n ur utbildning ", "Eva", TODAY
    )
    assert settled == 2, "row 3 was settled before"
    assert load_acknowledged(path) == [replace(made, line=2)] and made.lines == "2-5,9"
    assert open_lines(folder, path) == [(AUGUST.file, 2)]
    rows = quarantine_now(folder, load_acknowledged(path))
    assert quarantine_states(rows) == [
        "åtgärdad: kvitterad 2022-10-03 av Eva: Testrad, ur utbildning",
        "åtgärdad: ersatt av kva_2022-08-01.csv, som omfattar enhet och månad",
        "åtgärdad: kvitterad 2022-10-03 av Eva: Testrad, ur utbildning",
        "öppen",
    ]
    assert open_by_reason(rows) == [("kva", "format:kva_kod", 1)]


def test_a_second_line_is_added_and_the_first_one_tells(folder: RunFolder, tmp_path: Path) -> None:
    path = tmp_path / "kvitterade.csv"
    acknowledge(path, folder, JULY.file, "2", "ett", "Eva", TODAY)
    acknowledge(path, folder, JULY.file, "2,9", "två", "Bo", TODAY)
    assert [a.reason for a in load_acknowledged(path)] == ["ett", "två"]
    notes = quarantine_now(folder, load_acknowledged(path))["settled_note"].to_list()
    assert [(n or "")[-3:] for n in notes] == ["ett", "", "två", ""]


@pytest.mark.parametrize(
    ("file", "lines", "reason", "by", "told"),
    [
        ("kva_2022-07-01.csv", "3", "x", "y", "Öppna rader i den: 2, 9."),
        ("kva_2022-07-01.csv", "3-", "x", "y", "12, 12-40 eller 12,15-20"),
        ("kva_2022-07-01.csv", "9-2", "x", "y", "12, 12-40 eller 12,15-20"),
        ("kva_2022-09-01.csv", "2", "x", "y", "ingen leverans kva_2022-09-01.csv"),
        ("kva_2022-07-01.csv", "2", " ", "y", "--reason är tomt"),
        ("kva_2022-07-01.csv", "2", "x", "", "--by är tomt"),
    ],
)
def test_what_cannot_be_acknowledged_is_refused(
    folder: RunFolder, tmp_path: Path, file: str, lines: str, reason: str, by: str, told: str
) -> None:
    path = tmp_path / "kvitterade.csv"
    with pytest.raises(ResultattavlaError, match=told.replace(".", r"\.")):
        acknowledge(path, folder, file, lines, reason, by, TODAY)
    assert not path.exists()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"{LINE},2,,Eva,2022-10-03", "rad 3: reason saknas"),
        (f"{LINE},2,x,Eva,3/10", "rad 3: acknowledged_on 3/10 är inget datum"),
        (f"{LINE},tvåan,x,Eva,2022-10-03", "rad 3: raderna tvåan ska skrivas som"),
        (f"{LINE.replace('a' * 64, 'abc')},2,x,Eva,2022-10-03", "rad 3: sha256 ska vara 64 tecken"),
        (f"{LINE.replace('kva,', 'kwa,')},2,x,Eva,2022-10-03", "rad 3: källan kwa finns inte"),
        (f"{LINE.replace('2022-07-01,', '2022-07-02,')},2,x,Eva,2022-10-03", "rad 3: filen .* är ingen leverans"),
        (f"{LINE},2,x,Eva", "rad 3: raden har 7 celler i stället för 8"),
        (f"{LINE},2,x,19800517-9810,2022", "rad 3: acknowledged_on 2022 är inget datum"),
    ],
)
def test_a_bad_line_is_refused_with_file_and_line(tmp_path: Path, line: str, told: str) -> None:
    path = listed(tmp_path / "kvitterade.csv", f"{LINE},2,ok,Eva,2022-10-03", line)
    with pytest.raises(ReviewedListError, match=f"kvitterade.csv, {told}"):
        load_acknowledged(path)


def test_a_line_holds_for_its_delivery_and_no_other(folder: RunFolder, tmp_path: Path) -> None:
    """Other bytes under the same name are another delivery; that a line names no row is told, not refused."""
    path = listed(
        tmp_path / "kvitterade.csv",
        f"{LINE.replace('a' * 64, 'c' * 64)},2,x,Eva,2022-10-03",
        f"{LINE},3,x,Eva,2022-10-03",
    )
    assert len(open_lines(folder, path)) == 3
    (told,) = without_rows(folder.read(QUARANTINE), load_acknowledged(path), path)
    assert "kvitterade.csv, rad 2: ingen rad i karantän är rad 2 av kva/kva_2022-07-01.csv" in told


def test_no_personnummer_gets_into_the_list(folder: RunFolder, tmp_path: Path) -> None:
    path = tmp_path / "kvitterade.csv"
    acknowledge(path, folder, JULY.file, "2", "gäller 19800517-9810", "Eva 198005179810", TODAY)
    assert "9810" not in path.read_text(encoding="utf-8")


def test_the_list_for_excel_says_what_became_of_each_row(folder: RunFolder, tmp_path: Path) -> None:
    path, rows = tmp_path / "karantan.csv", select_quarantine(folder, every=True)
    write_quarantine_csv(rows, path, quarantine_states(rows))
    assert path.read_bytes().startswith(b"\xef\xbb\xbfsource;file;line;reasons;key;values;state;first_seen;lage\n")
    with path.open(encoding="utf-8-sig", newline="") as file:
        read = list(csv.DictReader(file, delimiter=";"))
    assert [r["lage"] for r in read] == quarantine_states(rows)
    assert [r["values"] for r in read][2:] == ["kva_kod==2+5", "kva_kod=1,5"]
    write_quarantine_csv(rows.with_columns(key=pl.lit("=cmd|x")), path, quarantine_states(rows))
    assert path.read_text(encoding="utf-8-sig").count(";'=cmd|x;") == 4, "no sheet runs it"


def test_an_older_run_folder_is_read_too(folder: RunFolder) -> None:
    """Its table has no columns for what settled a row."""
    older = folder.read(QUARANTINE).drop("settled_by", "settled_note")
    older.write_parquet(folder.path(QUARANTINE))
    assert quarantine_states(quarantine_now(folder, ()))[1] == "åtgärdad: rättad i kva_2022-08-01.csv"
