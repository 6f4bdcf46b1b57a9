"""Cell types: what the specification's table accepts and refuses, and that no text ever stops a parser."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.ingestion import cells

NBSP, NARROW, MINUS = "\u00a0", "\u202f", "\u2212"
MAY, LEAP = date(2022, 5, 30), date(2020, 2, 29)

CASES: dict[str, dict[str, Any]] = {
    "date": {
        "2022-05-30": MAY,
        "20220530": MAY,
        "2020-02-29": LEAP,
        "2022-05-30T23:59:59": MAY,
        "2022-05-30 23:59": MAY,
        "2022-05-30T23:59:59.123456": MAY,
        "2022-05-30T23:59:59,5": MAY,
        "20220530T235959": MAY,
        "1900-01-02": date(1900, 1, 2),
        # 24:00 is the end of its day, not the beginning of the next.
        "2022-05-30T24:00": MAY,
        "2022-05-30 24:00:00": MAY,
        "2022-05-30T24:00:00+02:00": MAY,
        "2022-05-29T24:00:00Z": MAY,
        "2022-05-30T24:01": None,
        "2022-05-30T24:00:01": None,
        "2022-05-30T12:00:00+15:00": None,
        "2022-05-30T12:00:00+02:60": None,
        "1899-12-31T22:59:00Z": None,
        # Sweden is UTC+1 in winter and UTC+2 in summer.
        "2022-01-15T22:59:59Z": date(2022, 1, 15),
        "2022-01-15T23:00:00Z": date(2022, 1, 16),
        "2022-07-15T21:59:59Z": date(2022, 7, 15),
        "2022-07-15T22:00:00Z": date(2022, 7, 16),
        "2022-07-15T00:30:00+05:00": date(2022, 7, 14),
        "2022-07-15T23:30:00-05:00": date(2022, 7, 16),
        "2022-07-15T23:30:00+02:00": date(2022, 7, 15),
        "2022-07-15T00:30:00+0300": date(2022, 7, 14),
        "2022-07-15T00:30:00+03": date(2022, 7, 14),
        # The days when the clock is changed (27 March and 30 October 2022, at 01:00 UTC).
        "2022-03-26T22:59:00Z": date(2022, 3, 26),
        "2022-03-26T23:00:00Z": date(2022, 3, 27),
        "2022-03-27T21:59:00Z": date(2022, 3, 27),
        "2022-03-27T22:00:00Z": date(2022, 3, 28),
        "2022-10-29T22:00:00Z": date(2022, 10, 30),
        "2022-10-30T22:59:00Z": date(2022, 10, 30),
        "2022-10-30T23:00:00Z": date(2022, 10, 31),
        "2022-02-30": None,
        "2021-02-29": None,
        "2022-13-01": None,
        "2022-00-10": None,
        "22-05-30": None,
        "220530": None,
        "30/5/2022": None,
        "2022-5-30": None,
        "2022.05.30": None,
        "1899-12-31": None,
        "0022-05-30": None,
        "2022-05": None,
        "2022-05-30T25:00:00": None,
        "2022-05-30T23:60:00": None,
        "2022-05-30x": None,
        "2022-0530": None,
        "202205-30": None,
        "44711": None,
        "idag": None,
        "٢٠٢٢-٠٥-٣٠": None,
    },
    "month": {
        "2022-05": date(2022, 5, 31),
        "202205": date(2022, 5, 31),
        "2022-05-01": date(2022, 5, 31),
        "20220531": date(2022, 5, 31),
        "2020-02": LEAP,
        "2021-02-10T12:00:00": date(2021, 2, 28),
        "2022-04-30T22:00:00Z": date(2022, 5, 31),
        "2022-13": None,
        "202200": None,
        "2022": None,
        "22-05": None,
        "maj 2022": None,
        "2022-5": None,
        "1899-12": None,
    },
    "int": {
        "0": 0,
        "7": 7,
        "+7": 7,
        "-2": -2,
        "007": 7,
        "3,0": 3,
        "3.0": 3,
        "1 234": 1234,
        f"1{NBSP}234{NBSP}567": 1234567,
        f"12{NARROW}345": 12345,
        "-1 234": -1234,
        "9223372036854775807": 2**63 - 1,
        "9223372036854775808": None,
        "3,5": None,
        "1e3": None,
        "1_000": None,
        "0x1F": None,
        "NaN": None,
        "inf": None,
        "--1": None,
        "1 23": None,
        "1234 567": None,
        "1,": None,
        ",0": None,
        "(3)": None,
        "+": None,
        "tre": None,
        "٣": None,
    },
    "number": {
        "0": 0.0,
        "12,5": 12.5,
        "12.5": 12.5,
        "1 234,50": 1234.5,
        f"1{NBSP}234{NBSP}567.25": 1234567.25,
        f"1{NARROW}234": 1234.0,
        "-12,5": -12.5,
        f"{MINUS}12,5": -12.5,
        "(12,5)": -12.5,
        "(1 234)": -1234.0,
        "+3": 3.0,
        "1.234,5": None,
        "1,234.5": None,
        "1e3": None,
        "NaN": None,
        "inf": None,
        "1_0": None,
        "12,5 kr": None,
        "(-5)": None,
        "-(5)": None,
        "(5": None,
        "5)": None,
        ",5": None,
        "5,": None,
        "9" * 400: None,
    },
    "yes_no": {
        **dict.fromkeys(("1", "J", "j", "Ja", "JA", "ja", "T", "t", "True", "TRUE", "true", "SANT", "Sant"), True),
        **dict.fromkeys(("2", "N", "n", "Nej", "NEJ", "nej", "F", "f", "False", "FALSE", "FALSKT", "falskt"), False),
        **dict.fromkeys(("0", "3", "Yes", "no", "X", "Jaha", "1,0x", "Sannt"), None),
    },
    "sex": {
        **dict.fromkeys(("1", "M", "m", "Man", "MAN", "man"), "M"),
        **dict.fromkeys(("2", "K", "k", "Kvinna", "KVINNA"), "K"),
        **dict.fromkeys(("3", "O", "o", "Okänt", "OKÄNT", "okänt"), "O"),
        **dict.fromkeys(("0", "4", "F", "Female", "Pojke", "MK"), None),
    },
    "hsaid": {
        "SE2321000164-1001": "SE2321000164-1001",
        "se2321000164-abc1": "SE2321000164-ABC1",
        "SE2321000164-A": "SE2321000164-A",
        "SE2321000164-" + "A" * 18: "SE2321000164-" + "A" * 18,
        "SE2321000164-" + "A" * 19: None,
        "SE2321000164-": None,
        "SE2321000164": None,
        "SE232100016-1001": None,
        "SE23210001644-1001": None,
        "NO2321000164-1001": None,
        "SE2321000164-10 01": None,
        "SE2321000164-ÅÄÖ": None,
        "SE2321000164_1001": None,
    },
    "kva_code": {
        "DV111": "DV111",
        "dv111": "DV111",
        "QT016": "QT016",
        "ABC12": "ABC12",
        "abc12": "ABC12",
        "DV11": None,
        "DV1111": None,
        "D1111": None,
        "ABCD1": None,
        "12345": None,
        "ÅÄ123": None,
        "DV 111": None,
        "DV111;DV112": None,
    },
}

EXAMPLES = [(kind, text, expected) for kind, table in CASES.items() for text, expected in table.items()]


def parse(kind: str, *texts: str) -> list[Any]:
    return cells.PARSERS[kind](cells.trim(pl.Series(texts, dtype=pl.String))).to_list()


def test_every_cell_type_with_a_parser_has_examples() -> None:
    assert set(CASES) == set(cells.PARSERS)


@pytest.mark.parametrize(("kind", "text", "expected"), EXAMPLES, ids=[f"{k}-{t[:24]!r}" for k, t, _ in EXAMPLES])
def test_accepted_and_refused(kind: str, text: str, expected: Any) -> None:
    assert parse(kind, text) == [expected]
    assert parse(kind, f" {NBSP}{text}\t") == [expected], "cells are trimmed, NBSP too"


@pytest.mark.parametrize("kind", CASES)
def test_a_column_gives_the_same_as_its_cells(kind: str) -> None:
    """Long columns of repeated texts are parsed once per distinct text; order and nulls must survive it."""
    texts = [*CASES[kind], ""] * 5
    column = cells.PARSERS[kind](cells.trim(pl.Series(texts, dtype=pl.String)))
    assert column.to_list() == [*CASES[kind].values(), None] * 5
    assert column.dtype == cells.DTYPES[kind]


@pytest.mark.parametrize("text", ["", " ", NBSP, "NULL", "null", "Null", "NA", "na", "-", " - ", f"{NBSP}NULL "])
def test_missing(text: str) -> None:
    assert cells.trim(pl.Series([text])).to_list() == [None]


@pytest.mark.parametrize("text", ["\ufeffNA", "\u200b", "NULL\u200d", " \ufeff \u200b-\u2060\u00a0"])
def test_missing_behind_characters_without_width(text: str) -> None:
    assert cells.trim(pl.Series([text])).to_list() == [None]


@pytest.mark.parametrize("edge", ["\ufeff", "\u200b", "\u200e", "\u2060", "\u00ad", f" \ufeff{NBSP}\u200b "])
def test_characters_without_width_are_trimmed_at_the_edges_only(edge: str) -> None:
    assert cells.trim(pl.Series([f"{edge}A1{edge}", f"A{edge}1"])).to_list() == ["A1", f"A{edge}1"]
    assert parse("date", f"{edge}2022-05-30{edge}") == [MAY]


SHEET_ERRORS = [
    *("#N/A", "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#SPILL!", "#CALC!", "#GETTING_DATA"),
    *("#SAKNAS!", "#REFERENS!", "#VÄRDEFEL!", "#NAMN?", "#DIVISION/0!", "#SKÄRNING!", "#OGILTIGT!"),  # Swedish
    *(
        "#NV",
        "#BEZUG!",
        "#WERT!",
        "#ZAHL!",
        "#ÜBERLAUF!",
        "#N/D",
        "#RIF!",
        "#¡REF!",
        "#¿NOMBRE?",
        "#I/T",
        "#VÆRDI!",
        "#PUUTTUU!",
        "#YOK",
        "#Н/Д",
        "#ССЫЛКА!",
        "#####",
        "Err:502",
    ),
]


def test_what_a_spreadsheet_writes_for_a_failed_formula() -> None:
    assert cells.is_sheet_error(pl.Series(SHEET_ERRORS)).all()
    texts = ["#1", "#12", "#metoo!", "Vård!", "Hur?", "N/A", "#", "# A!", "x #N/A", None]
    assert not cells.is_sheet_error(pl.Series(texts)).any()
    for kind in cells.PARSERS:
        assert parse(kind, *SHEET_ERRORS) == [None] * len(SHEET_ERRORS)


def test_identifiers_that_a_spreadsheet_has_damaged() -> None:
    damaged = [
        '="1001"',
        "=1001",
        "'1001",
        "\u20191001",
        "1,91E+11",
        "1.91e+11",
        "1E+11",
        "1.91E11",
        "1001.0",
        "1001,00",
    ]
    assert cells.is_damaged(pl.Series(damaged)).all()
    whole = ["1001", "0012", "12E4", "V1.0", "G80.0", "1001.5", "A'1", "1e5", "E+11", "1.0.0", "a=b", None]
    assert not cells.is_damaged(pl.Series(whole)).any()


def test_ditto_marks_are_no_identifiers() -> None:
    marks = [
        '"',
        "\u2033",
        "\u3003",
        "\u201d",
        "''",
        "\u00b4\u00b4",
        ",,",
        ",,,",
        '-"-',
        '- " -',
        "\u2013\u201d\u2013",
        "-''-",
    ]
    assert cells.is_damaged(pl.Series([*marks, "do.", "Do.", "dito", "DITO", "ditto", "d:o", "-ii-"])).all()
    whole = ["do", "ii", "II", "--", "A''", '6"', "dito1", "12,,3", "X-1", ",", "D.O", None]
    assert not cells.is_damaged(pl.Series(whole)).any()


@pytest.mark.parametrize("text", ["0", "N/A", "NULLS", "--", "NaN", "None", "\u2212", "nej", "."])
def test_not_missing(text: str) -> None:
    assert cells.trim(pl.Series([text])).to_list() == [text]


@pytest.mark.parametrize(
    "text",
    [
        *("1900-01-01", "19000101", "9999-12-31", "99991231", "9999-12-31T00:00:00", "9999-12-31T24:00"),
        # Looked at before the zone moves them into another day or year ...
        *(
            "9999-12-31T23:59:59Z",
            "9999-12-31 23:59:59.9999999-05:00",
            "99991231T235959+01:00",
            "1900-01-01T00:00:00+05:00",
        ),
        # ... and after: midnight in Sweden, written in UTC.
        *("9999-12-30T23:00:00Z", "1899-12-31T23:00:00Z"),
    ],
)
@pytest.mark.parametrize("kind", ["date", "month"])
def test_dates_that_mean_missing(kind: str, text: str) -> None:
    assert cells.is_no_date(cells.PARSERS[kind](pl.Series([text]))).to_list() == [True]


def test_code_is_compared_without_case_and_diacritics() -> None:
    values = ("GENOMFORD", "VANTANDE")
    texts = pl.Series(["genomförd", "GENOMFÖRD", "Väntande", "VANTANDE", "okänd", None])
    assert cells.parse_code(texts, values).to_list() == [*values[:1] * 2, *values[1:] * 2, "OKAND", None]
    assert cells.parse_code(pl.Series(["CPUP", "Grav_Horsel_Vuxna"]), ("cpup", "grav_horsel_vuxna")).to_list() == [
        "cpup",
        "grav_horsel_vuxna",
    ]


DATES = st.dates(date(1900, 1, 2), date(9999, 12, 30))
MODERN = st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31))


@settings(deadline=None, max_examples=100)
@given(DATES, st.times())
def test_a_date_survives_all_its_spellings(day: date, time: Any) -> None:
    stamp = datetime.combine(day, time)
    texts = (
        day.isoformat(),
        f"{day:%Y%m%d}",
        stamp.isoformat(),
        stamp.isoformat(" "),
        stamp.isoformat(timespec="seconds"),
        stamp.isoformat(timespec="minutes"),
        f"{day:%Y%m%d}T{time:%H%M%S}",
    )
    assert parse("date", *texts) == [day] * len(texts)
    last = day.replace(day=monthrange(day.year, day.month)[1])
    months = (f"{day:%Y}-{day:%m}", f"{day:%Y}{day:%m}", *texts)
    assert parse("month", *months) == [last] * len(months)


@settings(deadline=None, max_examples=150)
@given(MODERN, st.integers(-14 * 60, 14 * 60))
def test_time_zones_agree_with_the_standard_library(stamp: datetime, offset: int) -> None:
    sign, (hours, minutes) = "-" if offset < 0 else "+", divmod(abs(offset), 60)
    text = f"{stamp.isoformat(timespec='seconds')}{sign}{hours:02}:{minutes:02}"
    expected = datetime.fromisoformat(text).astimezone(ZoneInfo("Europe/Stockholm")).date()
    assert parse("date", text) == [expected]


@settings(deadline=None, max_examples=150)
@given(
    st.integers(-(2**63) + 1, 2**63 - 1), st.sampled_from(("", " ", NBSP, NARROW)), st.sampled_from(("", ",0", ".00"))
)
def test_an_int_survives_any_thousands_blank(value: int, blank: str, tail: str) -> None:
    assert parse("int", f"{value:,}".replace(",", blank) + tail) == [value]


@settings(deadline=None, max_examples=150)
@given(
    st.decimals(-(10**12), 10**12, places=2, allow_nan=False),
    st.sampled_from(("", " ", NBSP, NARROW)),
    st.sampled_from((",", ".")),
    st.sampled_from(("-", MINUS, "()")),
)
def test_a_number_survives_its_spellings(value: Any, blank: str, point: str, negative: str) -> None:
    whole, _, decimals = f"{abs(value):,}".partition(".")
    text = whole.replace(",", blank) + point + decimals
    if value < 0:
        text = f"({text})" if negative == "()" else negative + text
    assert parse("number", text) == [float(value)]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text(max_size=40) | st.from_regex(r"[0-9TZ:+\-., ()]{0,32}", fullmatch=True), max_size=6))
def test_no_text_stops_a_parser(texts: list[str]) -> None:
    series = cells.trim(pl.Series(texts, dtype=pl.String))
    for kind, parser in cells.PARSERS.items():
        values = parser(series)
        assert values.len() == len(texts) and values.dtype == cells.DTYPES[kind]
        assert all(v is not None or p is None for p, v in zip(values, series, strict=True)), "missing stays missing"
        if values.dtype == pl.Date:
            years = values.dt.year().drop_nulls()
            assert years.is_between(1900, 9999).all()
    assert cells.parse_code(series, ("cpup",)).len() == len(texts)
