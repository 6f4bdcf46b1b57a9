"""Lists that people keep in Excel (rounds, observations, purchases, e-services), and the same in other formats."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import polars as pl
import pytest

from dagster_project.catalogue.contracts import load_contracts
from dagster_project.ingestion.readers import read_delivery
from dagster_project.ingestion.rows import ParsedDelivery, parse_delivery
from tests.extracts import EXTRACTION, KEY, UNIT, csv_bytes, parquet_bytes, xlsx_bytes

NAMES = ["hsaid_enhet", "manad", "tjanst", "antal"]
SERVICES = [
    [UNIT, "2022-05", "Ombokning", "17"],
    [UNIT.lower(), "2022-05-01", "OMBOKNING ", "17,0"],  # the same row
    [UNIT, "2022-05", "Fo\u0308rnya recept", "3"],
    [UNIT, "202205", "FÖRNYA RECEPT", "4"],  # the same key, another number
    [UNIT, "2022-05", "avbokning", "-1"],
    [UNIT, "2022-05", "bokning", "0"],
]


def _csv(rows: list[list[str]], encoding: str = "utf-8") -> bytes:
    return csv_bytes([dict(zip(NAMES, row, strict=True)) for row in rows]).decode().encode(encoding)


def _sheet(rows: list[list[str]]) -> bytes:
    return xlsx_bytes([["HSAID enhet", "Månad", "Tjänst", "Antal"], *rows])


def _parquet(rows: list[list[str]]) -> bytes:
    return parquet_bytes(pl.DataFrame(rows, schema=dict.fromkeys(NAMES, pl.String), orient="row"))


def read(source: str, extension: str, content: bytes) -> ParsedDelivery:
    contract = load_contracts()[source]
    return parse_delivery(read_delivery(content, extension, contract), contract, EXTRACTION, "test", KEY)


@pytest.mark.parametrize(("extension", "write"), [("csv", _csv), ("xlsx", _sheet), ("parquet", _parquet)])
def test_the_same_list_in_every_format(extension: str, write: Callable[[list[list[str]]], bytes]) -> None:
    result = read("etjanster", extension, write(SERVICES))
    assert result.accepted.select("tjanst", "antal").rows() == [("ombokning", 17), ("bokning", 0)]
    assert result.rows_duplicate == 1
    assert [r.to_list() for r in result.quarantined["reasons"]] == [
        ["dubblett:konflikt"],
        ["dubblett:konflikt"],
        ["varde:antal"],
    ]
    assert result.accepted["event_date"].unique().to_list() == [date(2022, 5, 31)]


def test_rounds_as_people_keep_them() -> None:
    """Native days, words as they are spelled, a kind that is not one, a form left out, a note below."""
    sheet = xlsx_bytes(
        [
            ["Rond-ID", "HSAID enhet", "Rondtyp", "Form", "Ronddatum"],
            ["R1", UNIT, "Patientsäkerhet", None, datetime(2022, 5, 3)],
            ["R2", UNIT, "MILJÖ ", "Uppföljd", "2022-05-04"],
            ["R3", UNIT, "Miljo\u0308", "-", datetime(2022, 5, 5, 13, 30)],
            ["R4", UNIT, "Brand", "genomförd", datetime(2022, 5, 6)],
            ["R5", UNIT, "Miljö", "Planerad", datetime(2022, 12, 6)],
            [6, UNIT, "Miljö", "genomförd", datetime(2022, 5, 7)],
            ["Antal ronder: 6"],
        ]
    )
    result = read("ronder", "xlsx", sheet)
    assert result.accepted.select("rond_id", "rondtyp", "form", "ronddatum").rows() == [
        ("R1", "patientsakerhet", "genomford", date(2022, 5, 3)),
        ("R2", "miljo", "uppfoljd", date(2022, 5, 4)),
        ("R3", "miljo", "genomford", date(2022, 5, 5)),
        ("6", "miljo", "genomford", date(2022, 5, 7)),
    ]
    assert [r.to_list() for r in result.quarantined["reasons"]] == [
        ["varde:rondtyp"],
        ["framtid:ronddatum", "varde:form"],
    ]


def test_answers_as_numbers_and_words() -> None:
    items = [c.name for c in load_contracts()["bhk"].columns if c.values]
    day = datetime(2022, 5, 3)
    sheet = xlsx_bytes(
        [
            ["observation_id", "hsaid_enhet", "observationsdatum", *items],
            ["B1", UNIT, day, 1, 2, 3, 1, 1, 1, 1, 1],
            ["B2", UNIT, day, "Ja", "nej", "Ej aktuellt", "EJ AKTUELLT", "e", "E", "j", "N"],
            ["B3", UNIT, day, 1, 1, 1, 1, 1, 1, 1, None],
            ["B4", UNIT, day, 1, 1, 1, 1, 1, 1, 1, 4],
            ["B5", UNIT, day, "?", 1, 1, 1, 1, 1, 1, "vet inte"],
        ]
    )
    result = read("bhk", "xlsx", sheet)
    assert result.accepted.select(items).rows() == [
        ("ja", "nej", "ej_aktuellt", "ja", "ja", "ja", "ja", "ja"),
        ("ja", "nej", "ej_aktuellt", "ej_aktuellt", "ej_aktuellt", "ej_aktuellt", "ja", "nej"),
    ]
    assert [r.to_list() for r in result.quarantined["reasons"]] == [
        ["saknas:k_har"],
        ["varde:k_har"],
        ["varde:h_fore", "varde:k_har"],
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252"])
def test_purchases_with_swedish_numbers(encoding: str) -> None:
    text = (
        "HSAID enhet;Månad;Artikelgrupp;Antal;Belopp kr\r\n"
        f"{UNIT};2022-05;Förkläden;1\u00a0200,5;-310,50\r\n"
        f"{UNIT};2022-05;Handskar;-5;310,50\r\n"
        f"{UNIT};2022-05;Muggar;5;fri\r\n"
    )
    result = read("klimatinkop", "csv", text.encode(encoding))
    assert result.accepted.select("artikelgrupp", "antal", "belopp_kr").rows() == [("Förkläden", 1200.5, -310.5)]
    assert [r.to_list() for r in result.quarantined["reasons"]] == [["varde:antal"], ["format:belopp_kr"]]
