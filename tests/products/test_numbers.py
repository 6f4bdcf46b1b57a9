"""The audit of numbers finds what stands in a file of any kind, however it is written; and nothing that does not."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter
from docx import Document

from dagster_project.products.numbers import numbers_in

HIDDEN = 734561.5
OTHERS = "12 345 678, 734,5 och 1 734 561"


def _xlsx(path: Path, value: Any) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, [12, value, 34])


def _docx(path: Path, value: Any) -> None:
    document = Document()
    table = document.add_table(1, 3)
    for cell, text in zip(table.rows[0].cells, ("12", str(value), "34"), strict=True):
        cell.text = text
    document.save(str(path))


def _docx_in_pieces(path: Path, value: Any) -> None:
    document = Document()
    paragraph = document.add_paragraph("Talet är ")
    for piece in (str(value)[:3], str(value)[3:]):
        paragraph.add_run(piece).bold = piece.startswith("7")
    document.save(str(path))


def _parquet(path: Path, value: Any) -> None:
    pl.DataFrame({"a": [1, 2], "b": [value, None]}).write_parquet(path)


def _text(template: str) -> Any:
    return lambda path, value: path.write_text(template.format(value), encoding="utf-8")


WRITERS = {
    "bok.xlsx": _xlsx,
    "brev.docx": _docx,
    "delad.docx": _docx_in_pieces,
    "tabell.parquet": _parquet,
    "kolada.json": lambda path, value: path.write_text(json.dumps({"a": [1, {"b": value}]})),
    "rad.csv": _text("a;b\n12;{};34\n"),
    "metrics.prom": _text('x{{a="12"}} {}\n'),
    "sida.html": _text("<p title='n'>12<b>{}</b>34</p>"),
    "attribut.html": _text("<p title='{}'>12</p>"),
    "bild.svg": _text("<svg><title>{}</title></svg>"),
    "tavla.js": _text("var x = [{}];"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_it_is_found_in_every_kind_of_file(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "ut" / "djupt"
    folder.mkdir(parents=True)
    WRITERS[name](folder / name, 12 if name in ("tabell.parquet", "kolada.json", "bok.xlsx") else OTHERS)
    assert numbers_in(tmp_path, [HIDDEN]) == []
    WRITERS[name](folder / name, HIDDEN)
    assert numbers_in(tmp_path, [HIDDEN]) == [f"ut/djupt/{name}: {HIDDEN!r}"]


@pytest.mark.parametrize(
    "written",
    ["734561.5", "734 561,5", "734\u00a0561,5", "734\u202f561,50", "734,561.5", "-734561,5", "734562", "734 562",
     "734,56 tkr", "0,734562", "<i>734</i>\u202f561,5", "734&nbsp;561,5", "734&#8239;561,5"],
)  # fmt: skip
def test_it_is_found_however_it_is_written(tmp_path: Path, written: str) -> None:
    (tmp_path / "sida.html").write_text(f"<p>{written}</p>", encoding="utf-8")
    assert numbers_in(tmp_path, [HIDDEN]) == [f"sida.html: {HIDDEN!r}"]


@pytest.mark.parametrize("written", ["1734561.5", "734561.57", "734 563", "734.5", "0,7346", "12 734 561,5"])
def test_other_numbers_are_other_numbers(tmp_path: Path, written: str) -> None:
    (tmp_path / "sida.html").write_text(f"<p>{written}</p>", encoding="utf-8")
    assert numbers_in(tmp_path, [HIDDEN]) == []


def test_a_file_of_an_unknown_kind_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"734561.5")
    with pytest.raises(ValueError, match="a.bin: a file of this kind cannot be audited"):
        numbers_in(tmp_path, [HIDDEN])
    (tmp_path / "a.bin").unlink()
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("inre.dat", "734561.5")
    with pytest.raises(ValueError, match="inre.dat"):
        numbers_in(tmp_path, [HIDDEN])
