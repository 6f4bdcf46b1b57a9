"""The seed of breaks is empty today: that a row of it is read, and that a wrong one is told, is shown here."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from dagster_project.catalogue import breaks, sql_vars
from dagster_project.catalogue.breaks import BreakError, SeriesBreak, load_breaks, read_breaks
from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.organisation import area_codes, verksamhet_codes
from dagster_project.catalogue.seeds import SeedError, read_seed

INDICATOR, PLACE, AREA = load_catalogue()[0].id, verksamhet_codes()[0], area_codes()[0]
HEADER = "indicator_id,verksamhet,datum,orsak"
ALL_KINDS = (
    f"{INDICATOR},,2021-05-01,ny definition",
    f",{PLACE},2021-03-01,omorganisation",
    f"{INDICATOR},{PLACE},2021-04-01,nytt system",
    ',,2020-01-01,"nytt journalsystem, alla"',
)
"""A break of an indicator everywhere, of all at a verksamhet, of one at one, and of all everywhere."""


def rows_of(tmp_path: Path, *lines: str, header: str = HEADER) -> tuple[dict[str, str], ...]:
    path = tmp_path / "brott.csv"
    path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
    return read_seed(path)


def test_a_break_is_of_an_indicator_a_verksamhet_both_or_all(tmp_path: Path) -> None:
    assert read_breaks(rows_of(tmp_path, *ALL_KINDS), {INDICATOR}) == (
        SeriesBreak(INDICATOR, None, date(2021, 5, 1), "ny definition"),
        SeriesBreak(None, PLACE, date(2021, 3, 1), "omorganisation"),
        SeriesBreak(INDICATOR, PLACE, date(2021, 4, 1), "nytt system"),
        SeriesBreak(None, None, date(2020, 1, 1), "nytt journalsystem, alla"),
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("hittepa,,2021-05-01,x", "rad 2 kan inte läsas: indikatorn hittepa saknas i catalogue.csv"),
        (",XYZ,2021-05-01,x", "rad 2 kan inte läsas: verksamheten XYZ saknas i organisation.csv"),
        (f",{AREA},2021-05-01,x", f"rad 2 kan inte läsas: {AREA} är hela området, som har sina brott där"),
        (",,2021-02-30,x", "rad 2 kan inte läsas: 2021-02-30 i datum är inget datum"),
        (",,20210501,x", "rad 2 kan inte läsas: 20210501 i datum är inget datum"),  # dbt would not read it
        (",,2021-W18-6,x", "är inget datum (ÅÅÅÅ-MM-DD)"),
        (",,,x", "ingenting i datum är inget datum"),
        (",,2021-05-01,", "rad 2 kan inte läsas: orsak är tom"),
        (",,2021-05-01, ", "rad 2 kan inte läsas: orsak är tom"),
        (",,2021-05-01", "den har fler eller färre celler än rubriken"),
        (",,2021-05-01,ny definition, och mer", "den har fler eller färre celler än rubriken"),
        (",,2021-05-01,x\n,,2021-05-01,y", "har 2 rader för alla indikatorer alla verksamheter 2021-05-01: behåll en"),
    ],
)
def test_a_wrong_row_is_told_in_one_sentence(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(BreakError, match=rf"^dbt/seeds/brott\.csv .*{re.escape(told)}[^\n]*\.$"):
        read_breaks(rows_of(tmp_path, line), {INDICATOR})


def test_a_file_of_another_kind_is_told(tmp_path: Path) -> None:
    with pytest.raises(BreakError, match=r"brott\.csv saknar kolumnen indicator_id\."):
        read_breaks(rows_of(tmp_path, ";;2021-05-01;x", header=HEADER.replace(",", ";")), {INDICATOR})
    path = tmp_path / "brott.csv"
    path.write_bytes(f"{HEADER}\n,,2021-05-01,ändrat\n".encode("latin-1"))
    with pytest.raises(SeedError, match=r"brott\.csv är inte skriven i UTF-8"):
        read_seed(path)


def test_it_is_told_before_dbt_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of(tmp_path, ",XYZ,2021-05-01,x")
    monkeypatch.setattr(breaks, "seed", {"brott": rows}.__getitem__)
    load_breaks.cache_clear()
    try:
        with pytest.raises(BreakError, match="verksamheten XYZ"):
            sql_vars.sql_vars()
    finally:
        load_breaks.cache_clear()
